from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.domain.feature_flags import KNOWN_FLAGS
from ampyard.domain.settings import BOUNDS, DEFAULTS
from ampyard.engine import computed, edge
from ampyard.resolvers import settings as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.scopes import requires, scoped
from ampyard.schema.enums import Language, UnknownTagPolicy
from ampyard.schema.errors import Change, Payload


def _bounds(name: str) -> str:
    least, most = BOUNDS[name]
    return f"{least:g} to {most:g}, {getattr(DEFAULTS, name):g} unless set"


_ABOUT = {
    "currency": f"What is paid in: a code of ISO 4217; {DEFAULTS.currency} unless set.",
    "language": "What people are written to in.",
    "reserve_soc_percent": f"What a vehicle shall still hold on its return, in percent; {_bounds('reserve_soc_percent')}.",
    "unknown_tag_policy": "What becomes of an id tag that nobody has told of.",
    "alert_sender": "The e-mail address that alerts come from; null: the installation's own.",
    "command_days_kept": f"For how many days commands are kept that have ended; {_bounds('command_days_kept')}.",
    "job_run_days_kept": f"For how many days runs of background jobs are kept that have ended; {_bounds('job_run_days_kept')}.",
    "profile_interval_s": (
        "How often the charging profile of an EVSE is raised at most in the long run, in s, as it is kept in flash; "
        f"0 for as often as it comes; {_bounds('profile_interval_s')}."
    ),
}


@strawberry.federation.type(directives=[Authenticated()], description="What holds for the tenant.")
class Settings:
    version: int = strawberry.field(description="Grows with every change; 0 while nothing was ever set.")
    currency: str = strawberry.field(description=_ABOUT["currency"])
    language: Language = strawberry.field(description=_ABOUT["language"])
    reserve_soc_percent: float = strawberry.field(description=_ABOUT["reserve_soc_percent"])
    unknown_tag_policy: UnknownTagPolicy = strawberry.field(description=_ABOUT["unknown_tag_policy"])
    alert_sender: str | None = strawberry.field(description=_ABOUT["alert_sender"])
    command_days_kept: int = strawberry.field(description=_ABOUT["command_days_kept"])
    job_run_days_kept: int = strawberry.field(description=_ABOUT["job_run_days_kept"])
    profile_interval_s: int = strawberry.field(description=_ABOUT["profile_interval_s"])
    author: str | None = strawberry.field(description="Who changed them last.")
    updated_at: datetime | None = strawberry.field(description="When they were last changed.")


@strawberry.federation.type(directives=[Authenticated()], description="Something that can be switched on and off for the tenant.")
class FeatureFlag:
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(description="What it switches.")
    default: bool = strawberry.field(description="Whether it is on unless the tenant says otherwise.")
    enabled: bool = computed(resolvers.flag_enabled, reads=["default", "override"], description="Whether it is on.")
    overridden: bool = computed(resolvers.flag_overridden, reads=["override"], description="Whether the tenant has said so.")
    author: str | None = computed(resolvers.flag_author, reads=["override"], description="Who has said so.")
    updated_at: datetime | None = computed(resolvers.flag_updated_at, reads=["override"], description="When that was said.")


@strawberry.input(description="Set some of the settings: what is left out stays, and null brings back a default.")
class UpdateSettingsInput(Change):
    version: int | None = strawberry.field(
        default=strawberry.UNSET, description="The version that was read; given, the change is refused if another has been made meanwhile."
    )
    currency: str | None = strawberry.field(default=strawberry.UNSET, description=_ABOUT["currency"])
    language: Language | None = strawberry.field(default=strawberry.UNSET, description=_ABOUT["language"])
    reserve_soc_percent: float | None = strawberry.field(default=strawberry.UNSET, description=_ABOUT["reserve_soc_percent"])
    unknown_tag_policy: UnknownTagPolicy | None = strawberry.field(default=strawberry.UNSET, description=_ABOUT["unknown_tag_policy"])
    alert_sender: str | None = strawberry.field(default=strawberry.UNSET, description=_ABOUT["alert_sender"])
    command_days_kept: int | None = strawberry.field(default=strawberry.UNSET, description=_ABOUT["command_days_kept"])
    job_run_days_kept: int | None = strawberry.field(default=strawberry.UNSET, description=_ABOUT["job_run_days_kept"])
    profile_interval_s: int | None = strawberry.field(default=strawberry.UNSET, description=_ABOUT["profile_interval_s"])


@strawberry.input(description="Switch a feature on or off.")
class SetFeatureFlagInput(Change):
    name: str = strawberry.field(description="The flag.")
    enabled: bool | None = strawberry.field(description="On or off; null: as it is by default.")


@strawberry.federation.type(directives=[Authenticated()], description="Settings that were changed.")
class SettingsPayload(Payload):
    version: int | None = strawberry.field(description="The version that came of it; null where the change was refused.")
    settings: Settings | None = edge(
        resolvers.plan_settings, key="version", description="The settings as they now are.", directives=requires(Scope.SETTINGS_READ)
    )


@strawberry.federation.type(directives=[Authenticated()], description="A flag that was set.")
class FeatureFlagPayload(Payload):
    name: str | None = strawberry.field(description="The flag's name; null where the change was refused.")
    feature_flag: FeatureFlag | None = edge(
        resolvers.plan_flag, key="name", description="The flag as it now is.", directives=requires(Scope.SETTINGS_READ)
    )


@strawberry.type
class SettingsQueries:
    settings: Settings = scoped(resolvers.read, Scope.SETTINGS_READ, description="What holds for the tenant.")
    feature_flags: list[FeatureFlag] = scoped(
        resolvers.feature_flags, Scope.SETTINGS_READ, description="Every feature flag, by name.", assumed_size=len(KNOWN_FLAGS)
    )


@strawberry.type
class SettingsMutations:
    update_settings: SettingsPayload = mutation(
        SettingsPayload,
        resolvers.update_settings,
        UpdateSettingsInput,
        Scope.SETTINGS_WRITE,
        description="Set some of the tenant's settings.",
    )
    set_feature_flag: FeatureFlagPayload = mutation(
        FeatureFlagPayload, resolvers.set_feature_flag, SetFeatureFlagInput, Scope.SETTINGS_WRITE, description="Switch a feature on or off."
    )
