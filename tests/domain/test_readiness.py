import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.charging_forecast import EFFICIENCY, Battery, Step, steady
from ampyard.domain.readiness import (
    Leg,
    Outlook,
    Readiness,
    Risk,
    Supply,
    at_departure,
    needed_energy,
    readiness,
)
from ampyard.domain.state_of_charge import SocSource, StateOfCharge

NOW = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, TWO, THREE = (uuid.UUID(int=number) for number in (1, 2, 3))
BUS = Battery(capacity_kwh=300.0, max_kw=120.0)
UNPLUGGED = Supply((), 120.0)
# From good to bad.
RISKS = [Risk.ON_TRACK, Risk.TIGHT, Risk.AT_RISK, Risk.NOT_READY]


def charge(percent: float, *, age: timedelta = timedelta(), certain: bool = True) -> StateOfCharge:
    return StateOfCharge(percent, SocSource.TELEMATICS, NOW - age, 0.95 if certain else 0.3)


def leg(
    departs: float = 8, returns: float = 16, needed_kwh: float | None = 150.0, *, which: uuid.UUID = ONE, afterwards: Supply = UNPLUGGED
) -> Leg:
    """Return a run by hours from now."""
    return Leg(which, NOW + departs * HOUR, NOW + returns * HOUR, needed_kwh, afterwards)


def outlook(soc: StateOfCharge | None, here: Supply, *legs: Leg, reserve_kwh: float = 30.0, battery: Battery = BUS) -> Outlook:
    return Outlook(battery, soc, reserve_kwh, here, legs)


def plugged(kw: float, highest_kw: float = 120.0) -> Supply:
    return Supply(steady(kw), highest_kw)


def told(found: Outlook, which: uuid.UUID = ONE) -> Readiness:
    return readiness(found, now=NOW)[which]


def test_who_holds_enough_already_is_ready_now() -> None:
    found = told(outlook(charge(80), UNPLUGGED, leg()))

    assert found == Readiness(
        assignment_id=ONE,
        at=NOW,
        risk=Risk.ON_TRACK,
        reason="It will hold 180 kWh with its reserve in good time.",
        needed_kwh=150.0,
        reserve_kwh=30.0,
        expected_kwh=240.0,
        expected_soc_percent=80.0,
        ready_at=NOW,
        shortfall_kwh=0.0,
    )


def test_what_it_is_plugged_into_counts_until_it_leaves() -> None:
    found = told(outlook(charge(20), plugged(20.0), leg()))

    assert found.risk is Risk.ON_TRACK
    assert found.expected_kwh == pytest.approx(60.0 + 8 * 20.0 * EFFICIENCY)
    assert found.ready_at is not None
    assert (found.ready_at - NOW) / HOUR == pytest.approx(120.0 / (20.0 * EFFICIENCY), rel=0.001)


@pytest.mark.parametrize(
    ("soc", "here", "risk", "reason"),
    [
        (charge(50), plugged(20.0), Risk.ON_TRACK, "It will hold 180 kWh with its reserve in good time."),
        # 60 and what eight hours of 16.5 kW bring make 181 kWh: ready, with five minutes to spare.
        (
            charge(20),
            plugged(16.5),
            Risk.TIGHT,
            "It will hold 180 kWh with its reserve, but less than half an hour before it leaves, or only by charging between its runs.",
        ),
        (
            charge(80, certain=False),
            UNPLUGGED,
            Risk.TIGHT,
            "It will hold 180 kWh with its reserve, if its state of charge, an uncertain one, is right.",
        ),
        (
            charge(20),
            plugged(10.0),
            Risk.AT_RISK,
            "Of 180 kWh with its reserve it will lack 46.4 kWh at the power it gets; at the highest power it could get it would not.",
        ),
        (
            charge(20),
            UNPLUGGED,
            Risk.AT_RISK,
            "Of 180 kWh with its reserve it will lack 120.0 kWh as it is not plugged in; at the highest power it could get it would not.",
        ),
        (
            charge(20),
            plugged(10.0, 12.0),
            Risk.NOT_READY,
            "Of 180 kWh with its reserve it will lack 46.4 kWh, and 31.7 kWh even at the highest power it could get.",
        ),
        (None, plugged(20.0), Risk.UNKNOWN, "The state of charge of the vehicle is not known."),
        (charge(90, age=25 * HOUR), plugged(20.0), Risk.UNKNOWN, "The state of charge was last told 25 hours ago."),
    ],
)
def test_how_bad_it_is_and_why(soc: StateOfCharge | None, here: Supply, risk: Risk, reason: str) -> None:
    found = told(outlook(soc, here, leg()))
    assert (found.risk, found.reason) == (risk, reason)
    assert (found.shortfall_kwh is None) == (risk is Risk.UNKNOWN)


