"""The types of OCPI 2.2.1 that 2.3.0 has otherwise (chapter 16)."""

from typing import Literal, TypeAlias

from ampyard.ocpi.wire.types import Number, WireModel

Role: TypeAlias = Literal["CPO", "EMSP", "HUB", "NAP", "NSP", "OTHER", "SCSP"]
TokenType: TypeAlias = Literal["AD_HOC_USER", "APP_USER", "OTHER", "RFID"]


class Price(WireModel):
    """An amount without VAT, and with it."""

    excl_vat: Number
    incl_vat: Number | None = None
