from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.planning import slots

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 2, 17, 7, 30, tzinfo=UTC)

moments = st.integers(0, 366 * 24 * 3600).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
horizons = st.integers(1, 48 * 60).map(lambda minutes: timedelta(minutes=minutes))


def test_the_first_slot_lasts_to_the_next_quarter_hour() -> None:
    first, second, *_ = slots(NOW, 2 * HOUR)
    assert (first.begins_at, first.ends_at) == (NOW, datetime(2026, 11, 2, 17, 15, tzinfo=UTC))
    assert (second.begins_at, second.ends_at) == (first.ends_at, datetime(2026, 11, 2, 17, 30, tzinfo=UTC))


def test_on_a_quarter_hour_the_first_slot_is_a_whole_one() -> None:
    assert slots(datetime(2026, 11, 2, 17, tzinfo=UTC), QUARTER)[0].ends_at == datetime(2026, 11, 2, 17, 15, tzinfo=UTC)


def test_36_hours_have_quarters_then_halves_then_hours() -> None:
    made = slots(datetime(2026, 11, 2, 17, tzinfo=UTC), 36 * HOUR)
    assert [slot.hours for slot in made] == [0.25] * 48 + [0.5] * 24 + [1.0] * 12


def test_longer_slots_wait_for_a_multiple_of_their_length() -> None:
    lengths = [(slot.begins_at.strftime("%H:%M"), slot.hours) for slot in slots(NOW, 36 * HOUR)]
    assert lengths[48:51] == [("05:00", 0.25), ("05:15", 0.25), ("05:30", 0.5)]
    assert lengths[73:76] == [("17:00", 0.5), ("17:30", 0.5), ("18:00", 1.0)]


@given(moments, horizons)
def test_slots_cover_the_horizon_without_gaps_and_are_aligned(now: datetime, horizon: timedelta) -> None:
    made = slots(now, horizon)
    assert made[0].begins_at == now
    assert made[-1].begins_at < now + horizon <= made[-1].ends_at
    for slot, following in pairwise(made):
        assert slot.ends_at == following.begins_at
        assert (following.begins_at - datetime(2000, 1, 1, tzinfo=UTC)) % (following.ends_at - following.begins_at) == timedelta(0)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone; give an aware time"):
        slots(datetime(2026, 11, 2, 17), HOUR)  # noqa: DTZ001  # that is what is tested


def test_a_horizon_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="must be more than 0"):
        slots(NOW, timedelta(0))
