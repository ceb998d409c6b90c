"""Setting, changing and clearing priorities."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.priorities import Priority, PriorityLevel
from ampyard.domain.recurrence import Recurrence
from ampyard.domain.transactions import TransactionState
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicle_groups import VehicleGroups
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend

_REASON_LENGTH = 500
_RECURRENCE = tuple(field.name for field in fields(Recurrence))
_BOOST_MINUTES = (1, 24 * 60)


@dataclass(frozen=True, slots=True)
class NewPriority:
    """What is asked for: a level for exactly one target.

    It counts from `valid_from` (`None`: now) until `valid_until` (`None`: open), or in the windows of a recurrence.
    """

    level: PriorityLevel
    vehicle_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    transaction_id: uuid.UUID | None = None
    reason: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    vehicle_group_id: uuid.UUID | None = None
    resource_group_id: uuid.UUID | None = None
    recurrence: Recurrence | None = None


async def set_priority(backend: Backend, principal: Principal, wanted: NewPriority) -> Priority:
    """Add a priority rule; power is shared anew at once.

    Raises:
        ForbiddenError: the principal lacks `priorities:write`, or has it not for the target.
        InvalidInputError: not exactly one target, an empty or past time, both an end and a recurrence, or too long a reason.
        NotFoundError: the target does not exist.
        ConflictError: the transaction has ended.
    """
    principal.require(Scope.PRIORITIES_WRITE)
    async with backend.unit_of_work(principal, Scope.PRIORITIES_WRITE) as work:
        _check(work, wanted.reason, wanted.valid_until)
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
            vehicle_group_id=wanted.vehicle_group_id,
            resource_group_id=wanted.resource_group_id,
            **_columns(wanted.recurrence),
        )
        depots = await _depots_of(work, rule, must_be_open=True)
        await work.add(Priorities, rule)
        await work.audit("priority.set", "priority", rule.id, **_told(rule), reason=rule.reason)
        _publish(work, rule, depots)
        work.answers(priority=rule)
        await work.commit()
    return rule


async def edit_priority(backend: Backend, principal: Principal, priority_id: uuid.UUID, changes: Mapping[str, Any]) -> Priority:
    """Change level, reason, times or recurrence of a rule; what is not in `changes` stays, and its target always does.

    Its place among rules of the same target and level stays, too: it is as new as when it was set.

    Raises:
        ForbiddenError: the principal lacks `priorities:write`, or has it not for the target.
        NotFoundError: there is no such rule.
        InvalidInputError: see `set_priority`.
        ConflictError: the rule has been cleared, or its transaction has ended.
    """
    principal.require(Scope.PRIORITIES_WRITE)
    async with backend.unit_of_work(principal, Scope.PRIORITIES_WRITE) as work:
        known = await work.require(Priorities, priority_id, "priority")
        if known.cleared_at is not None:
            message = f"The priority was cleared at {known.cleared_at.isoformat()}; set a new one."
            raise ConflictError(message, ("input", "priorityId"))
        values = {name: value for name, value in changes.items() if name != "recurrence"}
        if "recurrence" in changes:
            values |= _columns(changes["recurrence"])
        if values.get("level", known.level) is None:
            raise InvalidInputError("A priority needs a level; clear it to end it.", ("input", "level"))
        if "valid_from" in values:
            values["valid_from"] = values["valid_from"] or work.now
        _check(work, values.get("reason"), values.get("valid_until"))
        changed = replace(known, **values, updated_at=work.now)
        depots = await _depots_of(work, changed, must_be_open=True)
        await work.change(Priorities, known.id, **values, updated_at=work.now)
        await work.audit("priority.edit", "priority", known.id, **_told(changed), reason=changed.reason)
        _publish(work, changed, depots)
        work.answers(priority=changed)
        await work.commit()
    return changed


async def clear_priority(backend: Backend, principal: Principal, priority_id: uuid.UUID) -> Priority:
    """End a priority rule now; power is shared anew at once. Clearing it again changes nothing.

    Raises:
        ForbiddenError: the principal lacks `priorities:write`, or has it not for the target.
        NotFoundError: there is no such rule.
    """
    principal.require(Scope.PRIORITIES_WRITE)
    async with backend.unit_of_work(principal, Scope.PRIORITIES_WRITE) as work:
        rule = await work.require(Priorities, priority_id, "priority")
        if rule.cleared_at is not None:
            return rule
        depots = await _depots_of(work, rule, must_be_open=False)
        cleared = replace(rule, cleared_at=work.now)
        await work.change(Priorities, rule.id, cleared_at=work.now)
        await work.audit("priority.clear", "priority", rule.id, **_target(rule))
        _publish(work, cleared, depots)
        work.answers(priority=cleared)
        await work.commit()
    return cleared


async def boost_transaction(backend: Backend, principal: Principal, transaction_id: uuid.UUID, minutes: int | None) -> Priority:
    """Serve one session before all others now, for some minutes, or (`None`) until it ends.

    Raises:
        ForbiddenError: the principal lacks `priorities:write`, or has it not for the transaction.
        InvalidInputError: too few or too many minutes.
        NotFoundError: there is no such transaction.
        ConflictError: it has ended.
    """
    least, most = _BOOST_MINUTES
    if minutes is not None and not least <= minutes <= most:
        raise InvalidInputError(f"minutes is {minutes}; give {least} to {most}, or none: until the session ends.", ("input", "minutes"))
    until = None if minutes is None else backend.clock() + timedelta(minutes=minutes)
    wanted = NewPriority(PriorityLevel.CRITICAL, transaction_id=transaction_id, reason="Boost", valid_until=until)
    return await set_priority(backend, principal, wanted)


def _columns(recurrence: Recurrence | None) -> dict[str, Any]:
    """Return the columns of a rule that hold its recurrence."""
    return {name: None if recurrence is None else getattr(recurrence, name) for name in _RECURRENCE}


def _check(work: UnitOfWork, reason: str | None, valid_until: datetime | None) -> None:
    if reason is not None and len(reason) > _REASON_LENGTH:
        raise InvalidInputError(f"The reason has {len(reason)} characters; {_REASON_LENGTH} at most.", ("input", "reason"))
    if valid_until is not None and valid_until <= work.now:
        message = f"validUntil {valid_until.isoformat()} is in the past; now is {work.now.isoformat()}."
        raise InvalidInputError(message, ("input", "validUntil"))


async def _depots_of(work: UnitOfWork, rule: Priority, *, must_be_open: bool) -> list[uuid.UUID]:
    """Return the depots whose power a rule concerns, as far as they are known by its target."""
    if rule.vehicle_id is not None:
        return [(await work.require(Vehicles, rule.vehicle_id, "vehicle")).depot_id]
    if rule.charge_point_id is not None:
        return [(await work.require(ChargePoints, rule.charge_point_id, "charge point")).depot_id]
    if rule.transaction_id is not None:
        transaction = await work.require(Transactions, rule.transaction_id, "transaction")
        if must_be_open and transaction.state is TransactionState.ENDED:
            raise ConflictError("The transaction has ended; a priority would have no effect.")
        return [transaction.depot_id]
    if rule.vehicle_group_id is not None:
        await work.require(VehicleGroups, rule.vehicle_group_id, "vehicle group")
        if work.principal.groups(Scope.PRIORITIES_WRITE) is not None:
            message = "A vehicle group may reach beyond your resource groups: ranking it needs priorities:write for the whole tenant."
            raise ForbiddenError(message)
    elif rule.resource_group_id is not None:
        await work.require(ResourceGroups, rule.resource_group_id, "resource group")
    # Whose vehicles charge where is not known here: all depots in reach share anew.
    return [depot.id for depot in await Depots(work.session).where()]


def _told(rule: Priority) -> dict[str, Any]:
    """Return what an audit record tells of a rule."""
    recurrence = rule.recurrence
    return {
        "level": rule.level.name,
        **_target(rule),
        **({} if recurrence is None else {"recurrence": recurrence.words}),
    }


def _target(rule: Priority) -> dict[str, Any]:
    return {rule.target.column: str(rule.target_id)}


def _publish(work: UnitOfWork, rule: Priority, depots: list[uuid.UUID]) -> None:
    work.publish(Event(EventKind.PRIORITY_CHANGED, rule.id, depots[0] if len(depots) == 1 else None))
    if rule.transaction_id is not None:
        work.publish(Event(EventKind.TRANSACTION_UPDATED, rule.transaction_id, depots[0]))
    # A vehicle may charge away from home: its home depot is woken here, any other shares within its next regular step.
    for depot_id in depots:
        work.wake_planner(depot_id)
