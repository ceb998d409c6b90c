"""Uptime in a period: of EVSEs, of charge points, of depots; one statement for all that are asked for."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry
from sqlalchemy import Column

from ampyard.domain.access import Scope
from ampyard.domain.availability import NO_UPTIME, Availability, Observed, Span, Uptime, uptime
from ampyard.domain.errors import InvalidInputError
from ampyard.engine import Load, cost, edge
from ampyard.repositories import tables
from ampyard.repositories.availability import AvailabilityIntervals, Record, records
from ampyard.repositories.database import Session
from ampyard.resolvers.context import Info

# Not told of, a period is the last thirty days; a longer one than this is asked for in parts.
_USUAL = timedelta(days=30)
_LONGEST = timedelta(days=366)
# Reads months of intervals of many EVSEs.
_WEIGHT = 5

OF_EVSE = tables.evse.c.id
OF_CHARGE_POINT = tables.evse.c.charge_point_id
OF_DEPOT = tables.charge_point.c.depot_id

_FROM = Annotated[datetime | None, strawberry.argument(name="from", description="From when; thirty days before the end unless told.")]
_TO = Annotated[datetime | None, strawberry.argument(description="Until when, 366 days later at most; now unless told.")]


def uptime_of(column: Column[Any], *, description: str) -> Any:
    """Return an edge to the uptime of the parent's EVSEs: those whose `column`, or whose charge point's, has the parent's id."""

    def plan(info: Info, from_: _FROM = None, to: _TO = None) -> Load:
        info.context.principal.require(Scope.FLEET_READ)
        now = info.context.now
        end = to or now
        start = from_ or end - _USUAL
        if not timedelta() < end - start <= _LONGEST:
            span = f"from {start.isoformat()} to {end.isoformat()}"
            raise InvalidInputError(f"The period {span} is empty or too long; give an end after its start, 366 days later at most.")
        return Load(_of_all, (column, Span(start, end), now))

    return edge(plan, key="id", description=description, directives=[cost(_WEIGHT)])


async def _of_all(
    session: Session, keys: Sequence[uuid.UUID], column: Column[Any], period: Span, now: datetime
) -> Mapping[uuid.UUID, Uptime]:
    """The uptime of each key in a period; what is still so is so until now."""
    found = await records(session, column, keys, start=period.start, end=period.end)
    of_key: dict[uuid.UUID, dict[uuid.UUID, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in found:
        of_key[record.key][record.charge_point_id].append(record)
    return {key: sum((_of_one(of_one, period, now) for of_one in of_key[key].values()), NO_UPTIME) for key in keys}


def _of_one(found: Iterable[Record], period: Span, now: datetime) -> Uptime:
    """Return the uptime of the EVSEs of one charge point that are asked for."""
    evses, observed, planned = 0, [], []
    for one in found:
        if one.start is None:
            evses += 1
        elif one.evse_id is None:
            planned.append(Span(one.start, one.end or now))
        elif one.start < (end := one.end or now):
            observed.append(Observed(one.evse_id, up=one.availability is Availability.USABLE, span=Span(one.start, end)))
    return uptime(observed, planned, period=period, evses=evses)


async def availability_now(session: Session, evse_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None) -> Mapping[uuid.UUID, Any]:
    """The interval of availability that each EVSE is in."""
    return await AvailabilityIntervals(session).open_of_evses(evse_ids, reads=reads)


def plan_availability(info: Info) -> Load:
    """Plan the interval of availability that an EVSE is in; by the EVSE's id."""
    info.context.principal.require(Scope.FLEET_READ)
    return _AVAILABILITY


_AVAILABILITY = Load(availability_now, projects=("",))
