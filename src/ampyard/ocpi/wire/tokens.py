"""Token and what is asked and answered about one (OCPI, chapter 12)."""

from typing import Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.wire.types import CiString, CountryCode, DateTime, DisplayText, Identifier, Many, OpenEnum, PartyCode, String, WireModel

AllowedType: TypeAlias = Literal["ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"]
ProfileType: TypeAlias = Literal["CHEAP", "FAST", "GREEN", "REGULAR"]
WhitelistType: TypeAlias = Literal["ALWAYS", "ALLOWED", "ALLOWED_OFFLINE", "NEVER"]


class EnergyContract(WireModel):
    """The driver's own contract with a supplier of energy."""

    supplier_name: String = Field(max_length=64)
    contract_id: String | None = Field(default=None, max_length=64)


class Token(WireModel):
    """What a driver identifies with."""

    country_code: CountryCode
    party_id: PartyCode
    uid: Identifier
    type: OpenEnum
    contract_id: CiString = Field(max_length=36)
    visual_number: String | None = Field(default=None, max_length=64)
    issuer: String = Field(max_length=64)
    group_id: CiString | None = Field(default=None, max_length=36)
    valid: bool
    whitelist: WhitelistType
    language: String | None = Field(default=None, min_length=2, max_length=2)
    default_profile_type: ProfileType | None = None
    energy_contract: EnergyContract | None = None
    last_updated: DateTime


class LocationReferences(WireModel):
    """Where a driver wants to charge; without EVSEs, at the location."""

    location_id: Identifier
    evse_uids: Many[Identifier] | None = None


class AuthorizationInfo(WireModel):
    """What the issuer of a token says when asked."""

    allowed: AllowedType
    token: Token
    location: LocationReferences | None = None
    authorization_reference: CiString | None = Field(default=None, max_length=36)
    info: DisplayText | None = None
