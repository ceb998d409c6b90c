"""What is in a battery, or will be as its vehicle comes: by what was told, else by what was planned, else by habit; rather too little."""

from collections.abc import Iterable
from dataclasses import dataclass

from ampyard.domain.assignments import Assignment
from ampyard.domain.charging_forecast import EFFICIENCY
from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.plans import ChargeSource
from ampyard.domain.readiness import OLDEST_SOC
from ampyard.domain.transactions import Transaction
from ampyard.domain.typical_energy import typical_energy_kwh
from ampyard.domain.vehicles import Vehicle
from ampyard.services.planning.needs import wanted
from ampyard.services.planning.outlook import OLDEST_KNOWN, Outlook

# Whoever still takes power is not full, whatever it was taken to have come with: so much of its target lacks at least.
_STILL_LACKS = 0.05


@dataclass(frozen=True, slots=True)
class Charge:
    """Energy in a battery, in kWh, and where that is known from."""

    kwh: float
    source: ChargeSource


def plugged_charge(outlook: Outlook, vehicle: Vehicle, transaction: Transaction) -> Charge:
    """Return what is in the battery of a vehicle that is plugged in and may take power.

    Where it has told nothing: what it is taken to have come with, and what has flowed since.
    """
    told = _told(outlook, vehicle)
    if told is not None:
        return told
    came_with = standing_charge(outlook, vehicle)
    most_kwh = (1 - _STILL_LACKS) * wanted(vehicle, 0.0, 0.0, None).target_kwh
    return Charge(min(came_with.kwh + transaction.energy_wh / 1000 * EFFICIENCY, max(came_with.kwh, most_kwh)), came_with.source)


def standing_charge(outlook: Outlook, vehicle: Vehicle) -> Charge:
    """Return what is in the battery of a vehicle that stands here: as it was told, however long ago, less what its runs took since."""
    told = _told(outlook, vehicle)
    if told is not None:
        return told
    if vehicle.soc is not None and outlook.at - vehicle.soc.at <= OLDEST_KNOWN:
        since = [run for run in outlook.runs.get(vehicle.id, ()) if vehicle.soc.at < run.returns_at and run.departs_at <= outlook.at]
        used = _used(outlook, vehicle, since)
        if used is not None:
            return Charge(max(0.0, vehicle.battery_kwh * vehicle.soc.percent / 100 - used), ChargeSource.PLANNED)
    return _assumed(outlook, vehicle)


def returning_charge(outlook: Outlook, vehicle: Vehicle, run: Assignment) -> Charge:
    """Return what a vehicle comes back with from a run that it was not planned here before; one that has yet to leave leaves ready."""
    told, used = _told(outlook, vehicle), outlook.needed_kwh(run, vehicle)
    if told is None and run.departs_at <= outlook.at:
        return standing_charge(outlook, vehicle)
    if told is None or used is None or vehicle.soc_at is None:
        return _at_most(outlook, vehicle, ChargeSource.RESERVE)
    if run.departs_at > outlook.at:
        return Charge(max(told.kwh - used, outlook.reserve_kwh(vehicle)), ChargeSource.PLANNED)
    since = max(vehicle.soc_at, run.departs_at)
    still = max(0.0, (run.returns_at - since) / (run.returns_at - run.departs_at))
    return Charge(max(0.0, told.kwh - used * still), ChargeSource.PLANNED)


def asked_charge(vehicle: Vehicle, request: ChargingRequest | None) -> Charge | None:
    """Return what a charging request says that a vehicle comes with; None where it says nothing of it."""
    if request is None or request.arrival_soc_percent is None:
        return None
    return Charge(vehicle.battery_kwh * min(100.0, request.arrival_soc_percent) / 100, ChargeSource.REQUEST)


def coming_charge(outlook: Outlook, vehicle: Vehicle) -> Charge:
    """Return what a vehicle comes with of which nobody knows where it is: no more than it had when it last told."""
    assumed, told = _assumed(outlook, vehicle), _told(outlook, vehicle)
    return assumed if told is None or told.kwh >= assumed.kwh else Charge(told.kwh, assumed.source)


def _told(outlook: Outlook, vehicle: Vehicle) -> Charge | None:
    """Return what is in a battery by the reading that counts: after each measurement that is an estimate. None where it is too old."""
    soc = vehicle.soc
    if soc is None or outlook.at - soc.at > OLDEST_SOC:
        return None
    return Charge(vehicle.battery_kwh * soc.percent / 100, ChargeSource.READING)


def _assumed(outlook: Outlook, vehicle: Vehicle) -> Charge:
    usual_kwh = typical_energy_kwh(outlook.past.get(vehicle.id, ()))
    if usual_kwh is None:
        return _at_most(outlook, vehicle, ChargeSource.RESERVE)
    target_kwh = wanted(vehicle, 0.0, 0.0, None).target_kwh
    return Charge(max(0.0, target_kwh - usual_kwh * EFFICIENCY), ChargeSource.HABIT)


def _at_most(outlook: Outlook, vehicle: Vehicle, source: ChargeSource) -> Charge:
    return Charge(min(vehicle.battery_kwh, outlook.reserve_kwh(vehicle)), source)


def _used(outlook: Outlook, vehicle: Vehicle, runs: Iterable[Assignment]) -> float | None:
    """Return what runs took, in kWh; None where that is not known of one."""
    used = [outlook.needed_kwh(run, vehicle) for run in runs]
    known = [kwh for kwh in used if kwh is not None]
    return sum(known) if len(known) == len(used) else None
