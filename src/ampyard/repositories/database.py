"""Connections, and the two ways of using one: a read snapshot and a unit of work. They are different types on purpose."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeAlias

import asyncpg
from sqlalchemy import CursorResult, Executable, Row, literal, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ampyard.domain.errors import InvalidInputError

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

# How PostgreSQL refuses U+0000: in text, and in JSON.
_NUL_REFUSED = {asyncpg.CharacterNotInRepertoireError.sqlstate, asyncpg.UntranslatableCharacterError.sqlstate}

APPLICATION_ROLE = "ampyard_app"
SYSTEM_ROLE = "ampyard_system"


class Database:
    """A pool of connections that act as the application role, which owns nothing and is bound by row-level security.

    Args:
        url: SQLAlchemy URL with the asyncpg driver. The user it names must be, or be a member of, the application role.
        pool_size: connections kept; as many again may be opened under load.
        application_name: shown in `pg_stat_activity`.
    """

    def __init__(self, url: str, *, pool_size: int = 10, application_name: str = "ampyard") -> None:
        self._url = url
        self.engine: AsyncEngine = create_async_engine(
            url,
            # Transactions are opened by hand below: BEGIN, its mode and the tenant travel in one round trip.
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={
                "server_settings": {"role": APPLICATION_ROLE, "application_name": application_name, "jit": "off", "timezone": "UTC"},
            },
        )

    def snapshot(self, tenant_id: uuid.UUID) -> "Snapshot":
        """Return a read snapshot of one tenant; it takes a connection only when first read from."""
        return Snapshot(self.engine, f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_set_tenant(tenant_id)}")

    def system_snapshot(self) -> "Snapshot":
        """Return a read snapshot across tenants, limited to what the system role is granted: credentials and directories."""
        return Snapshot(self.engine, f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL ROLE {SYSTEM_ROLE}")

    def session(self, tenant_id: uuid.UUID) -> "WriteSession":
        """Return a read-write transaction of one tenant. Services use `UnitOfWork`, which adds events to it."""
        return WriteSession(self.engine, f"BEGIN; {_set_tenant(tenant_id)}")

    def system_session(self) -> "WriteSession":
        """Return a read-write transaction as the system role, which may change nothing but the outbox."""
        return WriteSession(self.engine, f"BEGIN; SET LOCAL ROLE {SYSTEM_ROLE}")

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
        except (TimeoutError, OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    async def dispose(self) -> None:
        """Close all pooled connections."""
        await self.engine.dispose()


async def connect_asyncpg(url: str, *, role: str | None = None, application_name: str = "ampyard") -> "asyncpg.Connection[Any]":
    """Open one plain asyncpg connection from a SQLAlchemy URL, for what a pool is wrong for: LISTEN and the job queue."""
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    settings = {"timezone": "UTC", "application_name": application_name} | ({"role": role} if role else {})
    return await asyncpg.connect(dsn, server_settings=settings)


def _set_tenant(tenant_id: uuid.UUID) -> str:
    # A UUID has no quote to break out of; the type is checked because the statement cannot take parameters.
    if not isinstance(tenant_id, uuid.UUID):
        raise TypeError(f"A tenant id is a UUID, not {tenant_id!r}.")
    return f"SET LOCAL ampyard.tenant = '{tenant_id}'"


class Session:
    """One transaction on one pooled connection; statements run one after another, whoever sends them."""

    def __init__(self, engine: AsyncEngine, begin: str) -> None:
        self._engine = engine
        self._begin = begin
        self._connection: AsyncConnection | None = None
        self._lock = asyncio.Lock()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def fetch(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Sequence[AnyRow]:
        """Run a statement and return its rows."""
        async with self._lock:
            return (await self._execute(statement, parameters)).all()

    async def fetch_one(self, statement: Executable, parameters: dict[str, Any] | None = None) -> AnyRow | None:
        """Run a statement and return its only row, or `None`."""
        async with self._lock:
            return (await self._execute(statement, parameters)).one_or_none()

    async def close(self) -> None:
        """Give the connection back; what was not committed is rolled back. Calling it again changes nothing."""
        async with self._lock:
            self._closed = True
            await self._end("ROLLBACK")

    async def _execute(self, statement: Executable, parameters: Sequence[dict[str, Any]] | dict[str, Any] | None) -> CursorResult[Any]:
        try:
            return await (await self._open()).execute(statement, parameters)
        except DBAPIError as error:
            # Whoever sends us text may send this; the database alone cannot keep it.
            if getattr(error.orig, "sqlstate", None) in _NUL_REFUSED:
                raise InvalidInputError("Text must not contain the character U+0000.") from error
            raise

    async def _open(self) -> AsyncConnection:
        if self._closed:
            raise RuntimeError("This session has been closed; its operation has ended.")
        if self._connection is None:
            connection = await self._engine.connect()
            try:
                await _run(connection, self._begin)
            except BaseException:
                await connection.invalidate()
                await connection.close()
                raise
            self._connection = connection
        return self._connection

    async def _end(self, how: str) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            # One that was cut off in the middle of a statement has been dropped, and with it what was not committed.
            if not (connection.invalidated and how == "ROLLBACK"):
                await _run(connection, how)
        except BaseException:
            # Its transaction state is unknown: the next user must not inherit it.
            await connection.invalidate()
            raise
        finally:
            await connection.close()


async def _run(connection: AsyncConnection, script: str) -> None:
    driver: asyncpg.Connection[Any] = (await connection.get_raw_connection()).driver_connection
    await driver.execute(script)


class Snapshot(Session):
    """A consistent, read-only view of one tenant for one operation."""


class WriteSession(Session):
    """A read-write transaction. Nothing is kept unless `commit` was called."""

    async def execute(self, statement: Executable, parameters: Sequence[dict[str, Any]] | dict[str, Any] | None = None) -> int:
        """Run a statement that returns no rows; returns how many rows it touched."""
        async with self._lock:
            return (await self._execute(statement, parameters)).rowcount

    @asynccontextmanager
    async def driver(self) -> "AsyncIterator[asyncpg.Connection[Any]]":
        """Yield the driver's connection inside this transaction, for libraries that bring their own SQL."""
        async with self._lock:
            yield (await (await self._open()).get_raw_connection()).driver_connection

    async def commit(self) -> None:
        """Make everything durable. Returns once PostgreSQL has it on disk."""
        async with self._lock:
            self._closed = True
            await self._end("COMMIT")
