"""Looking at a tenant: for each kind what opens an alert, what ends it, and that it opens once."""

import asyncio
from datetime import datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from ampyard.domain.alerts import AlertKind, AlertState
from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.domain.ids import new_id
from ampyard.domain.job_runs import JobRunState
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.local_time import Weekday
from ampyard.domain.readiness import Risk
from ampyard.domain.reports import DAILY_ENERGY_JOB
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.domain.transactions import ChargingState, Transaction
from ampyard.repositories import tables
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import charge_points
from ampyard.services.alerts.handling import acknowledge_alerts, resolve_alerts
from ampyard.services.alerts.looking import look, tenants_with_rules
from ampyard.services.backend import Backend
from tests.charging import charge
from tests.published import waiting
from tests.services.alerts.watch import BEGIN, Watch, watch


@pytest.fixture
async def here(backend: Backend) -> Watch:
    return await watch(backend)


async def lose(here: Watch, identity: str = "CP-1") -> None:
    await charge_points.disconnected(here.backend, here.stations[identity])


async def find(here: Watch, identity: str = "CP-1") -> None:
    await charge_points.connected(here.backend, here.stations[identity], OcppVersion.V16)


async def stand_still(here: Watch, **values: object) -> Transaction:
    """Have a vehicle plugged in at CP-1 that may have 11 kW and takes nothing."""
    transaction = await charge(here.backend, here.stations["CP-1"], (here.now, 0.0))
    facts = {"charging_state": ChargingState.EV_CONNECTED, "power_kw": 0.0, **values}
    async with here.backend.unit_of_work(here.admin) as work:
        table = tables.transaction
        await work.session.execute(update(table).where(table.c.id == transaction.id).values(**facts))
        await work.session.execute(update(tables.evse).where(tables.evse.c.id == transaction.evse_id).values(limit_kw=11.0))
        await work.commit()
    return transaction


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


async def test_a_faulted_connector(here: Watch) -> None:
    await here.rule(AlertKind.FAULTED, parameters={"after_s": 30})
    await here.status("CP-1", ConnectorStatus.FAULTED, "GroundFailure")
    assert await here.look() == []
    here.pass_time(seconds=30)
    (alert,) = await here.look()
    await here.status("CP-1", ConnectorStatus.AVAILABLE)
    (over,) = await here.look()

    assert (alert.summary, alert.since, alert.facts) == (
        "Faulted: GroundFailure",
        BEGIN,
        {"fault": "GroundFailure", "vendor_code": None},
    )
    assert over.state is AlertState.RESOLVED


async def plan_downtime(here: Watch) -> None:
    """Have CP-1 down as planned from ten minutes after now for an hour."""
    async with here.backend.unit_of_work(here.admin) as work:
        down = {
            "id": new_id(),
            "tenant_id": here.tenant_id,
            "charge_point_id": here.stations["CP-1"].charge_point_id,
            "starts_at": here.now + timedelta(minutes=10),
            "ends_at": here.now + timedelta(minutes=70),
            "reason": "Maintenance",
            "author": "user:tester",
        }
        await work.session.execute(insert(tables.planned_downtime), [down])
        await work.commit()


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


async def test_a_vehicle_that_is_plugged_in_and_takes_nothing(here: Watch) -> None:
    await here.rule(AlertKind.NOT_CHARGING, parameters={"after_s": 600})
    transaction = await stand_still(here)
    await here.look()
    here.pass_time(seconds=599)
    assert await here.look() == []
    here.pass_time(seconds=1)
    (alert,) = await here.look()
    assert (alert.transaction_id, alert.vehicle_id, alert.since) == (transaction.id, transaction.vehicle_id, BEGIN)
    assert alert.summary == "Plugged in at EVSE 1, but not charging"


@pytest.mark.parametrize(
    "values",
    [
        {"power_kw": 7.0},
        {"charging_state": ChargingState.SUSPENDED_EV},
        {"charging_state": ChargingState.SUSPENDED_EV, "soc_percent": 95.0},
        {"charging_state": ChargingState.IDLE},
        {"soc_percent": 98.0},
    ],
)
async def test_a_vehicle_that_charges_or_is_full_or_has_gone_is_not_missed(here: Watch, values: dict[str, object]) -> None:
    await here.rule(AlertKind.NOT_CHARGING, parameters={"after_s": 60})
    await stand_still(here, **values)
    await here.look()
    here.pass_time(hours=1)
    assert await here.look() == []


