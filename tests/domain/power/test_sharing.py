import uuid
from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampyard.domain.power import Demand, Node, Reason, Reserved, Share, explain, share_power
from tests.domain.power.cases import FEEDER_A, FEEDER_B, GRID, Case, cases, demand, evse, on_random_trees

STEP_KW = Decimal("0.1")


def share_case(case: Case, step_kw: float = 0.1) -> dict[uuid.UUID, Share]:
    return {share.evse_id: share for share in share_power(case.nodes, case.demands, case.reserved, step_kw=step_kw)}


def told(shares: Iterable[Share]) -> list[Share]:
    """Return who gets how much, why, and which node binds."""
    return [Share(*share[:4]) for share in shares]


def targets(shares: Iterable[Share]) -> list[float]:
    return [share.target_kw for share in shares]


# Worked examples


def test_all_get_what_they_want_where_it_fits() -> None:
    shares = share_power([Node(GRID, None, 33.0)], [demand(1, wanted_kw=11.0), demand(2, wanted_kw=22.0)])

    assert told(shares) == [Share(evse(1), 11.0, Reason.WANTED), Share(evse(2), 22.0, Reason.WANTED)]


def test_tree_is_shared_max_min_fairly() -> None:
    nodes = [Node(GRID, None, 100.0), Node(FEEDER_A, GRID, 50.0), Node(FEEDER_B, GRID, None)]
    on_a = [demand(number, FEEDER_A, wanted_kw=22.0) for number in (1, 2, 3)]
    on_b = [demand(number, FEEDER_B, wanted_kw=50.0) for number in (4, 5)]

    shares = share_power(nodes, [*on_a, *on_b])

    # Feeder A: 500 steps / 3 = 166 each, and the 2 left over go to who waits longest. Grid: 100 - 50 = 50, 25 each for B.
    assert told(shares) == [
        Share(evse(1), 16.7, Reason.LIMITED_BY_NODE, FEEDER_A),
        Share(evse(2), 16.7, Reason.LIMITED_BY_NODE, FEEDER_A),
        Share(evse(3), 16.6, Reason.LIMITED_BY_NODE, FEEDER_A),
        Share(evse(4), 25.0, Reason.LIMITED_BY_NODE, GRID),
        Share(evse(5), 25.0, Reason.LIMITED_BY_NODE, GRID),
    ]


def test_who_wants_little_leaves_the_rest_to_the_others() -> None:
    shares = share_power([Node(GRID, None, 30.0)], [demand(n, wanted_kw=kw) for n, kw in ((1, 22.0), (2, 4.0), (3, 22.0))])

    # 30 / 3 = 10 each; the 6 that EVSE 2 does not want are shared: (30 - 4) / 2 = 13.
    assert targets(shares) == [13.0, 4.0, 13.0]


def test_minima_are_admitted_in_waiting_order() -> None:
    shares = share_power([Node(GRID, None, 10.0)], [demand(n, wanted_kw=11.0, minimum_kw=4.14) for n in (3, 1, 2)])

    # A minimum of 4.14 is 4.2 in whole steps. 2 x 4.2 = 8.4 leave 1.6 < 4.2; so two share: 10 / 2 = 5.
    assert told(shares) == [
        Share(evse(1), 5.0, Reason.LIMITED_BY_NODE, GRID),
        Share(evse(2), 5.0, Reason.LIMITED_BY_NODE, GRID),
        Share(evse(3), 0.0, Reason.BELOW_MINIMUM, GRID),
    ]


def test_minimum_that_does_not_fit_is_passed_over() -> None:
    demands = [
        demand(1, wanted_kw=20.0, minimum_kw=6.0),
        demand(2, wanted_kw=20.0, minimum_kw=6.0),
        demand(3, wanted_kw=20.0, minimum_kw=2.0),
    ]

    shares = share_power([Node(GRID, None, 9.0)], demands)

    # 6 + 6 > 9, but 6 + 2 = 8; the 1 left lifts the lower one: 6 and 3.
    assert targets(shares) == [6.0, 0.0, 3.0]


def test_undivided_step_goes_to_the_longest_waiting_of_those_that_rise() -> None:
    demands = [demand(1, wanted_kw=20.0, minimum_kw=6.0), demand(2, wanted_kw=20.0), demand(3, wanted_kw=20.0)]

    shares = share_power([Node(GRID, None, 13.0)], demands, step_kw=1.0)

    # 13 - 6 = 7 are 3 each for EVSEs 2 and 3, and 1 more for EVSE 2: EVSE 1 stands at its minimum, above them.
    assert targets(shares) == [6.0, 4.0, 3.0]


