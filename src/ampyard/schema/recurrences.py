"""Windows of local time that come again."""

from datetime import date, time

import strawberry

from ampyard.schema.enums import Weekday


@strawberry.input(
    description="A window of local time that comes again on days of the week. One that ends when it begins, or earlier, ends a day later."
)
class RecurrenceInput:
    weekdays: list[Weekday] = strawberry.field(description="The days of the week on which it begins.")
    starts_at: time = strawberry.field(description="When it begins, on the clock of the zone.")
    ends_at: time = strawberry.field(description="When it ends, on the clock of the zone.")
    time_zone: str = strawberry.field(description="The time zone (IANA name).")
    first_day: date | None = strawberry.field(default=None, description="The first day on which it may begin; open unless told.")
    last_day: date | None = strawberry.field(default=None, description="The last day on which it may begin; open unless told.")
