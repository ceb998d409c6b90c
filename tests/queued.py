import uuid
from datetime import date

import orjson

from ampyard.repositories.database import APPLICATION_ROLE, connect_asyncpg


async def queued_days(database_url: str, depot_id: uuid.UUID) -> list[date]:
    """Return the days whose daily energy report of a depot waits in the job queue, in the order they were queued."""
    connection = await connect_asyncpg(database_url, role=APPLICATION_ROLE)
    try:
        rows = await connection.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'daily_energy' AND status = 'queued' ORDER BY id")
    finally:
        await connection.close()
    payloads = [orjson.loads(row["payload"]) for row in rows]
    return [date.fromisoformat(payload["day"]) for payload in payloads if payload["depot_id"] == str(depot_id)]
