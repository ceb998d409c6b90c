"""Looking at a tenant: what there is to see by its rules, which alerts open, and which are over."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ampyard.domain.access import Reach, system_principal
from ampyard.domain.alerts import (
    Alert,
    AlertChange,
    AlertChangeKind,
    AlertKind,
    AlertRule,
    AlertState,
    Condition,
    Sighting,
    Step,
    StepKind,
    is_meant,
    next_step,
    summary_of,
)
from ampyard.domain.ids import new_id
from ampyard.domain.notifications.deliveries import NotedChange
from ampyard.domain.resource_groups import with_all_below
from ampyard.repositories.access import group_parents
from ampyard.repositories.alert_conditions import forget, remember, remembered, try_lock_alerts
from ampyard.repositories.alerts import AlertChanges, AlertRules, Alerts, resolve_alerts, rules_by_tenant, unresolved_of_rules
from ampyard.repositories.sightings import SIGHTINGS
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.alerts.telling import publish
from ampyard.services.backend import Backend
from ampyard.services.notifications.queueing import queue

Place: TypeAlias = tuple[uuid.UUID, uuid.UUID]  # rule, target


@dataclass(slots=True)
class Looked:
    """What a look came to: conditions to remember and to forget, what to open and to resolve."""

    remember: list[Condition] = field(default_factory=list)
    forget: list[Condition] = field(default_factory=list)
    open: list[tuple[AlertRule, Condition, Sighting]] = field(default_factory=list)
    resolve: list[Condition] = field(default_factory=list)

    @property
    def is_nothing(self) -> bool:
        """Whether all is as it was."""
        return not (self.remember or self.forget or self.open or self.resolve)


async def tenants_with_rules(backend: Backend) -> list[uuid.UUID]:
    """Return the tenants that want to be looked at."""
    async with backend.database.system_snapshot() as snapshot:
        return await rules_by_tenant(snapshot)


async def look(backend: Backend, tenant_id: uuid.UUID) -> bool:
    """Open and resolve what is due in a tenant; returns False, having done nothing, while another process is at it."""
    async with backend.unit_of_work(system_principal(tenant_id, "alerts")) as work:
        if not await try_lock_alerts(work.session, tenant_id):
            return False
        rules = await AlertRules(work.session).where(AlertRules.table.c.enabled)
        looked = compare(rules, await _seen(work, rules), await remembered(work.session), work)
        if not looked.is_nothing:
            await _apply(work, looked)
            await work.commit()
    return True


def compare(
    rules: Sequence[AlertRule],
    seen: Mapping[uuid.UUID, Sequence[Sighting]],
    conditions: Mapping[Place, Condition],
    work: UnitOfWork,
) -> Looked:
    """Return what to do, from what each rule saw (by rule) and what is remembered; nothing is stored yet."""
    looked = Looked()
    for rule in rules:
        meant = {sighting.target_id: sighting for sighting in seen[rule.id] if is_meant(rule, sighting, work.now)}
        known = {target_id: condition for (rule_id, target_id), condition in conditions.items() if rule_id == rule.id}
        for target_id in {**known, **meant}:
            sighting = meant.get(target_id)
            _sort(looked, rule, sighting, next_step(rule, known.get(target_id), sighting, work.now))
    return looked


def _sort(looked: Looked, rule: AlertRule, sighting: Sighting | None, step: Step) -> None:
    match step.kind:
        case StepKind.REMEMBER:
            looked.remember.append(step.condition)
        case StepKind.OPEN if sighting is not None:
            looked.open.append((rule, step.condition, sighting))
        case StepKind.RESOLVE:
            looked.resolve.append(step.condition)
            looked.forget.append(step.condition)
        case StepKind.FORGET:
            looked.forget.append(step.condition)


async def _seen(work: UnitOfWork, rules: Iterable[AlertRule]) -> dict[uuid.UUID, list[Sighting]]:
    """Return what each rule sees: one look for each kind, and for each resource group that rules of the kind name."""
    wanted: dict[uuid.UUID | None, dict[AlertKind, list[AlertRule]]] = defaultdict(lambda: defaultdict(list))
    for rule in rules:
        wanted[rule.resource_group_id][rule.kind].append(rule)
    parents = await group_parents(work.session) if any(wanted) else {}
    seen: dict[uuid.UUID, list[Sighting]] = {}
    for group_id, by_kind in wanted.items():
        groups = None if group_id is None else with_all_below([group_id], parents)
        async with work.within(Reach(groups, groups)):
            for kind, of_kind in by_kind.items():
                found = await SIGHTINGS[kind](work.session, work.now)
                seen.update({rule.id: found for rule in of_kind})
    return seen


async def _apply(work: UnitOfWork, looked: Looked) -> None:
    opened, kept = await _open(work, looked.open)
    await remember(work.session, work.tenant_id, [*looked.remember, *kept])
    resolved = await resolve_alerts(work.session, [condition.alert_id for condition in looked.resolve if condition.alert_id], at=work.now)
    await forget(work.session, looked.forget)
    changes = [
        *(_change(alert, AlertChangeKind.OPENED) for alert in opened),
        *(_change(alert, AlertChangeKind.RESOLVED) for alert in resolved),
    ]
    if changes:
        await work.add(AlertChanges, *changes)
    for alert in opened:
        publish(work, alert, raised=True)
    for alert in resolved:
        publish(work, alert, raised=False)
    await queue(work, [*((alert, NotedChange.OPENED) for alert in opened), *((alert, NotedChange.RESOLVED) for alert in resolved)])


async def _open(work: UnitOfWork, due: Sequence[tuple[AlertRule, Condition, Sighting]]) -> tuple[list[Alert], list[Condition]]:
    """Add alerts; returns those that are new, and the conditions with the alerts that they have now."""
    if not due:
        return [], []
    # What is remembered may have been lost; an alert that is there already is not opened again.
    known = await unresolved_of_rules(work.session, {rule.id for rule, _, _ in due})
    opened, kept = [], []
    for rule, condition, sighting in due:
        alert_id = known.get((rule.id, sighting.target_id))
        if alert_id is None:
            alert = _alert(work, rule, condition, sighting)
            opened.append(alert)
            alert_id = alert.id
        kept.append(replace(condition, alert_id=alert_id))
    if opened:
        await work.add(Alerts, *opened)
    return opened, kept


def _alert(work: UnitOfWork, rule: AlertRule, condition: Condition, sighting: Sighting) -> Alert:
    return Alert(
        id=new_id(),
        tenant_id=work.tenant_id,
        rule_id=rule.id,
        kind=rule.kind,
        severity=rule.severity,
        state=AlertState.OPEN,
        target_id=sighting.target_id,
        depot_id=sighting.depot_id,
        charge_point_id=sighting.charge_point_id,
        power_node_id=sighting.power_node_id,
        vehicle_id=sighting.vehicle_id,
        transaction_id=sighting.transaction_id,
        assignment_id=sighting.assignment_id,
        summary=summary_of(rule.kind, sighting.facts),
        facts=dict(sighting.facts),
        since=condition.since,
        opened_at=work.now,
        acknowledged_at=None,
        acknowledged_by=None,
        resolved_at=None,
        resolved_by=None,
        note=None,
        updated_at=work.now,
    )


def _change(alert: Alert, kind: AlertChangeKind) -> AlertChange:
    return AlertChange(new_id(), alert.tenant_id, alert.id, kind, alert.updated_at, None, None)
