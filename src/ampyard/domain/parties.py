"""The tenant's parties in the roaming network, and the credentials of its partners."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.errors import InvalidInputError

_COUNTRY = re.compile(r"[A-Z]{2}")
_PARTY = re.compile(r"[A-Z0-9]{3}")


@dataclass(frozen=True, slots=True)
class OcpiParty:
    """What the tenant is in the roaming network: ISO 3166-1 alpha-2 country and party id (OCPI 2.2.1, section 7.4; ISO 15118-2, annex H).

    Raises:
        InvalidInputError: country or party id is malformed.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    country_code: str
    party_id: str
    name: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        if not _COUNTRY.fullmatch(self.country_code):
            raise InvalidInputError(
                f"{self.country_code[:20]!r} is no country; give two capitals of ISO 3166-1, such as DE.", path=("input", "countryCode")
            )
        if not _PARTY.fullmatch(self.party_id):
            raise InvalidInputError(
                f"{self.party_id[:20]!r} is no party id; give three capitals or digits, such as AMP.", path=("input", "partyId")
            )


@dataclass(frozen=True, slots=True)
class OcpiCredential:
    """What a roaming partner comes with. Of the token itself only `prefix` is known, of older ones not even that."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    partner_name: str
    prefix: str | None
    author: str | None
    created_at: datetime
    revoked_at: datetime | None
