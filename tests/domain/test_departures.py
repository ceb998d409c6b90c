"""When a vehicle usually leaves: by weekday, rather too early than too late, and not at all where it cannot be told."""

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import pytest

from ampyard.domain.departures import LearntDeparture, PastStay, learnt_departure
from ampyard.domain.local_time import moment_of

ZONE = "Europe/Berlin"
VEHICLE = uuid.UUID(int=1)
MONDAY = date(2026, 11, 2)
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def left(weeks: Iterable[int], *times: time, weekday: int = 0, zone: str = ZONE) -> list[PastStay]:
    """Return stays of eight hours that ended on a weekday so many weeks ago."""
    ends = [moment_of(MONDAY - timedelta(weeks=n) + timedelta(days=weekday), at, zone) for n in weeks for at in times]
    return [PastStay(VEHICLE, end - 2 * HOUR, end) for end in ends]


def learnt(stays: Iterable[PastStay], now: datetime = NOW, hours: int = 36) -> LearntDeparture | None:
    return learnt_departure(stays, now=now, until=now + timedelta(hours=hours), time_zone=ZONE)


def test_nothing_is_learnt_from_nothing() -> None:
    assert learnt([]) is None


def test_it_leaves_as_it_has_left_on_this_weekday() -> None:
    found = learnt(left(range(1, 5), time(18)))
    # Whether or not clocks have been changed since.
    assert found == LearntDeparture(moment_of(MONDAY, time(18), ZONE), 5 / 6, 4)


def test_it_is_expected_when_it_has_left_in_one_case_of_four() -> None:
    stays = [stay for n, minute in enumerate((30, 0, 45, 15), start=1) for stay in left([n], time(18, minute))]
    found = learnt(stays)
    assert found is not None
    assert found.at == moment_of(MONDAY, time(18, 0), ZONE)


def test_departures_that_lie_far_apart_are_believed_less() -> None:
    stays = [*left([1, 2], time(18)), *left([3, 4], time(21))]
    assert learnt(stays) == LearntDeparture(moment_of(MONDAY, time(18), ZONE), 5 / 6 * 0.5, 4)


def test_what_it_has_left_at_earlier_today_does_not_count() -> None:
    found = learnt([*left(range(1, 5), time(6)), *left(range(1, 5), time(18))])
    assert found is not None
    assert found.at == moment_of(MONDAY, time(18), ZONE)


def test_a_vehicle_that_has_left_for_today_leaves_tomorrow() -> None:
    stays = [*left(range(1, 5), time(6)), *left(range(1, 5), time(7), weekday=1)]
    found = learnt(stays)
    assert found is not None
    assert found.at == moment_of(MONDAY + timedelta(days=1), time(7), ZONE)
    assert learnt(stays, hours=12) is None


@pytest.mark.parametrize(("weeks", "is_told"), [([1, 2], False), ([1, 2, 3], True), ([2, 4, 8], False), ([1, 3, 5], True)])
def test_it_takes_three_departures_and_half_of_the_days(weeks: list[int], is_told: bool) -> None:  # noqa: FBT001 - a case of the test
    assert (learnt(left(weeks, time(18))) is not None) is is_told


def test_where_the_weekday_tells_too_little_all_working_days_do() -> None:
    week = [stay for weekday in range(1, 5) for stay in left([1], time(17), weekday=weekday)]
    assert learnt(week) is None
    found = learnt([*week, *left([1], time(17))])
    assert found is not None
    assert (found.at, found.samples) == (moment_of(MONDAY, time(17), ZONE), 5)


def test_weekends_say_nothing_of_working_days() -> None:
    assert learnt([stay for n in range(1, 5) for day in (-1, -2) for stay in left([n - 1], time(17), weekday=day)], hours=12) is None


def test_who_is_plugged_in_again_at_once_has_not_left() -> None:
    interrupted = [
        stay
        for end in (moment_of(MONDAY - timedelta(weeks=n), time(18), ZONE) for n in range(1, 5))
        for stay in (PastStay(VEHICLE, end - 5 * HOUR, end - 2 * HOUR), PastStay(VEHICLE, end - 2 * HOUR + timedelta(minutes=10), end))
    ]
    found = learnt(interrupted)
    assert found is not None
    assert found.at == moment_of(MONDAY, time(18), ZONE)


def test_what_is_older_than_eight_weeks_is_forgotten() -> None:
    assert learnt(left(range(9, 14), time(18))) is None


def test_the_order_of_the_stays_does_not_matter() -> None:
    stays = [*left(range(1, 6), time(18)), *left(range(1, 6), time(12), weekday=1)]
    assert learnt(reversed(stays)) == learnt(stays)
