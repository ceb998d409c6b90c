"""What each vehicle is to take now, so that most is delivered before they leave."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ampyard.domain.planning.layout import Floats
from ampyard.domain.planning.lookahead import Bounds, Visits, look_ahead

_STEP_HOURS = 1 / 12


def visits(*given: tuple[float, float, float], least_kw: float = 0.0, charging: tuple[bool, ...] = ()) -> Visits:
    """Return vehicles that need so many kWh, stay so many hours and can take so many kW."""
    needed, hours, most = (np.array(column, dtype=np.float64) for column in zip(*given, strict=True))
    count = len(given)
    on = np.array(charging or (False,) * count)
    return Visits(needed, hours, most, np.full(count, least_kw), on, np.ones(count))


def feeder(count: int, kw: float) -> Bounds:
    return Bounds(np.ones((1, count), dtype=np.complex128), np.array([kw]))


def lines(wirings: list[int], ampere: float) -> Bounds:
    """Return the limits of three lines of 208 V for loads between lines 1 and 2 (0), 2 and 3 (1) or 3 and 1 (2)."""
    angles = np.exp(1j * np.deg2rad([30.0, -90.0, 150.0]))[wirings] / 0.208
    signs = np.array([[1, 0, -1], [-1, 1, 0], [0, -1, 1]])[:, wirings]
    return Bounds((signs * angles).astype(np.complex128), np.full(3, ampere))


def simulate(stays: Visits, bounds: Bounds, steps: int) -> Floats:
    """Return what each has taken after so many steps of looking ahead, until it leaves."""
    needed, hours = stays.needed_kwh.copy(), stays.hours.copy()
    for _ in range(steps):
        there = np.flatnonzero((hours > 1e-9) & (needed > 1e-9))
        now = Visits(needed[there], hours[there], stays.most_kw[there], stays.least_kw[there], stays.charging[there], stays.weight[there])
        needed[there] -= look_ahead(now, Bounds(bounds.parts[:, there], bounds.most), step_hours=_STEP_HOURS) * _STEP_HOURS
        hours -= _STEP_HOURS
    return stays.needed_kwh - needed


def test_nobody_is_nothing() -> None:
    nobody = visits((1.0, 1.0, 1.0))
    empty = Visits(*(getattr(nobody, name)[:0] for name in ("needed_kwh", "hours", "most_kw", "least_kw", "charging", "weight")))
    assert look_ahead(empty, feeder(0, 10.0), step_hours=_STEP_HOURS).tolist() == []


def test_where_nothing_limits_each_takes_all_it_can() -> None:
    taken = look_ahead(visits((20.0, 4.0, 7.0), (0.2, 4.0, 7.0)), feeder(2, 50.0), step_hours=_STEP_HOURS)
    assert taken == pytest.approx([7.0, 0.2 * 12])


def test_who_leaves_first_goes_first() -> None:
    taken = look_ahead(visits((10.0, 8.0, 10.0), (10.0, 2.0, 10.0)), feeder(2, 10.0), step_hours=_STEP_HOURS)
    assert taken == pytest.approx([0.0, 10.0])


def test_capacity_is_kept_usable_that_earliest_departure_first_would_lose() -> None:
    # 10 kW for 2 h. By departure, the two that leave first would have it all in the first hour, and the third could only take 5 kW then.
    stays = visits((5.0, 2.0, 5.0), (5.0, 2.0, 5.0), (10.0, 2.01, 5.0))
    assert simulate(stays, feeder(3, 10.0), 25).sum() == pytest.approx(20.0, abs=0.1)


def test_of_two_that_cannot_both_be_ready_one_is() -> None:
    taken = simulate(visits((10.0, 1.0, 10.0), (9.0, 1.0, 10.0)), feeder(2, 10.0), 12)
    assert taken == pytest.approx([1.0, 9.0])


def test_who_charges_keeps_its_least_and_nobody_starts_below_it() -> None:
    stays = visits((10.0, 9.0, 7.0), (7.0, 1.0, 7.0), least_kw=1.4, charging=(True, False))
    assert look_ahead(stays, feeder(2, 7.0), step_hours=_STEP_HOURS) == pytest.approx([1.4, 5.6])
    assert look_ahead(stays, feeder(2, 2.0), step_hours=_STEP_HOURS) == pytest.approx([2.0, 0.0], abs=0.7)


def test_what_is_least_gives_way_where_not_all_of_it_fits() -> None:
    stays = visits((10.0, 2.0, 7.0), (10.0, 2.0, 7.0), least_kw=1.4, charging=(True, True))
    taken = look_ahead(stays, feeder(2, 2.0), step_hours=_STEP_HOURS)
    assert taken.sum() <= 2.0 + 1e-9
    assert sorted((taken >= 1.4).tolist()) == [False, True]


def test_balanced_lines_carry_what_their_phasors_allow() -> None:
    # Three equal loads of x between lines make √3 x in each line: 83.3 A carry 48.1 A each, 30 kW in all.
    bounds = lines([0, 1, 2], 250 / 3)
    taken = look_ahead(visits(*[(90.0, 5.0, 20.0)] * 3), bounds, step_hours=_STEP_HOURS)
    assert taken.sum() == pytest.approx(30.0, rel=0.01)
    assert np.abs(bounds.parts @ taken).max() <= 250 / 3 * (1 + 1e-9)


cars = st.tuples(st.floats(0.1, 40), st.floats(0.05, 12), st.floats(1.4, 22))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(cars, min_size=1, max_size=12), st.floats(5, 200), st.data())
def test_no_limit_is_passed_and_the_order_is_of_no_account(
    given_: list[tuple[float, float, float]], ampere: float, data: st.DataObject
) -> None:
    wirings = data.draw(st.lists(st.integers(0, 2), min_size=len(given_), max_size=len(given_)))
    bounds = lines(wirings, ampere)
    taken = look_ahead(visits(*given_), bounds, step_hours=_STEP_HOURS)
    assert (np.abs(bounds.parts @ taken) <= ampere * (1 + 1e-9)).all()
    for (needed, hours, most), power in zip(given_, taken.tolist(), strict=True):
        assert 0 <= power <= min(most, needed / min(hours, _STEP_HOURS)) + 1e-6
