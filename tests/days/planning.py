"""What is planned that day: of both depots the evening, with one vehicle that will be short of what it needs."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ampyard.domain.ids import new_id
from ampyard.domain.planning import PlanStatus, Remedy, RemedyKind, ShortfallCause
from ampyard.domain.plans import FRESH, ArrivalSource, ChargeSource, DepartureSource, DepotPlan, PlannedStay
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.transactions import Transaction, TransactionState
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.plans import keep_plan
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import depots
from tests.fleet import user
from tests.schema.graph import id_of

if TYPE_CHECKING:
    from tests.busy import Busy

HOUR = timedelta(hours=1)


async def happen(busy: "Busy") -> None:
    """Keep a plan of each depot, of all of its vehicles that charge, and of one that comes back; the first will not be ready."""
    now = busy.backend.clock()
    nodes = {point.id: point.power_node_id for point in await busy.all(ChargePoints)}
    roots = {node.depot_id: node.id for node in await busy.all(PowerNodes) if node.parent_id is None}
    leaving = {one.vehicle_id: one.id for one in await busy.all(Assignments) if one.removed_at is None and one.departs_at > now}
    running = [one for one in await busy.all(Transactions) if one.state is TransactionState.ACTIVE and one.vehicle_id is not None]
    asked = {one.vehicle_id: one.id for one in await busy.all(ChargingRequests) if one.withdrawn_at is None}
    away = {one.depot_id: one for one in await busy.all(Vehicles) if one.id not in {tx.vehicle_id for tx in running}}
    for depot in await busy.all(Depots):
        await depots.edit_depot(busy.backend, user(busy.tenant_id), depot.id, demand_charge_per_kw=Decimal("12.5"), billing_day=1)
        plan = plan_of(busy.tenant_id, depot.id, now)
        stays = [
            stay_of(plan, one, nodes[one.charge_point_id], leaving.get(one.vehicle_id), short_at=roots[depot.id] if not number else None)
            for number, one in enumerate(one for one in running if one.depot_id == depot.id)
            if one.vehicle_id is not None
        ]
        stays = [replace(stay, request_id=asked.get(stay.vehicle_id)) for stay in stays]
        stays.append(_expected(stays[0], away[depot.id]))
        async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
            await keep_plan(work.session, plan, stays)
            await work.commit()


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    """Return arguments with which plans are watched."""
    depot = next(depot for depot in await busy.all(Depots) if depot.name == "Central")
    root = next(node for node in await busy.all(PowerNodes) if node.depot_id == depot.id and node.parent_id is None)
    return {
        "planMade": {"depotId": id_of(depot)},
        "whatIf": {"depotId": id_of(depot), "proposal": {"limit": {"powerNodeId": id_of(root), "limitKw": 60.0}}},
    }


def plan_of(tenant_id: uuid.UUID, depot_id: uuid.UUID, made_at: datetime) -> DepotPlan:
    """Return a plan of two slots."""
    return DepotPlan(
        id=new_id(),
        tenant_id=tenant_id,
        depot_id=depot_id,
        made_at=made_at,
        fresh_until=made_at + FRESH,
        status=PlanStatus.FEASIBLE,
        gap=0.01,
        solve_s=0.05,
        begins_at=[made_at, made_at + HOUR],
        ends_at=made_at + 2 * HOUR,
        power_kw=[40.0, 20.0],
        unmanaged_kw=[12.0, 12.0],
        limits_kw=[150.0, None],
        prices_per_kwh=[0.3, 0.2],
        currency="EUR",
        peak_kw=52.0,
        peak_so_far_kw=60.0,
        energy_cost=16.0,
        demand_cost=0.0,
    )


def _expected(like: PlannedStay, vehicle: Vehicle) -> PlannedStay:
    """Return the stay of a vehicle that has yet to come back, at the plug of another one."""
    return replace(
        like,
        id=new_id(),
        transaction_id=None,
        assignment_id=None,
        vehicle_id=vehicle.id,
        arrives_at=like.made_at + HOUR,
        departs_at=None,
        departure_source=None,
        cause=None,
        lacks_minimum_kwh=0.0,
        remedies=(),
        request_id=None,
        arrival_source=ArrivalSource.ASSIGNMENT,
        energy_source=ChargeSource.RESERVE,
    )


def stay_of(
    plan: DepotPlan, transaction: Transaction, node_id: uuid.UUID, assignment_id: uuid.UUID | None, *, short_at: uuid.UUID | None
) -> PlannedStay:
    """Return a transaction's stay in a plan: 20 kW for an hour, then 10 for another; short of 5 kWh at a node where one is named."""
    assert transaction.vehicle_id is not None
    begin = plan.made_at
    is_short = short_at is not None
    remedies = (
        Remedy(RemedyKind.RAISE_LIMIT, node_id=short_at, kw=6.0, begins_at=begin, ends_at=begin + 2 * HOUR),
        Remedy(RemedyKind.DEPART_LATER, ends_at=begin + 3 * HOUR),
        Remedy(RemedyKind.SWAP_VEHICLE, stay_id=transaction.id),
    )
    return PlannedStay(
        id=new_id(),
        tenant_id=plan.tenant_id,
        plan_id=plan.id,
        depot_id=plan.depot_id,
        made_at=begin,
        fresh_until=plan.fresh_until,
        transaction_id=transaction.id,
        assignment_id=assignment_id,
        vehicle_id=transaction.vehicle_id,
        charge_point_id=transaction.charge_point_id,
        power_node_id=node_id,
        priority=PriorityLevel.NORMAL,
        arrives_at=transaction.started_at,
        departs_at=begin + 2 * HOUR,
        departure_source=DepartureSource.LEARNT if assignment_id is None else DepartureSource.ASSIGNMENT,
        departure_confidence=0.8,
        capacity_kwh=300.0,
        energy_kwh=120.0,
        minimum_kwh=152.6 if is_short else 140.0,
        target_kwh=300.0,
        max_kw=22.0,
        step_begins_at=[begin, begin + HOUR, begin + 2 * HOUR],
        step_kw=[20.0, 10.0, 0.0],
        minimum_at=None if is_short else begin + HOUR,
        target_at=begin + 2 * HOUR,
        final_kwh=147.6,
        final_at=begin + 2 * HOUR,
        expected_kwh=30.0,
        lacks_minimum_kwh=5.0 if is_short else 0.0,
        lacks_target_kwh=152.4,
        cause=ShortfallCause.NODE if is_short else None,
        binding_node_id=short_at,
        ready_at=begin + 3 * HOUR if is_short else None,
        remedies=remedies if is_short else (),
        energy_source=ChargeSource.READING,
    )
