import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class VehicleKind(StrEnum):
    BUS = "BUS"
    TRUCK = "TRUCK"
    VAN = "VAN"


class SocSource(StrEnum):
    CHARGER = "CHARGER"
    TELEMATICS = "TELEMATICS"


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle with its battery and charging limits; its state of charge comes with source and time."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    name: str
    kind: VehicleKind
    vin: str
    license_plate: str
    battery_kwh: float
    max_ac_kw: float
    max_dc_kw: float
    soc_percent: float | None
    soc_source: SocSource | None
    soc_at: datetime | None
    created_at: datetime
    updated_at: datetime


class IdTagKind(StrEnum):
    RFID = "RFID"
    MAC = "MAC"
    APP = "APP"


@dataclass(frozen=True, slots=True)
class IdTag:
    """What identifies a vehicle at a charge point. `value` is case-insensitive (OCPP 1.6: CiString20Type)."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    vehicle_id: uuid.UUID
    value: str
    kind: IdTagKind
    blocked: bool
    valid_until: datetime | None
    created_at: datetime


class Authorization(StrEnum):
    """AuthorizationStatus as both OCPP versions spell the values used here (1.6: 7.2; 2.0.1 part 2: 3.7)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"


def authorize(tag: IdTag | None, *, at: datetime) -> Authorization:
    """Decide whether an id tag may charge at time `at`; an unknown tag is `INVALID`."""
    if tag is None:
        return Authorization.INVALID
    if tag.blocked:
        return Authorization.BLOCKED
    if tag.valid_until is not None and tag.valid_until <= at:
        return Authorization.EXPIRED
    return Authorization.ACCEPTED