def test_what_the_battery_cannot_hold_nobody_can_make_ready() -> None:
    found = told(outlook(charge(100), plugged(100.0), leg(needed_kwh=290.0)))

    assert (found.risk, found.reason) == (Risk.NOT_READY, "It needs 320 kWh with its reserve, more than its battery of 300 kWh holds.")
    assert (found.ready_at, found.shortfall_kwh) == (None, 20.0)


def test_without_consumption_a_distance_says_nothing_of_it_and_of_what_follows() -> None:
    found = readiness(outlook(charge(100), UNPLUGGED, leg(needed_kwh=None), leg(20, 24, which=TWO)), now=NOW)

    assert {which: (one.risk, one.reason) for which, one in found.items()} == {
        ONE: (Risk.UNKNOWN, "What its distance takes is not known: neither the vehicle nor its type says what it consumes per km."),
        TWO: (Risk.UNKNOWN, "What an earlier run of the vehicle takes is not known."),
    }


def test_an_earlier_run_takes_its_energy_and_charging_afterwards_is_not_sure() -> None:
    legs = [leg(1, 5, 150.0), leg(8, 12, 100.0, which=TWO, afterwards=UNPLUGGED)]
    without = readiness(outlook(charge(90), UNPLUGGED, *legs), now=NOW)
    between = readiness(outlook(charge(90), UNPLUGGED, replace(legs[0], afterwards=plugged(50.0)), legs[1]), now=NOW)

    assert without[ONE].risk is between[ONE].risk is Risk.ON_TRACK
    # Of 270 kWh there are 120 left, and 130 needed.
    assert (without[TWO].risk, without[TWO].expected_kwh, without[TWO].shortfall_kwh) == (Risk.AT_RISK, 120.0, 10.0)
    assert between[TWO].risk is Risk.TIGHT
    assert between[TWO].expected_kwh == pytest.approx(120.0 + 3 * 50.0 * EFFICIENCY)


def test_of_a_run_under_way_what_the_state_of_charge_does_not_show_yet_is_still_to_come() -> None:
    # It left four hours ago and returns in four; its charge was told two hours ago: six of eight hours are to come.
    under_way = leg(-4, 4, 160.0)
    found = told(outlook(charge(80, age=2 * HOUR), UNPLUGGED, under_way, leg(8, 9, 50.0, which=TWO)), TWO)

    assert found.expected_kwh == pytest.approx(240.0 - 160.0 * 6 / 8)


def test_a_run_that_is_over_counts_as_far_as_the_state_of_charge_is_older() -> None:
    over = leg(-8, -4, 100.0)
    for age, left in ((1, 240.0), (6, 240.0 - 50.0), (10, 240.0 - 100.0)):
        found = told(outlook(charge(80, age=age * HOUR), UNPLUGGED, over, leg(8, 9, 50.0, which=TWO)), TWO)
        assert found.expected_kwh == pytest.approx(left)


