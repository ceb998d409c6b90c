import pickle
import random
import uuid
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.planning import Plan, PlanProblem, PlanStatus, Preconditioning, Stay, solve
from tests.domain.planning.cases import (
    FEEDER_A,
    FEEDER_B,
    GRID,
    HOUR,
    NOW,
    deliverable,
    depots,
    final_kwh,
    lacking,
    node,
    on_random_depots,
    power,
    problem,
    stay,
    under,
)

LIMIT_S = 20.0


def solved(given_: PlanProblem) -> Plan:
    plan = solve(given_, time_limit_s=LIMIT_S)
    assert plan.status is PlanStatus.OPTIMAL
    return plan


# What a plan looks like


def test_a_vehicle_charges_in_the_cheapest_hours_before_it_leaves() -> None:
    plan = solved(problem([stay(1, minimum=15.0)], prices=[0.3, 0.1, 0.2, 0.4]))
    assert power(plan, 1) == (0, 10, 5, 0)
    assert plan.energy_cost == pytest.approx(2.0)
    assert plan.peak_kw == 10
    assert plan.shortfalls == ()


def test_two_vehicles_on_one_feeder_share_one_cheap_window() -> None:
    both = problem([stay(1, minimum=10.0), stay(2, minimum=10.0)], prices=[0.4, 0.1, 0.1, 0.4])
    assert lacking(both, solved(both)) == {both.stays[0].id: 0, both.stays[1].id: 0}
    assert solved(both).energy_cost == pytest.approx(2.0)


def test_two_vehicles_one_feeder_and_too_little_of_it() -> None:
    both = problem([stay(1, minimum=30.0), stay(2, minimum=30.0)])
    plan = solved(both)
    assert sorted(lacking(both, plan).values()) == pytest.approx([0, 20])


def test_a_stay_that_comes_or_goes_within_a_slot_has_its_part_of_it() -> None:
    plan = solved(problem([stay(1, arrives=0.5, departs=1.75, minimum=12.0, max_kw=10.0)]))
    assert power(plan, 1) == (5, 7, 0, 0)


def test_the_peak_of_the_month_so_far_costs_nothing_more() -> None:
    level = problem([stay(1, minimum=20.0)], prices=[0.1, 0.4, 0.4, 0.4], demand_charge_per_kw=100.0, peak_so_far_kw=6.0)
    plan = solved(level)
    assert max(power(plan, 1)) == 6
    assert plan.demand_cost == 0
    assert power(plan, 1)[0] == 6


def test_the_peak_counts_what_is_not_ours() -> None:
    level = problem([stay(1, minimum=10.0)], slots=2, demand_charge_per_kw=100.0, unmanaged_kw=(8.0, 2.0), kw=None)
    plan = solved(replace(level, stays=(replace(level.stays[0], departs_at=NOW + 2 * HOUR),)))
    assert power(plan, 1) == (2, 8)
    assert (plan.peak_kw, plan.demand_cost) == (10, 1000)


def test_negative_prices_fill_to_the_target_and_no_further() -> None:
    plan = solved(problem([stay(1, minimum=5.0, target=15.0)], prices=[0.1, -0.2, -0.1, 0.1]))
    assert power(plan, 1) == (0, 10, 5, 0)
    assert plan.energy_cost == pytest.approx(-2.5)


def test_what_is_in_the_battery_stays_there_beyond_the_target() -> None:
    assert power(solved(problem([stay(1, minimum=5.0, energy=8.0)], prices=[-1.0] * 4)), 1) == (0, 0, 0, 0)


def test_efficiency_is_what_reaches_the_battery() -> None:
    assert power(solved(problem([stay(1, minimum=8.0, efficiency=0.8)])), 1) == (10, 0, 0, 0)


def test_a_stay_without_a_departure_is_filled_when_that_is_cheapest() -> None:
    plan = solved(problem([stay(1, departs=None, target=10.0)], prices=[0.3, 0.2, 0.1, 0.2]))
    assert power(plan, 1) == (0, 0, 10, 0)


