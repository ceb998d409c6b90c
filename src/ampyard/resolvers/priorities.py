"""Changes of priorities: decode the ids, call the service."""

from datetime import datetime
from typing import Any

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.local_time import Weekday
from ampyard.domain.priorities import Priority, PriorityLevel, PriorityTarget
from ampyard.domain.recurrence import Recurrence
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicle_groups import VehicleGroup
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import priorities
from ampyard.services.priorities import NewPriority


def resolve_target(root: Priority) -> PriorityTarget:
    """Resolve what kind of thing a rule is about."""
    return root.target


def resolve_weekdays(root: Priority) -> list[Weekday] | None:
    """Resolve the days of the week on which a rule's windows begin."""
    return None if root.weekdays is None else sorted(root.weekdays)


async def set_priority(
    caller: Caller,
    *,
    level: PriorityLevel,
    vehicle_id: str | None = None,
    charge_point_id: str | None = None,
    transaction_id: str | None = None,
    vehicle_group_id: str | None = None,
    resource_group_id: str | None = None,
    reason: str | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    recurrence: Any = None,
) -> dict[str, Any]:
    """Add a priority rule."""
    wanted = NewPriority(
        level=level,
        vehicle_id=optional_id("input.vehicleId", vehicle_id, Vehicle),
        charge_point_id=optional_id("input.chargePointId", charge_point_id, ChargePoint),
        transaction_id=optional_id("input.transactionId", transaction_id, Transaction),
        vehicle_group_id=optional_id("input.vehicleGroupId", vehicle_group_id, VehicleGroup),
        resource_group_id=optional_id("input.resourceGroupId", resource_group_id, ResourceGroup),
        reason=reason,
        valid_from=valid_from,
        valid_until=valid_until,
        recurrence=_recurrence(recurrence),
    )
    return {"priority": await priorities.set_priority(caller.backend, caller.principal, wanted)}


async def edit_priority(caller: Caller, *, priority_id: str, **changes: Any) -> dict[str, Any]:
    """Change a priority rule."""
    if "recurrence" in changes:
        changes["recurrence"] = _recurrence(changes["recurrence"])
    rule_id = decode_id("input.priorityId", priority_id, Priority)
    return {"priority": await priorities.edit_priority(caller.backend, caller.principal, rule_id, changes)}


async def clear_priority(caller: Caller, *, priority_id: str) -> dict[str, Any]:
    """End a priority rule."""
    rule_id = decode_id("input.priorityId", priority_id, Priority)
    return {"priority": await priorities.clear_priority(caller.backend, caller.principal, rule_id)}


async def boost_transaction(caller: Caller, *, transaction_id: str, minutes: int | None = None) -> dict[str, Any]:
    """Serve one session before all others now."""
    wanted = decode_id("input.transactionId", transaction_id, Transaction)
    return {"priority": await priorities.boost_transaction(caller.backend, caller.principal, wanted, minutes)}


def _recurrence(given: Any) -> Recurrence | None:
    """Return the recurrence that an input describes."""
    if given is None:
        return None
    return Recurrence(
        frozenset(given.weekdays), given.starts_at, given.ends_at, given.time_zone, first_day=given.first_day, last_day=given.last_day
    )
