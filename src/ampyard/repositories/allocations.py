"""What is kept of steps of power sharing: who got how much and why, and from which facts."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, func, select, true

from ampyard.domain.allocation import Allocation, BoundBy, Step
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class AllocationFilter:
    """Which allocations to list, `since` inclusive and `until` exclusive; a field that is `None` does not narrow."""

    bound_by: tuple[BoundBy, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        columns = tables.allocation.c
        return [
            *([columns.bound_by.in_(self.bound_by)] if self.bound_by is not None else []),
            *([columns.decided_at >= self.since] if self.since is not None else []),
            *([columns.decided_at < self.until] if self.until is not None else []),
        ]


class Allocations(Repository[Allocation]):
    entity = Allocation
    table = tables.allocation
    orders = MappingProxyType({"DECIDED_AT": table.c.decided_at})

    async def newest_of(self, evse_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Allocation]:
        """Return the newest allocation of each EVSE that has any, by EVSE."""
        asked = select(func.unnest(array(evse_ids)).label("evse_id")).subquery()
        newest = (
            select(*self.columns())
            .where(self.table.c.evse_id == asked.c.evse_id)
            .order_by(self.table.c.decided_at.desc(), self.table.c.id.desc())
            .limit(1)
            .lateral("newest")
        )
        rows = await self.session.fetch(select(*newest.c).select_from(asked.join(newest, true())))
        return {found.evse_id: found for found in (Allocation(*row) for row in rows)}

    async def of_transaction(self, transaction_id: uuid.UUID) -> list[Allocation]:
        """Return the allocations of a transaction, oldest first."""
        columns = self.table.c
        return await self.where(columns.transaction_id == transaction_id, order_by=[columns.decided_at, columns.id])


class Steps(Repository[Step]):
    entity = Step
    table = tables.power_step


async def remove_allocations(session: WriteSession, *, before: datetime) -> int:
    """Remove the tenant's allocations from before a time; returns how many."""
    return await session.execute(delete(tables.allocation).where(tables.allocation.c.decided_at < before))


async def remove_steps(session: WriteSession, *, before: datetime) -> int:
    """Remove the facts of the tenant's steps from before a time; returns how many."""
    return await session.execute(delete(tables.power_step).where(tables.power_step.c.decided_at < before))
