import uuid
from collections.abc import Collection

from ampyard.domain.allocation import Decision
from ampyard.domain.charge_points import Evse
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.commands import withdraw_limits
from ampyard.services.limit_ledger import open_ledger
from ampyard.services.limits import give_limit, open_desk
from ampyard.services.power.reading import DepotState


async def send(work: UnitOfWork, depot_id: uuid.UUID, state: DepotState, decision: Decision) -> None:
    """Give the limits of a decision as commands, with what is planned after them. One that waits to be sent is withdrawn for a lower one.

    Whoever gets no new limit keeps the one it has; the plan after it may have changed, its schedule may run out, or promise what
    a node will not bear.
    """
    facts = {evse.evse_id: evse for evse in state.facts.evses}
    overtaken = [it.evse_id for it in decision.set_points if facts[it.evse_id].order is not None]
    if overtaken:
        await withdraw_limits(work, overtaken)
    limits_kw = {it.evse_id: it.limit_kw for it in decision.set_points}
    limits_kw |= {evse.id: evse.limit_kw for evse in _keeping(state, limits_kw) if evse.limit_kw is not None}
    if not limits_kw:
        return
    ledger = await open_ledger(work, depot_id, state.facts, state.evses)
    desk = await open_desk(work, state.charge_points.values(), ledger)
    overfull = ledger.overfull()
    for evse_id, limit_kw in limits_kw.items():
        evse = state.evses[evse_id]
        transaction = state.transactions[evse_id]
        plan = state.plans.get(transaction.id)
        await give_limit(
            work,
            state.charge_points[evse.charge_point_id],
            evse,
            transaction,
            limit_kw,
            in_force_kw=facts[evse_id].permitted_kw,
            # Of whoever was raised since, the plan says too little.
            ahead=() if plan is None or transaction.id in state.overruled else [(step.begins_at, step.kw) for step in plan.ahead],
            vehicle=state.vehicles.get(transaction.vehicle_id) if transaction.vehicle_id is not None else None,
            desk=desk,
            caps=state.caps.get(transaction.id, ()),
            needed=evse_id in overfull,
            raised=transaction.id in state.raised,
        )


def _keeping(state: DepotState, told: Collection[uuid.UUID]) -> list[Evse]:
    """Return the EVSEs that obey a limit, and can be told what comes after it."""
    asked = {facts.evse_id for facts in state.facts.evses if facts.order is not None}
    return [
        evse
        for evse in state.evses.values()
        if evse.id in state.transactions
        and evse.id not in told
        and evse.id not in asked
        and evse.told is not None
        and state.charge_points[evse.charge_point_id].connected
        and (len(evse.told.steps) > 1 or state.charge_points[evse.charge_point_id].clock_at is not None)
    ]
