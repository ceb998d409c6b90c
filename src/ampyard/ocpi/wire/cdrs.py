"""CDR and its parts (OCPI, chapter 10), as 2.2.1 and 2.3.0 share them. Prices and what they are made of are each version's own."""

from typing import Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.wire.locations import ConnectorFormat, GeoLocation, PowerType
from ampyard.ocpi.wire.types import (
    CiString,
    CountryCode,
    CurrencyCode,
    DateTime,
    Identifier,
    Many,
    Number,
    OpenEnum,
    PartyCode,
    String,
    WireModel,
)

AuthMethod: TypeAlias = Literal["AUTH_REQUEST", "COMMAND", "WHITELIST"]
CdrDimensionType: TypeAlias = Literal[
    "CURRENT",
    "ENERGY",
    "ENERGY_EXPORT",
    "ENERGY_IMPORT",
    "MAX_CURRENT",
    "MIN_CURRENT",
    "MAX_POWER",
    "MIN_POWER",
    "PARKING_TIME",
    "POWER",
    "RESERVATION_TIME",
    "STATE_OF_CHARGE",
    "TIME",
]

# Longer than other ids: a credit CDR may have something appended (10.3.1).
_CDR_ID_LENGTH = 39


class CdrDimension(WireModel):
    """Energy in kWh, times in hours, power in kW, current in A, state of charge in percent."""

    type: CdrDimensionType
    volume: Number


class ChargingPeriod(WireModel):
    """A period lasts until the next one begins, the last until the session ends."""

    start_date_time: DateTime
    dimensions: Many[CdrDimension] = Field(min_length=1)
    tariff_id: Identifier | None = None


class CdrToken(WireModel):
    """The token a session was started with."""

    country_code: CountryCode
    party_id: PartyCode
    uid: Identifier
    type: OpenEnum
    contract_id: CiString = Field(max_length=36)


class CdrLocation(WireModel):
    """Where it was charged, as it was at the start."""

    id: Identifier
    name: String | None = Field(default=None, max_length=255)
    address: String = Field(max_length=45)
    city: String = Field(max_length=45)
    postal_code: String | None = Field(default=None, max_length=10)
    state: String | None = Field(default=None, max_length=20)
    country: String = Field(min_length=3, max_length=3)
    coordinates: GeoLocation
    evse_uid: Identifier
    evse_id: CiString = Field(max_length=48)
    connector_id: Identifier
    connector_standard: OpenEnum
    connector_format: ConnectorFormat
    connector_power_type: PowerType


class SignedValue(WireModel):
    """A reading as the meter signed it."""

    nature: CiString = Field(max_length=32)
    plain_data: String = Field(max_length=5000)
    signed_data: String = Field(max_length=5000)


class SignedData(WireModel):
    """What a meter signed, and how to check it."""

    encoding_method: CiString = Field(max_length=36)
    encoding_method_version: int | None = None
    public_key: String | None = Field(default=None, max_length=512)
    signed_values: Many[SignedValue] = Field(min_length=1)
    url: String | None = Field(default=None, max_length=512)


class Cdr(WireModel):
    """CDR: what was charged, sealed. Energy in kWh, times in hours."""

    country_code: CountryCode
    party_id: PartyCode
    id: CiString = Field(min_length=1, max_length=_CDR_ID_LENGTH)
    start_date_time: DateTime
    end_date_time: DateTime
    session_id: Identifier | None = None
    auth_method: AuthMethod
    authorization_reference: CiString | None = Field(default=None, max_length=36)
    meter_id: String | None = Field(default=None, max_length=255)
    currency: CurrencyCode
    charging_periods: Many[ChargingPeriod] = Field(min_length=1)
    signed_data: SignedData | None = None
    total_energy: Number
    total_time: Number
    total_parking_time: Number | None = None
    remark: String | None = Field(default=None, max_length=255)
    invoice_reference_id: CiString | None = Field(default=None, max_length=39)
    credit: bool | None = None
    credit_reference_id: CiString | None = Field(default=None, max_length=_CDR_ID_LENGTH)
    home_charging_compensation: bool | None = None
    last_updated: DateTime
