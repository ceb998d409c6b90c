"""The *now* step of a depot: read its state, share the power, send what changed."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.access import system_principal
from ampyard.domain.charge_points import ChargePoint, CurrentType, Evse
from ampyard.domain.events import Event, EventKind
from ampyard.domain.power import Demand, Node, Reserved, SetPoint, Share, explain, share_power, stage
from ampyard.domain.priorities import EffectivePriority
from ampyard.domain.supply import LimitSource, NodeState
from ampyard.domain.transactions import ChargingState, Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.commands import evses_with_limit_command
from ampyard.repositories.depots import Depots, try_lock
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.supply import Supply
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.limits import catch_up, give_limit

# A vehicle that takes clearly less than it may, for longer than its charger needs to follow, has tapered.
_SETTLED = timedelta(seconds=10)
_TAPERED = 0.85
_HEADROOM = 1.25
_HEADROOM_KW = 1.0
# A charge point that refuses a limit is asked again, but not at every step.
_ASK_AGAIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class DepotState:
    """What a step is computed from."""

    at: datetime
    nodes: list[NodeState]
    charge_points: dict[uuid.UUID, ChargePoint]
    evses: dict[uuid.UUID, Evse]
    in_force_kw: dict[uuid.UUID, float | None]
    transactions: dict[uuid.UUID, Transaction]
    vehicles: dict[uuid.UUID, Vehicle]
    priorities: dict[uuid.UUID, EffectivePriority]
    # EVSEs with a limit under way, or refused a moment ago.
    asked: frozenset[uuid.UUID]


async def tick(backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> None:
    """Share a depot's power once and give the commands that follow; does nothing while another process is at it."""
    async with backend.unit_of_work(system_principal(tenant_id, "planner")) as work:
        if not await try_lock(work.session, depot_id):
            return
        depot = await Depots(work.session).by_id(depot_id)
        if depot is None or depot.archived_at is not None:
            return
        state = await _read(work, depot_id)
        shares, set_points = decide(state)
        names = {node.node.id: _told(node, state.at) for node in state.nodes}
        for share in shares:
            await _explain(work, state.evses[share.evse_id], explain(share, names))
        for set_point in set_points:
            await _give(work, state, set_point)
        work.publish(Event(EventKind.DEPOT_POWER, depot_id, depot_id))
        await work.commit()


def decide(state: DepotState) -> tuple[list[Share], list[SetPoint]]:
    """Return who gets how much, and what to send now.

    Each node supplies what its limits allow at this moment, less what flows there that is not ours. An EVSE without a
    transaction keeps its fall-back reserved: a vehicle that plugs in draws that much before anyone can say anything. A
    limit that was sent but never confirmed, or that a charge point may have forgotten while it was away, is sent again.
    """
    nodes = [Node(it.node.id, it.node.parent_id, it.limit(state.at).limit_kw) for it in state.nodes]
    demands = [_demand(state, evse) for evse in state.evses.values() if evse.id in state.transactions]
    reserved = [
        Reserved(state.charge_points[evse.charge_point_id].power_node_id, evse.fallback_kw)
        for evse in state.evses.values()
        if evse.id not in state.transactions
    ]
    reserved += [Reserved(it.node.id, it.unmanaged(state.at).kw) for it in state.nodes]
    shares = share_power(nodes, demands, reserved)
    changes = {set_point.evse_id: set_point for set_point in stage(nodes, demands, shares, reserved)}
    for demand in demands:
        if demand.online and state.evses[demand.evse_id].limit_kw != demand.current_kw:
            changes.setdefault(demand.evse_id, SetPoint(demand.evse_id, demand.current_kw))
    return shares, [set_point for set_point in changes.values() if set_point.evse_id not in state.asked]