def test_higher_class_is_served_first() -> None:
    demands = [
        demand(1, wanted_kw=11.0, minimum_kw=1.4),
        demand(2, wanted_kw=11.0, minimum_kw=1.4),
        demand(3, wanted_kw=22.0, minimum_kw=1.4, priority=2),
    ]

    shares = share_power([Node(GRID, None, 30.0)], demands)

    # EVSE 3 takes its 22; 30 - 22 = 8 are 4 each.
    assert told(shares) == [
        Share(evse(3), 22.0, Reason.WANTED),
        Share(evse(1), 4.0, Reason.LIMITED_BY_NODE, GRID),
        Share(evse(2), 4.0, Reason.LIMITED_BY_NODE, GRID),
    ]


def test_power_that_cannot_be_steered_is_taken_first() -> None:
    demands = [
        demand(1, wanted_kw=22.0),
        demand(2, online=False, current_kw=7.4, fallback_kw=4.2),
        demand(3, online=False, current_kw=0.0, fallback_kw=4.2),
    ]

    shares = share_power([Node(GRID, None, 30.0)], demands, [Reserved(GRID, 5.0)])

    # 30 - 5 - max(7.4, 4.2) - max(0, 4.2) = 13.4.
    assert told(shares) == [
        Share(evse(1), 13.4, Reason.LIMITED_BY_NODE, GRID),
        Share(evse(2), 7.4, Reason.OFFLINE),
        Share(evse(3), 4.2, Reason.OFFLINE),
    ]


def test_reservations_beyond_a_limit_leave_nothing_and_say_so() -> None:
    nodes = [Node(GRID, None, 10.0), Node(FEEDER_A, GRID, 4.0)]
    demands = [
        demand(1, FEEDER_A, wanted_kw=22.0, minimum_kw=4.2),
        demand(2, GRID, wanted_kw=22.0),
        demand(3, GRID, wanted_kw=0.0),
    ]

    shares = share_power(nodes, demands, [Reserved(GRID, 12.0)])

    assert told(shares) == [
        Share(evse(1), 0.0, Reason.RESERVED, GRID),
        Share(evse(2), 0.0, Reason.RESERVED, GRID),
        Share(evse(3), 0.0, Reason.WANTED),
    ]


def test_negative_reservation_widens_no_limit() -> None:
    assert targets(share_power([Node(GRID, None, 10.0)], [demand(1, wanted_kw=22.0)], [Reserved(GRID, -5.0)])) == [10.0]


def test_vehicle_that_tapers_below_its_minimum_keeps_its_minimum() -> None:
    assert targets(share_power([Node(GRID, None, 10.0)], [demand(1, wanted_kw=2.0, minimum_kw=4.2)])) == [4.2]


def test_limits_and_wishes_are_rounded_down_to_a_step() -> None:
    nodes = [Node(GRID, None, None), Node(FEEDER_A, GRID, 10.09), Node(FEEDER_B, GRID, 0.3)]

    shares = share_power(
        nodes, [demand(1, GRID, wanted_kw=11.04), demand(2, FEEDER_A, wanted_kw=22.0), demand(3, FEEDER_B, wanted_kw=22.0)]
    )

    # 0.3 / 0.1 is 2.99... in floats; it must still be three steps.
    assert targets(shares) == [11.0, 10.0, 0.3]


def test_step_must_be_positive() -> None:
    with pytest.raises(ValueError, match="The step is 0 kW; it must be more than 0"):
        share_power([], [], step_kw=0)


@pytest.mark.parametrize(
    ("share", "sentence"),
    [
        (Share(evse(1), 11.0, Reason.WANTED), "Gets all it can use: 11 kW."),
        (Share(evse(1), 7.4, Reason.LIMITED_BY_NODE, FEEDER_A), "Gets 7.4 kW, its share of what Feeder A can supply."),
        (
            Share(evse(1), 0.0, Reason.BELOW_MINIMUM, FEEDER_A),
            "Waits: Feeder A has less left than the least power this vehicle can charge with.",
        ),
        (
            Share(evse(1), 0.0, Reason.RESERVED, GRID),
            f"Waits: all that power node {GRID} can supply is reserved for loads that cannot be controlled now.",
        ),
        (Share(evse(1), 4.2, Reason.OFFLINE), "Offline: 4.2 kW stay reserved, the most it may draw."),
    ],
)
def test_every_reason_is_explained(share: Share, sentence: str) -> None:
    assert explain(share, {FEEDER_A: "Feeder A"}) == sentence


# Properties


