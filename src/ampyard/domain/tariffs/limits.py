"""The least and the most that a session costs (OCPI, mod_tariffs, `min_price` and `max_price`)."""

from fractions import Fraction

from ampyard.domain.tariffs.dues import Due
from ampyard.domain.tariffs.model import PriceLimit, Tariff, TaxIncluded, TaxRate
from ampyard.domain.tariffs.price_list import PriceList


def beyond(prices: PriceList, limit: PriceLimit, cost: Due, exact: Due, *, least: bool) -> Due | None:
    """Return what has to be added to a cost for a limit to be kept, less than nothing for a `max_price`; `None`: it is kept.

    Without and with taxes, each has its own limit. Where none is given with taxes, it is in proportion. What is added is divided among
    the taxes as the cost is; where that is nothing, by the taxes of the tariff's first component that has any.

    Args:
        prices: of the tariff.
        limit: the least or the most.
        cost: what was used costs, rounded if lines are.
        exact: the same, not rounded.
        least: whether it is the least.
    """
    bound = max if least else min
    rates = _rates(prices, exact)
    if not rates:
        # What is in the prices of a tariff with taxes and has no rate cannot be told apart: the amounts are with taxes.
        with_taxes = prices.tariff.tax_included is TaxIncluded.YES and limit.after_taxes is not None
        more = bound(Fraction(limit.after_taxes if with_taxes and limit.after_taxes is not None else limit.before_taxes), cost.before)
        return Due(more - cost.before) if more != cost.before else None
    share = sum(rates.values(), Fraction(0))
    before = bound(Fraction(limit.before_taxes), cost.before)
    taxed = Fraction(limit.before_taxes) * (1 + share) if limit.after_taxes is None else Fraction(limit.after_taxes)
    after = bound(taxed, cost.after)
    if before == cost.before and after == cost.after:
        return None
    parts = {rate: part / share if share else Fraction(1, len(rates)) for rate, part in rates.items()}
    return Due(before - cost.before, {rate: (after - before) * part - cost.taxes.get(rate, Fraction(0)) for rate, part in parts.items()})


def _rates(prices: PriceList, cost: Due) -> dict[TaxRate, Fraction]:
    """Return the taxes of a cost, each as a share of the amount without taxes."""
    if cost.before:
        return {tax: amount / cost.before for tax, amount in cost.taxes.items()}
    first = next((entry.rates for entry in prices.entries if entry.rates), ())
    return {rate: Fraction(rate.percentage) / 100 for rate in first}


def limits_of(tariff: Tariff) -> tuple[tuple[PriceLimit, bool], ...]:
    """Return the limits of a tariff, each with whether it is the least; of the two, the most goes last."""
    both = ((tariff.min_price, True), (tariff.max_price, False))
    return tuple((limit, least) for limit, least in both if limit is not None)
