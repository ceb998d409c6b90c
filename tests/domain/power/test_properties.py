"""What holds of every now step, on random depots with everything that it knows of."""

import random
import uuid
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ampyard.domain.power import Demand, Reason, Share, share_power
from tests.domain.power.cases import Case, on_random_trees
from tests.domain.power.wired import overloads, powers_of, random_case, set_points_of, simplified, wired_cases

STEP_KW = 0.1
_HAIR_KW = 1e-5
often = settings(on_random_trees, max_examples=150)


def share_case(case: Case, step_kw: float = STEP_KW) -> dict[uuid.UUID, Share]:
    return {share.evse_id: share for share in share_power(case.nodes, case.demands, case.reserved, step_kw=step_kw)}


def ability_kw(d: Demand) -> float:
    """What it wants now: the least of what it can take, its plan and its ramp."""
    planned = d.wanted_kw if d.planned_kw is None or d.urgency >= 1 else d.planned_kw
    ramped = d.wanted_kw if d.ramp_kw is None else d.current_kw + d.ramp_kw
    return min(d.wanted_kw, planned, ramped) if planned > 0 else 0.0


@often
@given(wired_cases())
def test_no_limit_is_exceeded_on_any_node_and_line(case: Case) -> None:
    assert overloads(case, {evse_id: share.target_kw for evse_id, share in share_case(case).items()}) == []


@often
@given(wired_cases())
def test_every_target_is_a_set_point_from_the_minimum_to_what_is_wanted(case: Case) -> None:
    shares = share_case(case)

    for d in case.demands:
        target_kw = shares[d.evse_id].target_kw
        if d.online and target_kw > 0:
            chargeable = [kw for kw in set_points_of(d, 60.0, STEP_KW) if kw >= d.minimum_kw - _HAIR_KW]
            assert min(abs(kw - target_kw) for kw in chargeable) < _HAIR_KW
            assert target_kw <= max(ability_kw(d), chargeable[0]) + _HAIR_KW
            assert ability_kw(d) > 0


@often
@given(wired_cases())
def test_no_power_is_left_while_somebody_wants_it(case: Case) -> None:
    """Nobody could have the next set-point that it wants, or start with its minimum, without overloading something."""
    shares = share_case(case)
    power_kw = {evse_id: share.target_kw for evse_id, share in shares.items()}

    for d in case.demands:
        had_kw = power_kw[d.evse_id]
        points = [kw for kw in set_points_of(d, ability_kw(d), STEP_KW) if kw > had_kw + _HAIR_KW and kw >= d.minimum_kw - _HAIR_KW]
        if d.online and points and ability_kw(d) > 0:
            assert overloads(case, power_kw | {d.evse_id: points[0] + 2e-6}), (d, had_kw, points[0])
            assert shares[d.evse_id].binding_node_id in {node.id for node in case.path(d.node_id)}


@often
@given(wired_cases(), st.integers())
def test_order_of_input_changes_nothing(case: Case, seed: int) -> None:
    mixed = case.shuffled(seed)

    assert share_power(mixed.nodes, mixed.demands, mixed.reserved) == share_power(case.nodes, case.demands, case.reserved)


@often
@given(wired_cases(), st.data())
def test_a_higher_priority_never_lowers_the_own_target(case: Case, data: st.DataObject) -> None:
    case = simplified(case, steps=None)
    if not case.demands:
        return
    favoured = data.draw(st.sampled_from(case.demands))
    demands = [replace(d, priority=d.priority + data.draw(st.integers(1, 3))) if d is favoured else d for d in case.demands]

    before, after = share_case(case, 1e-6), share_case(replace(case, demands=demands), 1e-6)

    assert after[favoured.evse_id].target_kw >= before[favoured.evse_id].target_kw - _HAIR_KW


def raised(case: Case, data: st.DataObject) -> Case:
    """Return the case with one limit raised."""
    chosen = data.draw(st.integers(0, len(case.nodes) - 1))
    nodes = list(case.nodes)
    node = nodes[chosen]
    by = data.draw(st.integers(1, 40))
    limit_a = None
    if node.limit_a is not None:
        first, second, third = _each_line(node.limit_a)
        limit_a = (first + by, second + by, third + by)
    nodes[chosen] = replace(node, limit_kw=None if node.limit_kw is None else node.limit_kw + by, limit_a=limit_a)
    return replace(case, nodes=nodes)


def _each_line(limit_a: float | tuple[float, float, float]) -> tuple[float, float, float]:
    return limit_a if isinstance(limit_a, tuple) else (limit_a, limit_a, limit_a)


@often
@given(wired_cases(), st.data())
def test_a_higher_limit_helps_who_is_served_first(case: Case, data: st.DataObject) -> None:
    """Of all that differs, what is first in order is better: who is on of the highest class that differs, then the lowest level there."""
    case = simplified(case, steps=None, minimum_kw=0.0)
    before, after = share_case(case, 1e-6), share_case(raised(case, data), 1e-6)

    for priority in (2, 1, 0):
        for is_urgent in (True, False):
            members = [d for d in case.demands if d.online and d.priority == priority and (d.urgency >= 1) is is_urgent]
            levels_before = sorted(before[d.evse_id].target_kw / d.weight for d in members)
            levels_after = sorted(after[d.evse_id].target_kw / d.weight for d in members)
            for low, high in zip(levels_before, levels_after, strict=True):
                assert high >= low - _HAIR_KW
                if high > low + _HAIR_KW:
                    return


@often
@given(wired_cases(), st.data())
def test_a_higher_limit_admits_in_order_of_rank(case: Case, data: st.DataObject) -> None:
    """In the highest class: the first, by rank, whose admission differs is on with the higher limit."""
    case = simplified(case, priority=0)
    before, after = share_case(case), share_case(raised(case, data))

    ranked = sorted((share for share in before.values() if share.rank), key=lambda share: share.rank)
    waits = {Reason.BELOW_MINIMUM, Reason.RESERVED}
    on_before = [share.reason not in waits for share in ranked]
    on_after = [after[share.evse_id].reason not in waits for share in ranked]
    assert on_after >= on_before


@settings(on_random_trees, max_examples=4)
@given(st.integers(0, 2**32), st.sampled_from([200, 500]))
def test_all_of_it_holds_for_many(seed: int, count: int) -> None:
    draw = random.Random(seed)
    case = random_case(draw, count, fan_out=4)
    shares = share_power(case.nodes, case.demands, case.reserved)

    assert overloads(case, powers_of(shares)) == []
    mixed = case.shuffled(seed)
    assert share_power(mixed.nodes, mixed.demands, mixed.reserved) == shares
