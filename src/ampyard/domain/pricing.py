"""What a transaction costs: the energy price of its depot is a tariff, and the engine that prices sessions prices it."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from ampyard.domain.currencies import minor_unit
from ampyard.domain.energy import EnergyInterval
from ampyard.domain.local_time import Weekday
from ampyard.domain.tariffs import cost as priced_cost
from ampyard.domain.tariffs.cost import LineReason
from ampyard.domain.tariffs.model import PriceComponent, Tariff, TariffDimensionType, TariffElement, TariffRestrictions
from ampyard.domain.tariffs.numbers import scaled, total
from ampyard.domain.tariffs.price_list import PriceList
from ampyard.domain.tariffs.pricing import price as price_session
from ampyard.domain.tariffs.restrictions import Circumstances
from ampyard.domain.tariffs.rounding import Rounding, RoundingMode
from ampyard.domain.tariffs.session import ChargingPeriod, ChargingSession

_MIDNIGHT = time(0)
_WH_PER_KWH = 3  # decimals
# Of many transactions of one's own, halves that go up and down alike cost what they should; see docs/adr/0040.
_ROUNDING = Rounding(mode=RoundingMode.HALF_EVEN)


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

    def tariff(self) -> Tariff:
        """Return the price as a tariff, without steps and taxes."""
        elements = [element for window in self.windows for element in _elements(window)]
        return Tariff(str(self.id), self.currency, (*elements, TariffElement((_component(self.price_per_kwh),))))

    def at(self, moment: datetime, time_zone: str) -> Decimal:
        """Return the price a kWh at a moment; windows are read on the clock of the zone."""
        entry = _price_list(self).active(TariffDimensionType.ENERGY, Circumstances(moment.astimezone(ZoneInfo(time_zone))))
        return self.price_per_kwh if entry is None else entry.component.price


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
    priced: list[tuple[EnergyInterval, EnergyPrice]] = []
    for interval in intervals:
        price = next((price for price in known if price.valid_from <= interval.starts_at), None)
        if price is not None:
            priced.append((interval, price))
        elif interval.energy_wh > 0:
            return Cost.not_known(CostUnknown.NO_PRICE)
    if not priced:
        return Cost.not_known(CostUnknown.NO_PRICE)
    charged = [(interval, price) for interval, price in priced if interval.energy_wh > 0] or priced[-1:]
    currencies = {price.currency for _, price in charged}
    if len(currencies) > 1:
        return Cost.not_known(CostUnknown.MIXED_CURRENCIES)
    (currency,) = currencies
    session = ChargingSession(tuple(_period(interval, price) for interval, price in charged), time_zone)
    tariffs = {price.id: _tariff(price) for _, price in charged}
    found = price_session(session, tariffs.values(), _ROUNDING)
    amount = found.total_cost.before_taxes.quantize(Decimal(1).scaleb(-minor_unit(currency)))
    return Cost(amount, currency, tuple(_lines(found.lines)), None)


def _period(interval: EnergyInterval, price: EnergyPrice) -> ChargingPeriod:
    energy_kwh = scaled(Decimal(interval.energy_wh), _WH_PER_KWH)
    return ChargingPeriod(interval.starts_at, interval.ends_at, str(price.id), energy_kwh)


def _lines(priced: Iterable[priced_cost.CostLine]) -> Iterator[CostLine]:
    """Yield the lines of energy, those of one price that follow each other together: windows may have the same."""
    before: CostLine | None = None
    for line in priced:
        if line.reason is not LineReason.COMPONENT or line.component is None:
            continue
        energy_wh, amount = float(scaled(line.volume, -_WH_PER_KWH)), line.price.before_taxes
        per_kwh = line.component.price
        if before is not None and before.price_per_kwh == per_kwh and before.ends_at == line.starts_at:
            before = replace(before, ends_at=line.ends_at, energy_wh=before.energy_wh + energy_wh, amount=total([before.amount, amount]))
            continue
        if before is not None:
            yield before
        before = CostLine(line.starts_at, line.ends_at, energy_wh, per_kwh, amount)
    if before is not None:
        yield before


@lru_cache(maxsize=256)
def _tariff(price: EnergyPrice) -> Tariff:
    return price.tariff()


@lru_cache(maxsize=256)
def _price_list(price: EnergyPrice) -> PriceList:
    return PriceList(_tariff(price))


def _elements(window: PriceWindow) -> Iterator[TariffElement]:
    """Yield a window as elements. A tariff's days are those of the moment, not of a window's begin: one over midnight makes two."""
    component = _component(window.price_per_kwh)
    if window.starts_at < window.ends_at:
        yield TariffElement((component,), TariffRestrictions(window.starts_at, window.ends_at, day_of_week=window.weekdays))
        return
    yield TariffElement((component,), TariffRestrictions(window.starts_at, day_of_week=window.weekdays))
    if window.ends_at > _MIDNIGHT:
        days_after = frozenset(Weekday(day % len(Weekday) + 1) for day in window.weekdays)
        yield TariffElement((component,), TariffRestrictions(end_time=window.ends_at, day_of_week=days_after))


def _component(price_per_kwh: Decimal) -> PriceComponent:
    return PriceComponent(TariffDimensionType.ENERGY, price_per_kwh, step_size=0)
