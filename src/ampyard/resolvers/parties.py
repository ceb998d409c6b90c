"""Changes of parties and of partners' tokens: decode the ids, call the service."""

from typing import Any

from ampyard.domain.parties import OcpiCredential, OcpiParty
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id
from ampyard.services import parties


async def create_party(caller: Caller, *, country_code: str, party_id: str, name: str) -> dict[str, Any]:
    """Add a party."""
    made = await parties.create_party(caller.backend, caller.principal, country_code=country_code, party_id=party_id, name=name)
    return {"ocpi_party": made}


async def edit_party(caller: Caller, *, ocpi_party_id: str, **changes: Any) -> dict[str, Any]:
    """Change a party's name."""
    party = decode_id("input.ocpiPartyId", ocpi_party_id, OcpiParty)
    return {"ocpi_party": await parties.edit_party(caller.backend, caller.principal, party, **changes)}


async def remove_party(caller: Caller, *, ocpi_party_id: str) -> dict[str, Any]:
    """Remove a party."""
    await parties.remove_party(caller.backend, caller.principal, decode_id("input.ocpiPartyId", ocpi_party_id, OcpiParty))
    return {"removed_id": ocpi_party_id}


async def create_credential(caller: Caller, *, partner_name: str) -> dict[str, Any]:
    """Make a token for a partner, which is shown this once."""
    credential, token = await parties.create_credential(caller.backend, caller.principal, partner_name=partner_name)
    return {"ocpi_credential": credential, "token": token}


async def rename_credential(caller: Caller, *, ocpi_credential_id: str, partner_name: str) -> dict[str, Any]:
    """Call a partner otherwise."""
    credential = decode_id("input.ocpiCredentialId", ocpi_credential_id, OcpiCredential)
    renamed = await parties.rename_credential(caller.backend, caller.principal, credential, partner_name=partner_name)
    return {"ocpi_credential": renamed}


async def revoke_credential(caller: Caller, *, ocpi_credential_id: str) -> dict[str, Any]:
    """Have a partner's token refused."""
    credential = decode_id("input.ocpiCredentialId", ocpi_credential_id, OcpiCredential)
    return {"ocpi_credential": await parties.revoke_credential(caller.backend, caller.principal, credential)}
