"""Who will be short by the plan: told of once, before it leaves, until a newer plan finds otherwise or there is none any more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from ampyard.domain.access import Reach
from ampyard.domain.alerts import Alert, AlertKind, AlertState
from ampyard.domain.plans import FRESH
from ampyard.domain.transactions import Transaction
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.plans import keep_plan
from ampyard.repositories.sightings import shortfalls
from ampyard.services.backend import Backend
from tests.charging import charge, station_of
from tests.days.planning import plan_of, stay_of
from tests.fleet import new_fleet
from tests.grants import group_of
from tests.services.alerts.watch import BEGIN, Watch

WITHIN_A_DAY = {"within_minutes": 1_440}


@pytest.fixture
async def here(backend: Backend) -> Watch:
    seeded = await new_fleet(replace(backend, clock=lambda: BEGIN))
    return Watch(backend, seeded.tenant_id)


async def plugged(here: Watch) -> Transaction:
    return await charge(here.backend, await station_of(here.backend, here.tenant_id, "CP-2"), (here.now, 0.0))


async def plan(here: Watch, *running: Transaction, short: bool) -> None:
    """Have a plan kept in which these stay, short of 5 kWh or not."""
    async with here.backend.unit_of_work(here.admin) as work:
        points = {point.id: point.power_node_id for point in await ChargePoints(work.session).where()}
        (depot_id,) = {point.depot_id for point in await ChargePoints(work.session).where()}
        made = plan_of(here.tenant_id, depot_id, here.now)
        nodes = [points[one.charge_point_id] for one in running]
        stays = [stay_of(made, one, node, None, short_at=node if short else None) for one, node in zip(running, nodes, strict=True)]
        await keep_plan(work.session, made, stays)
        await work.commit()


def states(alerts: Sequence[Alert]) -> list[AlertState]:
    return [alert.state for alert in alerts]


async def test_who_will_be_short_is_told_of_until_a_plan_finds_otherwise(here: Watch) -> None:
    await here.rule(AlertKind.SHORTFALL, parameters=WITHIN_A_DAY)
    transaction = await plugged(here)
    await plan(here, transaction, short=True)
    (alert,) = await here.look()
    assert (alert.target_id, alert.transaction_id, alert.vehicle_id) == (transaction.id, transaction.id, transaction.vehicle_id)
    assert alert.power_node_id is not None
    assert alert.summary.startswith("It will lack 5.0 of 152.6 kWh as it leaves at 2026-11-02 14:00 UTC: the limit of its supply")
    assert (alert.facts["lacks_kwh"], alert.facts["cause"]) == (5.0, "NODE")

    here.pass_time(minutes=5)
    await plan(here, transaction, short=True)
    assert states(await here.look()) == [AlertState.OPEN]

    here.pass_time(minutes=5)
    await plan(here, transaction, short=False)
    assert states(await here.look()) == [AlertState.RESOLVED]


async def test_who_is_in_no_plan_any_more_or_only_in_a_stale_one_is_no_matter(here: Watch) -> None:
    await here.rule(AlertKind.SHORTFALL, parameters=WITHIN_A_DAY)
    transaction = await plugged(here)
    await plan(here, transaction, short=True)
    await here.look()
    here.pass_time(minutes=5)
    await plan(here, short=True)
    assert states(await here.look()) == [AlertState.RESOLVED]

    here.pass_time(minutes=5)
    await plan(here, transaction, short=True)
    assert states(await here.look()) == [AlertState.RESOLVED, AlertState.OPEN]
    here.now += FRESH
    assert states(await here.look()) == [AlertState.RESOLVED, AlertState.RESOLVED]


async def test_a_rule_may_be_about_what_leaves_soon_alone(here: Watch) -> None:
    await here.rule(AlertKind.SHORTFALL, parameters={"within_minutes": 60})
    transaction = await plugged(here)
    await plan(here, transaction, short=True)
    assert await here.look() == []
    here.pass_time(minutes=10)
    await plan(here, transaction, short=True)
    assert await here.look() == []


async def test_who_reaches_the_vehicle_alone_is_told_too(here: Watch) -> None:
    transaction = await plugged(here)
    await plan(here, transaction, short=True)
    assert transaction.vehicle_id is not None
    group = await group_of(here.backend, here.tenant_id, vehicle_id=transaction.vehicle_id)
    async with here.backend.database.snapshot(here.tenant_id, Reach(frozenset({group}), frozenset({group}))) as snapshot:
        (seen,) = await shortfalls(snapshot, here.now + timedelta(minutes=1))
    assert seen.vehicle_id == transaction.vehicle_id
