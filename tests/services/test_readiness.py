"""Readiness: foreseen from charge, plug and runs in a fixed number of statements; kept as it changes and as vehicles leave."""

import asyncio
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from ampyard.domain.assignments import Assignment
from ampyard.domain.charging_forecast import EFFICIENCY
from ampyard.domain.charging_requests import Statement
from ampyard.domain.depot_links import PriorityBands
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.readiness import Readiness, Risk
from ampyard.domain.readiness_records import ReadinessRecord
from ampyard.domain.state_of_charge import SocSource
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.readiness import ReadinessRecords, remove_old
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.blocks import edit_block
from ampyard.services.charging_requests import take_list
from ampyard.services.depot_links import create_link
from ampyard.services.readiness import foresee, not_ready, record, record_all
from ampyard.services.settings import update_settings
from tests.charging import charge, station_of
from tests.fleet import user
from tests.sent import statements_sent
from tests.services.dispatching import DAY, HOUR, NOW, TODAY, Yard, new_yard

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    return await new_yard(backend)


async def told(yard: Yard, percent: float, vehicle: str = "Bus 1", at: datetime = NOW) -> None:
    """Have a vehicle tell its state of charge."""
    async with yard.work() as work:
        await work.change(Vehicles, yard.vehicles[vehicle].id, soc_percent=percent, soc_source=SocSource.TELEMATICS, soc_at=at)
        await work.commit()


async def plugged_in(yard: Yard, limit_kw: float | None, *, identity: str = "CP-2", id_tag: str = "TAG-1") -> None:
    """Have a vehicle plugged in, at a limit that was confirmed a moment ago."""
    station = await station_of(yard.backend, yard.tenant_id, identity)
    running = await charge(yard.backend, station, (NOW, 0.0), id_tag=id_tag)
    async with yard.work() as work:
        await work.change(Evses, running.evse_id, limit_kw=limit_kw, limit_at=NOW)
        await work.commit()


async def seen(yard: Yard, *assignments: Assignment) -> list[Readiness]:
    now = yard.backend.clock()
    async with yard.backend.snapshot(yard.principal) as snapshot:
        found = await foresee(snapshot, assignments, now=now)
    return [found[one.id] for one in assignments if one.id in found]


async def test_what_is_to_be_left_is_the_tenants_to_say(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block(departure_time=time(18), return_time=time(22)))
    await told(yard, 20.0)
    await update_settings(yard.backend, user(yard.tenant_id), version=None, changes={"reserve_soc_percent": 25.0})

    (unplugged,) = await seen(yard, assignment)

    assert (unplugged.reserve_kwh, unplugged.shortfall_kwh) == (75.0, 135.0)


async def kept_anew(yard: Yard) -> None:
    await record(yard.backend, yard.tenant_id)


async def kept(yard: Yard) -> list[ReadinessRecord]:
    async with yard.backend.snapshot(yard.principal) as snapshot:
        return await ReadinessRecords(snapshot).where(order_by=[ReadinessRecords.table.c.recorded_at, ReadinessRecords.table.c.id])


async def test_a_vehicle_is_as_ready_as_its_charge_and_what_it_is_plugged_into_make_it(yard: Yard) -> None:
    # 9:00; it leaves at 18:00 and needs 120 kWh, and 30 of its 300 are to be left.
    assignment = await yard.assign(await yard.block(departure_time=time(18), return_time=time(22)))
    (unknown,) = await seen(yard, assignment)
    await told(yard, 20.0)
    (unplugged,) = await seen(yard, assignment)
    await plugged_in(yard, 20.0)
    (plugged,) = await seen(yard, assignment)

    assert (unknown.risk, unknown.reason) == (Risk.UNKNOWN, "The state of charge of the vehicle is not known.")
    assert (unplugged.risk, unplugged.shortfall_kwh, unplugged.needed_kwh, unplugged.reserve_kwh) == (Risk.AT_RISK, 90.0, 120.0, 30.0)
    assert plugged.risk is Risk.ON_TRACK
    assert plugged.expected_kwh == pytest.approx(60.0 + 9 * 20.0 * EFFICIENCY)


async def test_without_a_confirmed_limit_the_fall_back_counts(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block(departure_time=time(18), return_time=time(22)))
    await told(yard, 20.0)
    await plugged_in(yard, None)
    (found,) = await seen(yard, assignment)
    assert found.expected_kwh == pytest.approx(60.0 + 9 * 10.0 * EFFICIENCY)


