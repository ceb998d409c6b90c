"""The stays of a depot: of the vehicles that are plugged in, and of those that are expected within the horizon."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ampyard.domain.charge_points import Evse
from ampyard.domain.charging_forecast import EFFICIENCY
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.planning import Stay
from ampyard.domain.plans import ArrivalSource, ChargeSource, DepartureSource
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.transactions import ChargingState, Transaction
from ampyard.services.planning.charges import Charge, asked_charge, coming_charge, plugged_charge, returning_charge, standing_charge
from ampyard.services.planning.needs import Departure, departure_of, preconditioning_of, wanted_of
from ampyard.services.planning.outlook import Outlook
from ampyard.services.planning.places import Places
from ampyard.services.planning.visits import Visit, visits_of

_FOR_USE = (ChargePointState.COMMISSIONED, ChargePointState.IN_SERVICE)
# Whoever is to be charged at once has a quarter-hour at least: less no plan has.
_LEAST_HOURS = 0.25


@dataclass(frozen=True, slots=True)
class Guest:
    """Who a stay is, where, and where it is known from when it comes (None: it is there), when it leaves, and what is in its battery.

    `energy_source` is None where that depends on the stay before.
    """

    stay: Stay
    evse: Evse
    transaction_id: uuid.UUID | None
    assignment_id: uuid.UUID | None
    source: DepartureSource | None
    confidence: float | None
    request_id: uuid.UUID | None = None
    arrival: ArrivalSource | None = None
    energy_source: ChargeSource | None = None


@dataclass(frozen=True, slots=True)
class Guests:
    """All stays of a depot by their ids, and the EVSEs with a transaction that cannot be planned.

    One cannot where its vehicle is not known, the charge point cannot be told anything, or the vehicle has stopped by itself.
    """

    planned: dict[uuid.UUID, Guest] = field(default_factory=dict)
    unplanned: list[Evse] = field(default_factory=list)


def guests_of(outlook: Outlook, *, until: datetime) -> Guests:
    """Return the stays of a depot that begin before the horizon."""
    found = Guests()
    plugged = {one.vehicle_id for one in outlook.transactions.values() if one.vehicle_id is not None}
    visits = {
        vehicle_id: visits_of(outlook, vehicle, plugged=vehicle_id in plugged)
        for vehicle_id, vehicle in sorted(outlook.vehicles.items())
        if vehicle.archived_at is None
    }
    for evse in sorted(outlook.evses.values(), key=lambda evse: evse.id):
        transaction = outlook.transactions.get(evse.id)
        if transaction is None:
            continue
        of_vehicle = visits.get(transaction.vehicle_id, []) if transaction.vehicle_id is not None else []
        guest = _plugged_in(outlook, evse, transaction, of_vehicle) if of_vehicle else None
        if guest is None:
            found.unplanned.append(evse)
        else:
            found.planned[guest.stay.id] = guest
    places = _places(outlook, found, until)
    unplanned = {outlook.transactions[evse.id].vehicle_id for evse in found.unplanned}
    to_come = [one for vehicle_id, of_vehicle in visits.items() if vehicle_id not in unplanned for one in _expected(of_vehicle)]
    for expected in sorted(to_come, key=lambda it: (it.visit.begins_at, it.visit.id)):
        if expected.visit.begins_at < until and expected.visit.id not in found.planned:
            guest = _to_come(outlook, expected, found, places, until)
            if guest is not None:
                found.planned[guest.stay.id] = guest
    return found


def _places(outlook: Outlook, found: Guests, until: datetime) -> Places:
    taken = {
        evse_id: guest.stay.departs_at or until
        for evse_id, transaction in outlook.transactions.items()
        if (guest := found.planned.get(transaction.id)) is not None
    }
    taken |= {evse.id: until for evse in found.unplanned}
    usable = [evse for evse in outlook.evses.values() if outlook.charge_points[evse.charge_point_id].state in _FOR_USE]
    return Places(usable, taken, outlook.plug_kw)


def _plugged_in(outlook: Outlook, evse: Evse, transaction: Transaction, visits: list[Visit]) -> Guest | None:
    visit, vehicle = visits[0], visits[0].vehicle
    online = outlook.charge_points[evse.charge_point_id].connected
    if not online or transaction.charging_state is ChargingState.SUSPENDED_EV or outlook.plug_kw(evse, vehicle) <= 0:
        return None
    charge = plugged_charge(outlook, vehicle, transaction)
    departure = _leaves(outlook, visits, 0, charge.kwh, outlook.plug_kw(evse, vehicle))
    stay = _stay(outlook, visit, evse, departure, charge)
    stay = replace(
        stay,
        id=transaction.id,
        priority=int(outlook.levels.get(transaction.id, PriorityLevel.NORMAL)),
        arrives_at=min(transaction.started_at, outlook.at),
    )
    return _guest(stay, evse, visit, departure, charge.source, transaction.id)


def _leaves(outlook: Outlook, visits: list[Visit], number: int, energy_kwh: float, kw: float) -> Departure:
    """Return when a vehicle leaves after one of its visits: before it comes again, whatever is not known of it."""
    visit = visits[number]
    departure = departure_of(outlook, visit)
    if visit.request is not None and visit.request.ad_hoc:
        hours = max(0.0, wanted_of(outlook, visit).target_kwh - energy_kwh) / (kw * EFFICIENCY)
        departure = _at_once(visit, departure, hours)
    following = visits[number + 1] if number + 1 < len(visits) else None
    if following is not None and (departure.at is None or departure.at > following.begins_at):
        by = DepartureSource.REQUEST if following.source is ArrivalSource.REQUEST else DepartureSource.ASSIGNMENT
        return Departure(following.begins_at, by, None)
    return departure


def _at_once(visit: Visit, departure: Departure, hours: float) -> Departure:
    """Return when a vehicle leaves that is to be charged at once: as if as soon as it could be done."""
    done_at = visit.begins_at + max(hours, _LEAST_HOURS) * timedelta(hours=1)
    return Departure(done_at if departure.at is None else min(done_at, departure.at), DepartureSource.REQUEST, None)


@dataclass(frozen=True, slots=True)
class _Expected:
    """A visit to come, and the one before it, which leaves on the run that it comes back from; None where there is none such."""

    visits: list[Visit]
    number: int
    before: Visit | None

    @property
    def visit(self) -> Visit:
        return self.visits[self.number]


def _expected(visits: list[Visit]) -> Iterator[_Expected]:
    for number, visit in enumerate(visits):
        if visit.source is not None:
            before = visits[number - 1] if number else None
            follows = before is not None and before.run is not None and visit.after is not None and before.run.id == visit.after.id
            yield _Expected(visits, number, before if follows else None)


def _to_come(outlook: Outlook, expected: _Expected, found: Guests, places: Places, until: datetime) -> Guest | None:
    """Return a stay to come, at a plug that will be free; None where there is none, or no time."""
    visit, vehicle = expected.visit, expected.visit.vehicle
    used_kwh = None if visit.after is None else outlook.needed_kwh(visit.after, vehicle)
    previous = _planned_before(expected.before, found)
    charge = asked_charge(vehicle, visit.request)
    if charge is None and (previous is None or used_kwh is None):
        charge = _comes_with(outlook, visit)
    wanted = wanted_of(outlook, visit)
    departs_at = _leaves(outlook, expected.visits, expected.number, wanted.target_kwh, 1.0).at or until
    if departs_at <= visit.begins_at:
        return None
    needed_kwh = (used_kwh or 0.0) if charge is None else max(0.0, wanted.minimum_kwh - charge.kwh)
    asked = None if visit.request is None else visit.request.evse_id
    evse = places.take(vehicle, (visit.begins_at, departs_at), needed_kwh, asked)
    if evse is None:
        return None
    energy_kwh = outlook.reserve_kwh(vehicle) if charge is None else charge.kwh
    departure = _leaves(outlook, expected.visits, expected.number, energy_kwh, outlook.plug_kw(evse, vehicle))
    stay = _stay(outlook, visit, evse, departure, charge or Charge(energy_kwh, ChargeSource.RESERVE))
    if charge is None:
        stay = replace(stay, previous=previous, used_kwh=used_kwh or 0.0)
    return _guest(stay, evse, visit, departure, None if charge is None else charge.source, None)


def _planned_before(before: Visit | None, found: Guests) -> uuid.UUID | None:
    """Return the id of the stay of a visit, where it is planned: a plugged-in one has that of its transaction."""
    if before is None:
        return None
    if before.source is not None:
        return before.id if before.id in found.planned else None
    of_vehicle = (guest for guest in found.planned.values() if guest.stay.vehicle_id == before.vehicle.id)
    return next((guest.stay.id for guest in of_vehicle if guest.transaction_id is not None), None)


def _comes_with(outlook: Outlook, visit: Visit) -> Charge:
    if visit.source is ArrivalSource.YARD:
        return standing_charge(outlook, visit.vehicle)
    if visit.after is not None:
        return returning_charge(outlook, visit.vehicle, visit.after)
    return coming_charge(outlook, visit.vehicle)


def _stay(outlook: Outlook, visit: Visit, evse: Evse, departure: Departure, charge: Charge) -> Stay:
    vehicle, wanted = visit.vehicle, wanted_of(outlook, visit)
    coupled = outlook.coupling(evse, vehicle)
    return Stay(
        id=visit.id,
        vehicle_id=vehicle.id,
        node_id=outlook.node_of(evse),
        priority=int(outlook.levels.get(visit.id, PriorityLevel.NORMAL)),
        arrives_at=visit.begins_at,
        departs_at=departure.at,
        capacity_kwh=vehicle.battery_kwh,
        minimum_kwh=wanted.minimum_kwh,
        target_kwh=wanted.target_kwh,
        max_kw=outlook.plug_kw(evse, vehicle),
        min_kw=min(coupled.least_kw, outlook.plug_kw(evse, vehicle)),
        energy_kwh=charge.kwh,
        weight=wanted.weight,
        preconditioning=preconditioning_of(visit.request, departure.at),
        lines=coupled.lines,
    )


def _guest(
    stay: Stay, evse: Evse, visit: Visit, departure: Departure, energy_source: ChargeSource | None, transaction_id: uuid.UUID | None
) -> Guest:
    return Guest(
        stay=stay,
        evse=evse,
        transaction_id=transaction_id,
        assignment_id=None if visit.run is None else visit.run.id,
        source=departure.source,
        confidence=departure.confidence,
        request_id=None if visit.request is None else visit.request.id,
        arrival=visit.source,
        energy_source=energy_source,
    )
