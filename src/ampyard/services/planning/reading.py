"""Reading what a plan is made from: a fixed number of statements, whatever is in the depot."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ampyard.domain.assignments import Assignment
from ampyard.domain.charging_requests import OVERDUE, ChargingRequest
from ampyard.domain.departures import LOOKED_BACK, PastStay
from ampyard.domain.depots import Depot
from ampyard.domain.grid_signals import NO_GRID_LIMITS
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.readiness import OLDEST_SOC
from ampyard.domain.supply import NodeState
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.database import Session
from ampyard.repositories.depots import Depots
from ampyard.repositories.energy_prices import EnergyPrices
from ampyard.repositories.grid_prices import prices_between
from ampyard.repositories.grid_signals import limits_of_depot
from ampyard.repositories.plans import past_stays, peak_kw
from ampyard.repositories.priorities import Priorities, Ranked
from ampyard.repositories.settings import read_settings
from ampyard.repositories.supply import LimitExceptions, Supply
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.planning.outlook import HORIZON, OLDEST_KNOWN, Outlook

_NOWHERE = uuid.UUID(int=0)


async def read_outlook(
    session: Session, depot_id: uuid.UUID, *, at: datetime, vehicle_ids: Iterable[uuid.UUID] = (), block_ids: Iterable[uuid.UUID] = ()
) -> Outlook | None:
    """Return what is known of a depot, and of these vehicles and blocks, whether they have to do with it or not.

    None where there is no such depot that is in use.
    """
    depot = await Depots(session).by_id(depot_id)
    if depot is None or depot.archived_at is not None:
        return None
    points = {point.id: point for point in await ChargePoints(session).of_depot(depot_id)}
    evses = {evse.id: evse for of_point in (await Evses(session).of_charge_points(list(points))).values() for evse in of_point}
    transactions = await Transactions(session).active_of_evses(list(evses))
    plugged = {one.vehicle_id for one in transactions.values() if one.vehicle_id is not None}
    asked_for = await ChargingRequests(session).vehicles_asked_for(depot_id, at=at)
    runs = await _runs(session, depot_id, {*plugged, *asked_for, *vehicle_ids}, at)
    blocks = await Blocks(session).by_ids({*block_ids, *(run.block_id for of_vehicle in runs.values() for run in of_vehicle)})
    vehicles = await Vehicles(session).by_ids({*plugged, *asked_for, *vehicle_ids, *runs})
    requests = await ChargingRequests(session).counting(vehicles, at=at)
    away = [vehicle_id for vehicle_id in vehicles if vehicle_id not in plugged]
    unknown = [vehicle.id for vehicle in vehicles.values() if _is_to_be_learnt(vehicle, runs.get(vehicle.id, ()), at)]
    return Outlook(
        at=at,
        depot=depot,
        nodes=await _nodes(session, depot_id, at),
        charge_points=points,
        evses=evses,
        connectors=await Connectors(session).of_evses(list(evses)),
        transactions=transactions,
        vehicles=vehicles,
        levels=await _levels(session, transactions.values(), runs, requests, depot_id, at),
        requests=requests,
        runs=runs,
        blocks=blocks,
        past=await _past(session, unknown, depot, at),
        reserve_percent=(await read_settings(session, depot.tenant_id)).values.reserve_soc_percent,
        prices=(await EnergyPrices(session).of_depots([depot_id])).get(depot_id, []),
        told_prices=await prices_between(session, depot_id, at, at + HORIZON),
        peak_so_far_kw=await peak_kw(session, depot_id, since=depot.billing_month_begins(at), until=at),
        supposed={},
        supposed_limits=(),
        elsewhere=frozenset(await Transactions(session).active_of_vehicles(away)),
    )


def _is_to_be_learnt(vehicle: Vehicle, runs: Sequence[Assignment], at: datetime) -> bool:
    """Tell whether nobody says when a vehicle leaves, or what is in its battery."""
    return not any(run.departs_at > at for run in runs) or vehicle.soc is None or at - vehicle.soc.at > OLDEST_SOC


async def _nodes(session: Session, depot_id: uuid.UUID, at: datetime) -> list[NodeState]:
    ahead = await LimitExceptions(session).ahead_of_depot(depot_id, at=at)
    outside = await limits_of_depot(session, depot_id, at=at)
    return [
        replace(state, exceptions=tuple(ahead.get(state.node.id, ())), grid=outside.get(state.node.id, NO_GRID_LIMITS))
        for state in await Supply(session).of_depot(depot_id, at=at)
    ]


async def _runs(session: Session, depot_id: uuid.UUID, here: set[uuid.UUID], at: datetime) -> dict[uuid.UUID, list[Assignment]]:
    """Return the runs of all vehicles that are here, leave from here within the horizon, or come here by then, or should have lately."""
    until = at + HORIZON
    leaving = await Assignments(session).leaving(at, until, depot_id)
    returning = await Assignments(session).returning(at - OVERDUE, until, depot_id)
    found = {one.vehicle_id for one in (*leaving, *returning)}
    return await Assignments(session).of_vehicles({*here, *found}, at - OLDEST_KNOWN, until)


@dataclass(frozen=True, slots=True)
class _Coming:
    """A vehicle that will come back: of its place only the depot is known yet."""

    id: uuid.UUID
    vehicle_id: uuid.UUID | None
    depot_id: uuid.UUID
    charge_point_id: uuid.UUID = _NOWHERE


async def _levels(
    session: Session,
    transactions: Iterable[Transaction],
    runs: Mapping[uuid.UUID, list[Assignment]],
    requests: Mapping[uuid.UUID, list[ChargingRequest]],
    depot_id: uuid.UUID,
    at: datetime,
) -> dict[uuid.UUID, PriorityLevel]:
    coming = [_Coming(run.id, run.vehicle_id, depot_id) for of_vehicle in runs.values() for run in of_vehicle if run.returns_at > at]
    coming += [_Coming(request.id, request.vehicle_id, depot_id) for of_vehicle in requests.values() for request in of_vehicle]
    coming += [_Coming(vehicle_id, vehicle_id, depot_id) for vehicle_id in {*runs, *requests}]
    asked: list[Ranked] = [*transactions, *coming]
    return {one: priority.level for one, priority in (await Priorities(session).effective(asked, at=at)).items()}


async def _past(session: Session, vehicle_ids: Iterable[uuid.UUID], depot: Depot, at: datetime) -> dict[uuid.UUID, list[PastStay]]:
    by_vehicle: dict[uuid.UUID, list[PastStay]] = defaultdict(list)
    for stay in await past_stays(session, vehicle_ids, depot.id, since=at - LOOKED_BACK):
        by_vehicle[stay.vehicle_id].append(stay)
    return dict(by_vehicle)
