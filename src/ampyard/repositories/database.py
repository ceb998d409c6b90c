"""Connections, and the two ways of using one: a read snapshot and a unit of work. They are different types on purpose."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Self

import asyncpg
from sqlalchemy import BindParameter, Executable, literal, select
from sqlalchemy.engine import make_url

from ampyard.domain.access import WHOLE_TENANT, Reach
from ampyard.domain.errors import InvalidInputError
from ampyard.repositories.statements import AnyRow, Query, query

_log = logging.getLogger(__name__)

# How PostgreSQL refuses U+0000: in text, and in JSON.
_NUL_REFUSED = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
# What the first statement on a pooled connection meets when its server has gone since: the socket, or the server's goodbye.
_GONE = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
# Kept prepared on each connection: every set of columns that clients read of a list is a statement of its own.
_PREPARED_STATEMENTS = 300
_WAIT_FOR_CONNECTION_S = 30.0
_WAIT_FOR_STOP_S = 5.0
_WAIT_FOR_OTHERS_S = 5.0

APPLICATION_ROLE = "ampyard_app"
SYSTEM_ROLE = "ampyard_system"


class Database:
    """A pool of connections that act as the application role, which owns nothing and is bound by row-level security.

    Args:
        url: SQLAlchemy URL with the asyncpg driver. The user it names must be, or be a member of, the application role.
        pool_size: half of how many connections there may be; those that nobody has used for five minutes are closed.
        application_name: shown in `pg_stat_activity`.
    """

    def __init__(self, url: str, *, pool_size: int = 10, application_name: str = "ampyard") -> None:
        self._url = url
        self._size = 2 * pool_size
        self._settings = {"role": APPLICATION_ROLE, "application_name": application_name, "jit": "off", "timezone": "UTC"}
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    @property
    def in_use(self) -> int:
        """How many connections are in somebody's hands."""
        return 0 if self._pool is None else self._pool.get_size() - self._pool.get_idle_size()

    def snapshot(self, tenant_id: uuid.UUID, reach: Reach = WHOLE_TENANT) -> "Snapshot":
        """Return a read snapshot of one tenant, or of what is within reach; it takes a connection only when first read from."""
        return Snapshot(self, f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_set_tenant(tenant_id)}; {set_reach(reach)}")

    def system_snapshot(self) -> "Snapshot":
        """Return a read snapshot across tenants, limited to what the system role is granted: credentials and directories."""
        return Snapshot(self, f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL ROLE {SYSTEM_ROLE}")

    def session(self, tenant_id: uuid.UUID, reach: Reach = WHOLE_TENANT) -> "WriteSession":
        """Return a read-write transaction of one tenant, or of what is within reach. Services use `UnitOfWork`, which adds events to it."""
        return WriteSession(self, f"BEGIN; {_set_tenant(tenant_id)}; {set_reach(reach)}")

    def system_session(self) -> "WriteSession":
        """Return a read-write transaction as the system role, which may change nothing but the outbox."""
        return WriteSession(self, f"BEGIN; SET LOCAL ROLE {SYSTEM_ROLE}")

    async def begin(self, script: str) -> "asyncpg.Connection[asyncpg.Record]":
        """Return a connection on which `script` has begun a transaction; `end` gives it back.

        Connections are not tried before they are used: one whose server has gone meanwhile is replaced by a new one, once.

        Raises:
            TimeoutError: no connection was free for half a minute.
        """
        renewed = False
        while True:
            pool = await self._opened()
            async with asyncio.timeout(_WAIT_FOR_CONNECTION_S):
                connection = await pool.acquire()
            try:
                await connection.execute(script)
            except BaseException as error:
                await self._drop(connection)
                if renewed or not isinstance(error, _GONE):
                    raise
                # Those of its time have lost the same server.
                await pool.expire_connections()
                renewed = True
            else:
                return connection

    async def end(self, connection: "asyncpg.Connection[asyncpg.Record]", how: str) -> str:
        """End the transaction, give the connection back and return what the server says it did; one that cannot be ended is dropped.

        Nothing else is reset: tenant and role were set for the transaction alone.
        """
        try:
            done = str(await connection.execute(how))
        except BaseException:
            # Its transaction state is unknown: the next user must not inherit it.
            await self._drop(connection)
            raise
        await self._release(connection)
        return done

    async def _opened(self) -> "asyncpg.Pool[asyncpg.Record]":
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                _dsn(self._url),
                min_size=0,
                max_size=self._size,
                reset=_as_it_is,
                statement_cache_size=_PREPARED_STATEMENTS,
                server_settings=self._settings,
            )
            # Opens nothing yet, and so does not wait: nobody can come between.
            await self._pool
        return self._pool

    async def _drop(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        with suppress(asyncpg.InterfaceError):  # it was lost, and has gone back of itself
            connection.terminate()
        await self._release(connection)

    async def _release(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        if self._pool is not None:
            await self._pool.release(connection)

    @asynccontextmanager
    async def listen(self, *channels: str) -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
        """Listen on NOTIFY channels over a connection of its own; yields a queue of (channel, payload).

        When the connection is lost, `("", "")` is put last: whoever reads should listen again and re-read what it may
        have missed.
        """
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        connection = await connect_asyncpg(self._url, role=APPLICATION_ROLE)
        connection.add_termination_listener(lambda _: queue.put_nowait(("", "")))
        try:
            for channel in channels:
                await connection.add_listener(channel, lambda _c, _pid, name, payload: queue.put_nowait((name, str(payload))))
            yield queue
        finally:
            await connection.close(timeout=2)

    async def check(self) -> None:
        """Return when the database answers; raises what the driver raises when it does not."""
        async with self.system_snapshot() as snapshot:
            await snapshot.fetch(select(literal(1)))

    async def reachable(self, timeout_s: float = 2.0) -> bool:
        """Return whether the database answers in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.check()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    async def dispose(self) -> None:
        """Close all pooled connections; those in somebody's hands are given a moment to come back."""
        if self._pool is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WAIT_FOR_OTHERS_S):
                    await self._pool.close()
            self._pool = None


async def connect_asyncpg(url: str, *, role: str | None = None, application_name: str = "ampyard") -> "asyncpg.Connection[Any]":
    """Open one plain asyncpg connection from a SQLAlchemy URL, for what a pool is wrong for: LISTEN and the job queue."""
    settings = {"timezone": "UTC", "application_name": application_name} | ({"role": role} if role else {})
    return await asyncpg.connect(_dsn(url), server_settings=settings)


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def _as_it_is(_connection: object) -> None:
    """Reset nothing: see `Database.end`."""


def _set_tenant(tenant_id: uuid.UUID) -> str:
    # A UUID has no quote to break out of; the type is checked because the statement cannot take parameters.
    if not isinstance(tenant_id, uuid.UUID):
        raise TypeError(f"A tenant id is a UUID, not {tenant_id!r}.")
    return f"SET LOCAL ampyard.tenant = '{tenant_id}'"


def set_reach(reach: Reach) -> str:
    """Return the statements that confine a transaction, or what follows of it, to a reach (revision 0002 says what is in it)."""
    script = f"SET LOCAL ampyard.reach = '{_groups(reach.groups)}'"
    if reach.reports != reach.groups:
        script += f"; SET LOCAL ampyard.reports = '{_groups(reach.reports)}'"
    return script


def _groups(groups: frozenset[uuid.UUID] | None) -> str:
    # As for the tenant: what is no UUID does not get into the statement.
    return "*" if groups is None else "{" + ",".join(sorted(str(uuid.UUID(bytes=group.bytes)) for group in groups)) + "}"


class Session:
    """One transaction on one pooled connection; statements run one after another, whoever sends them."""

    def __init__(self, database: Database, begin: str) -> None:
        self._database = database
        self._begin = begin
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._lock = asyncio.Lock()
        self._closed = False
        self._broken = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def fetch(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Sequence[AnyRow]:
        """Run a statement and return its rows."""
        compiled, extracted = query(statement)
        return compiled.rows(await self.records(compiled, parameters, extracted))

    async def fetch_one(self, statement: Executable, parameters: dict[str, Any] | None = None) -> AnyRow | None:
        """Run a statement and return its only row, or `None`."""
        rows = await self.fetch(statement, parameters)
        if len(rows) > 1:
            raise ValueError(f"One row was expected, and {len(rows)} were found.")
        return rows[0] if rows else None

    async def records(
        self, compiled: Query, values: dict[str, Any] | None = None, parameters: Sequence[BindParameter[Any]] = ()
    ) -> list[asyncpg.Record]:
        """Run a compiled statement and return its rows as the driver has them; see `Query.call`."""
        sql, arguments = compiled.call(values, parameters)
        async with self._open() as connection:
            found: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
            return found

    async def close(self) -> None:
        """Give the connection back; what was not committed is rolled back. Calling it again changes nothing."""
        async with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
            if connection is not None:
                await self._roll_back(connection)

    async def _roll_back(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        try:
            # The driver has asked the server to stop a statement that was cut off, and waits until it has; not for ever.
            async with asyncio.timeout(_WAIT_FOR_STOP_S if self._broken else None):
                await self._database.end(connection, "ROLLBACK")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            # With the connection, the transaction is gone too.
            _log.warning("A connection was lost and has been dropped.", exc_info=True)

    @asynccontextmanager
    async def _open(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        async with self._lock:
            if self._connection is None:
                if self._closed:
                    raise RuntimeError("This session has been closed; its operation has ended.")
                self._connection = await self._database.begin(self._begin)
            try:
                yield self._connection
            except _NUL_REFUSED as error:
                # Whoever sends us text may send this; the database alone cannot keep it.
                self._broken = True
                raise InvalidInputError("Text must not contain the character U+0000.") from error
            except BaseException:
                self._broken = True
                raise


class Snapshot(Session):
    """A consistent, read-only view of one tenant for one operation."""


class WriteSession(Session):
    """A read-write transaction. Nothing is kept unless `commit` was called."""

    async def execute(self, statement: Executable, parameters: Sequence[dict[str, Any]] | dict[str, Any] | None = None) -> int:
        """Run a statement that returns no rows; returns how many rows it touched.

        Args:
            statement: what to run.
            parameters: of the statement, or, of an INSERT without values of its own, the rows.
        """
        if isinstance(parameters, Sequence):
            return await self._insert(statement, parameters)
        compiled, extracted = query(statement)
        sql, arguments = compiled.call(parameters, extracted)
        async with self._open() as connection:
            done: str = await connection.execute(sql, *arguments)
        touched = done.rpartition(" ")[2]
        return int(touched) if touched.isdecimal() else 0

    @asynccontextmanager
    async def driver(self) -> "AsyncIterator[asyncpg.Connection[Any]]":
        """Yield the driver's connection inside this transaction, for libraries that bring their own SQL."""
        async with self._open() as connection:
            yield connection

    async def commit(self) -> None:
        """Make everything durable. Returns once PostgreSQL has it on disk.

        Raises:
            RuntimeError: a statement failed or was cut off, so that the transaction is not what was meant; nothing is kept.
        """
        async with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
            if connection is None:
                return
            if self._broken:
                await self._roll_back(connection)
                raise RuntimeError("A statement of this transaction has failed; nothing of it is kept.")
            await self._database.end(connection, "COMMIT")

    async def _insert(self, statement: Executable, rows: Sequence[dict[str, Any]]) -> int:
        compiled, extracted = query(statement, list(rows[0]))
        calls = [compiled.call(row, extracted) for row in rows]
        async with self._open() as connection:
            await connection.executemany(calls[0][0], [arguments for _, arguments in calls])
        return len(rows)
