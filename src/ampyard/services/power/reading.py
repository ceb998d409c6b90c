"""The state of a depot, as a step is computed from it; in a dozen statements whatever its size."""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.allocation import Allocation, ChargingFacts, EvseFacts, NodeFacts, OrderFacts, StepInput
from ampyard.domain.cables import strongest_kw
from ampyard.domain.charge_points import ChargePoint, CurrentType, Evse
from ampyard.domain.charging_limits import ChargingLimit, cap_kw
from ampyard.domain.commands import CommandState
from ampyard.domain.couplings import coupling, line_rating_kw
from ampyard.domain.equipment import SetPointKind
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.lines import wiring
from ampyard.domain.plans import PlannedPower
from ampyard.domain.power import Lines, kw_of_ampere
from ampyard.domain.priorities import EffectivePriority
from ampyard.domain.supply import LimitSource, NodeState
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.allocations import Allocations
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.charging_limits import ChargingLimits
from ampyard.repositories.commands import LimitOrder, limit_orders
from ampyard.repositories.plans import planned
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.supply import Supply
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.limits import catch_up, takes_amperes
from ampyard.services.power.needs import NO_NEED, read_needs

# A charge point that refuses a limit is asked again, but not at every step.
_ASK_AGAIN = timedelta(seconds=10)
# For so long after a vehicle was raised to a higher class, what it gains by that is sent whatever its writes cost: as long as the next
# plan may take.
_JUST_RAISED = timedelta(minutes=5)
_FROM = {
    LimitSource.CONSTANT: "",
    LimitSource.WEEKLY: "its weekly limits",
    LimitSource.EXCEPTION: "an exception",
    LimitSource.GRID_SIGNAL: "a signal from outside",
    LimitSource.GRID_FALLBACK: "the fall-back of a lost link",
}


@dataclass(frozen=True, slots=True)
class DepotState:
    """The facts of a step, and the entities that its outcome is about, by id.

    Transactions and the newest allocations are by their EVSE,
    plans and limits from outside by their transaction. `raised` are the transactions that were just raised to a higher class,
    `overruled` those of them that a fresh plan has in a lower one.
    """

    facts: StepInput
    charge_points: Mapping[uuid.UUID, ChargePoint]
    evses: Mapping[uuid.UUID, Evse]
    transactions: Mapping[uuid.UUID, Transaction]
    vehicles: Mapping[uuid.UUID, Vehicle]
    allocations: Mapping[uuid.UUID, Allocation]
    plans: Mapping[uuid.UUID, PlannedPower]
    caps: Mapping[uuid.UUID, Sequence[ChargingLimit]]
    raised: frozenset[uuid.UUID]
    overruled: frozenset[uuid.UUID]


