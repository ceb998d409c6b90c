"""What a session costs, and why: lines that add up to the total."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ampyard.domain.tariffs.model import PriceComponent
from ampyard.domain.tariffs.money import Price, sum_of


class CostKind(StrEnum):
    """Which of the totals of a CDR a line belongs to (mod_cdrs, `total_…_cost`); TOTAL: to the whole alone."""

    FIXED = "FIXED"
    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING = "PARKING"
    RESERVATION = "RESERVATION"
    TOTAL = "TOTAL"


class LineReason(StrEnum):
    """Why there is a line: a price component; a limit of the tariff that was not kept; or rounding."""

    COMPONENT = "COMPONENT"
    MIN_PRICE = "MIN_PRICE"
    MAX_PRICE = "MAX_PRICE"
    ROUNDING = "ROUNDING"


@dataclass(frozen=True, slots=True)
class CostLine:
    """A part of the cost: what was used under one price component without a break, or what a limit or rounding adds or takes.

    Volumes are in kWh or seconds, or 1 for a FLAT; `billed_volume` is what the step size makes of `volume`, on the last line it counts for.
    `element` is the place of the tariff element in its list, from 0. Lines of limits and rounding have no component, and the one that
    rounds the total has no tariff either.
    """

    kind: CostKind
    reason: LineReason
    tariff_id: str | None
    element: int | None
    component: PriceComponent | None
    starts_at: datetime
    ends_at: datetime
    volume: Decimal
    billed_volume: Decimal
    price: Price


@dataclass(frozen=True, slots=True)
class Cost:
    """What a session costs. The lines add up to the totals to the last digit.

    `by_steps` is the part that step sizes add, not rounded: of a running session, what more use may take up before it costs more.
    `remarks` name what the session did not say and a restriction asked for.
    """

    currency: str
    lines: tuple[CostLine, ...]
    by_steps: Price
    remarks: tuple[str, ...] = ()

    @property
    def total_cost(self) -> Price:
        """All that is due."""
        return sum_of(line.price for line in self.lines)

    @property
    def total_fixed_cost(self) -> Price | None:
        """What is due once, apart from fixed parts of parking and reservation; `None`: nothing of the kind was priced."""
        return self._total(CostKind.FIXED)

    @property
    def total_energy_cost(self) -> Price | None:
        """What is due for energy; `None`: none was priced."""
        return self._total(CostKind.ENERGY)

    @property
    def total_time_cost(self) -> Price | None:
        """What is due for time charging; `None`: none was priced."""
        return self._total(CostKind.TIME)

    @property
    def total_parking_cost(self) -> Price | None:
        """What is due for parking, fixed parts included; `None`: none was priced."""
        return self._total(CostKind.PARKING)

    @property
    def total_reservation_cost(self) -> Price | None:
        """What is due for a reservation, fixed parts included; `None`: none was priced."""
        return self._total(CostKind.RESERVATION)

    def credited(self) -> "Cost":
        """Return what takes this cost back (mod_cdrs, Credit CDRs): every amount in the other direction."""
        lines = tuple(replace(line, price=line.price.negated()) for line in self.lines)
        return replace(self, lines=lines, by_steps=self.by_steps.negated())

    def _total(self, kind: CostKind) -> Price | None:
        prices = [line.price for line in self.lines if line.kind is kind]
        return sum_of(prices) if prices else None
