"""Transactions as charge points report them: authorised, started, measured, ended.

Every operation may be repeated: charge points send a message again when its answer was lost, with the same or a new
message id, even days later. What identifies a transaction or a sample is in the message itself, so a repetition finds
what is there and changes nothing.
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ampyard.domain.charge_points import ChargePoint, Evse
from ampyard.domain.errors import NotFoundError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.transactions import (
    ChargingState,
    MeterSample,
    Reading,
    Transaction,
    TransactionState,
    latest,
    normalise,
    sample_id,
)
from ampyard.domain.vehicles import Authorization, IdTag, SocSource, authorize
from ampyard.repositories.charge_points import Connectors, Evses
from ampyard.repositories.transactions import Transactions, add_samples
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import IdTags, Vehicles
from ampyard.services.backend import Backend
from ampyard.services.charge_points import CHARGING_STATE_OF_STATUS, Station, evse_by_no, locked_charge_point, publish_change, station_work

_log = logging.getLogger(__name__)

# The stop reason we give when a charge point starts anew on an EVSE whose last transaction it never ended.
ABANDONED = "Abandoned"


@dataclass(frozen=True, slots=True)
class Report:
    """What one message says of a transaction. `None` means that the message does not say.

    `ocpp_transaction_id` is `None` only for a 1.6 start, where we make it. `register_wh` is the meter at `at`.
    """

    at: datetime
    evse_no: int | None = None
    connector_no: int | None = None
    ocpp_transaction_id: str | None = None
    id_tag: str | None = None
    register_wh: float | None = None
    charging_state: ChargingState | None = None
    seq_no: int | None = None
    stop_reason: str | None = None
    readings: Sequence[Reading] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a report, and what to tell the charge point of the id tag (`None`: it named none)."""

    transaction: Transaction
    authorization: Authorization | None


async def authorize_tag(backend: Backend, station: Station, value: str) -> Authorization:
    """Decide whether an id tag may charge."""
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        return authorize(await IdTags(snapshot).by_value(value), at=backend.clock())


async def start(backend: Backend, station: Station, report: Report) -> Outcome:
    """Record the start or an update of a transaction; one we never heard the start of begins here (OCPP 2.0.1, E12).

    The transaction is recorded whatever the id tag is worth: it has physically begun (OCPP 1.6, 4.8: the answer's
    status tells the charge point to stop it). Raises `NotFoundError` for an EVSE that is not configured, and for an
    unknown transaction whose EVSE the message does not name.
    """
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        transaction, authorization = await _find_or_start(work, charge_point, report)
        transaction = await _apply(work, charge_point, transaction, report)
        await work.commit()
    return Outcome(transaction, authorization)


async def end(backend: Backend, station: Station, report: Report) -> Outcome:
    """Record the end of a transaction; a second end changes nothing.

    Raises `NotFoundError` when it is unknown and the message does not name its EVSE.
    """
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        transaction, authorization = await _find_or_start(work, charge_point, report)
        transaction = await _apply(work, charge_point, transaction, report)
        if transaction.state is TransactionState.ACTIVE or transaction.stop_reason == ABANDONED:
            transaction = await _close(work, charge_point, transaction, at=report.at, reason=report.stop_reason or "Local")
        await work.commit()
    return Outcome(transaction, authorization)


async def keep_unknown_end(backend: Backend, station: Station, report: Report) -> None:
    """Keep the end of a transaction that nobody knows the start of, for a person to look at, as an audit record.

    It cannot be refused: the charge point would send it again and again, and hold back what comes after it (OCPP 1.6,
    4.10: the central system cannot prevent a transaction from stopping). A repetition is kept once.
    """
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        content = {
            "ocpp_transaction_id": report.ocpp_transaction_id,
            "ended_at": report.at.isoformat(),
            "register_wh": report.register_wh,
            "id_tag": report.id_tag,
            "stop_reason": report.stop_reason,
        }
        record_id = uuid.uuid5(charge_point.id, repr(sorted(content.items())))
        await work.audit("transaction.unknown_end", "charge_point", charge_point.id, record_id=record_id, **content)
        await work.commit()
    _log.warning("%s: the end of an unknown transaction %s is kept as an audit record.", station.identity, report.ocpp_transaction_id)