def test_only_runs_ahead_are_told_of() -> None:
    legs = (leg(-8, -4), leg(-1, 2, which=TWO), leg(8, 9, which=THREE))
    assert readiness(outlook(charge(80), UNPLUGGED, *legs), now=NOW).keys() == {THREE}
    assert readiness(outlook(None, UNPLUGGED, *legs), now=NOW).keys() == {THREE}


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({"energy_kwh": 120.0, "distance_km": None, "consumption_kwh_per_km": None}, 120.0),
        ({"energy_kwh": None, "distance_km": 180.0, "consumption_kwh_per_km": 1.5}, 270.0),
        ({"energy_kwh": None, "distance_km": 180.0, "consumption_kwh_per_km": None}, None),
    ],
)
def test_what_a_block_needs(given: dict[str, float | None], needed: float | None) -> None:
    assert needed_energy(**given) == needed


@pytest.mark.parametrize(
    ("soc", "risk", "reason", "lacking"),
    [
        (charge(80), Risk.ON_TRACK, "It left with 240 kWh and needed 180 kWh with its reserve.", 0.0),
        (charge(50), Risk.NOT_READY, "It left with 150 kWh and needed 180 kWh with its reserve.", 30.0),
        (None, Risk.UNKNOWN, "The state of charge of the vehicle is not known.", None),
    ],
)
def test_as_it_leaves_its_charge_decides(soc: StateOfCharge | None, risk: Risk, reason: str, lacking: float | None) -> None:
    leaving = leg(0, 8)
    found = at_departure(outlook(soc, plugged(100.0), leaving), ONE, now=NOW)
    assert (found.risk, found.reason, found.shortfall_kwh) == (risk, reason, lacking)


hours = st.floats(0.1, 20)
needs = st.floats(0, 320)
powers = st.floats(0, 150)
forecasts = st.lists(st.tuples(st.floats(-2, 40), powers), max_size=4).map(
    lambda steps: tuple(Step(NOW + at * HOUR, kw) for at, kw in sorted(steps))
)
supplies = st.builds(Supply, forecasts, powers)


@st.composite
def outlooks(draw: st.DrawFn) -> Outlook:
    """Return a vehicle with one to four runs, the first of which may be under way."""
    at = draw(st.floats(-5, 5))
    legs = []
    for number in range(draw(st.integers(1, 4))):
        at += draw(hours)
        returns = at + draw(hours)
        legs.append(leg(at, returns, draw(needs), which=uuid.UUID(int=number), afterwards=draw(supplies)))
        at = returns
    soc = charge(draw(st.floats(0, 100)), age=draw(st.floats(0, 24)) * HOUR, certain=draw(st.booleans()))
    battery = Battery(draw(st.floats(50, 400)), draw(st.floats(10, 150)))
    return outlook(soc, draw(supplies), *legs, reserve_kwh=draw(st.floats(0, 40)), battery=battery)


def no_worse(better: Outlook, than: Outlook) -> bool:
    found, before = readiness(better, now=NOW), readiness(than, now=NOW)
    slack = 1e-6 * than.battery.capacity_kwh + 0.06  # up to 0.05 kWh are taken for none
    return found.keys() == before.keys() and all(
        (one.shortfall_kwh or 0.0) <= (before[which].shortfall_kwh or 0.0) + slack
        and (one.expected_kwh or 0.0) >= (before[which].expected_kwh or 0.0) - slack
        and (RISKS.index(one.risk) <= RISKS.index(before[which].risk))
        for which, one in found.items()
    )


@given(made=outlooks(), more=st.floats(0, 100))
def test_more_charge_is_never_worse(made: Outlook, more: float) -> None:
    assert made.soc is not None
    assert no_worse(replace(made, soc=replace(made.soc, percent=max(made.soc.percent, more))), made)