async def test_charge_points_that_are_not_for_use_offer_nothing(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block(departure_time=time(18), return_time=time(22)))
    await told(yard, 20.0)
    async with yard.work() as work:
        for charge_point in await ChargePoints(work.session).of_depot(assignment.depot_id):
            await work.change(ChargePoints, charge_point.id, state=ChargePointState.OUT_OF_SERVICE)
        await work.commit()
    (found,) = await seen(yard, assignment)
    assert (found.risk, found.shortfall_kwh) == (Risk.NOT_READY, 90.0)


async def test_the_runs_of_a_vehicle_follow_one_another(yard: Yard) -> None:
    first = await yard.assign(await yard.block())
    second = await yard.assign(await yard.block("13", departure_time=time(15), return_time=time(20), energy_kwh=140.0))
    await told(yard, 90.0)

    one, two = await seen(yard, first, second)
    (alone,) = await seen(yard, second)

    assert (one.risk, one.expected_kwh) == (Risk.ON_TRACK, 270.0)
    # From 14:00 to 15:00 the least powerful plug of the depot is counted on, 22 kW.
    assert two.expected_kwh == pytest.approx(270.0 - 120.0 + 22.0 * EFFICIENCY)
    assert two == alone
    assert two.risk is Risk.TIGHT


async def test_who_has_come_back_early_and_is_plugged_in_is_not_counted_as_away(yard: Yard) -> None:
    away = await yard.assign(await yard.block(departure_time=time(8), return_time=time(14)))
    later = await yard.assign(await yard.block("13", departure_time=time(15), return_time=time(20), energy_kwh=100.0))
    await told(yard, 50.0)
    (expected_back_at_two,) = await seen(yard, later)
    await plugged_in(yard, 20.0)
    (back,) = await seen(yard, later)

    assert away.departs_at < NOW < away.returns_at
    assert expected_back_at_two.expected_kwh == pytest.approx(150.0 - 120.0 * 5 / 6 + 22.0 * EFFICIENCY)
    assert back.expected_kwh == pytest.approx(150.0 + 6 * 20.0 * EFFICIENCY)


async def test_what_has_left_or_was_removed_has_no_readiness(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block())
    assert await seen(yard.at(NOW + 2 * HOUR), assignment) == []
    assert await seen(yard, replace(assignment, removed_at=NOW)) == []


async def test_a_distance_takes_what_the_vehicle_consumes_and_its_own_reserve_counts(yard: Yard) -> None:
    block = await yard.block(departure_time=time(18), return_time=time(22), energy_kwh=None, distance_km=100.0)
    assignment = await yard.assign(block)
    await told(yard, 50.0)
    (unknown,) = await seen(yard, assignment)
    async with yard.work() as work:
        await work.change(Vehicles, assignment.vehicle_id, consumption_kwh_per_km=1.2, min_soc_percent=20.0)
        await work.commit()
    (known,) = await seen(yard, assignment)

    assert (unknown.risk, unknown.needed_kwh) == (Risk.UNKNOWN, None)
    assert (known.needed_kwh, known.reserve_kwh, known.shortfall_kwh) == (120.0, 60.0, 30.0)


async def test_who_will_not_be_ready_is_named_in_order_of_departure(yard: Yard) -> None:
    for n, (percent, hour) in enumerate([(20.0, 18), (90.0, 15), (0.0, 12), (20.0, 23)], start=1):
        await told(yard, percent, f"Bus {n}")
        await yard.assign(await yard.block(str(n), departure_time=time(hour), return_time=time(hour, 59)), f"Bus {n}")
    unknown = await yard.assign(await yard.block("5"), "Bus 5")

    async with yard.backend.snapshot(yard.principal) as snapshot:
        found = await not_ready(snapshot, now=NOW, until=NOW + 10 * HOUR)
        elsewhere = await not_ready(snapshot, now=NOW, until=NOW + 10 * HOUR, depot_id=yard.depots["North"].id)

    by_id = {one.id: one for one in await yard.assignments()}
    named = {vehicle.id: name for name, vehicle in yard.vehicles.items()}
    assert [named[by_id[one.assignment_id].vehicle_id] for one in found] == ["Bus 3", "Bus 1"]
    assert [one.risk for one in found] == [Risk.AT_RISK, Risk.AT_RISK]
    assert elsewhere == []
    assert unknown.id not in {one.assignment_id for one in found}


