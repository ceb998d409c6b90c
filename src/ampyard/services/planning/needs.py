"""When a vehicle leaves, and what it needs by then: by what is supposed, asked for, planned, or learnt, in this order."""

from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.departures import learnt_departure
from ampyard.domain.planning import Preconditioning
from ampyard.domain.plans import DepartureSource
from ampyard.domain.vehicles import Vehicle
from ampyard.services.planning.outlook import HORIZON, Outlook
from ampyard.services.planning.visits import Visit


@dataclass(frozen=True, slots=True)
class Departure:
    """When a vehicle leaves, where that is known from, and how far it can be believed; all None where nothing is known."""

    at: datetime | None
    source: DepartureSource | None
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be in a battery at departure, what is wanted to be, and what the vehicle weighs against others of its class."""

    minimum_kwh: float
    target_kwh: float
    weight: float


def departure_of(outlook: Outlook, visit: Visit) -> Departure:
    """Return when a vehicle leaves after a visit; what is supposed is of the first one that is not over by then."""
    vehicle, run, request = visit.vehicle, visit.run, visit.request
    supposed = outlook.supposed.get(vehicle.id)
    if supposed is not None and visit.begins_at < supposed and (run is None or supposed <= run.departs_at or visit.source is None):
        return Departure(supposed, DepartureSource.SUPPOSED, None)
    if request is not None and request.departs_at is not None:
        return Departure(request.departs_at, DepartureSource.REQUEST, None)
    if run is not None:
        return Departure(run.departs_at, DepartureSource.ASSIGNMENT, None)
    past = outlook.past.get(vehicle.id, ())
    learnt = learnt_departure(past, now=visit.begins_at, until=outlook.at + HORIZON, time_zone=outlook.depot.time_zone)
    return Departure(None, None, None) if learnt is None else Departure(learnt.at, DepartureSource.LEARNT, learnt.confidence)


def wanted_of(outlook: Outlook, visit: Visit) -> Wanted:
    """Return what a vehicle needs as it leaves after a visit, as `wanted`."""
    needed = (outlook.needed_kwh(visit.run, visit.vehicle) if visit.run is not None else None) or 0.0
    return wanted(visit.vehicle, needed, outlook.reserve_kwh(visit.vehicle), visit.request)


def wanted(vehicle: Vehicle, run_kwh: float, reserve_kwh: float, request: ChargingRequest | None) -> Wanted:
    """Return what a vehicle needs: for its run with the reserve, and what is asked for, whichever is more; both within its battery.

    What is wanted is what is asked for at most, else what the vehicle is charged to.
    """
    minimum = run_kwh + reserve_kwh
    target_percent = 100.0 if vehicle.target_soc_percent is None else vehicle.target_soc_percent
    weight = 1.0
    if request is not None:
        minimum = max(minimum, vehicle.battery_kwh * request.min_soc_percent / 100)
        target_percent, weight = request.max_soc_percent, request.weight
    minimum = min(minimum, vehicle.battery_kwh)
    return Wanted(minimum, max(minimum, vehicle.battery_kwh * min(target_percent, 100.0) / 100), weight)


def preconditioning_of(request: ChargingRequest | None, departs_at: datetime | None) -> tuple[Preconditioning, ...]:
    """Return what a vehicle takes for heating or cooling before it leaves; only where it is known when that is, and how much."""
    if request is None or request.preconditioning is None or departs_at is None:
        return ()
    return tuple(
        Preconditioning(load.begins_at, departs_at, load.kw)
        for load in request.preconditioning.loads
        if load.kw is not None and load.begins_at < departs_at
    )
