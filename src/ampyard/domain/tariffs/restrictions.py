"""When a tariff element holds, and at which moments that may change (OCPI, mod_tariffs, TariffRestrictions)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from ampyard.domain.local_time import Weekday
from ampyard.domain.tariffs.model import TariffRestrictions

_MIDNIGHT = time(0)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """The least and the highest of a power or a current; `None`: not known."""

    least: Fraction | None
    highest: Fraction | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What restrictions ask for: the clock of the location, what the session took and how long it lasted, and what flows."""

    local: datetime
    energy_kwh: Fraction = Fraction(0)
    lasted_s: Fraction = Fraction(0)
    power_kw: Span = Span(None, None)
    current_a: Span = Span(None, None)


def holds(restrictions: TariffRestrictions, now: Circumstances) -> bool:
    """Tell whether all restrictions but that of reservations are met. What is not known meets any."""
    return (
        _on_the_clock(restrictions, now.local)
        and (restrictions.min_kwh is None or now.energy_kwh >= restrictions.min_kwh)
        and (restrictions.max_kwh is None or now.energy_kwh < restrictions.max_kwh)
        and (restrictions.min_duration is None or now.lasted_s >= restrictions.min_duration)
        and (restrictions.max_duration is None or now.lasted_s < restrictions.max_duration)
        and (restrictions.min_power is None or now.power_kw.least is None or now.power_kw.least >= restrictions.min_power)
        and (restrictions.max_power is None or now.power_kw.highest is None or now.power_kw.highest < restrictions.max_power)
        and (restrictions.min_current is None or now.current_a.least is None or now.current_a.least >= restrictions.min_current)
        and (restrictions.max_current is None or now.current_a.highest is None or now.current_a.highest < restrictions.max_current)
    )


def asks_unknown(restrictions: TariffRestrictions, now: Circumstances) -> str | None:
    """Return the restriction that asks for what is not known, if one does."""
    for name, asked, known in (
        ("min_power", restrictions.min_power, now.power_kw.least),
        ("max_power", restrictions.max_power, now.power_kw.highest),
        ("min_current", restrictions.min_current, now.current_a.least),
        ("max_current", restrictions.max_current, now.current_a.highest),
    ):
        if asked is not None and known is None:
            return name
    return None


def _on_the_clock(restrictions: TariffRestrictions, local: datetime) -> bool:
    if restrictions.start_date is not None and local.date() < restrictions.start_date:
        return False
    if restrictions.end_date is not None and local.date() >= restrictions.end_date:
        return False
    if restrictions.day_of_week and Weekday.of(local) not in restrictions.day_of_week:
        return False
    begin, end, clock = restrictions.start_time or _MIDNIGHT, restrictions.end_time or _MIDNIGHT, local.time()
    # A window that ends at or before its begin wraps around midnight; one from 00:00 to 00:00 is the whole day.
    return begin <= clock < end if begin < end else clock >= begin or clock < end


def times_of_day(all_restrictions: Iterable[TariffRestrictions]) -> frozenset[time]:
    """Return the times of day at which one of these may begin or cease to hold."""
    found: set[time] = set()
    for one in all_restrictions:
        if one.start_time is not None or one.end_time is not None:
            found |= {one.start_time or _MIDNIGHT, one.end_time or _MIDNIGHT}
        if one.day_of_week or one.start_date is not None or one.end_date is not None:
            found.add(_MIDNIGHT)
    return frozenset(found)


def moments_of(times: Iterable[time], begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the moments in UTC, in no order, at which clocks of a zone show one of these times between two moments.

    A time that comes twice gives both moments. When clocks are changed comes too: a time that they jump over is passed then.
    """
    times = tuple(times)
    if not times:
        return
    day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        for at in times:
            local = datetime.combine(day, at, zone)
            yield local.astimezone(UTC)
            yield local.replace(fold=1).astimezone(UTC)
        day += _DAY
    yield from _changes(begin.astimezone(UTC), end.astimezone(UTC), zone)


def _changes(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield when clocks are changed between two moments: they are not changed twice within a day."""
    while begin < end:
        until = min(begin + _DAY, end)
        if begin.astimezone(zone).utcoffset() != until.astimezone(zone).utcoffset():
            before, after = begin, until
            while after - before > _SECOND:
                middle = before + (after - before) // 2
                same = middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset()
                before, after = (middle, after) if same else (before, middle)
            yield after.replace(microsecond=0)
        begin = until
