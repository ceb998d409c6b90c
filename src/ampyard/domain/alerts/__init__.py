"""Alerts: what a person should look at, by which rule, since when, and what became of it."""

from ampyard.domain.alerts.conditions import Condition, Sighting, Step, StepKind, is_meant, next_step
from ampyard.domain.alerts.kinds import AlertKind, AlertSeverity
from ampyard.domain.alerts.rules import (
    DEFAULT_RULES,
    PARAMETER_NAMES,
    PARAMETERS,
    AlertRule,
    Bounds,
    may_honour_downtime,
    rule_faults,
    with_defaults,
)
from ampyard.domain.alerts.states import Alert, AlertChange, AlertChangeKind, AlertState
from ampyard.domain.alerts.wording import summary_of

__all__ = [
    "DEFAULT_RULES",
    "PARAMETERS",
    "PARAMETER_NAMES",
    "Alert",
    "AlertChange",
    "AlertChangeKind",
    "AlertKind",
    "AlertRule",
    "AlertSeverity",
    "AlertState",
    "Bounds",
    "Condition",
    "Sighting",
    "Step",
    "StepKind",
    "is_meant",
    "may_honour_downtime",
    "next_step",
    "rule_faults",
    "summary_of",
    "with_defaults",
]
