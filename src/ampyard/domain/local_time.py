"""Local time: what the clock of a place says, and which moment that is."""

import re
from datetime import UTC, date, datetime, time
from enum import IntEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from ampyard.domain.errors import InvalidInputError

MINUTES_A_DAY = 24 * 60

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
# In the database, but no place's time.
_NO_PLACE = frozenset({"Factory", "localtime"})


class Weekday(IntEnum):
    """A day of the week, numbered as in ISO 8601."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7

    @classmethod
    def of(cls, day: date) -> "Weekday":
        """Return the day of the week that `day` is."""
        return cls(day.isoweekday())


def moment_of(day: date, at: time, time_zone: str) -> datetime:
    """Return the moment, in UTC, at which clocks in a zone show a time on a day.

    Every time of every day has one. A time that clocks jump over is as much later as they jump: 02:30 is 03:30 where they go from 02:00 to
    03:00. Of a time that comes twice it is the first.
    """
    return datetime.combine(day, at, ZoneInfo(time_zone)).astimezone(UTC)


def local_day(moment: datetime, time_zone: str) -> date:
    """Return the day that it is in a zone at a moment."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def wall_clock(at: datetime, time_zone: str) -> tuple[Weekday, int]:
    """Return the weekday and the minutes after midnight that clocks in a zone show at a moment.

    An hour that clocks jump over is shown at no moment, one that comes twice at both.
    """
    local = at.astimezone(ZoneInfo(time_zone))
    return Weekday.of(local), local.hour * 60 + local.minute


def minute_of_day(text: str) -> int:
    """Return the minutes after midnight of a time such as `06:30`; `24:00` is the midnight at the end of the day.

    Raises:
        InvalidInputError: it is no time of day.
    """
    found = _TIME_OF_DAY.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else MINUTES_A_DAY + 1
    if minute > MINUTES_A_DAY:
        raise InvalidInputError(f"{text[:20]!r} is no time of day; give hours and minutes from 00:00 to 24:00, such as 06:30.")
    return minute


def time_of_day(minute: int) -> str:
    """Return minutes after midnight as people write them, such as `06:30`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


@cache
def time_zones() -> frozenset[str]:
    """Return the IANA names of all time zones."""
    return frozenset(available_timezones()) - _NO_PLACE
