"""Local time at a depot: weekdays and times of day by its own clock, and the time zones there are.

A time of day is a number of minutes after midnight, from 0 to 1440, the midnight at the end of the day. Whether a moment is
within a period of the day is asked of the clock on the wall: an hour that is skipped in spring is in no period, and one that
comes twice in autumn is in its period both times.
"""

import re
from datetime import datetime
from enum import IntEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from ampyard.domain.errors import InvalidInputError

MINUTES_A_DAY = 24 * 60

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
# In the database, but no place's time.
_NO_ZONES = frozenset({"Factory", "localtime"})


class Weekday(IntEnum):
    """A day of the week, numbered as in ISO 8601 and OCPI (8.4 RegularHours)."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7


def parse_time_of_day(text: str) -> int:
    """Return the minutes after midnight of a time such as `06:30`; `24:00` is the midnight at the end of the day.

    Raises:
        InvalidInputError: it is no time of day.
    """
    found = _TIME_OF_DAY.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else MINUTES_A_DAY + 1
    if minute > MINUTES_A_DAY:
        raise InvalidInputError(f"{text[:20]!r} is no time of day; give hours and minutes from 00:00 to 24:00, such as 06:30.")
    return minute


def time_of_day_text(minute: int) -> str:
    """Return minutes after midnight as people write them, such as `06:30`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def wall_clock(at: datetime, time_zone: str) -> tuple[Weekday, int]:
    """Return the weekday and the minutes after midnight that clocks in a time zone show at a moment."""
    local = at.astimezone(ZoneInfo(time_zone))
    return Weekday(local.isoweekday()), local.hour * 60 + local.minute


@cache
def time_zones() -> frozenset[str]:
    """Return the IANA names of all time zones."""
    return frozenset(available_timezones()) - _NO_ZONES
