"""The settings of a tenant: what there is to set, what holds unless it is set, and within which bounds."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from ampyard.domain.errors import InvalidInputError

_CURRENCY = re.compile(r"[A-Z]{3}")
_LONGEST_ADDRESS = 254  # RFC 3696, erratum 1690
_ADDRESS = re.compile(r"[^@\s<>\",;]+@[^@\s<>\",;]+\.[^@\s<>\",;]+")


class Language(StrEnum):
    """What people of the tenant are written to in (ISO 639-1)."""

    EN = "en"
    DE = "de"
    FR = "fr"
    NL = "nl"


class UnknownTagPolicy(StrEnum):
    """What becomes of an id tag that nobody has told us of: it is refused, or may charge without a vehicle."""

    REFUSE = "REFUSE"
    ALLOW = "ALLOW"


# Inclusive bounds, by setting.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "reserve_soc_percent": (0, 80),
    "command_days_kept": (1, 366),
    "job_run_days_kept": (1, 366),
    "profile_interval_s": (0, 3600),
}


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """What holds for a tenant.

    `currency` is an ISO 4217 code. `reserve_soc_percent` is the state of charge that a vehicle shall still have on its return.
    `alert_sender` is the e-mail address that alerts come from; None: the installation's own. `…_days_kept` say for how many days
    something is kept after it has ended. `profile_interval_s` is how often, in the long run, the charging profile of an EVSE is raised at
    most, as charge points keep them in flash, which wears out; 0 for as often as it comes.

    Raises:
        InvalidInputError: a value is out of bounds or malformed; the path names it as clients do.
    """

    currency: str = "EUR"
    language: Language = Language.EN
    reserve_soc_percent: float = 10.0
    unknown_tag_policy: UnknownTagPolicy = UnknownTagPolicy.REFUSE
    alert_sender: str | None = None
    command_days_kept: int = 7
    job_run_days_kept: int = 30
    profile_interval_s: int = 60

    def __post_init__(self) -> None:
        if not _CURRENCY.fullmatch(self.currency):
            message = f"{self.currency[:20]!r} is no currency code; give three capitals of ISO 4217, such as EUR."
            raise InvalidInputError(message, path=_path("currency"))
        if self.alert_sender is not None and not (len(self.alert_sender) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(self.alert_sender)):
            message = f"{self.alert_sender[:80]!r} is no e-mail address; give one such as alerts@example.org."
            raise InvalidInputError(message, path=_path("alert_sender"))
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise InvalidInputError(f"{name} is {value:g}; give {least:g} to {most:g}.", path=_path(name))


DEFAULTS = TenantSettings()
NAMES = frozenset(field.name for field in fields(TenantSettings))


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """A tenant's settings as they were last written. Version 0: nobody has set anything yet."""

    tenant_id: uuid.UUID
    version: int
    values: TenantSettings
    author: str | None
    updated_at: datetime | None


def changed(settings: TenantSettings, changes: Mapping[str, Any]) -> TenantSettings:
    """Return the settings with some of them set anew; None brings back the default.

    Raises:
        InvalidInputError: see `TenantSettings`.
    """
    return replace(settings, **{name: getattr(DEFAULTS, name) if value is None else value for name, value in changes.items()})


def to_stored(settings: TenantSettings) -> dict[str, Any]:
    """Return what is stored: only what differs from the defaults, so that a better default reaches those who never chose."""
    return {name: value for name, value in asdict(settings).items() if value != getattr(DEFAULTS, name)}


def from_stored(stored: Mapping[str, Any]) -> TenantSettings:
    """Return settings from what is stored. What this version does not know, or no longer allows, does not count."""
    settings = DEFAULTS
    for name in sorted(NAMES & stored.keys()):
        try:
            settings = replace(settings, **{name: _typed(name, stored[name])})
        except (InvalidInputError, ValueError, TypeError):
            continue
    return settings


def _typed(name: str, value: Any) -> Any:
    enums: Mapping[str, type[StrEnum]] = {"language": Language, "unknown_tag_policy": UnknownTagPolicy}
    return enums[name](value) if name in enums else value


def _path(name: str) -> tuple[str, ...]:
    first, *rest = name.split("_")
    return "input", first + "".join(map(str.capitalize, rest))
