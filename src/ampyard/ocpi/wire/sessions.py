"""Session and charging preferences (OCPI, chapter 9), as 2.2.1 and 2.3.0 share them. What it costs is each version's own."""

from typing import Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.wire.cdrs import AuthMethod, ChargingPeriod
from ampyard.ocpi.wire.tokens import ProfileType
from ampyard.ocpi.wire.types import CiString, CountryCode, CurrencyCode, DateTime, Identifier, Many, Number, PartyCode, String, WireModel

SessionStatus: TypeAlias = Literal["ACTIVE", "COMPLETED", "INVALID", "PENDING", "RESERVATION"]
ChargingPreferencesResponse: TypeAlias = Literal[
    "ACCEPTED", "DEPARTURE_REQUIRED", "ENERGY_NEED_REQUIRED", "NOT_POSSIBLE", "PROFILE_TYPE_NOT_SUPPORTED"
]


class Session(WireModel):
    """A charging session as it stands."""

    country_code: CountryCode
    party_id: PartyCode
    id: Identifier
    start_date_time: DateTime
    end_date_time: DateTime | None = None
    kwh: Number
    auth_method: AuthMethod
    authorization_reference: CiString | None = Field(default=None, max_length=36)
    location_id: Identifier
    evse_uid: Identifier
    connector_id: Identifier
    meter_id: String | None = Field(default=None, max_length=255)
    currency: CurrencyCode
    charging_periods: Many[ChargingPeriod] | None = None
    status: SessionStatus
    last_updated: DateTime


class ChargingPreferences(WireModel):
    """What a driver wants of a session; `energy_need` in kWh."""

    profile_type: ProfileType
    departure_time: DateTime | None = None
    energy_need: Number | None = None
    discharge_allowed: bool | None = None
