"""Where amounts of money are rounded, how, and to how many decimals. OCPI leaves it to law and contract (mod_tariffs, note on rounding)."""

from dataclasses import dataclass
from enum import StrEnum


class RoundingStage(StrEnum):
    """What is rounded: each line; the sum of each dimension; or only the total."""

    LINE = "LINE"
    DIMENSION = "DIMENSION"
    TOTAL = "TOTAL"


class RoundingMode(StrEnum):
    """Which way: to the nearest, and of two equally near the one further from 0 or the even one; or always up; or always towards 0."""

    HALF_UP = "HALF_UP"
    HALF_EVEN = "HALF_EVEN"
    UP = "UP"
    DOWN = "DOWN"


@dataclass(frozen=True, slots=True)
class Rounding:
    """A policy of rounding; `decimals` `None`: as many as the currency's minor unit has.

    Amounts without and with taxes are rounded each by itself, and the taxes are what lies between.
    """

    stage: RoundingStage = RoundingStage.TOTAL
    mode: RoundingMode = RoundingMode.HALF_UP
    decimals: int | None = None


# The standard's worked examples come out to the cent with this one alone: they add up lines as they are, and a half goes up.
BY_DEFAULT = Rounding()
