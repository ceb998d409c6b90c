"""What there is an alert about: for each kind what opens it, and what ends it."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from ampyard.domain.alerts import AlertKind, AlertState
from ampyard.domain.charge_points import ConnectorStatus
from ampyard.domain.ids import new_id
from ampyard.domain.job_runs import JobRunState
from ampyard.domain.readiness import Risk
from ampyard.domain.transactions import ChargingState
from ampyard.repositories import tables
from tests.services.alerts.happening import assign, foresee, run_report, stand_still
from tests.services.alerts.watch import BEGIN, Watch


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
