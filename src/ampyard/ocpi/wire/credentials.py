"""Credentials and the roles they are for (OCPI, chapter 7), as 2.2.1 and 2.3.0 share them."""

from pydantic import Field

from ampyard.ocpi.wire.locations import BusinessDetails
from ampyard.ocpi.wire.types import CountryCode, PartyCode, Url, WireModel


class CredentialsRole(WireModel):
    """A party and what it is in the network."""

    business_details: BusinessDetails
    party_id: PartyCode
    country_code: CountryCode


class Credentials(WireModel):
    """The token to come with, where the versions are, and for which parties."""

    token: str = Field(min_length=1, max_length=64, pattern=r"^[!-~]*$")
    url: Url
