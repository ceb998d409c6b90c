"""Limits of a transaction from outside power sharing: set by a dispatcher or a party, obeyed by the next step."""

import uuid
from dataclasses import replace
from datetime import datetime

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charging_limits import ChargingLimit, LimitOrigin
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.limit_schedules import Schedule
from ampyard.domain.texts import checked_text
from ampyard.domain.transactions import Transaction, TransactionState
from ampyard.repositories.charging_limits import ChargingLimits
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend

_REASON_LENGTH = 500
_MOST_KW = 10_000.0


async def limit_transaction(
    backend: Backend, principal: Principal, transaction_id: uuid.UUID, limit_kw: float, *, valid_until: datetime | None, reason: str
) -> ChargingLimit:
    """Cap a transaction by hand; it takes the place of an earlier cap by hand.

    Raises:
        ForbiddenError: the principal lacks `transactions:control`.
        NotFoundError: there is no such transaction.
        ConflictError: it has ended.
        InvalidInputError: the limit is out of range, it would end before it begins, or there is no reason.
    """
    principal.require(Scope.TRANSACTIONS_CONTROL)
    if not 0 <= limit_kw <= _MOST_KW:
        raise InvalidInputError(f"limitKw is {limit_kw:g}; give 0 to {_MOST_KW:g}.", ("input", "limitKw"))
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CONTROL) as work:
        transaction = await work.require(Transactions, transaction_id, "transaction")
        if valid_until is not None and valid_until <= work.now:
            raise InvalidInputError("validUntil is over already; give a moment to come, or none.", ("input", "validUntil"))
        text = checked_text(reason, "reason", at_most=_REASON_LENGTH)
        schedule = Schedule.constant(limit_kw, work.now)
        limit = await set_limit(work, transaction, schedule, LimitOrigin.MANUAL, valid_until=valid_until, reason=text)
        await work.audit("transaction.limit", "transaction", transaction.id, limit_kw=limit_kw, valid_until=valid_until, reason=text)
        work.answers(charging_limit=limit)
        await work.commit()
    return limit


async def set_limit(
    work: UnitOfWork, transaction: Transaction, schedule: Schedule, origin: LimitOrigin, *, valid_until: datetime | None, reason: str
) -> ChargingLimit:
    """Limit a transaction from outside, over time; it takes the place of what the same origin said before.

    Raises:
        ConflictError: the transaction has ended.
    """
    if transaction.state is TransactionState.ENDED:
        raise ConflictError("The transaction has ended; there is nothing to limit.")
    for before in (await ChargingLimits(work.session).counting([transaction.id], at=work.now)).get(transaction.id, []):
        if before.origin is origin:
            await work.change(ChargingLimits, before.id, cleared_at=work.now)
    limit = ChargingLimit(
        id=new_id(),
        tenant_id=work.tenant_id,
        transaction_id=transaction.id,
        origin=origin,
        schedule=schedule,
        valid_until=valid_until,
        reason=reason,
        author=work.principal.author,
        created_at=work.now,
    )
    await work.add(ChargingLimits, limit)
    _tell(work, transaction)
    return limit


async def clear_charging_limit(backend: Backend, principal: Principal, limit_id: uuid.UUID) -> ChargingLimit:
    """Let a limit from outside count no more; one that does not already stays as it is.

    Raises:
        ForbiddenError: the principal lacks `transactions:control`.
        NotFoundError: there is no such limit.
    """
    principal.require(Scope.TRANSACTIONS_CONTROL)
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CONTROL) as work:
        limit = await work.require(ChargingLimits, limit_id, "charging limit")
        if limit.cleared_at is None:
            await work.change(ChargingLimits, limit.id, cleared_at=work.now)
            limit = replace(limit, cleared_at=work.now)
            await work.audit("transaction.unlimit", "transaction", limit.transaction_id, charging_limit_id=str(limit.id))
            transaction = await Transactions(work.session).by_id(limit.transaction_id)
            if transaction is not None:
                _tell(work, transaction)
        work.answers(charging_limit=limit)
        await work.commit()
    return limit


def _tell(work: UnitOfWork, transaction: Transaction) -> None:
    work.publish(Event(EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id))
    work.wake_planner(transaction.depot_id)
