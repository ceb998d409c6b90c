"""Energy by interval: nothing is lost, nothing appears, whatever the registers and wherever they are cut."""

import math
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.energy import (
    HOUR,
    LONGEST_SILENCE,
    QUARTER_HOUR,
    EnergyInterval,
    RegisterPoint,
    floor_to,
    hours,
    provisional_from,
    quarter_hours,
    scaled,
)

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def nothing_at(moment: datetime) -> RegisterPoint:
    return RegisterPoint(moment, 0.0)


def told(intervals: list[EnergyInterval]) -> list[tuple[float, float, float, bool]]:
    return [((i.starts_at - T0) / timedelta(minutes=1), i.energy_wh, i.peak_kw, i.gap) for i in intervals]


def test_energy_flows_evenly_between_two_registers() -> None:
    points = [RegisterPoint(at(10), 1000.0), RegisterPoint(at(20), 3000.0)]
    found = quarter_hours(points, RegisterPoint(at(40), 3000.0), carried=nothing_at(at(5)))

    # 8:05 to 8:10 are 1,000 Wh; of the 2,000 Wh from 8:10 to 8:20 one half flows before 8:15; then nothing
    assert told(found) == [(0, 2000.0, 12.0, False), (15, 1000.0, 4.0, False), (30, 0.0, 0.0, False)]


def test_registers_far_apart_leave_a_gap_where_energy_flowed() -> None:
    points = [RegisterPoint(at(5), 100.0), RegisterPoint(at(65), 700.0), RegisterPoint(at(130), 700.0)]
    found = quarter_hours(points, RegisterPoint(at(130), 700.0), carried=nothing_at(at(0)))

    assert [interval.gap for interval in found] == [True] * 5 + [False] * 4
    assert sum(interval.energy_wh for interval in found) == 700.0


def test_a_register_that_goes_back_takes_nothing_away() -> None:
    points = [RegisterPoint(at(5), 500.0), RegisterPoint(at(10), 200.0), RegisterPoint(at(20), 600.0)]
    found = quarter_hours(points, RegisterPoint(at(20), 600.0), carried=nothing_at(at(0)))

    assert told(found) == [(0, 550.0, 2.2, False), (15, 50.0, pytest.approx(0.6), False)]


def test_what_happened_at_one_moment_is_in_its_quarter_hour() -> None:
    assert told(quarter_hours([], RegisterPoint(at(7), 250.0), carried=nothing_at(at(7)))) == [(0, 250.0, 1.0, False)]
    assert quarter_hours([], nothing_at(at(7)), carried=nothing_at(at(7))) == []


def test_a_clock_that_was_wrong_by_decades_makes_no_million_intervals() -> None:
    wrong = datetime(1970, 1, 1, 0, 7, tzinfo=UTC)
    found = quarter_hours([RegisterPoint(at(1), 1000.0)], RegisterPoint(at(3), 1200.0), carried=nothing_at(wrong))

    assert found[0].starts_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert found[1].starts_at == floor_to(at(1) - LONGEST_SILENCE, QUARTER_HOUR)
    assert len(found) == 2 + LONGEST_SILENCE / QUARTER_HOUR
    assert sum(interval.energy_wh for interval in found) == 1200.0


def test_hours_add_up_quarters() -> None:
    quarters = [
        EnergyInterval(at(45), at(60), 100.0, 5.0, gap=False),
        EnergyInterval(at(60), at(75), 200.0, 7.0, gap=True),
        EnergyInterval(at(105), at(120), 300.0, 6.0, gap=False),
    ]
    assert told(hours(quarters)) == [(0, 100.0, 5.0, False), (60, 500.0, 7.0, True)]
    assert [interval.ends_at - interval.starts_at for interval in hours(quarters)] == [HOUR, HOUR]


def test_another_energy_is_spread_as_the_measured_one_was() -> None:
    quarters = [EnergyInterval(at(0), at(15), 100.0, 5.0, gap=False), EnergyInterval(at(15), at(30), 300.0, 7.0, gap=True)]
    assert told(scaled(quarters, 1000.0)) == [(0, 250.0, 5.0, False), (15, 750.0, 7.0, True)]
    assert [interval.energy_wh for interval in scaled(scaled(quarters, 0.0), 500.0)] == [250.0, 250.0]
    assert scaled([], 500.0) == []


