"""Telling what migrating would do, and doing nothing of it."""

from collections.abc import Iterator

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ampyard.migrations.planning import RevisionPlan, plan_down, plan_up
from ampyard.migrations.revisions import alembic_config, missing_revisions, undone_revisions
from ampyard.migrations.steps import Step, StepKind


async def describe(owner_url: str, *, down_to: str | None = None) -> list[str]:
    """Return, in words, what `upgrade` or, given a revision, `downgrade` would do now.

    Raises:
        InvalidInputError: there is no such revision to go back to.
        NoWayDownError: one of the revisions after it cannot be undone.
    """
    engine = create_async_engine(owner_url, poolclass=NullPool, connect_args={"server_settings": {"default_transaction_read_only": "on"}})
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_describe, down_to)
    finally:
        await engine.dispose()


def plans_up(connection: Connection) -> list[RevisionPlan]:
    """Return the plans of all revisions that are missing, oldest first."""
    config = alembic_config(connection)
    return [plan_up(connection, config, revision) for revision in missing_revisions(connection, config, "head")]


def plans_down(connection: Connection, to: str) -> list[RevisionPlan]:
    """Return the plans of undoing all revisions after one, newest first."""
    config = alembic_config(connection)
    return [plan_down(connection, config, revision) for revision in undone_revisions(connection, config, to)]


def _describe(connection: Connection, down_to: str | None) -> list[str]:
    if down_to is not None:
        return [line for plan in plans_down(connection, down_to) for line in (f"Undoing {plan.title}", *plan.lines())]
    up = [line for plan in plans_up(connection) for line in (f"Migrating to {plan.title}", *plan.lines())]
    return [*_left_over(connection), *up] or ["The database schema is up to date."]


def _left_over(connection: Connection) -> Iterator[str]:
    if connection.execute(text("SELECT to_regclass('migration_step')")).scalar() is None:
        return
    rows = connection.execute(text("SELECT revision, kind, name, table_name, definition FROM migration_step ORDER BY id")).all()
    for revision, kind, *columns in rows:
        yield f"Left of revision {revision}, afterwards: {Step(StepKind(kind), *columns)}"
