"""The problem that is made of a depot: who stays, how long, with which need; what the nodes leave; what energy costs."""

from dataclasses import replace
from datetime import time
from decimal import Decimal
from types import SimpleNamespace

import pytest

from ampyard.domain.grid_prices import GridPrice
from ampyard.domain.grid_signals import GridSignal, SignalKind, SignalOrigin
from ampyard.domain.ids import new_id
from ampyard.domain.local_time import Weekday, moment_of
from ampyard.domain.planning import Preconditioning, Stay, slots
from ampyard.domain.plans import DepartureSource
from ampyard.domain.pricing import EnergyPrice, PriceWindow
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.supply import BUCKET, MeterReading, NodeLoad, WeeklyLimit
from ampyard.domain.transactions import ChargingState
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.grid_signals import add_signals
from ampyard.repositories.supply import record_loads
from ampyard.repositories.transactions import Transactions
from ampyard.services.charging_requests import NewChargingRequest, request_charging
from ampyard.services.depots import edit_depot
from ampyard.services.energy_prices import NewEnergyPrice, set_energy_price
from ampyard.services.planning.outlook import HORIZON
from ampyard.services.planning.problem import _prices
from ampyard.services.planning.reading import read_outlook
from ampyard.services.power_nodes import NewLimitException, add_limit_exception, edit_power_node, set_weekly_limits
from ampyard.services.priorities import NewPriority, set_priority
from ampyard.services.site_meters import report_site_meter
from tests.charging import charge, station_of
from tests.sent import statements_sent
from tests.services.dispatching import DAY, HOUR, NOW, TODAY
from tests.services.planning.yards import MINUTE, PlannedYard, stay_of

# What idle EVSEs keep: CP-1, CP-3 4.14 kW, CP-2 and two of CP-4 10 kW each.
IDLE_KW = 38.28


async def test_a_vehicle_that_is_plugged_in_and_has_a_run(yard: PlannedYard) -> None:
    # 9:00. It holds 120 of 300 kWh; the run at 18:00 takes 120 kWh, and a tenth of the battery is to be left.
    run = await yard.run(departure_time=time(18), return_time=time(22))
    transaction = await yard.plugged(soc=40.0)

    posed = await yard.posed()

    node = (await yard.nodes(posed.problem))["Feeder 1"]
    back, here = sorted(posed.problem.stays, key=lambda stay: stay.id == transaction.id)
    # What becomes of it after its run nobody says.
    assert (back.id, back.arrives_at, back.departs_at, back.previous, back.used_kwh) == (
        run.vehicle_id,
        run.returns_at,
        None,
        transaction.id,
        120.0,
    )
    assert here == (
        Stay(
            id=transaction.id,
            vehicle_id=run.vehicle_id,
            node_id=node.id,
            priority=1,
            arrives_at=NOW,
            departs_at=run.departs_at,
            capacity_kwh=300.0,
            minimum_kwh=150.0,
            target_kwh=300.0,
            max_kw=120.0,
            min_kw=5.0,
            energy_kwh=120.0,
        )
    )
    guest = posed.guests.planned[transaction.id]
    assert (guest.transaction_id, guest.assignment_id, guest.source) == (transaction.id, run.id, DepartureSource.ASSIGNMENT)


async def test_a_need_beyond_the_battery_is_bounded_by_it(yard: PlannedYard) -> None:
    await yard.run(departure_time=time(18), return_time=time(22), energy_kwh=500.0)
    transaction = await yard.plugged()
    assert stay_of(await yard.posed(), transaction).minimum_kwh == 300.0


async def test_without_a_run_it_stays_on_and_keeps_its_reserve(yard: PlannedYard) -> None:
    transaction = await yard.plugged()
    stay = stay_of(await yard.posed(), transaction)
    assert (stay.departs_at, stay.minimum_kwh, stay.target_kwh) == (None, 30.0, 300.0)