async def measured(
    backend: Backend, station: Station, evse_no: int, readings: Sequence[Reading], *, ocpp_transaction_id: str | None
) -> None:
    """Record meter values: of a transaction where one is named or open on the EVSE, else of the EVSE alone.

    EVSE 0 is the charge point's main meter (OCPP 1.6, 4.7), which no EVSE stands for; its values are not kept yet.
    """
    if evse_no == 0:
        return
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        evse = await evse_by_no(work, charge_point, evse_no)
        transactions = Transactions(work.session)
        if ocpp_transaction_id is not None:
            transaction = await transactions.by_ocpp_id(charge_point.id, ocpp_transaction_id)
        else:
            transaction = (await transactions.active_of_evses([evse.id])).get(evse.id)
        if transaction is None:
            await _store(work, evse, None, readings)
        else:
            at = max((reading.sampled_at for reading in readings), default=work.now)
            await _apply(work, charge_point, transaction, Report(at=at, readings=readings))
        await work.commit()


async def _find_or_start(work: UnitOfWork, charge_point: ChargePoint, report: Report) -> tuple[Transaction, Authorization | None]:
    transactions = Transactions(work.session)
    tag = await IdTags(work.session).by_value(report.id_tag) if report.id_tag is not None else None
    authorization = authorize(tag, at=report.at) if report.id_tag is not None else None
    evse = await evse_by_no(work, charge_point, report.evse_no) if report.evse_no is not None else None
    if report.ocpp_transaction_id is not None:
        known = await transactions.by_ocpp_id(charge_point.id, report.ocpp_transaction_id)
    else:
        known = await _repeated_start(transactions, evse, report) if evse is not None else None
    if known is not None:
        if known.vehicle_id is None and tag is not None and authorization is Authorization.ACCEPTED:
            # OCPP 2.0.1, E03: the cable may come before the card.
            await work.change(Transactions, known.id, vehicle_id=tag.vehicle_id, id_tag=report.id_tag)
            known = replace(known, vehicle_id=tag.vehicle_id, id_tag=report.id_tag)
            work.wake_planner(charge_point.depot_id)
        return known, authorization
    if evse is None:
        raise NotFoundError(
            f"{charge_point.identity} has no transaction {report.ocpp_transaction_id}, and the message names no EVSE to start it on."
        )
    return await _start(work, charge_point, evse, report, tag, authorization), authorization


async def _repeated_start(transactions: Transactions, evse: Evse, report: Report) -> Transaction | None:
    """Return the transaction that a 1.6 start has begun before: same EVSE, time, register and tag."""
    column = transactions.table.c
    found = await transactions.where(
        column.evse_id == evse.id,
        column.started_at == report.at,
        column.meter_start_wh == report.register_wh,
        column.id_tag == report.id_tag,
    )
    return found[0] if found else None


