"""Live updates of depots: their supply, power, plan and dispatch."""

import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import strawberry

from ampyard.domain.assignments import Assignment
from ampyard.domain.depots import Depot
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.depots import Depots
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.resolvers.subscriptions.feeds import entities, moments

_OF_DISPATCH = {EventKind.BLOCK_CHANGED, EventKind.ASSIGNMENT_CHANGED}


@dataclass(frozen=True, slots=True)
class DispatchChange:
    """That something has changed in what leaves a depot or returns to it."""

    depot_id: uuid.UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class PlanChange:
    """That a depot has a new plan."""

    depot_id: uuid.UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class DepotPower:
    """A depot's power at a moment."""

    depot_id: uuid.UUID
    at: datetime


def depot_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Depot, None]:
    """Return depots as they, or the nodes of their supply, are changed."""
    only = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.DEPOT_UPDATED and only in {None, event.aggregate_id}

    return entities(info.context, Depots, fits)


def readiness_changed(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only of those that leave from this depot.")] = None,
) -> AsyncGenerator[Assignment, None]:
    """Return assignments as their readiness is kept anew."""
    of_depot = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.READINESS_CHANGED and of_depot in {None, event.depot_id}

    return entities(info.context, Assignments, fits)


def dispatch_changed(
    info: Info, depot_id: Annotated[strawberry.ID, strawberry.argument(description="The depot.")]
) -> AsyncGenerator[DispatchChange, None]:
    """Return that dispatch of a depot has changed: once at the start, then with each block or assignment that changes."""
    wanted = decode_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind in _OF_DISPATCH and event.depot_id == wanted

    return moments(info.context, wanted, fits, DispatchChange)


def plan_made(
    info: Info, depot_id: Annotated[strawberry.ID, strawberry.argument(description="The depot.")]
) -> AsyncGenerator[PlanChange, None]:
    """Return that a depot has a new plan: once at the start, then whenever one is made."""
    wanted = decode_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.PLAN_MADE and event.aggregate_id == wanted

    return moments(info.context, wanted, fits, PlanChange)


def depot_power(
    info: Info, depot_id: Annotated[strawberry.ID, strawberry.argument(description="The depot.")]
) -> AsyncGenerator[DepotPower, None]:
    """Return a depot's power: once at the start, then after each step of power sharing."""
    wanted = decode_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.DEPOT_POWER and event.aggregate_id == wanted

    return moments(info.context, wanted, fits, DepotPower)
