from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ampyard.domain.state_of_charge import HALF_LIFE, SocSource, StateOfCharge, charged, confidence_at, which_counts

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def charger(percent: float = 40.0, at: datetime = NOON) -> StateOfCharge:
    return StateOfCharge(percent, SocSource.CHARGER, at, 0.95)


def telematics(percent: float = 50.0, at: datetime = NOON, confidence: float = 0.94) -> StateOfCharge:
    return StateOfCharge(percent, SocSource.TELEMATICS, at, confidence)


def test_confidence_halves_every_six_hours_and_is_never_more_than_at_first() -> None:
    assert confidence_at(charger(), NOON + HALF_LIFE) == pytest.approx(0.475)
    assert confidence_at(charger(), NOON + 2 * HALF_LIFE) == pytest.approx(0.2375)
    assert confidence_at(charger(), NOON - HOUR) == 0.95


def test_the_newer_of_two_from_the_same_source_counts() -> None:
    assert which_counts([charger(41, NOON + MINUTE), charger(40, NOON)]) == charger(41, NOON + MINUTE)


def test_telematics_takes_over_when_the_charger_has_been_silent_for_six_minutes() -> None:
    assert which_counts([charger(), telematics(at=NOON + 5 * MINUTE)]) == charger()
    assert which_counts([charger(), telematics(at=NOON + 6 * MINUTE)]) == telematics(at=NOON + 6 * MINUTE)


def test_a_guess_does_not_displace_what_was_measured_a_moment_ago() -> None:
    assert which_counts([charger(), telematics(at=NOON + HOUR, confidence=0.3)]) == charger()


def test_nothing_is_known_without_a_reading() -> None:
    assert which_counts([]) is None


readings = st.builds(
    StateOfCharge,
    st.floats(0, 100),
    st.sampled_from(SocSource),
    st.integers(0, 10_000).map(lambda minutes: NOON + minutes * MINUTE),
    st.floats(0, 1),
)


@given(st.lists(readings, max_size=6).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_readings_may_come_in_any_order_and_one_by_one(orders: tuple[list[StateOfCharge], list[StateOfCharge]]) -> None:
    at_once = which_counts(orders[0])
    one_by_one: StateOfCharge | None = None
    for reading in orders[1]:
        one_by_one = which_counts([reading] if one_by_one is None else [one_by_one, reading])
    assert one_by_one == at_once


@given(readings, readings, st.integers(0, 100))
def test_which_counts_is_the_one_believed_more_at_any_later_time(one: StateOfCharge, other: StateOfCharge, hours: int) -> None:
    later = max(one.at, other.at) + hours * HOUR
    counting = which_counts([one, other])
    assert counting is not None
    least, most = sorted(confidence_at(reading, later) for reading in (one, other))
    assume(most - least > 1e-5 * most)
    assert confidence_at(counting, later) == most


def test_energy_delivered_since_the_last_reading_makes_an_estimate() -> None:
    # 30 kWh at the outlet, of which 95 in 100 reach a battery of 300 kWh: 9.5 percent.
    found = charged(charger(), 30_000, since=NOON, until=NOON + HOUR, battery_kwh=300, direct_current=True)
    assert found.percent == pytest.approx(49.5)
    assert (found.source, found.at) == (SocSource.ESTIMATE, NOON + HOUR)
    assert found.confidence == pytest.approx(0.95 * 0.5 ** (1 / 6) * 0.5 ** (9.5 / 140))


def test_of_energy_measured_over_a_reading_only_what_came_after_it_counts() -> None:
    found = charged(charger(at=NOON + 45 * MINUTE), 30_000, since=NOON, until=NOON + HOUR, battery_kwh=300, direct_current=False)
    assert found.percent == pytest.approx(40 + 30 * 0.9 / 4 / 300 * 100)


def test_a_battery_is_never_more_than_full() -> None:
    assert charged(charger(95), 300_000, since=NOON, until=NOON + HOUR, battery_kwh=300, direct_current=True).percent == 100.0


@pytest.mark.parametrize(("energy_wh", "at"), [(0.0, NOON), (-5.0, NOON), (1000.0, NOON + HOUR), (1000.0, NOON + 2 * HOUR)])
def test_nothing_delivered_since_changes_nothing(energy_wh: float, at: datetime) -> None:
    reading = charger(at=at)
    assert charged(reading, energy_wh, since=NOON, until=NOON + HOUR, battery_kwh=300, direct_current=True) is reading


@given(st.floats(0, 60), st.floats(100, 20_000), st.integers(1, 59))
def test_many_small_steps_make_the_estimate_of_one_great_one(percent: float, energy_wh: float, minutes: int) -> None:
    between = NOON + minutes * MINUTE
    part = energy_wh * minutes / 60
    once = charged(charger(percent), energy_wh, since=NOON, until=NOON + HOUR, battery_kwh=300, direct_current=True)
    half = charged(charger(percent), part, since=NOON, until=between, battery_kwh=300, direct_current=True)
    twice = charged(half, energy_wh - part, since=between, until=NOON + HOUR, battery_kwh=300, direct_current=True)
    assert [twice.percent, twice.confidence] == pytest.approx([once.percent, once.confidence])
    assert twice.at == once.at
