"""What vehicles at their plugs need, and by when: by a fresh plan, else by what is asked for, planned of runs, or was expected before."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.charging_forecast import EFFICIENCY
from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.plans import PlannedPower
from ampyard.domain.readiness import OLDEST_SOC, needed_energy
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.expected_departures import ExpectedDeparture, expected_departures
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.planning.needs import wanted

# As far as a plan looks.
_HORIZON = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Need:
    """What is still needed at the plug, in kWh, for the minimum and for the target; its weight; and when it leaves, where that is known."""

    minimum_kwh: float = 0.0
    target_kwh: float = 0.0
    weight: float = 1.0
    departs_at: datetime | None = None


NO_NEED = Need()


async def read_needs(
    work: UnitOfWork,
    depot_id: uuid.UUID,
    transactions: Mapping[uuid.UUID, Transaction],
    vehicles: Mapping[uuid.UUID, Vehicle],
    plans: Mapping[uuid.UUID, PlannedPower],
) -> dict[uuid.UUID, Need]:
    """Return what is needed, by transaction, where it is known how full the vehicle is now: what it got since a plan was made counts.

    Where it is not, what a fresh plan took it to hold counts; without one, nothing can be said.

    Two statements where anybody has no fresh plan, none otherwise. How a vehicle usually leaves is learnt for plans alone; here it counts
    as the last one has it.
    """
    found, unplanned = {}, dict[uuid.UUID, Vehicle]()
    for transaction in transactions.values():
        vehicle = vehicles.get(transaction.vehicle_id) if transaction.vehicle_id is not None else None
        if vehicle is None:
            continue
        plan, told_kwh = plans.get(transaction.id), _told_kwh(vehicle, work.now)
        if plan is not None:
            energy_kwh = plan.energy_kwh if told_kwh is None else told_kwh
            if energy_kwh is not None:
                found[transaction.id] = _need(energy_kwh, plan.minimum_kwh, plan.target_kwh, 1.0, plan.departs_at)
        elif told_kwh is not None:
            unplanned[transaction.id] = vehicle
    if unplanned:
        asked = await ChargingRequests(work.session).counting([vehicle.id for vehicle in unplanned.values()], at=work.now)
        owners = {transaction_id: vehicle.id for transaction_id, vehicle in unplanned.items()}
        expected = await expected_departures(work.session, owners, at=work.now, until=work.now + _HORIZON)
        for transaction_id, vehicle in unplanned.items():
            request = next((one for one in asked.get(vehicle.id, ()) if one.depot_id == depot_id), None)
            found[transaction_id] = _unplanned(vehicle, request, expected[transaction_id], work.now)
    return found


def _unplanned(vehicle: Vehicle, request: ChargingRequest | None, expected: ExpectedDeparture, now: datetime) -> Need:
    run_kwh = None
    if expected.run_departs_at is not None:
        run_kwh = needed_energy(
            energy_kwh=expected.energy_kwh, distance_km=expected.distance_km, consumption_kwh_per_km=vehicle.consumption_kwh_per_km
        )
    percent = expected.reserve_percent if vehicle.min_soc_percent is None else vehicle.min_soc_percent
    it = wanted(vehicle, run_kwh or 0.0, vehicle.battery_kwh * percent / 100, request)
    energy_kwh = _told_kwh(vehicle, now) or 0.0
    return _need(energy_kwh, it.minimum_kwh, it.target_kwh, it.weight, _departure(request, expected, now))


def _told_kwh(vehicle: Vehicle, now: datetime) -> float | None:
    """Return what a vehicle has told that is in its battery; None where that is too old."""
    soc = vehicle.soc
    return None if soc is None or now - soc.at > OLDEST_SOC else vehicle.battery_kwh * soc.percent / 100


def _departure(request: ChargingRequest | None, expected: ExpectedDeparture, now: datetime) -> datetime | None:
    """Return when it leaves. Nobody waits who is to be charged at once, and what the last plan expected may be over."""
    if request is not None and request.ad_hoc:
        return None
    if request is not None and request.departs_at is not None:
        return request.departs_at
    if expected.run_departs_at is not None:
        return expected.run_departs_at
    learnt = expected.planned_departs_at
    return learnt if learnt is not None and learnt > now else None


def _need(energy_kwh: float, minimum_kwh: float, target_kwh: float, weight: float, departs_at: datetime | None) -> Need:
    minimum, target = (max(0.0, kwh - energy_kwh) / EFFICIENCY for kwh in (minimum_kwh, target_kwh))
    return Need(minimum, target, weight, departs_at)
