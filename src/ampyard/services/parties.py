"""The tenant's parties in the roaming network, and what its partners come with."""

import uuid
from dataclasses import replace
from typing import Any

import asyncpg

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.parties import OcpiCredential, OcpiParty
from ampyard.repositories.parties import OcpiCredentials, OcpiParties
from ampyard.services.backend import Backend
from ampyard.services.secrets import hash_key, new_key

_NAME_LENGTH = 100  # OCPI 2.2.1, section 8.3.2: BusinessDetails
_SHOWN = 9


async def of_tenant(backend: Backend, principal: Principal) -> list[OcpiParty]:
    """Return what the principal's tenant is in the network, the oldest party first."""
    async with backend.snapshot(principal) as snapshot:
        column = OcpiParties.table.c
        return await OcpiParties(snapshot).where(order_by=[column.created_at, column.id])


async def create_party(backend: Backend, principal: Principal, *, country_code: str, party_id: str, name: str) -> OcpiParty:
    """Add a party. Country and party id are unique over the whole installation: it answers partners for all of them.

    Raises:
        ForbiddenError: the principal lacks `settings:write`.
        InvalidInputError: country, party id or name are malformed.
        ConflictError: the party is there already, here or with another tenant.
    """
    principal.require(Scope.SETTINGS_WRITE)
    async with backend.unit_of_work(principal, Scope.SETTINGS_WRITE) as work:
        party = OcpiParty(new_id(), work.tenant_id, country_code, party_id, _named(name, "name"), work.now, work.now)
        try:
            await work.add(OcpiParties, party)
        except asyncpg.UniqueViolationError as error:
            message = f"{country_code} {party_id} is a party already, here or with another tenant."
            raise ConflictError(message, ("input", "partyId")) from error
        await work.audit("ocpi_party.create", "ocpi_party", party.id, country_code=country_code, party_id=party_id, name=party.name)
        work.answers(ocpi_party=party)
        await work.commit()
    return party


async def edit_party(backend: Backend, principal: Principal, party_id: uuid.UUID, **changes: Any) -> OcpiParty:
    """Change a party's name. Its country and party id are what partners know it by, and stay.

    Raises:
        ForbiddenError: the principal lacks `settings:write`.
        NotFoundError: there is no such party.
        InvalidInputError: the name is empty or too long.
    """
    principal.require(Scope.SETTINGS_WRITE)
    if "name" in changes:
        changes["name"] = _named(changes["name"], "name")
    async with backend.unit_of_work(principal, Scope.SETTINGS_WRITE) as work:
        party = await work.require(OcpiParties, party_id, "OCPI party")
        edited = replace(party, **changes, updated_at=work.now)
        await work.change(OcpiParties, party_id, **changes, updated_at=work.now)
        await work.audit("ocpi_party.edit", "ocpi_party", party_id, **changes)
        work.answers(ocpi_party=edited)
        await work.commit()
    return edited


async def remove_party(backend: Backend, principal: Principal, party_id: uuid.UUID) -> None:
    """Remove a party.

    Raises:
        ForbiddenError: the principal lacks `settings:write`.
        NotFoundError: there is no such party.
        ConflictError: it is the only one, while partners have credentials.
    """
    principal.require(Scope.SETTINGS_WRITE)
    async with backend.unit_of_work(principal, Scope.SETTINGS_WRITE) as work:
        party = await work.require(OcpiParties, party_id, "OCPI party")
        last = await OcpiParties(work.session).count() == 1
        if last and await OcpiCredentials(work.session).count(OcpiCredentials.table.c.revoked_at.is_(None)):
            raise ConflictError(
                "This is the only party, and partners have credentials for it; revoke these first.", ("input", "ocpiPartyId")
            )
        await work.remove(OcpiParties, party_id)
        await work.audit("ocpi_party.remove", "ocpi_party", party_id, country_code=party.country_code, party_id=party.party_id)
        work.answers(removed_id=str(party_id))
        await work.commit()


async def create_credential(backend: Backend, principal: Principal, *, partner_name: str) -> tuple[OcpiCredential, str]:
    """Make a token for a roaming partner; returns it with the token, which is not kept and cannot be shown again.

    Raises:
        ForbiddenError: the principal lacks `settings:write`.
        InvalidInputError: the name is empty or too long.
    """
    principal.require(Scope.SETTINGS_WRITE)
    name = _named(partner_name, "partnerName")
    token = new_key("ocpi")
    async with backend.unit_of_work(principal, Scope.SETTINGS_WRITE) as work:
        credential = OcpiCredential(new_id(), work.tenant_id, name, token[:_SHOWN], principal.author, work.now, None)
        await work.add(OcpiCredentials, credential, token_hash=hash_key(token))
        await work.audit("ocpi_credential.create", "ocpi_credential", credential.id, partner_name=name, prefix=credential.prefix)
        work.answers(ocpi_credential=credential)
        await work.commit()
    return credential, token


async def rename_credential(backend: Backend, principal: Principal, credential_id: uuid.UUID, *, partner_name: str) -> OcpiCredential:
    """Call a partner otherwise.

    Raises:
        ForbiddenError: the principal lacks `settings:write`.
        NotFoundError: there is no such credential.
        InvalidInputError: the name is empty or too long.
    """
    principal.require(Scope.SETTINGS_WRITE)
    name = _named(partner_name, "partnerName")
    async with backend.unit_of_work(principal, Scope.SETTINGS_WRITE) as work:
        credential = await work.require(OcpiCredentials, credential_id, "OCPI credential")
        renamed = replace(credential, partner_name=name)
        await work.change(OcpiCredentials, credential_id, partner_name=name)
        await work.audit("ocpi_credential.rename", "ocpi_credential", credential_id, partner_name=name, before=credential.partner_name)
        work.answers(ocpi_credential=renamed)
        await work.commit()
    return renamed


async def revoke_credential(backend: Backend, principal: Principal, credential_id: uuid.UUID) -> OcpiCredential:
    """Have a partner's token refused from now on.

    Raises:
        ForbiddenError: the principal lacks `settings:write`.
        NotFoundError: there is no such credential.
        ConflictError: it is revoked already.
    """
    principal.require(Scope.SETTINGS_WRITE)
    async with backend.unit_of_work(principal, Scope.SETTINGS_WRITE) as work:
        credential = await work.require(OcpiCredentials, credential_id, "OCPI credential")
        if credential.revoked_at is not None:
            raise ConflictError(f"The credential is revoked since {credential.revoked_at.isoformat()}.", ("input", "ocpiCredentialId"))
        revoked = replace(credential, revoked_at=work.now)
        await work.change(OcpiCredentials, credential_id, revoked_at=work.now)
        await work.audit("ocpi_credential.revoke", "ocpi_credential", credential_id, partner_name=credential.partner_name)
        work.publish(Event(EventKind.ACCESS_CHANGED, credential_id))
        work.answers(ocpi_credential=revoked)
        await work.commit()
    return revoked


def _named(name: str | None, field: str) -> str:
    length = len((name or "").strip())
    if name is None or not 1 <= length <= _NAME_LENGTH:
        raise InvalidInputError(f"The name has {length} characters; give 1 to {_NAME_LENGTH}.", ("input", field))
    return name.strip()