def test_who_leaves_after_the_horizon_leaves_to_then_what_half_its_power_can_do() -> None:
    assert power(solved(problem([stay(1, departs=8.0, target=30.0)])), 1) == (10, 0, 0, 0)
    assert power(solved(problem([stay(1, departs=12.0, target=30.0)])), 1) == (0, 0, 0, 0)


def test_preconditioning_flows_beside_the_battery_within_the_same_plug() -> None:
    heated = stay(1, minimum=35.0, preconditioning=(Preconditioning(NOW + 3 * HOUR, NOW + 5 * HOUR, 5.0),))
    plan = solved(problem([heated], kw=20.0))
    assert power(plan, 1) == (10, 10, 10, 10)
    assert plan.stays[heated.id].prediction.final_kwh == pytest.approx(35)
    assert plan.stays[heated.id].prediction.expected_kwh == pytest.approx(40)


def test_a_minimum_goes_before_preconditioning() -> None:
    heated = stay(1, minimum=40.0, preconditioning=(Preconditioning(NOW, NOW + HOUR, 5.0),))
    plan = solved(problem([heated, stay(2, minimum=10.0, max_kw=20.0)], kw=[10.0, 10.0, 10.0, 20.0]))
    assert plan.stays[heated.id].prediction.final_kwh == pytest.approx(35)


# The order of aims


def test_the_number_of_the_higher_class_goes_before_that_of_all_below() -> None:
    crowd = problem([stay(1, minimum=40.0, priority=2), stay(2, minimum=15.0), stay(3, minimum=15.0)])
    assert list(lacking(crowd, solved(crowd)).values()) == pytest.approx([0, 15, 15])


def test_more_vehicles_ready_go_before_less_lacking_in_all() -> None:
    crowd = problem([stay(1, minimum=40.0, weight=9.0), stay(2, minimum=18.0), stay(3, minimum=18.0)])
    assert list(lacking(crowd, solved(crowd)).values()) == pytest.approx([36, 0, 0])


def test_what_is_left_when_the_count_is_reached_goes_to_the_heavier_one() -> None:
    crowd = problem([stay(1, minimum=30.0, weight=2.0), stay(2, minimum=30.0)])
    assert list(lacking(crowd, solved(crowd)).values()) == pytest.approx([0, 20])


def test_a_minimum_that_nothing_can_reach_takes_nothing_from_the_count() -> None:
    crowd = problem([stay(1, minimum=60.0, priority=2), stay(2, minimum=40.0)])
    assert list(lacking(crowd, solved(crowd)).values()) == pytest.approx([60, 0])


def test_a_minimum_of_a_lower_class_goes_before_a_target_of_a_higher() -> None:
    crowd = problem([stay(1, minimum=10.0, target=40.0, priority=2), stay(2, minimum=20.0)])
    assert list(lacking(crowd, solved(crowd)).values()) == pytest.approx([0, 0])
    assert list(lacking(crowd, solved(crowd), minimum=False).values()) == pytest.approx([20, 0])


def test_a_target_goes_before_any_cost() -> None:
    plan = solved(problem([stay(1, target=40.0)], prices=[9.0, 99.0, 9.0, 999.0], demand_charge_per_kw=1e4))
    assert power(plan, 1) == (10, 10, 10, 10)


def test_cost_goes_before_fairness() -> None:
    plan = solved(
        problem([stay(1, target=20.0, departs=1.0), stay(2, target=20.0, departs=2.0)], slots=2, prices=[0.2, 0.1], kw=[10.0, 5.0])
    )
    assert (power(plan, 1), power(plan, 2)) == ((7.5, 0), (2.5, 5))


def test_cost_goes_before_rest() -> None:
    plan = solved(problem([stay(1, minimum=20.0)], prices=[0.1001, 0.1, 0.1001, 0.1]))
    assert power(plan, 1) == (0, 10, 0, 10)


def test_each_charges_in_one_go_and_who_leaves_first_goes_first() -> None:
    plan = solved(
        problem([stay(1, departs=6.0, minimum=20.0), stay(2, departs=5.0, minimum=20.0), stay(3, departs=6.0, minimum=20.0)], slots=6)
    )
    assert power(plan, 2) == (10, 10, 0, 0, 0, 0)
    assert {power(plan, 1), power(plan, 3)} == {(0, 0, 10, 10, 0, 0), (0, 0, 0, 0, 10, 10)}


