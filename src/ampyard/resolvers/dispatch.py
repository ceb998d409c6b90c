"""Dispatch boards and readiness: loaded for many depots or assignments at once, in a fixed number of statements."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import strawberry

from ampyard.domain.access import Scope
from ampyard.domain.assignments import MAX_DAYS_AHEAD, Assignment
from ampyard.domain.blocks import FIRST_DAY, LAST_DAY
from ampyard.domain.boards import DispatchBoard, board_of
from ampyard.domain.depots import Depot
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import local_day
from ampyard.domain.readiness import Readiness
from ampyard.domain.readiness_records import ReadinessRecord
from ampyard.domain.reports import day_bounds
from ampyard.domain.transactions import Transaction
from ampyard.engine import Load
from ampyard.repositories.assignments import Assignments, free_vehicles
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.database import Session
from ampyard.repositories.depots import Depots
from ampyard.repositories.readiness import ReadinessRecords
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES, optional_id
from ampyard.resolvers.loading import ALL
from ampyard.services import readiness

# From a week ahead a vehicle may be assigned, by the calendar of a depot that is almost a day ahead.
_FURTHEST = timedelta(days=MAX_DAYS_AHEAD + 2)


class Departure(NamedTuple):
    """What readiness is asked by: of an assignment, all that it depends on."""

    id: uuid.UUID
    vehicle_id: uuid.UUID
    depot_id: uuid.UUID
    departs_at: datetime
    removed_at: datetime | None


def departure(assignment: Assignment) -> Departure:
    """Return what an assignment's readiness is loaded by."""
    return Departure(assignment.id, assignment.vehicle_id, assignment.depot_id, assignment.departs_at, assignment.removed_at)


def plan_readiness(info: Info) -> Load:
    """Plan how ready a vehicle will be for an assignment; by `Departure`."""
    info.context.principal.require(SCOPES[Assignment])
    return Load(_foreseen, (info.context.now,))


def plan_departure_record(info: Info) -> Load:
    """Plan what was kept as the vehicle left; by the assignment's id."""
    info.context.principal.require(SCOPES[ReadinessRecord])
    return Load(_at_departure, projects=("",))


def plan_plugged_into(info: Info) -> Load:
    """Plan the open transaction of a vehicle; by the vehicle's id."""
    info.context.principal.require(SCOPES[Transaction])
    return Load(_plugged_into, projects=("",))


def plan_board(
    info: Info,
    day: Annotated[date | None, strawberry.argument(description="The day, by the depot's calendar; today there unless told.")] = None,
) -> Load:
    """Plan a depot's dispatch board; by the depot's id."""
    info.context.principal.require(Scope.FLEET_READ)
    if day is not None and not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidInputError(f"day: {day} is out of range; give {FIRST_DAY} to {LAST_DAY}.", ("day",))
    return Load(_boards, (day, info.context.now))


def plan_not_ready(
    info: Info,
    until: Annotated[datetime, strawberry.argument(description="Only those that leave by then; nine days ahead at most.")],
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those that leave from this depot.")] = None,
) -> Load:
    """Plan the readiness of those that will not be ready."""
    info.context.principal.require(Scope.FLEET_READ)
    now = info.context.now
    if not now < until <= now + _FURTHEST:
        message = f"until: {until.isoformat()} is out of range; give a moment after {now.isoformat()}, nine days later at most."
        raise InvalidInputError(message, ("until",))
    return Load(_not_ready, (optional_id("depotId", depot_id, Depot), now, until), key=ALL)


async def _foreseen(session: Session, keys: Sequence[Departure], now: datetime) -> Mapping[Departure, Readiness]:
    found = await readiness.foresee(session, keys, now=now)
    return {key: found[key.id] for key in keys if key.id in found}


async def _at_departure(
    session: Session, assignment_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None
) -> Mapping[uuid.UUID, ReadinessRecord]:
    return await ReadinessRecords(session).at_departure(assignment_ids, reads=reads)


async def _plugged_into(
    session: Session, vehicle_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None
) -> Mapping[uuid.UUID, Transaction]:
    return await Transactions(session).active_of_vehicles(vehicle_ids, reads=reads)


async def _boards(session: Session, depot_ids: Sequence[uuid.UUID], day: date | None, now: datetime) -> Mapping[uuid.UUID, DispatchBoard]:
    depots = await Depots(session).by_ids(depot_ids, reads=frozenset({"id", "time_zone"}))
    days = {depot.id: day or local_day(now, depot.time_zone) for depot in depots.values()}
    blocks = await Blocks(session).leaving(days)
    assigned = {
        (one.block_id, one.day): one
        for one in await Assignments(session).on_days((block.id for found in blocks.values() for block in found), set(days.values()))
    }
    free = await free_vehicles(session, {depot.id: day_bounds(days[depot.id], depot.time_zone) for depot in depots.values()})
    return {
        depot_id: board_of(
            depot_id,
            of_day,
            blocks.get(depot_id, []),
            {block_id: one for (block_id, day_of_run), one in assigned.items() if day_of_run == of_day},
            free.get(depot_id, []),
        )
        for depot_id, of_day in days.items()
    }


async def _not_ready(
    session: Session, _keys: Sequence[object], depot_id: uuid.UUID | None, now: datetime, until: datetime
) -> Mapping[Any, list[Readiness]]:
    return {ALL: await readiness.not_ready(session, now=now, until=until, depot_id=depot_id)}
