"""Calling webhooks, and nobody whom they must not reach: a tenant names the URL, but it is our network that calls."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx

from ampyard.domain.notifications.webhooks import is_public

_TIMEOUT_S = 15.0
_SHOWN_BYTES = 500
_DEFAULT_PORTS = {"https": 443, "http": 80}
# The receiver has gone for good, by its own word (Standard Webhooks; RFC 9110, 15.5.11).
_GONE = 410


class WebhookError(Exception):
    """A webhook was not delivered; `permanent`: it would not be another time either. `status_code` is what was answered, if anything."""

    def __init__(self, message: str, *, permanent: bool = False, status_code: int | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status_code = status_code


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Posts to webhooks.

    Args:
        private_allowed: addresses that are not of the public internet may be called, and over http: for an installation whose receivers are
            in its own network.
    """

    private_allowed: bool = False

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post a body; returns the status that was answered with, from 200 to 299.

        The name is resolved here, once, and what it leads to is looked at and then called: resolved again it might lead elsewhere.

        Raises:
            WebhookError: it must not be called, was not reached, or answered otherwise. Redirects are not followed.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
        if parts.scheme != "https" and not self.private_allowed:
            raise WebhookError(f"{parts.scheme}:// is not called, https:// is.", permanent=True)
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
                client.stream("POST", there, content=body, headers=asked, extensions={"sni_hostname": host}) as answer,
            ):
                status = answer.status_code
                shown = b"" if answer.is_success else await _beginning(answer)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise WebhookError(f"{host} was not reached: {str(error) or type(error).__name__}") from error
        if not answer.is_success:
            text = shown.decode(errors="replace").strip()
            raise WebhookError(f"{host} answered {status}{f': {text}' if text else ''}", permanent=status == _GONE, status_code=status)
        return status

    async def _resolved(self, host: str, port: int) -> str:
        """Return an address of a host that may be called."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise WebhookError(f"{host} has no address: {error}") from error
        addresses = [str(entry[4][0]) for entry in found]
        # One that is not public is enough: whoever names several decides which is called.
        if not self.private_allowed and (inside := [address for address in addresses if not is_public(address)]):
            raise WebhookError(f"{host} leads to {inside[0]}, which is not an address of the public internet.", permanent=True)
        return addresses[0]


async def _beginning(answer: httpx.Response) -> bytes:
    """Return how an answer begins; whoever answers without end is not listened to."""
    shown = b""
    async for part in answer.aiter_raw(_SHOWN_BYTES):
        shown += part
        if len(shown) >= _SHOWN_BYTES:
            break
    return shown[:_SHOWN_BYTES]
