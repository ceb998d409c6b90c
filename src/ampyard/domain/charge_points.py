import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.equipment import ANY_SET_POINT, PhaseRotation, SetPoints
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.limit_schedules import Schedule


class OcppVersion(StrEnum):
    """A protocol version; the value is its WebSocket subprotocol name (IANA registry)."""

    V16 = "ocpp1.6"
    V201 = "ocpp2.0.1"
    V21 = "ocpp2.1"


class CurrentType(StrEnum):
    AC = "AC"
    DC = "DC"


class ConnectorStatus(StrEnum):
    """Union of ChargePointStatus (OCPP 1.6, 7.7) and ConnectorStatusEnumType (OCPP 2.0.1 part 2, 3.18)."""

    UNKNOWN = "Unknown"
    AVAILABLE = "Available"
    PREPARING = "Preparing"
    OCCUPIED = "Occupied"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


# From least to most telling: an EVSE shows the most telling status of its connectors.
_STATUS_RANK = {status: rank for rank, status in enumerate(ConnectorStatus)}


def evse_status(connector_statuses: Iterable[ConnectorStatus]) -> ConnectorStatus:
    """Return the status an EVSE shows: the most telling one of its connectors, `UNKNOWN` without any."""
    return max(connector_statuses, key=_STATUS_RANK.__getitem__, default=ConnectorStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class ChargePoint:
    """A charge point (OCPP 2.0.1: charging station). `identity` is the last part of its WebSocket address.

    `state_at` and `state_reason` tell since when and why it is in its state. `status` is that of the charge point as a whole
    (OCPP 1.6, 4.9: connector 0); `UNKNOWN` where it has not told one. From `vendor` to `meter_serial_number` it is what its last
    boot said of its hardware. `clock_offset_s` is by how much its clock was ahead of ours when it last said what shows that, at
    `clock_at`.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    power_node_id: uuid.UUID
    identity: str
    name: str
    state: ChargePointState
    state_at: datetime | None
    state_reason: str | None
    status: ConnectorStatus
    ocpp_version: OcppVersion | None
    vendor: str | None
    model: str | None
    serial_number: str | None
    firmware_version: str | None
    iccid: str | None
    imsi: str | None
    meter_type: str | None
    meter_serial_number: str | None
    connected: bool
    connected_at: datetime | None
    disconnected_at: datetime | None
    last_seen_at: datetime | None
    booted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    clock_offset_s: float | None = None
    clock_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evse:
    """An EVSE: charges one vehicle at a time.

    `fallback_kw` is its default profile, drawn at most when no limit of ours is in force. `limit_kw` is the limit the
    charge point last confirmed, at `limit_at` (`None`: none, the fall-back holds); `limit_reason` is why it is what it is.
    `fallback_in_force_kw` is the highest default profile that may be in force; `None`: it has never confirmed one, and may draw what
    it can. `overdrawn_since` is since when it has been known to draw more than it may.

    `phase_rotation` says which lines of the supply its phases are connected to; `voltage_v` is between phase and neutral, or between
    two lines where it charges `line_to_line`. `told` is the schedule it has confirmed last, `in_force` the highest that may be in
    force at each moment (both `None`: none since its transaction began). Profiles are kept in flash: `profile_writes` counts them,
    and `profile_paid_at` is when their rate will have been made up for.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    evse_no: int
    current_type: CurrentType
    max_power_kw: float
    min_power_kw: float
    phases: int
    fallback_kw: float
    status: ConnectorStatus
    limit_kw: float | None
    limit_at: datetime | None
    limit_reason: str | None
    created_at: datetime
    updated_at: datetime
    fallback_in_force_kw: float | None = None
    overdrawn_since: datetime | None = None
    phase_rotation: PhaseRotation = PhaseRotation.UNKNOWN
    voltage_v: float = 230.0
    line_to_line: bool = False
    set_points: SetPoints = ANY_SET_POINT
    told: Schedule | None = None
    in_force: Schedule | None = None
    profile_writes: int = 0
    profile_written_at: datetime | None = None
    profile_paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector. `standard`, `format` and `power_type` are spelled as in OCPI 2.2.1, 8.4."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    evse_id: uuid.UUID
    connector_no: int
    standard: str
    format: str
    power_type: str
    max_voltage_v: int
    max_amperage_a: int
    status: ConnectorStatus
    error_code: str | None
    status_at: datetime | None
    created_at: datetime
    updated_at: datetime
