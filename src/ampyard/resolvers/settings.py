"""Settings and feature flags: reading them, and having them changed."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ampyard.domain.access import Scope
from ampyard.domain.feature_flags import FeatureFlag
from ampyard.domain.settings import Language, StoredSettings, UnknownTagPolicy
from ampyard.engine import Load
from ampyard.repositories.database import Session
from ampyard.repositories.settings import read_settings
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.services import settings


@dataclass(frozen=True, slots=True)
class Settings:
    """A tenant's settings as clients see them."""

    version: int
    currency: str
    language: Language
    reserve_soc_percent: float
    unknown_tag_policy: UnknownTagPolicy
    alert_sender: str | None
    command_days_kept: int
    job_run_days_kept: int
    profile_interval_s: int
    author: str | None
    updated_at: datetime | None


async def read(info: Info) -> Settings:
    """Return the tenant's settings."""
    return _shown(await read_settings(info.context.snapshot, info.context.principal.tenant_id))


async def feature_flags(info: Info) -> list[FeatureFlag]:
    """Return every flag as it holds for the tenant."""
    return await settings.all_flags(info.context.snapshot)


async def update_settings(caller: Caller, *, version: int | None = None, **changes: Any) -> dict[str, Any]:
    """Set some of the settings."""
    stored = await settings.update_settings(caller.backend, caller.principal, version=version, changes=changes)
    return {"version": stored.version}


async def set_feature_flag(caller: Caller, *, name: str, enabled: bool | None = None) -> dict[str, Any]:
    """Switch a feature on or off, or let its default hold."""
    await settings.set_feature_flag(caller.backend, caller.principal, name, enabled=enabled)
    return {"name": name}


def plan_settings(info: Info) -> Load:
    """Plan the tenant's settings as they are after a change; by the version that came of it."""
    principal = info.context.principal
    principal.require(Scope.SETTINGS_READ)
    return Load(_settings_after, (principal.tenant_id,))


def plan_flag(info: Info) -> Load:
    """Plan a flag as it is after a change; by its name."""
    info.context.principal.require(Scope.SETTINGS_READ)
    return Load(_flags)


async def _settings_after(session: Session, versions: Sequence[int], tenant_id: uuid.UUID) -> Mapping[int, Settings]:
    return dict.fromkeys(versions, _shown(await read_settings(session, tenant_id)))


async def _flags(session: Session, _names: Sequence[str]) -> Mapping[str, FeatureFlag]:
    return {flag.name: flag for flag in await settings.all_flags(session)}


def _shown(stored: StoredSettings) -> Settings:
    values = stored.values
    return Settings(
        version=stored.version,
        currency=values.currency,
        language=values.language,
        reserve_soc_percent=values.reserve_soc_percent,
        unknown_tag_policy=values.unknown_tag_policy,
        alert_sender=values.alert_sender,
        command_days_kept=values.command_days_kept,
        job_run_days_kept=values.job_run_days_kept,
        profile_interval_s=values.profile_interval_s,
        author=stored.author,
        updated_at=stored.updated_at,
    )


def flag_enabled(root: FeatureFlag) -> bool:
    """Resolve whether a flag is on."""
    return root.enabled


def flag_overridden(root: FeatureFlag) -> bool:
    """Resolve whether the tenant has said whether a flag is on."""
    return root.override is not None


def flag_author(root: FeatureFlag) -> str | None:
    """Resolve who has said whether a flag is on."""
    return None if root.override is None else root.override.author


def flag_updated_at(root: FeatureFlag) -> datetime | None:
    """Resolve when it was said whether a flag is on."""
    return None if root.override is None else root.override.updated_at
