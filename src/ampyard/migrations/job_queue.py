"""The job queue's own tables, which its library makes and keeps up to date."""

from collections.abc import Callable

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries

from ampyard.repositories.database import APPLICATION_ROLE, connect_asyncpg


async def install_job_queue(owner_url: str, say: Callable[[str], None], lock: int) -> None:
    """Make or renew the queue's tables, while no other process does.

    Args:
        owner_url: as for `upgrade`.
        say: told when they are made.
        lock: key of the advisory lock to hold.
    """
    connection = await connect_asyncpg(owner_url)
    try:
        queries = Queries(AsyncpgDriver(connection))
        await connection.execute("SELECT pg_advisory_lock($1)", lock)
        if await queries.schema_is_installed():
            await queries.upgrade()
        else:
            say("Installing the job queue.")
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
