"""When a depot is open, in the words of OCPI's Hours."""

from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import opening_hours as domain
from ampyard.domain.local_time import time_of_day
from ampyard.engine import computed, list_size
from ampyard.schema.enums import Weekday
from ampyard.schema.node import shows

_BEGIN = "When it begins, by the clock of the depot, such as 06:30."
_END = "When it ends, by the clock of the depot; 24:00 is the end of the day."


def _begin(root: domain.RegularHours) -> str:
    return time_of_day(root.begin_minute)


def _end(root: domain.RegularHours) -> str:
    return time_of_day(root.end_minute)


@strawberry.federation.type(directives=[Authenticated()], description="A weekly opening.")
class RegularHours:
    weekday: Weekday = strawberry.field(description="The day of the week.")
    period_begin: str = computed(_begin, reads=["begin_minute"], description=_BEGIN)
    period_end: str = computed(_end, reads=["end_minute"], description=_END)
    is_type_of = staticmethod(shows(domain.RegularHours))


def _from(root: domain.ExceptionalPeriod) -> datetime:
    return root.begin


def _until(root: domain.ExceptionalPeriod) -> datetime:
    return root.end


@strawberry.federation.type(directives=[Authenticated()], description="A dated opening or closing.")
class ExceptionalPeriod:
    period_begin: datetime = computed(_from, reads=["begin"], description="When it begins.")
    period_end: datetime = computed(_until, reads=["end"], description="When it ends.")
    is_type_of = staticmethod(shows(domain.ExceptionalPeriod))


@strawberry.federation.type(
    directives=[Authenticated()],
    description="When a depot is open: always, or by weekly hours; with dated exceptions, of which closings win.",
)
class OpeningTimes:
    twentyfourseven: bool = strawberry.field(description="Whether it is always open, but for the exceptional closings.")
    regular_hours: list[RegularHours] = strawberry.field(description="The weekly openings.", directives=[list_size(7)])
    exceptional_openings: list[ExceptionalPeriod] = strawberry.field(
        description="Dated openings, besides the weekly ones.", directives=[list_size(10)]
    )
    exceptional_closings: list[ExceptionalPeriod] = strawberry.field(
        description="Dated closings, whatever else says that it is open.", directives=[list_size(10)]
    )
    is_type_of = staticmethod(shows(domain.Hours))


@strawberry.input(description="A weekly opening. What goes on after midnight is another one, of the next day.")
class RegularHoursInput:
    weekday: Weekday = strawberry.field(description="The day of the week.")
    period_begin: str = strawberry.field(description=_BEGIN)
    period_end: str = strawberry.field(description=_END)


@strawberry.input(description="A dated opening or closing.")
class ExceptionalPeriodInput:
    period_begin: datetime = strawberry.field(description="When it begins.")
    period_end: datetime = strawberry.field(description="When it ends.")


@strawberry.input(description="When a depot is open: always, or by weekly hours; with dated exceptions, of which closings win.")
class OpeningTimesInput:
    twentyfourseven: bool = strawberry.field(default=False, description="Whether it is always open, but for the exceptional closings.")
    regular_hours: list[RegularHoursInput] = strawberry.field(
        default_factory=list, description="The weekly openings; 100 at most, and none where it is always open."
    )
    exceptional_openings: list[ExceptionalPeriodInput] = strawberry.field(
        default_factory=list, description="Dated openings, besides the weekly ones; 400 at most."
    )
    exceptional_closings: list[ExceptionalPeriodInput] = strawberry.field(
        default_factory=list, description="Dated closings, whatever else says that it is open; 400 at most."
    )
