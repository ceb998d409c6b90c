"""From the planner's answer to what is kept and shown of it."""

from datetime import datetime
from itertools import groupby

from ampyard.domain.charging_forecast import Step
from ampyard.domain.ids import new_id
from ampyard.domain.planning import Plan, Shortfall, Slot
from ampyard.domain.plans import FRESH, DepotPlan, PlannedStay
from ampyard.domain.priorities import PriorityLevel
from ampyard.services.planning.outlook import Outlook
from ampyard.services.planning.problem import Posed
from ampyard.services.planning.stays import Guest

# Solvers leave dust: a power below a watt is none, and two that differ by less are the same.
_DECIMALS = 3


def kept(outlook: Outlook, posed: Posed, plan: Plan) -> tuple[DepotPlan, list[PlannedStay]]:
    """Return a plan with its stays, as they are kept."""
    problem, slots = posed.problem, plan.slots
    made = DepotPlan(
        id=new_id(),
        tenant_id=outlook.depot.tenant_id,
        depot_id=outlook.depot.id,
        made_at=outlook.at,
        fresh_until=outlook.at + FRESH,
        status=plan.status,
        gap=plan.gap,
        solve_s=plan.solve_s,
        begins_at=[slot.begins_at for slot in slots],
        ends_at=slots[-1].ends_at,
        power_kw=[round(sum(stay.power_kw[number] for stay in plan.stays.values()), _DECIMALS) for number in range(len(slots))],
        unmanaged_kw=list(problem.unmanaged_kw),
        limits_kw=list(posed.limits_kw),
        prices_per_kwh=list(problem.prices_per_kwh),
        currency=posed.currency,
        peak_kw=plan.peak_kw,
        peak_so_far_kw=problem.peak_so_far_kw,
        energy_cost=None if posed.currency is None else plan.energy_cost,
        demand_cost=None if posed.currency is None else plan.demand_cost,
    )
    short = {shortfall.stay_id: shortfall for shortfall in plan.shortfalls}
    guests = posed.guests.planned
    return made, [_stay(made, plan, guests[stay_id], short.get(stay_id)) for stay_id in guests if stay_id in plan.stays]


def _stay(made: DepotPlan, plan: Plan, guest: Guest, shortfall: Shortfall | None) -> PlannedStay:
    stay, of_plan = guest.stay, plan.stays[guest.stay.id]
    steps = steps_of(plan.slots, of_plan.power_kw)
    prediction = of_plan.prediction
    return PlannedStay(
        id=new_id(),
        tenant_id=made.tenant_id,
        plan_id=made.id,
        depot_id=made.depot_id,
        made_at=made.made_at,
        fresh_until=made.fresh_until,
        transaction_id=guest.transaction_id,
        assignment_id=guest.assignment_id,
        vehicle_id=stay.vehicle_id,
        charge_point_id=guest.evse.charge_point_id,
        power_node_id=stay.node_id,
        priority=PriorityLevel(stay.priority),
        arrives_at=stay.arrives_at,
        departs_at=stay.departs_at,
        departure_source=guest.source,
        departure_confidence=guest.confidence,
        capacity_kwh=stay.capacity_kwh,
        energy_kwh=stay.energy_kwh if stay.previous is None else None,
        minimum_kwh=stay.minimum_kwh,
        target_kwh=stay.target_kwh,
        max_kw=stay.max_kw,
        step_begins_at=[step.begins_at for step in steps],
        step_kw=[step.kw for step in steps],
        minimum_at=prediction.minimum_at,
        target_at=prediction.target_at,
        final_kwh=prediction.final_kwh,
        final_at=prediction.final_at,
        expected_kwh=prediction.expected_kwh,
        lacks_minimum_kwh=0.0 if shortfall is None else shortfall.lacks_minimum_kwh,
        lacks_target_kwh=0.0 if shortfall is None else shortfall.lacks_target_kwh,
        cause=None if shortfall is None else shortfall.cause,
        binding_node_id=None if shortfall is None else shortfall.node_id,
        ready_at=None if shortfall is None else shortfall.ready_at,
        remedies=() if shortfall is None else shortfall.remedies,
        request_id=guest.request_id,
        arrival_source=guest.arrival,
        energy_source=guest.energy_source,
    )


def steps_of(slots: tuple[Slot, ...], power_kw: tuple[float, ...]) -> list[Step]:
    """Return powers by slot as steps, each until the next; slots of the same power are one, and the end of the last is a step to 0."""
    by_slot = [(slot.begins_at, round(kw, _DECIMALS)) for slot, kw in zip(slots, power_kw, strict=True)]
    by_slot.append((slots[-1].ends_at, 0.0))
    return [Step(next(of_power)[0], kw) for kw, of_power in groupby(by_slot, key=_power)]


def _power(of_slot: tuple[datetime, float]) -> float:
    return of_slot[1]
