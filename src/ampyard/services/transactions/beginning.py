"""The start of a transaction: found again, or recorded, with what let it begin."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from ampyard.domain import anomalies
from ampyard.domain.authorization import VehicleResolution, authorized_by, began_offline
from ampyard.domain.charge_points import ChargePoint, Evse
from ampyard.domain.commands import Command
from ampyard.domain.errors import NotFoundError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.id_tags import Authorization, IdTag, authorize
from ampyard.domain.ids import new_id
from ampyard.domain.transactions import ChargingState, StopReason, Transaction, TransactionState, is_register
from ampyard.repositories.charge_points import Connectors
from ampyard.repositories.commands import Commands
from ampyard.repositories.energy_intervals import name_vehicle
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.charge_points import CHARGING_STATE_OF_STATUS, evse_by_no, publish_change
from ampyard.services.reservation_states import kept_for, used
from ampyard.services.transactions.anomalies import flag
from ampyard.services.transactions.ending import close
from ampyard.services.transactions.intervals import spread_all
from ampyard.services.transactions.report import Report
from ampyard.services.unknown_identifications import note_unknown, unknown_may_charge

_log = logging.getLogger(__name__)

# A remote start that has been accepted waits for the cable; no longer than this (ConnectionTimeOut, EVConnectionTimeOut).
_REMOTE_START_WAITS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Found:
    """The transaction that a report is about, what to tell of the id tag it names (None: it names none), and whether it was made now."""

    transaction: Transaction
    authorization: Authorization | None
    begun: bool


@dataclass(frozen=True, slots=True)
class _Named:
    """The id tag that a message names: what is known of it, and whether it may charge. None: it names none."""

    tag: IdTag | None
    authorization: Authorization | None

    @property
    def accepted(self) -> IdTag | None:
        return self.tag if self.authorization is Authorization.ACCEPTED else None


async def find_or_begin(work: UnitOfWork, charge_point: ChargePoint, report: Report) -> Found:
    """Return the transaction that a report is about, made where nobody knew it.

    Raises:
        NotFoundError: it is unknown and the report names no EVSE, or one that is not configured.
    """
    transactions = Transactions(work.session)
    tag = await IdTags(work.session).by_value(report.id_tag) if report.id_tag is not None else None
    named = _Named(tag, await _authorization(work, tag, report))
    evse = await evse_by_no(work, charge_point, report.evse_no) if report.evse_no is not None else None
    if report.ocpp_transaction_id is not None:
        known = await transactions.by_ocpp_id(charge_point.id, report.ocpp_transaction_id)
    else:
        known = await _repeated_start(transactions, evse, report) if evse is not None else None
    if known is not None:
        return Found(await _authorized_later(work, known, report, named), named.authorization, begun=False)
    if evse is None:
        raise NotFoundError(
            f"{charge_point.identity} has no transaction {report.ocpp_transaction_id}, and the message names no EVSE to start it on."
        )
    kept = await kept_for(work, evse, report.at)
    if kept is not None and named.authorization is Authorization.ACCEPTED and not kept.admits(report.id_tag):
        named = replace(named, authorization=Authorization.NOT_AT_THIS_TIME)
    transaction = await _begin(work, charge_point, evse, report, named)
    if kept is not None and (report.reservation_id == kept.number or kept.admits(report.id_tag)):
        await used(work, kept, transaction)
    return Found(transaction, named.authorization, begun=True)


async def _authorization(work: UnitOfWork, tag: IdTag | None, report: Report) -> Authorization | None:
    if report.id_tag is None:
        return None
    may_charge = tag is None and await unknown_may_charge(work.session, work.tenant_id)
    return authorize(tag, at=report.at, unknown_may_charge=may_charge)


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


async def _authorized_later(work: UnitOfWork, known: Transaction, report: Report, named: _Named) -> Transaction:
    """Say of a transaction whose vehicle is not known who charges, where this report tells (OCPP 2.0.1, E03: the cable came first)."""
    tag = named.accepted
    if known.vehicle_id is not None or tag is None:
        return known
    changed = replace(
        known,
        vehicle_id=tag.vehicle_id,
        id_tag=report.id_tag,
        id_tag_kind=tag.kind,
        authorization=named.authorization,
        authorized_by=authorized_by(named.authorization, tag.kind, remote=False, offline=report.offline, nobody=False),
        authorized_at=report.at,
        vehicle_resolved_by=VehicleResolution.ID_TAG_LATER,
        vehicle_resolved_at=work.now,
    )
    await work.change(
        Transactions,
        known.id,
        vehicle_id=changed.vehicle_id,
        id_tag=changed.id_tag,
        id_tag_kind=changed.id_tag_kind,
        authorization=changed.authorization,
        authorized_by=changed.authorized_by,
        authorized_at=changed.authorized_at,
        vehicle_resolved_by=changed.vehicle_resolved_by,
        vehicle_resolved_at=changed.vehicle_resolved_at,
    )
    await name_vehicle(work.session, known.id, tag.vehicle_id)
    work.publish(Event(EventKind.TRANSACTION_UPDATED, known.id, known.depot_id))
    work.wake_planner(known.depot_id)
    return changed


async def _begin(work: UnitOfWork, charge_point: ChargePoint, evse: Evse, report: Report, named: _Named) -> Transaction:
    transactions = Transactions(work.session)
    stale = (await transactions.active_of_evses([evse.id])).get(evse.id)
    if stale is not None:
        _log.warning("%s: EVSE %d starts anew; its transaction %s was never ended.", charge_point.identity, evse.evse_no, stale.id)
        abandoned = await close(work, charge_point, stale, at=stale.measured_at or stale.started_at, reason=StopReason.ABANDONED)
        await spread_all(work, abandoned)
        await flag(work, abandoned, [anomalies.abandoned(stale.updated_at, next_started_at=report.at)])
    if report.id_tag is not None and named.tag is None:
        await note_unknown(work, charge_point, report.id_tag, report.id_tag_kind)
    connectors = (await Connectors(work.session).of_evses([evse.id])).get(evse.id, [])
    connector = next((c for c in connectors if c.connector_no == (report.connector_no or 1)), None)
    remote = await _remote_start(work, evse, report)
    says_itself = report.ocpp_transaction_id is not None
    offline = report.offline if says_itself else began_offline(report.at, connected_at=charge_point.connected_at)
    kind = named.tag.kind if named.tag is not None else report.id_tag_kind
    register_told = report.begins and (report.register_wh is not None or any(map(is_register, report.readings)))
    let_by = authorized_by(named.authorization, kind, remote=remote is not None, offline=offline, nobody=report.nobody)
    tag = named.accepted
    transaction = Transaction(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=charge_point.depot_id,
        charge_point_id=charge_point.id,
        evse_id=evse.id,
        connector_id=connector.id if connector else None,
        vehicle_id=tag.vehicle_id if tag is not None else None,
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
        authorized_by=let_by,
        authorization=named.authorization,
        authorized_at=report.at if let_by is not None else None,
        id_tag_kind=kind,
        started_by=remote.author if remote is not None else None,
        started_offline=offline,
        vehicle_resolved_by=VehicleResolution.ID_TAG_AT_START if tag is not None else None,
        vehicle_resolved_at=work.now if tag is not None else None,
        reservation_id=report.reservation_id,
        register_at=report.at if report.register_wh is not None else None,
        begin_register_missing=not register_told and (offline or not report.begins),
    )
    await work.add(Transactions, transaction)
    work.publish(Event(EventKind.TRANSACTION_STARTED, transaction.id, charge_point.depot_id))
    publish_change(work, charge_point)
    work.wake_planner(charge_point.depot_id)
    return transaction


async def _remote_start(work: UnitOfWork, evse: Evse, report: Report) -> Command | None:
    """Return the remote start that this start carries out.

    OCPP 2.0.1 names it (F01, remoteStartId). 1.6 does not: it is the latest for this EVSE and tag since a transaction last began there.
    """
    asked = await Commands(work.session).starts_since(evse.charge_point_id, work.now - _REMOTE_START_WAITS)
    if report.ocpp_transaction_id is not None:
        return next((one for one in asked if one.payload["remote_start_id"] == report.remote_start_id), None)
    tag = (report.id_tag or "").lower()
    fitting = [one for one in asked if one.payload["evse_no"] == evse.evse_no and one.payload["id_tag"].lower() == tag]
    if not fitting:
        return None
    last = await Transactions(work.session).last_of_evse(evse.id)
    return fitting[-1] if last is None or last.created_at < fitting[-1].created_at else None


def _state_at_start(evse: Evse, report: Report) -> ChargingState:
    """Return the charging state of a transaction whose start does not tell it: in 1.6 the status may have come first."""
    told_by_status = CHARGING_STATE_OF_STATUS.get(evse.status) if report.ocpp_transaction_id is None else None
    return told_by_status or ChargingState.EV_CONNECTED
