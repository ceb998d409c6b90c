"""Live updates: each event of the tenant that fits is loaded afresh and shown.

What is wrong with a request is said at once, before there is a stream: these are functions that return one.
"""

import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

import strawberry

from ampyard.domain.alerts import Alert, AlertSeverity
from ampyard.domain.allocation import Allocation
from ampyard.domain.anomalies import Anomaly
from ampyard.domain.assignments import Assignment
from ampyard.domain.charge_points import ChargePoint, Evse
from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.commands import Command
from ampyard.domain.depots import Depot
from ampyard.domain.errors import NotFoundError
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.domain.faults import Fault
from ampyard.domain.job_runs import JobRun
from ampyard.domain.notifications.deliveries import NotificationDelivery
from ampyard.domain.priorities import Priority
from ampyard.domain.transactions import Transaction
from ampyard.domain.unknown_identifications import UnknownIdentification
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.alerts import Alerts
from ampyard.repositories.allocations import Allocations
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.commands import Commands
from ampyard.repositories.depots import Depots
from ampyard.repositories.faults import Faults
from ampyard.repositories.job_runs import JobRuns
from ampyard.repositories.notifications import Deliveries
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.repository import Repository
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unknown_identifications import UnknownIdentifications
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.context import Context, Info
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.resolvers.loading import by_id_of

_OF_TRANSACTION = {EventKind.TRANSACTION_STARTED, EventKind.TRANSACTION_UPDATED, EventKind.TRANSACTION_ENDED}


_OF_DISPATCH = {EventKind.BLOCK_CHANGED, EventKind.ASSIGNMENT_CHANGED}
M = TypeVar("M")


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


def transaction_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    transaction_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Transaction, None]:
    """Return transactions as they start, are measured, change and end."""
    of_depot = optional_id("depotId", depot_id, Depot)
    only = optional_id("transactionId", transaction_id, Transaction)

    def fits(event: PublishedEvent) -> bool:
        return event.kind in _OF_TRANSACTION and of_depot in {None, event.depot_id} and only in {None, event.aggregate_id}

    return _entities(info.context, Transactions, fits)


def anomaly_changed(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    anomaly_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Anomaly, None]:
    """Return anomalies as they are found and resolved."""
    of_depot = optional_id("depotId", depot_id, Depot)
    only = optional_id("anomalyId", anomaly_id, Anomaly)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.ANOMALY_CHANGED and of_depot in {None, event.depot_id} and only in {None, event.aggregate_id}

    return _entities(info.context, Anomalies, fits)


_Severity = Annotated[AlertSeverity | None, strawberry.argument(description="Only those that are so serious, or more.")]


def alert_raised(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    min_severity: _Severity = None,
) -> AsyncGenerator[Alert, None]:
    """Return alerts as they are opened."""
    return _entities(info.context, Alerts, _of_alerts(EventKind.ALERT_RAISED, depot_id, min_severity))


def alert_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    alert_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
    min_severity: _Severity = None,
) -> AsyncGenerator[Alert, None]:
    """Return alerts as they are acknowledged, noted or resolved."""
    only = optional_id("alertId", alert_id, Alert)
    of_these = _of_alerts(EventKind.ALERT_UPDATED, depot_id, min_severity)
    return _entities(info.context, Alerts, lambda event: only in {None, event.aggregate_id} and of_these(event))


def _of_alerts(kind: EventKind, depot_id: str | None, min_severity: AlertSeverity | None) -> Callable[[PublishedEvent], bool]:
    of_depot = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        serious = min_severity is None or event.payload.get("severity", 0) >= min_severity
        return event.kind is kind and of_depot in {None, event.depot_id} and serious

    return fits


