"""When a depot is open, in the words of OCPI's Hours (2.2.1 and 2.3.0, 8.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import MINUTES_A_DAY, Weekday, time_of_day, wall_clock

MAX_REGULAR_HOURS = 100
MAX_EXCEPTIONAL_PERIODS = 400


@dataclass(frozen=True, slots=True)
class RegularHours:
    """A weekly opening, in the depot's local time: from `begin_minute` to before `end_minute` after midnight, 1440 at most.

    Raises:
        InvalidInputError: it ends before it begins.
    """

    weekday: Weekday
    begin_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.begin_minute < self.end_minute <= MINUTES_A_DAY:
            span = f"{self.weekday.name} {time_of_day(self.begin_minute)} to {time_of_day(self.end_minute)}"
            raise InvalidInputError(
                f"{span} ends before it begins; give a later end, and what goes on after midnight as another period of the next day."
            )


@dataclass(frozen=True, slots=True)
class ExceptionalPeriod:
    """A dated opening or closing: from `begin` to before `end`.

    Raises:
        InvalidInputError: it ends before it begins.
    """

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.begin:
            span = f"from {self.begin.isoformat()} to {self.end.isoformat()}"
            raise InvalidInputError(f"The exceptional period {span} ends before it begins; give a later end.")


@dataclass(frozen=True, slots=True)
class Hours:
    """When a depot is open: always, or by weekly hours; in either case with dated exceptions, of which closings win.

    Raises:
        InvalidInputError: both always and by weekly hours, or neither, or more periods than anyone can keep an eye on.
    """

    twentyfourseven: bool
    regular_hours: tuple[RegularHours, ...] = ()
    exceptional_openings: tuple[ExceptionalPeriod, ...] = ()
    exceptional_closings: tuple[ExceptionalPeriod, ...] = ()

    def __post_init__(self) -> None:
        if self.twentyfourseven == bool(self.regular_hours):
            raise InvalidInputError("Opening times are either twentyfourseven or have regularHours; give one of them, not both.")
        for name, periods, most in (
            ("regularHours", self.regular_hours, MAX_REGULAR_HOURS),
            ("exceptionalOpenings", self.exceptional_openings, MAX_EXCEPTIONAL_PERIODS),
            ("exceptionalClosings", self.exceptional_closings, MAX_EXCEPTIONAL_PERIODS),
        ):
            _require_at_most(name, periods, most)

    def is_open(self, at: datetime, time_zone: str) -> bool:
        """Tell whether a depot in this time zone is open at a moment."""
        if any(period.begin <= at < period.end for period in self.exceptional_closings):
            return False
        if self.twentyfourseven or any(period.begin <= at < period.end for period in self.exceptional_openings):
            return True
        weekday, minute = wall_clock(at, time_zone)
        return any(hours.weekday is weekday and hours.begin_minute <= minute < hours.end_minute for hours in self.regular_hours)


def _require_at_most(name: str, periods: Sequence[object], most: int) -> None:
    if len(periods) > most:
        raise InvalidInputError(f"{name} has {len(periods)} periods; {most} at most.")
