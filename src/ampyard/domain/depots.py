import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Depot:
    """A site, with a time zone. `country_code` is ISO 3166-1 alpha-3, as OCPI locations have it."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    time_zone: str
    address: str
    postal_code: str
    city: str
    country_code: str
    latitude: float
    longitude: float
    created_at: datetime
    updated_at: datetime


class PowerNodeKind(StrEnum):
    GRID_CONNECTION = "GRID_CONNECTION"
    FEEDER = "FEEDER"
    PANEL = "PANEL"


@dataclass(frozen=True, slots=True)
class PowerNode:
    """A node of a depot's supply tree; the root has no parent. Charge points hang on its leaves."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    parent_id: uuid.UUID | None
    kind: PowerNodeKind
    name: str
    limit_kw: float
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NodePower:
    """What flows through a power node now: the sum of the latest measurements below it, and what is allocated there."""

    node_id: uuid.UUID
    measured_kw: float
    allocated_kw: float
    measured_at: datetime | None
