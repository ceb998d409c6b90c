import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, func, or_, select

from ampyard.domain.availability import AvailabilityInterval, PlannedDowntime
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class DowntimeFilter:
    """Which planned downtimes to list; a field that is `None` does not narrow."""

    charge_point_id: uuid.UUID | None = None
    depot_id: uuid.UUID | None = None
    starts_before: datetime | None = None
    ends_after: datetime | None = None
    cancelled: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.planned_downtime.c
        point = tables.charge_point.c
        return [
            *([column.charge_point_id == self.charge_point_id] if self.charge_point_id is not None else []),
            *(
                [tables.charge_point.select().where(point.id == column.charge_point_id, point.depot_id == self.depot_id).exists()]
                if self.depot_id is not None
                else []
            ),
            *([column.starts_at < self.starts_before] if self.starts_before is not None else []),
            *([column.ends_at > self.ends_after] if self.ends_after is not None else []),
            *([column.cancelled_at.is_not(None) == self.cancelled] if self.cancelled is not None else []),
        ]


class AvailabilityIntervals(Repository[AvailabilityInterval]):
    entity = AvailabilityInterval
    table = tables.evse_availability
    orders = MappingProxyType({"BEGAN_AT": table.c.began_at})

    async def open_of(self, charge_point_id: uuid.UUID) -> dict[uuid.UUID, AvailabilityInterval]:
        """Return the interval that each EVSE of a charge point is in, by EVSE."""
        column = self.table.c
        found = await self.where(
            column.evse_id.in_(select(tables.evse.c.id).where(tables.evse.c.charge_point_id == charge_point_id)),
            column.ended_at.is_(None),
        )
        return {interval.evse_id: interval for interval in found}

    async def open_of_evses(
        self, evse_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, AvailabilityInterval]:
        """Return the interval that each EVSE is in."""
        column = self.table.c
        needed = None if reads is None else reads | {"evse_id"}
        found = await self.where(column.evse_id == func.any(array(evse_ids)), column.ended_at.is_(None), reads=needed)
        return {interval.evse_id: interval for interval in found}

    async def within(self, charge_point_ids: Sequence[uuid.UUID], start: datetime, end: datetime) -> list[AvailabilityInterval]:
        """Return the intervals of charge points' EVSEs that have some time in a period, in no order."""
        column = self.table.c
        return await self.where(
            column.charge_point_id == func.any(array(charge_point_ids)),
            column.began_at < end,
            or_(column.ended_at.is_(None), column.ended_at > start),
        )


class PlannedDowntimes(Repository[PlannedDowntime]):
    entity = PlannedDowntime
    table = tables.planned_downtime
    orders = MappingProxyType({"STARTS_AT": table.c.starts_at})

    async def within(self, charge_point_ids: Sequence[uuid.UUID], start: datetime, end: datetime) -> list[PlannedDowntime]:
        """Return the downtimes of charge points that count for some time of a period, in no order."""
        column = self.table.c
        return await self.where(
            column.charge_point_id == func.any(array(charge_point_ids)),
            column.starts_at < end,
            column.ends_at > start,
            column.cancelled_at.is_(None),
        )


async def forget(session: WriteSession, interval_id: uuid.UUID) -> None:
    """Remove an interval that turned out to have no length."""
    await session.execute(delete(tables.evse_availability).where(tables.evse_availability.c.id == interval_id))
