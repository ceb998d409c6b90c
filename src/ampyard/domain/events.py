"""Events: what happened, as published through the outbox."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    TRANSACTION_STARTED = "transaction.started"
    TRANSACTION_UPDATED = "transaction.updated"
    TRANSACTION_ENDED = "transaction.ended"
    DEPOT_UPDATED = "depot.updated"
    CHARGE_POINT_UPDATED = "charge_point.updated"
    CHARGE_POINT_FAULT_UPDATED = "charge_point_fault.updated"
    DEPOT_POWER = "depot.power"
    ALLOCATION_CHANGED = "allocation.changed"
    COMMAND_UPDATED = "command.updated"
    ANOMALY_CHANGED = "anomaly.changed"
    PRIORITY_CHANGED = "priority.changed"
    ALERT_RAISED = "alert.raised"
    ALERT_UPDATED = "alert.updated"
    NOTIFICATION_UPDATED = "notification.updated"
    JOB_RUN_CHANGED = "job_run.changed"
    ACCESS_CHANGED = "access.changed"
    BLOCK_CHANGED = "block.changed"
    ASSIGNMENT_CHANGED = "assignment.changed"
    READINESS_CHANGED = "readiness.changed"
    PLAN_MADE = "plan.made"
    VEHICLE_UPDATED = "vehicle.updated"
    UNKNOWN_IDENTIFICATION_SEEN = "unknown_identification.seen"
    CHARGING_REQUEST_CHANGED = "charging_request.changed"
    DEPOT_LINK_UPDATED = "depot_link.updated"
    RESERVATION_CHANGED = "reservation.changed"


# What makes a plan out of date at once: who is there, who leaves when, who comes first, what may be supplied.
CHANGES_PLANS = frozenset(
    {
        EventKind.TRANSACTION_STARTED,
        EventKind.TRANSACTION_ENDED,
        EventKind.DEPOT_UPDATED,
        EventKind.PRIORITY_CHANGED,
        EventKind.BLOCK_CHANGED,
        EventKind.ASSIGNMENT_CHANGED,
        EventKind.CHARGING_REQUEST_CHANGED,
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an aggregate. `payload` holds ids and small facts; readers load the rest."""

    kind: EventKind
    aggregate_id: uuid.UUID
    depot_id: uuid.UUID | None = None
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event as subscribers receive it. `stream_id` grows with every event of the tenant."""

    tenant_id: uuid.UUID
    stream_id: str
    kind: EventKind
    aggregate_id: uuid.UUID
    depot_id: uuid.UUID | None
    payload: dict[str, Any]
    occurred_at: datetime
