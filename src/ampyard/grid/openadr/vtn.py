"""The VTN as a VEN calls it: access tokens, pages, programs, VENs, events, reports."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import TypeAdapter, ValidationError

from ampyard.domain.grid_links import GridLink
from ampyard.grid.bodies import Body
from ampyard.grid.calling import CallError, Line
from ampyard.grid.openadr import wire

M = TypeVar("M", bound=Body)

_PAGE = 50  # the most that a VTN gives at once (OpenADR 3.0.1, limit)
_MOST_PAGES = 40
_UNAUTHORIZED = 401
# The VEN is there already, or only the VTN's own people may make one.
_KNOWN_ALREADY = frozenset({403, 409})
# So long before its end a token is not used any more, and so long one without an end is.
_EARLY_S = 30.0
_USUAL_S = 300.0


class Tokens:
    """Access tokens of this process, until they end."""

    def __init__(self) -> None:
        self._known: dict[uuid.UUID, tuple[float, str]] = {}

    def get(self, link_id: uuid.UUID) -> str | None:
        """Return the token of a link that is still good."""
        until, token = self._known.get(link_id, (0.0, ""))
        return token if until > time.monotonic() else None

    def keep(self, link_id: uuid.UUID, token: wire.AccessToken) -> str:
        """Keep a token."""
        lasts_s = _USUAL_S if token.expires_in is None else token.expires_in - _EARLY_S
        self._known[link_id] = time.monotonic() + lasts_s, token.access_token
        return token.access_token

    def forget(self, link_id: uuid.UUID) -> None:
        """Forget the token of a link, which the VTN does not take."""
        self._known.pop(link_id, None)


@dataclass
class Vtn:
    """A VTN, called on a link with its secret."""

    link: GridLink
    secret: str
    line: Line
    tokens: Tokens
    root: str = field(init=False)

    def __post_init__(self) -> None:
        self.root = (self.link.url or "").rstrip("/")

    async def program(self, name: str) -> wire.Program:
        """Return a program by its id or name. Raises `CallError` where there is none."""
        for program in await self._all("programs", wire.Program):
            if name in {program.id, program.programName}:
                return program
        raise CallError(f"The VTN has no program {name[:100]!r}; set groupId to the id or name of one, or to null for all.")

    async def enroll(self, ven_name: str) -> None:
        """Make our VEN known, unless it is."""
        known = await self._all("vens", wire.Ven, venName=ven_name)
        if any(ven.venName == ven_name for ven in known):
            return
        try:
            await self._ask("POST", "vens", body={"venName": ven_name})
        except CallError as error:
            if error.status not in _KNOWN_ALREADY:
                raise

    async def events(self, program: wire.Program | None) -> list[wire.Event]:
        """Return the events of a program, or of all."""
        return await self._all("events", wire.Event, **({} if program is None else {"programID": program.id}))

    async def report(self, event_id: str, body: dict[str, Any]) -> None:
        """Send a report on an event."""
        await self._ask("POST", "reports", body=body, correlation_id=event_id)

    async def _all(self, what: str, model: type[M], **query: str) -> list[M]:
        found: list[M] = []
        for page in range(_MOST_PAGES):
            asked = {**query, "skip": str(page * _PAGE), "limit": str(_PAGE)}
            items = _parsed(what, await self._ask("GET", what, query=asked), model)
            found += items
            if len(items) < _PAGE:
                return found
        raise CallError(f"The VTN has more than {_MOST_PAGES * _PAGE} {what}; name a program.")

    async def _ask(
        self, method: str, what: str, *, query: dict[str, str] | None = None, body: Any = None, correlation_id: str | None = None
    ) -> Any:
        url = f"{self.root}/{what}{f'?{urlencode(query)}' if query else ''}"
        for last in (False, True):
            headers = {"authorization": f"Bearer {await self._token()}"}
            try:
                if body is None:
                    return await self.line.send(method, url, headers, None, name=what)
                return await self.line.json(method, url, headers, body, name=what, ids=(None, correlation_id), kept=body)
            except CallError as error:
                if error.status != _UNAUTHORIZED or last:
                    raise
                # It may have been revoked before its time.
                self.tokens.forget(self.link.id)
        raise AssertionError

    async def _token(self) -> str:
        known = self.tokens.get(self.link.id)
        if known is not None:
            return known
        asked = {"grant_type": "client_credentials", "client_id": self.link.client_id or "", "client_secret": self.secret}
        url = self.link.token_url or f"{self.root}/auth/token"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await self.line.send("POST", url, headers, urlencode(asked).encode(), name="auth/token")
        try:
            return self.tokens.keep(self.link.id, wire.AccessToken.model_validate(answer))
        except ValidationError as error:
            raise CallError("The token's address answered with no access token (RFC 6749, 5.1).") from error


def _parsed(what: str, answer: Any, model: type[M]) -> list[M]:
    try:
        return TypeAdapter(list[model]).validate_python(answer)  # type: ignore[valid-type]  # a type at run time
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise CallError(f"The VTN answered {what} with what is not of OpenADR 3: {where}: {error.errors()[0]['msg']}") from error
