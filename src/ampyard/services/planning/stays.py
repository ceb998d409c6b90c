"""The stays of a depot: of the vehicles that are plugged in, and of those that will come back within the horizon and leave again."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from ampyard.domain.assignments import Assignment
from ampyard.domain.charge_points import Evse
from ampyard.domain.charging_forecast import EFFICIENCY
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.planning import Stay
from ampyard.domain.plans import DepartureSource
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.readiness import OLDEST_SOC
from ampyard.domain.transactions import ChargingState, Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.services.planning.needs import Departure, departure_of, preconditioning_of, wanted_of
from ampyard.services.planning.outlook import Outlook
from ampyard.services.planning.places import Places, plug_kw

_FOR_USE = (ChargePointState.COMMISSIONED, ChargePointState.IN_SERVICE)
# Whoever is to be charged at once has a quarter-hour at least: less no plan has.
_LEAST_HOURS = 0.25


@dataclass(frozen=True, slots=True)
class Guest:
    """Who a stay is, where, and where it is known from when it leaves."""

    stay: Stay
    evse: Evse
    transaction_id: uuid.UUID | None
    assignment_id: uuid.UUID | None
    source: DepartureSource | None
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Guests:
    """All stays of a depot by their ids, and the EVSEs with a transaction that cannot be planned.

    One cannot where its vehicle or the charge of it is not known, the charge point cannot be told anything, or the vehicle has stopped by
    itself.
    """

    planned: dict[uuid.UUID, Guest] = field(default_factory=dict)
    unplanned: list[Evse] = field(default_factory=list)


def guests_of(outlook: Outlook, *, until: datetime) -> Guests:
    """Return the stays of a depot that begin before the horizon."""
    found = Guests()
    for evse in sorted(outlook.evses.values(), key=lambda evse: evse.id):
        transaction = outlook.transactions.get(evse.id)
        if transaction is None:
            continue
        guest = _plugged_in(outlook, evse, transaction)
        if guest is None:
            found.unplanned.append(evse)
        else:
            found.planned[guest.stay.id] = guest
    taken = {
        evse_id: guest.stay.departs_at or until
        for evse_id, transaction in outlook.transactions.items()
        if (guest := found.planned.get(transaction.id)) is not None
    }
    taken |= {evse.id: until for evse in found.unplanned}
    usable = [evse for evse in outlook.evses.values() if outlook.charge_points[evse.charge_point_id].state in _FOR_USE]
    places = Places(usable, taken)
    for expected in sorted(_expected(outlook, found, until), key=lambda it: (it.arrives_at, it.run.id)):
        place = places.take(expected.vehicle, (expected.arrives_at, expected.departs_at), expected.used_kwh)
        if place is not None:
            found.planned[expected.run.id] = _to_come(outlook, expected, place, found)
    return found


def _plugged_in(outlook: Outlook, evse: Evse, transaction: Transaction) -> Guest | None:
    vehicle = outlook.vehicles.get(transaction.vehicle_id) if transaction.vehicle_id is not None else None
    online = outlook.charge_points[evse.charge_point_id].connected
    if vehicle is None or not online or transaction.charging_state is ChargingState.SUSPENDED_EV:
        return None
    energy = _energy_kwh(outlook, vehicle)
    if energy is None or plug_kw(evse, vehicle) <= 0:
        return None
    run = next(iter(_ahead(outlook, vehicle)), None)
    request = next((one for one in outlook.requests.get(vehicle.id, ()) if one.depot_id == outlook.depot.id), None)
    wanted = wanted_of(outlook, vehicle, run, request)
    departure = departure_of(outlook, vehicle, run, request)
    if request is not None and request.ad_hoc:
        departure = _at_once(outlook, departure, max(0.0, wanted.target_kwh - energy) / (plug_kw(evse, vehicle) * EFFICIENCY))
    stay = Stay(
        id=transaction.id,
        vehicle_id=vehicle.id,
        node_id=outlook.node_of(evse),
        priority=int(outlook.levels.get(transaction.id, PriorityLevel.NORMAL)),
        arrives_at=min(transaction.started_at, outlook.at),
        departs_at=departure.at,
        capacity_kwh=vehicle.battery_kwh,
        minimum_kwh=wanted.minimum_kwh,
        target_kwh=wanted.target_kwh,
        max_kw=plug_kw(evse, vehicle),
        min_kw=min(evse.min_power_kw, plug_kw(evse, vehicle)),
        energy_kwh=energy,
        weight=wanted.weight,
        preconditioning=preconditioning_of(request, departure.at),
        lines=outlook.lines_at(evse, vehicle),
    )
    return Guest(stay, evse, transaction.id, None if run is None else run.id, departure.source, departure.confidence)


def _at_once(outlook: Outlook, departure: Departure, hours: float) -> Departure:
    """Return when a vehicle leaves that is to be charged at once: as if as soon as it could be done."""
    done_at = outlook.at + max(hours, _LEAST_HOURS) * timedelta(hours=1)
    return Departure(done_at if departure.at is None else min(done_at, departure.at), DepartureSource.REQUEST, None)


def _energy_kwh(outlook: Outlook, vehicle: Vehicle) -> float | None:
    """Return what is in a battery, by the reading that counts: after each measurement that is an estimate. None where it is too old."""
    soc = vehicle.soc
    if soc is None or outlook.at - soc.at > OLDEST_SOC:
        return None
    return vehicle.battery_kwh * soc.percent / 100


def _ahead(outlook: Outlook, vehicle: Vehicle) -> list[Assignment]:
    return [run for run in outlook.runs.get(vehicle.id, []) if run.departs_at > outlook.at]


@dataclass(frozen=True, slots=True)
class _Expected:
    """A stay to come, between two runs: `run` is the one that it ends with. `energy_kwh` is None where that depends on the stay before."""

    vehicle: Vehicle
    run: Assignment
    arrives_at: datetime
    departs_at: datetime
    used_kwh: float
    previous: uuid.UUID | None
    energy_kwh: float | None


def _expected(outlook: Outlook, found: Guests, until: datetime) -> Iterator[_Expected]:
    """Yield the stays to come. What cannot be told breaks off a vehicle's chain: a run whose need nobody knows, a return to elsewhere."""
    here = {guest.stay.vehicle_id: guest.stay.id for guest in found.planned.values()}
    unplanned = {outlook.transactions[evse.id].vehicle_id for evse in found.unplanned}
    for vehicle_id, runs in sorted(outlook.runs.items()):
        vehicle = outlook.vehicles.get(vehicle_id)
        if vehicle is None or vehicle_id in unplanned:
            continue
        ahead = _ahead(outlook, vehicle) if vehicle_id in here else [run for run in runs if run.returns_at > outlook.at]
        yield from _chain(outlook, vehicle, ahead, here.get(vehicle_id), until)


