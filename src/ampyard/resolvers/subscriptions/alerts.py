"""Live updates of what people should look at, and of what they were told."""

from collections.abc import AsyncGenerator, Callable
from typing import Annotated

import strawberry

from ampyard.domain.alerts import Alert, AlertSeverity
from ampyard.domain.depots import Depot
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.domain.job_runs import JobRun
from ampyard.domain.notifications.deliveries import NotificationDelivery
from ampyard.repositories.alerts import Alerts
from ampyard.repositories.job_runs import JobRuns
from ampyard.repositories.notifications import Deliveries
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.subscriptions.feeds import entities

_Severity = Annotated[AlertSeverity | None, strawberry.argument(description="Only those that are so serious, or more.")]


def alert_raised(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    min_severity: _Severity = None,
) -> AsyncGenerator[Alert, None]:
    """Return alerts as they are opened."""
    return entities(info.context, Alerts, _of_alerts(EventKind.ALERT_RAISED, depot_id, min_severity))


def alert_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    alert_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
    min_severity: _Severity = None,
) -> AsyncGenerator[Alert, None]:
    """Return alerts as they are acknowledged, noted or resolved."""
    only = optional_id("alertId", alert_id, Alert)
    of_these = _of_alerts(EventKind.ALERT_UPDATED, depot_id, min_severity)
    return entities(info.context, Alerts, lambda event: only in {None, event.aggregate_id} and of_these(event))


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

    return entities(info.context, Deliveries, fits)


def job_run_updated(
    info: Info, job_run_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None
) -> AsyncGenerator[JobRun, None]:
    """Return runs as they begin, are tried again, and end."""
    only = optional_id("jobRunId", job_run_id, JobRun)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.JOB_RUN_CHANGED and only in {None, event.aggregate_id}

    return entities(info.context, JobRuns, fits)
