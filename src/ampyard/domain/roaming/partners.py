"""Partners: the platforms of other parties in the roaming network, and how far registration with each has come."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class PartnerRole(StrEnum):
    """Role (OCPI 2.3.0, chapter 7, and 2.3.0 payments): what a party is in the network."""

    CPO = "CPO"
    EMSP = "EMSP"
    HUB = "HUB"
    NAP = "NAP"
    NSP = "NSP"
    OTHER = "OTHER"
    PTP = "PTP"
    SCSP = "SCSP"


class InterfaceRole(StrEnum):
    """Which side of a module an endpoint is (2.2.1 and 2.3.0, section 6.2.3)."""

    SENDER = "SENDER"
    RECEIVER = "RECEIVER"


class RegistrationState(StrEnum):
    """How far registration with a partner is (2.2.1 and 2.3.0, section 7.1.1).

    INVITED: we have made token A; the partner has not come with it. APPROACHED: we were given token A, and have not finished the
    handshake we began. REGISTERED: tokens B and C are exchanged, or were exchanged by hand. SUSPENDED: switched off by us; its
    tokens are refused and nothing is sent. UNREGISTERED: ended by a DELETE, of either side.
    """

    INVITED = "INVITED"
    APPROACHED = "APPROACHED"
    REGISTERED = "REGISTERED"
    SUSPENDED = "SUSPENDED"
    UNREGISTERED = "UNREGISTERED"


class TokenKind(StrEnum):
    """What a token that a partner comes with is good for: A for versions and credentials alone, the other two for everything.

    C is what the handshake returns; MANUAL was handed over by hand, for partners with whom no handshake is made.
    """

    A = "A"
    C = "C"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True)
class PartyId:
    """A party in the network: country (ISO 3166-1 alpha-2) and party id (ISO 15118-2, annex H), as written; compared without case."""

    country_code: str
    party_id: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartyId) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> tuple[str, str]:
        """What two writings of one party have in common."""
        return self.country_code.upper(), self.party_id.upper()

    def __str__(self) -> str:
        return f"{self.country_code}*{self.party_id}"


@dataclass(frozen=True, slots=True)
class PartnerParty:
    """One of the roles a partner's platform serves (CredentialsRole, 7.4.1); `business` is its BusinessDetails as received, JSON text."""

    party: PartyId
    role: PartnerRole
    name: str
    business: str = "{}"


@dataclass(frozen=True, slots=True)
class PartnerEndpoint:
    """Where a partner serves one side of a module (Endpoint, 6.2.2)."""

    identifier: str
    role: InterfaceRole
    url: str


@dataclass(frozen=True, slots=True)
class PeerSwitches:
    """What to do otherwise for a partner that breaks a rule; all are off for one that keeps them.

    `plain_tokens`: send our token to it without Base64. `accept_plain_tokens`: take its token without Base64. `trailing_slash`: end the
    URLs we call with a slash. `no_push`: send it nothing unasked. `no_paging_position`: give Links with offset and limit only.
    """

    plain_tokens: bool = False
    accept_plain_tokens: bool = False
    trailing_slash: bool = False
    no_push: bool = False
    no_paging_position: bool = False


@dataclass(frozen=True, slots=True)
class OcpiPartner:
    """The platform of one or several parties.

    `version` is the one agreed on in registration (None before). `endpoints` are the partner's, of that version. `requests_per_minute`
    is the most it may ask of us.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    state: RegistrationState
    version: str | None
    versions_url: str | None
    parties: tuple[PartnerParty, ...]
    endpoints: tuple[PartnerEndpoint, ...]
    requests_per_minute: int
    author: str | None
    registered_at: datetime | None
    created_at: datetime
    updated_at: datetime
    switches: PeerSwitches = field(default_factory=PeerSwitches)

    def endpoint(self, identifier: str, role: InterfaceRole) -> PartnerEndpoint | None:
        """Return where the partner serves one side of a module, or None."""
        return next((it for it in self.endpoints if it.identifier == identifier and it.role is role), None)

    def owns(self, party: PartyId) -> bool:
        """Whether a party is one of the partner's, or the partner is a hub, which speaks for others."""
        return any(it.party == party for it in self.parties) or self.is_hub

    @property
    def is_hub(self) -> bool:
        """Whether it forwards for other parties."""
        return any(it.role is PartnerRole.HUB for it in self.parties)
