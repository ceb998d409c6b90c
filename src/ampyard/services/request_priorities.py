"""The priority rules that charging requests stand for: a request of another class than NORMAL ranks its vehicle while it counts.

So who sees why a vehicle is served first sees the request's rule among all others, and ADR 0016 says which of them counts.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta

from ampyard.domain.charging_requests import OVERDUE, ChargingRequest, RequestSource, counting
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.priorities import Priority, PriorityLevel
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.unit_of_work import UnitOfWork

# A vehicle may arrive before it is expected.
_EARLY = timedelta(hours=2)


async def settle_rules(work: UnitOfWork, vehicle_ids: Iterable[uuid.UUID], gone: Sequence[ChargingRequest] = ()) -> None:
    """Make the rules of some vehicles what their requests ask for now; `gone` are requests that have just been withdrawn."""
    # Whoever withdraws a request may overrule, or let count, one of somebody else's: all of them are looked at, whoever may see what.
    async with work.whole_tenant():
        requests = [*gone, *await ChargingRequests(work.session).of_vehicles(set(vehicle_ids), at=work.now)]
        counts = {request.id for found in counting(requests, at=work.now).values() for request in found}
        known = await Priorities(work.session).by_ids({request.priority_id for request in requests if request.priority_id})
        for request in requests:
            rule = known.get(request.priority_id) if request.priority_id is not None else None
            wanted = _rule(work, request) if request.id in counts and request.level is not PriorityLevel.NORMAL else None
            if not _same(rule, wanted):
                await _replace(work, request, rule, wanted)


def _rule(work: UnitOfWork, request: ChargingRequest) -> Priority:
    arrives_at = request.arrives_at or work.now
    whose = "a depot management system" if request.source is RequestSource.VDV463 else request.author
    named = f" {request.external_id}" if request.external_id else ""
    return Priority(
        id=new_id(),
        tenant_id=work.tenant_id,
        level=request.level,
        vehicle_id=request.vehicle_id,
        charge_point_id=None,
        transaction_id=None,
        reason=f"Charging request{named} of {whose}"[:500],
        author=request.author,
        valid_from=max(request.created_at, arrives_at - _EARLY),
        valid_until=None if request.departs_at is None else request.departs_at + OVERDUE,
        cleared_at=None,
        created_at=work.now,
    )


def _same(rule: Priority | None, wanted: Priority | None) -> bool:
    if rule is None or rule.cleared_at is not None:
        return wanted is None
    return wanted is not None and all(
        getattr(rule, name) == getattr(wanted, name) for name in ("level", "vehicle_id", "valid_from", "valid_until")
    )


async def _replace(work: UnitOfWork, request: ChargingRequest, rule: Priority | None, wanted: Priority | None) -> None:
    if rule is not None and rule.cleared_at is None:
        await work.change(Priorities, rule.id, cleared_at=work.now)
        work.publish(Event(EventKind.PRIORITY_CHANGED, rule.id, request.depot_id))
    if wanted is not None:
        await work.add(Priorities, wanted)
        work.publish(Event(EventKind.PRIORITY_CHANGED, wanted.id, request.depot_id))
    await work.change(ChargingRequests, request.id, priority_id=None if wanted is None else wanted.id)
