"""Limits of lines in a plan, held against complex phasors and against the same depot as one of power alone."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.planning import Plan, PlanNode, PlanProblem, PlanStatus, RemedyKind, ShortfallCause, solve
from ampyard.domain.power import Lines
from tests.domain.planning.cases import FEEDER_A, GRID, depots, lacking, node, on_random_depots, power, problem, stay
from tests.domain.power.wired import VOLTAGE_V, phasors_a


def solved(given_: PlanProblem) -> Plan:
    plan = solve(given_, time_limit_s=20.0)
    assert plan.status is PlanStatus.OPTIMAL
    return plan


def on_lines(given_: PlanProblem, kw: Sequence[float | None], node_id: uuid.UUID = GRID) -> PlanProblem:
    """The depot with a limit of so many kW on L1, L2 and L3 of a node."""
    lines = tuple((one,) * len(given_.slots) for one in kw)
    return replace(given_, nodes=tuple(replace(old, line_limits_kw=lines) if old.id == node_id else old for old in given_.nodes))


def at_most(given_: PlanProblem, kw: float) -> PlanProblem:
    """The depot with a limit of power of feeder A, where it has no lower one."""
    limits = {old.id: tuple(kw if limit is None else min(kw, limit) for limit in old.limits_kw) for old in given_.nodes}
    return replace(given_, nodes=tuple(replace(old, limits_kw=limits[old.id]) if old.id == FEEDER_A else old for old in given_.nodes))


def raised(given_: PlanProblem, node_id: uuid.UUID | None, kw: float) -> PlanProblem:
    """The depot with a node of more kW, a third of it on each line."""

    def more(limits: tuple[float | None, ...], by_kw: float) -> tuple[float | None, ...]:
        return tuple(None if limit is None else limit + by_kw for limit in limits)

    def of_node(old: PlanNode) -> PlanNode:
        lines = tuple(more(limits, kw / 3) for limits in old.line_limits_kw)
        return replace(old, limits_kw=more(old.limits_kw, kw), line_limits_kw=lines)

    return replace(given_, nodes=tuple(of_node(old) if old.id == node_id else old for old in given_.nodes))


def most_kw(given_: PlanProblem, plan: Plan, slot: int) -> list[float]:
    """What flows at most on each line of the grid connection in a slot, by phasors, as power between it and neutral."""
    known, beside = [0j, 0j, 0j], 0.0
    for one in given_.stays:
        currents, unknown = phasors_a(one.lines, plan.stays[one.id].power_kw[slot])
        known, beside = [a + b for a, b in zip(known, currents, strict=True)], beside + unknown
    return [(abs(current) + beside) * VOLTAGE_V / 1000 for current in known]


def test_two_on_one_line_share_it_and_one_on_another_does_not() -> None:
    three = problem(
        [stay(1, minimum=16.0, lines=Lines.L1), stay(2, minimum=12.0, lines=Lines.L1), stay(3, minimum=27.0, lines=Lines.L2)], kw=None
    )
    assert len(solved(on_lines(three, (6.9, 6.9, 6.9))).shortfalls) == 1
    assert solved(on_lines(three, (7.0, 7.0, 7.0))).shortfalls == ()


def test_who_is_on_a_line_that_nobody_knows_counts_on_each() -> None:
    both = problem([stay(1, minimum=20.0, lines=Lines.ONE_UNKNOWN), stay(2, minimum=8.0, lines=Lines.L3)], kw=None)
    assert solved(on_lines(both, (None, None, 7.0))).shortfalls == ()
    assert sorted(lacking(both, solved(on_lines(both, (None, None, 6.5)))).values()) == pytest.approx([0.0, 2.0])


def test_a_load_between_two_lines_is_weighed_as_a_phasor() -> None:
    both = problem([stay(1, minimum=40.0, lines=Lines.L1_TO_L2), stay(2, minimum=40.0, lines=Lines.L3_TO_L1)], kw=None)
    # In L1 both of 10 kW make 10 kW: in phase with it. In a sum of magnitudes they would make 11.55.
    assert solved(on_lines(both, (10.2, 10.2, 10.2))).shortfalls == ()
    assert solved(on_lines(both, (9.9, 10.2, 10.2))).shortfalls != ()


def test_vehicles_spread_evenly_need_no_rows_of_their_own() -> None:
    both = problem([stay(1, minimum=30.0), stay(2, minimum=10.0)], kw=None)
    assert solved(on_lines(both, (4.0, 3.0, 3.4))).peak_kw == 9.0
    assert solved(on_lines(both, (4.0, 3.4, 3.4))).shortfalls == ()


def test_a_full_line_is_named_by_its_node_and_a_raise_is_a_third_on_each() -> None:
    short = on_lines(problem([stay(1, minimum=30.0, lines=Lines.L1)], kw=20.0), (5.0, 9.0, 9.0))
    (told,) = solved(short).shortfalls
    assert (told.cause, told.node_id) == (ShortfallCause.NODE, GRID)
    remedy = next(one for one in told.remedies if one.kind is RemedyKind.RAISE_LIMIT)
    assert remedy.kw == pytest.approx(7.5)
    assert solved(on_lines(short, (5.0 + 2.5, 9.0, 9.0))).shortfalls == ()
    assert solved(on_lines(short, (5.0 + 2.4, 9.0, 9.0))).shortfalls != ()


def test_lines_of_an_odd_length_are_refused() -> None:
    with pytest.raises(ValueError, match="lines of power node"):
        solve(replace(problem([stay(1)]), nodes=(replace(node(GRID, 10.0, 4), line_limits_kw=((1.0,) * 4,)),)), time_limit_s=1.0)


@on_random_depots
@given(depots(priced=True, chained=True), st.integers(0, 2**32))
def test_no_line_is_ever_planned_above_its_limit(depot: PlanProblem, seed: int) -> None:
    draw = random.Random(seed)
    stays = tuple(replace(one, lines=draw.choice(tuple(Lines))) for one in depot.stays)
    limits = [draw.choice((None, 0.0, draw.uniform(0, 20))) for _ in range(3)]
    wired = on_lines(replace(depot, stays=stays), limits)
    plan = solved(wired)
    for slot in range(len(plan.slots)):
        for line, limit in zip(most_kw(wired, plan, slot) if stays else [], limits, strict=bool(stays)):
            assert line <= (float("inf") if limit is None else limit) + 1e-4


@on_random_depots
@given(depots(priced=False, chained=True), st.integers(1, 15))
def test_a_limit_of_lines_is_one_of_power_for_whom_they_are_alike(depot: PlanProblem, third_kw: int) -> None:
    lines, alike = on_lines(depot, (third_kw,) * 3, FEEDER_A), at_most(depot, 3.0 * third_kw)
    assert [solved(lines).stays[one.id].power_kw for one in depot.stays] == [solved(alike).stays[one.id].power_kw for one in depot.stays]


@on_random_depots
@given(depots(priced=False), st.sampled_from((Lines.L1, Lines.ONE_UNKNOWN)), st.integers(1, 15))
def test_a_line_on_which_all_are_is_a_limit_of_power(depot: PlanProblem, wiring: Lines, line_kw: int) -> None:
    stays = tuple(replace(one, lines=wiring) for one in depot.stays)
    of_line = solved(on_lines(replace(depot, stays=stays), (line_kw, None, None), FEEDER_A))
    of_power = solved(at_most(replace(depot, stays=stays), line_kw))
    assert len(of_line.shortfalls) == len(of_power.shortfalls)
    lacks = [sum(lacking(depot, plan).values()) for plan in (of_line, of_power)]
    assert lacks[0] == pytest.approx(lacks[1], abs=1e-3)


@on_random_depots
@given(depots(most_stays=8, priced=False), st.integers(0, 2**32))
def test_a_raise_as_told_removes_the_shortfall(depot: PlanProblem, seed: int) -> None:
    draw = random.Random(seed)
    stays = tuple(replace(one, lines=draw.choice((Lines.L1, Lines.L2, Lines.L1_L2_L3, Lines.L1_TO_L2))) for one in depot.stays)
    wired = on_lines(replace(depot, stays=stays), (draw.uniform(1, 10),) * 3)
    for told in solved(wired).shortfalls:
        for one in told.remedies:
            if one.kind is RemedyKind.RAISE_LIMIT:
                assert one.kw is not None
                assert told.stay_id not in {still.stay_id for still in solved(raised(wired, one.node_id, one.kw)).shortfalls}


def test_the_power_of_a_plan_on_one_line() -> None:
    plan = solved(on_lines(problem([stay(1, minimum=20.0, lines=Lines.L1)], kw=None), (6.0, None, None)))
    assert power(plan, 1) == (6, 6, 6, 2)
