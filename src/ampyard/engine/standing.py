"""Whether those who watch may still do so: a credential with open subscriptions is asked for anew every few seconds."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from starlette.requests import HTTPConnection

from ampyard.engine.errors import PublicError, UnauthenticatedError

_log = logging.getLogger(__name__)

P = TypeVar("P")

Authenticate = Callable[[HTTPConnection, str | None], Awaitable[P]]


class AccessChangedError(PublicError):
    """What the principal may see has changed since the subscription began."""

    def __init__(self) -> None:
        super().__init__("What you may see has changed; subscribe again.", code="ACCESS_CHANGED")


@dataclass(slots=True)
class _Watch:
    """Those who watch with one credential, and what it stood for when the first of them began."""

    rights: Hashable
    lapsed: set["asyncio.Future[PublicError]"] = field(default_factory=set)


class Standing(Generic[P]):
    """Asks again, for each credential that has open subscriptions, whether it still stands for the same.

    Args:
        rights: what a principal may do; another value means that its subscriptions end. None: nobody is asked again.
        interval_s: from one time to the next. With how long the credentials' own source remembers, this is how long it takes at most.
    """

    def __init__(self, rights: Callable[[P], Hashable] | None = None, *, interval_s: float = 1.5) -> None:
        self._rights = rights
        self._interval_s = interval_s
        self._watches: dict[Hashable, _Watch] = {}
        self._asking: dict[Hashable, asyncio.Task[None]] = {}

    @property
    def asks(self) -> bool:
        """Whether anybody is asked again."""
        return self._rights is not None

    @asynccontextmanager
    async def watch(
        self, authenticate: Authenticate[P], connection: HTTPConnection, credential: str | None, principal: P
    ) -> "AsyncIterator[asyncio.Future[PublicError]]":
        """Yield what becomes an error, to be told to the client, as soon as the principal may no longer see what it could."""
        lapsed: asyncio.Future[PublicError] = asyncio.get_running_loop().create_future()
        if self._rights is None:
            yield lapsed
            return
        rights = self._rights(principal)
        presented = credential or connection.headers.get("authorization")
        # Many sockets of one user are one question. Without a credential to tell by, each is its own.
        key: Hashable = object() if presented is None else (presented, rights)
        watch = self._watches.setdefault(key, _Watch(rights))
        watch.lapsed.add(lapsed)
        if key not in self._asking:
            self._asking[key] = asyncio.create_task(self._ask(key, watch, lambda: authenticate(connection, credential)))
        try:
            yield lapsed
        finally:
            watch.lapsed.discard(lapsed)
            if not watch.lapsed:
                self._watches.pop(key, None)
                if (asking := self._asking.pop(key, None)) is not None:
                    asking.cancel()

    async def _ask(self, key: Hashable, watch: _Watch, again: Callable[[], Awaitable[P]]) -> None:
        assert self._rights is not None
        error: PublicError | None = None
        while error is None:
            await asyncio.sleep(self._interval_s)
            try:
                if self._rights(await again()) != watch.rights:
                    error = AccessChangedError()
            except UnauthenticatedError as refused:
                error = refused
            except Exception:  # noqa: BLE001 - whatever keeps the question from being answered, it is asked again
                _log.warning("It cannot be asked whether a watcher may still watch; asking again.", exc_info=True)
        self._watches.pop(key, None)
        self._asking.pop(key, None)
        for lapsed in watch.lapsed:
            if not lapsed.done():
                lapsed.set_result(error)
