"""Calling other sides: JSON out and in, what was said kept, and what went wrong in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from ampyard.domain.grid_messages import MessageDirection
from ampyard.repositories.egress import Answer, Egress, EgressError
from ampyard.services.grid_traffic import Said

_MOST_BYTES = 5_000_000


# A message's request id and correlation id.
Ids: TypeAlias = tuple[str | None, str | None]


class CallError(Exception):
    """The other side was not reached, or refused. `status` is what it answered, if anything."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Line:
    """The way to one other side for one round of calls; `said` collects what is to be kept of them."""

    egress: Egress
    said: list[Said] = field(default_factory=list)

    async def json(
        self, method: str, url: str, headers: Mapping[str, str], body: Any, *, name: str, ids: Ids = (None, None), kept: Any = None
    ) -> Any:
        """Send JSON; `name` is the message's, and `kept` what is kept of it.

        Returns what was answered as JSON, None where nothing was.

        Raises:
            CallError: the other side was not reached, refused, or answered with what is no JSON.
        """
        given = {"content-type": "application/json", **headers}
        return await self.send(method, url, given, orjson.dumps(body), name=name, ids=ids, kept=kept)

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        raw: bytes | None,
        *,
        name: str,
        ids: Ids = (None, None),
        kept: Any = None,
    ) -> Any:
        """Send a body as it is; `kept` is what is kept of it. Returns and raises as `json` does."""
        told = {"accept": "application/json", "user-agent": "ampyard", **headers}
        try:
            answer = await self.egress.call(method, url, told, raw, most_bytes=_MOST_BYTES)
        except EgressError as error:
            self._note(name, ids, kept, None, str(error))
            raise CallError(str(error)) from error
        if not answer.is_success:
            error_text = f"{answer.host} answered {answer.status} to {name}{f': {answer.text}' if answer.text else ''}"
            self._note(name, ids, kept, answer.status, error_text)
            raise CallError(error_text, answer.status)
        found = self._parsed(answer, name, ids, kept)
        self._note(name, ids, kept, answer.status, None)
        return found

    def _parsed(self, answer: Answer, name: str, ids: Ids, kept: Any) -> Any:
        if not answer.body.strip():
            return None
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            message = f"{answer.host} answered {name} with what is no JSON."
            self._note(name, ids, kept, answer.status, message)
            raise CallError(message, answer.status) from error

    def _note(self, name: str, ids: Ids, kept: Any, status: int | None, error: str | None) -> None:
        request_id, correlation_id = ids
        body = kept if isinstance(kept, dict) else None
        self.said.append(Said(MessageDirection.OUT, name, status, error, body, request_id, correlation_id))
