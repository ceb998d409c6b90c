"""Orders: what a person asks of a charge point, checked before it becomes a command.

Each is what its `CommandKind` needs. `payload` is how the command carries it: JSON, from which `from_payload` makes it again.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from ampyard.domain.charging_profiles import RateUnit
from ampyard.domain.commands import CommandKind
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.variables import VariableName

# What charge points can fetch firmware with (FileTransferProtocols, OCPP 2.0.1 part 2, appendix).
_FIRMWARE_SCHEMES = ("https", "http", "ftps", "ftp", "sftp")
# FirmwareType.location (OCPP 2.0.1 part 2).
_LOCATION_LENGTH = 512
# SetVariableDataType.attributeValue (OCPP 2.0.1 part 2); ChangeConfiguration.value of 1.6 ends at 500 (CiString500Type).
_VALUE_LENGTH = 1000
# GetVariables: ItemsPerMessage of a charging station may be lower, and is at least what it says; this is a client's limit.
_MOST_VARIABLES = 50
_MOST_RETRIES = 10


class ResetKind(StrEnum):
    """SOFT: once transactions have ended or been stopped (1.6 Soft, 2.0.1 OnIdle). HARD: at once (1.6 Hard, 2.0.1 Immediate)."""

    SOFT = "SOFT"
    HARD = "HARD"


class TriggeredMessage(StrEnum):
    """What a charge point can be asked to send now: what OCPP 1.6 (7.41) and 2.0.1 have in common, spelled as there."""

    BOOT_NOTIFICATION = "BootNotification"
    FIRMWARE_STATUS_NOTIFICATION = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    METER_VALUES = "MeterValues"
    STATUS_NOTIFICATION = "StatusNotification"


@dataclass(frozen=True, slots=True)
class Reset:
    """Start anew: the whole charge point, or (2.0.1) one EVSE."""

    kind: ClassVar = CommandKind.RESET
    reset: ResetKind
    evse_no: int | None = None

    def payload(self) -> dict[str, Any]:
        return {"reset": self.reset.value, "evse_no": self.evse_no}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(ResetKind(payload["reset"]), payload["evse_no"])


@dataclass(frozen=True, slots=True)
class ChangeAvailability:
    """Be ready for vehicles, or not: the whole charge point, or one EVSE. A running transaction goes on first."""

    kind: ClassVar = CommandKind.CHANGE_AVAILABILITY
    operative: bool
    evse_no: int | None = None

    def payload(self) -> dict[str, Any]:
        return {"operative": self.operative, "evse_no": self.evse_no}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(payload["operative"], payload["evse_no"])


@dataclass(frozen=True, slots=True)
class UnlockConnector:
    """Let a plug go."""

    kind: ClassVar = CommandKind.UNLOCK_CONNECTOR
    evse_no: int
    connector_no: int

    def payload(self) -> dict[str, Any]:
        return {"evse_no": self.evse_no, "connector_no": self.connector_no}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(payload["evse_no"], payload["connector_no"])


@dataclass(frozen=True, slots=True)
class ReadVariables:
    """Tell configuration variables: these, or all. `request_id` is what a 2.0.1 station's report of all is named by."""

    kind: ClassVar = CommandKind.READ_VARIABLES
    variables: tuple[VariableName, ...]
    request_id: int

    def __post_init__(self) -> None:
        if len(self.variables) > _MOST_VARIABLES:
            raise InvalidInputError(
                f"{len(self.variables)} variables are too many at once; give {_MOST_VARIABLES} at most, or none for all.",
                path=("input", "variables"),
            )

    def payload(self) -> dict[str, Any]:
        return {"variables": [variable_payload(variable) for variable in self.variables], "request_id": self.request_id}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(tuple(VariableName(**variable) for variable in payload["variables"]), payload["request_id"])


@dataclass(frozen=True, slots=True)
class SetVariable:
    """Change one configuration variable."""

    kind: ClassVar = CommandKind.SET_VARIABLE
    variable: VariableName
    value: str

    def __post_init__(self) -> None:
        if len(self.value) > _VALUE_LENGTH:
            raise InvalidInputError(f"The value has {len(self.value)} characters; {_VALUE_LENGTH} at most.", path=("input", "value"))

    def payload(self) -> dict[str, Any]:
        return {"variable": variable_payload(self.variable), "value": self.value}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(VariableName(**payload["variable"]), payload["value"])


