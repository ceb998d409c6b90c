"""What an endpoint tells about the operations it runs, to whoever counts them."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from graphql import OperationType
from starlette.requests import HTTPConnection
from strawberry.types.execution import ExecutionResult

from ampyard.engine.operation import Operation

_NAMES: Final = ("graphql-client-name", "apollographql-client-name")
_VERSIONS: Final = ("graphql-client-version", "apollographql-client-version")
_HEADERS: Final = frozenset(name.encode() for name in (*_NAMES, *_VERSIONS))


@dataclass(frozen=True, slots=True)
class Client:
    """The program that asks, as it calls itself; empty where it does not say. Nothing may be granted by it."""

    name: str = ""
    version: str = ""

    @classmethod
    def of(cls, connection: HTTPConnection) -> "Client":
        """What the `connection_init` payload, else the headers say."""
        told = connection.scope.get("graphql.client")
        if isinstance(told, Client):
            return told
        # In one pass over the bytes: this is done for every operation.
        return _client({name.decode(): value.decode("latin-1") for name, value in connection.scope["headers"] if name in _HEADERS})

    @staticmethod
    def initialise(connection: HTTPConnection, payload: Mapping[str, object]) -> None:
        """Note what a `connection_init` payload says, under the names of the headers."""
        client = _client({name.lower(): value for name, value in payload.items() if isinstance(value, str)})
        if client.name:
            connection.scope["graphql.client"] = client


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationReport:
    """One operation that is over, or was refused.

    `outcome` is `OK`, `CANCELLED`, or the code of its first error. `name` and `type` are None where no operation was found. The name is the
    client's own choice, as its own name is: whoever counts by them must bound their number.
    """

    name: str | None
    type: str | None
    client: Client
    outcome: str
    duration_s: float


Observe = Callable[[OperationReport], None]


@dataclass(slots=True)
class Activity:
    """What an endpoint is doing right now."""

    operations: int = 0
    sockets: int = 0


async def observed(
    results: AsyncGenerator[ExecutionResult, None], operation: Operation, connection: HTTPConnection, activity: Activity, observe: Observe
) -> AsyncGenerator[ExecutionResult, None]:
    """Pass results on; report the operation when it is over, or cut off. A single result is reported before it is passed on."""
    began = perf_counter()
    outcome = "OK"

    def report(outcome: str) -> None:
        duration_s = perf_counter() - began
        observe(
            OperationReport(
                name=operation.name, type=operation.type.value, client=Client.of(connection), outcome=outcome, duration_s=duration_s
            )
        )

    single = operation.type is not OperationType.SUBSCRIPTION
    reported = False
    activity.operations += 1
    try:
        async with aclosing(results):
            async for result in results:
                outcome = outcome_of(result)
                if single:
                    reported = True
                    report(outcome)
                yield result
        if not reported:
            reported = True
            report(outcome)
    finally:
        activity.operations -= 1
        if not reported:
            report("CANCELLED")


def outcome_of(result: ExecutionResult) -> str:
    """`OK`, or the code of the first error."""
    return str((result.errors[0].extensions or {}).get("code")) if result.errors else "OK"


def _client(told: Mapping[str, str]) -> Client:
    return Client(_first(told, _NAMES), _first(told, _VERSIONS))


def _first(told: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((told[name] for name in names if name in told), "")
