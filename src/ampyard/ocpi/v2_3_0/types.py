"""The types of OCPI 2.3.0 that 2.2.1 has otherwise (chapter 16)."""

from typing import Literal, TypeAlias

from ampyard.ocpi.wire.types import Many, Number, String, WireModel

# A hub is no role any more (chapter 7, hub_party_id). PTP is a role of the Payments module (2.3.0 payments, chapter 2, Abbreviations).
Role: TypeAlias = Literal["CPO", "EMSP", "NAP", "NSP", "OTHER", "PTP", "SCSP"]


class TaxAmount(WireModel):
    """What is due of a tax; `percentage` is its rate."""

    name: String
    account_number: String | None = None
    percentage: Number | None = None
    amount: Number


class Price(WireModel):
    """An amount without taxes, and the taxes on it."""

    before_taxes: Number
    taxes: Many[TaxAmount] | None = None
