"""Which limit of a power node counts: exceptions before the week before the constant, the strictest of several, none above the last."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import MINUTES_A_DAY, Weekday
from ampyard.domain.supply import (
    LimitException,
    LimitSource,
    WeeklyLimit,
    constant_limit_kw,
    effective_limit,
    kw_of_current,
    lowest_limit_a,
    lowest_limit_kw,
)
from tests.domain.supply.nodes import T0, exception, node, windows

BERLIN = "Europe/Berlin"


def test_without_rules_the_constant_limit_counts() -> None:
    limit = effective_limit(node(limit_kw=100.0), [], T0, BERLIN)
    assert (limit.limit_kw, limit.source, limit.exception_id) == (100.0, LimitSource.CONSTANT, None)
    assert limit.explanation == "Its constant limit: 100 kW."


def test_a_current_makes_power_on_each_phase_and_the_stricter_limit_counts() -> None:
    # 63 A x 230 V x 3 = 43.47 kW
    assert kw_of_current(63.0, 3, 230.0) == pytest.approx(43.47)
    assert kw_of_current(63.0, 1, 230.0) == pytest.approx(14.49)
    limit = effective_limit(node(limit_kw=50.0, limit_a=63.0), [], T0, BERLIN)
    assert limit.limit_kw == pytest.approx(43.47)
    assert limit.explanation == "Its constant limit: 50 kW and 63 A a phase, 43.47 kW."
    assert effective_limit(node(limit_kw=40.0, limit_a=63.0), [], T0, BERLIN).limit_kw == 40.0


def test_a_weekly_window_counts_by_the_clock_of_the_depot() -> None:
    # Monday from 9 to 17 in Berlin is 8 to 16 UTC in winter.
    limited = node(weekly_limits=windows(1, (9, 17, 60.0)))
    at = {hour: effective_limit(limited, [], T0.replace(hour=hour), BERLIN).limit_kw for hour in (7, 8, 15, 16)}
    assert at == {7: 100.0, 8: 60.0, 15: 60.0, 16: 100.0}
    assert effective_limit(limited, [], T0 + timedelta(days=1), BERLIN).limit_kw == 100.0
    limit = effective_limit(limited, [], T0, BERLIN)
    assert (limit.source, limit.explanation) == (LimitSource.WEEKLY, "Its weekly limit: 60 kW on MONDAY 09:00 to 17:00.")


def test_an_exception_goes_before_the_week_even_where_it_allows_more() -> None:
    limited = node(weekly_limits=windows(1, (0, 24, 20.0)))
    raised = exception(1, 80.0)
    limit = effective_limit(limited, [raised], T0, BERLIN)
    assert (limit.limit_kw, limit.source, limit.exception_id) == (80.0, LimitSource.EXCEPTION, raised.id)
    assert limit.explanation == "An exception: 80 kW until 2026-11-02T09:00:00+00:00 (Reason 1)."
    # From its begin to before its end.
    assert effective_limit(limited, [raised], raised.valid_until, BERLIN).limit_kw == 20.0
    assert effective_limit(limited, [raised], T0 - timedelta(microseconds=1), BERLIN).limit_kw == 20.0


def test_the_strictest_of_several_counts() -> None:
    limited = node(weekly_limits=windows(1, (0, 24, 70.0), (9, 10, 30.0)))
    assert effective_limit(limited, [], T0, BERLIN).limit_kw == 30.0
    both = [exception(1, 50.0), exception(2, None, 50.0)]  # 50 A are 34.5 kW
    assert effective_limit(limited, both, T0, BERLIN).exception_id == both[1].id
    assert effective_limit(limited, both, T0, BERLIN).limit_kw == pytest.approx(34.5)


def test_nothing_lifts_a_node_above_what_it_can_bear() -> None:
    limited = node(limit_kw=100.0, weekly_limits=windows(1, (0, 24, 400.0)))
    assert effective_limit(limited, [exception(1, 500.0)], T0, BERLIN) == effective_limit(node(limit_kw=100.0), [], T0, BERLIN)
    assert effective_limit(limited, [], T0, BERLIN).source is LimitSource.CONSTANT


def test_the_lowest_limit_ahead_is_that_of_any_rule_that_is_not_over() -> None:
    over, coming = exception(1, 5.0, begin=T0 - timedelta(hours=2)), exception(2, 25.0, begin=T0 + timedelta(days=300))
    limited = node(limit_kw=100.0, weekly_limits=windows(7, (3, 4, 40.0)))
    assert lowest_limit_kw(limited, [], T0) == 40.0
    assert lowest_limit_kw(limited, [over, coming], T0) == 25.0
    assert lowest_limit_kw(node(limit_kw=100.0, limit_a=100.0), [over], T0) == pytest.approx(69.0)


def test_the_lowest_current_is_that_of_any_rule_ahead() -> None:
    over, coming = exception(1, None, 1.0, begin=T0 - timedelta(hours=2)), exception(2, None, 20.0, begin=T0 + timedelta(hours=2))
    assert lowest_limit_a(node(), [over], T0) is None
    assert lowest_limit_a(node(limit_a=63.0), [over], T0) == 63.0
    assert lowest_limit_a(node(limit_a=63.0), [over, coming], T0, [(None, 25.0)]) == 20.0
    assert lowest_limit_a(node(), [over], T0, [(3.0, None), (None, 25.0)]) == 25.0


@pytest.mark.parametrize(
    ("begin", "end", "limit_kw", "limit_a", "message"),
    [
        (600, 600, 10.0, None, "MONDAY 10:00 to 10:00 ends before it begins; give a later end"),
        (1320, 360, 10.0, None, "MONDAY 22:00 to 06:00 ends before it begins; .* as another window of the next day"),
        (0, 1441, 10.0, None, "ends before it begins"),
        (0, 60, None, None, "limits nothing; give limitKw, limitA, or both"),
        (0, 60, -1.0, None, "has the limit -1; give a number from 0 up"),
        (0, 60, None, float("inf"), "has the limit inf; give a number from 0 up"),
    ],
)
def test_a_window_that_says_nothing_is_refused(begin: int, end: int, limit_kw: float | None, limit_a: float | None, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        WeeklyLimit(Weekday.MONDAY, begin, end, limit_kw, limit_a)


def test_an_exception_that_is_never_in_force_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="would never be in force; give an end after its begin"):
        exception(1, 10.0, hours=0.0)
    with pytest.raises(InvalidInputError, match="limits nothing"):
        exception(1, None)


# Properties

limits = st.floats(0, 500).map(lambda kw: round(kw, 1))
weekly = st.builds(
    lambda day, ends, kw, a: WeeklyLimit(day, min(ends), max(ends), kw, a),
    st.sampled_from(Weekday),
    st.lists(st.integers(0, MINUTES_A_DAY), min_size=2, max_size=2, unique=True),
    limits,
    st.none() | limits,
)
exceptions = st.builds(
    lambda number, minutes, hours, kw: exception(number, kw, begin=T0 + timedelta(minutes=minutes), hours=hours),
    st.integers(1, 2**60),
    st.integers(-2000, 2000),
    st.integers(1, 60),
    limits,
)
zones = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
)
moments = st.integers(0, 2 * 366 * 24 * 60).map(lambda minutes: T0 + timedelta(minutes=minutes))


@given(
    windows=st.lists(weekly, max_size=4),
    rules=st.lists(exceptions, max_size=3),
    limit_kw=limits,
    limit_a=st.none() | limits,
    at=moments,
    zone=zones,
)
def test_no_rule_lifts_the_limit_and_none_goes_below_the_lowest_ahead(
    windows: list[WeeklyLimit], rules: list[LimitException], limit_kw: float, limit_a: float | None, at: datetime, zone: str
) -> None:
    limited = node(limit_kw=limit_kw, limit_a=limit_a, weekly_limits=tuple(windows))
    found = effective_limit(limited, rules, at, zone).limit_kw
    assert lowest_limit_kw(limited, rules, at) <= found <= constant_limit_kw(limited)


@given(
    windows=st.lists(weekly, max_size=3),
    # No two have the same id.
    rules=st.lists(exceptions, max_size=3, unique_by=lambda rule: rule.id),
    minutes=st.integers(-2000, 2000),
    zone=zones,
)
@example(windows=[WeeklyLimit(Weekday.MONDAY, 0, 541, 0.0, limit_a) for limit_a in (None, 0.0)], rules=[], minutes=0, zone=BERLIN)
def test_the_order_of_rules_changes_nothing(windows: list[WeeklyLimit], rules: list[LimitException], minutes: int, zone: str) -> None:
    at = T0 + timedelta(minutes=minutes)
    found = {
        effective_limit(node(weekly_limits=of_week), of_time, at, zone)
        for of_week in permutations(windows)
        for of_time in permutations(rules)
    }
    assert len(found) == 1


# Each zone with the day its clocks go forward and the day they go back in 2026 (or round the new year, in the south).
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29), date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8), date(2026, 11, 1)),
    ("America/St_Johns", date(2026, 3, 8), date(2026, 11, 1)),
    ("Australia/Sydney", date(2026, 10, 4), date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4), date(2026, 4, 5)),  # by half an hour
]


@given(
    change=st.sampled_from(CHANGES),
    which=st.sampled_from(["spring", "autumn"]),
    ends=st.lists(st.integers(0, MINUTES_A_DAY), min_size=2, max_size=2, unique=True),
)
def test_a_window_counts_exactly_while_the_clock_on_the_wall_is_within_it(
    change: tuple[str, date, date], which: str, ends: list[int]
) -> None:
    name, spring, autumn = change
    zone, day = ZoneInfo(name), spring if which == "spring" else autumn
    begin, end = sorted(ends)
    limited = node(limit_kw=100.0, weekly_limits=(WeeklyLimit(Weekday.of(day), begin, end, 10.0, None),))
    midnight = datetime.combine(day, time.min, zone).astimezone(UTC)
    following = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)

    lowered = shown = 0
    moment = midnight
    while moment < following:
        wall = moment.astimezone(zone)
        within = begin <= wall.hour * 60 + wall.minute < end
        shown += within
        lowered += effective_limit(limited, [], moment, name).limit_kw == 10.0
        assert (effective_limit(limited, [], moment, name).limit_kw == 10.0) == within
        moment += timedelta(minutes=5)

    assert lowered == shown
    # The day is as long as its clocks make it, and a window over the whole of it covers all of that.
    length = (following - midnight) // timedelta(minutes=5)
    assert (length < 288) == (which == "spring")
    whole = node(limit_kw=100.0, weekly_limits=(WeeklyLimit(Weekday.of(day), 0, MINUTES_A_DAY, 10.0, None),))
    assert effective_limit(whole, [], midnight, name).limit_kw == 10.0
    assert effective_limit(whole, [], following - timedelta(minutes=1), name).limit_kw == 10.0
    assert effective_limit(whole, [], following, name).limit_kw == 100.0


def test_an_hour_that_is_skipped_counts_never_and_one_that_comes_twice_counts_twice() -> None:
    def minutes_lowered(day: date) -> int:
        limited = node(limit_kw=100.0, weekly_limits=(WeeklyLimit(Weekday.of(day), 120, 180, 10.0, None),))
        begin = datetime.combine(day, time.min, ZoneInfo(BERLIN)).astimezone(UTC)
        return sum(effective_limit(limited, [], begin + timedelta(minutes=n), BERLIN).limit_kw == 10.0 for n in range(25 * 60))

    assert minutes_lowered(date(2026, 3, 29)) == 0
    assert minutes_lowered(date(2026, 10, 25)) == 120
    assert minutes_lowered(date(2026, 6, 1)) == 60