async def test_a_vehicle_that_has_suspended_although_it_is_not_full(here: Watch) -> None:
    await here.rule(AlertKind.NOT_CHARGING, parameters={"after_s": 60})
    await stand_still(here, charging_state=ChargingState.SUSPENDED_EV, soc_percent=40.0)
    await here.look()
    here.pass_time(minutes=1)
    assert len(await here.look()) == 1


async def test_one_whose_turn_has_not_come_is_not_missed(here: Watch) -> None:
    await here.rule(AlertKind.NOT_CHARGING, parameters={"after_s": 60})
    transaction = await stand_still(here)
    async with here.backend.unit_of_work(here.admin) as work:
        await work.session.execute(update(tables.evse).where(tables.evse.c.id == transaction.evse_id).values(limit_kw=0.0))
        await work.commit()
    await here.look()
    here.pass_time(hours=1)
    assert await here.look() == []


async def test_a_power_node_above_its_limit(here: Watch) -> None:
    await here.rule(AlertKind.OVER_LIMIT, parameters={"after_s": 30, "margin_percent": 10.0})
    await stand_still(here, power_kw=164.0)
    await here.look()
    here.pass_time(seconds=60)
    # The feeder may carry 150 kW, and with the margin 165.
    assert await here.look() == []
    async with here.backend.unit_of_work(here.admin) as work:
        await work.session.execute(update(tables.transaction).values(power_kw=180.0))
        await work.commit()
    await here.look()
    here.pass_time(seconds=30)
    (alert,) = await here.look()
    assert (alert.summary, alert.facts) == ("180.0 kW, above the limit of 150.0 kW", {"load_kw": 180.0, "limit_kw": 150.0})
    assert alert.target_id == alert.power_node_id


async def test_an_anomaly_until_it_is_resolved(here: Watch) -> None:
    await here.rule(AlertKind.ANOMALY)
    transaction = await stand_still(here)
    odd = {
        "id": new_id(),
        "tenant_id": here.tenant_id,
        "depot_id": transaction.depot_id,
        "charge_point_id": transaction.charge_point_id,
        "transaction_id": transaction.id,
        "kind": "METER_BACKWARDS",
        "evidence": here.now.isoformat(),
        "detail": {},
        "detected_at": here.now,
    }
    async with here.backend.unit_of_work(here.admin) as work:
        await work.session.execute(insert(tables.transaction_anomaly), [odd])
        await work.commit()
    (alert,) = await here.look()
    assert (alert.summary, alert.transaction_id) == ("Odd transaction: meter backwards", transaction.id)

    done = {"resolved_at": here.now, "resolved_by": "user:tester", "resolution": "NOT_BILLED"}
    async with here.backend.unit_of_work(here.admin) as work:
        await work.session.execute(update(tables.transaction_anomaly).values(**done))
        await work.commit()
    assert (await here.look())[0].state is AlertState.RESOLVED


async def assign(here: Watch, departs_at: datetime) -> dict[str, UUID]:
    """Have Bus 1 leave at a time; returns its assignment, vehicle and depot."""
    async with here.backend.unit_of_work(here.admin) as work:
        (vehicle, *_) = await Vehicles(work.session).where(order_by=[Vehicles.table.c.name])
        ids = {"assignment_id": new_id(), "vehicle_id": vehicle.id, "depot_id": vehicle.depot_id}
        block = {
            "id": new_id(),
            "tenant_id": here.tenant_id,
            "name": "Line 1",
            "energy_kwh": 100.0,
            "weekdays": frozenset(Weekday),
            "first_day": departs_at.date(),
            "enabled": True,
            "return_days_later": 0,
        }
        for place, at in (("departure", time(18)), ("return", time(20))):
            block |= {f"{place}_depot_id": vehicle.depot_id, f"{place}_time": at, f"{place}_zone": "Europe/Berlin"}
        await work.session.execute(insert(tables.block), [block])
        assignment = {
            "id": ids["assignment_id"],
            "tenant_id": here.tenant_id,
            "block_id": block["id"],
            "vehicle_id": vehicle.id,
            "depot_id": vehicle.depot_id,
            "day": departs_at.date(),
            "departs_at": departs_at,
            "returns_at": departs_at + timedelta(hours=2),
            "author": "user:tester",
        }
        await work.session.execute(insert(tables.assignment), [assignment])
        await work.commit()
    return ids


