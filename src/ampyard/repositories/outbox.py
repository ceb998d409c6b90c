"""The outbox: events written with the change they tell of, relayed in order afterwards."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession

# Held by the one relay that moves events, so that their order holds. The number is arbitrary but fixed.
_RELAY_LOCK = 4_702_116_082


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One event that waits to be relayed."""

    id: int
    tenant_id: UUID
    kind: str
    aggregate_id: UUID
    depot_id: UUID | None
    payload: dict[str, Any]
    occurred_at: datetime


async def take(session: WriteSession, limit: int) -> list[OutboxEntry] | None:
    """Return the oldest waiting events; `None` when another relay is at work.

    Events of one aggregate are in commit order: whoever writes one has locked the aggregate first, so its ids grow in
    the order of commits. Entries are removed with `remove` in the same transaction, after they have been published: an
    event is published at least once.
    """
    if not (await session.fetch(select(func.pg_try_advisory_xact_lock(_RELAY_LOCK))))[0][0]:
        return None
    column = tables.outbox.c
    rows = await session.fetch(
        select(column.id, column.tenant_id, column.kind, column.aggregate_id, column.depot_id, column.payload, column.occurred_at)
        .order_by(column.id)
        .limit(limit)
    )
    return [OutboxEntry(*row) for row in rows]


async def remove(session: WriteSession, entries: list[OutboxEntry]) -> None:
    """Remove events that have been published."""
    await session.execute(delete(tables.outbox).where(tables.outbox.c.id.in_([entry.id for entry in entries])))