def test_what_lacks_to_targets_is_shared_out_inside_a_class_as_each_needs_it() -> None:
    crowd = problem([stay(1, target=20.0), stay(2, target=40.0), stay(3, target=10.0, priority=2)])
    assert list(lacking(crowd, solved(crowd), minimum=False).values()) == pytest.approx([10, 20, 0], abs=1e-3)


# Chains


def test_what_a_second_run_needs_is_charged_before_the_first_where_the_second_stay_is_too_short() -> None:
    first = stay(1, departs=2.0, minimum=5.0, target=20.0)
    second = stay(2, arrives=3.0, minimum=15.0, previous=first.id, used_kwh=5.0)
    chain = problem([second, first], prices=[0.1, 0.1, 0.1, 0.9])
    plan = solved(chain)
    assert (power(plan, 1), power(plan, 2)) == ((10, 10, 0, 0), (0, 0, 0, 0))
    assert [plan.stays[one.id].prediction.final_kwh for one in (first, second)] == pytest.approx([20, 15])


# Odd, but valid


def test_nobody_there_has_an_empty_plan() -> None:
    assert solved(problem([])).stays == {}


def test_without_slots_there_is_nothing_to_say() -> None:
    assert solved(replace(problem([]), slots=(), nodes=(), stays=(stay(1),))).stays == {}


@pytest.mark.parametrize(
    "odd",
    [
        stay(1, arrives=-3.0, departs=-1.0, minimum=5.0),
        stay(1, arrives=3.0, departs=2.0, minimum=5.0),
        stay(1, arrives=9.0, departs=12.0, minimum=5.0),
        stay(1, max_kw=0.0, minimum=5.0),
        stay(1, minimum=5.0, capacity_kwh=0.0),
        stay(1, minimum=0.0, energy=2000.0),
    ],
)
def test_who_can_take_nothing_is_planned_nothing(odd: Stay) -> None:
    assert power(solved(problem([odd], prices=[-1.0] * 4)), 1) == (0, 0, 0, 0)


def test_no_supply_is_no_power() -> None:
    assert power(solved(problem([stay(1, minimum=5.0)], kw=-3.0)), 1) == (0, 0, 0, 0)


def test_without_time_there_is_no_plan() -> None:
    plan = solve(problem([stay(1, minimum=5.0)]), time_limit_s=0.0)
    assert (plan.status, plan.gap, plan.stays) == (PlanStatus.NONE, 1.0, {})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (problem([stay(1, node_id=FEEDER_A)]), "hangs on power node .*2, which is not among the nodes"),
        (problem([], nodes=[node(GRID, 1.0, 4, FEEDER_A)], slots=4), None),
        (problem([stay(1)], nodes=[node(GRID, 1.0, 4, FEEDER_A)]), "a parent of .*1, is not among the nodes"),
        (problem([stay(1)], nodes=[node(GRID, 1.0, 4, FEEDER_A), node(FEEDER_A, 1.0, 4, GRID)]), "among its own parents"),
        (problem([stay(1)], nodes=[node(GRID, 1.0, 3)]), "has 3 limits for 4 slots; give one for each"),
        (problem([stay(1)], prices=[0.1]), "prices_per_kwh has 1 values for 4 slots; give one for each, or none at all"),
        (problem([stay(1, previous=uuid.UUID(int=9))]), "names .*9 as the one before it, which is not among the stays"),
        (problem([stay(1, previous=uuid.UUID(int=101))]), "comes before itself"),
    ],
)
def test_a_problem_that_contradicts_itself_is_refused(wrong: PlanProblem, message: str | None) -> None:
    if message is None:
        assert solved(wrong).stays == {}
        return
    with pytest.raises(ValueError, match=message):
        solve(wrong, time_limit_s=LIMIT_S)


