"""Electrical facts of EVSEs: how they are connected, and what they can regulate to."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ALL_LINES: Final = frozenset({1, 2, 3})
_LETTERS: Final = {"R": 1, "S": 2, "T": 3}


class PhaseRotation(StrEnum):
    """Which lines of the supply (R, S, T: L1, L2, L3) the phases of an EVSE are connected to, in their order.

    Those of three letters are ConnectorPhaseRotation of OCPP 1.6 (9.1) and PhaseRotation of 2.0.1 (part 2, appendix); the others are
    EVSEs with fewer phases.
    """

    UNKNOWN = "UNKNOWN"
    RST = "RST"
    RTS = "RTS"
    SRT = "SRT"
    STR = "STR"
    TRS = "TRS"
    TSR = "TSR"
    RS = "RS"
    SR = "SR"
    ST = "ST"
    TS = "TS"
    RT = "RT"
    TR = "TR"
    R = "R"
    S = "S"
    T = "T"

    @property
    def lines(self) -> tuple[int, ...]:
        """The lines (1 to 3) in the order of the EVSE's phases; none where it is not known."""
        return () if self is PhaseRotation.UNKNOWN else tuple(_LETTERS[letter] for letter in self.value)


def composed(outer: PhaseRotation, inner: PhaseRotation) -> PhaseRotation:
    """Return how something is connected to the grid that is connected so (`inner`) to what is connected so itself (`outer`)."""
    if not inner.lines or max(inner.lines) > len(outer.lines):
        return PhaseRotation.UNKNOWN
    return PhaseRotation("".join(outer.value[line - 1] for line in inner.lines))


class SetPointKind(StrEnum):
    """Which limits a charger can regulate to: any, whole amperes, or some."""

    CONTINUOUS = "CONTINUOUS"
    WHOLE_AMPERES = "WHOLE_AMPERES"
    LISTED = "LISTED"


@dataclass(frozen=True, slots=True)
class SetPoints:
    """The limits a charger can regulate to; `listed` are A of each phase, ascending, where the kind says so."""

    kind: SetPointKind = SetPointKind.CONTINUOUS
    listed_a: tuple[float, ...] = ()

    def down_kw(self, kw: float, kw_per_a: float) -> float:
        """Return the highest power it can regulate to that is not above `kw`; 0 where none is."""
        if self.kind is SetPointKind.CONTINUOUS:
            return kw
        amperes = kw / kw_per_a + 1e-6
        if self.kind is SetPointKind.WHOLE_AMPERES:
            return min(kw, math.floor(amperes) * kw_per_a)
        return min(kw, max((listed for listed in self.listed_a if listed <= amperes), default=0.0) * kw_per_a)


ANY_SET_POINT: Final = SetPoints()


def kw_per_ampere(phases: int, voltage_v: float, *, line_to_line: bool) -> float:
    """Return the power, in kW, that one ampere in each of the lines in use makes.

    From line to neutral it is V on each phase; from line to line V once between two lines, and V times the root of 3 on three
    (delta; IEC 60050, 141-02-13).
    """
    if not line_to_line:
        return phases * voltage_v / 1000
    return voltage_v * (math.sqrt(3) if phases == len(ALL_LINES) else 1.0) / 1000
