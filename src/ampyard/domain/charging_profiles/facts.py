"""What a charge point says of its smart charging: units, periods, stack levels, profiles, phases."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.equipment import PhaseRotation, composed
from ampyard.domain.variables import VariableName


class RateUnit(StrEnum):
    """In what limits are told: A of each phase, or W of all of them (OCPP 1.6, 7.12; 2.0.1 part 2, 3.15)."""

    A = "A"
    W = "W"


# OCPP 1.6, 9.3 says Current and Power; some say what the schedules then hold.
_UNITS: Final = MappingProxyType({"current": RateUnit.A, "a": RateUnit.A, "power": RateUnit.W, "w": RateUnit.W})

_STACK_LEVEL_16: Final = VariableName("", "ChargeProfileMaxStackLevel")
_UNITS_16: Final = VariableName("", "ChargingScheduleAllowedChargingRateUnit")
_PERIODS_16: Final = VariableName("", "ChargingScheduleMaxPeriods")
_PROFILES_16: Final = VariableName("", "MaxChargingProfilesInstalled")
_SWITCHING_16: Final = VariableName("", "ConnectorSwitch3to1PhaseSupported")
_ROTATION_16: Final = VariableName("", "ConnectorPhaseRotation")

_CONTROLLER: Final = "SmartChargingCtrlr"
_STACK_LEVEL_20: Final = VariableName(_CONTROLLER, "ProfileStackLevel")
_UNITS_20: Final = VariableName(_CONTROLLER, "RateUnit")
_PERIODS_20: Final = VariableName(_CONTROLLER, "PeriodsPerSchedule")
_PROFILES_20: Final = VariableName(_CONTROLLER, "Entries", variable_instance="ChargingProfiles")
# Some leave out the instance, as they count nothing else.
_ENTRIES_20: Final = VariableName(_CONTROLLER, "Entries")
_SWITCHING_20: Final = VariableName(_CONTROLLER, "ACPhaseSwitchingSupported")
_ROTATION_20: Final = VariableName("ChargingStation", "PhaseRotation")
_MAX_OFFLINE_21: Final = VariableName(_CONTROLLER, "SupportsMaxOfflineDuration")

_ASKED_20: Final = (_STACK_LEVEL_20, _UNITS_20, _PERIODS_20, _PROFILES_20, _SWITCHING_20, _ROTATION_20)

# What is asked for (OCPP 1.6, 9.3; 2.0.1 part 2, 2.10; 2.1 part 2, referenced components and variables, SmartChargingCtrlr).
ASKED: Final[Mapping[OcppVersion, tuple[VariableName, ...]]] = MappingProxyType(
    {
        OcppVersion.V16: (_STACK_LEVEL_16, _UNITS_16, _PERIODS_16, _PROFILES_16, _SWITCHING_16, _ROTATION_16),
        OcppVersion.V201: _ASKED_20,
        OcppVersion.V21: (*_ASKED_20, _MAX_OFFLINE_21),
    }
)


@dataclass(frozen=True, slots=True)
class SmartCharging:
    """What profiles a charge point takes. `None`: it has not said, and nothing is assumed against it.

    `stack_level` is the highest, and 0 where it has not said: that one is always valid. `periods` are those of one schedule,
    `profiles` those of the charge point at a time. `switches_phases`: it can choose the phase of a vehicle that uses one.
    `max_offline`: it can end a profile a while after its link is lost, and does not unless it says so.
    """

    units: frozenset[RateUnit] = frozenset(RateUnit)
    stack_level: int = 0
    periods: int | None = None
    profiles: int | None = None
    switches_phases: bool = False
    max_offline: bool = False


def smart_charging(told: Mapping[VariableName, str | None]) -> SmartCharging:
    """Return what the variables of a charge point, of any version, say of its smart charging. What cannot be read says nothing."""

    def number(*names: VariableName) -> int | None:
        values = [value.strip() for name in names if (value := told.get(name)) is not None]
        return next((int(value) for value in values if value.isdecimal()), None)

    def says_yes(*names: VariableName) -> bool:
        return any((told.get(name) or "").strip().lower() == "true" for name in names)

    units = (told.get(_UNITS_16) or told.get(_UNITS_20) or "").lower().split(",")
    periods = number(_PERIODS_16, _PERIODS_20)
    return SmartCharging(
        units=frozenset(_UNITS[unit.strip()] for unit in units if unit.strip() in _UNITS) or frozenset(RateUnit),
        stack_level=number(_STACK_LEVEL_16, _STACK_LEVEL_20) or 0,
        # A schedule has at least one period, whatever is said.
        periods=None if periods is None else max(1, periods),
        profiles=number(_PROFILES_16, _PROFILES_20, _ENTRIES_20),
        switches_phases=says_yes(_SWITCHING_16, _SWITCHING_20),
        max_offline=says_yes(_MAX_OFFLINE_21),
    )


def phase_rotations(told: Mapping[VariableName, str | None]) -> dict[int, PhaseRotation]:
    """Return how EVSEs are connected, by their number, as the variables of a charge point tell it; of others nothing is known.

    OCPP 1.6 lists connectors against the meter of the charge point, and that (connector 0) against the grid: `0.RST, 1.STR`
    (9.1). 2.0.1 has a variable of each EVSE against the station, and of that against the grid.
    """
    words = [entry.strip().split(".") for entry in (told.get(_ROTATION_16) or "").split(",")]
    found = {int(entry[0]): entry[1] for entry in words if len(entry) == 2 and entry[0].isdecimal()}  # noqa: PLR2004 - number.rotation
    for name, value in told.items():
        if name.variable == _ROTATION_20.variable and name.component in {"EVSE", _ROTATION_20.component} and value is not None:
            found[name.evse_no] = value.strip()
    whole = _rotation(found.pop(0, "RST"))
    rotations = {number: composed(whole, _rotation(value)) for number, value in found.items()}
    return {number: rotation for number, rotation in rotations.items() if rotation is not PhaseRotation.UNKNOWN}


def _rotation(value: str) -> PhaseRotation:
    """Return a rotation; of 2.0.1 without the x for a phase that is not connected."""
    try:
        return PhaseRotation(value.upper().rstrip("X"))
    except ValueError:
        return PhaseRotation.UNKNOWN