async def foresee(here: Watch, ids: dict[str, UUID], departs_at: datetime, risk: Risk) -> None:
    async with here.backend.unit_of_work(here.admin) as work:
        record = {
            "id": new_id(),
            "tenant_id": here.tenant_id,
            **ids,
            "departs_at": departs_at,
            "recorded_at": here.now,
            "at_departure": False,
            "risk": risk,
            "reason": "So it seems.",
            "reserve_kwh": 0.0,
            "shortfall_kwh": 12.5,
        }
        await work.session.execute(insert(tables.readiness_record), [record])
        await work.commit()


async def test_an_assignment_that_will_not_be_ready_until_it_will(here: Watch) -> None:
    await here.rule(AlertKind.NOT_READY, parameters={"within_minutes": 480, "include_at_risk": False})
    departs_at = BEGIN + timedelta(hours=5)
    ids = await assign(here, departs_at)
    await foresee(here, ids, departs_at, Risk.AT_RISK)
    assert await here.look() == []
    here.pass_time(minutes=1)
    await foresee(here, ids, departs_at, Risk.NOT_READY)
    (alert,) = await here.look()
    here.pass_time(minutes=1)
    await foresee(here, ids, departs_at, Risk.TIGHT)
    (over,) = await here.look()

    assert (alert.assignment_id, alert.vehicle_id, alert.depot_id) == (ids["assignment_id"], ids["vehicle_id"], ids["depot_id"])
    assert alert.summary == "Not ready for the departure at 2026-11-02T17:00+00:00"
    assert alert.facts["shortfall_kwh"] == 12.5
    assert over.state is AlertState.RESOLVED


async def test_a_departure_that_is_over_is_no_matter_any_more(here: Watch) -> None:
    await here.rule(AlertKind.NOT_READY)
    departs_at = BEGIN + timedelta(hours=1)
    await foresee(here, await assign(here, departs_at), departs_at, Risk.NOT_READY)
    assert len(await here.look()) == 1
    here.pass_time(hours=1)
    assert [alert.state for alert in await here.look()] == [AlertState.RESOLVED]


async def run_report(here: Watch, state: JobRunState, day: str = "2026-11-01") -> None:
    async with here.backend.unit_of_work(here.admin) as work:
        (depot,) = await Depots(work.session).where()
        run = {
            "id": new_id(),
            "tenant_id": here.tenant_id,
            "kind": DAILY_ENERGY_JOB,
            "state": state,
            "attempts": 5,
            "payload": {"tenant_id": str(here.tenant_id), "depot_id": str(depot.id), "day": day},
            "error": "TimeoutError; the worker's log tells more.",
            "created_at": here.now,
            "finished_at": here.now if state in {JobRunState.FAILED, JobRunState.SUCCEEDED} else None,
        }
        await work.session.execute(insert(tables.job_run), [run])
        await work.commit()


async def test_a_report_that_could_not_be_written_until_it_is(here: Watch) -> None:
    await here.rule(AlertKind.REPORT_FAILED)
    await run_report(here, JobRunState.FAILED)
    (alert,) = await here.look()
    # It fails again, under another run, and is being tried: the same report, the same alert.
    here.pass_time(minutes=10)
    await run_report(here, JobRunState.FAILED)
    await run_report(here, JobRunState.RETRYING)
    assert await here.look() == [alert]
    here.pass_time(minutes=10)
    await run_report(here, JobRunState.SUCCEEDED)
    (over,) = await here.look()
    assert (alert.summary, over.state) == ("The report of 2026-11-01 could not be written", AlertState.RESOLVED)
    assert alert.facts == {"day": "2026-11-01", "error": "TimeoutError; the worker's log tells more."}


async def test_each_report_that_failed_is_an_alert(here: Watch) -> None:
    await here.rule(AlertKind.REPORT_FAILED)
    for day in ("2026-10-31", "2026-11-01"):
        await run_report(here, JobRunState.FAILED, day)
    assert {alert.facts["day"] for alert in await here.look()} == {"2026-10-31", "2026-11-01"}


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
