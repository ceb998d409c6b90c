from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from ampyard.domain.charging_forecast import EFFICIENCY, Battery, Step, steady
from ampyard.domain.planning import Plan, PlanProblem, Preconditioning, Stay, planned_forecast, predict, solve
from tests.domain.planning.cases import FEEDER_A, GRID, HOUR, NOW, hours, node, problem, stay

END = NOW + 12 * HOUR


def test_a_forecast_alone_says_when_and_with_what_a_stay_ends() -> None:
    found = predict(stay(1, minimum=10.0, target=15.0), steady(5.0), energy_kwh=0.0, now=NOW, until=END)
    assert found.minimum_at is not None
    assert found.target_at is not None
    assert abs(found.minimum_at - (NOW + 2 * HOUR)) < timedelta(seconds=2)
    assert abs(found.target_at - (NOW + 3 * HOUR)) < timedelta(seconds=2)
    assert (found.final_kwh, found.expected_kwh) == pytest.approx((20, 20))
    assert found.final_at == NOW + 4 * HOUR


def test_what_is_there_on_arrival_counts_as_reached_then() -> None:
    found = predict(stay(1, arrives=1.0, minimum=10.0, target=30.0), (), energy_kwh=10.0, now=NOW, until=END)
    assert (found.minimum_at, found.target_at) == (NOW + HOUR, None)
    assert (found.final_kwh, found.final_at, found.expected_kwh) == (10, NOW + HOUR, 0)


def test_nothing_is_said_of_what_comes_after_the_horizon() -> None:
    found = predict(stay(1, departs=None, minimum=100.0), steady(5.0), energy_kwh=0.0, now=NOW, until=END)
    assert found.final_kwh == pytest.approx(60)
    assert found.minimum_at is None
    assert found.final_at == END


def test_charging_ends_when_the_forecast_does_or_the_battery_is_full() -> None:
    ends = (Step(NOW, 10.0), Step(NOW + HOUR, 0.0))
    assert predict(stay(1), ends, energy_kwh=0.0, now=NOW, until=END).final_at == NOW + HOUR
    full = predict(stay(1, capacity_kwh=10.0), steady(10.0), energy_kwh=9.0, now=NOW, until=END)
    assert full.final_kwh == pytest.approx(10)
    assert full.final_at < NOW + HOUR


def test_above_80_percent_it_goes_as_the_battery_of_charging_forecasts() -> None:
    truck = stay(1, capacity_kwh=100.0, max_kw=50.0, efficiency=EFFICIENCY)
    found = predict(truck, steady(50.0), energy_kwh=70.0, now=NOW, until=NOW + HOUR)
    assert found.final_kwh == Battery(100.0, 50.0).after(70.0, steady(50.0), NOW, NOW + HOUR)


def test_preconditioning_is_part_of_what_is_expected_at_the_plug() -> None:
    heated = stay(1, preconditioning=(Preconditioning(NOW + 3.5 * HOUR, NOW + 5 * HOUR, 4.0),))
    assert predict(heated, steady(1.0), energy_kwh=0.0, now=NOW, until=END).expected_kwh == pytest.approx(4 + 2)


def test_a_vehicle_without_a_battery_holds_what_it_held() -> None:
    assert predict(stay(1, capacity_kwh=0.0), steady(1.0), energy_kwh=0.0, now=NOW, until=END).final_kwh == 0


def test_a_planned_mean_flows_while_the_vehicle_is_there() -> None:
    late = stay(1, arrives=0.5, departs=1.5)
    assert planned_forecast(late, hours(3), [5.0, 5.0, 0.0], NOW) == (Step(NOW + 0.5 * HOUR, 10.0),)


# Taper in plans


def planned(given: PlanProblem) -> Plan:
    return solve(given, time_limit_s=20.0)


def bus(number: int, *, energy: float = 60.0, minimum: float = 95.0, departs: float = 4.0) -> Stay:
    return stay(number, capacity_kwh=100.0, max_kw=20.0, energy=energy, minimum=minimum, departs=departs, efficiency=EFFICIENCY)


def test_a_plan_is_bent_to_what_a_battery_takes() -> None:
    plan = planned(problem([bus(1)], kw=None))
    kw = plan.stays[bus(1).id].power_kw
    assert kw[0] == 20
    assert all(later < earlier for earlier, later in pairwise(kw))
    assert plan.stays[bus(1).id].prediction.final_kwh == pytest.approx(95, abs=0.1)
    assert plan.shortfalls == ()


def test_who_is_to_be_fuller_than_80_percent_begins_in_time_for_the_taper() -> None:
    # At full power two hours would do, and the cheap ones are the last two.
    plan = planned(problem([bus(1)], kw=None, prices=[0.9, 0.8, 0.1, 0.1]))
    assert plan.stays[bus(1).id].power_kw[1] > 1
    assert plan.stays[bus(1).id].prediction.final_kwh > 91


def test_what_tapers_off_is_taken_later_only_where_there_is_room() -> None:
    nodes = [node(GRID, None, 4), node(FEEDER_A, [20.0, 20.0, 0.0, 0.0], 4, GRID)]
    plan = planned(problem([replace(bus(1), node_id=FEEDER_A)], nodes=nodes))
    told = plan.stays[bus(1).id]
    assert told.power_kw[2:] == (0, 0)
    assert told.prediction.final_kwh < 95
    assert [short.stay_id for short in plan.shortfalls] == [bus(1).id]
    assert plan.shortfalls[0].lacks_minimum_kwh == pytest.approx(95 - told.prediction.final_kwh)


def test_a_target_that_taper_keeps_out_of_reach_does_not_keep_others_from_theirs() -> None:
    late = replace(bus(1, minimum=0.0, departs=1.0), target_kwh=100.0)
    plan = planned(problem([late, bus(2, minimum=80.0)], kw=20.0))
    assert plan.shortfalls == ()
    assert plan.stays[late.id].prediction.final_kwh == pytest.approx(60 + 20 * EFFICIENCY, abs=0.5)
