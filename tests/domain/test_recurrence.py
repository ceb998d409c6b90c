from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import Weekday
from ampyard.domain.recurrence import Recurrence, mask_of, weekdays_of

BERLIN = "Europe/Berlin"
WORKDAYS = frozenset(Weekday) - {Weekday.SATURDAY, Weekday.SUNDAY}
EVERY_DAY = frozenset(Weekday)


def recurrence(start: str, end: str, weekdays: frozenset[Weekday] = EVERY_DAY, time_zone: str = BERLIN, **days: date) -> Recurrence:
    return Recurrence(weekdays, time.fromisoformat(start), time.fromisoformat(end), time_zone, **days)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spans(found: Recurrence, since: str, until: str) -> list[str]:
    return [f"{begin:%d.%m. %H:%M}-{end:%d.%m. %H:%M}" for begin, end in found.intervals(utc(since), utc(until))]


def test_a_window_comes_on_its_days_of_the_week() -> None:
    mornings = recurrence("06:00", "08:30", WORKDAYS)
    # The sixth of November 2026 is a Friday.
    assert spans(mornings, "2026-11-06", "2026-11-10") == ["06.11. 05:00-06.11. 07:30", "09.11. 05:00-09.11. 07:30"]
    assert mornings.covers(utc("2026-11-06T05:00"))
    assert not mornings.covers(utc("2026-11-06T07:30"))
    assert not mornings.covers(utc("2026-11-07T06:00"))


def test_a_window_over_midnight_counts_by_the_day_it_begins_on() -> None:
    nights = recurrence("22:00", "05:00", frozenset({Weekday.FRIDAY}), first_day=date(2026, 11, 6), last_day=date(2026, 11, 13))
    assert spans(nights, "2026-11-01", "2026-11-30") == ["06.11. 21:00-07.11. 04:00", "13.11. 21:00-14.11. 04:00"]
    assert nights.covers(utc("2026-11-14T03:59"))


def test_a_window_that_ends_when_it_starts_is_a_whole_day() -> None:
    sundays = recurrence("00:00", "00:00", frozenset({Weekday.SUNDAY}))
    assert spans(sundays, "2026-10-24", "2026-10-27") == ["24.10. 22:00-25.10. 23:00"]  # 25 hours: clocks go back
    assert spans(sundays, "2026-03-28", "2026-03-31") == ["28.03. 23:00-29.03. 22:00"]  # 23 hours: clocks go forward


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        ("01:30", "03:30", ["29.03. 00:30-29.03. 01:30"]),  # an hour is left out
        ("02:30", "04:00", ["29.03. 01:30-29.03. 02:00"]),  # it begins as much later as clocks jump
        ("02:10", "02:50", ["29.03. 01:10-29.03. 01:50"]),  # jumped over, so later
        ("02:30", "03:00", []),
    ],
)
def test_where_clocks_go_forward(start: str, end: str, span: list[str]) -> None:
    # 2026-03-29, 02:00 is 03:00 in Berlin.
    only = recurrence(start, end, first_day=date(2026, 3, 29), last_day=date(2026, 3, 29))
    assert spans(only, "2026-03-28", "2026-03-31") == span


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        ("01:30", "03:30", ["24.10. 23:30-25.10. 02:30"]),  # an hour comes twice
        ("02:30", "04:00", ["25.10. 00:30-25.10. 03:00"]),  # it begins when it is half past two for the first time
        ("01:00", "02:30", ["24.10. 23:00-25.10. 00:30"]),  # and so does it end
    ],
)
def test_where_clocks_go_back(start: str, end: str, span: list[str]) -> None:
    only = recurrence(start, end, first_day=date(2026, 10, 25), last_day=date(2026, 10, 25))
    assert spans(only, "2026-10-23", "2026-10-27") == span


def test_a_day_that_a_zone_leaves_out_lengthens_what_ends_on_it() -> None:
    # Samoa went from 29 to 31 December 2011.
    night = recurrence("22:00", "05:00", time_zone="Pacific/Apia", first_day=date(2011, 12, 29), last_day=date(2011, 12, 29))
    ((begin, end),) = night.intervals(utc("2011-12-29"), utc("2012-01-02"))
    assert (begin, end) == (utc("2011-12-30T08:00"), utc("2011-12-30T15:00"))
    assert night.covers(end - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weekdays": frozenset()}, "A recurrence needs a day of the week at least."),
        ({"time_zone": "Berlin"}, "'Berlin' is not a time zone; give a name of the IANA database, such as Europe/Berlin."),
        (
            {"first_day": date(2026, 11, 7), "last_day": date(2026, 11, 8)},
            "A recurrence from 2026-11-07 to 2026-11-08 on MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY never comes; give it one such day.",
        ),
    ],
)
def test_what_never_comes_is_refused(change: dict[str, Any], message: str) -> None:
    parts: dict[str, Any] = {"weekdays": WORKDAYS, "starts_at": time(6), "ends_at": time(7), "time_zone": BERLIN}
    with pytest.raises(InvalidInputError) as refused:
        Recurrence(**parts | change)
    assert str(refused.value) == message


ZONES = st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Santiago", "UTC"])
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
MOMENTS = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
MASKS = st.sets(st.sampled_from(Weekday), min_size=1).map(frozenset)


@given(MASKS, TIMES, TIMES, ZONES, MOMENTS)
def test_a_moment_is_covered_just_when_an_interval_has_it(
    weekdays: frozenset[Weekday], start: time, end: time, zone: str, at: datetime
) -> None:
    found = Recurrence(weekdays, start, end, zone)
    inside = [span for span in found.intervals(at - timedelta(days=3), at + timedelta(days=3)) if span[0] <= at < span[1]]
    assert found.covers(at) is bool(inside)


@given(TIMES, TIMES, ZONES, MOMENTS)
def test_day_and_night_leave_no_gap(start: time, end: time, zone: str, at: datetime) -> None:
    one, other = Recurrence(EVERY_DAY, start, end, zone), Recurrence(EVERY_DAY, end, start, zone)
    assert one.covers(at) or other.covers(at)


@given(MASKS, TIMES, TIMES, ZONES, MOMENTS)
def test_away_from_changes_of_the_clock_it_is_what_the_clock_says(
    weekdays: frozenset[Weekday], start: time, end: time, zone: str, at: datetime
) -> None:
    nearby = {(at + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset() for hours in range(-50, 51)}
    if len(nearby) > 1:
        return
    local = at.astimezone(ZoneInfo(zone))
    clock, today, yesterday = local.time(), Weekday.of(local.date()), Weekday.of(local.date() - timedelta(days=1))
    if start < end:
        expected = today in weekdays and start <= clock < end
    else:
        expected = (today in weekdays and clock >= start) or (yesterday in weekdays and clock < end)
    assert Recurrence(weekdays, start, end, zone).covers(at) is expected


@given(st.sets(st.sampled_from(Weekday)))
def test_days_of_the_week_are_kept_as_a_number(weekdays: set[Weekday]) -> None:
    assert weekdays_of(mask_of(weekdays)) == weekdays
