import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.planning import Plan, PlanProblem, PlanStatus, Remedy, RemedyKind, Shortfall, ShortfallCause, Stay, solve
from tests.domain.planning.cases import (
    FEEDER_A,
    FEEDER_B,
    GRID,
    HOUR,
    NOW,
    depots,
    lacking,
    node,
    on_random_depots,
    problem,
    stay,
)

KINDS = RemedyKind


def solved(given_: PlanProblem) -> Plan:
    plan = solve(given_, time_limit_s=20.0)
    assert plan.status is PlanStatus.OPTIMAL
    return plan


def shortfall(given_: PlanProblem) -> Shortfall:
    """The only one there is."""
    (only,) = solved(given_).shortfalls
    return only


def remedy(given_: PlanProblem, kind: RemedyKind) -> Remedy | None:
    return next((one for one in shortfall(given_).remedies if one.kind is kind), None)


def with_raise(given_: PlanProblem, one: Remedy) -> PlanProblem:
    """The depot with a higher limit, as a remedy has it."""
    more_kw, begin, end = one.kw, one.begins_at, one.ends_at
    assert more_kw is not None
    assert begin is not None
    assert end is not None
    limits = {
        old.id: tuple(
            kw if kw is None or not begin <= slot.begins_at < end else kw + more_kw
            for slot, kw in zip(given_.slots, old.limits_kw, strict=True)
        )
        for old in given_.nodes
        if old.id == one.node_id
    }
    return replace(given_, nodes=tuple(replace(old, limits_kw=limits.get(old.id, old.limits_kw)) for old in given_.nodes))


# Two vehicles, one feeder, one cheap window: the second is told in advance
CROWD = problem([stay(1, minimum=30.0, weight=2.0), stay(2, minimum=30.0)], slots=8, prices=[0.4, 0.1, 0.1, 0.4] + [0.2] * 4)


def test_it_says_who_by_how_much_and_because_of_which_node() -> None:
    told = shortfall(CROWD)
    assert (told.stay_id, told.cause, told.node_id) == (CROWD.stays[1].id, ShortfallCause.NODE, GRID)
    assert (told.lacks_minimum_kwh, told.lacks_target_kwh) == pytest.approx((20, 20), abs=1e-3)


def test_it_says_when_the_vehicle_would_be_ready_if_it_stayed() -> None:
    told = shortfall(CROWD)
    assert told.ready_at is not None
    assert abs(told.ready_at - (NOW + 6 * HOUR)) < timedelta(seconds=1)
    later = remedy(CROWD, KINDS.DEPART_LATER)
    assert later is not None
    assert later.ends_at in {NOW + 6 * HOUR, NOW + 6 * HOUR + timedelta(minutes=1)}


def test_a_higher_limit_from_when_to_when_would_help() -> None:
    assert remedy(CROWD, KINDS.RAISE_LIMIT) == Remedy(KINDS.RAISE_LIMIT, node_id=GRID, kw=5.0, begins_at=NOW, ends_at=NOW + 4 * HOUR)


def test_only_one_of_two_nodes_in_a_row_that_both_bind_helps_nobody() -> None:
    nodes = [node(GRID, 10.0, 4), node(FEEDER_A, 10.0, 4, GRID)]
    both = problem([stay(1, minimum=30.0, node_id=FEEDER_A), stay(2, minimum=30.0, node_id=FEEDER_A)], nodes=nodes)
    assert remedy(both, KINDS.RAISE_LIMIT) is None
    assert shortfall(both).node_id == FEEDER_A


def test_the_node_that_binds_is_the_one_whose_limit_would_help() -> None:
    nodes = [node(GRID, 30.0, 4), node(FEEDER_A, 5.0, 4, GRID), node(FEEDER_B, 20.0, 4, GRID)]
    both = problem([stay(1, minimum=30.0, node_id=FEEDER_A), stay(2, minimum=30.0, node_id=FEEDER_B)], nodes=nodes)
    assert shortfall(both).node_id == FEEDER_A
    assert remedy(both, KINDS.RAISE_LIMIT) == Remedy(KINDS.RAISE_LIMIT, node_id=FEEDER_A, kw=2.5, begins_at=NOW, ends_at=NOW + 4 * HOUR)


def test_what_a_plug_is_too_weak_for_needs_a_stronger_one() -> None:
    weak = problem([stay(1, minimum=30.0, max_kw=5.0)])
    assert shortfall(weak).cause is ShortfallCause.POWER
    assert shortfall(weak).node_id is None
    assert remedy(weak, KINDS.STRONGER_PLUG) == Remedy(KINDS.STRONGER_PLUG, kw=7.5)
    assert remedy(weak, KINDS.RAISE_LIMIT) is None


