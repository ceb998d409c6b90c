"""Layouts: what EVSEs and connectors a charge point has, as it is created, edited, imported or kept as a template."""

import math
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ampyard.domain.cables import cable_kw
from ampyard.domain.charge_points import CurrentType
from ampyard.domain.equipment import ANY_SET_POINT, PhaseRotation, SetPointKind, SetPoints

# The least current that charges: 6 A a phase at 230 V (IEC 61851-1, annex A), and what common DC chargers can regulate down to.
_PHASE_VOLTAGE_V = 230.0
_LEAST_CURRENT_A = 6.0
_LEAST_DC_KW = 5.0
_MOST_EVSES = 32
_MOST_CONNECTORS = 8
_MOST_POWER_KW = 10_000.0
_MOST_VOLTAGE_V = 2_000
_MOST_AMPERAGE_A = 5_000
_ROUNDING_KW = 0.05
_PHASES: Final = frozenset({1, 2, 3})


class ConnectorStandard(StrEnum):
    """ConnectorType (OCPI 2.3.0, 8.4.5): those that depots have, spelled as there."""

    CHADEMO = "CHADEMO"
    CHAOJI = "CHAOJI"
    DOMESTIC_F = "DOMESTIC_F"
    GBT_AC = "GBT_AC"
    GBT_DC = "GBT_DC"
    IEC_60309_2_SINGLE_16 = "IEC_60309_2_single_16"
    IEC_60309_2_THREE_16 = "IEC_60309_2_three_16"
    IEC_60309_2_THREE_32 = "IEC_60309_2_three_32"
    IEC_60309_2_THREE_64 = "IEC_60309_2_three_64"
    IEC_62196_T1 = "IEC_62196_T1"
    IEC_62196_T1_COMBO = "IEC_62196_T1_COMBO"
    IEC_62196_T2 = "IEC_62196_T2"
    IEC_62196_T2_COMBO = "IEC_62196_T2_COMBO"
    MCS = "MCS"
    NEMA_14_50 = "NEMA_14_50"
    PANTOGRAPH_BOTTOM_UP = "PANTOGRAPH_BOTTOM_UP"
    PANTOGRAPH_TOP_DOWN = "PANTOGRAPH_TOP_DOWN"
    SAE_J3400 = "SAE_J3400"
    TESLA_R = "TESLA_R"
    TESLA_S = "TESLA_S"


class ConnectorFormat(StrEnum):
    """ConnectorFormat (OCPI 2.2.1, 8.4.4)."""

    SOCKET = "SOCKET"
    CABLE = "CABLE"


class PowerType(StrEnum):
    """PowerType (OCPI 2.2.1, 8.4.19)."""

    AC_1_PHASE = "AC_1_PHASE"
    AC_2_PHASE = "AC_2_PHASE"
    AC_2_PHASE_SPLIT = "AC_2_PHASE_SPLIT"
    AC_3_PHASE = "AC_3_PHASE"
    DC = "DC"


@dataclass(frozen=True, slots=True)
class ConnectorLayout:
    """A connector; `number` counts from 1 within its EVSE."""

    number: int
    standard: ConnectorStandard
    format: ConnectorFormat
    power_type: PowerType
    max_voltage_v: int
    max_amperage_a: int


@dataclass(frozen=True, slots=True)
class EvseLayout:
    """An EVSE with its connectors; `number` counts from 1 within its charge point.

    `fallback_kw` is what it may draw while no limit of ours is in force. How it is connected, and what it can regulate to, are as in
    `domain.charge_points.Evse`.
    """

    number: int
    current_type: CurrentType
    max_power_kw: float
    min_power_kw: float
    phases: int
    fallback_kw: float
    connectors: tuple[ConnectorLayout, ...]
    phase_rotation: PhaseRotation = PhaseRotation.UNKNOWN
    voltage_v: float = 230.0
    line_to_line: bool = False
    set_points: SetPoints = ANY_SET_POINT


