"""Tables that are divided by months, so that a month can go as a whole."""

from sqlalchemy import func, select

from ampyard.repositories.database import WriteSession
from ampyard.repositories.tables import metadata

PARTITIONED = tuple(table for table in metadata.sorted_tables if table.dialect_options["postgresql"]["partition_by"] is not None)


async def make_partitions(session: WriteSession, *, months_ahead: int) -> int:
    """Make the partitions from last month to some months ahead, where they are missing; returns how many were made."""
    rows = [await session.fetch(select(func.ampyard_make_partitions(table.name, months_ahead))) for table in PARTITIONED]
    return sum(int(row[0][0]) for row in rows)
