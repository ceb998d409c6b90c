from ampyard.domain.allocation import Decision
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.commands import withdraw_limits
from ampyard.services.limits import give_limit, open_desk
from ampyard.services.power.reading import DepotState


async def send(work: UnitOfWork, state: DepotState, decision: Decision) -> None:
    """Give the limits of a decision as commands. One that still waits to be sent is withdrawn for a lower one."""
    facts = {evse.evse_id: evse for evse in state.facts.evses}
    overtaken = [it.evse_id for it in decision.set_points if facts[it.evse_id].order is not None]
    if overtaken:
        await withdraw_limits(work, overtaken)
    desk = await open_desk(work, state.charge_points.values()) if decision.set_points else None
    for set_point in decision.set_points:
        evse = state.evses[set_point.evse_id]
        transaction = state.transactions[evse.id]
        charge_point = state.charge_points[evse.charge_point_id]
        vehicle = state.vehicles.get(transaction.vehicle_id) if transaction.vehicle_id is not None else None
        in_force_kw = facts[evse.id].permitted_kw
        await give_limit(work, charge_point, evse, transaction, set_point.limit_kw, in_force_kw=in_force_kw, vehicle=vehicle, desk=desk)
