"""Bringing a database to another revision while it is in use (ADR 0018)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.script import Script
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from ampyard.migrations.job_queue import install_job_queue
from ampyard.migrations.locks import Mode
from ampyard.migrations.planning import RevisionPlan, plan_down, plan_up
from ampyard.migrations.revisions import alembic_config, before, missing_revisions, undone_revisions
from ampyard.migrations.steps import Step, StepKind, Workshop
from ampyard.migrations.waiting import LOCK_WAIT_S, Patience
from ampyard.repositories.database import connect_asyncpg

if TYPE_CHECKING:
    import asyncpg

# Held by the session that migrates, so that several starting processes do it one after another. The number is arbitrary but fixed.
MIGRATION_LOCK = 4_702_116_081
_NEXT_LOOK_S = 1.0
_STEPS_TABLE = """
    CREATE TABLE IF NOT EXISTS migration_step (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        revision text NOT NULL, kind text NOT NULL, name text NOT NULL, table_name text NOT NULL, definition text NOT NULL
    )
"""

_STEPS_LEFT = "SELECT id, revision, kind, name, table_name, definition FROM migration_step WHERE revision <> ALL($1) ORDER BY id"

Say = Callable[[str], None]
T = TypeVar("T")
R = TypeVar("R")


async def upgrade(owner_url: str, say: Say, *, to: str = "head", explain: bool = False) -> None:
    """Apply what is missing: our revisions, then the job queue's own tables; nothing when there is nothing to do.

    A run that was cut off is gone on with.

    Args:
        owner_url: SQLAlchemy URL (asyncpg) of a user that may create tables and roles.
        say: told, in words, each revision as it is applied, and what is waited for.
        to: the revision to stop at.
        explain: tell each revision's plan, too.
    """
    async with _migrator(owner_url, say) as migrator:
        await migrator.up(to, explain=explain)
    await install_job_queue(owner_url, say, MIGRATION_LOCK)


async def downgrade(owner_url: str, say: Say, *, to: str) -> None:
    """Undo all revisions after `to`, the newest first.

    Raises:
        InvalidInputError: there is no such revision.
        NoWayDownError: one of them cannot be undone; nothing was changed.
    """
    async with _migrator(owner_url, say) as migrator:
        await migrator.down(to)


@asynccontextmanager
async def _migrator(owner_url: str, say: Say) -> AsyncIterator["_Migrator"]:
    engine = create_async_engine(owner_url, poolclass=NullPool, connect_args={"server_settings": {"application_name": "ampyard migrate"}})
    watcher = await connect_asyncpg(owner_url, application_name="ampyard migrate (looking on)")
    try:
        async with engine.connect() as connection:
            driver: asyncpg.Connection[Any] = (await connection.get_raw_connection()).driver_connection
            # Asked again and again, not waited for: who waits in a statement keeps CREATE INDEX CONCURRENTLY waiting for its end.
            while not await driver.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
                say("Another process is migrating; waiting for it.")
                await asyncio.sleep(_NEXT_LOOK_S)
            yield _Migrator(connection, driver, Patience(watcher, driver.get_server_pid(), say), say)
    finally:
        await watcher.close()
        await engine.dispose()


class _Migrator:
    """Who holds the lock, and migrates.

    Args:
        connection: holds the lock, and is in no transaction.
        driver: the driver's connection below it.
        patience: waits for the locks of tables.
        say: is told what is done.
    """

    def __init__(self, connection: AsyncConnection, driver: "asyncpg.Connection[Any]", patience: Patience, say: Say) -> None:
        self._connection = connection
        self._driver = driver
        self._patience = patience
        self._say = say

    async def up(self, to: str, *, explain: bool) -> None:
        """Apply what is missing up to a revision."""
        if await self._driver.fetchval("SELECT to_regclass('migration_step')") is None:
            await self._driver.execute(_STEPS_TABLE)
        left = await self._finish_steps()
        missing = await self._read(missing_revisions, to)
        for revision in missing:
            plan = await self._read(plan_up, revision)
            self._tell(f"Migrating to {plan.title}", plan.lines() if explain else ())
            await self._apply(plan, _up, revision)
            await self._finish_steps()
        if not missing and not left:
            self._say("The database schema is up to date.")

    async def down(self, to: str) -> None:
        """Undo what came after a revision."""
        undone = await self._read(undone_revisions, to)
        # All of them before any: what cannot be undone as a whole is left as it is.
        for revision in undone:
            await self._read(plan_down, revision)
        await self._finish_steps(but_of=[revision.revision for revision in undone])
        for revision in undone:
            plan = await self._read(plan_down, revision)
            self._tell(f"Undoing {plan.title}", plan.lines())
            await self._apply(plan, _down, revision)
            await self._finish_steps(but_of=[other.revision for other in undone if other is not revision])

    async def _read(self, read: Callable[[Connection, Config, T], R], about: T) -> R:
        result = await self._connection.run_sync(lambda connection: read(connection, alembic_config(connection), about))
        await self._connection.rollback()
        return result

    def _tell(self, headline: str, lines: Iterable[str]) -> None:
        self._say(headline)
        for line in lines:
            self._say(line)

    async def _apply(self, plan: RevisionPlan, change: Callable[[Connection, Script], None], revision: Script) -> None:
        async def attempt() -> None:
            async with self._connection.begin():
                await self._take(plan.locks)
                await self._connection.run_sync(change, revision)

        await self._patience.try_again(f"Revision {plan.revision}", attempt)

    async def _take(self, locks: dict[str, Mode]) -> None:
        """Take all locks that stop writers first: who waits for one of these holds the others, so all the waiting together has a bound."""
        loop = asyncio.get_running_loop()
        end = loop.time() + LOCK_WAIT_S
        for table, mode in sorted(locks.items()):
            left_ms = max(1, round((end - loop.time()) * 1000))
            await self._connection.execute(text(f"SET LOCAL lock_timeout = {left_ms}"))
            await self._connection.execute(text(f"LOCK TABLE {table} IN {mode} MODE"))
        await self._connection.execute(text(f"SET LOCAL lock_timeout = {round(LOCK_WAIT_S * 1000)}"))

    async def _finish_steps(self, but_of: Sequence[str] = ()) -> int:
        """Carry out the steps that are left; returns how many there were."""
        rows = await self._driver.fetch(_STEPS_LEFT, list(but_of))
        for number, revision, *columns in rows:
            step = Step(StepKind(columns[0]), *columns[1:])
            self._say(f"  {revision}, afterwards: {step}")
            workshop = Workshop(self._driver, self._run)
            await self._patience.try_again(f"Revision {revision}, {step},", partial(workshop.carry_out, step))
            await self._driver.execute("DELETE FROM migration_step WHERE id = $1", number)
        return len(rows)

    async def _run(self, statement: str) -> None:
        patient = (
            "CONCURRENTLY" in statement or "VALIDATE CONSTRAINT" in statement
        )  # nobody who reads or writes waits for who waits for these
        await self._driver.execute(f"SET lock_timeout = {0 if patient else round(LOCK_WAIT_S * 1000)}")
        await self._driver.execute(statement)


def _up(connection: Connection, revision: Script) -> None:
    config = alembic_config(connection)
    command.upgrade(config, revision.revision)
    _keep_steps(connection, config, revision)


def _down(connection: Connection, revision: Script) -> None:
    config = alembic_config(connection)
    connection.execute(text("DELETE FROM migration_step WHERE revision = :revision"), {"revision": revision.revision})
    command.downgrade(config, before(revision))
    _keep_steps(connection, config, revision)


def _keep_steps(connection: Connection, config: Config, revision: Script) -> None:
    for step in config.attributes["steps"]:
        connection.execute(
            text(
                "INSERT INTO migration_step (revision, kind, name, table_name, definition) "
                "VALUES (:revision, :kind, :name, :table, :definition)"
            ),
            {"revision": revision.revision, **asdict(step)},
        )
