"""What is measured of a transaction: samples stored, the newest carried into it."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import replace

from ampyard.domain.charge_points import ChargePoint, CurrentType, Evse
from ampyard.domain.events import Event, EventKind
from ampyard.domain.lines import phases_measured
from ampyard.domain.transactions import (
    Measurand,
    MeterSample,
    Reading,
    Transaction,
    TransactionState,
    is_register,
    latest,
    normalise,
    sample_id,
)
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.transactions import Transactions, add_samples
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.clocks import note_clock
from ampyard.services.states_of_charge import Delivery, charger_delivered, charger_told
from ampyard.services.transactions.report import Report

_log = logging.getLogger(__name__)


async def apply(work: UnitOfWork, charge_point: ChargePoint, transaction: Transaction, report: Report) -> Transaction:
    """Store the readings and carry the newest of them, and the charging state, into the transaction."""
    evse = (await Evses(work.session).by_ids([transaction.evse_id]))[transaction.evse_id]
    await store(work, evse, transaction.id, report.readings)
    if report.seq_no is not None and transaction.last_seq_no is not None and report.seq_no <= transaction.last_seq_no:
        return transaction
    await note_clock(work, charge_point, report.at)
    newest = latest(normalise(reading) for reading in report.readings)
    registers = [r for r in (newest.register_wh, report.register_wh, transaction.meter_wh) if r is not None]
    meter_wh = max(registers, default=None)
    if registers and meter_wh != registers[0]:
        _log.warning(
            "%s: the meter of transaction %s went back from %s to %s Wh; the higher is kept.",
            charge_point.identity,
            transaction.id,
            meter_wh,
            registers[0],
        )
    times = [reading.sampled_at for reading in report.readings if is_register(reading)]
    if report.register_wh is not None:
        times.append(report.at)
    meter_start_wh = transaction.meter_start_wh if transaction.meter_start_wh is not None else min(registers, default=None)
    fresh = newest.measured_at is not None and (transaction.measured_at is None or newest.measured_at >= transaction.measured_at)
    active = transaction.state is TransactionState.ACTIVE
    changed = replace(
        transaction,
        meter_start_wh=meter_start_wh,
        meter_wh=meter_wh,
        energy_wh=0.0 if meter_wh is None or meter_start_wh is None else meter_wh - meter_start_wh,
        power_kw=newest.power_kw if fresh and active and newest.power_kw is not None else transaction.power_kw,
        soc_percent=newest.soc_percent if fresh and newest.soc_percent is not None else transaction.soc_percent,
        measured_at=newest.measured_at if fresh else transaction.measured_at,
        heard_at=work.now if fresh else transaction.heard_at,
        charging_state=report.charging_state if active and report.charging_state is not None else transaction.charging_state,
        last_seq_no=report.seq_no if report.seq_no is not None else transaction.last_seq_no,
        measured_phases=_phases(evse, transaction, report.readings),
        register_at=max([*times, *([transaction.register_at] if transaction.register_at is not None else [])], default=None),
    )
    if replace(changed, heard_at=transaction.heard_at) == transaction:
        return transaction
    await work.change(
        Transactions,
        transaction.id,
        meter_start_wh=changed.meter_start_wh,
        meter_wh=changed.meter_wh,
        energy_wh=changed.energy_wh,
        power_kw=changed.power_kw,
        soc_percent=changed.soc_percent,
        measured_at=changed.measured_at,
        heard_at=changed.heard_at,
        charging_state=changed.charging_state,
        last_seq_no=changed.last_seq_no,
        register_at=changed.register_at,
        measured_phases=changed.measured_phases,
        updated_at=work.now,
    )
    await _know_charge(work, evse, transaction, changed, newest.soc_percent if fresh else None)
    if changed.charging_state != transaction.charging_state:
        work.wake_planner(charge_point.depot_id)
    work.publish(Event(EventKind.TRANSACTION_UPDATED, transaction.id, charge_point.depot_id))
    return changed


async def _know_charge(work: UnitOfWork, evse: Evse, before: Transaction, after: Transaction, told_percent: float | None) -> None:
    """Take in what a report tells of the vehicle's state of charge; where it tells none, estimate it from what was delivered."""
    if after.vehicle_id is None:
        return
    if told_percent is not None and after.measured_at is not None:
        await charger_told(work, after.vehicle_id, told_percent, after.measured_at)
    elif after.register_at is not None and after.energy_wh > before.energy_wh:
        since = before.register_at or before.started_at
        delivery = Delivery(after.energy_wh - before.energy_wh, since=since, until=after.register_at, current_type=evse.current_type)
        await charger_delivered(work, after.vehicle_id, delivery)


def _phases(evse: Evse, transaction: Transaction, readings: Sequence[Reading]) -> frozenset[int] | None:
    """Return the phases that were seen to carry current so far: a vehicle that takes a pause on one has not given it up."""
    if evse.current_type is CurrentType.DC:
        return transaction.measured_phases
    currents = [(it.phase, it.value) for it in readings if it.measurand == Measurand.CURRENT_IMPORT and it.location in {None, "Outlet"}]
    found = phases_measured(currents)
    return (transaction.measured_phases or frozenset()) | found if found else transaction.measured_phases


async def store(work: UnitOfWork, evse: Evse, transaction_id: uuid.UUID | None, readings: Sequence[Reading]) -> None:
    """Keep what was measured at an EVSE, as samples of a transaction or of none."""
    samples = {}
    for reading in map(normalise, readings):
        identifier = sample_id(evse.charge_point_id, evse.evse_no, reading)
        samples[identifier] = MeterSample(
            id=identifier,
            tenant_id=work.tenant_id,
            charge_point_id=evse.charge_point_id,
            evse_id=evse.id,
            transaction_id=transaction_id,
            sampled_at=reading.sampled_at,
            measurand=reading.measurand,
            phase=reading.phase,
            location=reading.location,
            context=reading.context,
            unit=reading.unit,
            value=reading.value,
        )
    await add_samples(work.session, list(samples.values()))