@dataclass(frozen=True, slots=True)
class ChargePointTemplate:
    """A named layout, with the vendor and model it is of; charge points are created from it, and do not follow it later."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    vendor: str | None
    model: str | None
    evses: tuple[EvseLayout, ...]
    created_at: datetime
    updated_at: datetime


# Where below the list of EVSEs, and what is wrong and what would be right.
Flaw = tuple[tuple[str, ...], str]


def least_power_kw(current_type: CurrentType, phases: int) -> float:
    """Return the power below which an EVSE of this kind cannot charge, in kW: 6 A on each phase, or 5 kW of direct current."""
    return _LEAST_DC_KW if current_type is CurrentType.DC else round(_LEAST_CURRENT_A * _PHASE_VOLTAGE_V * phases / 1000, 3)


def layout_flaws(evses: tuple[EvseLayout, ...]) -> Iterator[Flaw]:
    """Yield what is wrong with a layout; nothing where it is sound."""
    if not 1 <= len(evses) <= _MOST_EVSES:
        yield (), f"A charge point has 1 to {_MOST_EVSES} EVSEs, not {len(evses)}."
    yield from _numbering("EVSE", [evse.number for evse in evses], ())
    for n, evse in enumerate(evses):
        for path, text in _evse_flaws(evse):
            yield (str(n), *path), text


def _evse_flaws(evse: EvseLayout) -> Iterator[Flaw]:
    if not 0 < evse.max_power_kw <= _MOST_POWER_KW:
        yield ("maxPowerKw",), f"{evse.max_power_kw:g} kW is out of range; give more than 0 and at most {_MOST_POWER_KW:g}."
    if not 0 <= evse.min_power_kw <= evse.max_power_kw:
        yield ("minPowerKw",), f"{evse.min_power_kw:g} kW is out of range; give 0 to maxPowerKw, which is {evse.max_power_kw:g}."
    if not (0 <= evse.fallback_kw <= evse.max_power_kw and math.isfinite(evse.fallback_kw)):
        yield ("fallbackKw",), f"{evse.fallback_kw:g} kW is out of range; give 0 to maxPowerKw, which is {evse.max_power_kw:g}."
    if evse.phases not in _PHASES:
        yield ("phases",), f"{evse.phases} phases are impossible; give 1, 2 or 3."
    if evse.phase_rotation.lines and len(evse.phase_rotation.lines) != evse.phases:
        what = f"{evse.phase_rotation} names {len(evse.phase_rotation.lines)} lines, and EVSE {evse.number} has {evse.phases} phases"
        yield ("phaseRotation",), f"{what}; give one line for each, or UNKNOWN."
    if not 0 < evse.voltage_v <= _MOST_VOLTAGE_V:
        yield ("voltageV",), f"{evse.voltage_v:g} V is out of range; give more than 0 and at most {_MOST_VOLTAGE_V}."
    yield from _set_point_flaws(evse.set_points)
    if not 1 <= len(evse.connectors) <= _MOST_CONNECTORS:
        yield ("connectors",), f"An EVSE has 1 to {_MOST_CONNECTORS} connectors, not {len(evse.connectors)}."
    yield from _numbering("connector", [connector.number for connector in evse.connectors], ("connectors",))
    wrong = [(n, flaw) for n, connector in enumerate(evse.connectors) for flaw in _connector_flaws(evse, connector)]
    for n, (path, text) in wrong:
        yield ("connectors", str(n), *path), text
    if not wrong and evse.phases in _PHASES and evse.connectors:
        yield from _cable_flaws(evse)


def _cable_flaws(evse: EvseLayout) -> Iterator[Flaw]:
    """Yield what no limit of ours would keep off the weakest cable: what is drawn without one, and what charging begins with."""
    weakest = min(evse.connectors, key=lambda connector: (cable_kw(evse, connector), connector.number))
    carries = f"the {cable_kw(evse, weakest):g} kW that connector {weakest.number} carries with {weakest.max_amperage_a} A"
    for name, kw in (("minPowerKw", evse.min_power_kw), ("fallbackKw", evse.fallback_kw)):
        # Ratings are told to the ampere and powers to the tenth of a kW. What is beyond the EVSE's power was told of already.
        if evse.max_power_kw >= kw > cable_kw(evse, weakest) + _ROUNDING_KW:
            yield (name,), f"{kw:g} kW is more than {carries}; give that or less, or another maxAmperageA."


def _set_point_flaws(set_points: SetPoints) -> Iterator[Flaw]:
    listed = set_points.listed_a
    if bool(listed) != (set_points.kind is SetPointKind.LISTED):
        yield ("listedSetPointsA",), "Give the set-points it knows where setPoints is LISTED, and none otherwise."
    if any(not 0 < one <= _MOST_AMPERAGE_A for one in listed) or list(listed) != sorted(set(listed)):
        yield ("listedSetPointsA",), f"{[*listed]} are no set-points; give each once, ascending, from above 0 to {_MOST_AMPERAGE_A} A."


def _connector_flaws(evse: EvseLayout, connector: ConnectorLayout) -> Iterator[Flaw]:
    if (connector.power_type is PowerType.DC) != (evse.current_type is CurrentType.DC):
        yield ("powerType",), f"{connector.power_type} does not fit EVSE {evse.number}, which is {evse.current_type}."
    if not 0 < connector.max_voltage_v <= _MOST_VOLTAGE_V:
        yield ("maxVoltageV",), f"{connector.max_voltage_v} V is out of range; give 1 to {_MOST_VOLTAGE_V}."
    if not 0 < connector.max_amperage_a <= _MOST_AMPERAGE_A:
        yield ("maxAmperageA",), f"{connector.max_amperage_a} A is out of range; give 1 to {_MOST_AMPERAGE_A}."


def _numbering(noun: str, numbers: list[int], path: tuple[str, ...]) -> Iterator[Flaw]:
    for number, count in sorted(Counter(numbers).items()):
        if number < 1:
            yield path, f"There is no {noun} {number}; numbers count from 1 (OCPP 2.0.1 part 1, 7.2)."
        elif count > 1:
            yield path, f"{noun} {number} is given {count} times; give each number once."
