"""Corrections: what counts of a transaction instead of what was measured. The measured row is never touched by them."""

import math
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.access import Principal, Scope
from ampyard.domain.anomalies import AnomalyKind, Resolution
from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.corrections import Correction
from ampyard.domain.errors import ConflictError, ForbiddenError, NotFoundError, Problems
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.transactions import StopReason, Transaction, TransactionState
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.transactions.anomalies import resolve_open
from ampyard.services.transactions.ending import close
from ampyard.services.transactions.intervals import spread_all

_REASON_LENGTH = 500
# One that has told something so lately is not stuck.
_ALIVE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """What is to count of a transaction from now on, and why; what is None counts as measured."""

    transaction_id: uuid.UUID
    reason: str
    energy_wh: float | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    vehicle_id: uuid.UUID | None = None


async def correct_transaction(backend: Backend, principal: Principal, wanted: NewCorrection) -> Correction:
    """Say what counts of a transaction instead of what was measured. It replaces an earlier correction as a whole.

    Raises:
        ForbiddenError: the principal lacks `transactions:correct`, or its reach does not go so far.
        InvalidInputError: nothing to correct, an impossible energy or time, or no reason or too long a one.
        NotFoundError: there is no such transaction or vehicle.
        ConflictError: the energy or the end of a transaction that runs.
    """
    principal.require(Scope.TRANSACTIONS_CORRECT)
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CORRECT) as work:
        _check(wanted, now=work.now)
        transaction = await work.require(Transactions, wanted.transaction_id, "transaction")
        if transaction.state is TransactionState.ACTIVE and (wanted.energy_wh is not None or wanted.ended_at is not None):
            raise ConflictError("The transaction still runs: its energy and end are not known yet. Stop it, or close it if it is stuck.")
        if wanted.vehicle_id is not None:
            await work.require(Vehicles, wanted.vehicle_id, "vehicle")
        correction = await _write(work, transaction, wanted)
        work.answers(correction=correction, transaction=transaction)
        await work.commit()
    return correction


async def void_correction(backend: Backend, principal: Principal, correction_id: uuid.UUID, *, reason: str) -> Correction:
    """Take a correction back, by another one: what counts is the newest that is left, or what was measured.

    Raises:
        ForbiddenError: the principal lacks `transactions:correct`, or its reach does not go so far.
        InvalidInputError: no reason, or too long a one.
        NotFoundError: there is no such correction.
        ConflictError: it takes back another one, or has been taken back itself.
    """
    principal.require(Scope.TRANSACTIONS_CORRECT)
    problems = Problems()
    _check_reason(problems, reason)
    problems.raise_any()
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CORRECT) as work:
        # Not locked: corrections never change.
        target = await Corrections(work.session).by_id(correction_id)
        if target is None:
            raise NotFoundError("There is no such correction.")
        transaction = await work.require(Transactions, target.transaction_id, "transaction")
        if target.voids_id is not None:
            raise ConflictError("This one takes back another correction; to have that again, make it anew.")
        others = (await Corrections(work.session).of_transactions([transaction.id])).get(transaction.id, [])
        if any(other.voids_id == target.id for other in others):
            raise ConflictError("This correction has been taken back already.")
        void = await _write(work, transaction, NewCorrection(transaction.id, reason), voids_id=target.id)
        work.answers(correction=void, transaction=transaction)
        await work.commit()
    return void


