from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import Weekday, local_day, minute_of_day, moment_of, time_of_day, time_zones

# Clocks jump by an hour, by half an hour, at midnight, and never.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "UTC")


@pytest.mark.parametrize(
    ("day", "at", "zone", "moment"),
    [
        (date(2026, 7, 1), time(6), "Europe/Berlin", "2026-07-01T04:00"),
        (date(2026, 1, 1), time(6), "Europe/Berlin", "2026-01-01T05:00"),
        # Jumped over: as much later as clocks jump.
        (date(2026, 3, 29), time(2, 30), "Europe/Berlin", "2026-03-29T01:30"),
        (date(2026, 3, 29), time(3, 30), "Europe/Berlin", "2026-03-29T01:30"),
        # Twice: the first.
        (date(2026, 10, 25), time(2, 30), "Europe/Berlin", "2026-10-25T00:30"),
        (date(2026, 10, 25), time(3), "Europe/Berlin", "2026-10-25T02:00"),
        # The day begins with the jump.
        (date(2026, 9, 6), time(0), "America/Santiago", "2026-09-06T04:00"),
    ],
)
def test_a_local_time_is_one_moment(day: date, at: time, zone: str, moment: str) -> None:
    assert moment_of(day, at, zone) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@given(day=st.dates(date(2020, 1, 1), date(2030, 12, 31)), at=st.times(), zone=st.sampled_from(ZONES))
def test_clocks_show_the_time_at_its_moment_unless_they_jump_over_it(day: date, at: time, zone: str) -> None:
    moment = moment_of(day, at, zone)
    shown = moment.astimezone(ZoneInfo(zone))
    jumped = shown.replace(tzinfo=None) - datetime.combine(day, at)

    assert local_day(moment, zone) == shown.date()
    # Nowhere else do clocks show another time, and where they do it is later, by what they jump.
    jump = (moment + timedelta(days=1)).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    before = (moment - timedelta(days=1)).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    assert jumped in {timedelta(), jump - before}
    assert jumped >= timedelta()
    # An hour before, they have not shown it yet.
    assert (moment - timedelta(hours=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != datetime.combine(day, at)


@given(day=st.dates())
def test_weekdays_are_numbered_as_iso_does(day: date) -> None:
    assert Weekday.of(day) == day.isoweekday()
    assert Weekday.of(day).name == day.strftime("%A").upper()


@pytest.mark.parametrize(("text", "minute"), [("00:00", 0), ("06:30", 390), ("23:59", 1439), ("24:00", 1440)])
def test_a_time_of_day_is_minutes_after_midnight(text: str, minute: int) -> None:
    assert minute_of_day(text) == minute
    assert time_of_day(minute) == text


@pytest.mark.parametrize("text", ["6:30", "24:01", "25:00", "06:60", "06.30", "", "06:30:00", "٠٦:٣٠"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is no time of day; give hours and minutes from 00:00 to 24:00, such as 06:30"):
        minute_of_day(text)


def test_time_zones_are_places() -> None:
    assert {"Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"} <= time_zones()
    assert not {"localtime", "Factory", "posixrules", ""} & time_zones()
