"""Charts: values over time, in buckets of the local time of a zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import time_zones

MAX_POINTS = 1_000
"""How many points a chart has at most: a year by day, six weeks by hour, ten days by quarter-hour."""

_DEFAULT_SPAN = timedelta(days=1)
# Before it, and long after now, there is no data; bounds keep the arithmetic within the calendar.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class ChartBucket(StrEnum):
    """How long the buckets of a chart are. From an hour on they begin when clocks show a full hour, midnight, Monday or the first."""

    FIVE_MINUTES = "FIVE_MINUTES"
    QUARTER_HOUR = "QUARTER_HOUR"
    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"

    @property
    def is_of_days(self) -> bool:
        """Whether a bucket consists of whole local days."""
        return self in {ChartBucket.DAY, ChartBucket.WEEK, ChartBucket.MONTH}

    @property
    def rank(self) -> int:
        """Its place among the buckets, from the finest on."""
        return list(ChartBucket).index(self)


# How long a bucket is, as a rule; the shortest ones of a kind where clocks or months make them differ.
LENGTH: Mapping[ChartBucket, timedelta] = MappingProxyType(
    {
        ChartBucket.FIVE_MINUTES: timedelta(minutes=5),
        ChartBucket.QUARTER_HOUR: timedelta(minutes=15),
        ChartBucket.HOUR: timedelta(hours=1),
        ChartBucket.DAY: timedelta(days=1),
        ChartBucket.WEEK: timedelta(days=7),
        ChartBucket.MONTH: timedelta(days=28),
    }
)
# What a span is divided into unless told: the finest bucket for a span up to so long.
_USUAL = (
    (timedelta(days=2), ChartBucket.QUARTER_HOUR),
    (timedelta(days=14), ChartBucket.HOUR),
    (timedelta(days=400), ChartBucket.DAY),
)


@dataclass(frozen=True, slots=True)
class ChartSpan:
    """What a chart shows: the buckets from the one that `from_at` is in to the one before `to_at` ends in.

    `time_zone` is an IANA name; None: that of the depot.
    """

    from_at: datetime
    to_at: datetime
    bucket: ChartBucket
    time_zone: str | None


def chart_span(
    from_at: datetime | None,
    to_at: datetime | None,
    bucket: ChartBucket | None,
    time_zone: str | None,
    *,
    now: datetime,
    finest: ChartBucket = ChartBucket.FIVE_MINUTES,
) -> ChartSpan:
    """Return what a chart shall show; unless told the day until `now`, in a bucket that suits the span.

    Raises:
        InvalidInputError: the span is empty, upside down or outside the calendar, the zone is unknown, there is no data as fine as
            the bucket, or there would be too many points; the message says which bucket would fit.
    """
    to_at = to_at if to_at is not None else (now if from_at is None else max(now, from_at + _DEFAULT_SPAN))
    from_at = from_at if from_at is not None else to_at - _DEFAULT_SPAN
    if from_at >= to_at:
        raise InvalidInputError(f"from: {from_at.isoformat()} is not before to: {to_at.isoformat()}; give a from before to.")
    for name, moment in (("to", to_at), ("from", from_at)):
        if not _EARLIEST <= moment <= _LATEST:
            raise InvalidInputError(f"{name}: {moment.isoformat()} is out of range; give a time from {_EARLIEST.year} to {_LATEST.year}.")
    if time_zone is not None:
        check_time_zone(time_zone)
    length = to_at - from_at
    bucket = bucket or max(_usual(length), finest, key=lambda it: it.rank)
    if bucket.rank < finest.rank:
        raise InvalidInputError(f"bucket: this chart has no values finer than {finest.value}; give {finest.value} or a longer one.")
    if (points := _points(length, bucket)) > MAX_POINTS:
        fitting = next((it for it in ChartBucket if it.rank > bucket.rank and _points(length, it) <= MAX_POINTS), None)
        advice = f"give {fitting.value}, or a shorter span" if fitting is not None else "give a shorter span"
        span = f"{from_at.isoformat()} to {to_at.isoformat()}"
        raise InvalidInputError(f"bucket: {span} has about {points:,} buckets of {bucket.value}, and {MAX_POINTS:,} at most; {advice}.")
    return ChartSpan(from_at, to_at, bucket, time_zone)


def check_time_zone(name: str) -> None:
    """Raise `InvalidInputError` unless this is the name of a time zone."""
    if name not in time_zones():
        raise InvalidInputError(f"timeZone: {name[:80]!r} is not a time zone; give an IANA name, such as Europe/Berlin or UTC.")


def _usual(length: timedelta) -> ChartBucket:
    return next((bucket for longest, bucket in _USUAL if length <= longest), ChartBucket.MONTH)


def _points(length: timedelta, bucket: ChartBucket) -> int:
    # One more than fit: neither end need lie where a bucket begins.
    return -(-length // LENGTH[bucket])


P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Chart(Generic[P]):
    """A chart as it is shown: its buckets, in the local time of which zone, and a point for each of them, in order."""

    bucket: ChartBucket
    time_zone: str
    points: tuple[P, ...]


@dataclass(frozen=True, slots=True)
class PowerPoint:
    """Power over a bucket, in kW; None where nothing was measured."""

    starts_at: datetime
    ends_at: datetime
    mean_kw: float | None
    peak_kw: float | None


@dataclass(frozen=True, slots=True)
class NodePowerPoint:
    """The load of a power node over a bucket, in kW; None where it was not looked at."""

    starts_at: datetime
    ends_at: datetime
    mean_kw: float | None
    peak_kw: float | None
    unmanaged_kw: float | None
    allocated_kw: float | None
    limit_kw: float | None


@dataclass(frozen=True, slots=True)
class EnergyPoint:
    """Energy charged in a bucket, in Wh; None where none was measured."""

    starts_at: datetime
    ends_at: datetime
    energy_wh: float | None


@dataclass(frozen=True, slots=True)
class UtilisationPoint:
    """How much some EVSEs were used in a bucket, against what was possible in the part of it that is over.

    Both are None where there was nothing to use: before the EVSEs were there, and in the future.
    """

    starts_at: datetime
    ends_at: datetime
    energy_wh: float | None
    plugged_s: float | None
    possible_wh: float
    possible_s: float

    @property
    def utilisation(self) -> float | None:
        """The energy delivered as a share of what the EVSEs could have delivered at their highest power."""
        return None if self.energy_wh is None or self.possible_wh == 0 else self.energy_wh / self.possible_wh

    @property
    def occupancy(self) -> float | None:
        """The time that vehicles were plugged in as a share of the time that the EVSEs were there."""
        return None if self.plugged_s is None or self.possible_s == 0 else self.plugged_s / self.possible_s


@dataclass(frozen=True, slots=True)
class Evses:
    """What there is to be used: how many EVSEs, what they deliver together at most in kW, and since when."""

    number: int
    max_power_kw: float
    since: datetime


def utilisation(
    starts_at: datetime, ends_at: datetime, energy_wh: float | None, plugged_s: float | None, evses: Evses | None, *, now: datetime
) -> UtilisationPoint:
    """Return how much the EVSEs were used in a bucket; where nothing was reported, not at all."""
    there_s = 0.0 if evses is None else max((min(ends_at, now) - max(starts_at, evses.since)).total_seconds(), 0.0)
    if evses is None or there_s == 0:
        return UtilisationPoint(starts_at, ends_at, None, None, 0.0, 0.0)
    possible_wh = evses.max_power_kw * 1000 * there_s / 3600
    return UtilisationPoint(starts_at, ends_at, energy_wh or 0.0, plugged_s or 0.0, possible_wh, evses.number * there_s)


def mean_kw(starts_at: datetime, ends_at: datetime, energy_wh: float | None, *, now: datetime) -> float | None:
    """Return the mean power of a bucket, or of the part of it that is over, in kW; None where no energy was measured."""
    over_s = (min(ends_at, now) - starts_at).total_seconds()
    return None if energy_wh is None or over_s <= 0 else energy_wh / 1000 / (over_s / 3600)


@dataclass(frozen=True, slots=True)
class ReadinessPoint:
    """How many of the departures in a bucket there were, and for how many the vehicle was ready."""

    starts_at: datetime
    ends_at: datetime
    departures: int
    ready: int

    @property
    def share(self) -> float | None:
        """The share of departures with a vehicle that was ready; None where there were none."""
        return self.ready / self.departures if self.departures else None