async def _start(
    work: UnitOfWork, charge_point: ChargePoint, evse: Evse, report: Report, tag: IdTag | None, authorization: Authorization | None
) -> Transaction:
    transactions = Transactions(work.session)
    stale = (await transactions.active_of_evses([evse.id])).get(evse.id)
    if stale is not None:
        _log.warning("%s: EVSE %d starts anew; its transaction %s was never ended.", charge_point.identity, evse.evse_no, stale.id)
        await _close(work, charge_point, stale, at=stale.measured_at or stale.started_at, reason=ABANDONED)
    connectors = (await Connectors(work.session).of_evses([evse.id])).get(evse.id, [])
    connector = next((c for c in connectors if c.connector_no == (report.connector_no or 1)), None)
    accepted = tag is not None and authorization is Authorization.ACCEPTED
    transaction = Transaction(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=charge_point.depot_id,
        charge_point_id=charge_point.id,
        evse_id=evse.id,
        connector_id=connector.id if connector else None,
        vehicle_id=tag.vehicle_id if tag is not None and accepted else None,
        id_tag=report.id_tag,
        ocpp_transaction_id=report.ocpp_transaction_id or str(await transactions.next_ocpp_id()),
        state=TransactionState.ACTIVE,
        charging_state=report.charging_state or _state_at_start(evse, report),
        started_at=report.at,
        ended_at=None,
        meter_start_wh=report.register_wh,
        meter_wh=report.register_wh,
        energy_wh=0.0,
        power_kw=0.0,
        soc_percent=None,
        measured_at=None,
        stop_reason=None,
        last_seq_no=None,
        created_at=work.now,
        updated_at=work.now,
    )
    await work.add(Transactions, transaction)
    work.publish(Event(EventKind.TRANSACTION_STARTED, transaction.id, charge_point.depot_id))
    publish_change(work, charge_point)
    work.wake_planner(charge_point.depot_id)
    return transaction


def _state_at_start(evse: Evse, report: Report) -> ChargingState:
    """Return the charging state of a transaction whose start does not tell it: in 1.6 the status may have come first."""
    told_by_status = CHARGING_STATE_OF_STATUS.get(evse.status) if report.ocpp_transaction_id is None else None
    return told_by_status or ChargingState.EV_CONNECTED


async def _apply(work: UnitOfWork, charge_point: ChargePoint, transaction: Transaction, report: Report) -> Transaction:
    """Store the readings and carry the newest of them, and the charging state, into the transaction."""
    evse = (await Evses(work.session).by_ids([transaction.evse_id]))[transaction.evse_id]
    await _store(work, evse, transaction.id, report.readings)
    if report.seq_no is not None and transaction.last_seq_no is not None and report.seq_no <= transaction.last_seq_no:
        return transaction
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
        charging_state=report.charging_state if active and report.charging_state is not None else transaction.charging_state,
        last_seq_no=report.seq_no if report.seq_no is not None else transaction.last_seq_no,
    )
    if changed == transaction:
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
        charging_state=changed.charging_state,
        last_seq_no=changed.last_seq_no,
        updated_at=work.now,
    )
    if changed.soc_percent is not None and changed.vehicle_id is not None and fresh:
        await work.change(
            Vehicles,
            changed.vehicle_id,
            soc_percent=changed.soc_percent,
            soc_source=SocSource.CHARGER,
            soc_at=changed.measured_at,
            updated_at=work.now,
        )
    if changed.charging_state != transaction.charging_state:
        work.wake_planner(charge_point.depot_id)
    work.publish(Event(EventKind.TRANSACTION_UPDATED, transaction.id, charge_point.depot_id))
    return changed


async def _close(work: UnitOfWork, charge_point: ChargePoint, transaction: Transaction, *, at: datetime, reason: str) -> Transaction:
    ended = replace(
        transaction,
        state=TransactionState.ENDED,
        charging_state=ChargingState.IDLE,
        ended_at=max(at, transaction.started_at),
        power_kw=0.0,
        stop_reason=reason,
    )
    await work.change(
        Transactions,
        transaction.id,
        state=ended.state,
        charging_state=ended.charging_state,
        ended_at=ended.ended_at,
        power_kw=0.0,
        stop_reason=reason,
        updated_at=work.now,
    )
    # A TxProfile ends with its transaction (OCPP 1.6, 3.13.1; 2.0.1 part 2, K01): the default profile holds again.
    await work.change(Evses, transaction.evse_id, limit_kw=None, limit_at=None, limit_reason=None, in_force_kw=None, updated_at=work.now)
    work.publish(Event(EventKind.TRANSACTION_ENDED, transaction.id, charge_point.depot_id))
    publish_change(work, charge_point)
    work.wake_planner(charge_point.depot_id)
    return ended


async def _store(work: UnitOfWork, evse: Evse, transaction_id: uuid.UUID | None, readings: Sequence[Reading]) -> None:
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
