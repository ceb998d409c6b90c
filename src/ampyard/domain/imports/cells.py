"""What a cell may hold: one parser a type. Each takes what the file has and returns the value, or says what would be right.

A cell of a CSV file is text; one of a workbook may be a number, a truth value, a date or a time as well.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ampyard.domain.local_time import Weekday

Cell: TypeAlias = str | int | float | bool | datetime | date | time | None
T = TypeVar("T")
E = TypeVar("E", bound=Enum)
# Takes a cell that is not empty; raises `ValueError` with the message for whoever wrote the file.
Parser: TypeAlias = Callable[[Cell], T]

_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})\.(\d{1,2})\.(\d{4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_MAYBE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_DAILY = frozenset({"daily", "all"})
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


def shown(cell: Cell) -> str:
    """Return a cell as a message quotes it."""
    found = _as_text(cell)
    return repr(found if len(found) <= _QUOTED else f"{found[:_QUOTED]}…")


_QUOTED = 60


def _as_text(cell: Cell) -> str:
    # Workbooks make a number of what looks like one, such as the number on an RFID card.
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def text(at_most: int, *, at_least: int = 1) -> Parser[str]:
    """Return a parser of text with so many characters, none of them a control character."""

    def parse(cell: Cell) -> str:
        found = _as_text(cell).strip()
        if not at_least <= len(found) <= at_most:
            wanted = f"{at_most} at most are allowed" if len(found) > at_most else f"at least {at_least} are needed"
            raise ValueError(f"{shown(cell)} has {len(found)} characters; {wanted}.")
        if not found.isprintable():
            raise ValueError(f"{shown(cell)} has line breaks or control characters; write it on one line without them.")
        return found

    return parse


def number(
    *, above: float | None = None, at_least: float | None = None, at_most: float | None = None, unit: str | None = None
) -> Parser[float]:
    """Return a parser of a number within bounds, in `unit`; with a decimal point or a decimal comma."""
    bounds = [
        *([f"more than {above:g}"] if above is not None else []),
        *([f"at least {at_least:g}"] if at_least is not None else []),
        *([f"at most {at_most:g}"] if at_most is not None else []),
    ]
    wanted = "a number" + (f" in {unit}" if unit else "") + (", " + " and ".join(bounds) if bounds else "")

    def parse(cell: Cell) -> float:
        found = _number(cell, wanted)
        in_bounds = (above is None or found > above) and (at_least is None or found >= at_least) and (at_most is None or found <= at_most)
        if not in_bounds:
            raise ValueError(f"{shown(cell)} is out of bounds; give {wanted}.")
        return found

    return parse


def whole(*, at_least: int, at_most: int) -> Parser[int]:
    """Return a parser of a whole number within bounds."""

    def parse(cell: Cell) -> int:
        wanted = f"a whole number from {at_least} to {at_most}"
        found = _number(cell, wanted)
        if not found.is_integer() or not at_least <= found <= at_most:
            raise ValueError(f"{shown(cell)} is not {wanted}.")
        return int(found)

    return parse


def _number(cell: Cell, wanted: str) -> float:
    if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
        return float(cell)
    found = cell.strip() if isinstance(cell, str) else ""
    if _MAYBE_THOUSANDS.fullmatch(found):
        raise ValueError(f"{found!r} may mean {found.replace(',', '')} or {found.replace(',', '.')}; write the one you mean so.")
    if not _NUMBER.fullmatch(found):
        raise ValueError(f"{shown(cell)} is not {wanted}, without unit or thousands separators.")
    return float(found.replace(",", "."))


def choice(enum: type[E]) -> Parser[E]:
    """Return a parser of one of an enum's names, in any case, with spaces or hyphens for underscores."""

    def parse(cell: Cell) -> E:
        name = re.sub(r"[\s-]+", "_", _as_text(cell).strip()).upper()
        found = enum.__members__.get(name)
        if found is None:
            raise ValueError(f"{shown(cell)} is none of {', '.join(enum.__members__)}.")
        return found

    return parse