def filled_step_by_step(case: Case, step_kw: Decimal) -> dict[uuid.UUID, Decimal]:
    """The definition, followed literally: one step at a time to each in turn, as long as every ancestor has it."""
    room = case.room_kw()
    got: dict[uuid.UUID, Decimal] = {}

    def took(d: Demand, kw: Decimal) -> bool:
        above = [node.id for node in case.path(d.node_id) if node.id in room]
        if any(room[node_id] < kw for node_id in above):
            return False
        for node_id in above:
            room[node_id] -= kw
        got[d.evse_id] = got.get(d.evse_id, Decimal(0)) + kw
        return True

    def whole(kw: float, rounding: str) -> Decimal:
        return (Decimal(str(kw)) / step_kw).to_integral_value(rounding) * step_kw

    online = [d for d in case.demands if d.online and d.wanted_kw > 0]
    for priority in sorted({d.priority for d in online}, reverse=True):
        waiting = sorted((d for d in online if d.priority == priority), key=lambda d: (d.since, d.evse_id))
        rising = [d for d in waiting if took(d, whole(d.minimum_kw, ROUND_CEILING))]
        level = Decimal(0)
        while rising:
            level += step_kw
            rising = [d for d in rising if level <= whole(d.wanted_kw, ROUND_FLOOR) and (got[d.evse_id] >= level or took(d, step_kw))]
    return {d.evse_id: got.get(d.evse_id, Decimal(0)) for d in case.demands if d.online}


@settings(on_random_trees, max_examples=200)
@given(cases(), st.sampled_from([0.5, 1.0, 1.4]))
def test_shares_are_those_of_filling_step_by_step(case: Case, step_kw: float) -> None:
    shares = share_case(case, step_kw)

    expected = filled_step_by_step(case, Decimal(str(step_kw)))
    assert {evse_id: Decimal(str(share.target_kw)) for evse_id, share in shares.items() if share.reason is not Reason.OFFLINE} == expected


@on_random_trees
@given(cases())
def test_no_node_is_exceeded(case: Case) -> None:
    left = case.left_kw({evse_id: share.target_kw for evse_id, share in share_case(case).items()})

    assert all(kw >= 0 for kw in left.values()), left


@on_random_trees
@given(cases())
def test_every_target_is_zero_or_chargeable_and_not_above_what_is_wanted(case: Case) -> None:
    shares = share_case(case)

    for d in case.demands:
        target_kw = shares[d.evse_id].target_kw
        assert not d.online or target_kw == 0 or d.minimum_kw <= target_kw
        assert not d.online or target_kw <= d.wanted_kw or (d.wanted_kw > 0 and target_kw - d.minimum_kw < 0.1)


@on_random_trees
@given(cases())
def test_who_gets_less_than_wanted_is_below_a_node_that_has_no_more(case: Case) -> None:
    shares = share_case(case)
    left = case.left_kw({evse_id: share.target_kw for evse_id, share in shares.items()})

    for d in case.demands:
        share = shares[d.evse_id]
        if share.reason in {Reason.WANTED, Reason.MINIMUM, Reason.OFFLINE}:
            assert share.binding_node_id is None
            assert share.reason is Reason.OFFLINE or Decimal(str(share.target_kw)) > Decimal(str(d.wanted_kw)) - STEP_KW
        else:
            assert share.binding_node_id in {node.id for node in case.path(d.node_id)}
            needed_kw = Decimal(str(d.minimum_kw)) if share.reason is Reason.BELOW_MINIMUM else Decimal(0)
            assert left[share.binding_node_id] < max(STEP_KW, needed_kw.quantize(STEP_KW, ROUND_CEILING))


@on_random_trees
@given(cases(), st.integers())
def test_order_of_input_changes_nothing(case: Case, seed: int) -> None:
    mixed = case.shuffled(seed)

    assert share_power(mixed.nodes, mixed.demands, mixed.reserved) == share_power(case.nodes, case.demands, case.reserved)


@on_random_trees
@given(cases(), st.integers(0, 2), st.data())
def test_higher_class_does_not_depend_on_lower_ones(case: Case, priority: int, data: st.DataObject) -> None:
    kept = [d for d in case.demands if d.priority >= priority or not d.online or data.draw(st.booleans())]
    fewer = share_case(replace(case, demands=kept))

    all_shares = share_case(case)
    for d in kept:
        if d.priority >= priority:
            assert fewer[d.evse_id] == all_shares[d.evse_id]


@on_random_trees
@given(cases(), st.data())
def test_higher_priority_never_lowers_the_own_target(case: Case, data: st.DataObject) -> None:
    if not case.demands:
        return
    favoured = data.draw(st.sampled_from(case.demands))
    demands = [replace(d, priority=d.priority + data.draw(st.integers(1, 3))) if d is favoured else d for d in case.demands]

    before, after = share_case(case), share_case(replace(case, demands=demands))

    assert after[favoured.evse_id].target_kw >= before[favoured.evse_id].target_kw


@on_random_trees
@given(cases())
def test_limits_in_force_do_not_feed_back(case: Case) -> None:
    shares = share_case(case)
    applied = [replace(d, current_kw=shares[d.evse_id].target_kw) for d in case.demands]

    assert share_case(replace(case, demands=applied)) == shares
