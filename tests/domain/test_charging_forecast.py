import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampyard.domain.charging_forecast import EFFICIENCY, Battery, Forecast, Step, at_least, steady

BEGIN = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BUS = Battery(capacity_kwh=300.0, max_kw=120.0)


def in_small_steps(battery: Battery, energy_kwh: float, forecast: Forecast, hours: float) -> float:
    """Return what a battery holds in the end, by adding up what flows in each of many short times."""
    end = BEGIN + hours * HOUR
    edges = [BEGIN, *(step.begins_at for step in forecast if BEGIN < step.begins_at < end), end]
    for since, until in pairwise(edges):
        kw = next((step.kw for step in reversed(forecast) if step.begins_at <= since), 0.0)
        # The times are cut at the steps, and so short that in each a battery takes at most 1/200 of what fits in it.
        pieces = 1 + math.ceil(200 * battery.max_kw * ((until - since) / HOUR) / battery.capacity_kwh)
        for _ in range(pieces):
            soc = energy_kwh / battery.capacity_kwh
            share = 1.0 if soc <= 0.8 else 1.0 - 0.9 * (soc - 0.8) / 0.2
            energy_kwh += min(kw, battery.max_kw * share) * EFFICIENCY * ((until - since) / HOUR) / pieces
            energy_kwh = min(energy_kwh, battery.capacity_kwh)
    return energy_kwh


batteries = st.builds(Battery, capacity_kwh=st.floats(20, 600), max_kw=st.floats(3, 400))
powers = st.floats(0, 400)
hours = st.floats(0, 48)
forecasts = st.lists(st.tuples(st.floats(-5, 30), powers), max_size=5).map(
    lambda steps: tuple(Step(BEGIN + at * HOUR, kw) for at, kw in sorted(steps))
)
shares = st.floats(0, 1)


def test_below_the_knee_all_that_is_forecast_arrives_but_for_the_losses() -> None:
    assert BUS.after(60.0, steady(50.0), BEGIN, BEGIN + 2 * HOUR) == pytest.approx(60.0 + 100.0 * EFFICIENCY)


def test_no_more_flows_than_the_vehicle_takes() -> None:
    assert BUS.after(60.0, steady(500.0), BEGIN, BEGIN + HOUR) == pytest.approx(60.0 + 120.0 * EFFICIENCY)
    assert Battery(300.0, 0.0).after(60.0, steady(500.0), BEGIN, BEGIN + HOUR) == 60.0


def test_nothing_flows_before_the_first_step_or_without_power() -> None:
    late = (Step(BEGIN + HOUR, 50.0),)
    assert BUS.after(60.0, late, BEGIN, BEGIN + HOUR) == 60.0
    assert BUS.after(60.0, late, BEGIN, BEGIN + 2 * HOUR) == pytest.approx(60.0 + 50.0 * EFFICIENCY)
    assert BUS.after(60.0, (), BEGIN, BEGIN + HOUR) == 60.0
    assert BUS.reaches(61.0, 60.0, steady(0.0), BEGIN) is None


@settings(max_examples=50)
@given(battery=batteries, share=shares, forecast=forecasts, hours=st.floats(0.1, 12))
def test_it_is_what_adding_up_gives(battery: Battery, share: float, forecast: Forecast, hours: float) -> None:
    found = battery.after(share * battery.capacity_kwh, forecast, BEGIN, BEGIN + hours * HOUR)
    assert found == pytest.approx(in_small_steps(battery, share * battery.capacity_kwh, forecast, hours), rel=0.01, abs=0.01)


@given(battery=batteries, share=shares, more=shares, forecast=forecasts, kw=powers, hours=hours, longer=hours)
def test_more_energy_power_or_time_never_leaves_less(
    battery: Battery, share: float, more: float, forecast: Forecast, kw: float, hours: float, longer: float
) -> None:
    energy = share * battery.capacity_kwh
    end = BEGIN + hours * HOUR
    found = battery.after(energy, forecast, BEGIN, end)
    slack = 1e-6 * battery.capacity_kwh

    assert energy <= found + slack
    assert found <= battery.capacity_kwh
    assert battery.after(energy + more * (battery.capacity_kwh - energy), forecast, BEGIN, end) >= found - slack
    assert battery.after(energy, at_least(forecast, kw), BEGIN, end) >= found - slack
    assert battery.after(energy, forecast, BEGIN, end + longer * HOUR) >= found - slack


@given(battery=batteries, share=shares, wanted=shares, forecast=forecasts)
def test_it_reaches_a_target_when_it_holds_it(battery: Battery, share: float, wanted: float, forecast: Forecast) -> None:
    energy, target = share * battery.capacity_kwh, wanted * battery.capacity_kwh
    at = battery.reaches(target, energy, forecast, BEGIN)

    if at is None:
        assert battery.after(energy, forecast, BEGIN, BEGIN + timedelta(days=30)) < target + 1e-6
    else:
        assert battery.after(energy, forecast, BEGIN, at) == pytest.approx(max(energy, target), rel=1e-4, abs=1e-4)


def test_what_does_not_fit_is_never_reached() -> None:
    assert BUS.reaches(301.0, 299.0, steady(120.0), BEGIN) is None
    assert BUS.reaches(300.0, 299.0, steady(120.0), BEGIN) is not None
