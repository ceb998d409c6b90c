import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import ARRAY, ColumnElement, Date, DateTime, bindparam, exists, func, select, update

from ampyard.domain.assignments import Assignment
from ampyard.domain.blocks import MAX_DAYS_AWAY
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository, UuidArray, array
from ampyard.repositories.vehicles import Vehicles

_LONGEST = timedelta(days=MAX_DAYS_AWAY + 1)


@dataclass(frozen=True, slots=True)
class AssignmentFilter:
    """Which assignments to list; a field that is `None` does not narrow. What was removed is listed only where it is asked for.

    Times bound `departs_at`: from inclusive, to exclusive. `depot_id` is where they leave from.
    """

    depot_id: uuid.UUID | None = None
    block_id: uuid.UUID | None = None
    vehicle_id: uuid.UUID | None = None
    day: date | None = None
    departs_from: datetime | None = None
    departs_to: datetime | None = None
    removed: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.assignment.c
        return [
            column.removed_at.is_not(None) if self.removed else column.removed_at.is_(None),
            *([column.depot_id == self.depot_id] if self.depot_id is not None else []),
            *([column.block_id == self.block_id] if self.block_id is not None else []),
            *([column.vehicle_id == self.vehicle_id] if self.vehicle_id is not None else []),
            *([column.day == self.day] if self.day is not None else []),
            *([column.departs_at >= self.departs_from] if self.departs_from is not None else []),
            *([column.departs_at < self.departs_to] if self.departs_to is not None else []),
        ]


class Assignments(Repository[Assignment]):
    entity = Assignment
    table = tables.assignment
    orders = MappingProxyType({"DEPARTS_AT": table.c.departs_at, "CREATED_AT": table.c.created_at})

    async def on(self, block_ids: Iterable[uuid.UUID], day: date) -> dict[uuid.UUID, Assignment]:
        """Return the assignment of each block on a day that has one."""
        column = self.table.c
        found = await self.where(column.block_id == func.any(array(block_ids)), *AssignmentFilter(day=day).conditions())
        return {assignment.block_id: assignment for assignment in found}

    async def on_days(self, block_ids: Iterable[uuid.UUID], days: Iterable[date]) -> list[Assignment]:
        """Return the assignments to any of these blocks on any of these days."""
        column = self.table.c
        wanted = bindparam(None, sorted(days), type_=ARRAY(Date()), unique=True)
        return await self.where(column.block_id == func.any(array(block_ids)), column.day == func.any(wanted), column.removed_at.is_(None))

    async def of_vehicles(self, vehicle_ids: Iterable[uuid.UUID], since: datetime, until: datetime) -> dict[uuid.UUID, list[Assignment]]:
        """Return the assignments of vehicles that take them away at some time from `since` until before `until`, by departure."""
        column = self.table.c
        found = await self.where(
            column.vehicle_id == func.any(array(vehicle_ids)),
            column.removed_at.is_(None),
            column.returns_at > since,
            column.departs_at < until,
            order_by=[column.departs_at],
        )
        by_vehicle: dict[uuid.UUID, list[Assignment]] = defaultdict(list)
        for assignment in found:
            by_vehicle[assignment.vehicle_id].append(assignment)
        return by_vehicle

    async def of_block_since(self, block_id: uuid.UUID, moment: datetime) -> list[Assignment]:
        """Return the assignments to a block that leave after a moment, by departure."""
        column = self.table.c
        conditions = AssignmentFilter(block_id=block_id).conditions()
        return await self.where(*conditions, column.departs_at > moment, order_by=[column.departs_at])

    async def returning(self, since: datetime, until: datetime, depot_id: uuid.UUID) -> list[Assignment]:
        """Return the assignments that return to a depot after `since` and no later than `until`, by return."""
        column, block = self.table.c, tables.block.c
        here = select(block.id).where(block.return_depot_id == depot_id)
        return await self.where(
            *AssignmentFilter().conditions(),
            column.block_id.in_(here),
            # Nothing is away for longer; an index goes by departure.
            column.departs_at > since - _LONGEST,
            column.returns_at > since,
            column.returns_at <= until,
            order_by=[column.returns_at, column.id],
        )

    async def leaving(self, since: datetime, until: datetime, depot_id: uuid.UUID | None = None) -> list[Assignment]:
        """Return the assignments that leave after `since` and no later than `until`, of a depot or of all, by departure."""
        column = self.table.c
        return await self.where(
            *AssignmentFilter(depot_id=depot_id).conditions(),
            column.departs_at > since,
            column.departs_at <= until,
            order_by=[column.departs_at, column.id],
        )


async def free_vehicles(session: Session, windows: Mapping[uuid.UUID, tuple[datetime, datetime]]) -> dict[uuid.UUID, list[Vehicle]]:
    """Return the vehicles at home in each depot that no assignment takes away within the depot's window, by name."""
    vehicle, assignment = tables.vehicle, tables.assignment
    moments = ARRAY(DateTime(timezone=True))
    free = (
        func.unnest(
            bindparam(None, list(windows), type_=UuidArray(), unique=True),
            bindparam(None, [begin for begin, _ in windows.values()], type_=moments, unique=True),
            bindparam(None, [end for _, end in windows.values()], type_=moments, unique=True),
        )
        .table_valued("depot_id", "begins_at", "ends_at", name="free")
        .render_derived()
    )
    taken = exists().where(
        assignment.c.vehicle_id == vehicle.c.id,
        assignment.c.removed_at.is_(None),
        assignment.c.departs_at < free.c.ends_at,
        assignment.c.returns_at > free.c.begins_at,
    )
    columns = Vehicles.columns()
    statement = (
        select(*columns)
        .select_from(free)
        .join(vehicle, vehicle.c.depot_id == free.c.depot_id)
        .where(vehicle.c.archived_at.is_(None), ~taken)
    )
    by_depot: dict[uuid.UUID, list[Vehicle]] = defaultdict(list)
    for row in await session.fetch(statement.order_by(vehicle.c.name, vehicle.c.id)):
        found = Vehicle(*row)
        by_depot[found.depot_id].append(found)
    return by_depot


# What of an assignment may change.
_CHANGEABLE = ("vehicle_id", "depot_id", "departs_at", "returns_at", "author", "updated_at")


async def rewrite(session: WriteSession, changed: Sequence[Assignment]) -> None:
    """Write who is on assignments, and when and where, all in one statement: on the way there, two of a vehicle may overlap."""
    if not changed:
        return
    column = tables.assignment.c
    columns = {name: [getattr(one, name) for one in changed] for name in ("id", *_CHANGEABLE)}
    arrays = [bindparam(None, found, type_=ARRAY(column[name].type), unique=True) for name, found in columns.items()]
    new = func.unnest(*arrays).table_valued(*columns, name="new").render_derived()
    values = {name: new.c[name] for name in _CHANGEABLE}
    await session.execute(update(tables.assignment).where(column.id == new.c.id).values(**values))