async def test_what_is_asked_for_goes_before_what_is_planned(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(18), return_time=time(22))
    transaction = await yard.plugged(soc=40.0)
    wanted = NewChargingRequest(
        run.vehicle_id, 70.0, 90.0, NOW + 3 * HOUR, preconditioning_at=NOW + 2 * HOUR, preconditioning_kw=6.0, reason="It goes earlier."
    )
    await request_charging(yard.backend, yard.yard.principal, wanted)

    posed = await yard.posed()

    stay = stay_of(posed, transaction)
    # Seven tenths of 300 kWh are more than the run with its reserve takes.
    assert (stay.departs_at, stay.minimum_kwh, stay.target_kwh) == (NOW + 3 * HOUR, 210.0, 270.0)
    assert stay.preconditioning == (Preconditioning(NOW + 2 * HOUR, NOW + 3 * HOUR, 6.0),)
    assert posed.guests.planned[transaction.id].source is DepartureSource.REQUEST


async def test_who_is_to_be_charged_at_once_is_planned_as_if_it_left_as_soon_as_it_could(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(18), return_time=time(22))
    transaction = await yard.plugged(soc=40.0)
    wanted = NewChargingRequest(run.vehicle_id, 50.0, 58.4, ad_hoc=True)
    await request_charging(yard.backend, yard.yard.principal, wanted)

    stay = stay_of(await yard.posed(), transaction)

    # 55.2 kWh more, at 120 kW, of which 0.92 arrives.
    assert stay.departs_at == NOW + HOUR / 2


async def test_a_departure_is_learnt_where_there_is_no_run(yard: PlannedYard) -> None:
    station = await station_of(yard.backend, yard.yard.tenant_id, "CP-2")
    for weeks in range(1, 6):
        left_at = moment_of(TODAY - weeks * 7 * DAY, time(15, weeks), "Europe/Berlin")
        await charge(yard.backend, station, (left_at - 8 * HOUR, 0.0), end=(left_at, 1000.0))
    transaction = await yard.plugged()

    posed = await yard.posed()

    # The lower quartile of five: the second one.
    assert stay_of(posed, transaction).departs_at == NOW + 6 * HOUR + 2 * MINUTE
    assert posed.guests.planned[transaction.id].source is DepartureSource.LEARNT
    assert posed.guests.planned[transaction.id].confidence == pytest.approx(6 / 7)


async def test_a_vehicle_that_comes_back_and_leaves_again_is_a_chain_of_stays(yard: PlannedYard) -> None:
    first = await yard.run(name="12", departure_time=time(11), return_time=time(13), energy_kwh=60.0)
    second = await yard.run(name="13", departure_time=time(18), return_time=time(20), energy_kwh=90.0)
    transaction = await yard.plugged(soc=40.0)

    posed = await yard.posed()

    stay, later = stay_of(posed, transaction), stay_of(posed, second)
    assert (stay.departs_at, stay.minimum_kwh, stay.previous) == (first.departs_at, 90.0, None)
    assert (later.arrives_at, later.departs_at, later.minimum_kwh) == (first.returns_at, second.departs_at, 120.0)
    assert (later.previous, later.used_kwh) == (transaction.id, 60.0)
    # In five hours the weakest plug gives 22 x 5 x 0.92 kWh, which is enough.
    assert later.max_kw == 22.0
    assert len(posed.problem.stays) == 3


async def test_a_vehicle_on_the_road_comes_back_with_what_the_rest_of_its_run_leaves(yard: PlannedYard) -> None:
    await yard.run(name="12", departure_time=time(10), return_time=time(14), energy_kwh=100.0)
    second = await yard.run(name="13", departure_time=time(18), return_time=time(20), energy_kwh=90.0)
    underway = yard.at(NOW + 2 * HOUR)
    await underway.told("Bus 1", 60.0)

    stay = stay_of(await underway.posed(), second)

    # 11:00: 180 kWh, of which three of the four hours take 75.
    assert stay.energy_kwh == pytest.approx(105.0)
    assert (stay.previous, stay.used_kwh) == (None, 0.0)


async def test_a_priority_is_the_class_of_a_stay(yard: PlannedYard) -> None:
    run = await yard.run(name="12", departure_time=time(11), return_time=time(13), energy_kwh=60.0)
    second = await yard.run(name="13", departure_time=time(18), return_time=time(20), energy_kwh=60.0)
    transaction = await yard.plugged()
    await set_priority(yard.backend, yard.yard.principal, NewPriority(PriorityLevel.HIGH, vehicle_id=run.vehicle_id))

    posed = await yard.posed()

    assert [stay_of(posed, one).priority for one in (transaction, second)] == [2, 2]