energies = st.floats(0, 2e6, allow_nan=False, allow_subnormal=False)
moments = st.integers(-60_000, 3_000_000).map(lambda tenths: T0 + timedelta(seconds=tenths / 10))


@st.composite
def charged(draw: st.DrawFn) -> tuple[list[RegisterPoint], RegisterPoint, RegisterPoint]:
    """Registers in any order, some beyond the edges and some going back; the end with the highest of them; the start."""
    points = [RegisterPoint(moment, wh) for moment, wh in draw(st.lists(st.tuples(moments, energies), max_size=12))]
    started_at, ended_at = sorted([draw(moments), draw(moments)])
    end = RegisterPoint(ended_at, max([point.energy_wh for point in points] + [draw(energies)]))
    return points, end, nothing_at(started_at)


@given(charged(), st.randoms(use_true_random=False))
def test_the_sum_of_the_intervals_is_the_energy_to_the_last_bit_in_whatever_order(
    case: tuple[list[RegisterPoint], RegisterPoint, RegisterPoint], order: random.Random
) -> None:
    points, end, start = case
    found = quarter_hours(points, end, carried=start)

    parts = [interval.energy_wh for interval in found]
    order.shuffle(parts)
    assert sum(parts) == end.energy_wh
    assert sum(interval.energy_wh for interval in hours(found)) == end.energy_wh
    assert all(interval.energy_wh >= 0 for interval in found)
    assert all(a.ends_at <= b.starts_at for a, b in pairwise(found))
    assert all(interval.starts_at == floor_to(interval.starts_at, QUARTER_HOUR) for interval in found)
    assert quarter_hours(reversed(points), end, carried=start) == found


@given(charged(), st.integers(1, 11))
def test_going_on_from_the_last_register_gives_what_all_of_them_give(
    case: tuple[list[RegisterPoint], RegisterPoint, RegisterPoint], cut: int
) -> None:
    # given registers that come in order, the first few of them written before the rest
    points, end, start = case
    ordered = sorted((p for p in points if start.at <= p.at <= end.at), key=lambda p: (p.at, p.energy_wh))
    early = ordered[:cut]
    if not early:
        return
    until = RegisterPoint(early[-1].at, max(point.energy_wh for point in early))
    stored = {i.starts_at: i for i in quarter_hours(early, until, carried=start)}

    # when the rest is written on from there
    since = provisional_from(until.at, start.at)
    carried = RegisterPoint(since, math.fsum(i.energy_wh for i in stored.values() if i.starts_at < since) if since > start.at else 0.0)
    later = quarter_hours([p for p in ordered if p.at >= since], end, carried=carried)
    stored |= {i.starts_at: i for i in later}

    # then it is as if all had come at once: to the last bit, where registers only rise
    whole = quarter_hours(ordered, end, carried=start)
    written = sorted(stored.values(), key=lambda i: i.starts_at)
    assert [i.starts_at for i in written] == [i.starts_at for i in whole]
    assert sum(i.energy_wh for i in written) == sum(i.energy_wh for i in whole) == (end.energy_wh if whole else 0.0)
    rising = all(a.energy_wh <= b.energy_wh for a, b in pairwise(ordered))
    slack = 0.0 if rising else 4 / 1024
    assert all(abs(a.energy_wh - b.energy_wh) <= slack for a, b in zip(written, whole, strict=True))


@given(charged(), energies)
def test_spreading_another_energy_loses_nothing(case: tuple[list[RegisterPoint], RegisterPoint, RegisterPoint], energy_wh: float) -> None:
    points, end, start = case
    found = scaled(quarter_hours(points, end, carried=start), energy_wh)
    assert sum(interval.energy_wh for interval in found) == (energy_wh if found else 0.0)
    assert all(interval.energy_wh >= 0 for interval in found)