def notification_delivery_updated(
    info: Info,
    notification_delivery_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[NotificationDelivery, None]:
    """Return deliveries as they are tried."""
    only = optional_id("notificationDeliveryId", notification_delivery_id, NotificationDelivery)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.NOTIFICATION_UPDATED and only in {None, event.aggregate_id}

    return _entities(info.context, Deliveries, fits)


def charge_point_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this depot.")] = None,
    charge_point_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[ChargePoint, None]:
    """Return charge points as they connect, report a status, or disconnect."""
    of_depot = optional_id("depotId", depot_id, Depot)
    only = optional_id("chargePointId", charge_point_id, ChargePoint)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.CHARGE_POINT_UPDATED and of_depot in {None, event.depot_id} and only in {None, event.aggregate_id}

    return _entities(info.context, ChargePoints, fits)


def vehicle_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those at home in this depot.")] = None,
    vehicle_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Vehicle, None]:
    """Return vehicles as they change, or their state of charge."""
    of_depot = optional_id("depotId", depot_id, Depot)
    only = optional_id("vehicleId", vehicle_id, Vehicle)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.VEHICLE_UPDATED and of_depot in {None, event.depot_id} and only in {None, event.aggregate_id}

    return _entities(info.context, Vehicles, fits)


def priority_changed(
    info: Info,
    depot_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Only rules that concern this depot; those about groups may always.")
    ] = None,
) -> AsyncGenerator[Priority, None]:
    """Return priorities as they are set, changed and cleared."""
    of_depot = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.PRIORITY_CHANGED and (of_depot is None or event.depot_id in {None, of_depot})

    return _entities(info.context, Priorities, fits)


def unknown_identification_seen(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only at charge points of this depot.")] = None,
) -> AsyncGenerator[UnknownIdentification, None]:
    """Return identifications that nobody knows as they show up, and as they are decided on."""
    of_depot = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.UNKNOWN_IDENTIFICATION_SEEN and (of_depot is None or event.depot_id in {None, of_depot})

    return _entities(info.context, UnknownIdentifications, fits)


def depot_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Depot, None]:
    """Return depots as they, or the nodes of their supply, are changed."""
    only = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.DEPOT_UPDATED and only in {None, event.aggregate_id}

    return _entities(info.context, Depots, fits)


def fault_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this depot.")] = None,
    charge_point_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this charge point.")] = None,
) -> AsyncGenerator[Fault, None]:
    """Return faults as they are raised, told more of, and cleared."""
    of_depot = optional_id("depotId", depot_id, Depot)
    of_point = optional_id("chargePointId", charge_point_id, ChargePoint)

    def fits(event: PublishedEvent) -> bool:
        return (
            event.kind is EventKind.CHARGE_POINT_FAULT_UPDATED
            and of_depot in {None, event.depot_id}
            and (of_point is None or event.payload.get("charge_point_id") == str(of_point))
        )

    return _entities(info.context, Faults, fits)


def command_updated(
    info: Info,
    charge_point_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those to this charge point.")] = None,
    command_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Command, None]:
    """Return commands as they are given and as they end."""
    of_point = optional_id("chargePointId", charge_point_id, ChargePoint)
    only = optional_id("commandId", command_id, Command)

    def fits(event: PublishedEvent) -> bool:
        return (
            event.kind is EventKind.COMMAND_UPDATED
            and only in {None, event.aggregate_id}
            and (of_point is None or event.payload.get("charge_point_id") == str(of_point))
        )

    return _entities(info.context, Commands, fits)


def readiness_changed(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only of those that leave from this depot.")] = None,
) -> AsyncGenerator[Assignment, None]:
    """Return assignments as their readiness is kept anew."""
    of_depot = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.READINESS_CHANGED and of_depot in {None, event.depot_id}

    return _entities(info.context, Assignments, fits)


def dispatch_changed(
    info: Info, depot_id: Annotated[strawberry.ID, strawberry.argument(description="The depot.")]
) -> AsyncGenerator[DispatchChange, None]:
    """Return that dispatch of a depot has changed: once at the start, then with each block or assignment that changes."""
    wanted = decode_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind in _OF_DISPATCH and event.depot_id == wanted

    return _moments(info.context, wanted, fits, DispatchChange)


