"""Windows of local time that come again on days of the week."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import Weekday, local_day, moment_of

_DAY = timedelta(days=1)
# A window that begins on one day ends on the next at the latest; where a zone leaves out a day (Samoa, 2011), the day after.
_LONGEST_DAYS = 2


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A window from `starts_at` until before `ends_at`, on the clock of a zone, on some days of the week.

    A window that ends when it starts, or earlier, ends on the next day; it counts by the day it begins on, which is none before
    `first_day` or after `last_day` (None: open). A window that clocks jump over wholly does not come that day.

    Raises:
        InvalidInputError: no days of the week, no such zone, or no day of the week between the first and the last day.
    """

    weekdays: frozenset[Weekday]
    starts_at: time
    ends_at: time
    time_zone: str
    first_day: date | None = None
    last_day: date | None = None

    def __post_init__(self) -> None:
        if not self.weekdays:
            raise InvalidInputError("A recurrence needs a day of the week at least.")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f"{self.time_zone!r} is not a time zone; give a name of the IANA database, such as Europe/Berlin."
            raise InvalidInputError(message) from None
        if self.first_day is not None and self.last_day is not None and next(self._days(self.first_day, self.last_day), None) is None:
            days = ", ".join(day.name for day in sorted(self.weekdays))
            raise InvalidInputError(f"A recurrence from {self.first_day} to {self.last_day} on {days} never comes; give it one such day.")

    @property
    def words(self) -> str:
        """The recurrence in words, such as "MONDAY, TUESDAY from 22:00 to 05:00, Europe/Berlin"."""
        days = ", ".join(day.name for day in sorted(self.weekdays))
        first = "" if self.first_day is None else f", not before {self.first_day}"
        last = "" if self.last_day is None else f", not after {self.last_day}"
        return f"{days} from {self.starts_at:%H:%M} to {self.ends_at:%H:%M}, {self.time_zone}{first}{last}"

    def covers(self, at: datetime) -> bool:
        """Tell whether a moment is in a window."""
        today = local_day(at, self.time_zone)
        return any(begin <= at < end for begin, end in self._windows(today - _LONGEST_DAYS * _DAY, today))

    def intervals(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the windows that touch the time from `since` until before `until`, whole, in UTC, by their begin."""
        first = local_day(since, self.time_zone) - _LONGEST_DAYS * _DAY
        for begin, end in self._windows(first, local_day(until, self.time_zone)):
            if begin < until and end > since:
                yield begin, end

    def _windows(self, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
        for day in self._days(first, last):
            end_day = day if self.ends_at > self.starts_at else day + _DAY
            begin, end = moment_of(day, self.starts_at, self.time_zone), moment_of(end_day, self.ends_at, self.time_zone)
            if begin < end:
                yield begin, end

    def _days(self, first: date, last: date) -> Iterator[date]:
        """Yield the days in a period on which windows begin."""
        day = first if self.first_day is None else max(first, self.first_day)
        end = last if self.last_day is None else min(last, self.last_day)
        while day <= end:
            if Weekday.of(day) in self.weekdays:
                yield day
            day += _DAY


def mask_of(weekdays: Iterable[Weekday]) -> int:
    """Return days of the week as one number, as it is stored: bit 0 is Monday."""
    return sum(1 << (day - 1) for day in set(weekdays))


def weekdays_of(mask: int) -> frozenset[Weekday]:
    """Return the days of the week that `mask_of` made a number of."""
    return frozenset(day for day in Weekday if mask & (1 << (day - 1)))
