"""Alerts and their rules: what was found as text, how many there are, and changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ampyard.domain.access import Scope
from ampyard.domain.alerts import Alert, AlertKind, AlertRule, AlertSeverity
from ampyard.domain.depots import Depot
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.engine import Load
from ampyard.repositories.alerts import AlertFilter, alert_counts
from ampyard.repositories.database import Session
from ampyard.resolvers import loading
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services.alerts import handling, rules
from ampyard.services.alerts.rules import NewAlertRule


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure that an alert was opened with."""

    name: str
    value: str


def facts(root: Alert) -> list[Fact]:
    """Return what was found, but for what is not known."""
    return [Fact(name, str(value)) for name, value in root.facts.items() if value is not None]


def plan_alert_counts(info: Info, narrowing: AlertFilter) -> Load:
    """Plan how many alerts there are, by kind, severity and state."""
    info.context.principal.require(Scope.FLEET_READ)
    return Load(_counts, (narrowing,), key=loading.ALL)


async def _counts(session: Session, _keys: Sequence[Any], narrowing: AlertFilter) -> Mapping[Any, Any]:
    return {loading.ALL: await alert_counts(session, narrowing)}


async def acknowledge_alerts(caller: Caller, *, alert_ids: list[str], note: str | None = None) -> dict[str, Any]:
    """Say that somebody looks after alerts."""
    return {"alerts": await handling.acknowledge_alerts(caller.backend, caller.principal, _ids(alert_ids), note=note)}


async def resolve_alerts(caller: Caller, *, alert_ids: list[str], note: str | None = None) -> dict[str, Any]:
    """End alerts by hand."""
    return {"alerts": await handling.resolve_alerts(caller.backend, caller.principal, _ids(alert_ids), note=note)}


async def note_alert(caller: Caller, *, alert_id: str, note: str) -> dict[str, Any]:
    """Leave a note at an alert."""
    noted = decode_id("input.alertId", alert_id, Alert)
    return {"alert": await handling.note_alert(caller.backend, caller.principal, noted, note=note)}


async def create_alert_rule(
    caller: Caller,
    *,
    name: str,
    kind: AlertKind,
    severity: AlertSeverity,
    enabled: bool,
    resource_group_id: str | None = None,
    depot_id: str | None = None,
    honours_downtime: bool | None = None,
    **parameters: float | None,
) -> dict[str, Any]:
    """Add a rule."""
    wanted = NewAlertRule(
        name=name,
        kind=kind,
        severity=severity,
        enabled=enabled,
        resource_group_id=optional_id("input.resourceGroupId", resource_group_id, ResourceGroup),
        depot_id=optional_id("input.depotId", depot_id, Depot),
        honours_downtime=honours_downtime,
        parameters=parameters,
    )
    return {"alert_rule": await rules.create_alert_rule(caller.backend, caller.principal, wanted)}


async def edit_alert_rule(caller: Caller, *, alert_rule_id: str, **changes: Any) -> dict[str, Any]:
    """Change fields of a rule."""
    rule_id = decode_id("input.alertRuleId", alert_rule_id, AlertRule)
    if "resource_group_id" in changes:
        changes["resource_group_id"] = optional_id("input.resourceGroupId", changes["resource_group_id"], ResourceGroup)
    if "depot_id" in changes:
        changes["depot_id"] = optional_id("input.depotId", changes["depot_id"], Depot)
    return {"alert_rule": await rules.edit_alert_rule(caller.backend, caller.principal, rule_id, changes)}


async def remove_alert_rule(caller: Caller, *, alert_rule_id: str) -> dict[str, Any]:
    """Remove a rule."""
    await rules.remove_alert_rule(caller.backend, caller.principal, decode_id("input.alertRuleId", alert_rule_id, AlertRule))
    return {"removed": True}


async def add_default_alert_rules(caller: Caller) -> dict[str, Any]:
    """Add those of the default rules that are missing."""
    return {"alert_rules": await rules.add_missing_default_rules(caller.backend, caller.principal)}


def _ids(global_ids: list[str]) -> list[Any]:
    return [decode_id(f"input.alertIds.{number}", global_id, Alert) for number, global_id in enumerate(global_ids)]
