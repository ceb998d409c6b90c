"""Parties in the roaming network and their partners' tokens."""

from dataclasses import replace

import pytest

from ampyard.domain.access import Role
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from ampyard.repositories.parties import OcpiParties
from ampyard.services import ocpi, parties, settings
from tests.services.admin import NOW, Tenant, everything, new_tenant


async def test_a_partners_token_lets_in_until_it_is_revoked(tenant: Tenant) -> None:
    made, token = await parties.create_credential(tenant.backend, tenant.owner, partner_name=" Roam ")
    partner = await ocpi.authenticate(tenant.backend, token)
    renamed = await parties.rename_credential(tenant.backend, tenant.owner, made.id, partner_name="Roam 2")
    revoked = await parties.revoke_credential(tenant.backend, tenant.owner, made.id)

    assert (made.partner_name, made.prefix, made.author) == ("Roam", token[:9], "user:boss")
    assert partner is not None
    assert (partner[0].name, partner[2].tenant_id, partner[2].subject) == ("Roam", tenant.tenant_id, "Roam")
    assert revoked == replace(renamed, revoked_at=NOW) == replace(made, partner_name="Roam 2", revoked_at=NOW)
    assert await ocpi.authenticate(tenant.backend, token) is None
    assert token not in repr(await everything(tenant.backend, tenant.tenant_id))
    async with tenant.refused(ConflictError, "The credential is revoked since"):
        await parties.revoke_credential(tenant.backend, tenant.owner, made.id)
    told = ["ocpi_credential.create", "ocpi_credential.rename", "ocpi_credential.revoke"]
    assert [record.action for record in await tenant.audited()] == told


async def test_without_roaming_no_partner_is_let_in(tenant: Tenant) -> None:
    _, token = await parties.create_credential(tenant.backend, tenant.owner, partner_name="Roam")
    for enabled in (False, True):
        await settings.set_feature_flag(tenant.backend, tenant.owner, "roaming", enabled=enabled)
        assert (await ocpi.authenticate(tenant.backend, token) is not None) == enabled


async def test_a_party_is_made_edited_and_removed(tenant: Tenant) -> None:
    party_id = f"{tenant.tenant_id.int % 16**3:03X}"
    made = await parties.create_party(tenant.backend, tenant.owner, country_code="NO", party_id=party_id, name="N")
    edited = await parties.edit_party(tenant.backend, tenant.owner, made.id, name=" North ")
    async with tenant.refused(ConflictError, "is a party already, here or with another tenant"):
        await parties.create_party(tenant.backend, tenant.owner, country_code="NO", party_id=made.party_id, name="Again")
    await parties.remove_party(tenant.backend, tenant.owner, made.id)

    assert edited == replace(made, name="North")
    assert [record.action for record in await tenant.audited()] == ["ocpi_party.create", "ocpi_party.edit", "ocpi_party.remove"]


async def test_the_last_party_stays_while_partners_have_tokens(tenant: Tenant) -> None:
    async with tenant.snapshot() as snapshot:
        (party,) = await OcpiParties(snapshot).where()

    async with tenant.refused(ConflictError, "partners have credentials for it"):
        await parties.remove_party(tenant.backend, tenant.owner, party.id)


async def test_a_party_of_another_tenant_is_taken(tenant: Tenant) -> None:
    other = await new_tenant(tenant.backend)
    async with other.snapshot() as snapshot:
        (party,) = await OcpiParties(snapshot).where()

    async with tenant.refused(ConflictError, "here or with another tenant"):
        await parties.create_party(tenant.backend, tenant.owner, country_code=party.country_code, party_id=party.party_id, name="Mine")


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({"country_code": "de", "party_id": "ABC", "name": "N"}, "countryCode"),
        ({"country_code": "DE", "party_id": "ABCD", "name": "N"}, "partyId"),
        ({"country_code": "DE", "party_id": "ABC", "name": ""}, "name"),
    ],
)
async def test_a_malformed_party_is_refused_where_it_is_wrong(tenant: Tenant, wanted: dict[str, str], path: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        await parties.create_party(tenant.backend, tenant.owner, **wanted)
    assert refusal.value.path == ("input", path)
    async with tenant.refused(ForbiddenError, "settings:write"):
        await parties.create_party(tenant.backend, tenant.having(Role.OPERATOR), **wanted)
