"""Alerts, and what became of them."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ampyard.domain.alerts.kinds import AlertKind, AlertSeverity


class AlertState(StrEnum):
    """OPEN → ACKNOWLEDGED → RESOLVED; the middle may be left out, and nothing comes after the last."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should look at: what rule `rule_id` found of `target_id`, which is what the kind says.

    `facts` are the figures it was opened with. Who resolved it is None where the condition ended by itself; `note` is the newest of
    any person.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    rule_id: uuid.UUID | None
    kind: AlertKind
    severity: AlertSeverity
    state: AlertState
    target_id: uuid.UUID
    depot_id: uuid.UUID | None
    charge_point_id: uuid.UUID | None
    power_node_id: uuid.UUID | None
    vehicle_id: uuid.UUID | None
    transaction_id: uuid.UUID | None
    assignment_id: uuid.UUID | None
    summary: str
    facts: dict[str, Any]
    since: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None
    updated_at: datetime


class AlertChangeKind(StrEnum):
    OPENED = "OPENED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    NOTED = "NOTED"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One thing that happened to an alert; `author` is None for what it did by itself."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    alert_id: uuid.UUID
    kind: AlertChangeKind
    at: datetime
    author: str | None
    note: str | None
