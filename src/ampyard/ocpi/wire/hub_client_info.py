"""ClientInfo (OCPI, chapter 15), as 2.2.1 and 2.3.0 share it."""

from typing import Literal, TypeAlias

from ampyard.ocpi.wire.types import CountryCode, DateTime, PartyCode, WireModel

ConnectionStatus: TypeAlias = Literal["CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED"]


class ClientInfo(WireModel):
    """Whether another party is connected to a hub."""

    party_id: PartyCode
    country_code: CountryCode
    status: ConnectionStatus
    last_updated: DateTime