async def close_transaction(backend: Backend, principal: Principal, wanted: NewCorrection) -> Transaction:
    """End a transaction that is stuck: nothing comes from its charge point any more. Its EVSE is free again.

    What was measured stays; the end that counts, and the energy where it is given, is a correction. Should the charge point
    tell the end later, that is kept as measured, and the correction goes on counting. That it never ended is resolved.

    Args:
        backend: the ports.
        principal: who does it.
        wanted: `ended_at` is when anything was last measured, unless it is told.

    Raises:
        ForbiddenError: the principal lacks `transactions:correct`, or its reach does not go so far.
        InvalidInputError: an impossible energy or end, or no reason or too long a one.
        NotFoundError: there is no such transaction.
        ConflictError: it has ended, or its charge point is on the line and has just told something of it.
    """
    principal.require(Scope.TRANSACTIONS_CORRECT)
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CORRECT) as work:
        known = await Transactions(work.session).by_id(wanted.transaction_id)
        # Reports lock the charge point first, too: what it tells meanwhile is seen here, or sees this.
        charge_point: ChargePoint | None = None
        if known is not None:
            charge_point = await work.lock(ChargePoints, known.charge_point_id)
        transaction = await work.require(Transactions, wanted.transaction_id, "transaction")
        if charge_point is None:
            raise ForbiddenError(f"This also changes the charge point that the transaction is on, which {principal.author} may not.")
        if transaction.state is TransactionState.ENDED:
            raise ConflictError("The transaction has ended; correct it instead.")
        if charge_point.connected and work.now - transaction.updated_at < _ALIVE:
            at = transaction.updated_at.isoformat()
            raise ConflictError(
                f"Charge point {charge_point.identity} is on the line and told of the transaction at {at}; stop it instead."
            )
        last_known = transaction.measured_at or transaction.started_at
        counts = NewCorrection(
            transaction_id=transaction.id,
            reason=wanted.reason,
            energy_wh=wanted.energy_wh,
            ended_at=wanted.ended_at or last_known,
        )
        _check(counts, now=work.now, started_at=transaction.started_at)
        closed = await close(work, charge_point, transaction, at=last_known, reason=StopReason.CLOSED_BY_HAND)
        await spread_all(work, closed)
        correction = await _write(work, closed, counts)
        await resolve_open(work, closed, AnomalyKind.NEVER_ENDED, Resolution.CORRECTED, by=principal.author, note=wanted.reason)
        work.answers(transaction=closed, correction=correction)
        await work.commit()
    return closed


async def _write(work: UnitOfWork, transaction: Transaction, wanted: NewCorrection, *, voids_id: uuid.UUID | None = None) -> Correction:
    correction = Correction(
        id=new_id(),
        tenant_id=work.tenant_id,
        transaction_id=transaction.id,
        energy_wh=wanted.energy_wh,
        started_at=wanted.started_at,
        ended_at=wanted.ended_at,
        vehicle_id=wanted.vehicle_id,
        voids_id=voids_id,
        reason=wanted.reason.strip(),
        author=work.principal.author,
        created_at=work.now,
    )
    await work.add(Corrections, correction)
    await work.change(Transactions, transaction.id, cost_due=True)
    action = "transaction.correct" if voids_id is None else "transaction.void_correction"
    await work.audit(action, "transaction", transaction.id, correction_id=str(correction.id), reason=correction.reason)
    work.publish(Event(EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id))
    return correction


def _check(wanted: NewCorrection, *, now: datetime, started_at: datetime | None = None) -> None:
    problems = Problems()
    _check_reason(problems, wanted.reason)
    values = (wanted.energy_wh, wanted.started_at, wanted.ended_at, wanted.vehicle_id)
    problems.check(any(value is not None for value in values), "Nothing is corrected; give energy, begin, end or vehicle.", "input")
    if wanted.energy_wh is not None:
        fits = math.isfinite(wanted.energy_wh) and wanted.energy_wh >= 0
        problems.check(fits, f"The energy is {wanted.energy_wh} Wh; give 0 or more.", "input", "energyWh")
    for name, moment in (("startedAt", wanted.started_at), ("endedAt", wanted.ended_at)):
        if moment is not None:
            problems.check(moment <= now, f"{moment.isoformat()} is in the future; now is {now.isoformat()}.", "input", name)
    begin = wanted.started_at or started_at
    if begin is not None and wanted.ended_at is not None:
        message = f"It would end at {wanted.ended_at.isoformat()}, before it begins at {begin.isoformat()}."
        problems.check(begin <= wanted.ended_at, message, "input", "endedAt")
    problems.raise_any()


def _check_reason(problems: Problems, reason: str) -> None:
    message = f"The reason has {len(reason)} characters; say why, in {_REASON_LENGTH} at most."
    problems.check(bool(reason.strip()) and len(reason) <= _REASON_LENGTH, message, "input", "reason")
