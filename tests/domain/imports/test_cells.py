from datetime import UTC, date, datetime, time
from enum import Enum, StrEnum
from typing import Any

import pytest

from ampyard.domain.imports import boolean, choice, day, local_time, many, moment, number, text, weekdays, whole, zone
from ampyard.domain.local_time import Weekday


class Kind(StrEnum):
    BUS = "bus"
    LIGHT_TRUCK = "light truck"


KWH = number(above=0, at_most=2000, unit="kWh")


@pytest.mark.parametrize(
    ("parse", "cell", "value"),
    [
        (text(10), "  Bus 1 ", "Bus 1"),
        (text(10), 4711, "4711"),
        (text(10), 4711.0, "4711"),
        (KWH, "300", 300.0),
        (KWH, "12.5", 12.5),
        (KWH, "12,5", 12.5),
        (KWH, 12.5, 12.5),
        (KWH, " 2000 ", 2000.0),
        (number(), "-0,125", -0.125),
        (whole(at_least=0, at_most=7), "7", 7),
        (whole(at_least=0, at_most=7), 7.0, 7),
        (choice(Kind), "bus", Kind.BUS),
        (choice(Kind), "Light-Truck", Kind.LIGHT_TRUCK),
        (choice(Kind), " light  truck", Kind.LIGHT_TRUCK),
        (boolean, "Yes", True),
        (boolean, 0, False),
        (boolean, True, True),
        (boolean, "false", False),
        (day, "2026-11-30", date(2026, 11, 30)),
        (day, "30.11.2026", date(2026, 11, 30)),
        (day, datetime(2026, 11, 30), date(2026, 11, 30)),  # noqa: DTZ001  # what a workbook's date cell is read as
        (local_time, "6:30", time(6, 30)),
        (local_time, "06:30:15", time(6, 30, 15)),
        (local_time, time(6, 30), time(6, 30)),
        (moment, "2026-11-02T08:00:00+01:00", datetime(2026, 11, 2, 7, tzinfo=UTC)),
        (weekdays, "daily", frozenset(Weekday)),
        (weekdays, "Mon-Fri", frozenset(Weekday) - {Weekday.SATURDAY, Weekday.SUNDAY}),
        (weekdays, "mo, WEDNESDAY; 7", frozenset({Weekday.MONDAY, Weekday.WEDNESDAY, Weekday.SUNDAY})),
        (weekdays, "sat - mon", frozenset({Weekday.SATURDAY, Weekday.SUNDAY, Weekday.MONDAY})),
        (weekdays, 3, frozenset({Weekday.WEDNESDAY})),
        (zone, "Europe/Berlin", "Europe/Berlin"),
        (many(choice(Kind)), "bus, light-truck|BUS", (Kind.BUS, Kind.LIGHT_TRUCK, Kind.BUS)),
        (many(text(10)), 4711, ("4711",)),
    ],
)
def test_what_can_be_read(parse: Any, cell: Any, value: Any) -> None:
    found = parse(cell)
    assert found == value
    assert type(found) is type(value) or isinstance(value, Enum)


@pytest.mark.parametrize(
    ("parse", "cell", "message"),
    [
        (text(3), "four", "'four' has 4 characters; 3 at most are allowed."),
        (text(9, at_least=3), "ab", "'ab' has 2 characters; at least 3 are needed."),
        (text(9), "a\x00b", r"'a\x00b' has line breaks or control characters; write it on one line without them."),
        (KWH, "0", "'0' is out of bounds; give a number in kWh, more than 0 and at most 2000."),
        (KWH, "many", "'many' is not a number in kWh, more than 0 and at most 2000, without unit or thousands separators."),
        (KWH, "300 kWh", "'300 kWh' is not a number in kWh, more than 0 and at most 2000, without unit or thousands separators."),
        (KWH, "1,200", "'1,200' may mean 1200 or 1.200; write the one you mean so."),
        (KWH, "1.200,5", "'1.200,5' is not a number in kWh, more than 0 and at most 2000, without unit or thousands separators."),
        (KWH, True, "'True' is not a number in kWh, more than 0 and at most 2000, without unit or thousands separators."),
        (number(), "nan", "'nan' is not a number, without unit or thousands separators."),
        (number(), float("inf"), "'inf' is not a number, without unit or thousands separators."),
        (whole(at_least=0, at_most=7), "1.5", "'1.5' is not a whole number from 0 to 7."),
        (choice(Kind), "boat", "'boat' is none of BUS, LIGHT_TRUCK."),
        (boolean, "maybe", "'maybe' is neither yes nor no; write yes, true or 1, or no, false or 0."),
        (day, "11/30/2026", "'11/30/2026' is not a date; write it as 2026-11-30 or 30.11.2026."),
        (day, "31.11.2026", "'31.11.2026' is not in the calendar; give a date such as 2026-11-30."),
        (local_time, "24:00", "'24:00' is on no clock; give a time from 00:00 to 23:59."),
        (local_time, "half past six", "'half past six' is not a time of day; write it as 06:30."),
        (
            moment,
            "2026-11-02T08:00:00",
            "'2026-11-02T08:00:00' is no moment; write date, time and offset as text, such as 2026-11-02T08:00:00+01:00.",
        ),
        (weekdays, "Mon T", "'T' is not a day of the week; write days such as Mon Wed Fri, Mon-Fri, 1-5, or daily."),
        (weekdays, "8", "'8' is not a day of the week; write days such as Mon Wed Fri, Mon-Fri, 1-5, or daily."),
        (zone, "Berlin", "'Berlin' is not a time zone; give a name of the IANA database, such as Europe/Berlin."),
        (zone, "../etc/passwd", "'../etc/passwd' is not a time zone; give a name of the IANA database, such as Europe/Berlin."),
        (zone, "Europe", "'Europe' is not a time zone; give a name of the IANA database, such as Europe/Berlin."),
        (text(3), "x" * 100, f"'{'x' * 60}…' has 100 characters; 3 at most are allowed."),
    ],
)
def test_what_cannot_be_read_is_told_with_what_would_be_right(parse: Any, cell: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        parse(cell)
    assert str(refused.value) == message
