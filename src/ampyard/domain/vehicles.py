"""Vehicles and their types. A vehicle has the values of its type wherever it has none of its own."""

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from ampyard.domain.errors import InvalidInputError, Problems
from ampyard.domain.state_of_charge import CONFIDENCE, SocSource, StateOfCharge

# ISO 3779: 17 characters, without I, O and Q. Older and self-built vehicles have shorter ones.
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{5,17}")


class VehicleKind(StrEnum):
    BUS = "BUS"
    TRUCK = "TRUCK"
    VAN = "VAN"
    CAR = "CAR"
    OTHER = "OTHER"


# What a type gives to its vehicles, with the greatest value that makes sense; all are above 0, but for the powers (0: it cannot).
LIMITS: Mapping[str, tuple[float, str]] = {
    "battery_kwh": (5_000.0, "kWh"),
    "max_ac_kw": (1_000.0, "kW"),
    "max_dc_kw": (10_000.0, "kW"),
    "consumption_kwh_per_km": (20.0, "kWh/km"),
    "min_soc_percent": (100.0, "percent"),
    "target_soc_percent": (100.0, "percent"),
    "ac_phases": (3.0, "phases"),
}
_MAY_BE_ZERO = frozenset({"max_ac_kw", "max_dc_kw", "min_soc_percent"})
NEEDED = ("battery_kwh", "max_ac_kw", "max_dc_kw")


@dataclass(frozen=True, slots=True)
class VehicleType:
    """A model of vehicle, whose values its vehicles have unless they have their own.

    `min_soc_percent` is what shall be left in the battery on return (None: as the tenant's settings say), `target_soc_percent` what it is
    charged to (None: full), `consumption_kwh_per_km` what it takes on the road (None: not known), `ac_phases` on how many phases it
    charges with alternating current (None: not known).
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    kind: VehicleKind
    manufacturer: str | None
    battery_kwh: float
    max_ac_kw: float
    max_dc_kw: float
    consumption_kwh_per_km: float | None
    min_soc_percent: float | None
    target_soc_percent: float | None
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime
    ac_phases: int | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle with its battery and charging limits; its state of charge comes with source, time and confidence.

    The values that count are kept beside its own, so that lists and loads need no type. `own_…` means something only where it has a
    type, and None there: as the type has it. Without a type all values are its own.
    """

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
    type_id: uuid.UUID | None = None
    consumption_kwh_per_km: float | None = None
    min_soc_percent: float | None = None
    target_soc_percent: float | None = None
    own_battery_kwh: float | None = None
    own_max_ac_kw: float | None = None
    own_max_dc_kw: float | None = None
    own_consumption_kwh_per_km: float | None = None
    own_min_soc_percent: float | None = None
    own_target_soc_percent: float | None = None
    soc_confidence: float | None = None
    archived_at: datetime | None = None
    ac_phases: int | None = None
    own_ac_phases: int | None = None

    @property
    def soc(self) -> StateOfCharge | None:
        """The reading of its state of charge that counts; None where there never was one."""
        if self.soc_percent is None or self.soc_source is None or self.soc_at is None:
            return None
        confidence = CONFIDENCE[self.soc_source] if self.soc_confidence is None else self.soc_confidence
        return StateOfCharge(self.soc_percent, self.soc_source, self.soc_at, confidence)

    def with_soc(self, soc: StateOfCharge) -> "Vehicle":
        """Return the vehicle with another reading of its state of charge."""
        return replace(self, soc_percent=soc.percent, soc_source=soc.source, soc_at=soc.at, soc_confidence=soc.confidence)

    @property
    def own(self) -> dict[str, float | None]:
        """The values that are its own, by the names in `LIMITS`; None: as its type has it."""
        return {name: own_value(self, name) for name in LIMITS}


def own_value(vehicle: Vehicle, name: str) -> float | None:
    """Return one of a vehicle's own values, by a name in `LIMITS`; None: as its type has it, or not known."""
    found: float | None = getattr(vehicle, name if vehicle.type_id is None else f"own_{name}")
    return found


def counting_values(own: Mapping[str, float | None], of_type: VehicleType | None) -> dict[str, Any]:
    """Return the values that count for a vehicle: its own (by the names in `LIMITS`), else those of its type.

    Raises:
        InvalidInputError: battery or a charging limit is given by neither, or what counts contradicts itself.
    """
    counting = {name: own.get(name) if own.get(name) is not None or of_type is None else getattr(of_type, name) for name in LIMITS}
    check_given(counting, NEEDED, why=": the vehicle has no type to take it from")
    check_values(counting)
    return counting


def check_given(values: Mapping[str, object], names: Iterable[str], *, why: str = "") -> None:
    """Check that some values are there; `why` says in the message why one is needed.

    Raises:
        InvalidInputError: some are absent or None.
    """
    problems = Problems()
    for name in names:
        problems.check(values.get(name) is not None, f"{client_name(name)} is needed{why}.", "input", client_name(name))
    problems.raise_any()


def check_values(values: Mapping[str, float | None]) -> None:
    """Check what is given of the values in `LIMITS`; a value that is None or absent is not checked.

    Raises:
        InvalidInputError: some are out of bounds, it could not charge at all, or the lowest state of charge is not below the target.
    """
    problems = Problems()
    for name, (most, unit) in LIMITS.items():
        value = values.get(name)
        if value is None:
            continue
        least = "from 0" if name in _MAY_BE_ZERO else "more than 0"
        ok = (value >= 0 if name in _MAY_BE_ZERO else value > 0) and value <= most
        problems.check(ok, f"{client_name(name)} is {value:g}; give {least} to {most:g} {unit}.", "input", client_name(name))
    if values.get("max_ac_kw") == 0 and values.get("max_dc_kw") == 0:
        problems.add("maxAcKw and maxDcKw are both 0: it could not charge at all; give one of them.", "input", "maxAcKw")
    low, target = values.get("min_soc_percent"), values.get("target_soc_percent")
    if low is not None and low >= (100.0 if target is None else target):
        message = f"minSocPercent {low:g} is not below targetSocPercent {100.0 if target is None else target:g}."
        problems.add(message, "input", "minSocPercent")
    problems.raise_any()


def checked_vin(vin: str) -> str:
    """Return a vehicle identification number in capitals.

    Raises:
        InvalidInputError: it is none.
    """
    found = vin.strip().upper()
    if not _VIN.fullmatch(found):
        message = (
            f"{vin.strip()[:40]!r} is not a VIN; give 17 letters and digits, without I, O and Q (ISO 3779), or at least 5 of an older one."
        )
        raise InvalidInputError(message, ("input", "vin"))
    return found


def client_name(name: str) -> str:
    """Return what clients call a field."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
