"""Which lines of a three-phase supply a load draws from, and how much of its power counts on each."""

import math
from enum import IntEnum, StrEnum


class Line(StrEnum):
    """A live conductor of the supply."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"


class Lines(IntEnum):
    """How a load is wired, as seen from the supply: after the rotation of phases between it and its socket.

    `L1_L2_L3`: balanced over all three, as three-phase vehicles and direct-current chargers are. `L1`...: between a line and neutral.
    `L1_L2`...: an equal part between each of two lines and neutral. `L1_TO_L2`...: between two lines, without neutral (208 V and
    240 V supplies). `ONE_UNKNOWN`, `TWO_UNKNOWN`, `PAIR_UNKNOWN`: the same kinds where nobody knows which lines these are; they
    count on each.
    """

    L1_L2_L3 = 0
    L1 = 1
    L2 = 2
    L3 = 3
    L1_L2 = 4
    L2_L3 = 5
    L3_L1 = 6
    L1_TO_L2 = 7
    L2_TO_L3 = 8
    L3_TO_L1 = 9
    ONE_UNKNOWN = 10
    TWO_UNKNOWN = 11
    PAIR_UNKNOWN = 12


_TO_NEUTRAL = (
    {"R": Lines.L1, "S": Lines.L2, "T": Lines.L3, "": Lines.ONE_UNKNOWN},
    {"RS": Lines.L1_L2, "ST": Lines.L2_L3, "RT": Lines.L3_L1, "": Lines.TWO_UNKNOWN},
    {"RST": Lines.L1_L2_L3, "": Lines.L1_L2_L3},
)
_LINE_TO_LINE = {"RS": Lines.L1_TO_L2, "ST": Lines.L2_TO_L3, "RT": Lines.L3_TO_L1, "": Lines.PAIR_UNKNOWN}
_ROTATIONS = frozenset({"RST", "RTS", "SRT", "STR", "TRS", "TSR"})


def lines_of(phases: int, rotation: str | None, *, line_to_line: bool = False) -> Lines:
    """Return what a vehicle that uses the first `phases` conductors of a connector draws from.

    `rotation` tells which supply line each conductor of the connector is on, as in OCPP's ConnectorPhaseRotation and
    PhaseRotation (OCPP 1.6, 9.1.7; a variable of Connector in OCPP 2.0.1): R, S and T are L1, L2 and L3. Whatever is not one of
    the six orders of these (`None`, "Unknown", "NotApplicable") is unknown. `line_to_line`: between the first two, without neutral.

    Raises:
        ValueError: a vehicle has one to three phases.
    """
    if not 1 <= phases <= len(_TO_NEUTRAL):
        raise ValueError(f"A vehicle charges with 1, 2 or 3 phases, not {phases}.")
    conductors = rotation if rotation in _ROTATIONS else ""
    if line_to_line:
        return _LINE_TO_LINE["".join(sorted(conductors[:2]))]
    return _TO_NEUTRAL[phases - 1]["".join(sorted(conductors[:phases]))]


_OF_LINES = {
    frozenset({1}): "R",
    frozenset({2}): "S",
    frozenset({3}): "T",
    frozenset({1, 2}): "RS",
    frozenset({2, 3}): "ST",
    frozenset({1, 3}): "RT",
}


def wiring_of(lines: frozenset[int], phases: int, *, line_to_line: bool = False) -> Lines:
    """Return how a load on one or two phases is wired that draws from these lines (1 to 3); unknown where they are more than it loads.

    `line_to_line`: one phase is between two lines, without neutral.
    """
    known = _OF_LINES.get(lines, "") if len(lines) == (phases + 1 if line_to_line else phases) else ""
    if line_to_line:
        return _LINE_TO_LINE[known]
    return _TO_NEUTRAL[phases - 1][known]


_VOLTAGES = {lines: 3.0 if lines is Lines.L1_L2_L3 else 1.0 for lines in Lines}
_VOLTAGES |= dict.fromkeys((Lines.L1_L2, Lines.L2_L3, Lines.L3_L1, Lines.TWO_UNKNOWN), 2.0)
_VOLTAGES |= dict.fromkeys(_LINE_TO_LINE.values(), 3**0.5)


def kw_of_ampere(lines: Lines, voltage_v: float) -> float:
    """Return what one ampere in each conductor makes, in kW, at a power factor of 1; `voltage_v` is between phase and neutral.

    Of a charger that takes whole amperes it is the step of its set-points (`Demand.steps`). Rounded up to a milliwatt, so that
    a set-point is never found to be an ampere less than it was meant to be.
    """
    milliwatts = voltage_v * _VOLTAGES[lines] * 1000
    nearest = round(milliwatts)
    return (nearest if math.isclose(milliwatts, nearest, rel_tol=1e-12) else math.ceil(milliwatts)) / 1e6