def allocation_changed(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    evse_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this EVSE.")] = None,
    transaction_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this transaction.")] = None,
) -> AsyncGenerator[Allocation, None]:
    """Return allocations as they are decided."""
    of_depot = optional_id("depotId", depot_id, Depot)
    of_evse = optional_id("evseId", evse_id, Evse)
    of_transaction = optional_id("transactionId", transaction_id, Transaction)

    def fits(event: PublishedEvent) -> bool:
        return (
            event.kind is EventKind.ALLOCATION_CHANGED
            and of_depot in {None, event.depot_id}
            and (of_evse is None or event.payload.get("evse_id") == str(of_evse))
            and (of_transaction is None or event.payload.get("transaction_id") == str(of_transaction))
        )

    return _entities(info.context, Allocations, fits)


def plan_made(
    info: Info, depot_id: Annotated[strawberry.ID, strawberry.argument(description="The depot.")]
) -> AsyncGenerator[PlanChange, None]:
    """Return that a depot has a new plan: once at the start, then whenever one is made."""
    wanted = decode_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.PLAN_MADE and event.aggregate_id == wanted

    return _moments(info.context, wanted, fits, PlanChange)


def charging_request_changed(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    vehicle_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those for this vehicle.")] = None,
) -> AsyncGenerator[ChargingRequest, None]:
    """Return charging requests as they are made, changed and withdrawn."""
    of_depot, of_vehicle = optional_id("depotId", depot_id, Depot), optional_id("vehicleId", vehicle_id, Vehicle)

    def fits(event: PublishedEvent) -> bool:
        about = event.payload.get("vehicle_id")
        return (
            event.kind is EventKind.CHARGING_REQUEST_CHANGED
            and of_depot in {None, event.depot_id}
            and (of_vehicle is None or about == str(of_vehicle))
        )

    return _entities(info.context, ChargingRequests, fits)


def job_run_updated(
    info: Info, job_run_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None
) -> AsyncGenerator[JobRun, None]:
    """Return runs as they begin, are tried again, and end."""
    only = optional_id("jobRunId", job_run_id, JobRun)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.JOB_RUN_CHANGED and only in {None, event.aggregate_id}

    return _entities(info.context, JobRuns, fits)


def depot_power(
    info: Info, depot_id: Annotated[strawberry.ID, strawberry.argument(description="The depot.")]
) -> AsyncGenerator[DepotPower, None]:
    """Return a depot's power: once at the start, then after each step of power sharing."""
    wanted = decode_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.DEPOT_POWER and event.aggregate_id == wanted

    return _moments(info.context, wanted, fits, DepotPower)


async def _moments(
    context: Context, wanted: uuid.UUID, fits: Callable[[PublishedEvent], bool], moment: Callable[[uuid.UUID, datetime], M]
) -> AsyncGenerator[M, None]:
    """Yield the moment at which a depot is first looked at, and that of each event that fits."""
    async with context.backend.events.subscribe(context.principal.tenant_id, fits) as queue:
        context.feed.begin(queue.position)
        known = await context.load(by_id_of(Depots), wanted)
        await context.end_event()
        if known is None:
            raise NotFoundError("There is no such depot.")
        yield moment(wanted, context.now)
        while True:
            event = await queue.get()
            context.feed.position = event.stream_id
            yield moment(wanted, event.occurred_at)


async def _entities(
    context: Context, repository: type[Repository[Any]], fits: Callable[[PublishedEvent], bool]
) -> AsyncGenerator[Any, None]:
    async with aclosing(_events(context, fits)) as events:
        async for event in events:
            entity = await context.load(by_id_of(repository), event.aggregate_id)
            if entity is None:
                await context.end_event()
            else:
                context.feed.position = event.stream_id
                yield entity


async def _events(context: Context, fits: Callable[[PublishedEvent], bool]) -> AsyncGenerator[PublishedEvent, None]:
    """Yield what the context's feed asks for: events that were missed, or all from now on."""
    hub, feed, tenant_id = context.backend.events, context.feed, context.principal.tenant_id
    if feed.after is not None and feed.until is not None:
        for event in await hub.missed(tenant_id, feed.after, feed.until, fits):
            yield event
        return
    async with hub.subscribe(tenant_id, fits) as queue:
        feed.begin(queue.position)
        while True:
            yield await queue.get()
