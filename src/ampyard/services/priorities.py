"""Setting and clearing priorities."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.priorities import Priority, PriorityLevel
from ampyard.domain.transactions import TransactionState
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend

_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class NewPriority:
    """What is asked for: a level for exactly one target, from `valid_from` (`None`: now) until `valid_until` (`None`: open)."""

    level: PriorityLevel
    vehicle_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    transaction_id: uuid.UUID | None = None
    reason: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


async def set_priority(backend: Backend, principal: Principal, wanted: NewPriority) -> Priority:
    """Add a priority rule; power is shared anew at once.

    Raises:
        ForbiddenError: the principal lacks `priorities:write`.
        InvalidInputError: not exactly one target, an empty or past time window, or too long a reason.
        NotFoundError: the target does not exist.
        ConflictError: the transaction has ended.
    """
    principal.require(Scope.PRIORITIES_WRITE)
    if wanted.reason is not None and len(wanted.reason) > _REASON_LENGTH:
        raise InvalidInputError(f"The reason has {len(wanted.reason)} characters; {_REASON_LENGTH} at most.", ("input", "reason"))
    async with backend.unit_of_work(principal, Scope.PRIORITIES_WRITE) as work:
        if wanted.valid_until is not None and wanted.valid_until <= work.now:
            message = f"validUntil {wanted.valid_until.isoformat()} is in the past; now is {work.now.isoformat()}."
            raise InvalidInputError(message, ("input", "validUntil"))
        rule = Priority(
            id=new_id(),
            tenant_id=work.tenant_id,
            level=wanted.level,
            vehicle_id=wanted.vehicle_id,
            charge_point_id=wanted.charge_point_id,
            transaction_id=wanted.transaction_id,
            reason=wanted.reason,
            author=principal.author,
            valid_from=wanted.valid_from or work.now,
            valid_until=wanted.valid_until,
            cleared_at=None,
            created_at=work.now,
        )
        depot_id = await _depot_of(work, rule, must_be_open=True)
        await work.add(Priorities, rule)
        await work.audit("priority.set", "priority", rule.id, level=rule.level.name, reason=rule.reason, **_target(rule))
        _publish(work, rule, depot_id)
        work.answers(priority=rule)
        await work.commit()
    return rule


async def clear_priority(backend: Backend, principal: Principal, priority_id: uuid.UUID) -> Priority:
    """End a priority rule now; power is shared anew at once. Clearing it again changes nothing.

    Raises:
        ForbiddenError: the principal lacks `priorities:write`.
        NotFoundError: there is no such rule.
    """
    principal.require(Scope.PRIORITIES_WRITE)
    async with backend.unit_of_work(principal, Scope.PRIORITIES_WRITE) as work:
        rule = await work.require(Priorities, priority_id, "priority")
        if rule.cleared_at is not None:
            return rule
        depot_id = await _depot_of(work, rule, must_be_open=False)
        cleared = replace(rule, cleared_at=work.now)
        await work.change(Priorities, rule.id, cleared_at=work.now)
        await work.audit("priority.clear", "priority", rule.id, **_target(rule))
        _publish(work, cleared, depot_id)
        work.answers(priority=cleared)
        await work.commit()
    return cleared


async def _depot_of(work: UnitOfWork, rule: Priority, *, must_be_open: bool) -> uuid.UUID:
    if rule.vehicle_id is not None:
        return (await work.require(Vehicles, rule.vehicle_id, "vehicle")).depot_id
    if rule.charge_point_id is not None:
        return (await work.require(ChargePoints, rule.charge_point_id, "charge point")).depot_id
    assert rule.transaction_id is not None
    transaction = await work.require(Transactions, rule.transaction_id, "transaction")
    if must_be_open and transaction.state is TransactionState.ENDED:
        raise ConflictError("The transaction has ended; a priority would have no effect.")
    return transaction.depot_id


def _target(rule: Priority) -> dict[str, Any]:
    targets = {"vehicle_id": rule.vehicle_id, "charge_point_id": rule.charge_point_id, "transaction_id": rule.transaction_id}
    return {name: str(value) for name, value in targets.items() if value is not None}


def _publish(work: UnitOfWork, rule: Priority, depot_id: uuid.UUID) -> None:
    work.publish(Event(EventKind.PRIORITY_CHANGED, rule.id, depot_id))
    if rule.transaction_id is not None:
        work.publish(Event(EventKind.TRANSACTION_UPDATED, rule.transaction_id, depot_id))
    # A vehicle may charge away from home: its home depot is woken here, any other shares within its next regular step.
    work.wake_planner(depot_id)