async def test_nodes_leave_what_neither_loads_nor_idle_evses_take(yard: PlannedYard) -> None:
    await yard.plugged()
    async with yard.backend.snapshot(yard.yard.principal) as snapshot:
        (grid,) = await PowerNodes(snapshot).where(PowerNodes.table.c.name == "Grid")
    who = yard.yard.principal
    await report_site_meter(yard.backend, who, [(grid.id, MeterReading(NOW, 25.0))])
    await add_limit_exception(yard.backend, who, NewLimitException(grid.id, NOW + HOUR, NOW + 2 * HOUR, 100.0, None, "asked for"))
    await edit_power_node(yard.backend, who, grid.id, limit_kw=190.0)
    await set_weekly_limits(yard.backend, who, grid.id, [WeeklyLimit(Weekday.MONDAY, 12 * 60 + 5, 12 * 60 + 10, 80.0, None)])

    problem = (await yard.posed()).problem

    node = (await yard.nodes(problem))["Grid"]
    left = {slot.begins_at: kw for slot, kw in zip(problem.slots, node.limits_kw, strict=True)}
    # CP-2, which is taken, keeps nothing.
    others = 25.0 + IDLE_KW - 10.0
    assert left[NOW] == pytest.approx(190.0 - others)
    assert left[NOW + HOUR] == pytest.approx(100.0 - others)
    assert left[NOW + 2 * HOUR] == pytest.approx(190.0 - others)
    # A window of five minutes lowers the quarter-hour it is in, and no other: 12:00 in Berlin is 11:00.
    assert [left[NOW + 3 * HOUR + n * 15 * MINUTE] for n in (-1, 0, 1)] == pytest.approx([190.0 - others, 80.0 - others, 190.0 - others])
    assert set(problem.unmanaged_kw) == {25.0}


async def test_an_evse_keeps_its_fall_back_again_when_its_vehicle_has_left(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(11), return_time=time(22))
    await yard.plugged()

    problem = (await yard.posed()).problem

    feeder = (await yard.nodes(problem))["Feeder 1"]
    left = {slot.begins_at: kw for slot, kw in zip(problem.slots, feeder.limits_kw, strict=True)}
    assert left[run.departs_at - 15 * MINUTE] == pytest.approx(150.0 - 4.14)
    assert left[run.departs_at] == pytest.approx(150.0 - 14.14)


async def test_what_cannot_be_planned_keeps_what_it_draws(yard: PlannedYard) -> None:
    # Of one that has stopped by itself, of one that nobody knows, and of one whose charge point is offline.
    stopped = await yard.plugged("Bus 1", "CP-2")
    async with yard.yard.work() as work:
        await work.change(Transactions, stopped.id, charging_state=ChargingState.SUSPENDED_EV)
        await work.commit()
    await yard.plugged("Bus 99", "CP-1", soc=None)
    offline = await yard.plugged("Bus 3", "CP-3")
    async with yard.yard.work() as work:
        await work.change(ChargePoints, offline.charge_point_id, connected=False)
        await work.commit()

    posed = await yard.posed()

    assert posed.problem.stays == ()
    feeder = (await yard.nodes(posed.problem))["Feeder 1"]
    assert feeder.limits_kw[0] == pytest.approx(150.0 - 14.14)
    assert len(posed.guests.unplanned) == 3


async def test_prices_and_the_peak_so_far(yard: PlannedYard) -> None:
    await yard.plugged()
    night = PriceWindow(frozenset(Weekday), time(22), time(6), Decimal("0.10"))
    price = NewEnergyPrice(yard.depot_id, "EUR", Decimal("0.30"), [night])
    await set_energy_price(yard.backend, yard.yard.principal, price)
    await edit_depot(yard.backend, yard.yard.principal, yard.depot_id, demand_charge_per_kw=Decimal(12))
    async with yard.yard.work() as work:
        (grid,) = await PowerNodes(work.session).where(PowerNodes.table.c.name == "Grid")
        load = NodeLoad(yard.yard.tenant_id, yard.depot_id, grid.id, NOW - DAY, 10, 90.0, 95.0, 5.0, 90.0, 200.0)
        before = replace(load, bucket_at=NOW - 5 * DAY, measured_avg_kw=400.0)
        await record_loads(work.session, [load, before], sampled_at=NOW - DAY + BUCKET)
        await work.commit()

    posed = await yard.posed()

    prices = {slot.begins_at: kwh for slot, kwh in zip(posed.problem.slots, posed.problem.prices_per_kwh, strict=True)}
    assert posed.currency == "EUR"
    # 22:00 in Berlin is 21:00.
    assert (prices[NOW], prices[NOW + 13 * HOUR - 30 * MINUTE], prices[NOW + 13 * HOUR]) == (0.3, 0.3, 0.1)
    # The other peak was in October.
    assert (posed.problem.demand_charge_per_kw, posed.problem.peak_so_far_kw) == (12.0, 95.0)


