from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from starlette.requests import HTTPConnection

from ampyard.engine.operation import OperationContext
from ampyard.engine.schema import Schema


class Principal(Protocol):
    """Who is asking; the engine only needs to know until when the credential holds."""

    @property
    def expires_at(self) -> datetime | None: ...


P = TypeVar("P", bound=Principal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[P]):
    """A schema and how it is served.

    `authenticate` gets the connection and, on a WebSocket, the `authorization` of the `connection_init` payload (None where there is none;
    the HTTP header is then the credential), and raises `UnauthenticatedError`. A credential must never be ambient (a cookie): there is no
    other protection against cross-site WebSockets and GET requests.

    `context` makes the context of one operation; it is called for every operation, also on the same socket.
    """

    schema: Schema
    authenticate: Callable[[HTTPConnection, str | None], Awaitable[P]]
    context: Callable[[P, HTTPConnection], OperationContext]
    ide: bool = False
    max_body_bytes: int = 1_048_576
    max_operations_per_socket: int = 100
    connection_init_timeout_s: float = 10.0
    ping_interval_s: float = 12.0
    send_timeout_s: float = 30.0


def remaining_s(principal: Principal) -> float | None:
    """Seconds until the principal's credential expires, negative when it has; None when it never does."""
    return None if principal.expires_at is None else (principal.expires_at - datetime.now(UTC)).total_seconds()
