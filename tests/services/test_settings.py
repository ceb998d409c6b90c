"""Settings are versioned; flags are overridden and let go again; both are told of."""

import asyncio

from ampyard.domain.access import Role
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from ampyard.domain.feature_flags import KNOWN_FLAGS
from ampyard.domain.settings import DEFAULTS, Language, StoredSettings
from ampyard.repositories.settings import read_settings
from ampyard.services import reports, settings
from tests.services.admin import NOW, Tenant


async def read(tenant: Tenant) -> StoredSettings:
    async with tenant.snapshot() as snapshot:
        return await read_settings(snapshot, tenant.tenant_id)


async def test_settings_are_set_one_by_one_and_put_back(tenant: Tenant) -> None:
    assert await read(tenant) == StoredSettings(tenant.tenant_id, 0, DEFAULTS, None, None)

    first = await settings.update_settings(tenant.backend, tenant.owner, version=0, changes={"currency": "SEK", "language": Language.DE})
    second = await settings.update_settings(tenant.backend, tenant.owner, version=None, changes={"currency": None})
    same = await settings.update_settings(tenant.backend, tenant.owner, version=2, changes={"language": Language.DE})

    assert (first.version, first.values.currency, first.author, first.updated_at) == (1, "SEK", "user:boss", NOW)
    assert (second.version, second.values.currency, second.values.language) == (2, "EUR", Language.DE)
    assert same == second == await read(tenant)
    told = [(record.action, record.detail) for record in await tenant.audited()]
    assert told == [
        (
            "settings.update",
            {"version": 1, "changes": {"currency": {"from": "EUR", "to": "SEK"}, "language": {"from": "en", "to": "de"}}},
        ),
        ("settings.update", {"version": 2, "changes": {"currency": {"from": "SEK", "to": "EUR"}}}),
    ]


async def test_who_has_not_seen_the_last_change_is_told(tenant: Tenant) -> None:
    await settings.update_settings(tenant.backend, tenant.owner, version=0, changes={"currency": "SEK"})

    async with tenant.refused(ConflictError, "The settings are of version 1 by now, not 0; read them again"):
        await settings.update_settings(tenant.backend, tenant.owner, version=0, changes={"currency": "NOK"})
    async with tenant.refused(InvalidInputError, "is no currency code"):
        await settings.update_settings(tenant.backend, tenant.owner, version=1, changes={"currency": "crowns"})
    async with tenant.refused(ForbiddenError, "settings:write"):
        await settings.update_settings(tenant.backend, tenant.having(Role.OPERATOR), version=1, changes={"currency": "NOK"})


async def test_of_two_changes_at_the_same_time_one_is_told_to_read_again(tenant: Tenant) -> None:
    for version in (0, 1):
        ended = await asyncio.gather(
            *(
                settings.update_settings(tenant.backend, tenant.owner, version=version, changes={"command_days_kept": days + version})
                for days in (10, 20)
            ),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in ended) == ["ConflictError", "StoredSettings"]
        assert (await read(tenant)).version == version + 1


async def test_a_flag_is_overridden_and_let_go(tenant: Tenant) -> None:
    name = "daily_energy_reports"
    for enabled in (False, True, None):
        flag = await settings.set_feature_flag(tenant.backend, tenant.owner, name, enabled=enabled)
        assert (flag.enabled, None if flag.override is None else flag.override.enabled) == (enabled is not False, enabled)
        async with tenant.snapshot() as snapshot:
            flags = await settings.all_flags(snapshot)
            assert await settings.is_on(snapshot, name) == (enabled is not False)
        assert [one.name for one in flags] == list(KNOWN_FLAGS)
        assert next(one for one in flags if one.name == name) == flag
    assert [record.detail["enabled"] for record in await tenant.audited()] == [False, True, None]
    async with tenant.refused(InvalidInputError, "There is no flag 'teleport'; known: alert_emails"):
        await settings.set_feature_flag(tenant.backend, tenant.owner, "teleport", enabled=True)


async def test_without_daily_reports_none_is_due(tenant: Tenant) -> None:
    await settings.set_feature_flag(tenant.backend, tenant.owner, "daily_energy_reports", enabled=False)
    assert await reports.due_reports(tenant.backend, tenant.tenant_id) == []
