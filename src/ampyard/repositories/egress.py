"""Calling addresses that tenants name, and nobody whom they must not reach: it is our network that calls."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx

from ampyard.domain.notifications.webhooks import is_public

_TIMEOUT_S = 15.0
_DEFAULT_PORTS = {"https": 443, "http": 80}


class EgressError(Exception):
    """Nobody was reached; `permanent`: nobody would be another time either, as the address must not be called."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the status, and how the body begins."""

    host: str
    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is from 200 to 299."""
        return httpx.codes.is_success(self.status)

    @property
    def text(self) -> str:
        """How the body begins, for people."""
        return self.body.decode(errors="replace").strip()


@dataclass(frozen=True, slots=True)
class Egress:
    """Calls addresses.

    Args:
        private_allowed: addresses that are not of the public internet may be called, and over http: for an installation whose other sides
            are in its own network.
    """

    private_allowed: bool = False

    async def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        most_bytes: int,
        most_bytes_of_error: int = 500,
    ) -> Answer:
        """Call an address; returns what was answered, whatever it was. Redirects are not followed.

        The name is resolved here, once, and what it leads to is looked at and then called: resolved again it might lead elsewhere.

        Raises:
            EgressError: it must not be called, was not reached within 15 s, or answers with more than `most_bytes`.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
        if parts.scheme != "https" and not self.private_allowed:
            raise EgressError(f"{parts.scheme}:// is not called, https:// is.", permanent=True)
        address = await self._resolved(host, port)
        literal = f"[{address}]" if ":" in address else address
        there = urlunsplit((parts.scheme, f"{literal}:{port}", parts.path or "/", parts.query, ""))
        named = f"[{host}]" if ":" in host else host
        # What is called is the address; what is asked for, and whose certificate must be shown, is the name.
        asked = {**headers, "host": named if parts.port is None else f"{named}:{parts.port}"}
        try:
            async with (
                httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False) as client,
                asyncio.timeout(_TIMEOUT_S),
                client.stream(method, there, content=body, headers=asked, extensions={"sni_hostname": host}) as answer,
            ):
                if not answer.is_success:
                    return Answer(host, answer.status_code, await _beginning(answer, most_bytes_of_error))
                shown = await _beginning(answer, most_bytes + 1)
                if len(shown) > most_bytes > 0:
                    raise EgressError(f"{host} answered with more than {most_bytes} bytes.")
                return Answer(host, answer.status_code, shown)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise EgressError(f"{host} was not reached: {str(error) or type(error).__name__}") from error

    async def _resolved(self, host: str, port: int) -> str:
        """Return an address of a host that may be called."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise EgressError(f"{host} has no address: {error}") from error
        addresses = [str(entry[4][0]) for entry in found]
        # One that is not public is enough: whoever names several decides which is called.
        if not self.private_allowed and (inside := [address for address in addresses if not is_public(address)]):
            raise EgressError(f"{host} leads to {inside[0]}, which is not an address of the public internet.", permanent=True)
        return addresses[0]


async def _beginning(answer: httpx.Response, most_bytes: int) -> bytes:
    """Return how an answer begins; whoever answers without end is not listened to. A body that is not wanted is not read."""
    shown = b""
    if most_bytes <= 1:
        return shown
    async for part in answer.aiter_bytes():
        shown += part
        if len(shown) >= most_bytes:
            break
    return shown[:most_bytes]
