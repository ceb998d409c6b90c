import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, ColumnElement, DateTime, Text, Uuid, delete, func, null, or_, select, union_all

from ampyard.domain.availability import Availability, AvailabilityInterval, PlannedDowntime
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
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


class PlannedDowntimes(Repository[PlannedDowntime]):
    entity = PlannedDowntime
    table = tables.planned_downtime
    orders = MappingProxyType({"STARTS_AT": table.c.starts_at})


@dataclass(frozen=True, slots=True)
class Record:
    """What uptime is made of: an EVSE that counts (no span), what was observed of one, or (no EVSE) a downtime that was planned.

    `key` is what it was asked for by.
    """

    key: uuid.UUID
    charge_point_id: uuid.UUID
    evse_id: uuid.UUID | None
    availability: Availability | None
    start: datetime | None
    end: datetime | None


async def records(session: Session, of: Column[Any], keys: Sequence[uuid.UUID], *, start: datetime, end: datetime) -> list[Record]:
    """Return, in one statement, all that uptime in a period is made of.

    Args:
        session: where it is read.
        of: which EVSEs: the column, of an EVSE or its charge point, that has one of `keys`.
        keys: of EVSEs, charge points or depots.
        start: of the period.
        end: of the period.
    """
    evse, point, interval, downtime = tables.evse.c, tables.charge_point.c, tables.evse_availability.c, tables.planned_downtime.c
    asked = (
        select(of.label("key"), evse.id.label("evse_id"), evse.charge_point_id)
        .select_from(tables.evse.join(tables.charge_point, point.id == evse.charge_point_id))
        .where(of == func.any(array(keys)))
        .cte("asked")
    )
    points = select(asked.c.key, asked.c.charge_point_id).distinct().subquery("points")
    nothing = null().cast(DateTime(timezone=True))
    statement = union_all(
        select(asked.c.key, asked.c.charge_point_id, asked.c.evse_id, null().cast(Text()), nothing, nothing),
        select(
            asked.c.key,
            asked.c.charge_point_id,
            asked.c.evse_id,
            interval.availability.cast(Text()),
            interval.began_at,
            interval.ended_at,
        )
        .select_from(asked.join(tables.evse_availability, interval.evse_id == asked.c.evse_id))
        .where(interval.began_at < end, or_(interval.ended_at.is_(None), interval.ended_at > start)),
        select(points.c.key, points.c.charge_point_id, null().cast(Uuid()), null().cast(Text()), downtime.starts_at, downtime.ends_at)
        .select_from(points.join(tables.planned_downtime, downtime.charge_point_id == points.c.charge_point_id))
        .where(downtime.starts_at < end, downtime.ends_at > start, downtime.cancelled_at.is_(None)),
    )
    return [
        Record(key, charge_point_id, evse_id, None if availability is None else Availability(availability), since, until)
        for key, charge_point_id, evse_id, availability, since, until in await session.fetch(statement)
    ]


async def forget(session: WriteSession, interval_id: uuid.UUID) -> None:
    """Remove an interval that turned out to have no length."""
    await session.execute(delete(tables.evse_availability).where(tables.evse_availability.c.id == interval_id))
