"""Which limit applies when: hand-worked cases of the OCPP smart charging rules, and what must hold for any profiles."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ampyard.simulator.profiles import (
    ChargingProfile,
    Load,
    ProfileKind,
    Purpose,
    RateUnit,
    SchedulePeriod,
    charge_point_limit_kw,
    composite_schedule,
    evse_limit_kw,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
FALLBACK_KW = 4.2


def profile(
    limit: float,
    *,
    purpose: Purpose = Purpose.TX,
    evse_no: int = 1,
    stack_level: int = 0,
    profile_id: int = 1,
    kind: ProfileKind = "Absolute",
    unit: RateUnit = "W",
    start_at: datetime | None = NOON,
) -> ChargingProfile:
    periods = (SchedulePeriod(0, limit),)
    return ChargingProfile(profile_id, evse_no, stack_level, purpose, kind, unit, periods, installed_at=NOON, start_at=start_at)


def limit_kw(*profiles: ChargingProfile, at: datetime = NOON, started_at: datetime | None = NOON, phases: int = 3) -> float:
    return evse_limit_kw(profiles, Load(1, phases, started_at), at, FALLBACK_KW)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_without_a_profile_the_fallback_applies() -> None:
    assert limit_kw() == FALLBACK_KW


def test_transaction_profile_overrides_default_even_upwards() -> None:
    assert limit_kw(profile(5000, purpose=Purpose.DEFAULT), profile(9000)) == 9.0


def test_default_of_the_evse_overrides_that_of_the_charge_point_at_any_stack_level() -> None:
    everywhere = profile(5000, purpose=Purpose.DEFAULT, evse_no=0, stack_level=5)
    here = profile(7000, purpose=Purpose.DEFAULT, evse_no=1, profile_id=2)

    assert limit_kw(everywhere) == 5.0
    assert limit_kw(everywhere, here) == 7.0


def test_profiles_of_other_evses_do_not_matter() -> None:
    assert limit_kw(profile(9000, evse_no=2), profile(9000, purpose=Purpose.DEFAULT, evse_no=2)) == FALLBACK_KW


def test_highest_stack_level_that_has_something_to_say_wins() -> None:
    low, high = profile(5000), profile(3000, stack_level=4, profile_id=2)
    ending = replace(high, duration_s=60)

    assert limit_kw(low, ending, at=after(59)) == 3.0
    assert limit_kw(low, ending, at=after(60)) == 5.0


def test_a_transaction_profile_that_is_over_gives_way_to_the_default() -> None:
    over = replace(profile(9000), duration_s=1)

    assert limit_kw(over, at=after(1)) == FALLBACK_KW
    assert limit_kw(over, profile(6000, purpose=Purpose.DEFAULT), at=after(1)) == 6.0


def test_validity_includes_its_start_and_excludes_its_end() -> None:
    bounded = replace(profile(9000), valid_from=after(10), valid_to=after(20))

    assert [limit_kw(bounded, at=after(seconds)) for seconds in (9, 10, 19, 20)] == [FALLBACK_KW, 9.0, 9.0, FALLBACK_KW]


def test_periods_follow_each_other() -> None:
    stairs = replace(profile(0), periods=(SchedulePeriod(0, 9000), SchedulePeriod(60, 0), SchedulePeriod(120, 6000)))

    assert [limit_kw(stairs, at=after(seconds)) for seconds in (0, 59.9, 60, 119, 120, 9999)] == [9.0, 9.0, 0.0, 0.0, 6.0, 6.0]


def test_relative_schedule_begins_with_the_transaction() -> None:
    relative = replace(
        profile(0, kind="Relative", start_at=None), periods=(SchedulePeriod(0, 9000), SchedulePeriod(60, 5000)), installed_at=after(500)
    )

    assert limit_kw(relative, at=after(100), started_at=after(50)) == 9.0
    assert limit_kw(relative, at=after(110), started_at=after(50)) == 5.0
    assert limit_kw(relative, started_at=None) == FALLBACK_KW


def test_recurring_schedule_restarts_every_day_or_week() -> None:
    periods = (SchedulePeriod(0, 9000), SchedulePeriod(3600, 5000))
    daily = replace(profile(0, kind="Recurring"), recurrency="Daily", periods=periods)
    weekly = replace(daily, recurrency="Weekly")
    next_noon, next_monday = NOON + timedelta(days=1), NOON + timedelta(days=7)

    assert limit_kw(daily, at=next_noon - timedelta(seconds=1)) == 5.0
    assert limit_kw(daily, at=next_noon) == 9.0
    assert limit_kw(weekly, at=next_noon) == 5.0
    assert limit_kw(weekly, at=next_monday) == 9.0
    assert limit_kw(daily, at=NOON - timedelta(seconds=1)) == FALLBACK_KW


def test_current_counts_on_the_phases_in_use_and_no_more_than_permitted() -> None:
    assert limit_kw(profile(16, unit="A")) == 11.04
    assert limit_kw(profile(16, unit="A"), phases=1) == 3.68
    assert limit_kw(replace(profile(0, unit="A"), periods=(SchedulePeriod(0, 16, phases=1),))) == 3.68


def test_maximum_of_the_charge_point_is_separate_and_absent_by_default() -> None:
    maximum = profile(20000, purpose=Purpose.MAX, evse_no=0)

    assert charge_point_limit_kw([profile(9000)], NOON, 3) == math.inf
    assert charge_point_limit_kw([maximum], NOON, 3) == 20.0
    assert limit_kw(maximum) == FALLBACK_KW


def test_composite_schedule_merges_everything_and_never_exceeds_the_hardware() -> None:
    stairs = replace(profile(0), periods=(SchedulePeriod(0, 50000), SchedulePeriod(60, 9000)), duration_s=120)
    maximum = replace(profile(15000, purpose=Purpose.MAX, evse_no=0, profile_id=2), valid_from=after(30))

    schedule = composite_schedule(
        [stairs, maximum], Load(1, 3, NOON), now=NOON, duration_s=300, unit="W", fallback_kw=FALLBACK_KW, max_kw=22.0
    )

    assert [(period.start_s, period.limit) for period in schedule] == [(0, 22000.0), (30, 15000.0), (60, 9000.0), (120, 4200.0)]


profiles = st.builds(
    ChargingProfile,
    profile_id=st.integers(1, 50),
    evse_no=st.just(1),
    stack_level=st.integers(0, 4),
    purpose=st.sampled_from([Purpose.DEFAULT, Purpose.TX]),
    kind=st.sampled_from(["Absolute", "Relative", "Recurring"]),
    unit=st.sampled_from(["W", "A"]),
    periods=st.lists(st.integers(1, 5000), max_size=4, unique=True).flatmap(
        lambda starts: st.tuples(*(st.builds(SchedulePeriod, st.just(start), st.integers(0, 40)) for start in [0, *sorted(starts)]))
    ),
    installed_at=st.just(NOON),
    recurrency=st.sampled_from(["Daily", "Weekly"]),
    start_at=st.integers(-200_000, 5000).map(after),
    valid_from=st.none() | st.integers(0, 5000).map(after),
    valid_to=st.none() | st.integers(0, 5000).map(after),
    duration_s=st.none() | st.integers(1, 5000),
)


@given(st.lists(profiles, max_size=5), st.integers(0, 3599))
def test_composite_schedule_says_at_every_instant_what_is_followed(installed: list[ChargingProfile], second: int) -> None:
    load = Load(1, 3, NOON)

    schedule = composite_schedule(installed, load, now=NOON, duration_s=3600, unit="W", fallback_kw=FALLBACK_KW, max_kw=22.0)

    said = [period.limit for period in schedule if period.start_s <= second][-1]
    followed_kw = min(22.0, evse_limit_kw(installed, load, after(second), FALLBACK_KW))
    assert said == round(followed_kw * 1000, 1)
    assert schedule[0].start_s == 0
    assert all(former.limit != latter.limit for former, latter in pairwise(schedule))