def test_problem_and_plan_travel_to_another_process_and_back() -> None:
    given_ = problem([stay(1, minimum=5.0)])
    assert pickle.loads(pickle.dumps(given_)) == given_  # noqa: S301  # our own bytes
    plan = solved(given_)
    assert pickle.loads(pickle.dumps(plan)) == plan  # noqa: S301  # as above
    assert pickle.loads(pickle.dumps(solve)) is solve  # noqa: S301  # as above


# Whatever the depot


@on_random_depots
@given(depots(chained=True))
def test_every_limit_of_every_node_is_kept_in_every_slot(depot: PlanProblem) -> None:
    plan = solved(depot)
    for one in depot.nodes:
        members = [stay_.id for stay_ in depot.stays if stay_.node_id in under(depot, one.id)]
        for number, limit in enumerate(one.limits_kw):
            flowing = sum(plan.stays[member].power_kw[number] for member in members)
            assert limit is None or flowing <= limit + 1e-4


@on_random_depots
@given(depots(chained=True), st.floats(-0.9, 0.9))
def test_nobody_charges_outside_the_stay_or_beyond_the_plug(depot: PlanProblem, shift: float) -> None:
    depot = replace(depot, stays=tuple(replace(one, arrives_at=one.arrives_at + shift * HOUR) for one in depot.stays))
    plan = solved(depot)
    for one in depot.stays:
        for slot, kw in zip(plan.slots, plan.stays[one.id].power_kw, strict=True):
            end = slot.ends_at if one.departs_at is None else min(slot.ends_at, one.departs_at)
            there = max(timedelta(0), end - max(slot.begins_at, one.arrives_at)) / HOUR
            assert 0 <= kw * slot.hours <= one.max_kw * there + 1e-4


@on_random_depots
@given(depots(chained=True))
def test_batteries_hold_what_went_into_them_and_no_more_than_is_wanted(depot: PlanProblem) -> None:
    plan = solved(depot)
    held = final_kwh(depot, plan)
    for one in depot.stays:
        assert plan.stays[one.id].prediction.final_kwh == pytest.approx(held[one.id], abs=1e-3)
        if one.previous is None:
            assert held[one.id] <= max(one.target_kwh, one.energy_kwh) + 1e-3


@on_random_depots
@given(depots())
def test_as_many_reach_their_minimum_as_any_choice_could_class_by_class(depot: PlanProblem) -> None:
    counted = {one.id: one for one in depot.stays if one.departs_at is not None and one.departs_at <= depot.slots[-1].ends_at}
    needs = {one.id: max(0, int(one.minimum_kwh - one.energy_kwh)) for one in counted.values()}
    best = max(
        tuple(sum(counted[chosen].priority == priority for chosen in ids) for priority in (2, 1))
        for size in range(len(counted) + 1)
        for ids in combinations(counted, size)
        if deliverable(depot, {chosen: needs[chosen] for chosen in ids})
    )
    lacks = lacking(depot, solved(depot))
    assert tuple(sum(lacks[one.id] < 1e-3 and one.priority == priority for one in counted.values()) for priority in (2, 1)) == best


