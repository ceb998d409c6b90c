"""CDRs: what was charged, sealed, as the one who pays for it gets it (OCPI, mod_cdrs)."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ampyard.domain.roaming.partners import PartyId
from ampyard.domain.roaming.periods import CdrPeriod
from ampyard.domain.roaming.sessions import AuthMethod, CdrToken
from ampyard.domain.roaming.tariffs import PartyTariff
from ampyard.domain.tariffs.money import Price


@dataclass(frozen=True, slots=True)
class CdrLocation:
    """Where it was charged, as it was at the start (10.4.4).

    `country` is ISO 3166-1 alpha-3; `latitude` and `longitude` are in degrees. `evse_uid`, `evse_id` and `connector_id` are None for a
    reservation that never became a session, and `evse_id` where the EVSE has none; OCPI's `#NA`.
    """

    id: str
    name: str | None
    address: str
    city: str
    postal_code: str | None
    state: str | None
    country: str
    latitude: float
    longitude: float
    evse_uid: str | None
    evse_id: str | None
    connector_id: str | None
    connector_standard: str
    connector_format: str
    connector_power_type: str


@dataclass(frozen=True, slots=True)
class SignedValue:
    """A reading as the meter signed it; `nature` is Start, End or Intermediate (10.4.8). `signed_data` is in Base64."""

    nature: str
    plain_data: str
    signed_data: str


@dataclass(frozen=True, slots=True)
class SignedData:
    """What a meter signed, and how to check it (10.4.7): `encoding_method` such as OCMF, `public_key` in Base64, `url` for the driver."""

    encoding_method: str
    encoding_method_version: int | None
    public_key: str | None
    signed_values: tuple[SignedValue, ...]
    url: str | None


@dataclass(frozen=True, slots=True)
class CdrTotals:
    """What it comes to (10.3.1): energy in kWh, times in hours, costs in the CDR's currency; None: there is nothing of the kind.

    `total_time` includes `total_parking_time`.
    """

    total_cost: Price
    total_energy: Decimal
    total_time: Decimal
    total_parking_time: Decimal | None = None
    total_fixed_cost: Price | None = None
    total_energy_cost: Price | None = None
    total_time_cost: Price | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None


@dataclass(frozen=True, slots=True)
class Cdr:
    """A charge detail record. It never changes; a credit CDR takes one back. The id is that of OCPI, too.

    Location, tariffs and token are as they were at the start. `session_id` is None for a reservation that never became a session.
    `credit_reference_id` names the CDR that this one takes back; its `total_cost` is negative. `home_charging_compensation`: the driver's
    own charger was used, and the energy is to be paid to the driver. `partner_id` None: nobody is told of it.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    partner_id: uuid.UUID | None
    depot_id: uuid.UUID
    transaction_id: uuid.UUID | None
    country_code: str
    party_id: str
    start_date_time: datetime
    end_date_time: datetime
    session_id: uuid.UUID | None
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: str | None
    cdr_location: CdrLocation
    meter_id: str | None
    currency: str
    tariffs: tuple[PartyTariff, ...]
    charging_periods: tuple[CdrPeriod, ...]
    signed_data: SignedData | None
    totals: CdrTotals
    remark: str | None
    invoice_reference_id: str | None
    credit_reference_id: uuid.UUID | None
    home_charging_compensation: bool
    last_updated: datetime

    @property
    def party(self) -> PartyId:
        """Our party that the CDR is of."""
        return PartyId(self.country_code, self.party_id)

    @property
    def credit(self) -> bool:
        """Whether it takes another one back."""
        return self.credit_reference_id is not None
