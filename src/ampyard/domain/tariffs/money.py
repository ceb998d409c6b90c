"""Amounts of money with their taxes (OCPI 2.3.0, types, Price and TaxAmount)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ampyard.domain.tariffs.model import TaxRate
from ampyard.domain.tariffs.numbers import total


@dataclass(frozen=True, slots=True)
class TaxAmount:
    """What is due of a tax."""

    tax: TaxRate
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """An amount without taxes, and the taxes on it.

    What is in a price with taxes (`TaxIncluded.YES`), and no rate says how much it is, stays in `before_taxes`.
    """

    before_taxes: Decimal
    taxes: tuple[TaxAmount, ...] = ()

    @property
    def after_taxes(self) -> Decimal:
        """The amount with taxes: `incl_vat` of 2.2.1."""
        return total([self.before_taxes, *(tax.amount for tax in self.taxes)])

    def negated(self) -> "Price":
        """Return the same amount in the other direction."""
        return Price(self.before_taxes.copy_negate(), tuple(TaxAmount(due.tax, due.amount.copy_negate()) for due in self.taxes))


def sum_of(prices: Iterable[Price]) -> Price:
    """Return the sum of amounts, tax by tax in the order they come up, with all digits."""
    before: list[Decimal] = []
    taxes: dict[TaxRate, list[Decimal]] = {}
    for price in prices:
        before.append(price.before_taxes)
        for due in price.taxes:
            taxes.setdefault(due.tax, []).append(due.amount)
    return Price(total(before), tuple(TaxAmount(tax, total(amounts)) for tax, amounts in taxes.items()))
