"""What is told: never above what was decided, in the charger's own unit and steps, and over by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.charging_profiles import (
    HORIZON,
    Charger,
    Profile,
    RateUnit,
    SmartCharging,
    Step,
    fallback_profile,
    make_profile,
    wanted_schedule,
)
from ampyard.domain.equipment import ANY_SET_POINT, SetPointKind, SetPoints, kw_per_ampere

NOW = datetime(2026, 11, 2, 8, 7, 13, 250_000, tzinfo=UTC)
QUARTER = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
THREE = kw_per_ampere(3, 230.0, line_to_line=False)
WATTS = Charger(SmartCharging(), THREE, None, ANY_SET_POINT, clock_is_right=True)
AMPERES = replace(WATTS, smart_charging=SmartCharging(units=frozenset({RateUnit.A})))


def ahead(*kw: float) -> list[Step]:
    return [Step(QUARTER + timedelta(minutes=15 * n), value) for n, value in enumerate(kw)]


def test_a_plan_becomes_an_absolute_schedule_that_ends_in_the_fallback() -> None:
    wanted = wanted_schedule(11.0, ahead(22.0, 22.0, 0.0), 4.14, now=NOW)
    profile, told = make_profile(wanted, 4.14, WATTS, now=NOW)

    start = NOW.replace(microsecond=0)
    assert profile == Profile(RateUnit.W, ((0, 11_000.0), (467, 22_000.0), (2267, 0.0), (14_401, 4140.0)), start_at=start, duration_s=None)
    assert [told.at(moment) for moment in (NOW, QUARTER, QUARTER + timedelta(minutes=30), NOW + HORIZON)] == [11.0, 22.0, 0.0, 4.14]


def test_a_limit_without_a_plan_holds_for_some_hours() -> None:
    profile, told = make_profile(wanted_schedule(11.0, [], 4.14, now=NOW), 4.14, WATTS, now=NOW)
    assert profile.periods == ((0, 11_000.0), (14_401, 4140.0))
    assert told.at(NOW + HORIZON - timedelta(seconds=1)) == 11.0


def test_a_clock_that_may_be_wrong_is_given_one_limit_from_the_start_of_the_transaction() -> None:
    wanted = wanted_schedule(11.0, ahead(22.0), 4.14, now=NOW)
    profile, told = make_profile(wanted, 4.14, replace(WATTS, clock_is_right=False), now=NOW)
    assert profile == Profile(RateUnit.W, ((0, 11_000.0),))
    assert told.at(NOW + timedelta(days=1)) == 11.0


def test_one_that_minds_the_link_falls_back_after_a_while_without_it_whatever_its_clock_says() -> None:
    minding = replace(WATTS, smart_charging=SmartCharging(max_offline=True))
    blind = replace(minding, clock_is_right=False)
    wanted = wanted_schedule(11.0, ahead(22.0), 4.14, now=NOW)
    assert make_profile(wanted, 4.14, minding, now=NOW)[0].max_offline_s == HORIZON.total_seconds()
    profile, told = make_profile(wanted, 4.14, blind, now=NOW)
    assert profile == Profile(RateUnit.W, ((0, 11_000.0),), max_offline_s=14_400)
    assert Profile.from_json(profile.to_json()) == profile
    # with the link it goes on, so that what it may draw is never less than the limit
    assert [told.at(NOW + after) for after in (timedelta(0), HORIZON, timedelta(days=1))] == [11.0, 11.0, 11.0]
    # and without it may rise to the fall-back, but no earlier
    _, paused = make_profile(wanted_schedule(0.0, [], 4.14, now=NOW), 4.14, blind, now=NOW)
    assert paused.steps == (Step(NOW, 0.0), Step(NOW + HORIZON, 4.14))
    # the fall-back itself needs no link
    assert fallback_profile(4.14, minding).max_offline_s is None


@pytest.mark.parametrize(
    ("periods", "told_periods", "duration_s"),
    [
        (1, ((0, 11_000.0),), 467),
        (2, ((0, 11_000.0), (467, 22_000.0)), 1367),
        (3, ((0, 11_000.0), (467, 22_000.0), (1367, 0.0)), 14_400),
        (4, ((0, 11_000.0), (467, 22_000.0), (1367, 0.0), (14_401, 4140.0)), None),
    ],
)
def test_fewer_periods_fall_back_earlier(periods: int, told_periods: object, duration_s: int | None) -> None:
    charger = replace(WATTS, smart_charging=SmartCharging(periods=periods))
    profile, told = make_profile(wanted_schedule(11.0, ahead(22.0, 0.0), 4.14, now=NOW), 4.14, charger, now=NOW)
    assert (profile.periods, profile.duration_s) == (told_periods, duration_s)
    assert told.steps[-1].kw == 4.14


def test_amperes_are_of_each_phase_in_use_and_rounded_down() -> None:
    single = replace(AMPERES, kw_per_a=kw_per_ampere(1, 230.0, line_to_line=False), phases=1)
    amperes, kw = AMPERES.told(11.0)
    assert (amperes, round(kw, 9)) == (15.9, 10.971)
    assert single.told(3.68) == (16.0, 3.68)
    profile, _ = make_profile(wanted_schedule(3.7, [], 1.38, now=NOW), 1.38, single, now=NOW)
    assert (profile.unit, profile.phases, profile.periods[0], profile.periods[1][1]) == (RateUnit.A, 1, (0, 16.0), 6.0)
    assert fallback_profile(1.38, single) == Profile(RateUnit.A, ((0, 6.0),), phases=1)


@pytest.mark.parametrize(
    ("set_points", "kw", "amperes"),
    [
        (SetPoints(SetPointKind.WHOLE_AMPERES), 11.0, 15.0),
        (SetPoints(SetPointKind.LISTED, (6.0, 10.0, 16.0, 32.0)), 22.0, 16.0),
        (SetPoints(SetPointKind.LISTED, (6.0, 10.0, 16.0, 32.0)), 22.08, 32.0),
        (SetPoints(SetPointKind.LISTED, (6.0, 10.0)), 4.0, 0.0),
    ],
)
def test_a_charger_is_told_a_limit_that_it_knows(set_points: SetPoints, kw: float, amperes: float) -> None:
    assert replace(AMPERES, set_points=set_points).told(kw)[0] == amperes
    assert replace(WATTS, set_points=set_points).told(kw)[0] == pytest.approx(amperes * 690)


def test_the_phase_is_named_where_it_can_be_chosen() -> None:
    switching = SmartCharging(switches_phases=True)
    charger = Charger(switching, 0.23, 1, ANY_SET_POINT, clock_is_right=True, phase=2)
    wanted = wanted_schedule(3.0, [], 1.38, now=NOW)
    assert make_profile(wanted, 1.38, charger, now=NOW)[0].phase == 2
    assert make_profile(wanted, 1.38, replace(charger, smart_charging=SmartCharging()), now=NOW)[0].phase is None


_KW = st.floats(0, 400, allow_nan=False)


@given(
    limit_kw=_KW,
    plan=st.lists(_KW, max_size=20),
    fallback_kw=st.floats(0, 22),
    amperes=st.booleans(),
    periods=st.integers(1, 30),
    kind=st.sampled_from(SetPointKind),
    clock=st.booleans(),
)
def test_what_is_told_is_never_above_what_was_decided(
    *, limit_kw: float, plan: list[float], fallback_kw: float, amperes: bool, periods: int, kind: SetPointKind, clock: bool
) -> None:
    units = frozenset({RateUnit.A if amperes else RateUnit.W})
    charger = replace(
        WATTS, smart_charging=SmartCharging(units, periods=periods), set_points=SetPoints(kind, (6.0, 16.0)), clock_is_right=clock
    )
    wanted = wanted_schedule(limit_kw, ahead(*plan), fallback_kw, now=NOW)
    profile, told = make_profile(wanted, fallback_kw, charger, now=NOW)

    assert len(profile.periods) <= periods
    assert profile.periods[0][0] == 0
    assert [start for start, _ in profile.periods] == sorted({start for start, _ in profile.periods})
    assert Profile.from_json(profile.to_json()) == profile
    for minutes in range(0, 241, 5):
        moment = NOW + timedelta(minutes=minutes)
        if clock:
            # Where it falls back early, the fall-back holds, which is promised to it.
            assert told.at(moment) <= max(wanted.at(moment), fallback_kw) + 2e-6
        else:
            assert told.at(moment) <= limit_kw + 2e-6
    factor = THREE if amperes else 0.001
    assert profile.periods[0][1] * factor == pytest.approx(told.at(NOW), abs=1e-6)
