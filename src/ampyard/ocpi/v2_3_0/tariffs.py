"""Tariff of OCPI 2.3.0 (chapter 11): whether prices have taxes in them is said."""

from typing import Literal, TypeAlias

from ampyard.ocpi.wire import tariffs as shared
from ampyard.ocpi.wire.types import Number, WireModel

TaxIncluded: TypeAlias = Literal["YES", "NO", "N/A"]


class PriceLimit(WireModel):
    """The least or the most that a session costs, without and with taxes."""

    before_taxes: Number
    after_taxes: Number | None = None


class Tariff(shared.Tariff):
    """`preauthorize_amount` is of the Payments module (2.3.0 payments, 11.3.1)."""

    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    preauthorize_amount: Number | None = None
    tax_included: TaxIncluded
