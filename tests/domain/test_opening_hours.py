"""When a depot is open: OCPI's Hours, by the clock of the depot."""

from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import Weekday
from ampyard.domain.opening_hours import ExceptionalPeriod, Hours, RegularHours
from ampyard.repositories.tables.values import hours_from_json, hours_to_json

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
WEEK = (RegularHours(Weekday.MONDAY, 6 * 60, 22 * 60), RegularHours(Weekday.SUNDAY, 22 * 60, 24 * 60))


def test_weekly_hours_are_on_the_clock_of_the_depot() -> None:
    hours = Hours(twentyfourseven=False, regular_hours=WEEK)
    # 6:00 in Berlin is 5:00 UTC in winter.
    assert [hours.is_open(MONDAY + timedelta(hours=h), "Europe/Berlin") for h in (4, 5, 20, 21)] == [False, True, True, False]
    # Sunday until midnight, which is 23:00 UTC.
    assert [hours.is_open(MONDAY - timedelta(hours=h), "Europe/Berlin") for h in (4, 3, 2, 1)] == [False, True, True, False]


def test_exceptions_go_before_the_week_and_closings_before_openings() -> None:
    both = ExceptionalPeriod(MONDAY + timedelta(hours=2), MONDAY + timedelta(hours=3))
    opened = Hours(twentyfourseven=False, regular_hours=WEEK, exceptional_openings=(both,))
    assert opened.is_open(both.begin, "UTC")
    assert not opened.is_open(both.end, "UTC")
    closed = Hours(twentyfourseven=False, regular_hours=WEEK, exceptional_openings=(both,), exceptional_closings=(both,))
    assert not closed.is_open(both.begin, "UTC")
    always = Hours(twentyfourseven=True, exceptional_closings=(both,))
    assert [always.is_open(both.begin, "UTC"), always.is_open(both.end, "UTC")] == [False, True]


def test_what_contradicts_itself_is_refused() -> None:
    for always, regular in ((True, WEEK), (False, ())):
        with pytest.raises(InvalidInputError, match="either twentyfourseven or have regularHours; give one of them, not both"):
            Hours(twentyfourseven=always, regular_hours=regular)
    with pytest.raises(InvalidInputError, match="MONDAY 22:00 to 06:00 ends before it begins"):
        RegularHours(Weekday.MONDAY, 22 * 60, 6 * 60)
    with pytest.raises(InvalidInputError, match="ends before it begins; give a later end"):
        ExceptionalPeriod(MONDAY, MONDAY)
    with pytest.raises(InvalidInputError, match="regularHours has 101 periods; 100 at most"):
        Hours(twentyfourseven=False, regular_hours=WEEK[:1] * 101)


def test_they_are_kept_as_they_are() -> None:
    period = ExceptionalPeriod(MONDAY, MONDAY + timedelta(days=1))
    hours = Hours(twentyfourseven=False, regular_hours=WEEK, exceptional_openings=(period,), exceptional_closings=(period, period))
    assert hours_from_json(hours_to_json(hours)) == hours
