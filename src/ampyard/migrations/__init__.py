"""Bringing a database to the present schema."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from ampyard.repositories.database import APPLICATION_ROLE, connect_asyncpg

# Held while migrating, so that several starting processes do it one after another. The number is arbitrary but fixed.
_MIGRATION_LOCK = 4_702_116_081


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def upgrade(owner_url: str, progress: Callable[[str], None]) -> None:
    """Apply what is missing: our revisions, then the job queue's own tables; nothing when there is nothing to do.

    Args:
        owner_url: SQLAlchemy URL (asyncpg) of a user that may create tables and roles.
        progress: told, in words, each revision as it is applied.
    """
    engine = create_async_engine(owner_url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            await connection.run_sync(_upgrade, progress)
    finally:
        await engine.dispose()
    await _install_job_queue(owner_url, progress)


def _upgrade(connection: Connection, progress: Callable[[str], None]) -> None:
    config = alembic_config(connection)
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    missing = [revision for revision in script.walk_revisions("base", "heads") if _is_newer(script, revision.revision, current)]
    if not missing:
        progress("The database schema is up to date.")
        return
    for revision in reversed(missing):
        progress(f"Migrating to {revision.revision}: {revision.doc}")
        command.upgrade(config, revision.revision)


def _is_newer(script: ScriptDirectory, revision: str, current: str | None) -> bool:
    if current is None:
        return True
    return revision not in {applied.revision for applied in script.iterate_revisions(current, "base")}


async def _install_job_queue(owner_url: str, progress: Callable[[str], None]) -> None:
    connection = await connect_asyncpg(owner_url)
    try:
        queries = Queries(AsyncpgDriver(connection))
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        if await queries.schema_is_installed():
            await queries.upgrade()
        else:
            progress("Installing the job queue.")
            await queries.install()
        # The queue's tables hold job names and ids, no tenant data; the worker runs as the application role.
        tables = await connection.fetch(
            "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'pgqueuer%'"
        )
        names = ", ".join(row["name"] for row in tables)
        await connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {names} TO {APPLICATION_ROLE}")
        await connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APPLICATION_ROLE}")
    finally:
        await connection.close()