async def test_a_whole_board_takes_as_many_statements_as_one_run(yard: Yard) -> None:
    assignments = []
    for n in range(1, 7):
        await told(yard, 50.0, f"Bus {n}")
        assignments += [await yard.assign(await yard.block(f"{n}/{day}"), f"Bus {n}", TODAY + day * DAY) for day in range(1, 3)]

    counts = []
    for some in (assignments[:1], assignments):
        with statements_sent() as statements:
            assert len(await seen(yard, *some)) == len(some)
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 8


async def test_readiness_is_kept_from_a_day_before_departure_on(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block(departure_time=time(18), return_time=time(22)), day=TODAY + DAY)
    await told(yard, 20.0)
    early, day_before = yard.at(assignment.departs_at - DAY - MINUTE), yard.at(assignment.departs_at - DAY)

    await kept_anew(early)
    assert await kept(yard) == []

    await kept_anew(day_before)
    (found,) = await kept(yard)
    assert found == ReadinessRecord(
        id=found.id,
        tenant_id=yard.tenant_id,
        assignment_id=assignment.id,
        vehicle_id=assignment.vehicle_id,
        depot_id=assignment.depot_id,
        departs_at=assignment.departs_at,
        recorded_at=assignment.departs_at - DAY,
        at_departure=False,
        risk=Risk.AT_RISK,
        reason=found.reason,
        needed_kwh=120.0,
        reserve_kwh=30.0,
        expected_soc_percent=20.0,
        actual_soc_percent=None,
        ready=None,
        ready_at=None,
        shortfall_kwh=90.0,
    )
    assert ("readiness.changed", assignment.id, assignment.depot_id) in await yard.events()


async def test_it_is_kept_again_when_it_has_changed_at_once_where_the_risk_did(yard: Yard) -> None:
    await yard.assign(await yard.block(departure_time=time(18), return_time=time(22)))
    steps: list[tuple[timedelta, float, int]] = [
        (timedelta(), 20.0, 1),
        (timedelta(minutes=20), 20.0, 1),  # nothing has changed
        (timedelta(minutes=21), 21.0, 2),  # it has moved, and fifteen minutes are over
        (timedelta(minutes=30), 22.0, 2),  # it has moved, but they are not
        (timedelta(minutes=31), 60.0, 3),  # now it will be ready
        (timedelta(minutes=46), 61.0, 4),
    ]
    for after, percent, count in steps:
        await told(yard, percent)
        await kept_anew(yard.at(NOW + after))
        assert len(await kept(yard)) == count, after
    assert [one.risk for one in await kept(yard)] == [Risk.AT_RISK, Risk.AT_RISK, Risk.ON_TRACK, Risk.ON_TRACK]


@pytest.mark.parametrize(("percent", "ready", "shortfall_kwh"), [(60.0, True, 0.0), (40.0, False, 30.0)])
async def test_a_departure_is_kept_once_with_the_charge_the_vehicle_left_with(
    yard: Yard,
    percent: float,
    ready: bool,  # noqa: FBT001 - a parametrised expectation
    shortfall_kwh: float,
) -> None:
    assignment = await yard.assign(await yard.block())
    await told(yard, 50.0)
    await kept_anew(yard)
    await told(yard, percent, at=assignment.departs_at)

    for after in (MINUTE, 2 * MINUTE):
        await kept_anew(yard.at(assignment.departs_at + after))

    foreseen, left = await kept(yard)
    assert (foreseen.at_departure, foreseen.expected_soc_percent) == (False, 50.0)
    facts: dict[str, Any] = {"actual_soc_percent": percent, "expected_soc_percent": 50.0, "ready": ready, "shortfall_kwh": shortfall_kwh}
    assert {name: getattr(left, name) for name in facts} == facts
    assert (left.at_departure, left.recorded_at) == (True, assignment.departs_at + MINUTE)


async def test_of_who_leaves_with_an_unknown_charge_nothing_is_claimed(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block())
    await kept_anew(yard.at(assignment.departs_at))
    (left,) = await kept(yard)
    assert (left.at_departure, left.ready, left.actual_soc_percent, left.risk) == (True, None, None, Risk.UNKNOWN)


