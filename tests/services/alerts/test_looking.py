"""Looking at a tenant: what opens an alert, what ends it, and that it opens once."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from ampyard.domain.alerts import AlertKind, AlertState
from ampyard.domain.charge_points import ConnectorStatus
from ampyard.domain.ids import new_id
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.repositories import tables
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.services.alerts.handling import acknowledge_alerts, resolve_alerts
from ampyard.services.alerts.looking import look, tenants_with_rules
from tests.published import waiting
from tests.services.alerts.happening import find, lose, plan_downtime, stand_still
from tests.services.alerts.watch import BEGIN, Watch


async def test_a_charge_point_is_offline_for_a_while_and_comes_back(here: Watch) -> None:
    rule = await here.rule(AlertKind.OFFLINE, parameters={"after_s": 300, "clear_after_s": 60})
    await lose(here)
    assert await here.look() == []
    here.pass_time(seconds=299)
    assert await here.look() == []
    here.pass_time(seconds=1)
    (alert,) = await here.look()
    await find(here)
    (still,) = await here.look()
    here.pass_time(seconds=60)
    (over,) = await here.look()

    assert (alert.rule_id, alert.kind, alert.state, alert.summary) == (rule.id, AlertKind.OFFLINE, AlertState.OPEN, "Offline")
    assert (alert.since, alert.opened_at) == (BEGIN, here.now.replace(minute=5, second=0))
    assert (alert.charge_point_id, alert.target_id) == (here.stations["CP-1"].charge_point_id,) * 2
    assert still == alert
    assert (over.state, over.resolved_at, over.resolved_by) == (AlertState.RESOLVED, here.now, None)
    assert await here.changes(alert) == [("OPENED", None, None), ("RESOLVED", None, None)]
    events = [event.kind for event in await waiting(here.backend, here.tenant_id) if event.aggregate_id == alert.id]
    assert events == ["alert.raised", "alert.updated"]


async def test_an_alert_opens_once_however_often_and_by_however_many_it_is_looked_for(here: Watch) -> None:
    await here.rule(AlertKind.OFFLINE)
    await lose(here)
    # Those who find another at it do nothing.
    assert True in await asyncio.gather(*(look(here.backend, here.tenant_id) for _ in range(8)))
    assert len(await here.look()) == 1
    here.pass_time(hours=1)
    assert len(await here.look()) == 1


async def test_what_comes_and_goes_is_one_alert(here: Watch) -> None:
    await here.rule(AlertKind.OFFLINE, parameters={"clear_after_s": 60})
    await lose(here)
    for _ in range(3):
        await here.look()
        here.pass_time(seconds=30)
        await find(here)
        await here.look()
        here.pass_time(seconds=30)
        await lose(here)
    (alert,) = await here.look()
    assert alert.state is AlertState.OPEN


async def test_one_that_was_resolved_by_hand_does_not_open_again_until_it_has_been_over(here: Watch) -> None:
    await here.rule(AlertKind.OFFLINE)
    await lose(here)
    (alert,) = await here.look()
    await resolve_alerts(here.backend, here.admin, [alert.id], note=None)
    assert len(await here.look()) == 1

    await find(here)
    await here.look()
    await lose(here)
    first, second = await here.look()
    assert (first.state, first.resolved_by, second.state) == (AlertState.RESOLVED, "user:tester", AlertState.OPEN)


async def test_one_that_is_acknowledged_ends_by_itself_too(here: Watch) -> None:
    await here.rule(AlertKind.OFFLINE)
    await lose(here)
    (alert,) = await here.look()
    await acknowledge_alerts(here.backend, here.admin, [alert.id], note="On my way")
    await find(here)
    (over,) = await here.look()
    assert (over.state, over.acknowledged_by, over.note) == (AlertState.RESOLVED, "user:tester", "On my way")


async def test_a_charge_point_that_never_was_on_the_line_is_not_missed(here: Watch) -> None:
    await here.rule(AlertKind.OFFLINE)
    async with here.backend.unit_of_work(here.admin) as work:
        await work.session.execute(update(tables.charge_point).values(connected=False, connected_at=None))
        await work.commit()
    assert await here.look() == []


async def test_planned_downtime_is_no_alert_where_the_rule_honours_it(here: Watch) -> None:
    honours = await here.rule(AlertKind.OFFLINE)
    strict = await here.rule(AlertKind.OFFLINE, honours_downtime=False)
    await plan_downtime(here)
    await lose(here)
    before = await here.look()
    here.pass_time(minutes=10)
    during = {alert.rule_id: alert.state for alert in await here.look()}
    here.pass_time(minutes=60)
    after = [(alert.rule_id, alert.state) for alert in await here.look()]

    assert {alert.rule_id for alert in before} == {honours.id, strict.id}
    assert during == {honours.id: AlertState.RESOLVED, strict.id: AlertState.OPEN}
    assert sorted(after) == sorted([(honours.id, AlertState.RESOLVED), (strict.id, AlertState.OPEN), (honours.id, AlertState.OPEN)])


@pytest.mark.parametrize("state", [state for state in ChargePointState if state is not ChargePointState.IN_SERVICE])
async def test_a_charge_point_that_is_not_in_service_is_not_missed(here: Watch, state: ChargePointState) -> None:
    await here.rule(AlertKind.OFFLINE)
    await here.rule(AlertKind.FAULTED)
    await here.rule(AlertKind.NOT_CHARGING, parameters={"after_s": 60})
    await stand_still(here)
    await here.status("CP-1", ConnectorStatus.FAULTED, "GroundFailure")
    await lose(here)
    async with here.backend.unit_of_work(here.admin) as work:
        await work.session.execute(update(tables.charge_point).values(state=state))
        await work.commit()
    await here.look()
    here.pass_time(hours=1)
    assert await here.look() == []


async def test_a_rule_of_a_resource_group_sees_what_is_in_it_and_below(here: Watch) -> None:
    async with here.backend.unit_of_work(here.admin) as work:
        above, below = (ResourceGroup(new_id(), here.tenant_id, None, name, None, work.now, work.now) for name in ("Above", "Below"))
        below = ResourceGroup(below.id, here.tenant_id, above.id, "Below", None, work.now, work.now)
        await work.add(ResourceGroups, above)
        await work.add(ResourceGroups, below)
        member = {
            "id": new_id(),
            "tenant_id": here.tenant_id,
            "resource_group_id": below.id,
            "charge_point_id": here.stations["CP-2"].charge_point_id,
        }
        await work.session.execute(insert(tables.resource_group_member), [member])
        await work.commit()
    rule = await here.rule(AlertKind.OFFLINE, resource_group_id=above.id)
    for identity in ("CP-1", "CP-2"):
        await lose(here, identity)
    (alert,) = await here.look()
    assert (alert.charge_point_id, alert.rule_id) == (here.stations["CP-2"].charge_point_id, rule.id)


async def test_a_rule_of_a_depot_and_one_of_the_tenant_each_open_theirs(here: Watch) -> None:
    async with here.backend.database.snapshot(here.tenant_id) as snapshot:
        (depot,) = await Depots(snapshot).where()
    rules = {(await here.rule(AlertKind.OFFLINE)).id, (await here.rule(AlertKind.OFFLINE, depot_id=depot.id)).id}
    await lose(here)
    assert {alert.rule_id for alert in await here.look()} == rules


async def test_only_tenants_with_rules_that_are_enabled_are_looked_at(here: Watch) -> None:
    assert here.tenant_id not in await tenants_with_rules(here.backend)
    await here.rule(AlertKind.OFFLINE, enabled=False)
    assert here.tenant_id not in await tenants_with_rules(here.backend)
    await here.rule(AlertKind.OFFLINE)
    assert here.tenant_id in await tenants_with_rules(here.backend)


async def test_a_charge_point_that_is_deleted_takes_its_alerts_with_it(here: Watch) -> None:
    await here.rule(AlertKind.OFFLINE)
    await lose(here)
    await here.look()
    async with here.backend.unit_of_work(here.admin) as work:
        cp: UUID = here.stations["CP-1"].charge_point_id
        await work.session.execute(tables.transaction.delete().where(tables.transaction.c.charge_point_id == cp))
        await work.session.execute(ChargePoints.table.delete().where(ChargePoints.table.c.id == cp))
        await work.commit()
    assert await here.look() == []
