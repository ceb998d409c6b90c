"""The job queue, as seen from a unit of work: what is queued there is queued with the commit, or not at all."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries

from ampyard.repositories.database import WriteSession


async def enqueue(
    session: WriteSession, entrypoint: str, payload: Mapping[str, str], *, dedupe_key: str, after: timedelta = timedelta()
) -> bool:
    """Queue a job in the session's transaction, to be run `after` so long; returns False when one with this key waits or runs already."""
    async with session.driver() as connection:
        queries = Queries(AsyncpgDriver(connection))
        ids = await queries.enqueue(entrypoint, orjson.dumps(payload), execute_after=after, dedupe_key=dedupe_key, on_conflict="skip")
    return ids != [None]


async def enqueue_again(session: WriteSession, entrypoint: str, payload: Mapping[str, Any], *, run_id: UUID) -> int:
    """Queue a job that has failed once more, in the session's transaction; returns the queue's new number of it."""
    async with session.driver() as connection:
        queries = Queries(AsyncpgDriver(connection))
        (number,) = await queries.enqueue(entrypoint, orjson.dumps(payload), dedupe_key=f"retry:{run_id}")
    return int(number)


async def remove_log(session: WriteSession, *, before: datetime) -> None:
    """Remove what the queue noted of its jobs before a moment."""
    async with session.driver() as connection:
        table = Queries(AsyncpgDriver(connection)).qbe.settings.qualified.queue_table_log
        await connection.execute(f"DELETE FROM {table} WHERE created < $1", before)  # noqa: S608 - the library's own name
