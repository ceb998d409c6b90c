"""Deliveries: what goes to a channel at once, how often that is tried, and what came of it."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Alerts that come within so long are one mail; the job queue adds up to ten seconds.
DIGEST = timedelta(seconds=45)
# Who tries a delivery has so long for it; after that another may.
LEASE = timedelta(minutes=2)
# After each try that failed; a receiver may be down over night.
RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
)


class DeliveryState(StrEnum):
    """PENDING, until it is DELIVERED, or FAILED for good."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class NotedChange(StrEnum):
    """What of an alert is told: that it was opened, or that it was resolved."""

    OPENED = "OPENED"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True)
class NotificationDelivery:
    """What is told to a channel in one go; a test tells of no alert.

    `due_at` is when it is tried next (PENDING), or was last. `status_code` is what a webhook answered, `error` why the last try failed.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    channel_id: uuid.UUID
    state: DeliveryState
    is_test: bool
    attempts: int
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None
    status_code: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class NotificationItem:
    """A change of an alert that a delivery tells of."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    delivery_id: uuid.UUID
    alert_id: uuid.UUID
    change: NotedChange
    at: datetime


def next_try(attempts: int, now: datetime) -> datetime | None:
    """Return when a delivery is tried again after `attempts` that failed; None where it is given up."""
    return now + RETRIES[attempts - 1] if attempts <= len(RETRIES) else None