async def test_who_was_assigned_after_leaving_and_who_left_long_ago_is_passed_over(yard: Yard) -> None:
    block = await yard.block()
    assignment = await yard.assign(block)
    late = yard.at(assignment.departs_at + MINUTE)
    await late.assign(await late.block("13"), "Bus 2")

    await kept_anew(yard.at(assignment.departs_at + 20 * MINUTE))
    assert await kept(yard) == []
    await kept_anew(yard.at(assignment.departs_at + 2 * MINUTE))
    assert [one.vehicle_id for one in await kept(yard)] == [assignment.vehicle_id]


async def test_workers_at_the_same_time_keep_each_thing_once(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block())
    await asyncio.gather(*(kept_anew(yard.at(assignment.departs_at)) for _ in range(4)))
    assert len(await kept(yard)) == 1


async def test_a_block_that_needs_more_changes_the_readiness_of_what_is_assigned(yard: Yard) -> None:
    block = await yard.block()
    assignment = await yard.assign(block)
    await told(yard, 60.0)
    (before,) = await seen(yard, assignment)
    await edit_block(yard.backend, yard.principal, block.id, {"energy_kwh": 200.0})
    (after,) = await seen(yard, assignment)
    assert (before.shortfall_kwh, after.shortfall_kwh) == (0.0, 50.0)


async def test_what_was_foreseen_goes_when_it_is_old_and_departures_stay(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block())
    await kept_anew(yard)
    await kept_anew(yard.at(assignment.departs_at))
    foreseen, left = await kept(yard)

    for before, count in ((foreseen.recorded_at, 0), (left.recorded_at + MINUTE, 1)):
        async with yard.work() as work:
            assert await remove_old(work.session, before=before) == count
            await work.commit()
    assert await kept(yard) == [left]


async def test_the_readiness_of_every_tenant_is_kept(yard: Yard, backend: Backend) -> None:
    other = await new_yard(backend)
    # Far from the days of all other tenants of the tests.
    day = TODAY + timedelta(days=3650)
    for each in (yard, other):
        later = each.at(NOW + timedelta(days=3650))
        await later.assign(await later.block(departure_time=time(18), return_time=time(22), first_day=day), day=day)

    assert await record_all(yard.at(NOW + timedelta(days=3650)).backend) == 2
    assert len(await kept(yard)) == len(await kept(other)) == 1


async def asked_for(yard: Yard, minimum: float, departs_at: datetime | None, vehicle: str = "Bus 1") -> None:
    """Have a depot management system ask for a vehicle."""
    link, _ = await create_link(yard.backend, yard.principal, yard.depots["Central"].id, name="BMS", identity="bms", bands=PriorityBands())
    said = Statement("r-1", vehicle, None, minimum, 100.0, departs_at=departs_at)
    await take_list(yard.backend, yard.tenant_id, link.id, [said])


async def test_a_charging_request_says_what_a_run_needs_and_by_when(yard: Yard) -> None:
    # It leaves at 18:00, nine hours from now, and needs 120 kWh and 30; 240 are asked for by 17:00.
    assignment = await yard.assign(await yard.block(departure_time=time(18), return_time=time(22)))
    await told(yard, 60.0)
    await plugged_in(yard, 5.0)
    (before,) = await seen(yard, assignment)
    await asked_for(yard, 80.0, NOW + 8 * HOUR)

    (found,) = await seen(yard, assignment)

    assert (before.risk, before.shortfall_kwh) == (Risk.ON_TRACK, 0.0)
    assert found.risk is Risk.AT_RISK
    assert found.shortfall_kwh == pytest.approx(60 - 8 * 5 * EFFICIENCY)
    assert "240 kWh that are asked for" in found.reason


async def test_after_a_departure_that_is_asked_for_nothing_is_known_of_later_runs(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block(departure_time=time(18), return_time=time(22)))
    await told(yard, 90.0)
    await asked_for(yard, 50.0, NOW + 2 * HOUR)

    (found,) = await seen(yard, assignment)

    assert (found.risk, found.reason) == (Risk.UNKNOWN, "What an earlier run of the vehicle takes is not known.")


async def test_a_request_without_a_departure_goes_with_the_next_run(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block(departure_time=time(18), return_time=time(22)))
    await told(yard, 60.0)
    await asked_for(yard, 80.0, None)

    (found,) = await seen(yard, assignment)

    assert found.shortfall_kwh == pytest.approx(60.0)
