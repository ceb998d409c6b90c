"""What flows that is not ours: the meter while it tells, and never less than is safe while it does not."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.supply import UnmanagedLoad, UnmanagedSource, unmanaged_load
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


# On each line

UNEVEN = (20.0, 10.0, 5.0)
# 35 A x 230 V.
UNEVEN_KW = 8.05


def test_a_meter_that_tells_currents_counts_on_each_line_with_its_own() -> None:
    load = unmanaged_load(node(limit_a=63.0), meter(UNEVEN_KW, amperes=UNEVEN), T0)
    assert load.power_kw == UNEVEN_KW
    assert load.line_a == pytest.approx(UNEVEN)


def test_a_meter_that_tells_power_alone_counts_evenly() -> None:
    load = unmanaged_load(node(), meter(6.9), T0)
    assert (load.power_kw, load.line_a) == (6.9, None)


def test_a_phase_that_is_not_told_counts_as_the_most_loaded_one() -> None:
    assert unmanaged_load(node(), meter(2.3, amperes=(None, 10.0, 4.0)), T0).line_a == (10.0, 10.0, 4.0)


def test_power_that_currents_do_not_explain_counts_evenly() -> None:
    # 6.9 kW more than 10 A on each of three phases make.
    assert unmanaged_load(node(), meter(13.8, amperes=(10.0, 10.0, 10.0)), T0).line_a == pytest.approx((20.0, 20.0, 20.0))


def test_currents_that_flow_back_count_as_none() -> None:
    assert unmanaged_load(node(), meter(-2.3, amperes=(-20.0, 10.0, 0.0)), T0).line_a == (0.0, 10.0, 0.0)


def test_what_is_on_some_lines_only_counts_on_each_as_nobody_knows_which() -> None:
    load = unmanaged_load(node(phases=1, unmanaged_fallback_kw=2.3), None, T0)
    assert load.power_kw == 2.3
    assert load.line_a == pytest.approx((10.0, 10.0, 10.0))


@pytest.mark.parametrize(
    ("fallback_kw", "highest_a", "power_kw", "line_a"),
    [
        # 10.35 kW are 15 A on each of three phases.
        (10.35, (90.0, 90.0, 90.0), 10.35, (20.0, 15.0, 15.0)),
        (0.0, (90.0, 90.0, 90.0), UNEVEN_KW, UNEVEN),
        # Without a fall-back, the highest of each line, and no less than the highest power makes.
        (None, (25.0, 12.0, 5.0), 10.35, (25.0, 15.0, 15.0)),
        (None, (None, None, None), 10.35, (20.0, 15.0, 15.0)),
    ],
)
def test_a_stale_meter_never_lowers_what_counts_on_a_line(
    fallback_kw: float | None, highest_a: tuple[float | None, ...], power_kw: float, line_a: tuple[float, ...]
) -> None:
    metered = node(unmanaged_fallback_kw=fallback_kw, site_meter_max_age_s=60)
    told = meter(UNEVEN_KW, age_s=61, highest_kw=10.35, amperes=UNEVEN, highest_a=highest_a)
    load = unmanaged_load(metered, told, T0)
    assert load.power_kw == power_kw
    assert load.line_a == pytest.approx(line_a)


AMPERES = st.tuples(*[st.none() | st.floats(-100, 100)] * 3)


@given(
    told=st.floats(-100, 100), amperes=AMPERES, fallback=st.none() | st.floats(0, 100), age_s=st.integers(0, 5000), phases=st.integers(1, 3)
)
def test_growing_old_never_lowers_what_counts_on_a_line(
    told: float, amperes: tuple[float | None, ...], fallback: float | None, age_s: int, phases: int
) -> None:
    metered = node(unmanaged_fallback_kw=fallback, phases=phases)
    fresh, aged = (unmanaged_load(metered, meter(told, age_s=age, amperes=amperes, highest_a=amperes), T0) for age in (0, age_s))
    assert aged.power_kw >= fresh.power_kw >= 0.0
    for line in range(3):
        assert on_line_a(aged, line) >= on_line_a(fresh, line) >= 0.0


def on_line_a(load: UnmanagedLoad, line: int) -> float:
    return load.power_kw / 0.69 if load.line_a is None else load.line_a[line]
