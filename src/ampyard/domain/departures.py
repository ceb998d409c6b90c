"""When a vehicle usually leaves, learnt from when it left before.

A stay that ended is a departure unless the vehicle was plugged in again within a quarter of an hour. For each coming day the departures
on the same weekday of the last eight weeks are looked at: of each such day the first one that would still be to come. Where there were
fewer than three, those of all working days, or of all weekend days, are, and there must have been five. If the vehicle left on half of the
days at least, it is expected to leave by the time before which it left in one of four cases (the lower quartile, by nearest rank):
rather too early than too late, for what is charged earlier does no harm. The first such day within the horizon tells the departure.

Its confidence is the share of days on which it left (with one more day of each kind counted, so that few days are believed less), times
the share of departures within an hour of the expected time.
"""

import math
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from ampyard.domain.local_time import Weekday, moment_of

LOOKED_BACK = timedelta(weeks=8)
_PLUGGED_AGAIN = timedelta(minutes=15)
_QUANTILE = 0.25
_SAME_WEEKDAY, _SAME_KIND = 3, 5
_LEAST_SHARE = 0.5
_NEAR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PastStay:
    """A transaction of a vehicle that has ended, and what it took at the plug, in kWh."""

    vehicle_id: uuid.UUID
    began_at: datetime
    ended_at: datetime
    energy_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class LearntDeparture:
    """When a vehicle is expected to leave, how far that can be believed (0 to 1), and from how many departures it was learnt."""

    at: datetime
    confidence: float
    samples: int


def learnt_departure(stays: Iterable[PastStay], *, now: datetime, until: datetime, time_zone: str) -> LearntDeparture | None:
    """Return when a vehicle that is plugged in now is expected to leave; None where that cannot be told, or is not before `until`.

    Args:
        stays: of the vehicle, in any order; those that ended more than eight weeks ago do not count.
        now: the moment it is asked at.
        until: the horizon.
        time_zone: of the depot, whose clock the vehicle goes by.
    """
    zone = ZoneInfo(time_zone)
    left = [moment.astimezone(zone) for moment in _departures(stays, now)]
    if not left:
        return None
    today = now.astimezone(zone).date()
    first = min(moment.date() for moment in left)
    for day in _days(today, until.astimezone(zone).date()):
        earliest = now.astimezone(zone).time() if day == today else None
        for known, least in (
            (_on(left, [past for past in _days(first, today - _DAY) if past.weekday() == day.weekday()]), _SAME_WEEKDAY),
            (_on(left, [past for past in _days(first, today - _DAY) if _is_weekend(past) == _is_weekend(day)]), _SAME_KIND),
        ):
            firsts = [next((at for at in of_day if earliest is None or at.time() > earliest), None) for of_day in known]
            found = sorted(at.time() for at in firsts if at is not None)
            if len(found) < least:
                continue
            share = len(found) / len(firsts)
            if share >= _LEAST_SHARE:
                usual = found[math.ceil(_QUANTILE * len(found)) - 1]
                at = moment_of(day, usual, time_zone)
                return _learnt(at, day, found, len(firsts), time_zone) if now < at < until else None
            break
    return None


def _learnt(at: datetime, day: date, found: Sequence[time], days: int, time_zone: str) -> LearntDeparture:
    near = sum(abs(moment_of(day, left, time_zone) - at) <= _NEAR for left in found)
    return LearntDeparture(at, (len(found) + 1) / (days + 2) * near / len(found), len(found))


def _departures(stays: Iterable[PastStay], now: datetime) -> list[datetime]:
    known = sorted((stay for stay in stays if now - LOOKED_BACK < stay.ended_at <= now), key=lambda stay: stay.began_at)
    ends = [one.ended_at for one, following in pairwise(known) if following.began_at - one.ended_at > _PLUGGED_AGAIN]
    return [*ends, known[-1].ended_at] if known else []


def _on(left: Sequence[datetime], days: Sequence[date]) -> list[list[datetime]]:
    by_day: dict[date, list[datetime]] = {day: [] for day in days}
    for moment in sorted(left):
        if moment.date() in by_day:
            by_day[moment.date()].append(moment)
    return list(by_day.values())


def _days(first: date, last: date) -> list[date]:
    return [first + n * _DAY for n in range((last - first).days + 1)]


def _is_weekend(day: date) -> bool:
    return Weekday.of(day) >= Weekday.SATURDAY
