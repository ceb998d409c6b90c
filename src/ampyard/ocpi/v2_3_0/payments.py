"""Terminal and FinancialAdviceConfirmation of the Payments module (OCPI 2.3.0 payments, mod_payments)."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.v2_3_0.types import Price
from ampyard.ocpi.wire.locations import GeoLocation
from ampyard.ocpi.wire.types import CiString, CountryCode, DateTime, Identifier, Many, PartyCode, String, Url, WireModel

InvoiceCreator: TypeAlias = Literal["CPO", "PTP"]
CaptureStatusCode: TypeAlias = Literal["SUCCESS", "PARTIAL_SUCCESS", "FAILED"]
InvoiceLine: TypeAlias = Annotated[String, Field(min_length=1, max_length=255)]


class _TerminalDetails(WireModel):
    # CiStrings in the text of the standard; but addresses and receipts are not in ASCII everywhere.
    customer_reference: CiString | None = Field(default=None, max_length=36)
    party_id: PartyCode | None = None
    country_code: CountryCode | None = None
    address: String | None = Field(default=None, max_length=45)
    city: String | None = Field(default=None, max_length=45)
    postal_code: CiString | None = Field(default=None, max_length=10)
    state: String | None = Field(default=None, max_length=20)
    country: CiString | None = Field(default=None, min_length=3, max_length=3)
    coordinates: GeoLocation | None = None
    invoice_base_url: Url | None = None
    invoice_creator: InvoiceCreator | None = None
    reference: CiString | None = Field(default=None, max_length=36)
    location_ids: Many[Identifier] | None = None
    evse_uids: Many[Identifier] | None = None


class Terminal(_TerminalDetails):
    """A payment terminal, and the locations and EVSEs it takes payments for."""

    terminal_id: Identifier
    last_updated: DateTime


class NewTerminal(_TerminalDetails):
    """Terminal as a provider creates it: it "can be just the terminal id" (mod_payments, POST Terminal Method)."""

    terminal_id: Identifier
    last_updated: DateTime | None = None


class TerminalActivation(_TerminalDetails):
    """A terminal to activate; its id is given by the provider (mod_payments, POST Activate Terminal Method)."""

    terminal_id: Identifier | None = None
    last_updated: DateTime


class FinancialAdviceConfirmation(WireModel):
    """What was captured of a payment; `eft_data` are the lines of it that belong on the invoice."""

    id: Identifier
    authorization_reference: CiString = Field(max_length=36)
    total_costs: Price
    currency: CiString = Field(min_length=3, max_length=3)
    eft_data: Many[InvoiceLine] = Field(min_length=1)
    capture_status_code: CaptureStatusCode
    capture_status_message: String | None = Field(default=None, min_length=1, max_length=255)
    last_updated: DateTime
