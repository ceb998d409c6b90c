"""Tables that are divided by months, so that a month can go as a whole."""

from collections.abc import Sequence

from sqlalchemy import Table, func, select

from ampyard.repositories.database import WriteSession
from ampyard.repositories.tables import metadata

PARTITIONED = tuple(table for table in metadata.sorted_tables if table.dialect_options["postgresql"]["partition_by"] is not None)


async def make_partitions(session: WriteSession, *, months_ahead: int, months_back: int = 1, of: Sequence[Table] = PARTITIONED) -> int:
    """Make the partitions from some months back (120 at most) to some months ahead, where they are missing; returns how many were made."""
    rows = [await session.fetch(select(func.ampyard_make_partitions(table.name, months_ahead, months_back))) for table in of]
    return sum(int(row[0][0]) for row in rows)
