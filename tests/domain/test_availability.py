"""Availability and uptime: what an EVSE counts as, and that the parts of a period always add up to it."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.availability import NO_UPTIME, Availability, Observed, Span, Uptime, availability_of, merged, uptime
from ampyard.domain.charge_points import ConnectorStatus
from ampyard.domain.life_cycle import ChargePointState

T0 = datetime(2026, 11, 2, tzinfo=UTC)
EVSE = uuid.uuid4()
PERIOD = Span(T0, T0 + timedelta(hours=24))


def span(start_h: float, end_h: float) -> Span:
    return Span(T0 + timedelta(hours=start_h), T0 + timedelta(hours=end_h))


def up(start_h: float, end_h: float) -> Observed:
    return Observed(EVSE, up=True, span=span(start_h, end_h))


def down(start_h: float, end_h: float) -> Observed:
    return Observed(EVSE, up=False, span=span(start_h, end_h))


def hours(found: Uptime) -> tuple[float, float, float, float]:
    return found.up_s / 3600, found.down_s / 3600, found.planned_s / 3600, found.unobserved_s / 3600


@pytest.mark.parametrize(
    ("state", "connected", "overall", "status", "expected"),
    [
        (ChargePointState.PLANNED, True, "Available", "Available", None),
        (ChargePointState.COMMISSIONED, True, "Available", "Available", None),
        (ChargePointState.RETIRED, False, "Available", "Available", None),
        (ChargePointState.IN_SERVICE, True, "Unknown", "Available", Availability.USABLE),
        (ChargePointState.IN_SERVICE, True, "Available", "Charging", Availability.USABLE),
        (ChargePointState.IN_SERVICE, True, "Available", "Occupied", Availability.USABLE),
        (ChargePointState.IN_SERVICE, True, "Available", "Unknown", Availability.UNAVAILABLE),
        (ChargePointState.IN_SERVICE, True, "Available", "Unavailable", Availability.UNAVAILABLE),
        (ChargePointState.IN_SERVICE, True, "Unavailable", "Available", Availability.UNAVAILABLE),
        (ChargePointState.IN_SERVICE, True, "Faulted", "Unavailable", Availability.FAULTED),
        (ChargePointState.IN_SERVICE, True, "Available", "Faulted", Availability.FAULTED),
        (ChargePointState.IN_SERVICE, False, "Faulted", "Faulted", Availability.OFFLINE),
        (ChargePointState.OUT_OF_SERVICE, True, "Available", "Available", Availability.UNAVAILABLE),
        (ChargePointState.OUT_OF_SERVICE, False, "Available", "Available", Availability.OFFLINE),
    ],
)
def test_what_an_evse_counts_as(
    state: ChargePointState, *, connected: bool, overall: str, status: str, expected: Availability | None
) -> None:
    found = availability_of(state, connected=connected, overall=ConnectorStatus(overall), status=ConnectorStatus(status))
    assert found is expected


def test_a_day_with_an_outage_of_which_an_hour_was_planned() -> None:
    # in service from 2:00; down from 10:00 to 14:00, of which 12:00 to 13:00 was planned; the night to come is not known
    found = uptime([up(2, 10), down(10, 14), up(14, 20)], [span(12, 13)], period=PERIOD, evses=1)
    assert hours(found) == (14, 3, 1, 6)
    assert found.ratio == pytest.approx(15 / 18)


def test_a_planned_downtime_in_which_it_worked_all_the_same_is_uptime() -> None:
    assert hours(uptime([up(0, 24)], [span(3, 9)], period=PERIOD, evses=1)) == (24, 0, 0, 0)


def test_overlapping_downtimes_count_once() -> None:
    found = uptime([down(0, 24)], [span(1, 5), span(4, 8), span(2, 3), span(8, 9)], period=PERIOD, evses=1)
    assert hours(found) == (0, 16, 8, 0)


def test_what_is_outside_the_period_does_not_count() -> None:
    found = uptime([down(-50, 1), up(1, 99)], [span(-9, 0.5), span(30, 40)], period=PERIOD, evses=1)
    assert hours(found) == (23, 0.5, 0.5, 0)


def test_nothing_observed_has_no_ratio() -> None:
    found = uptime([], [span(1, 2)], period=PERIOD, evses=2)
    assert (hours(found), found.ratio) == ((0, 0, 0, 48), None)
    assert NO_UPTIME.ratio is None


def test_all_planned_is_no_lost_uptime() -> None:
    assert uptime([down(0, 24)], [span(-1, 25)], period=PERIOD, evses=1).ratio == 1.0


minutes = st.integers(min_value=-600, max_value=2100)


@st.composite
def observed(draw: st.DrawFn) -> list[Observed]:
    """Intervals of up to three EVSEs, those of one not overlapping, as the database keeps them; the last may still be open."""
    found: list[Observed] = []
    for evse_id in [uuid.UUID(int=n) for n in range(draw(st.integers(1, 3)))]:
        edges = sorted(draw(st.lists(minutes, unique=True, max_size=12)))
        for begin, end in pairwise(edges):
            if draw(st.booleans()):
                found.append(Observed(evse_id, draw(st.booleans()), Span(_at(begin), _at(end))))
    return found


windows = st.lists(st.tuples(minutes, st.integers(1, 900)).map(lambda one: Span(_at(one[0]), _at(one[0] + one[1]))), max_size=6)


def _at(minute: int) -> datetime:
    return T0 + timedelta(minutes=minute)


def _minute_by_minute(observations: list[Observed], planned: list[Span]) -> tuple[int, int, int]:
    """Count the same by looking at each minute of the period alone."""
    counts = [0, 0, 0]
    for one in observations:
        for minute in range(24 * 60):
            now = _at(minute)
            if one.span.start <= now < one.span.end:
                is_planned = any(window.start <= now < window.end for window in planned)
                counts[0 if one.up else 2 if is_planned else 1] += 1
    return counts[0], counts[1], counts[2]


@given(observed(), windows, st.randoms(use_true_random=False))
def test_the_parts_add_up_whatever_the_order(observations: list[Observed], planned: list[Span], dice: random.Random) -> None:
    found = uptime(observations, planned, period=PERIOD, evses=3)
    dice.shuffle(observations)
    dice.shuffle(planned)

    assert uptime(observations, planned, period=PERIOD, evses=3) == found
    assert found.up_s + found.down_s + found.planned_s + found.unobserved_s == 3 * 24 * 3600
    assert min(found.up_s, found.down_s, found.planned_s, found.unobserved_s) >= 0
    up_min, down_min, planned_min = _minute_by_minute(observations, planned)
    assert (found.up_s, found.down_s, found.planned_s) == (60 * up_min, 60 * down_min, 60 * planned_min)


@given(observed(), windows, st.integers(1, 24 * 60 - 1))
def test_a_period_is_the_sum_of_its_parts(observations: list[Observed], planned: list[Span], cut: int) -> None:
    first = uptime(observations, planned, period=Span(T0, _at(cut)), evses=3)
    second = uptime(observations, planned, period=Span(_at(cut), PERIOD.end), evses=3)
    assert first + second == uptime(observations, planned, period=PERIOD, evses=3)


@given(windows)
def test_merged_spans_neither_overlap_nor_touch(planned: list[Span]) -> None:
    found = merged(planned)
    assert all(one.end < other.start for one, other in pairwise(found))
    assert merged(found) == found
