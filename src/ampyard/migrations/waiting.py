"""Waiting for locks without keeping others waiting: not long, again and again, and saying for whom."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError

from ampyard.domain.errors import ConflictError

T = TypeVar("T")

# Who waits for a lock that stops writers makes all of them queue behind: no longer than this. More than PostgreSQL's deadlock_timeout,
# after which autovacuum makes way.
LOCK_WAIT_S = 2.0
TRIES = 20
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_LOOK_S = 0.25
_SAID_AFTER_S = 1.0

_IN_THE_WAY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_BLOCKERS = """
    SELECT blocker.pid, usename, application_name, (
        SELECT relation::regclass::text FROM pg_locks WHERE pid = $1 AND NOT granted LIMIT 1
    ) AS wanted
    FROM unnest(pg_blocking_pids($1)) AS blocker(pid) LEFT JOIN pg_stat_activity USING (pid) WHERE blocker.pid <> 0 LIMIT 3
"""


class Patience:
    """Tries what needs locks until it gets them.

    Args:
        watcher: a connection that looks on.
        worker: process id of the connection that does the work.
        say: told, in words, what is waited for.
    """

    def __init__(self, watcher: "asyncpg.Connection[Any]", worker: int, say: Callable[[str], None]) -> None:
        self._watcher = watcher
        self._worker = worker
        self._say = say
        self._seen = ""

    async def try_again(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what `attempt` returns, once it gets its locks; it must keep nothing where it does not.

        Raises:
            ConflictError: it did not in `TRIES` tries.
        """
        looking = asyncio.create_task(self._look_on(what))
        try:
            for tries in range(1, TRIES + 1):
                try:
                    return await attempt()
                except (DBAPIError, asyncpg.PostgresError) as error:
                    if not isinstance(cause(error), _IN_THE_WAY):
                        raise
                if tries < TRIES:
                    pause_s = min(_FIRST_PAUSE_S * 2 ** (tries - 1), _LONGEST_PAUSE_S)
                    self._say(f"{what} did not get its locks within {LOCK_WAIT_S:g} s{self._seen}; trying again in {pause_s:g} s.")
                    await asyncio.sleep(pause_s)
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
        raise ConflictError(
            f"{what} did not get its locks in {TRIES} tries{self._seen}. What came before it is kept, it has changed nothing: "
            "end that session, or migrate again when there is less to do."
        )

    async def _look_on(self, what: str) -> None:
        waited_s, said = 0.0, ""
        while True:
            await asyncio.sleep(_LOOK_S)
            blockers = await self._watcher.fetch(_BLOCKERS, self._worker)
            if not blockers:
                waited_s = 0.0
                continue
            waited_s += _LOOK_S
            self._seen = f" ({'; '.join(_told(blocker) for blocker in blockers)})"
            if waited_s >= _SAID_AFTER_S and self._seen != said:
                said = self._seen
                self._say(f"{what} waits{said}.")


def cause(error: BaseException) -> BaseException:
    """Return the driver's error that SQLAlchemy has wrapped, or the error itself."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, BaseException):
        return error.orig.__cause__ or error.orig
    return error


def _told(blocker: Any) -> str:
    who = blocker["application_name"] or blocker["usename"] or "another session"
    table = blocker["wanted"]  # None: what uses the table already has to end first
    return (
        f"{table} is in the hands of {who}, process {blocker['pid']}"
        if table
        else f"for the transaction of {who}, process {blocker['pid']}"
    )
