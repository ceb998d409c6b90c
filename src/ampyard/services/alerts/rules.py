"""Rules of alerts: made, changed and removed."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.alerts import (
    DEFAULT_RULES,
    PARAMETER_NAMES,
    AlertChange,
    AlertChangeKind,
    AlertKind,
    AlertRule,
    AlertSeverity,
    may_honour_downtime,
    rule_faults,
    with_defaults,
)
from ampyard.domain.errors import ConflictError, ForbiddenError, Problems
from ampyard.domain.ids import new_id
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.alert_conditions import forget_rule
from ampyard.repositories.alerts import AlertChanges, AlertRules, remove_rule, resolve_alerts, unresolved_of_rules
from ampyard.repositories.depots import Depots
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.alerts.telling import publish
from ampyard.services.backend import Backend
from ampyard.services.edits import input_path, require_not_null

_NAME_LENGTH = 100
_CONFIGURE = Scope.ALERTS_CONFIGURE
_MAY_BE_NULL = frozenset({"resource_group_id", "depot_id", *PARAMETER_NAMES})


@dataclass(frozen=True, slots=True)
class NewAlertRule:
    """What is asked for; parameters that are absent have the defaults of the kind."""

    name: str
    kind: AlertKind
    severity: AlertSeverity
    enabled: bool = True
    resource_group_id: uuid.UUID | None = None
    depot_id: uuid.UUID | None = None
    honours_downtime: bool | None = None
    parameters: Mapping[str, float | None] = field(default_factory=dict)


async def create_alert_rule(backend: Backend, principal: Principal, wanted: NewAlertRule) -> AlertRule:
    """Add a rule.

    Raises:
        ForbiddenError: the principal lacks `alerts:configure`, or has it for resource groups alone and the rule is for the whole tenant.
        InvalidInputError: a parameter that the kind has not or out of its bounds, no name, or both a group and a depot.
        NotFoundError: there is no such group or depot.
        ConflictError: the name is taken.
    """
    principal.require(_CONFIGURE)
    async with backend.unit_of_work(principal, _CONFIGURE) as work:
        rule = _new_rule(work, wanted)
        await _check(work, rule, wanted.parameters)
        await work.add(AlertRules, rule)
        await work.audit("alert_rule.create", "alert_rule", rule.id, name=rule.name, kind=rule.kind.value)
        work.answers(alert_rule=rule)
        await work.commit()
    return rule


async def edit_alert_rule(backend: Backend, principal: Principal, rule_id: uuid.UUID, changes: Mapping[str, Any]) -> AlertRule:
    """Change what is named of a rule; None brings a parameter back to its default, and lets go of a group or depot.

    One that is disabled, or about another place, has its alerts resolved. Errors as for `create_alert_rule`.
    """
    principal.require(_CONFIGURE)
    require_not_null(changes, may_be_null=_MAY_BE_NULL)
    async with backend.unit_of_work(principal, _CONFIGURE) as work:
        old = await work.require(AlertRules, rule_id, "alert rule")
        given = {name: value for name, value in changes.items() if name in PARAMETER_NAMES}
        defaults = with_defaults(old.kind, {})
        reset = {name: defaults[name] for name, value in given.items() if value is None}
        rule = replace(old, **{**changes, **reset}, updated_at=work.now)
        await _check(work, rule, given)
        await work.change(AlertRules, rule.id, **{name: getattr(rule, name) for name in changes}, updated_at=work.now)
        if not rule.enabled or (rule.depot_id, rule.resource_group_id) != (old.depot_id, old.resource_group_id):
            await _end(work, rule)
        await work.audit("alert_rule.edit", "alert_rule", rule.id, changed=sorted(changes))
        work.answers(alert_rule=rule)
        await work.commit()
    return rule


async def remove_alert_rule(backend: Backend, principal: Principal, rule_id: uuid.UUID) -> uuid.UUID:
    """Remove a rule; its open alerts are resolved, and all of them stay. Errors as for `create_alert_rule`."""
    principal.require(_CONFIGURE)
    async with backend.unit_of_work(principal, _CONFIGURE) as work:
        rule = await work.require(AlertRules, rule_id, "alert rule")
        await _end(work, rule)
        await remove_rule(work.session, rule.id)
        await work.audit("alert_rule.remove", "alert_rule", rule.id, name=rule.name, kind=rule.kind.value)
        work.answers(removed=True)
        await work.commit()
    return rule.id


async def add_missing_default_rules(backend: Backend, principal: Principal) -> list[AlertRule]:
    """Add those of the rules of a new tenant whose names are not taken.

    Raises:
        ForbiddenError: the principal lacks `alerts:configure` for the whole tenant.
    """
    principal.require(_CONFIGURE)
    if principal.groups(_CONFIGURE) is not None:
        raise ForbiddenError(f"{principal.author} may make rules for resource groups or depots; these are for the whole tenant.")
    async with backend.unit_of_work(principal, _CONFIGURE) as work:
        rules = await add_default_rules(work)
        for rule in rules:
            await work.audit("alert_rule.create", "alert_rule", rule.id, name=rule.name, kind=rule.kind.value)
        work.answers(alert_rules=rules)
        await work.commit()
    return rules


async def add_default_rules(work: UnitOfWork) -> list[AlertRule]:
    """Give the tenant, within a unit of work that does more, those of the default rules whose names it has not; returns them."""
    taken = {rule.name for rule in await AlertRules(work.session).where()}
    rules = [_new_rule(work, NewAlertRule(*default)) for default in DEFAULT_RULES if default[0] not in taken]
    if rules:
        await work.add(AlertRules, *rules)
    return rules


def _new_rule(work: UnitOfWork, wanted: NewAlertRule) -> AlertRule:
    honours = may_honour_downtime(wanted.kind) if wanted.honours_downtime is None else wanted.honours_downtime
    return AlertRule(
        id=new_id(),
        tenant_id=work.tenant_id,
        name=wanted.name,
        kind=wanted.kind,
        severity=wanted.severity,
        enabled=wanted.enabled,
        resource_group_id=wanted.resource_group_id,
        depot_id=wanted.depot_id,
        honours_downtime=honours,
        created_at=work.now,
        updated_at=work.now,
        **with_defaults(wanted.kind, wanted.parameters),
    )


async def _check(work: UnitOfWork, rule: AlertRule, given: Mapping[str, float | None]) -> None:
    problems = Problems()
    problems.check(
        1 <= len(rule.name.strip()) <= _NAME_LENGTH,
        f"The name has {len(rule.name.strip())} characters; give 1 to {_NAME_LENGTH}.",
        "input",
        "name",
    )
    for name, fault in rule_faults(rule.kind, given):
        problems.add(fault, *input_path(name))
    problems.check(
        may_honour_downtime(rule.kind) or not rule.honours_downtime,
        f"A rule of kind {rule.kind.value} is not about charge points; planned downtime means nothing to it.",
        "input",
        "honoursDowntime",
    )
    problems.check(
        rule.resource_group_id is None or rule.depot_id is None,
        "A rule is about a resource group or about a depot; give one of them, or neither for the whole tenant.",
        "input",
        "depotId",
    )
    problems.raise_any()
    if rule.resource_group_id is not None:
        await work.require(ResourceGroups, rule.resource_group_id, "resource group")
    elif rule.depot_id is not None:
        await work.require(Depots, rule.depot_id, "depot")
    elif work.principal.groups(_CONFIGURE) is not None:
        raise ForbiddenError(f"{work.principal.author} may make rules for resource groups or depots, not for the whole tenant; name one.")
    column = AlertRules.table.c
    if await AlertRules(work.session).where(column.name == rule.name, column.id != rule.id):
        raise ConflictError(f"There is a rule {rule.name!r} already; give another name.", ("input", "name"))


async def _end(work: UnitOfWork, rule: AlertRule) -> None:
    """Resolve a rule's alerts and forget what it saw: a look opens again what it still is about."""
    ids = (await unresolved_of_rules(work.session, [rule.id])).values()
    resolved = await resolve_alerts(work.session, list(ids), at=work.now, author=work.principal.author)
    await forget_rule(work.session, rule.id)
    if resolved:
        change = AlertChangeKind.RESOLVED
        author = work.principal.author
        await work.add(AlertChanges, *(AlertChange(new_id(), work.tenant_id, it.id, change, work.now, author, None) for it in resolved))
    for alert in resolved:
        publish(work, alert, raised=False)
