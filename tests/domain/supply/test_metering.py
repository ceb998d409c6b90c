"""What flows that is not ours: the meter while it tells, and never less than is safe while it does not."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.supply import UnmanagedSource, unmanaged_load
from tests.domain.supply.nodes import T0, meter, node


def test_a_node_without_meter_and_fall_back_has_no_unmanaged_load() -> None:
    load = unmanaged_load(node(), None, T0)
    assert (load.kw, load.source, load.measured_at) == (0.0, UnmanagedSource.NONE, None)
    assert load.explanation == "None: it has no site meter, and no fall-back is configured."


def test_the_fall_back_counts_until_a_meter_tells() -> None:
    load = unmanaged_load(node(unmanaged_fallback_kw=30.0), None, T0)
    assert (load.kw, load.source) == (30.0, UnmanagedSource.FALLBACK)


def test_a_fresh_reading_counts_even_below_the_fall_back() -> None:
    load = unmanaged_load(node(unmanaged_fallback_kw=30.0, site_meter_max_age_s=60), meter(12.5, age_s=60), T0)
    assert (load.kw, load.source, load.measured_at) == (12.5, UnmanagedSource.METER, T0 - timedelta(seconds=60))
    assert load.explanation == "Its site meter told 12.5 kW."


@pytest.mark.parametrize(
    ("told_kw", "fallback_kw", "highest_kw", "kw", "source"),
    [
        (12.5, 30.0, 80.0, 30.0, UnmanagedSource.FALLBACK),
        (45.0, 30.0, 80.0, 45.0, UnmanagedSource.STALE_METER),
        (12.5, None, 80.0, 80.0, UnmanagedSource.STALE_METER),
        # Zero only where it is configured, and was told last.
        (0.0, 0.0, 80.0, 0.0, UnmanagedSource.FALLBACK),
        (0.0, None, 80.0, 80.0, UnmanagedSource.STALE_METER),
    ],
)
def test_a_stale_meter_never_lowers_what_counts(
    told_kw: float, fallback_kw: float | None, highest_kw: float, kw: float, source: UnmanagedSource
) -> None:
    metered = node(unmanaged_fallback_kw=fallback_kw, site_meter_max_age_s=60)
    load = unmanaged_load(metered, meter(told_kw, age_s=61, highest_kw=highest_kw), T0)
    assert (load.kw, load.source) == (kw, source)
    assert load.explanation.startswith("Its site meter has told nothing since 2026-11-02T07:58:59+00:00: ")


def test_power_that_flows_back_counts_as_none() -> None:
    assert unmanaged_load(node(), meter(-40.0), T0).kw == 0.0


def test_where_current_is_limited_the_most_loaded_phase_counts_for_all() -> None:
    # 20 A x 230 V x 3 = 13.8 kW, though only 9 kW flow in all.
    uneven = meter(9.0, amperes=(20.0, 10.0, None))
    assert unmanaged_load(node(limit_a=63.0), uneven, T0).kw == pytest.approx(13.8)
    assert unmanaged_load(node(), uneven, T0).kw == 9.0


@given(told=st.floats(-100, 100), fallback=st.none() | st.floats(0, 100), highest=st.floats(0, 200), age_s=st.integers(0, 5000))
def test_growing_old_never_lowers_what_counts(told: float, fallback: float | None, highest: float, age_s: int) -> None:
    metered = node(unmanaged_fallback_kw=fallback)
    fresh = unmanaged_load(metered, meter(told, highest_kw=max(told, highest)), T0).kw
    aged = unmanaged_load(metered, meter(told, age_s=age_s, highest_kw=max(told, highest)), T0).kw
    assert aged >= fresh >= 0.0
