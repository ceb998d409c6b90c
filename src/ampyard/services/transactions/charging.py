"""Transactions as charge points report them: authorised, started, measured, ended.

Every operation may be repeated: charge points send a message again when its answer was lost, with the same or a new
message id, even days later. What identifies a transaction or a sample is in the message itself, so a repetition finds
what is there and changes nothing.
"""

import logging
import uuid
from collections.abc import Sequence

from ampyard.domain.id_tags import Authorization, IdTagKind, authorize
from ampyard.domain.transactions import ASSUMED_STOP_REASONS, Reading, StopReason, Transaction, TransactionState
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station, evse_by_no, locked_charge_point, station_work
from ampyard.services.transactions.anomalies import flag_unknown_end, look_at
from ampyard.services.transactions.beginning import Found, find_or_begin
from ampyard.services.transactions.ending import close
from ampyard.services.transactions.intervals import spread
from ampyard.services.transactions.measuring import apply, store
from ampyard.services.transactions.report import Outcome, Report
from ampyard.services.unknown_identifications import note_unknown, unknown_may_charge

_log = logging.getLogger(__name__)


async def authorize_tag(backend: Backend, station: Station, value: str, kind: IdTagKind | None = None) -> Authorization:
    """Decide whether an id tag may charge. One that nobody knows is noted; `kind` is what the charge point says that it is."""
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        tag = await IdTags(snapshot).by_value(value)
        may_charge = tag is None and await unknown_may_charge(snapshot, station.tenant_id)
    if tag is None and value.strip():
        async with station_work(backend, station) as work:
            charge_point = await locked_charge_point(work, station)
            await note_unknown(work, charge_point, value, kind)
            await work.commit()
    return authorize(tag, at=backend.clock(), unknown_may_charge=may_charge)


async def start(backend: Backend, station: Station, report: Report) -> Outcome:
    """Record the start or an update of a transaction; one we never heard the start of begins here (OCPP 2.0.1, E12).

    The transaction is recorded whatever the id tag is worth: it has physically begun (OCPP 1.6, 4.8: the answer's
    status tells the charge point to stop it). Raises `NotFoundError` for an EVSE that is not configured, and for an
    unknown transaction whose EVSE the message does not name.
    """
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        found = await find_or_begin(work, charge_point, report)
        transaction = await apply(work, charge_point, found.transaction, report)
        await _follow(work, found, transaction, report)
        await work.commit()
    return Outcome(transaction, found.authorization)


async def end(backend: Backend, station: Station, report: Report) -> Outcome:
    """Record the end of a transaction; a second end changes nothing.

    Raises `NotFoundError` when it is unknown and the message does not name its EVSE.
    """
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        found = await find_or_begin(work, charge_point, report)
        transaction = await apply(work, charge_point, found.transaction, report)
        if transaction.state is TransactionState.ACTIVE or transaction.stop_reason_kind in ASSUMED_STOP_REASONS:
            transaction = await close(work, charge_point, transaction, at=report.at, reason=report.stop_reason or StopReason.LOCAL)
        await _follow(work, found, transaction, report)
        await work.commit()
    return Outcome(transaction, found.authorization)


async def _follow(work: UnitOfWork, found: Found, transaction: Transaction, report: Report) -> None:
    await spread(work, found.transaction, transaction, report.readings)
    await look_at(work, found.transaction, transaction, report, begun=found.begun)


async def keep_unknown_end(backend: Backend, station: Station, report: Report) -> None:
    """Keep the end of a transaction that nobody knows the start of, for a person to look at: as an anomaly and an audit record.

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
        await flag_unknown_end(work, charge_point, str(record_id), content)
        await work.commit()
    _log.warning("%s: the end of an unknown transaction %s is kept as an anomaly.", station.identity, report.ocpp_transaction_id)


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
            await store(work, evse, None, readings)
        else:
            at = max((reading.sampled_at for reading in readings), default=work.now)
            report = Report(at=at, readings=readings, begins=False)
            changed = await apply(work, charge_point, transaction, report)
            await spread(work, transaction, changed, readings)
            await look_at(work, transaction, changed, report)
        await work.commit()
