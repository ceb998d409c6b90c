"""Sessions: charging by drivers of other parties while it goes on (OCPI, mod_sessions)."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ampyard.domain.roaming.partners import PartyId
from ampyard.domain.roaming.periods import CdrPeriod
from ampyard.domain.roaming.tokens import ProfileType
from ampyard.domain.tariffs.money import Price


class SessionStatus(StrEnum):
    """Where a session is in its life (2.2.1 and 2.3.0, 9.4.3). COMPLETED is for good; INVALID ones are not billed."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    INVALID = "INVALID"
    PENDING = "PENDING"
    RESERVATION = "RESERVATION"


class AuthMethod(StrEnum):
    """How it was decided that the driver may charge (2.2.1 and 2.3.0, 10.4.1): by asking, by a command, or from the whitelist."""

    AUTH_REQUEST = "AUTH_REQUEST"
    COMMAND = "COMMAND"
    WHITELIST = "WHITELIST"


@dataclass(frozen=True, slots=True)
class CdrToken:
    """The token a session was started with, as it was then (10.4.5)."""

    party: PartyId
    uid: str
    type: str
    contract_id: str


@dataclass(frozen=True, slots=True)
class Session:
    """A transaction as the partner sees it whose token it was started with. The id is that of OCPI, too.

    `depot_id` is OCPI's location_id. `evse_uid` and `connector_id` are None while none is assigned (a reservation); OCPI's `#NA`.
    `start_date_time` is when it became ACTIVE; before, when it was made. `kwh` is what has been charged. `total_cost` None: not known,
    which is not free of charge. `partner_id` None: nobody is told of it.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    partner_id: uuid.UUID | None
    depot_id: uuid.UUID
    transaction_id: uuid.UUID | None
    country_code: str
    party_id: str
    start_date_time: datetime
    end_date_time: datetime | None
    kwh: Decimal
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: str | None
    evse_uid: uuid.UUID | None
    connector_id: str | None
    meter_id: str | None
    currency: str
    charging_periods: tuple[CdrPeriod, ...]
    total_cost: Price | None
    status: SessionStatus
    last_updated: datetime

    @property
    def party(self) -> PartyId:
        """Our party that the session is of."""
        return PartyId(self.country_code, self.party_id)


@dataclass(frozen=True, slots=True)
class ChargingPreferences:
    """What a driver wants of a session (9.3.2): by when, how much energy in kWh, and whether it may be discharged meanwhile."""

    profile_type: ProfileType
    departure_time: datetime | None
    energy_need: Decimal | None
    discharge_allowed: bool


class ChargingPreferencesResponse(StrEnum):
    """What becomes of charging preferences (2.2.1 and 2.3.0, 9.4.1)."""

    ACCEPTED = "ACCEPTED"
    DEPARTURE_REQUIRED = "DEPARTURE_REQUIRED"
    ENERGY_NEED_REQUIRED = "ENERGY_NEED_REQUIRED"
    NOT_POSSIBLE = "NOT_POSSIBLE"
    PROFILE_TYPE_NOT_SUPPORTED = "PROFILE_TYPE_NOT_SUPPORTED"