@on_random_depots
@given(depots(chained=True), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(depot: PlanProblem, draw: random.Random) -> None:
    nodes, stays = list(depot.nodes), list(depot.stays)
    draw.shuffle(nodes)
    draw.shuffle(stays)
    one, other = solved(depot), solved(replace(depot, nodes=tuple(nodes), stays=tuple(stays)))
    assert one.stays == other.stays
    assert one.shortfalls == other.shortfalls
    assert (one.energy_cost, one.demand_cost) == pytest.approx((other.energy_cost, other.demand_cost))


def _lacks_by_class(depot: PlanProblem, plan: Plan) -> list[float]:
    """How many do not reach their minimum, what lacks to minima, and to targets, each class by class: the aims above cost."""
    lacks, held = lacking(depot, plan), final_kwh(depot, plan)
    classes = [[one for one in depot.stays if one.priority == priority] for priority in (2, 1)]
    return [
        *(float(sum(lacks.get(one.id, 0.0) > 1e-3 for one in members)) for members in classes),
        *(sum(one.weight * lacks.get(one.id, 0.0) for one in members) for members in classes),
        *(
            sum(one.weight * max(0.0, _wanted_kwh(depot, one) - held[one.id] - lacks.get(one.id, 0.0)) for one in members)
            for members in classes
        ),
    ]


def _wanted_kwh(depot: PlanProblem, one: Stay) -> float:
    beyond = 0.0 if one.departs_at is None else max(timedelta(0), one.departs_at - depot.slots[-1].ends_at) / HOUR
    return one.target_kwh - one.max_kw * beyond / 2


@on_random_depots
@given(depots(priced=False), st.integers(0, 2), st.integers(1, 20))
def test_more_limit_never_means_more_lacking(depot: PlanProblem, number: int, kw: int) -> None:
    chosen = depot.nodes[number]
    raised = replace(chosen, limits_kw=tuple(None if limit is None else limit + kw for limit in chosen.limits_kw))
    wider = replace(depot, nodes=tuple(raised if one is chosen else one for one in depot.nodes))
    before, after = _lacks_by_class(depot, solved(depot)), _lacks_by_class(wider, solved(wider))
    for less, more in zip(after, before, strict=True):
        if abs(less - more) > 1e-2:
            assert less < more
            break


@on_random_depots
@given(depots())
def test_prices_change_nothing_about_what_lacks(depot: PlanProblem) -> None:
    free = replace(depot, prices_per_kwh=(), demand_charge_per_kw=0.0)
    assert _lacks_by_class(depot, solved(depot)) == pytest.approx(_lacks_by_class(free, solved(free)), abs=1e-2)


def _greedy(depot: PlanProblem) -> dict[uuid.UUID, list[float]]:
    """Who comes first charges first, in its cheapest hours, with all that is left there."""
    room = {(one.id, number): float("inf") if limit is None else limit for one in depot.nodes for number, limit in enumerate(one.limits_kw)}
    given_: dict[uuid.UUID, list[float]] = {}
    for one in sorted(depot.stays, key=lambda one: (one.arrives_at, one.id)):
        path = [up.id for up in depot.nodes if one.node_id in under(depot, up.id)]
        given_[one.id] = [0.0] * len(depot.slots)
        wanted = max(0.0, one.target_kwh - one.energy_kwh)
        for number in sorted(range(len(depot.slots)), key=lambda number: depot.prices_per_kwh[number]):
            slot = depot.slots[number]
            if one.arrives_at <= slot.begins_at and (one.departs_at is None or slot.ends_at <= one.departs_at):
                kw = max(0.0, min([wanted, one.max_kw, *(room[up, number] for up in path)]))
                given_[one.id][number] = kw
                wanted -= kw
                for up in path:
                    room[up, number] -= kw
    return given_


@on_random_depots
@given(depots())
def test_it_costs_no_more_than_a_greedy_way_that_leaves_nobody_lacking(depot: PlanProblem) -> None:
    greedy = _greedy(depot)
    if any(sum(greedy[one.id]) < max(0.0, one.target_kwh - one.energy_kwh) for one in depot.stays):
        return
    plan = solved(depot)
    totals = [sum(row[number] for row in greedy.values()) for number in range(len(depot.slots))]
    peak_kw = max(kw + ours for kw, ours in zip(depot.unmanaged_kw, totals, strict=True))
    cost = sum(kw * price for kw, price in zip(totals, depot.prices_per_kwh, strict=True))
    cost += depot.demand_charge_per_kw * max(0.0, peak_kw - depot.peak_so_far_kw)
    assert plan.energy_cost + plan.demand_cost <= cost + 1e-3


def test_feeders_are_limits_of_their_own() -> None:
    nodes = [node(GRID, 15.0, 2), node(FEEDER_A, 10.0, 2, GRID), node(FEEDER_B, 10.0, 2, GRID)]
    both = problem(
        [stay(1, departs=2.0, target=20.0, node_id=FEEDER_A), stay(2, departs=2.0, minimum=20.0, node_id=FEEDER_B)], slots=2, nodes=nodes
    )
    assert (power(solved(both), 1), power(solved(both), 2)) == ((5, 5), (10, 10))
