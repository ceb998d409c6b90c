import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VehicleGroup:
    """A named set of vehicles, for priorities and filters. A vehicle may be in several."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class VehicleGroupMember:
    """A vehicle in a group."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    vehicle_group_id: uuid.UUID
    vehicle_id: uuid.UUID
    created_at: datetime
