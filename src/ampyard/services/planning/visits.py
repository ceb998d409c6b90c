"""When a vehicle is in a depot to be charged: now, after each of its runs, and when somebody says that it comes.

Whoever is to be in the yard and is not plugged in is expected to be by the time the next plan but two is made: what is planned until then
is left to those who are.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from ampyard.domain.assignments import Assignment
from ampyard.domain.charging_requests import OVERDUE, ChargingRequest, with_runs
from ampyard.domain.plans import FRESH, ArrivalSource
from ampyard.domain.vehicles import Vehicle
from ampyard.services.planning.outlook import Outlook

# A request that names an arrival no later than so long after a run's return speaks of that return.
_SAME_ARRIVAL = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Visit:
    """One time that a vehicle is here: since when, and where that is known from (None: it is plugged in).

    `after` is the run that it comes back from, `run` the one it leaves on, `request` what is asked for it; each None where there is none.
    """

    vehicle: Vehicle
    begins_at: datetime
    source: ArrivalSource | None
    after: Assignment | None = None
    run: Assignment | None = None
    request: ChargingRequest | None = None

    @property
    def id(self) -> uuid.UUID:
        """What the plan knows its stay by, where it has yet to be plugged in."""
        ends_with = self.run or self.request
        return self.vehicle.id if ends_with is None else ends_with.id


def visits_of(outlook: Outlook, vehicle: Vehicle, *, plugged: bool) -> list[Visit]:
    """Return when a vehicle is here, by time; the first is that of its transaction where it is plugged in."""
    found = list(_by_runs(outlook, vehicle, plugged=plugged))
    requests = [one for one in outlook.requests.get(vehicle.id, ()) if one.depot_id == outlook.depot.id]
    # Who is to be here already is spoken of before who comes later.
    requests.sort(key=lambda one: outlook.at if one.arrives_at is None else max(one.arrives_at, outlook.at))
    of_runs = with_runs(requests, {visit.run.id: visit.run.departs_at for visit in found if visit.run is not None}, at=outlook.at)
    of_request = {request.id: run_id for run_id, request in of_runs.items()}
    for request in requests:
        number = _which(found, request, of_request.get(request.id), outlook.at)
        if number is not None:
            found[number] = _asked(found[number], request, outlook.at)
        elif request.arrives_at is not None and _is_expected(outlook, vehicle, request.arrives_at):
            found.append(Visit(vehicle, _not_before_soon(outlook, request.arrives_at), _told_or_late(outlook, request), request=request))
        elif not found and request.arrives_at is None and request.departs_at is not None and vehicle.id not in outlook.elsewhere:
            found.append(Visit(vehicle, _soon(outlook), ArrivalSource.YARD, request=request))
    return sorted(found, key=lambda visit: visit.begins_at)


def _by_runs(outlook: Outlook, vehicle: Vehicle, *, plugged: bool) -> Iterator[Visit]:
    runs = outlook.runs.get(vehicle.id, ())
    ahead = [run for run in runs if run.departs_at > outlook.at]
    if plugged:
        # A vehicle may have come back early, whatever its run says.
        yield Visit(vehicle, outlook.at, None, run=next(iter(ahead), None))
    else:
        yield from _first_here(outlook, vehicle, runs, ahead)
    for run, following in pairwise([*ahead, None]):
        if run is not None:
            yield from _after(outlook, vehicle, run, following)


def _first_here(outlook: Outlook, vehicle: Vehicle, runs: Sequence[Assignment], ahead: Sequence[Assignment]) -> Iterator[Visit]:
    """Yield the visit before the first run ahead, of a vehicle that is not plugged in: it comes back for it, or is to be here by now."""
    following = next(iter(ahead), None)
    last = next((run for run in reversed(runs) if run.departs_at <= outlook.at), None)
    if last is not None and last.returns_at > outlook.at:
        yield from _after(outlook, vehicle, last, following)
        return
    if vehicle.id in outlook.elsewhere or (last is not None and not _returns_here(outlook, last)):
        return
    if following is not None:
        if following.depot_id == outlook.depot.id:
            yield Visit(vehicle, _soon(outlook), ArrivalSource.YARD, after=last, run=following)
    elif last is not None and _is_expected(outlook, vehicle, last.returns_at):
        yield Visit(vehicle, _soon(outlook), ArrivalSource.YARD, after=last)


def _after(outlook: Outlook, vehicle: Vehicle, run: Assignment, following: Assignment | None) -> Iterator[Visit]:
    """Yield the visit between a run and the one after it, or after the last."""
    if not _returns_here(outlook, run):
        return
    if following is None or (following.depot_id == outlook.depot.id and following.departs_at > run.returns_at):
        yield Visit(vehicle, run.returns_at, ArrivalSource.ASSIGNMENT, after=run, run=following)


def _returns_here(outlook: Outlook, run: Assignment) -> bool:
    block = outlook.blocks.get(run.block_id)
    return block is not None and block.return_depot_id == outlook.depot.id


def _which(visits: Sequence[Visit], request: ChargingRequest, run_id: uuid.UUID | None, at: datetime) -> int | None:
    """Return which visit a request speaks of: the one that ends with its run, else the first that fits its times; None for no other."""
    free = [(number, visit) for number, visit in enumerate(visits) if visit.request is None]
    if run_id is not None:
        return next((number for number, visit in free if visit.run is not None and visit.run.id == run_id), None)
    for number, visit in free:
        leaves_before_it_comes = request.arrives_at is not None and (
            visit.run.departs_at <= request.arrives_at
            if visit.run is not None
            else visit.after is not None and request.arrives_at > max(visit.begins_at, at) + _SAME_ARRIVAL
        )
        has_left_by_then = request.departs_at is not None and visit.source is not None and request.departs_at <= visit.begins_at
        if not leaves_before_it_comes and not has_left_by_then:
            return number
    return None


def _asked(visit: Visit, request: ChargingRequest, at: datetime) -> Visit:
    told_ahead = visit.source is not None and request.arrives_at is not None and request.arrives_at > at
    if not told_ahead or request.arrives_at is None or (visit.run is not None and visit.run.departs_at <= request.arrives_at):
        return replace(visit, request=request)
    return replace(visit, request=request, begins_at=request.arrives_at, source=ArrivalSource.REQUEST)


def _is_expected(outlook: Outlook, vehicle: Vehicle, arrives_at: datetime) -> bool:
    """Tell whether somebody is still waited for who was to come: not for ever, and not after it has been plugged in."""
    been = any(stay.ended_at > arrives_at for stay in outlook.past.get(vehicle.id, ()))
    return vehicle.id not in outlook.elsewhere and not been and outlook.at < arrives_at + OVERDUE


def _told_or_late(outlook: Outlook, request: ChargingRequest) -> ArrivalSource:
    told_ahead = request.arrives_at is not None and request.arrives_at > outlook.at
    return ArrivalSource.REQUEST if told_ahead else ArrivalSource.YARD


def _not_before_soon(outlook: Outlook, moment: datetime) -> datetime:
    return moment if moment > outlook.at else _soon(outlook)


def _soon(outlook: Outlook) -> datetime:
    return outlook.at + FRESH
