"""What differs between the protocol versions: how a charge point words its messages and reads the answers."""

from datetime import UTC, datetime
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ampyard.simulator.endpoint import Endpoint
from ampyard.simulator.fleet import ChargePointSpec
from ampyard.simulator.state import IdToken, MeterReading, Transaction

if TYPE_CHECKING:
    from ampyard.simulator.charge_point import SimulatedChargePoint

StartTrigger = Literal["Authorized", "RemoteStart", "CablePluggedIn"]
ReadingContext = Literal["Sample.Periodic", "Trigger"]


class Status(StrEnum):
    """Connector status in the finer words of OCPP 1.6 section 7.7."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"


class StopReason(StrEnum):
    EV_DISCONNECTED = "EV disconnected"
    EV_FULL = "EV full"
    REMOTE = "remote stop"
    SOFT_RESET = "soft reset"
    HARD_RESET = "hard reset"
    DEAUTHORIZED = "deauthorized"
    UNLOCKED = "unlocked"


class BootReason(StrEnum):
    POWER_UP = "PowerUp"
    REMOTE_RESET = "RemoteReset"
    TRIGGERED = "Triggered"


class Dialect(Protocol):
    """One protocol version. Builders return request dataclasses of ``calls``; ``online`` is False while the link is down."""

    subprotocol: str
    calls: ModuleType
    names_transactions: bool  # whether the charge point makes the transaction ids (2.0.1) or the central system (1.6)

    def endpoint(self, charge_point: "SimulatedChargePoint", connection: Any) -> Endpoint: ...

    def boot(self, spec: ChargePointSpec, firmware_version: str, reason: BootReason) -> Any: ...

    def heartbeat(self) -> Any: ...

    def firmware_status(self, status: str, request_id: int | None) -> Any:
        """Word a step of the update with this number; None: none is under way."""
        ...

    def status(self, evse_no: int, status: Status, now: datetime) -> Any: ...

    def overall_status(self, status: Status, now: datetime) -> Any | None:
        """Word the status of the charge point as a whole; None where the version has none."""
        ...

    def reservation_expired(self, number: int) -> Any | None:
        """Word that nobody came in time; None where the status of the connector says it all."""
        ...

    def authorize(self, token: IdToken) -> Any: ...

    def is_authorized(self, answer: Any) -> bool: ...

    def started(self, transaction: Transaction, evse_no: int, trigger: StartTrigger, *, online: bool) -> Any: ...

    def started_answer(self, answer: Any) -> tuple[int | None, bool]:
        """Read the answer to the start: the transaction id it assigns, if any, and whether the id tag is accepted."""
        ...

    def sampled(self, transaction: Transaction, evse_no: int, reading: MeterReading, context: ReadingContext, *, online: bool) -> Any: ...

    def meter_values(self, evse_no: int, transaction: Transaction | None, reading: MeterReading) -> Any:
        """Word a reading that the central system asked for."""
        ...

    def charging_state_changed(self, transaction: Transaction, reading: MeterReading, *, online: bool) -> Any | None:
        """Word the change of a transaction's charging state; None where the status notification says it all."""
        ...

    def ended(self, transaction: Transaction, reading: MeterReading, reason: StopReason, *, online: bool) -> Any: ...


def timestamp(instant: datetime) -> str:
    """Word an instant as OCPP does: RFC 3339, UTC, milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Read an RFC 3339 instant; one without an offset is UTC."""
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