async def read_state(work: UnitOfWork, depot_id: uuid.UUID) -> DepotState:
    """Return a depot's state, its EVSEs locked against other writers."""
    session, now = work.session, work.now
    charge_points = {cp.id: cp for cp in await ChargePoints(session).of_depot(depot_id)}
    locked = await Evses(session).locked_of(list(charge_points), at=now)
    evses = await catch_up(work, [evse for evse, _ in locked])
    transactions = await Transactions(session).active_of_evses([evse.id for evse, _ in locked])
    vehicles = await Vehicles(session).by_ids([it.vehicle_id for it in transactions.values() if it.vehicle_id is not None])
    priorities = await Priorities(session).effective(transactions.values(), at=now)
    plans = await planned(session, depot_id, at=now)
    allocations = await Allocations(session).newest_of(list(transactions))
    caps = await ChargingLimits(session).counting([it.id for it in transactions.values()], at=now)
    connectors = await Connectors(session).of_evses(list(evses))
    in_amperes = await takes_amperes(session, list(charge_points))
    needs = await read_needs(work, depot_id, transactions, vehicles, plans)
    orders = await limit_orders(session, list(charge_points), since=now - _ASK_AGAIN)

    def charging_on(evse: Evse, transaction: Transaction) -> ChargingFacts:
        vehicle = vehicles.get(transaction.vehicle_id) if transaction.vehicle_id is not None else None
        plan, allocation = plans.get(transaction.id), allocations.get(evse.id)
        known = allocation if allocation is not None and allocation.transaction_id == transaction.id else None
        need = needs.get(transaction.id, NO_NEED)
        coupled = coupling(
            evse,
            connectors.get(evse.id, ()),
            connector_id=transaction.connector_id,
            vehicle_phases=None if vehicle is None else vehicle.ac_phases,
            measured=transaction.measured_phases or frozenset(),
            in_amperes=in_amperes[evse.charge_point_id],
        )
        return ChargingFacts(
            transaction_id=transaction.id,
            priority=int(priorities[transaction.id].level),
            since=transaction.started_at,
            charging_state=transaction.charging_state,
            power_kw=transaction.power_kw,
            measured_at=transaction.measured_at,
            heard_at=transaction.heard_at,
            vehicle_kw=None if vehicle is None else _ability_kw(vehicle, evse),
            cap_kw=cap_kw(caps.get(transaction.id, ()), now),
            lines=coupled.lines,
            steps=_steps(evse, coupled.lines),
            planned_kw=None if plan is None else plan.kw,
            planned_priority=None if plan is None else int(plan.priority),
            needed_kwh=need.minimum_kwh,
            wanted_kwh=need.target_kwh,
            weight=need.weight,
            departs_at=need.departs_at,
            waiting_since=None if known is None else known.waiting_since,
            charging_since=None if known is None else known.charging_since,
            most_kw=coupled.most_kw,
            cable_kw=coupled.cable_kw,
            least_kw=coupled.least_kw,
        )

    def facts_of(evse: Evse, in_force_kw: float | None) -> EvseFacts:
        transaction, charge_point = transactions.get(evse.id), charge_points[evse.charge_point_id]
        amperes, strongest = in_amperes[charge_point.id], strongest_kw(evse, connectors.get(evse.id, ()))
        lines = wiring(evse, in_amperes=amperes)
        return EvseFacts(
            evse_id=evse.id,
            node_id=charge_point.power_node_id,
            online=charge_point.connected,
            installed=charge_point.state is not ChargePointState.PLANNED,
            max_kw=evse.max_power_kw if strongest is None else min(evse.max_power_kw, strongest),
            min_kw=evse.min_power_kw,
            fallback_kw=evse.fallback_kw,
            held_kw=evse.fallback_in_force_kw,
            limit_kw=evse.limit_kw,
            limit_at=evse.limit_at,
            in_force_kw=in_force_kw,
            overdrawn_since=evse.overdrawn_since,
            order=_order(orders.get(evse.id)),
            charging=None if transaction is None else charging_on(evse, transaction),
            lines=lines,
            line_kw=line_rating_kw(evse) if lines is not wiring(evse) else None,
        )

    facts = StepInput(
        at=now,
        nodes=tuple(_node(state, work) for state in await Supply(session).of_depot(depot_id, at=now)),
        evses=tuple(facts_of(evses[evse.id], in_force_kw) for evse, in_force_kw in locked),
    )
    overruled = frozenset(it for it, plan in plans.items() if it in priorities and priorities[it].level > plan.priority)
    raised = overruled | {it for it, priority in priorities.items() if _is_just_raised(priority, now)}
    return DepotState(facts, charge_points, evses, transactions, vehicles, allocations, plans, caps, raised, overruled)


def _is_just_raised(priority: EffectivePriority, now: datetime) -> bool:
    return priority.raised_at is not None and now - priority.raised_at <= _JUST_RAISED


def _node(state: NodeState, work: UnitOfWork) -> NodeFacts:
    limit, unmanaged = state.limit(work.now), state.unmanaged(work.now)
    return NodeFacts(
        node_id=state.node.id,
        parent_id=state.node.parent_id,
        name=state.node.name,
        limit_kw=limit.limit_kw,
        unmanaged_kw=unmanaged.power_kw,
        limit_from=_FROM[limit.source],
        limit_a=limit.limit_a,
        voltage_v=state.node.voltage_v,
        unmanaged_a=unmanaged.line_a,
    )


def _ability_kw(vehicle: Vehicle, evse: Evse) -> float:
    return vehicle.max_dc_kw if evse.current_type is CurrentType.DC else vehicle.max_ac_kw


def _steps(evse: Evse, lines: Lines) -> float | tuple[float, ...] | None:
    """Return the set-points that an EVSE's charger knows, in kW."""
    kw_per_a = kw_of_ampere(lines, evse.voltage_v / math.sqrt(3) if evse.line_to_line else evse.voltage_v)
    match evse.set_points.kind:
        case SetPointKind.CONTINUOUS:
            return None
        case SetPointKind.WHOLE_AMPERES:
            return kw_per_a
        case SetPointKind.LISTED:
            return tuple(listed_a * kw_per_a for listed_a in evse.set_points.listed_a)


def _order(order: LimitOrder | None) -> OrderFacts | None:
    return None if order is None else OrderFacts(order.limit_kw, open=order.state in {CommandState.PENDING, CommandState.SENT})
