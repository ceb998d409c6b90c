"""Changes: decode the ids, call the service, hand its outcome on. The payload is read after the commit."""

from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.charge_points import ChargePoint, Evse
from ampyard.domain.priorities import Priority, PriorityLevel
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.context import Context
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import priorities, remote_control
from ampyard.services.priorities import NewPriority
from ampyard.services.remote_control import RemoteOutcome


@dataclass(frozen=True, slots=True)
class PriorityChange:
    """The payload of a change of priority."""

    priority: Priority


async def set_priority(
    context: Context,
    *,
    level: PriorityLevel,
    vehicle_id: str | None,
    charge_point_id: str | None,
    transaction_id: str | None,
    reason: str | None,
    valid_from: datetime | None,
    valid_until: datetime | None,
) -> Priority:
    """Add a priority rule."""
    await context.end_event()
    wanted = NewPriority(
        level=level,
        vehicle_id=optional_id("input.vehicleId", vehicle_id, Vehicle),
        charge_point_id=optional_id("input.chargePointId", charge_point_id, ChargePoint),
        transaction_id=optional_id("input.transactionId", transaction_id, Transaction),
        reason=reason,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    return await priorities.set_priority(context.backend, context.principal, wanted)


async def clear_priority(context: Context, priority_id: str) -> Priority:
    """End a priority rule."""
    await context.end_event()
    return await priorities.clear_priority(context.backend, context.principal, decode_id("input.priorityId", priority_id, Priority))


async def start_transaction(context: Context, *, evse_id: str, vehicle_id: str | None, id_tag: str | None) -> RemoteOutcome:
    """Ask a charge point to start a transaction."""
    await context.end_event()
    vehicle = optional_id("input.vehicleId", vehicle_id, Vehicle)
    evse = decode_id("input.evseId", evse_id, Evse)
    return await remote_control.start_transaction(context.backend, context.principal, evse, vehicle_id=vehicle, id_tag=id_tag)


async def stop_transaction(context: Context, transaction_id: str) -> RemoteOutcome:
    """Ask a charge point to stop a transaction."""
    await context.end_event()
    transaction = decode_id("input.transactionId", transaction_id, Transaction)
    return await remote_control.stop_transaction(context.backend, context.principal, transaction)
