"""What a step came to is kept where it is news, with the facts that it was computed from."""

import uuid
from collections.abc import Sequence

from ampyard.domain.allocation import Allocation, Decision, Outcome, Step, is_news
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.priorities import PriorityLevel
from ampyard.repositories.allocations import Allocations, Steps
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.power.reading import DepotState


async def explain(work: UnitOfWork, depot_id: uuid.UUID, state: DepotState, decision: Decision) -> None:
    """Keep the outcomes that are news, and say the others' sentences where they have changed."""
    news = [outcome for outcome in decision.outcomes if is_news(outcome, state.allocations.get(outcome.evse_id))]
    if news:
        await keep(work, depot_id, state, news)
    for outcome in decision.outcomes:
        if state.evses[outcome.evse_id].limit_reason != outcome.explanation:
            await work.change(Evses, outcome.evse_id, limit_reason=outcome.explanation, updated_at=work.now)


async def note_overdraws(work: UnitOfWork, state: DepotState, decision: Decision) -> None:
    """Keep since when EVSEs draw more than they may, and that they obey again."""
    for evse in state.evses.values():
        if (evse.id in decision.overdrawn) is not (evse.overdrawn_since is not None):
            since = work.now if evse.id in decision.overdrawn else None
            await work.change(Evses, evse.id, overdrawn_since=since, updated_at=work.now)


async def keep(work: UnitOfWork, depot_id: uuid.UUID, state: DepotState, news: Sequence[Outcome]) -> None:
    """Keep outcomes as allocations, with the facts that they were computed from, and tell of them."""
    step = Step(new_id(), work.tenant_id, depot_id, work.now, state.facts)
    await work.add(Steps, step)
    allocations = [
        Allocation(
            id=new_id(),
            tenant_id=work.tenant_id,
            depot_id=depot_id,
            charge_point_id=state.evses[outcome.evse_id].charge_point_id,
            evse_id=outcome.evse_id,
            transaction_id=outcome.transaction_id,
            decided_at=work.now,
            power_kw=outcome.power_kw,
            bound_by=outcome.bound_by,
            power_node_id=outcome.node_id,
            line=outcome.line,
            priority=PriorityLevel(outcome.priority),
            rank=outcome.rank,
            urgency=outcome.urgency,
            planned_kw=outcome.planned_kw,
            waiting_since=outcome.waiting_since,
            charging_since=outcome.charging_since,
            yielded_to=outcome.yielded_to,
            explanation=outcome.explanation,
            step_id=step.id,
        )
        for outcome in news
    ]
    await work.add(Allocations, *allocations)
    for allocation in allocations:
        payload = {"evse_id": str(allocation.evse_id), "transaction_id": str(allocation.transaction_id)}
        work.publish(Event(EventKind.ALLOCATION_CHANGED, allocation.id, depot_id, payload))
