"""Amounts of money in either version: 2.3.0 tells taxes one by one, 2.2.1 knows an amount without VAT and one with it.

What 2.2.1 cannot say is which taxes there are, their rates, and to which account they go.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ampyard.domain.tariffs.money import Price


def price_2_2_1(price: Price) -> dict[str, Any]:
    """Return a Price of 2.2.1."""
    return {"excl_vat": price.before_taxes, "incl_vat": price.after_taxes}


def price_2_3_0(price: Price) -> dict[str, Any]:
    """Return a Price of 2.3.0."""
    if not price.taxes:
        return {"before_taxes": price.before_taxes}
    taxes = []
    for due in price.taxes:
        tax: dict[str, Any] = {"name": due.tax.name}
        if due.tax.account_number is not None:
            tax["account_number"] = due.tax.account_number
        tax["percentage"] = due.tax.percentage
        tax["amount"] = due.amount
        taxes.append(tax)
    return {"before_taxes": price.before_taxes, "taxes": taxes}


PRICE: Mapping[str, Callable[[Price], dict[str, Any]]] = {"2.2.1": price_2_2_1, "2.3.0": price_2_3_0}
