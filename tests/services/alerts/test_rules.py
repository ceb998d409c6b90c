"""Rules are made, changed and removed, within bounds and reach."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from ampyard.domain.access import Grant, Principal, PrincipalKind, Scope
from ampyard.domain.alerts import DEFAULT_RULES, AlertKind, AlertRule, AlertSeverity, AlertState
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.repositories import tables
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.alerts import AlertRules
from ampyard.repositories.depots import Depots
from ampyard.services import charge_points
from ampyard.services.alerts.rules import NewAlertRule, add_default_rules, create_alert_rule, edit_alert_rule, remove_alert_rule
from tests.fleet import user
from tests.services.alerts.watch import Watch

OFFLINE = NewAlertRule("Gone", AlertKind.OFFLINE, AlertSeverity.CRITICAL)


async def rules(here: Watch) -> list[AlertRule]:
    async with here.everywhere.database.snapshot(here.tenant_id) as snapshot:
        return await AlertRules(snapshot).where(order_by=[AlertRules.table.c.id])


async def depot_of(here: Watch) -> UUID:
    async with here.everywhere.database.snapshot(here.tenant_id) as snapshot:
        return (await Depots(snapshot).where())[0].id


async def test_a_rule_has_the_defaults_of_its_kind_where_nothing_is_given(here: Watch) -> None:
    made = await create_alert_rule(here.backend, here.admin, replace(OFFLINE, parameters={"after_s": 120}))
    assert (made.after_s, made.clear_after_s, made.margin_percent, made.honours_downtime) == (120, 60, None, True)
    assert await rules(here) == [made]


async def test_a_rule_is_changed_and_parameters_brought_back(here: Watch) -> None:
    made = await create_alert_rule(here.backend, here.admin, replace(OFFLINE, parameters={"after_s": 120}))
    here.pass_time(minutes=1)
    changes = {"name": "Lost", "severity": AlertSeverity.INFO, "after_s": None, "clear_after_s": 5}
    changed = await edit_alert_rule(here.backend, here.admin, made.id, changes)
    assert changed == replace(made, name="Lost", severity=AlertSeverity.INFO, after_s=300, clear_after_s=5, updated_at=here.now)
    assert await rules(here) == [changed]


async def test_a_rule_that_is_disabled_has_its_alerts_resolved_and_opens_them_anew_when_enabled(here: Watch) -> None:
    rule = await here.rule(AlertKind.OFFLINE)
    await charge_points.disconnected(here.backend, here.stations["CP-1"])
    await here.look()
    await edit_alert_rule(here.backend, here.admin, rule.id, {"enabled": False})
    (alert,) = await here.look()
    await edit_alert_rule(here.backend, here.admin, rule.id, {"enabled": True})
    both = await here.look()
    assert (alert.state, alert.resolved_by) == (AlertState.RESOLVED, "user:tester")
    assert [one.state for one in both] == [AlertState.RESOLVED, AlertState.OPEN]


async def test_a_rule_that_is_removed_leaves_its_alerts_resolved(here: Watch) -> None:
    rule = await here.rule(AlertKind.OFFLINE)
    await charge_points.disconnected(here.backend, here.stations["CP-1"])
    await here.look()
    assert await remove_alert_rule(here.backend, here.admin, rule.id) == rule.id
    (alert,) = await here.look()
    assert (alert.state, alert.rule_id, await rules(here)) == (AlertState.RESOLVED, None, [])


@pytest.mark.parametrize(
    ("wanted", "path", "told"),
    [
        (replace(OFFLINE, name=" "), ("input", "name"), "The name has 0 characters; give 1 to 100."),
        (replace(OFFLINE, parameters={"after_s": -1}), ("input", "afterS"), "It is -1; give 0 to 86400."),
        (
            replace(OFFLINE, parameters={"margin_percent": 1}),
            ("input", "marginPercent"),
            "A rule of kind OFFLINE has no such parameter; leave it out.",
        ),
        (
            replace(OFFLINE, kind=AlertKind.ANOMALY, honours_downtime=True),
            ("input", "honoursDowntime"),
            "A rule of kind ANOMALY is not about charge points; planned downtime means nothing to it.",
        ),
        (
            replace(OFFLINE, depot_id=uuid4(), resource_group_id=uuid4()),
            ("input", "depotId"),
            "A rule is about a resource group or about a depot; give one of them, or neither for the whole tenant.",
        ),
    ],
)
async def test_what_is_asked_for_wrongly_is_refused(here: Watch, wanted: NewAlertRule, path: tuple[str, ...], told: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        await create_alert_rule(here.backend, here.admin, wanted)
    assert (str(refusal.value), refusal.value.path) == (told, path)
    assert await rules(here) == []


async def test_names_are_taken_once_and_places_must_be_there(here: Watch) -> None:
    made = await create_alert_rule(here.backend, here.admin, OFFLINE)
    with pytest.raises(ConflictError, match="There is a rule 'Gone' already"):
        await create_alert_rule(here.backend, here.admin, OFFLINE)
    with pytest.raises(NotFoundError, match="no such depot"):
        await create_alert_rule(here.backend, here.admin, replace(OFFLINE, name="B", depot_id=uuid4()))
    with pytest.raises(NotFoundError, match="no such resource group"):
        await create_alert_rule(here.backend, here.admin, replace(OFFLINE, name="B", resource_group_id=uuid4()))
    assert await rules(here) == [made]


async def test_who_may_configure_a_group_makes_rules_for_it_alone(here: Watch) -> None:
    depot_id = await depot_of(here)
    async with here.backend.unit_of_work(here.admin) as work:
        group = ResourceGroup(new_id(), here.tenant_id, None, "Group", None, work.now, work.now)
        await work.add(ResourceGroups, group)
        member = {"id": new_id(), "tenant_id": here.tenant_id, "resource_group_id": group.id, "depot_id": depot_id}
        await work.session.execute(insert(tables.resource_group_member), [member])
        await work.commit()
    tenant_wide = await create_alert_rule(here.backend, here.admin, OFFLINE)
    grant = Grant(frozenset({Scope.FLEET_READ, Scope.ALERTS_CONFIGURE}), frozenset({group.id}))
    narrow = Principal(tenant_id=here.tenant_id, subject="narrow", kind=PrincipalKind.USER, scopes=frozenset(), grants=(grant,))

    of_group = await create_alert_rule(here.backend, narrow, replace(OFFLINE, name="B", resource_group_id=group.id))
    of_depot = await create_alert_rule(here.backend, narrow, replace(OFFLINE, name="C", depot_id=depot_id))
    with pytest.raises(ForbiddenError, match="not for the whole tenant"):
        await create_alert_rule(here.backend, narrow, replace(OFFLINE, name="D"))
    with pytest.raises(NotFoundError):
        await edit_alert_rule(here.backend, narrow, tenant_wide.id, {"enabled": False})
    with pytest.raises(ForbiddenError, match="not for the whole tenant"):
        await edit_alert_rule(here.backend, narrow, of_depot.id, {"depot_id": None})
    with pytest.raises(ForbiddenError, match="alerts:configure"):
        await remove_alert_rule(here.backend, user(here.tenant_id, Scope.ALERTS_HANDLE), of_group.id)
    assert await rules(here) == [tenant_wide, of_group, of_depot]


async def test_the_default_rules_are_added_once(here: Watch) -> None:
    added = []
    for _ in range(2):
        async with here.backend.unit_of_work(here.admin) as work:
            added.append(await add_default_rules(work))
            await work.commit()
    assert [len(some) for some in added] == [len(DEFAULT_RULES), 0]
    assert sorted(await rules(here), key=lambda rule: rule.id) == added[0]
