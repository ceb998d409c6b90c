"""What a transaction costs: energy by interval times the price in force, every step exact, rounded once at the end."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from enum import StrEnum
from itertools import groupby

from ampyard.domain.currencies import minor_unit
from ampyard.domain.energy import EnergyInterval
from ampyard.domain.local_time import Weekday
from ampyard.domain.recurrence import Recurrence

# A binary fraction of a Wh has as many decimals as bits: those of any float fit, and a result that did not would be an error.
_DIGITS = 2000
_EXACT = Context(prec=_DIGITS, traps=[Inexact])
_WH_PER_KWH = 3  # decimals


@dataclass(frozen=True, slots=True)
class PriceWindow:
    """A price for part of the week, on the depot's clock: from `starts_at` until before `ends_at`, which may be on the next day."""

    weekdays: frozenset[Weekday]
    starts_at: time
    ends_at: time
    price_per_kwh: Decimal


@dataclass(frozen=True, slots=True)
class EnergyPrice:
    """What energy costs in a depot from `valid_from` on, until a later price begins; in a window what that says, else `price_per_kwh`."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    currency: str
    price_per_kwh: Decimal
    windows: tuple[PriceWindow, ...]
    valid_from: datetime
    author: str
    created_at: datetime

    def at(self, moment: datetime, time_zone: str) -> Decimal:
        """Return the price a kWh at a moment; windows are read on the clock of the zone."""
        for window in self.windows:
            if Recurrence(window.weekdays, window.starts_at, window.ends_at, time_zone).covers(moment):
                return window.price_per_kwh
        return self.price_per_kwh


class CostUnknown(StrEnum):
    """Why it is not known what a transaction costs."""

    NOT_BILLABLE = "NOT_BILLABLE"
    NO_PRICE = "NO_PRICE"
    MIXED_CURRENCIES = "MIXED_CURRENCIES"


@dataclass(frozen=True, slots=True)
class CostLine:
    """Energy that flowed at one price, without a break. `amount` is exact: it is not rounded."""

    starts_at: datetime
    ends_at: datetime
    energy_wh: float
    price_per_kwh: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """What a transaction costs, in whole minor units of the currency, and how that comes about; `unknown` says why it is not known."""

    amount: Decimal | None
    currency: str | None
    lines: tuple[CostLine, ...]
    unknown: CostUnknown | None

    @staticmethod
    def not_known(why: CostUnknown) -> "Cost":
        """Return a cost that is not known."""
        return Cost(None, None, (), why)


def cost(intervals: Sequence[EnergyInterval], prices: Iterable[EnergyPrice], time_zone: str) -> Cost:
    """Return what energy by interval costs: the sum of the exact amounts, rounded half to even to the currency's minor unit.

    Args:
        intervals: quarter-hours in order of time. One has the price at its begin: prices change on the quarter-hour.
        prices: of the depot, in any order. Of those that have begun, the one that began last is in force.
        time_zone: of the depot.
    """
    known = sorted(prices, key=lambda price: (price.valid_from, price.created_at, price.id), reverse=True)
    priced: list[tuple[EnergyInterval, EnergyPrice, Decimal]] = []
    for interval in intervals:
        price = next((price for price in known if price.valid_from <= interval.starts_at), None)
        if price is not None:
            priced.append((interval, price, price.at(interval.starts_at, time_zone)))
        elif interval.energy_wh > 0:
            return Cost.not_known(CostUnknown.NO_PRICE)
    if not priced:
        return Cost.not_known(CostUnknown.NO_PRICE)
    currencies = {price.currency for interval, price, _ in priced if interval.energy_wh > 0} or {priced[-1][1].currency}
    if len(currencies) > 1:
        return Cost.not_known(CostUnknown.MIXED_CURRENCIES)
    (currency,) = currencies
    lines = tuple(_lines((interval, per_kwh) for interval, _, per_kwh in priced if interval.energy_wh > 0))
    total = Decimal(0)
    for line in lines:
        total = _EXACT.add(total, line.amount)
    return Cost(_rounded(total, currency), currency, lines, None)


def _lines(priced: Iterable[tuple[EnergyInterval, Decimal]]) -> Iterable[CostLine]:
    for per_kwh, group in groupby(priced, key=lambda part: part[1]):
        parts = [interval for interval, _ in group]
        begin = 0
        for end in range(1, len(parts) + 1):
            if end == len(parts) or parts[end].starts_at - parts[end - 1].ends_at > timedelta(0):
                energy_wh = sum(part.energy_wh for part in parts[begin:end])
                yield CostLine(parts[begin].starts_at, parts[end - 1].ends_at, energy_wh, per_kwh, amount_of(energy_wh, per_kwh))
                begin = end


def amount_of(energy_wh: float, price_per_kwh: Decimal) -> Decimal:
    """Return what an energy costs, exactly: nothing is rounded."""
    return _EXACT.scaleb(_EXACT.multiply(Decimal(energy_wh), price_per_kwh), -_WH_PER_KWH)


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_unit(currency)), ROUND_HALF_EVEN, Context(prec=_DIGITS))