def test_a_plug_is_no_remedy_where_the_supply_has_not_the_power() -> None:
    assert remedy(problem([stay(1, minimum=50.0, max_kw=5.0)]), KINDS.STRONGER_PLUG) is None


def test_a_battery_that_is_too_small_is_helped_by_another_vehicle() -> None:
    small = problem([stay(1, departs=2.0, minimum=50.0, capacity_kwh=40.0, energy=40.0), stay(2, minimum=20.0, target=60.0, energy=55.0)])
    told = shortfall(small)
    assert told.cause is ShortfallCause.CAPACITY
    assert told.lacks_minimum_kwh == pytest.approx(10)
    assert told.ready_at is None
    assert told.remedies == (Remedy(KINDS.SWAP_VEHICLE, stay_id=small.stays[1].id),)


def test_a_vehicle_is_not_swapped_with_one_whose_run_it_could_not_do() -> None:
    short = problem([stay(1, departs=1.0, minimum=30.0, energy=5.0), stay(2, minimum=60.0, energy=40.0, departs=3.0)])
    assert remedy(short, KINDS.SWAP_VEHICLE) is None


def test_those_who_lack_come_by_class_and_departure() -> None:
    short = problem(
        [
            stay(1, departs=3.0, minimum=90.0),
            stay(2, departs=2.0, minimum=90.0),
            stay(3, departs=4.0, minimum=90.0, priority=2),
            stay(4, departs=None, minimum=90.0),
            stay(5, departs=99.0, minimum=900.0),
        ]
    )
    assert [told.stay_id.int - 100 for told in solved(short).shortfalls] == [3, 2, 1]


@on_random_depots
@given(depots(chained=True))
def test_shortfalls_are_those_who_lack_and_lack_what_is_told(depot: PlanProblem) -> None:
    plan = solved(depot)
    told = {one.stay_id: one.lacks_minimum_kwh for one in plan.shortfalls}
    lacks = {stay_id: kwh for stay_id, kwh in lacking(depot, plan).items() if kwh > 0.06}
    assert told.keys() == lacks.keys()
    assert told == pytest.approx(lacks, abs=1e-2)


@on_random_depots
@given(depots(most_stays=8))
def test_a_limit_raised_as_told_removes_the_shortfall(depot: PlanProblem) -> None:
    for told in solved(depot).shortfalls:
        for one in told.remedies:
            if one.kind is KINDS.RAISE_LIMIT:
                assert told.stay_id not in {still.stay_id for still in solved(with_raise(depot, one)).shortfalls}


@on_random_depots
@given(depots(most_stays=8))
def test_leaving_later_or_a_stronger_plug_leaves_fewer_short(depot: PlanProblem) -> None:
    plan = solved(depot)
    for told in plan.shortfalls:
        for one in told.remedies:
            changes: dict[str, datetime | float | None] = {}
            if one.kind is KINDS.DEPART_LATER:
                changes = {"departs_at": one.ends_at}
            elif one.kind is KINDS.STRONGER_PLUG:
                changes = {"max_kw": one.kw}
            if changes:
                helped = tuple(replace(old, **changes) if old.id == told.stay_id else old for old in depot.stays)  # type: ignore[arg-type]  # as they are named
                assert _count_by_class(replace(depot, stays=helped)) < _count_by_class(depot)


def _count_by_class(depot: PlanProblem) -> tuple[int, ...]:
    short = {told.stay_id for told in solved(depot).shortfalls}
    return tuple(sum(one.priority == priority for one in depot.stays if one.id in short) for priority in (2, 1))


@on_random_depots
@given(depots(most_stays=8), st.data())
def test_swapped_vehicles_leave_fewer_short(depot: PlanProblem, data: st.DataObject) -> None:
    for told in solved(depot).shortfalls:
        for one in told.remedies:
            if one.kind is KINDS.SWAP_VEHICLE and one.stay_id is not None:
                assert _count_by_class(_swapped(depot, told.stay_id, one.stay_id)) <= _count_by_class(depot)


def _swapped(depot: PlanProblem, one_id: uuid.UUID, other_id: uuid.UUID) -> PlanProblem:
    """The depot in which two vehicles have each other's run: they leave when the other would have, with what that needs, in its class."""
    by_id = {old.id: old for old in depot.stays}
    runs = {one_id: by_id[other_id], other_id: by_id[one_id]}

    def swapped(old: Stay) -> Stay:
        if old.id not in runs:
            return old
        run = runs[old.id]
        return replace(old, departs_at=run.departs_at, minimum_kwh=run.minimum_kwh, target_kwh=run.minimum_kwh, priority=run.priority)

    return replace(depot, stays=tuple(swapped(old) for old in depot.stays))