def _chain(
    outlook: Outlook, vehicle: Vehicle, runs: Sequence[Assignment], previous: uuid.UUID | None, until: datetime
) -> Iterator[_Expected]:
    for run, following in pairwise(runs):
        block, used = outlook.blocks.get(run.block_id), outlook.needed_kwh(run, vehicle)
        if used is None or block is None or run.returns_at >= until:
            return
        if block.return_depot_id != outlook.depot.id or following.departs_at <= run.returns_at:
            previous = None
            continue
        energy = _on_return(outlook, vehicle, run, used) if previous is None else None
        if previous is None and energy is None:
            return
        yield _Expected(vehicle, following, run.returns_at, following.departs_at, used, previous, energy)
        previous = following.id


def _on_return(outlook: Outlook, vehicle: Vehicle, run: Assignment, used_kwh: float) -> float | None:
    """Return what a vehicle comes back with that is not planned here before. One that has yet to leave is taken to leave ready."""
    energy = _energy_kwh(outlook, vehicle)
    if energy is None or vehicle.soc_at is None:
        return None
    if run.departs_at > outlook.at:
        return max(energy - used_kwh, outlook.reserve_kwh(vehicle))
    since = max(vehicle.soc_at, run.departs_at)
    still = max(0.0, (run.returns_at - since) / (run.returns_at - run.departs_at))
    return max(0.0, energy - used_kwh * still)


def _to_come(outlook: Outlook, expected: _Expected, evse: Evse, found: Guests) -> Guest:
    vehicle, run = expected.vehicle, expected.run
    wanted = wanted_of(outlook, vehicle, run, None)
    # Where the stay before found no place, there is none that this one could follow.
    previous = expected.previous if expected.previous in found.planned else None
    stay = Stay(
        id=run.id,
        vehicle_id=vehicle.id,
        node_id=outlook.node_of(evse),
        priority=int(outlook.levels.get(run.id, PriorityLevel.NORMAL)),
        arrives_at=expected.arrives_at,
        departs_at=expected.departs_at,
        capacity_kwh=vehicle.battery_kwh,
        minimum_kwh=wanted.minimum_kwh,
        target_kwh=wanted.target_kwh,
        max_kw=plug_kw(evse, vehicle),
        min_kw=min(evse.min_power_kw, plug_kw(evse, vehicle)),
        energy_kwh=outlook.reserve_kwh(vehicle) if expected.energy_kwh is None else expected.energy_kwh,
        previous=previous,
        used_kwh=expected.used_kwh if previous is not None else 0.0,
        lines=outlook.lines_at(evse, vehicle),
    )
    return Guest(stay, evse, None, run.id, DepartureSource.ASSIGNMENT, None)
