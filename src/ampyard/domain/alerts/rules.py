"""Rules: of what there shall be alerts, after how long, and within which bounds that can be set."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ampyard.domain.alerts.kinds import ABOUT_CHARGE_POINTS, AlertKind, AlertSeverity

PARAMETER_NAMES = ("after_s", "clear_after_s", "margin_percent", "within_minutes", "include_at_risk")
_DAY_S = 86_400
_HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that a parameter may be, and what it is unless it is set."""

    least: float
    most: float
    default: float


# By kind: the bounds of what it can be given. What is not named it has not.
PARAMETERS: Mapping[AlertKind, Mapping[str, Bounds]] = {
    AlertKind.OFFLINE: {"after_s": Bounds(0, _DAY_S, 300), "clear_after_s": Bounds(0, _HOUR_S, 60)},
    AlertKind.FAULTED: {"after_s": Bounds(0, _DAY_S, 30), "clear_after_s": Bounds(0, _HOUR_S, 60)},
    AlertKind.NOT_CHARGING: {"after_s": Bounds(60, _DAY_S, 600), "clear_after_s": Bounds(0, _HOUR_S, 60)},
    AlertKind.OVER_LIMIT: {
        "after_s": Bounds(5, _HOUR_S, 30),
        "clear_after_s": Bounds(0, _HOUR_S, 60),
        "margin_percent": Bounds(0, 100, 0),
    },
    AlertKind.OVERDRAW: {"after_s": Bounds(0, _HOUR_S, 0), "clear_after_s": Bounds(0, _HOUR_S, 60)},
    AlertKind.SCHEDULE_HIGHER: {"after_s": Bounds(0, _HOUR_S, 0), "clear_after_s": Bounds(0, _HOUR_S, 0)},
    AlertKind.NOT_READY: {
        "after_s": Bounds(0, _HOUR_S, 60),
        "clear_after_s": Bounds(0, _HOUR_S, 300),
        "within_minutes": Bounds(15, 1_440, 480),
        "include_at_risk": Bounds(0, 1, 1),
    },
    AlertKind.SHORTFALL: {
        "after_s": Bounds(0, _HOUR_S, 60),
        "clear_after_s": Bounds(0, _HOUR_S, 300),
        "within_minutes": Bounds(15, 2_160, 1_440),
    },
    AlertKind.REPORT_FAILED: {"after_s": Bounds(0, _DAY_S, 0), "clear_after_s": Bounds(0, _HOUR_S, 0)},
    AlertKind.ANOMALY: {"after_s": Bounds(0, _DAY_S, 0), "clear_after_s": Bounds(0, _HOUR_S, 0)},
    AlertKind.GRID_LINK_LOST: {"after_s": Bounds(0, _DAY_S, 0), "clear_after_s": Bounds(0, _HOUR_S, 60)},
    AlertKind.FALLBACKS_OVER_SIGNAL: {"after_s": Bounds(0, _HOUR_S, 0), "clear_after_s": Bounds(0, _HOUR_S, 0)},
}


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When there is to be an alert, and how serious it is.

    It is about what is in its resource group or depot; about the whole tenant where it names neither.

    Args:
        after_s: the condition must have lasted so long, in s, before there is an alert.
        clear_after_s: it must have been over so long, in s, before the alert is resolved by itself: what comes and goes makes one
            alert, not many.
        margin_percent: of OVER_LIMIT: by how much of its limit a node must be above it, in %.
        within_minutes: of NOT_READY and SHORTFALL: how long before a departure it is looked at.
        include_at_risk: of NOT_READY: whether an assignment that is at risk counts, too.
        honours_downtime: nothing of a charge point counts while that is down as planned.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    kind: AlertKind
    severity: AlertSeverity
    enabled: bool
    resource_group_id: uuid.UUID | None
    depot_id: uuid.UUID | None
    after_s: int
    clear_after_s: int
    margin_percent: float | None
    within_minutes: int | None
    include_at_risk: bool | None
    honours_downtime: bool
    created_at: datetime
    updated_at: datetime

    @property
    def after(self) -> timedelta:
        """How long a condition must have lasted."""
        return timedelta(seconds=self.after_s)

    @property
    def clear_after(self) -> timedelta:
        """How long a condition must have been over."""
        return timedelta(seconds=self.clear_after_s)


def with_defaults(kind: AlertKind, given: Mapping[str, float | None]) -> dict[str, Any]:
    """Return the parameters of a rule: those given, and the defaults of its kind for the others; None for what it has not."""
    bounds = PARAMETERS[kind]
    chosen = {name: bounds[name].default if given.get(name) is None and name in bounds else given.get(name) for name in PARAMETER_NAMES}
    return {name: _typed(name, value) for name, value in chosen.items()}


def rule_faults(kind: AlertKind, given: Mapping[str, float | None]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule's parameters: the name of each that is, and what would be right."""
    bounds = PARAMETERS[kind]
    for name in PARAMETER_NAMES:
        value = given.get(name)
        if value is None:
            continue
        if name not in bounds:
            yield name, f"A rule of kind {kind.value} has no such parameter; leave it out."
        elif not bounds[name].least <= value <= bounds[name].most:
            yield name, f"It is {value:g}; give {bounds[name].least:g} to {bounds[name].most:g}."


def may_honour_downtime(kind: AlertKind) -> bool:
    """Tell whether planned downtime means anything to rules of a kind."""
    return kind in ABOUT_CHARGE_POINTS


_TYPES: Mapping[str, type[float] | type[bool]] = {"margin_percent": float, "include_at_risk": bool}


def _typed(name: str, value: float | None) -> float | None:
    return None if value is None else _TYPES.get(name, int)(value)


# What a new tenant has, by name; all about the whole tenant, with the defaults of their kinds.
DEFAULT_RULES: tuple[tuple[str, AlertKind, AlertSeverity], ...] = (
    ("Charge point offline", AlertKind.OFFLINE, AlertSeverity.WARNING),
    ("Charge point faulted", AlertKind.FAULTED, AlertSeverity.WARNING),
    ("Plugged in but not charging", AlertKind.NOT_CHARGING, AlertSeverity.WARNING),
    ("Supply over its limit", AlertKind.OVER_LIMIT, AlertSeverity.CRITICAL),
    ("Draws more than it may", AlertKind.OVERDRAW, AlertSeverity.CRITICAL),
    ("Obeys higher limits than it was told", AlertKind.SCHEDULE_HIGHER, AlertSeverity.CRITICAL),
    ("Vehicle not ready", AlertKind.NOT_READY, AlertSeverity.CRITICAL),
    ("Vehicle short by the plan", AlertKind.SHORTFALL, AlertSeverity.WARNING),
    ("Report failed", AlertKind.REPORT_FAILED, AlertSeverity.INFO),
    ("Odd transaction", AlertKind.ANOMALY, AlertSeverity.INFO),
    ("Grid link lost", AlertKind.GRID_LINK_LOST, AlertSeverity.WARNING),
    ("Fall-backs above a limit from outside", AlertKind.FALLBACKS_OVER_SIGNAL, AlertSeverity.CRITICAL),
)
