"""Tokens: what drivers of other parties identify themselves with (OCPI, mod_tokens)."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.roaming.partners import PartyId


class TokenType(StrEnum):
    """The types that the standard names (2.3.0, 12.4.4). 2.3.0 lets parties have others, so that a token's type is text."""

    AD_HOC_USER = "AD_HOC_USER"
    APP_USER = "APP_USER"
    EMAID = "EMAID"
    OTHER = "OTHER"
    RFID = "RFID"


class WhitelistType(StrEnum):
    """When we may decide on a token ourselves, and when its issuer has to be asked (2.2.1 and 2.3.0, 12.4.5).

    ALWAYS: we decide, asking is not possible. ALLOWED: either. ALLOWED_OFFLINE: we ask, and decide ourselves where nobody answers.
    NEVER: we always ask.
    """

    ALWAYS = "ALWAYS"
    ALLOWED = "ALLOWED"
    ALLOWED_OFFLINE = "ALLOWED_OFFLINE"
    NEVER = "NEVER"


class ProfileType(StrEnum):
    """What a driver prefers: the cheapest energy, the fastest charging, the greenest energy, or nothing (2.2.1 and 2.3.0, 9.4.2)."""

    CHEAP = "CHEAP"
    FAST = "FAST"
    GREEN = "GREEN"
    REGULAR = "REGULAR"


class AllowedType(StrEnum):
    """What the issuer says when asked for a token (2.2.1 and 2.3.0, 12.4.1)."""

    ALLOWED = "ALLOWED"
    BLOCKED = "BLOCKED"
    EXPIRED = "EXPIRED"
    NO_CREDIT = "NO_CREDIT"
    NOT_ALLOWED = "NOT_ALLOWED"


@dataclass(frozen=True, slots=True)
class EnergyContract:
    """The driver's own contract with a supplier of energy (12.4.2)."""

    supplier_name: str
    contract_id: str | None


@dataclass(frozen=True, slots=True)
class RoamingToken:
    """A token of a partner. A party has one of each `uid` and `type`; `country_code`, `party_id` and `uid` are compared without case.

    `document` is the Token as it was received, JSON text, in the shape of `version`; everything else is read from it. It is what a GET
    returns, unknown fields and the digits of numbers included.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    partner_id: uuid.UUID
    country_code: str
    party_id: str
    uid: str
    type: str
    contract_id: str
    visual_number: str | None
    issuer: str
    group_id: str | None
    valid: bool
    whitelist: WhitelistType
    language: str | None
    default_profile_type: ProfileType | None
    energy_contract: EnergyContract | None
    last_updated: datetime
    version: str
    document: str
    created_at: datetime
    updated_at: datetime

    @property
    def party(self) -> PartyId:
        """Whose token it is."""
        return PartyId(self.country_code, self.party_id)
