"""The server that is looked at: GET requests alone, a bounded number of them."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from ampyard.domain.ids import new_id
from ampyard.ocpi import json
from ampyard.ocpi.envelope import MESSAGE_IDS
from ampyard.ocpi.wire.types import parse_date_time

_SUCCESS = 1000
_MOST_BYTES = 50_000_000
_SHOWN = 200


class PeerError(Exception):
    """The server was not reached, or may not be asked any more; the message says which."""


@dataclass(frozen=True)
class Reply:
    """One answer."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_ids: Mapping[str, str]

    @cached_property
    def envelope(self) -> dict[str, Any]:
        """The members of the envelope; empty where there is none."""
        try:
            parsed = json.parse(self.body)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def data(self) -> Any:
        """What is in the envelope."""
        return self.envelope.get("data")

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects of a list; those that are none are left out."""
        return [it for it in self.data if isinstance(it, dict)] if isinstance(self.data, list) else []

    def fault(self, *, status: int = 200) -> str | None:
        """Return what is wrong with the envelope of a success, or of an answer with another HTTP status; None: nothing."""
        if self.status != status:
            return f"{self.url} answers HTTP {self.status}, expected {status}: {self.shown}"
        if not self.envelope:
            return f"{self.url} answers no JSON object: {self.shown}"
        code = self.envelope.get("status_code")
        if not isinstance(code, int) or isinstance(code, bool):
            return f"status_code is {code!r}; it should be a whole number of four digits"
        if (code == _SUCCESS) != (status == httpx.codes.OK):
            return f"status_code is {code} with HTTP {status}: {self.envelope.get('status_message')!r}"
        return self._timestamp_fault()

    def _timestamp_fault(self) -> str | None:
        timestamp = self.envelope.get("timestamp")
        try:
            parse_date_time(timestamp if isinstance(timestamp, str) else "")
        except ValueError:
            return f"timestamp is {timestamp!r}; it should be a DateTime in UTC, such as 2026-01-31T09:30:00Z"
        return None

    def ids_fault(self) -> str | None:
        """Return which of the unique message ids is not repeated; None: both are."""
        wrong = [name for name in MESSAGE_IDS if self.headers.get(name) != self.sent_ids[name]]
        return f"{self.url} does not repeat {' and '.join(wrong)}" if wrong else None

    @property
    def shown(self) -> str:
        """How the body begins, for people."""
        return self.body[:_SHOWN].decode(errors="replace").strip() or "(nothing)"


class Peer:
    """Asks the server.

    Args:
        http: the client to ask with.
        token: the credentials token, as it was given.
        plain: send the token without Base64.
        most_requests: how many requests are made at most.
    """

    def __init__(self, http: httpx.AsyncClient, token: str, *, plain: bool, most_requests: int) -> None:
        self._http = http
        self._authorization = f"Token {token if plain else base64.b64encode(token.encode()).decode()}"
        self._left = most_requests

    async def get(self, url: str, params: Mapping[str, str] | None = None, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask for something; `headers` replace our own Authorization.

        Raises:
            PeerError: nobody answers, or the most requests have been made.
        """
        if self._left <= 0:
            raise PeerError("as many requests have been made as may be; allow more with --most-requests")
        self._left -= 1
        ids = {name: str(new_id()) for name in MESSAGE_IDS}
        sent = {"Authorization": self._authorization} if headers is None else headers
        # What the URL has already is kept, as in links to pages.
        target = httpx.URL(url).copy_merge_params(params or {})
        try:
            async with self._http.stream("GET", target, headers={**sent, **ids}) as response:
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise PeerError(f"{target} answers with more than {_MOST_BYTES} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PeerError(f"{target} was not reached: {str(error) or type(error).__name__}") from error
        return Reply(str(target), response.status_code, response.headers, body, ids)