@given(made=outlooks(), kw=powers, highest=powers)
def test_more_power_is_never_worse(made: Outlook, kw: float, highest: float) -> None:
    def raised(supply: Supply) -> Supply:
        forecast = tuple(Step(step.begins_at, step.kw + kw) for step in supply.forecast)
        return Supply(forecast, supply.highest_kw + kw + highest)

    legs = [replace(one, afterwards=raised(one.afterwards)) for one in made.legs]
    assert no_worse(replace(made, here=raised(made.here), legs=legs), made)


@given(made=outlooks(), longer=hours)
def test_more_time_is_never_worse(made: Outlook, longer: float) -> None:
    *earlier, last = made.legs
    if last.departs_at > NOW:
        later = replace(last, departs_at=last.departs_at + longer * HOUR, returns_at=last.returns_at + longer * HOUR)
        assert no_worse(replace(made, legs=[*earlier, later]), made)


@given(made=outlooks())
def test_it_is_ready_in_time_where_it_lacks_nothing(made: Outlook) -> None:
    departures = {one.assignment_id: one.departs_at for one in made.legs}
    found: Sequence[Readiness] = list(readiness(made, now=NOW).values())
    for one in found:
        required = (one.needed_kwh or 0.0) + made.reserve_kwh
        assert (one.shortfall_kwh == 0.0) == (one.risk in {Risk.ON_TRACK, Risk.TIGHT})
        if one.shortfall_kwh == 0.0 and required <= made.battery.capacity_kwh:
            assert one.ready_at is not None
            assert one.ready_at <= departures[one.assignment_id] + timedelta(seconds=1)
        if one.ready_at is not None and one.shortfall_kwh:
            assert one.ready_at > departures[one.assignment_id] - timedelta(seconds=1)


def test_what_is_asked_for_counts_where_it_is_more_than_the_run_needs() -> None:
    # 180 kWh are needed with the reserve, 240 asked for; 60 % are 180.
    more = replace(leg(), minimum_kwh=240.0)

    found = told(outlook(charge(60), UNPLUGGED, more))

    assert found.risk is Risk.AT_RISK
    assert found.shortfall_kwh == pytest.approx(60.0)
    assert found.reason.startswith("Of 240 kWh that are asked for it will lack 60.0 kWh")
    assert told(outlook(charge(60), UNPLUGGED, replace(more, minimum_kwh=100.0))).risk is Risk.ON_TRACK


def test_what_is_asked_for_counts_by_when_it_is_asked_for() -> None:
    # 10 kW bring 9.2 an hour: 60 kWh take six and a half hours.
    asked = replace(leg(departs=8), minimum_kwh=240.0)

    in_time, too_late = (told(outlook(charge(60), plugged(10), replace(asked, charged_by=NOW + hours * HOUR))) for hours in (8, 5))

    assert in_time.risk is Risk.ON_TRACK
    assert too_late.risk is Risk.AT_RISK
    assert too_late.shortfall_kwh == pytest.approx(60 - 5 * 10 * EFFICIENCY)
    assert too_late.ready_at == in_time.ready_at


def test_a_request_tells_what_is_needed_where_the_run_does_not() -> None:
    unknown = leg(needed_kwh=None)
    later = leg(departs=20, returns=22, which=TWO)

    found = readiness(outlook(charge(60), UNPLUGGED, replace(unknown, minimum_kwh=150.0), later), now=NOW)

    assert (found[ONE].risk, found[ONE].shortfall_kwh) == (Risk.ON_TRACK, 0.0)
    assert found[TWO].risk is Risk.UNKNOWN


def test_at_departure_what_was_asked_for_counts() -> None:
    gone = replace(leg(departs=-0.1), minimum_kwh=240.0)

    found = at_departure(outlook(charge(70), UNPLUGGED, gone), ONE, now=NOW)

    assert found.risk is Risk.NOT_READY
    assert found.shortfall_kwh == pytest.approx(30.0)
    assert found.reason == "It left with 210 kWh and needed 240 kWh that are asked for."