@dataclass(frozen=True, slots=True)
class UpdateFirmware:
    """Fetch firmware from `location` at `retrieve_at` or later, trying again so often, and install it."""

    kind: ClassVar = CommandKind.UPDATE_FIRMWARE
    location: str
    retrieve_at: datetime
    request_id: int
    retries: int | None = None

    def __post_init__(self) -> None:
        where = ("input", "location")
        if len(self.location) > _LOCATION_LENGTH:
            raise InvalidInputError(f"The location has {len(self.location)} characters; {_LOCATION_LENGTH} at most.", path=where)
        try:
            parts = urlsplit(self.location)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in _FIRMWARE_SCHEMES or not parts.netloc:
            raise InvalidInputError(f"{self.location!r} is no address of a file; give one with {', '.join(_FIRMWARE_SCHEMES)}.", path=where)
        if self.retries is not None and not 0 <= self.retries <= _MOST_RETRIES:
            raise InvalidInputError(f"{self.retries} retries are out of range; give 0 to {_MOST_RETRIES}.", path=("input", "retries"))

    def payload(self) -> dict[str, Any]:
        return {
            "location": self.location,
            "retrieve_at": self.retrieve_at.isoformat(),
            "request_id": self.request_id,
            "retries": self.retries,
        }

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(payload["location"], datetime.fromisoformat(payload["retrieve_at"]), payload["request_id"], payload["retries"])


@dataclass(frozen=True, slots=True)
class TriggerMessage:
    """Send a message now: of the whole charge point, or of one EVSE."""

    kind: ClassVar = CommandKind.TRIGGER_MESSAGE
    message: TriggeredMessage
    evse_no: int | None = None

    def payload(self) -> dict[str, Any]:
        return {"message": self.message.value, "evse_no": self.evse_no}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(TriggeredMessage(payload["message"]), payload["evse_no"])


@dataclass(frozen=True, slots=True)
class ReadSchedule:
    """Tell which limits an EVSE will obey for some time (`duration_s`), in A of each phase or W, as `unit` says."""

    kind: ClassVar = CommandKind.READ_SCHEDULE
    evse_no: int
    duration_s: int
    unit: RateUnit

    def payload(self) -> dict[str, Any]:
        return {"evse_no": self.evse_no, "duration_s": self.duration_s, "unit": self.unit.value}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(payload["evse_no"], payload["duration_s"], RateUnit(payload["unit"]))


@dataclass(frozen=True, slots=True)
class ClearProfiles:
    """Forget the limits of the transaction on an EVSE: its fall-back holds then. That stays, as without it nothing would."""

    kind: ClassVar = CommandKind.CLEAR_PROFILES
    evse_no: int
    evse_id: str

    def payload(self) -> dict[str, Any]:
        return {"evse_no": self.evse_no, "evse_id": self.evse_id}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(payload["evse_no"], payload["evse_id"])


@dataclass(frozen=True, slots=True)
class Reserve:
    """Keep an EVSE for an id tag, or for others of its group, until `expires_at`; a reservation of the same number is replaced."""

    kind: ClassVar = CommandKind.RESERVE
    reservation_id: str
    number: int
    evse_no: int
    id_tag: str
    id_tag_kind: IdTagKind
    group_id: str | None
    expires_at: datetime

    def payload(self) -> dict[str, Any]:
        return {
            "reservation_id": self.reservation_id,
            "number": self.number,
            "evse_no": self.evse_no,
            "id_tag": self.id_tag,
            "id_tag_kind": self.id_tag_kind.value,
            "group_id": self.group_id,
            "expires_at": self.expires_at.isoformat(),
        }

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        kind, expires_at = IdTagKind(payload["id_tag_kind"]), datetime.fromisoformat(payload["expires_at"])
        return cls(**{**payload, "id_tag_kind": kind, "expires_at": expires_at})


@dataclass(frozen=True, slots=True)
class CancelReservation:
    """Keep an EVSE no longer."""

    kind: ClassVar = CommandKind.CANCEL_RESERVATION
    reservation_id: str
    number: int

    def payload(self) -> dict[str, Any]:
        return {"reservation_id": self.reservation_id, "number": self.number}

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        return cls(payload["reservation_id"], payload["number"])


Order = (
    Reset
    | ChangeAvailability
    | UnlockConnector
    | ReadVariables
    | SetVariable
    | UpdateFirmware
    | TriggerMessage
    | ReadSchedule
    | ClearProfiles
    | Reserve
    | CancelReservation
)

ORDERS: Final[Mapping[CommandKind, type[Order]]] = MappingProxyType(
    {
        order.kind: order
        for order in (
            Reset,
            ChangeAvailability,
            UnlockConnector,
            ReadVariables,
            SetVariable,
            UpdateFirmware,
            TriggerMessage,
            ReadSchedule,
            ClearProfiles,
            Reserve,
            CancelReservation,
        )
    }
)


def new_request_id() -> int:
    """Return a number that names a request of ours to a charge point (`requestId` of OCPP 2.0.1: an integer)."""
    return secrets.randbelow(2**31 - 1) + 1


def variable_payload(name: VariableName) -> dict[str, Any]:
    """Return a variable's name as JSON, from which `VariableName(**…)` makes it again."""
    return {
        "component": name.component,
        "variable": name.variable,
        "component_instance": name.component_instance,
        "evse_no": name.evse_no,
        "connector_no": name.connector_no,
        "variable_instance": name.variable_instance,
    }
