"""Settings and feature flags of a tenant."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError
from ampyard.domain.feature_flags import FeatureFlag, FlagOverride, KnownFlag, effective_flags, known_flag
from ampyard.domain.ids import new_id
from ampyard.domain.settings import StoredSettings, changed
from ampyard.repositories.database import Session
from ampyard.repositories.settings import FlagOverrides, read_settings, remove_flag, write_flag, write_settings
from ampyard.services.backend import Backend


async def update_settings(backend: Backend, principal: Principal, *, version: int | None, changes: Mapping[str, Any]) -> StoredSettings:
    """Set some of the tenant's settings, by name; None brings back a default. What is as wanted already changes nothing.

    Args:
        backend: the ports.
        principal: who wants it.
        version: the version that the changes were made for, where others may have changed something meanwhile; None: whichever.
        changes: the new values.

    Raises:
        ForbiddenError: the principal lacks `settings:write`.
        InvalidInputError: a value is out of bounds or malformed.
        ConflictError: the settings are not of this version any more.
    """
    principal.require(Scope.SETTINGS_WRITE)
    async with backend.unit_of_work(principal, Scope.SETTINGS_WRITE) as work:
        before = await read_settings(work.session, work.tenant_id)
        if version is not None and version != before.version:
            raise ConflictError(
                f"The settings are of version {before.version} by now, not {version}; read them again.", ("input", "version")
            )
        values = changed(before.values, changes)
        stored = before
        if values != before.values:
            if not await write_settings(work.session, work.tenant_id, values, after=before.version, author=principal.author, at=work.now):
                raise ConflictError("Somebody else has just changed the settings; read them again.")
            stored = StoredSettings(work.tenant_id, before.version + 1, values, principal.author, work.now)
            await work.audit("settings.update", "tenant", work.tenant_id, version=stored.version, changes=_differences(before, stored))
        work.answers(version=stored.version)
        await work.commit()
    return stored


def _differences(before: StoredSettings, after: StoredSettings) -> dict[str, dict[str, Any]]:
    old, new = asdict(before.values), asdict(after.values)
    return {name: {"from": old[name], "to": new[name]} for name in new if old[name] != new[name]}


async def set_feature_flag(backend: Backend, principal: Principal, name: str, *, enabled: bool | None) -> FeatureFlag:
    """Switch a feature on or off for the tenant, or (None) let its default hold.

    Raises:
        ForbiddenError: the principal lacks `settings:write`.
        InvalidInputError: there is no such flag.
    """
    principal.require(Scope.SETTINGS_WRITE)
    known = known_flag(name)
    async with backend.unit_of_work(principal, Scope.SETTINGS_WRITE) as work:
        override = None
        if enabled is None:
            await remove_flag(work.session, name)
        else:
            wanted = FlagOverride(new_id(), work.tenant_id, name, enabled, principal.author, work.now)
            override = await write_flag(work.session, wanted)
        await work.audit("feature_flag.set", "tenant", work.tenant_id, name=name, enabled=enabled)
        work.answers(name=name)
        await work.commit()
    return _flag(known, override)


async def is_on(session: Session, name: str) -> bool:
    """Return whether a feature is on for the session's tenant."""
    overrides = await FlagOverrides(session).where(FlagOverrides.table.c.name == name)
    return _flag(known_flag(name), overrides[0] if overrides else None).enabled


async def all_flags(session: Session) -> list[FeatureFlag]:
    """Return every known flag as it holds for the session's tenant."""
    return effective_flags(await FlagOverrides(session).where())


def _flag(known: KnownFlag, override: FlagOverride | None) -> FeatureFlag:
    return FeatureFlag(known.name, known.description, known.default, override)
