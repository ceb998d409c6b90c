"""Feature flags: what can be switched on and off for a tenant while the software stays the same."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class KnownFlag:
    """A flag that this version heeds."""

    name: str
    description: str
    default: bool


KNOWN_FLAGS: Mapping[str, KnownFlag] = {
    flag.name: flag
    for flag in (
        KnownFlag("alert_emails", "Alerts are sent by e-mail to those who are to be told.", default=True),
        KnownFlag("alert_webhooks", "Alerts are sent to the tenant's webhooks.", default=True),
        KnownFlag("daily_energy_reports", "The daily energy report of each depot is written after its day.", default=True),
        KnownFlag("public_api", "API keys are let in to the public graph.", default=True),
        KnownFlag("roaming", "Roaming partners are let in to the OCPI endpoints.", default=True),
    )
}


@dataclass(frozen=True, slots=True)
class FlagOverride:
    """That a tenant has a flag on or off, whatever its default."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    enabled: bool
    author: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FeatureFlag:
    """A flag as it holds for a tenant; `override` is None where its default holds."""

    name: str
    description: str
    default: bool
    override: FlagOverride | None

    @property
    def enabled(self) -> bool:
        """Whether the feature is on."""
        return self.default if self.override is None else self.override.enabled


def known_flag(name: str) -> KnownFlag:
    """Return a known flag. Raises `InvalidInputError` naming those there are."""
    if name not in KNOWN_FLAGS:
        message = f"There is no flag {name[:80]!r}; known: {', '.join(KNOWN_FLAGS)}."
        raise InvalidInputError(message, path=("input", "name"))
    return KNOWN_FLAGS[name]


def effective_flags(overrides: Iterable[FlagOverride]) -> list[FeatureFlag]:
    """Return all known flags as they hold, by name; overrides of flags that this version does not know are left out."""
    by_name = {override.name: override for override in overrides}
    return [FeatureFlag(flag.name, flag.description, flag.default, by_name.get(flag.name)) for flag in KNOWN_FLAGS.values()]
