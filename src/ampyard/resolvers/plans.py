"""Plans of depots and what they say of vehicles: loaded for many at once."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ampyard.domain.planning import Remedy
from ampyard.domain.plans import DepotPlan, PlannedStay
from ampyard.domain.shortfalls import remedy_words as words_of
from ampyard.domain.vehicles import Vehicle
from ampyard.engine import Load, edge
from ampyard.repositories.database import Session
from ampyard.repositories.plans import DepotPlans, PlannedStays, vehicles_of_stays
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES


def plan_depot_plan(info: Info) -> Load:
    """Plan the newest plan of a depot; by the depot's id."""
    info.context.principal.require(SCOPES[DepotPlan])
    return Load(_newest, (info.context.now,))


def plan_stays(info: Info) -> Load:
    """Plan the stays of a plan; by the plan's id."""
    info.context.principal.require(SCOPES[PlannedStay])
    return Load(_stays)


def plan_short_stays(info: Info) -> Load:
    """Plan the stays of a plan that will not be ready; by the plan's id."""
    info.context.principal.require(SCOPES[PlannedStay])
    return Load(_stays, show=_short)


def plan_stay_of_transaction(info: Info) -> Load:
    """Plan what the newest fresh plan says of a transaction; by its id."""
    info.context.principal.require(SCOPES[PlannedStay])
    return Load(_of_transactions, (info.context.now,))


def planned_stay(*, description: str) -> Any:
    """Return an edge from a transaction to what the newest fresh plan says of it."""
    return edge(plan_stay_of_transaction, key="id", description=description)


def plan_stay_of_assignment(info: Info) -> Load:
    """Plan what the newest fresh plan says of the stay before an assignment; by its id."""
    info.context.principal.require(SCOPES[PlannedStay])
    return Load(_of_assignments, (info.context.now,))


def plan_stay_of_request(info: Info) -> Load:
    """Plan what the newest fresh plan says of the stay that a charging request is about; by its id."""
    info.context.principal.require(SCOPES[PlannedStay])
    return Load(_of_requests, (info.context.now,))


def plan_vehicle_of_stay(info: Info) -> Load:
    """Plan whose stay it is; by `PlannedStay.stay_id`."""
    info.context.principal.require(SCOPES[Vehicle])
    return Load(_vehicles)


def age_s(root: DepotPlan, info: Info) -> float:
    """Resolve how old a plan is."""
    info.context.principal.require(SCOPES[DepotPlan])
    return (info.context.now - root.made_at).total_seconds()


def is_fresh(root: DepotPlan, info: Info) -> bool:
    """Resolve whether a plan still counts."""
    info.context.principal.require(SCOPES[DepotPlan])
    return root.made_at <= info.context.now < root.fresh_until


def remedy_words(root: Remedy, info: Info) -> str:
    """Resolve what to do, in words."""
    info.context.principal.require(SCOPES[PlannedStay])
    return words_of(root)


def _short(_plan: DepotPlan, stays: list[PlannedStay]) -> list[PlannedStay]:
    return [stay for stay in stays if stay.cause is not None]


async def _newest(session: Session, depot_ids: Sequence[uuid.UUID], now: datetime) -> Mapping[uuid.UUID, DepotPlan]:
    return await DepotPlans(session).newest(depot_ids, at=now)


async def _stays(session: Session, plan_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, list[PlannedStay]]:
    found = await PlannedStays(session).of_plans(plan_ids)
    return {plan_id: found.get(plan_id, []) for plan_id in plan_ids}


async def _of_transactions(session: Session, transaction_ids: Sequence[uuid.UUID], now: datetime) -> Mapping[uuid.UUID, PlannedStay]:
    return await PlannedStays(session).of_transactions(transaction_ids, at=now)


async def _of_assignments(session: Session, assignment_ids: Sequence[uuid.UUID], now: datetime) -> Mapping[uuid.UUID, PlannedStay]:
    return await PlannedStays(session).of_assignments(assignment_ids, at=now)


async def _of_requests(session: Session, request_ids: Sequence[uuid.UUID], now: datetime) -> Mapping[uuid.UUID, PlannedStay]:
    return await PlannedStays(session).of_requests(request_ids, at=now)


async def _vehicles(session: Session, stay_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Vehicle]:
    owners = await vehicles_of_stays(session, stay_ids)
    vehicles = await Vehicles(session).by_ids(set(owners.values()))
    return {stay_id: vehicles[vehicle_id] for stay_id, vehicle_id in owners.items() if vehicle_id in vehicles}
