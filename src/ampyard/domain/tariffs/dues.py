"""Amounts as exact fractions, with their taxes, and how they are rounded."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, trunc

from ampyard.domain.tariffs.model import TaxIncluded, TaxRate
from ampyard.domain.tariffs.money import Price, TaxAmount
from ampyard.domain.tariffs.numbers import scaled, shown
from ampyard.domain.tariffs.price_list import Entry
from ampyard.domain.tariffs.rounding import RoundingMode

_HALF = Fraction(1, 2)


def _half_up(number: Fraction) -> int:
    """Return the nearest whole number, of two the one further from 0, so that a credit is its cost in the other direction."""
    return floor(number + _HALF) if number >= 0 else ceil(number - _HALF)


_TO_WHOLE: Mapping[RoundingMode, Callable[[Fraction], int]] = {
    RoundingMode.HALF_UP: _half_up,
    RoundingMode.HALF_EVEN: round,
    RoundingMode.UP: ceil,
    RoundingMode.DOWN: trunc,
}


@dataclass(frozen=True, slots=True)
class Due:
    """An exact amount without taxes, and the exact taxes on it, tax by tax."""

    before: Fraction = Fraction(0)
    taxes: Mapping[TaxRate, Fraction] = field(default_factory=dict)

    @property
    def after(self) -> Fraction:
        """The amount with taxes."""
        return self.before + sum(self.taxes.values(), Fraction(0))

    def negated(self) -> "Due":
        """Return the same amount in the other direction."""
        return Due(-self.before, {tax: -amount for tax, amount in self.taxes.items()})

    def shown(self) -> Price:
        """Return the amount as decimals."""
        return Price(shown(self.before), tuple(TaxAmount(tax, shown(amount)) for tax, amount in self.taxes.items()))

    def rounded(self, mode: RoundingMode, decimals: int) -> Price:
        """Return the amount rounded, without and with taxes each by itself; what lies between is divided among the taxes.

        A tax gets its whole units, and those left over go to the largest remainders, so that the parts make up the whole.
        """
        unit, to_whole = 10**decimals, _TO_WHOLE[mode]
        before, after = to_whole(self.before * unit), to_whole(self.after * unit)
        parts = {tax: floor(amount * unit) for tax, amount in self.taxes.items()}
        left = after - before - sum(parts.values())
        by_remainder = sorted(parts, key=lambda tax: self.taxes[tax] * unit - parts[tax], reverse=left > 0)
        for number in range(abs(left)):
            parts[by_remainder[number % len(by_remainder)]] += 1 if left > 0 else -1
        return Price(scaled(before, decimals), tuple(TaxAmount(tax, scaled(units, decimals)) for tax, units in parts.items()))


def due_of(entry: Entry, units: Fraction) -> Due:
    """Return what some units of a component cost: kWh, hours, or how many times."""
    amount = Fraction(entry.component.price) * units
    shares = {rate: Fraction(rate.percentage) / 100 for rate in entry.rates}
    before = amount / (1 + sum(shares.values())) if entry.tariff.tax_included is TaxIncluded.YES else amount
    return Due(before, {rate: before * share for rate, share in shares.items()})


def exactly(price: Price) -> Due:
    """Return an amount that was rounded as what it now is."""
    return Due(Fraction(price.before_taxes), {due.tax: Fraction(due.amount) for due in price.taxes})


def added(dues: Iterable[Due]) -> Due:
    """Return the exact sum of amounts, tax by tax in the order they come up."""
    before = Fraction(0)
    taxes: dict[TaxRate, Fraction] = {}
    for due in dues:
        before += due.before
        for tax, amount in due.taxes.items():
            taxes[tax] = taxes.get(tax, Fraction(0)) + amount
    return Due(before, taxes)
