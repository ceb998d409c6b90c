"""Local time: what the clock of a place says, and which moment that is."""

from datetime import UTC, date, datetime, time
from enum import IntEnum
from zoneinfo import ZoneInfo


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