def boolean(cell: Cell) -> bool:
    """Parse yes or no, true or false, 1 or 0."""
    found = _as_text(cell).strip().lower()
    if found in _YES or found in _NO:
        return found in _YES
    raise ValueError(f"{shown(cell)} is neither yes nor no; write yes, true or 1, or no, false or 0.")


def day(cell: Cell) -> date:
    """Parse a date: 2026-11-30, 30.11.2026, or a date cell."""
    if isinstance(cell, datetime):
        if cell.time() != time.min:
            raise ValueError(f"{shown(cell)} is a date with a time; give the date alone, such as 2026-11-30.")
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = _DAY.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is not None:
        parts = [int(part) for part in found.groups() if part is not None]
        year, month, number_of_day = parts if found[1] else parts[::-1]
        try:
            return date(year, month, number_of_day)
        except ValueError:
            raise ValueError(f"{shown(cell)} is not in the calendar; give a date such as 2026-11-30.") from None
    raise ValueError(f"{shown(cell)} is not a date; write it as 2026-11-30 or 30.11.2026.")


def local_time(cell: Cell) -> time:
    """Parse a time of day on the clock of a place, without a zone: 06:30, 6:30:00, or a time cell."""
    if isinstance(cell, time):
        return cell.replace(microsecond=0)
    found = _TIME.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is not None:
        hour, minute, second = (int(part or 0) for part in found.groups())
        try:
            return time(hour, minute, second)
        except ValueError:
            raise ValueError(f"{shown(cell)} is on no clock; give a time from 00:00 to 23:59.") from None
    raise ValueError(f"{shown(cell)} is not a time of day; write it as 06:30.")


def moment(cell: Cell) -> datetime:
    """Parse a moment, returned in UTC: date, time and offset, as RFC 3339 writes it. Date cells have no offset, and are refused."""
    try:
        found = datetime.fromisoformat(cell.strip()) if isinstance(cell, str) else None
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{shown(cell)} is no moment; write date, time and offset as text, such as 2026-11-02T08:00:00+01:00.")


def zone(cell: Cell) -> str:
    """Parse the name of a time zone."""
    found = _as_text(cell).strip()
    try:
        return ZoneInfo(found).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{shown(cell)} is not a time zone; give a name of the IANA database, such as Europe/Berlin.") from None


def weekdays(cell: Cell) -> frozenset[Weekday]:
    """Parse days of the week: names or their first letters, numbers from 1 for Monday, from one to another (Mon-Fri), or daily."""
    found: set[Weekday] = set()
    for part in re.split(r"[\s,;|]+", re.sub(r"\s*[-–]\s*", "-", _as_text(cell).strip())):  # noqa: RUF001 - spreadsheets make dashes of hyphens
        first, _, last = part.partition("-")
        if part.lower() in _DAILY:
            found |= set(Weekday)
        else:
            begin, end = _weekday(first), _weekday(last or first)
            found |= {Weekday((begin - 1 + n) % 7 + 1) for n in range((end - begin) % 7 + 1)}
    return frozenset(found)


def _weekday(name: str) -> Weekday:
    wanted = name.upper()
    for weekday in Weekday:
        if wanted == str(weekday.value) or (len(wanted) > 1 and weekday.name.startswith(wanted)):
            return weekday
    raise ValueError(f"{shown(name)} is not a day of the week; write days such as Mon Wed Fri, Mon-Fri, 1-5, or daily.")


def many(parse: Parser[Any]) -> Parser[tuple[Any, ...]]:
    """Return a parser of several values in one cell, between spaces, commas, semicolons or bars."""

    def parse_all(cell: Cell) -> tuple[Any, ...]:
        if not isinstance(cell, str):
            return (parse(cell),)
        return tuple(parse(part) for part in re.split(r"[\s,;|]+", cell.strip()) if part)

    return parse_all
