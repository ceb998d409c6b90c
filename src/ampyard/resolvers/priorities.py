"""Changes of priorities: decode the ids, call the service."""

from datetime import datetime
from typing import Any

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.priorities import Priority, PriorityLevel
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import priorities
from ampyard.services.priorities import NewPriority


async def set_priority(
    caller: Caller,
    *,
    level: PriorityLevel,
    vehicle_id: str | None,
    charge_point_id: str | None,
    transaction_id: str | None,
    reason: str | None,
    valid_from: datetime | None,
    valid_until: datetime | None,
) -> dict[str, Any]:
    """Add a priority rule."""
    wanted = NewPriority(
        level=level,
        vehicle_id=optional_id("input.vehicleId", vehicle_id, Vehicle),
        charge_point_id=optional_id("input.chargePointId", charge_point_id, ChargePoint),
        transaction_id=optional_id("input.transactionId", transaction_id, Transaction),
        reason=reason,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    return {"priority": await priorities.set_priority(caller.backend, caller.principal, wanted)}


async def clear_priority(caller: Caller, *, priority_id: str) -> dict[str, Any]:
    """End a priority rule."""
    rule_id = decode_id("input.priorityId", priority_id, Priority)
    return {"priority": await priorities.clear_priority(caller.backend, caller.principal, rule_id)}
