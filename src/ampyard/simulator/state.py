"""What a charge point must not forget, and how it is kept on flash.

Every fact here survives the loss of power: the file is replaced as a whole, so that it is either the old or the new one.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import TypeAdapter

from ampyard.simulator.fleet import ChargePointSpec, IdTagType, VehicleSpec
from ampyard.simulator.profiles import ChargingProfile


@dataclass(frozen=True, slots=True)
class IdToken:
    id_tag: str
    kind: IdTagType


@dataclass(frozen=True, slots=True)
class MeterReading:
    """What the meter of an EVSE shows. Energy is cut to whole Wh everywhere, so that no later reading is below an earlier one."""

    taken_at: datetime
    energy_wh: int
    power_w: int
    current_a: tuple[float, ...] = ()
    soc_percent: float | None = None


@dataclass(slots=True)
class PluggedVehicle:
    """A vehicle at an EVSE. ``standing``: whether it may still ask for a transaction by itself."""

    spec: VehicleSpec
    soc_percent: float
    visit: int
    leaves_at: datetime
    standing: Literal["arrived", "refused", "finished"] = "arrived"


@dataclass(frozen=True, slots=True)
class Reservation:
    """An EVSE is kept for a token; ``number`` is what the central system calls it."""

    number: int
    token: IdToken
    expires_at: datetime

    def admits(self, token: IdToken) -> bool:
        return self.token.id_tag.lower() == token.id_tag.lower()


@dataclass(slots=True)
class Transaction:
    """An open transaction. ``key`` names it on this charge point; in OCPP 2.0.1 it is also the transaction id."""

    key: str
    token: IdToken
    began: MeterReading
    ocpp_transaction_id: str | None
    remote_start_id: int | None = None
    seq_no: int = 0
    charging_state: str = "Charging"
    reservation_number: int | None = None

    def next_seq_no(self) -> int:
        """Take the next sequence number; the first is 0."""
        self.seq_no += 1
        return self.seq_no - 1


@dataclass(slots=True)
class EvseState:
    evse_no: int
    register_wh: float = 0.0
    operative: bool = True
    plugged: PluggedVehicle | None = None
    transaction: Transaction | None = None
    reservation: Reservation | None = None


@dataclass(slots=True)
class QueuedCall:
    """A message about a transaction, kept until it is answered: always sent with the same unique id and payload."""

    order: int
    unique_id: str
    action: str
    payload: dict[str, Any]
    transaction_key: str
    attempts: int = 0


@dataclass(slots=True)
class ChargePointState:
    evses: list[EvseState]
    profiles: list[ChargingProfile] = field(default_factory=list)
    queue: list[QueuedCall] = field(default_factory=list)
    settings: dict[str, int] = field(default_factory=dict)
    accepted_id_tags: list[str] = field(default_factory=list)
    firmware_version: str | None = None
    offline_since: datetime | None = None


@dataclass(slots=True)
class AwayVehicle:
    """A vehicle that is not plugged in: on the road until ``returns_at``, then waiting for a free EVSE."""

    name: str
    soc_percent: float
    visit: int
    returns_at: datetime


_CHARGE_POINT = TypeAdapter(ChargePointState)
_AWAY = TypeAdapter(list[AwayVehicle])


class Flash:
    """The files of a fleet in one folder: ``<identity>.json`` for each charge point, ``vehicles/away.json`` for the rest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "vehicles").mkdir(parents=True, exist_ok=True)

    def load(self, spec: ChargePointSpec) -> ChargePointState | None:
        """Return the kept state, None for a charge point that is new here or has another number of EVSEs than before."""
        path = self._path(spec.identity)
        if not path.exists():
            return None
        state = _CHARGE_POINT.validate_json(path.read_bytes())
        return state if len(state.evses) == len(spec.evses) else None

    def save(self, identity: str, state: ChargePointState) -> None:
        _replace(self._path(identity), _CHARGE_POINT.dump_json(state))

    def load_away(self) -> list[AwayVehicle]:
        path = self._folder / "vehicles" / "away.json"
        return _AWAY.validate_json(path.read_bytes()) if path.exists() else []

    def save_away(self, vehicles: list[AwayVehicle]) -> None:
        _replace(self._folder / "vehicles" / "away.json", _AWAY.dump_json(vehicles))

    def _path(self, identity: str) -> Path:
        return self._folder / f"{quote(identity, safe='')}.json"


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