async def test_what_the_grid_operator_says_goes_before_what_is_ours(yard: PlannedYard) -> None:
    await yard.plugged()
    who, grid = yard.yard.principal, (await yard.named_node("Grid")).id
    await set_energy_price(yard.backend, who, NewEnergyPrice(yard.depot_id, "EUR", Decimal("0.30")))
    async with yard.yard.work() as work:
        signal = GridSignal(
            id=new_id(),
            tenant_id=yard.yard.tenant_id,
            depot_id=yard.depot_id,
            power_node_id=grid,
            link_id=None,
            origin=SignalOrigin.MANUAL,
            kind=SignalKind.CONSUMPTION,
            external_id=None,
            begins_at=NOW + HOUR + 5 * MINUTE,
            ends_at=NOW + 2 * HOUR,
            limit_kw=60.0,
            limit_a=None,
            reason="",
            author="tester",
            received_at=NOW,
            counts_until=NOW + 2 * HOUR,
        )
        await add_signals(work.session, [signal])
        await work.commit()

    problem = (await yard.posed()).problem

    left = {slot.begins_at: kw for slot, kw in zip(problem.slots, (await yard.nodes(problem))["Grid"].limits_kw, strict=True)}
    taken = IDLE_KW - 10.0
    moments = [NOW + HOUR + n * 15 * MINUTE for n in (-1, 0, 3, 4)]
    assert [left[moment] for moment in moments] == pytest.approx([200.0 - taken, 60.0 - taken, 60.0 - taken, 200.0 - taken])


def test_a_price_that_is_told_ahead_goes_before_the_depots_own() -> None:
    own = EnergyPrice(new_id(), new_id(), new_id(), "EUR", Decimal("0.30"), (), NOW - DAY, "tester", NOW - DAY)
    told = GridPrice(new_id(), own.tenant_id, own.depot_id, new_id(), "e", NOW + HOUR, NOW + 2 * HOUR, -0.05, "EUR", NOW)
    cut = slots(NOW, HORIZON)
    depot = SimpleNamespace(time_zone="Europe/Berlin")

    def prices(*told: GridPrice) -> tuple[tuple[float, ...], str | None]:
        return _prices(SimpleNamespace(prices=[own], told_prices=told, depot=depot), cut)  # type: ignore[arg-type]  # what is read of it

    found, currency = prices(told)
    assert currency == "EUR"
    assert [found[n] for n in (3, 4, 7, 8)] == [0.3, -0.05, -0.05, 0.3]
    assert prices(replace(told, currency="CHF")) == ((), None)


async def test_without_a_price_nothing_costs_anything(yard: PlannedYard) -> None:
    await yard.plugged()
    posed = await yard.posed()
    assert (posed.problem.prices_per_kwh, posed.currency) == ((), None)


async def test_a_depot_is_read_in_a_fixed_number_of_statements(yard: PlannedYard) -> None:
    async def counted() -> int:
        async with yard.backend.snapshot(yard.yard.principal) as snapshot:
            with statements_sent() as sent:
                await read_outlook(snapshot, yard.depot_id, at=NOW)
        return len(sent)

    await yard.plugged()
    await yard.run(departure_time=time(18), return_time=time(22))
    first = await counted()
    for number, identity in ((2, "CP-1"), (3, "CP-3"), (4, "CP-4")):
        await yard.plugged(f"Bus {number}", identity)
        await yard.run(f"Bus {number}", name=f"1{number}", departure_time=time(18), return_time=time(22))
    assert await counted() == first <= 25
