"""Routing headers: from which party to which (OCPI 2.2.1 and 2.3.0, section 4.3, Message Routing)."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers

from ampyard.domain.parties import OcpiParty
from ampyard.domain.roaming.partners import OcpiPartner, PartyId
from ampyard.ocpi.errors import OcpiError, Refusal


@dataclass(frozen=True, slots=True)
class Routing:
    """Which party asks which of ours; each is None where the request does not say (it need not, between two parties alone)."""

    sender: PartyId | None = None
    receiver: OcpiParty | None = None

    def answered(self, parties: Sequence[OcpiParty]) -> dict[str, str]:
        """Return the headers of the answer: swapped. Who asked whom it knows not is answered by the first of our parties."""
        if self.sender is None and self.receiver is None:
            return {}
        headers: dict[str, str] = {}
        if self.sender is not None:
            headers |= {"OCPI-to-party-id": self.sender.party_id, "OCPI-to-country-code": self.sender.country_code}
        answering = self.receiver or next(iter(parties), None)
        if answering is not None:
            headers |= {"OCPI-from-party-id": answering.party_id, "OCPI-from-country-code": answering.country_code}
        return headers


def routing_of(headers: Headers, partner: OcpiPartner, parties: Sequence[OcpiParty]) -> Routing:
    """Return how a request is routed.

    Raises:
        OcpiError: half of a party is named, the sender is none of the partner's, or the receiver none of ours.
    """
    sender, receiver = _party(headers, "from"), _party(headers, "to")
    if sender is not None and partner.parties and not partner.owns(sender):
        theirs = ", ".join(str(it.party) for it in partner.parties)
        raise OcpiError(Refusal.ROUTING_WRONG, f"OCPI-from is {sender}, which is none of your parties; these are: {theirs}.")
    if receiver is None:
        return Routing(sender)
    ours = {PartyId(it.country_code, it.party_id): it for it in parties}
    if receiver not in ours:
        named = ", ".join(map(str, ours)) or "none"
        raise OcpiError(Refusal.ROUTING_WRONG, f"OCPI-to is {receiver}, which is no party here; these are: {named}.")
    return Routing(sender, ours[receiver])


def _party(headers: Headers, side: str) -> PartyId | None:
    country, party = headers.get(f"OCPI-{side}-country-code"), headers.get(f"OCPI-{side}-party-id")
    if country is None and party is None:
        return None
    if not country or not party:
        missing = f"OCPI-{side}-{'party-id' if country else 'country-code'}"
        raise OcpiError(Refusal.ROUTING_WRONG, f"{missing} is missing; a party is named by its country and its id.")
    return PartyId(country, party)
