"""API keys: shown once, no wider than their maker, refused when they are revoked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Grant, Role, Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.repositories.api_keys import ApiKeyFilter, ApiKeyRecords
from ampyard.services import access, api_keys, resource_groups, settings
from ampyard.services.access import ApiKeys
from ampyard.services.api_keys import NewApiKey
from tests.services.admin import NOW, Tenant, everything

READ = ("fleet:read",)


async def test_a_new_key_opens_what_it_is_for_and_is_kept_nowhere(tenant: Tenant) -> None:
    until = NOW + timedelta(days=30)
    key, secret = await api_keys.create_api_key(
        tenant.backend, tenant.owner, NewApiKey(" telematics ", ("telemetry:write", "fleet:read"), expires_at=until)
    )

    assert (key.name, key.prefix, key.scopes, key.author, key.expires_at) == (
        "telematics",
        secret[:9],
        ["fleet:read", "telemetry:write"],
        "user:boss",
        until,
    )
    principal = await ApiKeys(tenant.backend).principal(secret)
    assert principal is not None
    assert principal.scopes == {Scope.FLEET_READ, Scope.TELEMETRY_WRITE}
    assert principal.grants == ()
    assert secret not in repr(await everything(tenant.backend, tenant.tenant_id))
    async with tenant.snapshot() as snapshot:
        used = await ApiKeyRecords(snapshot).by_id(key.id)
    assert used == replace(key, last_used_at=NOW)


async def test_a_key_of_a_group_reaches_that_group(tenant: Tenant) -> None:
    north = await resource_groups.create_group(tenant.backend, tenant.owner, name="North")

    _, secret = await api_keys.create_api_key(tenant.backend, tenant.owner, NewApiKey("north", READ, north.id))

    principal = await ApiKeys(tenant.backend).principal(secret)
    assert principal is not None
    assert (principal.scopes, principal.grants) == (frozenset(), (Grant(frozenset({Scope.FLEET_READ}), frozenset({north.id})),))


async def test_a_key_is_renamed_and_revoked(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "REMEMBERED_FOR_S", 0.0)
    key, secret = await api_keys.create_api_key(tenant.backend, tenant.owner, NewApiKey("telematics", READ))
    keys = ApiKeys(tenant.backend)
    assert await keys.principal(secret) is not None

    renamed = await api_keys.rename_api_key(tenant.backend, tenant.owner, key.id, name="Telematics 2")
    revoked = await api_keys.revoke_api_key(tenant.backend, tenant.owner, key.id)

    assert (renamed.name, revoked.revoked_at) == ("Telematics 2", NOW)
    assert await keys.principal(secret) is None
    async with tenant.refused(ConflictError, "The key is revoked since"):
        await api_keys.revoke_api_key(tenant.backend, tenant.owner, key.id)
    assert [record.action for record in await tenant.audited()] == ["api_key.create", "api_key.rename", "api_key.revoke"]
    async with tenant.snapshot() as snapshot:
        valid = await ApiKeyRecords(snapshot).where(*ApiKeyFilter(NOW).conditions())
    assert [one.name for one in valid] == ["demo integrator"]


async def test_a_key_can_do_no_more_than_who_makes_it(tenant: Tenant) -> None:
    north, south = [await resource_groups.create_group(tenant.backend, tenant.owner, name=name) for name in ("North", "South")]
    grant = Grant(ROLE_SCOPES[Role.DISPATCHER] - TENANT_WIDE, frozenset({north.id}))
    somebody = replace(tenant.owner, scopes=frozenset({Scope.KEYS_WRITE}), grants=(grant,))

    await api_keys.create_api_key(tenant.backend, somebody, NewApiKey("north", READ, north.id))
    for wanted in (NewApiKey("x", READ), NewApiKey("x", READ, south.id), NewApiKey("x", ("telemetry:write",), north.id)):
        async with tenant.refused(ForbiddenError, "A key can do no more than who makes it"):
            await api_keys.create_api_key(tenant.backend, somebody, wanted)
    async with tenant.refused(ForbiddenError, "owners:write"):
        await api_keys.create_api_key(tenant.backend, tenant.having(Role.ADMINISTRATOR), NewApiKey("x", ("owners:write",)))
    async with tenant.refused(ForbiddenError, "keys:write"):
        await api_keys.create_api_key(tenant.backend, tenant.having(Role.OPERATOR), NewApiKey("x", READ))


async def test_all_that_is_wrong_is_said_at_once(tenant: Tenant) -> None:
    north = await resource_groups.create_group(tenant.backend, tenant.owner, name="North")
    for wanted, paths in (
        (NewApiKey(" ", (), expires_at=NOW), ["name", "scopes", "expiresAt"]),
        (NewApiKey("x" * 101, ("fleet:eat", "tenants:write")), ["name", "scopes"]),
        (NewApiKey("x", ("fleet:read", "access:write"), north.id), ["scopes"]),
    ):
        with pytest.raises(InvalidInputError) as refusal:
            await api_keys.create_api_key(tenant.backend, tenant.owner, wanted)
        assert [one.path[-1] for one in (refusal.value, *refusal.value.others)] == paths
    async with tenant.refused(NotFoundError, "no such resource group"):
        await api_keys.create_api_key(tenant.backend, tenant.owner, NewApiKey("x", READ, new_id()))


async def test_without_the_public_api_no_key_is_let_in(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "REMEMBERED_FOR_S", 0.0)
    _, secret = await api_keys.create_api_key(tenant.backend, tenant.owner, NewApiKey("telematics", READ))
    for enabled in (True, False, None):
        await settings.set_feature_flag(tenant.backend, tenant.owner, "public_api", enabled=enabled)
        assert (await ApiKeys(tenant.backend).principal(secret) is not None) == (enabled is not False)
