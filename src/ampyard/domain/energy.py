"""Energy by interval: when within a transaction the energy flowed, from the charge point's own registers.

Between two registers the energy is taken to have flowed evenly. Where they lie far apart that is an assumption, and the
intervals between them are marked as a gap.

The sum is exact, in whatever order it is taken. What has flowed until the end of an interval is rounded down to a multiple
of 2^-10 Wh (about 1 mWh), an interval is the difference of two such figures, and the last takes what remains. All of them
are multiples of the unit in the last place of the transaction's energy and none exceeds it, so neither a difference nor a
partial sum is rounded by floating-point arithmetic (while the energy is below 2^43 Wh).
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise

QUARTER_HOUR = timedelta(minutes=15)
HOUR = timedelta(hours=1)

# Meters are read every quarter-hour at least, as a rule (OCPP 1.6, 9.1.11; 2.0.1 part 2, AlignedDataInterval), give or take some.
LONGEST_STEP = timedelta(minutes=20)
# A clock that was wrong puts decades between two registers: no more than this before the later one is divided into intervals.
LONGEST_SILENCE = timedelta(days=31)

_GRID = 1024  # steps a Wh: a power of two, so that the rounding itself is exact
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EnergyBucket(StrEnum):
    """How long an interval is."""

    QUARTER_HOUR = "QUARTER_HOUR"
    HOUR = "HOUR"


@dataclass(frozen=True, slots=True)
class RegisterPoint:
    """What had flowed since the begin of the transaction at a time, in Wh."""

    at: datetime
    energy_wh: float


@dataclass(frozen=True, slots=True)
class EnergyInterval:
    """The energy of one interval, from `starts_at` until before `ends_at`, in Wh.

    `peak_kw` is the highest power measured in it; where none was, the mean. `gap` says that some of the energy lies between
    two registers more than `LONGEST_STEP` apart.
    """

    starts_at: datetime
    ends_at: datetime
    energy_wh: float
    peak_kw: float
    gap: bool


def floor_to(moment: datetime, bucket: timedelta) -> datetime:
    """Return the begin of the interval a moment is in; intervals are counted from midnight UTC, 1 January 1970."""
    return moment - (moment - _EPOCH) % bucket


def quarter_hours(points: Iterable[RegisterPoint], end: RegisterPoint, *, carried: RegisterPoint) -> list[EnergyInterval]:
    """Return the energy of each quarter-hour (UTC) from `carried` to `end`; their sum is `end` less `carried`. Peaks are means.

    Args:
        points: in any order. One that is lower than an earlier one counts as the earlier: a register never makes energy
            shrink. Those outside the span count at its edge.
        end: the last moment there is something to say of, with the energy of the whole transaction until then.
        carried: where to begin: the start of the transaction with nothing, or what `provisional_from` says, with the sum of
            all intervals before it. The later intervals are the same either way, to the last bit where registers only rise; where one
            went back just before, to some thousandths of a Wh.
    """
    if end.at <= carried.at:
        # It all happened at one moment, by the charge point's clock.
        at_once = [_interval(carried.at, carried.at + QUARTER_HOUR, end.energy_wh - carried.energy_wh, gap=False)]
        return at_once if end.energy_wh > carried.energy_wh else []
    line = _rising(points, end, carried)
    edges = _edges(line)
    flowed = [carried.energy_wh, *_along(line, edges[1:-1]), end.energy_wh]
    steps = [(a.at, b.at) for a, b in pairwise(line) if b.at - a.at > LONGEST_STEP and b.energy_wh > a.energy_wh]
    return [
        _interval(begin, until, after - before, gap=_touches(steps, begin, until))
        for (begin, until), (before, after) in zip(pairwise(edges), pairwise(flowed), strict=True)
        if until - begin <= QUARTER_HOUR
    ]


def provisional_from(register_at: datetime, started_at: datetime) -> datetime:
    """Return from when on intervals change once a register is known that is later than the last, which was taken at `register_at`.

    It is the begin of the quarter-hour that the last one is in, or at the end of; never before the start.
    """
    return max(floor_to(register_at - timedelta(microseconds=1), QUARTER_HOUR), started_at)


def hours(intervals: Iterable[EnergyInterval]) -> list[EnergyInterval]:
    """Return quarter-hours in order of time as hours: energy added up, the highest peak, a gap where one of them is."""
    together = []
    for starts_at, group in groupby(intervals, key=lambda interval: floor_to(interval.starts_at, HOUR)):
        parts = list(group)
        together.append(
            EnergyInterval(
                starts_at=starts_at,
                ends_at=starts_at + HOUR,
                energy_wh=sum(part.energy_wh for part in parts),
                peak_kw=max(part.peak_kw for part in parts),
                gap=any(part.gap for part in parts),
            )
        )
    return together


def scaled(intervals: Sequence[EnergyInterval], energy_wh: float) -> list[EnergyInterval]:
    """Return the intervals with another energy in all, spread as theirs is; evenly where they have none. The sum is exact.

    Peaks are as they were measured. Without intervals there is nothing to spread it over: the answer is empty.
    """
    measured_wh = math.fsum(interval.energy_wh for interval in intervals)
    parts = []
    flowed_wh, shown_wh = 0.0, 0.0
    for number, interval in enumerate(intervals, start=1):
        flowed_wh += interval.energy_wh
        share = flowed_wh / measured_wh if measured_wh > 0 else number / len(intervals)
        until_wh = energy_wh if number == len(intervals) else min(_down(energy_wh * share), energy_wh)
        parts.append(replace(interval, energy_wh=until_wh - shown_wh))
        shown_wh = until_wh
    return parts


def _rising(points: Iterable[RegisterPoint], end: RegisterPoint, carried: RegisterPoint) -> list[RegisterPoint]:
    line = [carried]
    for point in [*sorted(points, key=lambda point: (point.at, point.energy_wh)), end]:
        before = line[-1]
        at = min(max(point.at, carried.at), end.at)
        if at - before.at > LONGEST_SILENCE:
            line.append(RegisterPoint(max(floor_to(at - LONGEST_SILENCE, QUARTER_HOUR), before.at), before.energy_wh))
        line.append(RegisterPoint(at, min(max(point.energy_wh, before.energy_wh), end.energy_wh)))
    return line


def _edges(line: Sequence[RegisterPoint]) -> list[datetime]:
    """Return where intervals meet, from the first point to the last. Only a long stretch without energy makes one that is longer."""
    silent = [(a.at, b.at) for a, b in pairwise(line) if b.at - a.at > LONGEST_SILENCE and b.energy_wh == a.energy_wh]
    edges = [line[0].at]
    while edges[-1] < line[-1].at:
        until = floor_to(edges[-1], QUARTER_HOUR) + QUARTER_HOUR
        edges.append(min(until, line[-1].at))
        edges += [b for a, b in silent if a <= until < b]
    return edges


def _touches(steps: Sequence[tuple[datetime, datetime]], begin: datetime, until: datetime) -> bool:
    """Tell whether one of the steps, which are in order and do not overlap, lies partly within the span."""
    number = bisect_left(steps, until, key=lambda step: step[0]) - 1
    return number >= 0 and steps[number][1] > begin


def _along(line: Sequence[RegisterPoint], moments: Sequence[datetime]) -> list[float]:
    """Return what had flowed at each of the moments, which lie within the line and in order, on the grid."""
    flowed: list[float] = []
    segments = pairwise(line)
    before, after = next(segments)
    for moment in moments:
        while after.at < moment:
            before, after = next(segments)
        if before.energy_wh == after.energy_wh:
            here = before.energy_wh
        else:
            part = (moment - before.at) / (after.at - before.at)
            here = min(before.energy_wh + part * (after.energy_wh - before.energy_wh), after.energy_wh)
        flowed.append(max(_down(here), flowed[-1] if flowed else line[0].energy_wh))
    return flowed


def _down(energy_wh: float) -> float:
    return math.floor(energy_wh * _GRID) / _GRID


def _interval(begin: datetime, until: datetime, energy_wh: float, *, gap: bool) -> EnergyInterval:
    starts_at = floor_to(begin, QUARTER_HOUR)
    return EnergyInterval(starts_at, starts_at + QUARTER_HOUR, energy_wh, energy_wh / 1000 / ((until - begin) / HOUR), gap)
