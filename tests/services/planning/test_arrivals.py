"""Who is expected: by a request, by the end of a run, or because it is to be in the yard; with what, and how long it is waited for."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from ampyard.domain.access import Principal
from ampyard.domain.charging_requests import Statement
from ampyard.domain.depot_links import PriorityBands
from ampyard.domain.local_time import moment_of
from ampyard.domain.plans import FRESH, ArrivalSource, ChargeSource, DepartureSource
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.plans import PlannedStays, vehicles_of_stays
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.charging_information import outlooks
from ampyard.services.charging_requests import NewChargingRequest, request_charging, take_list
from ampyard.services.depot_links import create_link
from ampyard.services.planning.running import make_plan
from ampyard.services.planning.stays import Guest
from tests.charging import charge, station_of
from tests.services.dispatching import DAY, HOUR, NOW, TODAY
from tests.services.planning.yards import MINUTE, PlannedYard


async def guests(yard: PlannedYard) -> list[Guest]:
    """Return who is planned, by arrival."""
    return sorted((await yard.posed()).guests.planned.values(), key=lambda guest: guest.stay.arrives_at)


async def only(yard: PlannedYard) -> Guest:
    (guest,) = await guests(yard)
    return guest


async def asked(yard: PlannedYard, *statements: dict[str, Any]) -> None:
    """Have a depot management system ask for vehicles."""
    made, _ = await create_link(yard.backend, yard.yard.principal, yard.depot_id, name="BMS", identity="bms", bands=PriorityBands())
    plain = Statement("r-0", "Bus 1", None, 60.0, 80.0)
    listed = [replace(plain, **{"external_id": f"r-{n}", **statement}) for n, statement in enumerate(statements)]
    await take_list(yard.backend, yard.yard.tenant_id, made.id, listed)


# Those that only a request tells of


async def test_a_vehicle_that_only_a_request_tells_of_has_its_place_kept(yard: PlannedYard) -> None:
    await asked(yard, {"arrives_at": NOW + 6 * HOUR, "arrival_soc_percent": 25.0, "departs_at": NOW + 12 * HOUR})

    guest = await only(yard)

    stay = guest.stay
    assert (stay.arrives_at, stay.departs_at) == (NOW + 6 * HOUR, NOW + 12 * HOUR)
    # 25, 60 and 80 % of 300 kWh.
    assert (stay.energy_kwh, stay.minimum_kwh, stay.target_kwh) == (75.0, 180.0, 240.0)
    assert (guest.transaction_id, guest.arrival, guest.source, guest.energy_source) == (
        None,
        ArrivalSource.REQUEST,
        DepartureSource.REQUEST,
        ChargeSource.REQUEST,
    )
    assert guest.request_id == stay.id


async def test_without_a_word_of_its_charge_it_comes_with_its_reserve_or_what_it_usually_needs(yard: PlannedYard) -> None:
    await asked(yard, {"arrives_at": NOW + 6 * HOUR, "departs_at": NOW + 12 * HOUR})
    guest = await only(yard)
    assert (guest.stay.energy_kwh, guest.energy_source) == (30.0, ChargeSource.RESERVE)

    # It took 100, 120, 140 and 150 kWh, and once nothing: in one of four cases it took more than 140.
    station = await station_of(yard.backend, yard.yard.tenant_id, "CP-2")
    for days, kwh in ((6, 100.0), (5, 150.0), (4, 120.0), (3, 140.0), (2, 0.0)):
        began = NOW - days * DAY
        await charge(yard.backend, station, (began, 0.0), end=(began + 4 * HOUR, kwh * 1000))
    # What was delivered told something of its charge, which is too old by now.
    async with yard.yard.work() as work:
        await work.change(Vehicles, yard.yard.vehicles["Bus 1"].id, soc_percent=None, soc_at=None, soc_source=None)
        await work.commit()

    guest = await only(yard)
    assert guest.energy_source is ChargeSource.HABIT
    assert guest.stay.energy_kwh == pytest.approx(300.0 - 140.0 * 0.92)


async def test_it_comes_with_no_more_than_it_has(yard: PlannedYard) -> None:
    await asked(yard, {"arrives_at": NOW + 6 * HOUR, "departs_at": NOW + 12 * HOUR})
    await yard.told("Bus 1", 5.0)
    assert (await only(yard)).stay.energy_kwh == 15.0
    await yard.told("Bus 1", 90.0)
    assert (await only(yard)).stay.energy_kwh == 30.0


async def test_the_first_request_is_of_who_is_plugged_in_and_the_second_of_when_it_comes_again(yard: PlannedYard) -> None:
    transaction = await yard.plugged(soc=40.0)
    await asked(
        yard,
        {"departs_at": NOW + 4 * HOUR, "min_soc_percent": 50.0},
        {"arrives_at": NOW + 9 * HOUR, "departs_at": NOW + 14 * HOUR, "min_soc_percent": 70.0},
    )

    here, again = await guests(yard)

    assert (here.transaction_id, here.stay.departs_at, here.stay.minimum_kwh) == (transaction.id, NOW + 4 * HOUR, 150.0)
    assert (again.transaction_id, again.stay.arrives_at, again.stay.minimum_kwh) == (None, NOW + 9 * HOUR, 210.0)


async def test_who_is_to_come_again_leaves_before(yard: PlannedYard) -> None:
    # Nobody says when it leaves, but it comes again at 18:00.
    await yard.plugged(soc=40.0)
    await asked(yard, {"departs_at": None}, {"arrives_at": NOW + 9 * HOUR, "departs_at": NOW + 14 * HOUR})

    here, again = await guests(yard)

    assert (here.stay.departs_at, here.source) == (NOW + 9 * HOUR, DepartureSource.REQUEST)
    assert again.stay.arrives_at == NOW + 9 * HOUR


async def test_what_is_asked_for_is_of_the_stay_that_ends_with_its_departure(yard: PlannedYard) -> None:
    # Out from 10 to 14, and from 20 on: the request is about the evening.
    await yard.run(name="12", departure_time=time(10), return_time=time(14), energy_kwh=60.0)
    evening = await yard.run(name="13", departure_time=time(20), return_time=time(23), energy_kwh=60.0)
    transaction = await yard.plugged(soc=40.0)
    await asked(
        yard,
        {"arrives_at": NOW + 5.5 * HOUR, "departs_at": evening.departs_at - 30 * MINUTE, "min_soc_percent": 90.0, "max_soc_percent": 95.0},
    )

    here, later, night = await guests(yard)

    assert (here.transaction_id, here.request_id, here.stay.minimum_kwh) == (transaction.id, None, 90.0)
    assert (later.assignment_id, later.stay.arrives_at, later.stay.departs_at) == (
        evening.id,
        NOW + 5.5 * HOUR,
        evening.departs_at - 30 * MINUTE,
    )
    assert (later.stay.minimum_kwh, later.stay.previous, later.stay.used_kwh) == (270.0, transaction.id, 60.0)
    assert (night.assignment_id, night.stay.arrives_at) == (None, evening.returns_at)


async def test_where_a_plug_is_asked_for_it_is_the_place(yard: PlannedYard) -> None:
    await asked(yard, {"arrives_at": NOW + 6 * HOUR, "departs_at": NOW + 12 * HOUR, "charge_point_name": "CP-4:2"})
    guest = await only(yard)
    async with yard.backend.snapshot(yard.yard.principal) as snapshot:
        point = (await ChargePoints(snapshot).by_ids([guest.evse.charge_point_id]))[guest.evse.charge_point_id]
    assert (point.identity, guest.evse.evse_no) == ("CP-4", 2)


async def test_who_does_not_come_is_waited_for_some_hours(yard: PlannedYard) -> None:
    await asked(yard, {"arrives_at": NOW + HOUR, "departs_at": NOW + 20 * HOUR})
    late = yard.at(NOW + 3 * HOUR)

    guest = await only(late)

    assert (guest.stay.arrives_at, guest.arrival) == (NOW + 3 * HOUR + FRESH, ArrivalSource.YARD)
    assert await guests(yard.at(NOW + 7 * HOUR)) == []


async def test_who_is_plugged_in_at_another_depot_is_not_expected(yard: PlannedYard) -> None:
    await asked(yard, {"departs_at": NOW + 10 * HOUR})
    assert (await only(yard)).arrival is ArrivalSource.YARD
    station = await station_of(yard.backend, yard.yard.tenant_id, "N-CP-1")
    await charge(yard.backend, station, (NOW, 0.0), id_tag="TAG-1")
    assert await guests(yard) == []


async def test_what_becomes_of_it_is_kept_with_its_request_and_told_to_who_asks(yard: PlannedYard) -> None:
    # 45 kWh in two hours at 22 kW: the plug that is named is too weak.
    await asked(yard, {"arrives_at": NOW + 2 * HOUR, "departs_at": NOW + 3 * HOUR, "charge_point_name": "CP-1:1"})
    await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id)

    async with yard.backend.snapshot(yard.yard.principal) as snapshot:
        (request,) = await ChargingRequests(snapshot).where()
        stay = (await PlannedStays(snapshot).of_requests([request.id], at=NOW))[request.id]
        outlook = (await outlooks(snapshot, [request.id], now=NOW))[request.id]
        owner = await vehicles_of_stays(snapshot, [stay.stay_id])

    assert owner == {request.id: yard.yard.vehicles["Bus 1"].id}
    # 30 of 180 kWh, and an hour of 22 kW.
    assert stay.lacks_minimum_kwh == pytest.approx(180.0 - 30.0 - 22.0 * 0.92)
    assert outlook.planned
    assert outlook.departure_soc_percent == pytest.approx((30.0 + 22.0 * 0.92) / 3)
    assert outlook.shortfall_percent == pytest.approx(stay.lacks_minimum_kwh / 3)
    assert outlook.reason is not None
    assert outlook.reason.startswith("The vehicle is expected at 2026-11-02T10:00:00+00:00. It will lack 129.8 of 180.0 kWh")
    assert "(its charge is not known, and assumed to be low)" in outlook.reason


# Those that come back from a run


async def test_a_run_ends_and_nobody_says_when_the_vehicle_leaves_again(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(10), return_time=time(14), energy_kwh=100.0)
    underway = yard.at(NOW + 2 * HOUR)
    await underway.told("Bus 1", 60.0)

    guest = await only(underway)

    # 11:00: 180 kWh, of which three of the four hours take 75.
    assert (guest.stay.arrives_at, guest.stay.departs_at, guest.arrival) == (run.returns_at, None, ArrivalSource.ASSIGNMENT)
    assert guest.stay.energy_kwh == pytest.approx(105.0)
    assert guest.energy_source is ChargeSource.PLANNED
    assert guest.stay.id == run.vehicle_id


async def test_when_it_leaves_again_is_learnt(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(10), return_time=time(14), energy_kwh=100.0)
    station = await station_of(yard.backend, yard.yard.tenant_id, "CP-2")
    for weeks in range(1, 6):
        left_at = moment_of(TODAY - weeks * 7 * DAY, time(21, weeks), "Europe/Berlin")
        await charge(yard.backend, station, (left_at - 6 * HOUR, 0.0), end=(left_at, 1000.0))

    guest = await only(yard.at(NOW + 2 * HOUR))

    assert (guest.stay.arrives_at, guest.source) == (run.returns_at, DepartureSource.LEARNT)
    assert guest.stay.departs_at == NOW + 12 * HOUR + 2 * MINUTE


async def test_one_that_is_late_from_its_run_is_waited_for_until_it_has_been_here(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(10), return_time=time(14), energy_kwh=100.0)
    late = yard.at(run.returns_at + HOUR)
    await late.told("Bus 1", 60.0)
    assert (await only(late)).stay.arrives_at == run.returns_at + HOUR + FRESH
    assert await guests(yard.at(run.returns_at + 6 * HOUR)) == []

    station = await station_of(yard.backend, yard.yard.tenant_id, "CP-2")
    await charge(yard.backend, station, (run.returns_at, 0.0), end=(run.returns_at + HOUR / 2, 1000.0))

    assert await guests(late) == []


async def test_what_a_run_takes_that_says_nothing_of_it_is_not_relied_on(yard: PlannedYard) -> None:
    await yard.run(departure_time=time(10), return_time=time(14), energy_kwh=None, distance_km=100.0)
    await yard.plugged(soc=90.0)

    _, back = await guests(yard)

    assert (back.stay.previous, back.stay.energy_kwh, back.energy_source) == (None, 30.0, ChargeSource.RESERVE)


async def test_one_that_returns_elsewhere_is_not_expected_here(yard: PlannedYard) -> None:
    await yard.run(departure_time=time(10), return_time=time(14), return_depot_id=yard.yard.depots["North"].id)
    await yard.plugged()
    assert [guest.arrival for guest in await guests(yard)] == [None]


# Those that stand in the yard


async def test_one_in_the_yard_is_expected_to_be_plugged_in_soon_and_takes_nothing_until_then(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(18), return_time=time(22))
    await yard.told("Bus 1", 40.0)

    here, back = await guests(yard)

    assert (here.stay.arrives_at, here.stay.departs_at) == (NOW + FRESH, run.departs_at)
    assert (here.arrival, here.assignment_id, here.transaction_id) == (ArrivalSource.YARD, run.id, None)
    assert (here.stay.energy_kwh, here.energy_source, here.stay.minimum_kwh) == (120.0, ChargeSource.READING, 150.0)
    assert (back.stay.previous, back.stay.used_kwh) == (run.id, 120.0)


@pytest.mark.parametrize(
    ("age", "used_kwh", "energy_kwh", "source"),
    [
        # Told two days ago; the run since took 100 kWh.
        (2 * DAY, 100.0, 140.0, ChargeSource.PLANNED),
        # Of what it took nobody says anything.
        (2 * DAY, None, 30.0, ChargeSource.RESERVE),
        (4 * DAY, 100.0, 30.0, ChargeSource.RESERVE),
    ],
)
async def test_what_was_told_long_ago_counts_less_what_runs_took_since(
    yard: PlannedYard, age: timedelta, used_kwh: float | None, energy_kwh: float, source: ChargeSource
) -> None:
    distance = 100.0 if used_kwh is None else None
    await yard.run(name="12", departure_time=time(10), return_time=time(14), energy_kwh=used_kwh, distance_km=distance)
    await yard.run(name="13", departure_time=time(20), return_time=time(23), energy_kwh=60.0)
    evening = yard.at(NOW + 7 * HOUR)
    await yard.at(evening.backend.clock() - age).told("Bus 1", 80.0)

    here, *_ = await guests(evening)

    assert (here.arrival, here.energy_source) == (ArrivalSource.YARD, source)
    assert here.stay.energy_kwh == pytest.approx(energy_kwh)


# Those that have told nothing and are plugged in


async def test_one_that_has_never_told_its_charge_is_planned_by_what_has_flowed(yard: PlannedYard) -> None:
    transaction = await yard.plugged(soc=None)

    guest = await only(yard)
    assert (guest.stay.energy_kwh, guest.energy_source) == (30.0, ChargeSource.RESERVE)

    for taken_kwh, energy_kwh in ((100.0, 122.0), (500.0, 285.0)):
        async with yard.yard.work() as work:
            await work.change(Transactions, transaction.id, energy_wh=taken_kwh * 1000)
            await work.commit()
        # However much has flowed: as long as it takes more, it is not full.
        assert (await only(yard)).stay.energy_kwh == pytest.approx(energy_kwh)


async def test_who_asks_as_a_person_goes_before_the_list(yard: PlannedYard) -> None:
    await asked(yard, {"departs_at": NOW + 12 * HOUR, "min_soc_percent": 60.0})
    who: Principal = yard.yard.principal
    await request_charging(yard.backend, who, NewChargingRequest(yard.yard.vehicles["Bus 1"].id, 75.0, 90.0, NOW + 8 * HOUR))

    guest = await only(yard)

    assert (guest.stay.departs_at, guest.stay.minimum_kwh, guest.arrival) == (NOW + 8 * HOUR, 225.0, ArrivalSource.YARD)
