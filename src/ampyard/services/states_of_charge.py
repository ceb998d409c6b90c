"""State of charge of vehicles: told by telematics, by chargers, or estimated from what was delivered; see `domain.state_of_charge`."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import CurrentType
from ampyard.domain.errors import NotFoundError, Problems
from ampyard.domain.events import Event, EventKind
from ampyard.domain.state_of_charge import CONFIDENCE, FULL_PERCENT, SocSource, StateOfCharge, charged, which_counts
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.states_of_charge import keep_readings
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles, set_states_of_charge
from ampyard.services.backend import Backend

MAX_REPORTS = 1_000
# Clocks of vehicles differ by so much without being wrong.
_CLOCK_SLACK = timedelta(minutes=5)
_OLDEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SocReport:
    """What telematics tells of one vehicle, named by its id or its VIN. `confidence` None: as telematics has it."""

    percent: float
    at: datetime
    vehicle_id: uuid.UUID | None = None
    vin: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a transaction's register says was delivered from `since` until `until`, in Wh."""

    energy_wh: float
    since: datetime
    until: datetime
    current_type: CurrentType


async def report_state_of_charge(backend: Backend, principal: Principal, reports: Sequence[SocReport]) -> list[Vehicle]:
    """Take in what telematics tells, all of it or nothing; returns the vehicles, in the order of the reports, as they then are.

    A report that counts less than what is known (an older one of the same source) is kept on record, and changes nothing else.

    Raises:
        ForbiddenError: the principal lacks `telemetry:write`, or has it not for a vehicle.
        InvalidInputError: there are too many reports, or some are out of bounds; each is told.
        NotFoundError: there is no such vehicle.
    """
    principal.require(Scope.TELEMETRY_WRITE)
    async with backend.unit_of_work(principal, Scope.TELEMETRY_WRITE) as work:
        _check(reports, work.now)
        vehicles = await _vehicles(work, reports)
        told: dict[uuid.UUID, list[StateOfCharge]] = {}
        for report, vehicle in zip(reports, vehicles, strict=True):
            confidence = CONFIDENCE[SocSource.TELEMATICS] if report.confidence is None else report.confidence
            reading = StateOfCharge(report.percent, SocSource.TELEMATICS, report.at, confidence)
            told.setdefault(vehicle.id, []).append(reading)
        by_id = {vehicle.id: vehicle for vehicle in vehicles}
        for place in range(max(map(len, told.values()), default=0)):
            await take_in(work, by_id, {vehicle_id: some[place] for vehicle_id, some in told.items() if place < len(some)})
        found = await Vehicles(work.session).by_ids(by_id)
        work.answers(vehicles=[found[vehicle_id] for vehicle_id in by_id])
        await work.commit()
    return [found[vehicle_id] for vehicle_id in by_id]


async def take_in(work: UnitOfWork, vehicles: dict[uuid.UUID, Vehicle], readings: Mapping[uuid.UUID, StateOfCharge]) -> None:
    """Keep one reading each of locked vehicles, and let it count where it does; `vehicles` are brought up to date."""
    await keep_readings(work.session, work.tenant_id, readings, at=work.now)
    counting: dict[uuid.UUID, StateOfCharge] = {}
    for vehicle_id, reading in readings.items():
        vehicle = vehicles[vehicle_id]
        if which_counts([reading, *([vehicle.soc] if vehicle.soc is not None else [])]) == reading != vehicle.soc:
            counting[vehicle_id] = reading
            vehicles[vehicle_id] = vehicle.with_soc(reading)
            work.publish(Event(EventKind.VEHICLE_UPDATED, vehicle.id, vehicle.depot_id))
    await set_states_of_charge(work.session, counting, at=work.now)


async def charger_told(work: UnitOfWork, vehicle_id: uuid.UUID, percent: float, at: datetime) -> None:
    """Take in what a charge point tells of the vehicle that it charges."""
    vehicles = await Vehicles(work.session).locked([vehicle_id])
    reading = StateOfCharge(percent, SocSource.CHARGER, at, CONFIDENCE[SocSource.CHARGER])
    await take_in(work, vehicles, dict.fromkeys(vehicles, reading))


async def charger_delivered(work: UnitOfWork, vehicle_id: uuid.UUID, delivery: Delivery) -> None:
    """Estimate the charge of a vehicle whose charge point says nothing of it, from what was delivered since the last reading."""
    for vehicle in (await Vehicles(work.session).locked([vehicle_id])).values():
        known = vehicle.soc
        if known is None:
            return
        estimate = charged(
            known,
            delivery.energy_wh,
            since=delivery.since,
            until=delivery.until,
            battery_kwh=vehicle.battery_kwh,
            direct_current=delivery.current_type is CurrentType.DC,
        )
        if estimate != known:
            await keep_readings(work.session, work.tenant_id, {vehicle.id: estimate}, at=work.now)
            await set_states_of_charge(work.session, {vehicle.id: estimate}, at=work.now)
            work.publish(Event(EventKind.VEHICLE_UPDATED, vehicle.id, vehicle.depot_id))


def _check(reports: Sequence[SocReport], now: datetime) -> None:
    problems = Problems()
    problems.check(
        len(reports) <= MAX_REPORTS, f"There are {len(reports)} reports; give at most {MAX_REPORTS} at once.", "input", "readings"
    )
    for n, report in enumerate(reports[:MAX_REPORTS]):
        at = ("input", "readings", str(n))
        named = (report.vehicle_id is None) != (report.vin is None)
        problems.check(named, "Name the vehicle by either vehicleId or vin.", *at)
        problems.check(0 <= report.percent <= FULL_PERCENT, f"percent is {report.percent:g}; give 0 to 100.", *at, "percent")
        if report.confidence is not None:
            problems.check(0 <= report.confidence <= 1, f"confidence is {report.confidence:g}; give 0 to 1.", *at, "confidence")
        if report.at > now + _CLOCK_SLACK:
            problems.add(f"at is {report.at.isoformat()}, which is to come; it is {now.isoformat()}.", *at, "at")
        if report.at < now - _OLDEST:
            problems.add(f"at is {report.at.isoformat()}; give what is no older than {_OLDEST.days} days.", *at, "at")
    problems.raise_any()


async def _vehicles(work: UnitOfWork, reports: Sequence[SocReport]) -> list[Vehicle]:
    """Return the vehicle of each report, locked."""
    vins = {report.vin.strip().upper() for report in reports if report.vin is not None}
    by_vin = await Vehicles(work.session).by_unique("vin", sorted(vins), reads=frozenset({"vin"})) if vins else {}
    ids = [report.vehicle_id if report.vin is None else _id_of(by_vin, report.vin) for report in reports]
    locked = await Vehicles(work.session).locked({vehicle_id for vehicle_id in ids if vehicle_id is not None})
    found = []
    for n, (report, vehicle_id) in enumerate(zip(reports, ids, strict=True)):
        vehicle = locked.get(vehicle_id) if vehicle_id is not None else None
        if vehicle is None:
            named = "with this id" if report.vin is None else f"with the VIN {report.vin!r}"
            raise NotFoundError(f"There is no vehicle {named} that you may report on.", ("input", "readings", str(n)))
        found.append(vehicle)
    return found


def _id_of(by_vin: Mapping[str, Vehicle], vin: str) -> uuid.UUID | None:
    vehicle = by_vin.get(vin.strip().upper())
    return None if vehicle is None else vehicle.id
