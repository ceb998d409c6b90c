"""Anomalies: found while charge points report and by a sweep, kept for a person to decide on, and never billed before."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ampyard.domain import anomalies as domain
from ampyard.domain.access import Principal, Scope, system_principal
from ampyard.domain.anomalies import Anomaly, AnomalyKind, Finding, Resolution, Span
from ampyard.domain.charge_points import ChargePoint, Evse
from ampyard.domain.corrections import counting
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.transactions import Transaction, is_register, normalise
from ampyard.repositories.anomalies import Anomalies, add_anomaly
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.directory import Directory
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.transactions.report import Report

_NOTE_LENGTH = 500


async def look_at(work: UnitOfWork, before: Transaction, after: Transaction, report: Report, *, begun: bool = False) -> None:
    """Flag what is odd about a transaction as this report leaves it. `before`: as it was known, or, `begun`, as it has just been made."""
    ended = (before.ended_at, before.stop_reason) != (after.ended_at, after.stop_reason)
    known = None if before.register_at is None or before.meter_wh is None else (before.register_at, before.meter_wh)
    found = [domain.meter_went_back(known, _registers(report))]
    if before.energy_wh != after.energy_wh:
        evse = (await Evses(work.session).by_ids([after.evse_id]))[after.evse_id]
        found.append(_more_than_possible(after, evse))
    if begun:
        missing = after.begin_register_missing
        found.append(domain.begin_unknown(begin_register_missing=missing, offline=after.started_offline, started_at=after.started_at))
    if ended:
        found.append(domain.no_energy(after.energy_wh))
    if begun or ended:
        found.append(await _overlap(work, after))
    await flag(work, after, found)
    if ended:
        note = "The charge point has told its end."
        await resolve_open(work, after, AnomalyKind.NEVER_ENDED, Resolution.ACCEPT_AS_MEASURED, by=work.principal.author, note=note)


async def flag(work: UnitOfWork, transaction: Transaction, findings: Iterable[Finding | None]) -> None:
    """Keep what was found about a transaction. What was found before, or is like what nobody has resolved yet, is not kept again."""
    for finding in findings:
        if finding is None:
            continue
        await _keep(work, finding, transaction.depot_id, transaction.charge_point_id, transaction.id)


async def flag_unknown_end(work: UnitOfWork, charge_point: ChargePoint, evidence: str, detail: dict[str, Any]) -> None:
    """Keep the end of a transaction that nobody knows the start of."""
    await _keep(work, Finding(AnomalyKind.UNKNOWN_END, evidence, detail), charge_point.depot_id, charge_point.id, None)


async def _keep(
    work: UnitOfWork, finding: Finding, depot_id: uuid.UUID, charge_point_id: uuid.UUID, transaction_id: uuid.UUID | None
) -> None:
    anomaly = Anomaly(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=depot_id,
        charge_point_id=charge_point_id,
        transaction_id=transaction_id,
        kind=finding.kind,
        evidence=finding.evidence,
        detail=finding.detail,
        detected_at=work.now,
        resolved_at=None,
        resolved_by=None,
        resolution=None,
        note=None,
    )
    if await add_anomaly(work.session, anomaly):
        await _changed(work, anomaly)


async def sweep_silent(backend: Backend) -> int:
    """Flag running transactions of which nothing is heard any more although their charge points are on the line; returns how many."""
    async with backend.database.system_snapshot() as system:
        tenants = sorted({depot.tenant_id for depot in await Directory(system).depots()})
    flagged = 0
    for tenant_id in tenants:
        async with backend.unit_of_work(system_principal(tenant_id, "sweeper")) as work:
            silent = await Transactions(work.session).silent_since(work.now - domain.SILENCE)
            points = await ChargePoints(work.session).by_ids({transaction.charge_point_id for transaction in silent})
            for transaction in silent:
                point = points[transaction.charge_point_id]
                since = point.connected_at if point.connected else None
                finding = domain.never_ended(transaction.updated_at, connected_since=since, now=work.now)
                flagged += finding is not None
                await flag(work, transaction, [finding])
            await work.commit()
    return flagged


async def resolve_anomaly(
    backend: Backend, principal: Principal, anomaly_id: uuid.UUID, resolution: Resolution, *, note: str | None = None
) -> Anomaly:
    """Decide on an anomaly: the measured values stand, a correction replaces them, or the transaction is not billed.

    Raises:
        ForbiddenError: the principal lacks `transactions:correct`, or its reach does not go so far.
        NotFoundError: there is no such anomaly.
        InvalidInputError: too long a note.
        ConflictError: it is resolved already; or it is to be resolved by a correction, and there is none.
    """
    principal.require(Scope.TRANSACTIONS_CORRECT)
    if note is not None and len(note) > _NOTE_LENGTH:
        raise InvalidInputError(f"The note has {len(note)} characters; {_NOTE_LENGTH} at most.", ("input", "note"))
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CORRECT) as work:
        anomaly = await work.require(Anomalies, anomaly_id, "anomaly")
        if anomaly.resolved_at is not None:
            at = anomaly.resolved_at.isoformat()
            raise ConflictError(f"This anomaly was resolved at {at} by {anomaly.resolved_by} as {anomaly.resolution}; that stands.")
        if resolution is Resolution.CORRECTED and not await _is_corrected(work, anomaly):
            raise ConflictError("No correction of the transaction counts; correct it first.", ("input", "resolution"))
        resolved = await _resolve(work, anomaly, resolution, by=principal.author, note=note)
        await work.audit("anomaly.resolve", "anomaly", anomaly.id, anomaly=anomaly.kind, resolution=resolution, note=note)
        work.answers(anomaly=resolved)
        await work.commit()
    return resolved


async def _resolve(work: UnitOfWork, anomaly: Anomaly, resolution: Resolution, *, by: str, note: str | None) -> Anomaly:
    resolved = replace(anomaly, resolved_at=work.now, resolved_by=by, resolution=resolution, note=note)
    await work.change(Anomalies, anomaly.id, resolved_at=work.now, resolved_by=by, resolution=resolution, note=note)
    await _changed(work, resolved)
    return resolved


async def _is_corrected(work: UnitOfWork, anomaly: Anomaly) -> bool:
    if anomaly.transaction_id is None:
        return False
    corrections = await Corrections(work.session).of_transactions([anomaly.transaction_id])
    return counting(corrections.get(anomaly.transaction_id, ())) is not None


async def _changed(work: UnitOfWork, anomaly: Anomaly) -> None:
    work.publish(Event(EventKind.ANOMALY_CHANGED, anomaly.id, anomaly.depot_id))
    if anomaly.transaction_id is not None:
        # Whether it is billed may have changed.
        await work.change(Transactions, anomaly.transaction_id, cost_due=True)
        work.publish(Event(EventKind.TRANSACTION_UPDATED, anomaly.transaction_id, anomaly.depot_id))


async def resolve_open(
    work: UnitOfWork, transaction: Transaction, kind: AnomalyKind, resolution: Resolution, *, by: str, note: str
) -> None:
    """Resolve the open anomaly of a kind that a transaction has, if any."""
    column = Anomalies.table.c
    same = (column.transaction_id == transaction.id, column.kind == kind, column.resolved_at.is_(None))
    for anomaly in await Anomalies(work.session).where(*same):
        await _resolve(work, anomaly, resolution, by=by, note=note)


async def _overlap(work: UnitOfWork, transaction: Transaction) -> Finding | None:
    about = await Transactions(work.session).on_evse_about(transaction)
    return domain.overlap(_span(transaction), [_span(other) for other in about])


def _span(transaction: Transaction) -> Span:
    return Span(transaction.id, transaction.started_at, transaction.ended_at)


def _more_than_possible(transaction: Transaction, evse: Evse) -> Finding | None:
    until = transaction.ended_at or transaction.register_at or transaction.started_at
    return domain.more_than_possible(transaction.energy_wh, until - transaction.started_at, evse.max_power_kw)


def _registers(report: Report) -> Sequence[tuple[datetime, float]]:
    told = [(reading.sampled_at, reading.value) for reading in map(normalise, report.readings) if is_register(reading)]
    return [*told, *([(report.at, report.register_wh)] if report.register_wh is not None else [])]
