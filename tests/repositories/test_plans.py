"""Plans: what the newest fresh one says of a transaction, who sees what of it, and the peak of a billing month."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ampyard.domain.access import Reach
from ampyard.domain.charging_forecast import Step
from ampyard.domain.planning import RemedyKind
from ampyard.domain.plans import FRESH, DepotPlan, PlannedPower, PlannedStay
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.supply import BUCKET, NodeLoad
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.database import Session
from ampyard.repositories.plans import DepotPlans, PlannedStays, keep_plan, peak_kw, planned, remove_plans
from ampyard.repositories.supply import record_loads
from ampyard.services.backend import Backend
from tests.busy import Busy
from tests.charging import charge, station_of
from tests.days.planning import plan_of, stay_of
from tests.fleet import user
from tests.grants import group_of
from tests.sent import statements_sent
from tests.services.supplied import HOUR, NOW, Site, new_site

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def site(backend: Backend) -> Site:
    return await new_site(backend)


async def kept(site: Site, *made_at: datetime, identity: str = "CP-2") -> tuple[uuid.UUID, list[DepotPlan]]:
    """Have a vehicle charge, and plans of it kept; returns its transaction and the plans."""
    running = await charge(site.backend, await station_of(site.backend, site.tenant_id, identity), (NOW, 0.0))
    plans = [plan_of(site.tenant_id, site.depot_id, moment) for moment in made_at]
    async with site.backend.unit_of_work(site.who) as work:
        point = await ChargePoints(work.session).by_id(running.charge_point_id)
        assert point is not None
        for plan in plans:
            await keep_plan(work.session, plan, [stay_of(plan, running, point.power_node_id, None, short_at=None)])
        await work.commit()
    return running.id, plans


async def at(site: Site, moment: datetime) -> dict[uuid.UUID, PlannedPower]:
    async with site.backend.snapshot(site.who) as snapshot:
        return dict(await planned(snapshot, site.depot_id, at=moment))


async def test_the_plan_says_what_flows_now_and_what_is_to_come(site: Site) -> None:
    transaction_id, _ = await kept(site, NOW)

    found = await at(site, NOW + 10 * MINUTE)

    assert found == {
        transaction_id: PlannedPower(
            kw=20.0,
            ahead=(Step(NOW + HOUR, 10.0), Step(NOW + 2 * HOUR, 0.0)),
            made_at=NOW,
            fresh_until=NOW + FRESH,
            priority=PriorityLevel.NORMAL,
            minimum_kwh=140.0,
            target_kwh=300.0,
            departs_at=NOW + 2 * HOUR,
            energy_kwh=120.0,
        )
    }


async def test_a_stale_plan_is_ignored_and_of_fresh_ones_the_newest_counts(site: Site) -> None:
    transaction_id, _ = await kept(site, NOW, NOW + 5 * MINUTE)

    assert (await at(site, NOW + 4 * MINUTE))[transaction_id].made_at == NOW
    assert (await at(site, NOW + 5 * MINUTE))[transaction_id].made_at == NOW + 5 * MINUTE
    assert (await at(site, NOW + 5 * MINUTE + FRESH - timedelta(microseconds=1)))[transaction_id].made_at == NOW + 5 * MINUTE
    assert await at(site, NOW + 5 * MINUTE + FRESH) == {}
    assert await at(site, NOW - MINUTE) == {}


async def test_what_the_newest_plan_does_not_have_has_no_planned_power(site: Site) -> None:
    await kept(site, NOW)
    async with site.backend.unit_of_work(site.who) as work:
        await keep_plan(work.session, plan_of(site.tenant_id, site.depot_id, NOW + MINUTE), [])
        await work.commit()
    assert await at(site, NOW + 2 * MINUTE) == {}


async def test_the_planned_power_of_a_depot_is_one_statement(site: Site) -> None:
    await kept(site, NOW, NOW + MINUTE)
    with statements_sent() as sent:
        await at(site, NOW + 2 * MINUTE)
    assert len(sent) == 1


async def stays_of(session: Session, plans: Sequence[DepotPlan]) -> list[PlannedStay]:
    return [stay for stays in (await PlannedStays(session).of_plans([plan.id for plan in plans])).values() for stay in stays]


async def test_plans_come_back_as_they_were_kept(busy: Busy) -> None:
    async with busy.backend.snapshot(user(busy.tenant_id)) as snapshot:
        stored = await DepotPlans(snapshot).where()
        plans = await DepotPlans(snapshot).newest({plan.depot_id for plan in stored}, at=busy.backend.clock())
        stays = await stays_of(snapshot, list(plans.values()))
    assert len(plans) == 2
    for plan in plans.values():
        expected = replace(plan_of(busy.tenant_id, plan.depot_id, busy.backend.clock()), id=plan.id)
        assert plan == expected
        assert [(slot.power_kw, slot.limit_kw, slot.price_per_kwh) for slot in plan.slots] == [(40.0, 150.0, 0.3), (20.0, None, 0.2)]
    (short, _) = [stay for stay in stays if stay.cause is not None]
    assert [remedy.kind for remedy in short.remedies] == [RemedyKind.RAISE_LIMIT, RemedyKind.DEPART_LATER, RemedyKind.SWAP_VEHICLE]
    assert (short.remedies[0].node_id, short.remedies[0].kw) == (short.binding_node_id, 6.0)


async def test_who_reaches_a_vehicle_sees_what_is_planned_of_it_and_not_the_plan(busy: Busy) -> None:
    async with busy.backend.snapshot(user(busy.tenant_id)) as snapshot:
        everything = await PlannedStays(snapshot).where()
    one = everything[0]
    group = await group_of(busy.backend, busy.tenant_id, vehicle_id=one.vehicle_id)
    async with busy.backend.database.snapshot(busy.tenant_id, Reach(frozenset({group}), frozenset({group}))) as snapshot:
        assert await PlannedStays(snapshot).where() == [stay for stay in everything if stay.vehicle_id == one.vehicle_id]
        assert await DepotPlans(snapshot).where() == []
    assert {stay.vehicle_id for stay in everything} > {one.vehicle_id}


async def test_the_peak_is_the_highest_mean_of_a_quarter_hour(site: Site) -> None:
    node = await site.node("Grid")
    feeder = await site.node("Feeder 1")
    powers = [100.0, 10.0, 10.0, 50.0, 60.0, 70.0]

    def load(number: int, kw: float, node_id: uuid.UUID = node.id) -> NodeLoad:
        return NodeLoad(site.tenant_id, site.depot_id, node_id, NOW + number * BUCKET, 10, kw, kw, 5.0, kw, 200.0)

    async with site.backend.unit_of_work(site.who) as work:
        loads = [*(load(number, kw) for number, kw in enumerate(powers)), load(0, 500.0, feeder.id), load(-1, 900.0)]
        await record_loads(work.session, loads, sampled_at=NOW + HOUR)
        await work.commit()
    async with site.backend.snapshot(site.who) as snapshot:
        assert await peak_kw(snapshot, site.depot_id, since=NOW, until=NOW + HOUR) == pytest.approx(65.0)
        assert await peak_kw(snapshot, site.depot_id, since=NOW, until=NOW + 15 * MINUTE) == pytest.approx(45.0)
        assert await peak_kw(snapshot, site.depot_id, since=NOW + HOUR, until=NOW + 2 * HOUR) == 0.0


async def test_old_plans_go_with_their_stays(site: Site) -> None:
    _, (_, newer) = await kept(site, NOW, NOW + HOUR)
    async with site.backend.unit_of_work(site.who) as work:
        assert await remove_plans(work.session, before=NOW + MINUTE) == 1
        await work.commit()
    async with site.backend.snapshot(site.who) as snapshot:
        assert [plan.id for plan in await DepotPlans(snapshot).where()] == [newer.id]
        assert {stay.plan_id for stay in await PlannedStays(snapshot).where()} == {newer.id}