def _demand(state: DepotState, evse: Evse) -> Demand:
    transaction = state.transactions[evse.id]
    charge_point = state.charge_points[evse.charge_point_id]
    in_force_kw = state.in_force_kw[evse.id]
    vehicle = state.vehicles.get(transaction.vehicle_id) if transaction.vehicle_id else None
    return Demand(
        evse_id=evse.id,
        node_id=charge_point.power_node_id,
        priority=int(state.priorities[transaction.id].level),
        since=transaction.started_at,
        wanted_kw=wanted_kw(evse, transaction, vehicle),
        minimum_kw=evse.min_power_kw,
        current_kw=evse.fallback_kw if in_force_kw is None else in_force_kw,
        fallback_kw=evse.fallback_kw,
        online=charge_point.connected,
    )


def wanted_kw(evse: Evse, transaction: Transaction, vehicle: Vehicle | None) -> float:
    """Return the power a transaction can use, in kW: the least of EVSE, vehicle, and what it lately took when given more.

    A vehicle that has suspended charging keeps the minimum, so that it may resume.
    """
    ability = evse.max_power_kw
    if vehicle is not None:
        ability = min(ability, vehicle.max_dc_kw if evse.current_type is CurrentType.DC else vehicle.max_ac_kw)
    if transaction.charging_state is ChargingState.SUSPENDED_EV:
        return min(ability, evse.min_power_kw)
    settled = evse.limit_at is not None and transaction.measured_at is not None and transaction.measured_at >= evse.limit_at + _SETTLED
    if settled and evse.limit_kw and 0 < transaction.power_kw < _TAPERED * evse.limit_kw:
        return min(ability, max(evse.min_power_kw, transaction.power_kw * _HEADROOM + _HEADROOM_KW))
    return ability


async def _read(work: UnitOfWork, depot_id: uuid.UUID) -> DepotState:
    charge_points = {cp.id: cp for cp in await ChargePoints(work.session).of_depot(depot_id)}
    locked = await Evses(work.session).locked_of(list(charge_points), at=work.now)
    transactions = await Transactions(work.session).active_of_evses([evse.id for evse, _ in locked])
    vehicle_ids = [t.vehicle_id for t in transactions.values() if t.vehicle_id is not None]
    return DepotState(
        at=work.now,
        nodes=await Supply(work.session).of_depot(depot_id, at=work.now),
        charge_points=charge_points,
        evses=await catch_up(work, [evse for evse, _ in locked]),
        in_force_kw={evse.id: in_force_kw for evse, in_force_kw in locked},
        transactions=transactions,
        vehicles=await Vehicles(work.session).by_ids(vehicle_ids),
        priorities=await Priorities(work.session).effective(transactions.values(), at=work.now),
        asked=await evses_with_limit_command(work.session, list(charge_points), since=work.now - _ASK_AGAIN),
    )


def _told(state: NodeState, at: datetime) -> str:
    """Return a node's name for explanations, with its limit where that is not the one it always has."""
    limit = state.limit(at)
    if limit.source is LimitSource.CONSTANT:
        return state.node.name
    return f"{state.node.name} ({limit.limit_kw:g} kW by {_BY_WHAT[limit.source]})"


_BY_WHAT = {
    LimitSource.WEEKLY: "its weekly limits",
    LimitSource.EXCEPTION: "an exception",
    LimitSource.GRID_SIGNAL: "a signal from outside",
    LimitSource.GRID_FALLBACK: "the fall-back of a lost link",
}


async def _explain(work: UnitOfWork, evse: Evse, reason: str) -> None:
    if evse.limit_reason != reason:
        await work.change(Evses, evse.id, limit_reason=reason, updated_at=work.now)


async def _give(work: UnitOfWork, state: DepotState, set_point: SetPoint) -> None:
    evse = state.evses[set_point.evse_id]
    charge_point, transaction = state.charge_points[evse.charge_point_id], state.transactions[evse.id]
    vehicle = state.vehicles.get(transaction.vehicle_id) if transaction.vehicle_id else None
    in_force_kw = state.in_force_kw[evse.id]
    await give_limit(work, charge_point, evse, transaction, set_point.limit_kw, in_force_kw=in_force_kw, vehicle=vehicle)
