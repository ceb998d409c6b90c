import uuid
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.power import Node, Reason, Reserved, SetPoint, Share, share_power, stage
from tests.domain.power.cases import FEEDER_A, GRID, Case, cases, demand, evse, kilowatts, on_random_trees

STEP_KW = 0.1


def to(number: int, target_kw: float) -> Share:
    return Share(evse(number), target_kw, Reason.WANTED)


# Worked examples


def test_raise_waits_for_the_reduction_it_needs() -> None:
    nodes, shares = [Node(GRID, None, 20.0)], [to(1, 10.0), to(2, 10.0)]

    first = stage(nodes, [demand(1, current_kw=20.0), demand(2, current_kw=0.0)], shares)
    second = stage(nodes, [demand(1, current_kw=10.0), demand(2, current_kw=0.0)], shares)
    third = stage(nodes, [demand(1, current_kw=10.0), demand(2, current_kw=10.0)], shares)

    assert first == [SetPoint(evse(1), 10.0)]
    assert second == [SetPoint(evse(2), 10.0)]
    assert third == []


def test_raise_takes_the_room_there_is_and_reductions_come_first() -> None:
    nodes, shares = [Node(GRID, None, 20.0)], [to(1, 10.0), to(2, 10.0)]

    first = stage(nodes, [demand(1, current_kw=5.0), demand(2, current_kw=12.0)], shares)
    second = stage(nodes, [demand(1, current_kw=8.0), demand(2, current_kw=10.0)], shares)

    # 20 - 12 - 5 = 3 are free at first: 5 + 3 = 8. Then 20 - 10 - 8 = 2: the rest.
    assert first == [SetPoint(evse(2), 10.0), SetPoint(evse(1), 8.0)]
    assert second == [SetPoint(evse(1), 10.0)]


def test_room_goes_by_priority() -> None:
    demands = [demand(1, current_kw=14.0), demand(2, priority=1), demand(3, priority=2)]

    sent = stage([Node(GRID, None, 20.0)], demands, [to(1, 4.0), to(2, 8.0), to(3, 8.0)])

    assert sent == [SetPoint(evse(1), 4.0), SetPoint(evse(3), 6.0)]


def test_raise_that_cannot_start_its_vehicle_leaves_the_room_to_others() -> None:
    demands = [demand(1, current_kw=17.0), demand(2, minimum_kw=4.2), demand(3, current_kw=0.0)]

    sent = stage([Node(GRID, None, 20.0)], demands, [to(1, 5.0), to(2, 5.0), to(3, 5.0)])

    assert sent == [SetPoint(evse(1), 5.0), SetPoint(evse(3), 3.0)]


def test_raise_cut_to_less_than_the_least_change_waits() -> None:
    nodes, shares = [Node(GRID, None, 20.0)], [to(1, 10.0), to(2, 10.0)]

    # 20 - 14.6 - 5 = 0.4 are free.
    assert stage(nodes, [demand(1, current_kw=14.6), demand(2, current_kw=5.0)], shares) == [SetPoint(evse(1), 10.0)]


def test_every_ancestor_limits_a_raise() -> None:
    nodes = [Node(GRID, None, 20.0), Node(FEEDER_A, GRID, 50.0)]

    sent = stage(nodes, [demand(1, current_kw=15.0), demand(2, FEEDER_A)], [to(1, 10.0), to(2, 10.0)])

    assert sent == [SetPoint(evse(1), 10.0), SetPoint(evse(2), 5.0)]


def test_limit_cut_sends_all_reductions_at_once_and_no_raise() -> None:
    nodes = [Node(GRID, None, 15.0)]
    demands = [demand(n, wanted_kw=10.0, current_kw=kw) for n, kw in ((1, 10.0), (2, 10.0), (3, 2.0))]

    sent = stage(nodes, demands, share_power(nodes, demands))

    # 15 / 3 = 5 each; 10 + 10 + 2 = 22 may be in force, so that nothing is free for EVSE 3.
    assert sent == [SetPoint(evse(1), 5.0), SetPoint(evse(2), 5.0)]


def test_who_is_to_be_raised_is_not_lowered_while_others_still_exceed_a_limit() -> None:
    demands = [demand(1, current_kw=18.0), demand(2, current_kw=8.0)]

    assert stage([Node(GRID, None, 20.0)], demands, [to(1, 8.0), to(2, 12.0)]) == [SetPoint(evse(1), 8.0)]


@pytest.mark.parametrize(
    ("current_kw", "target_kw", "sent_kw"),
    [
        (10.0, 10.4, None),
        (10.0, 10.5, 10.5),
        (10.0, 9.6, None),
        (10.0, 9.5, 9.5),
        (50.0, 50.9, None),  # 2 % of 50 are 1
        (50.0, 51.0, 51.0),
        (4.1, 4.2, 4.2),  # starts the vehicle
        (4.2, 0.0, 0.0),  # stops it
    ],
)
def test_small_changes_are_sent_only_if_they_start_or_stop_a_vehicle(current_kw: float, target_kw: float, sent_kw: float | None) -> None:
    sent = stage([Node(GRID, None, 100.0)], [demand(1, current_kw=current_kw, minimum_kw=4.2)], [to(1, target_kw)])

    assert sent == ([] if sent_kw is None else [SetPoint(evse(1), sent_kw)])


def test_least_change_can_be_given() -> None:
    demands, shares = [demand(1, current_kw=10.0)], [to(1, 10.1)]

    assert stage([Node(GRID, None, 20.0)], demands, shares, min_change_kw=0.1) == [SetPoint(evse(1), 10.1)]
    assert stage([Node(GRID, None, 20.0)], demands, shares, min_change_kw=0.2) == []


def test_small_reduction_is_sent_when_a_node_needs_it() -> None:
    demands = [demand(1, current_kw=10.3), demand(2, current_kw=9.7)]

    # 10.3 + 9.7 = 20 fit into 20, but not into 19.8.
    assert stage([Node(GRID, None, 20.0)], demands, [to(1, 10.0), to(2, 10.0)]) == []
    assert stage([Node(GRID, None, 19.8)], demands, [to(1, 9.9), to(2, 9.9)]) == [SetPoint(evse(1), 9.9)]


def test_offline_charger_gets_no_message_and_keeps_its_room() -> None:
    demands = [demand(1, online=False, current_kw=5.0, fallback_kw=7.0), demand(2)]

    assert stage([Node(GRID, None, 20.0)], demands, [to(2, 20.0)], [Reserved(GRID, 3.0)]) == [SetPoint(evse(2), 10.0)]


def test_reservations_beyond_a_limit_stop_everybody_below() -> None:
    nodes, demands, reserved = [Node(GRID, None, 10.0)], [demand(1, wanted_kw=8.0, current_kw=0.3)], [Reserved(GRID, 11.0)]

    assert stage(nodes, demands, share_power(nodes, demands, reserved), reserved) == [SetPoint(evse(1), 0.0)]


# Properties


class Fleet:
    """Chargers that may or may not receive and answer: for each EVSE, every limit that may be in force there."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.possible_kw = {d.evse_id: {d.current_kw} for d in case.demands}

    def set_wishes(self, wanted_kw: Mapping[uuid.UUID, float]) -> None:
        self.case = replace(self.case, demands=[replace(d, wanted_kw=wanted_kw[d.evse_id]) for d in self.case.demands])

    def tick(self, min_change_kw: float | None) -> list[SetPoint]:
        """Share and stage; all that was sent may now be in force, and all that was before still may."""
        case = self.case = self._with_highest_in_force()
        shares = share_power(case.nodes, case.demands, case.reserved)
        sent = stage(case.nodes, case.demands, shares, case.reserved, min_change_kw=min_change_kw)
        for set_point in sent:
            self.possible_kw[set_point.evse_id].add(set_point.limit_kw)
        self.check()
        return sent

    def confirm(self, set_point: SetPoint) -> None:
        self.possible_kw[set_point.evse_id] = {set_point.limit_kw}

    def check(self) -> None:
        left = self.case.left_kw({evse_id: max(limits) for evse_id, limits in self.possible_kw.items()})
        assert all(kw >= 0 for kw in left.values()), left

    def _with_highest_in_force(self) -> Case:
        return replace(self.case, demands=[replace(d, current_kw=max(self.possible_kw[d.evse_id])) for d in self.case.demands])


@st.composite
def safe_fleets(draw: st.DrawFn) -> Fleet:
    """Chargers somewhere at or below the shares of some earlier wishes; so no node is exceeded."""
    case = draw(cases(max_evses=12))
    shares = {share.evse_id: share.target_kw for share in share_power(case.nodes, case.demands, case.reserved)}
    part = st.sampled_from([0.0, 0.37, 1.0])
    demands = [replace(d, current_kw=round(shares[d.evse_id] * draw(part), 2)) if d.online else d for d in case.demands]
    fleet = Fleet(replace(case, demands=demands))
    fleet.check()
    return fleet


least_changes = st.sampled_from([None, 0.0, 2.0])


@on_random_trees
@given(safe_fleets(), least_changes, st.data())
def test_no_node_is_exceeded_whichever_messages_arrive_and_all_targets_are_reached_in_the_end(
    fleet: Fleet, min_change_kw: float | None, data: st.DataObject
) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        fleet.set_wishes({d.evse_id: data.draw(kilowatts(50)) for d in fleet.case.demands})
        for set_point in fleet.tick(min_change_kw):
            if data.draw(st.booleans()):
                fleet.confirm(set_point)
        fleet.check()

    rounds = 0
    while sent := fleet.tick(min_change_kw):
        rounds += 1
        for set_point in sent:
            fleet.confirm(set_point)

    assert rounds <= 2
    case = fleet.case
    shares = {share.evse_id: share.target_kw for share in share_power(case.nodes, case.demands, case.reserved)}
    for d in case.demands:
        least_kw = max(0.5, d.current_kw / 50) if min_change_kw is None else min_change_kw
        assert not d.online or abs(shares[d.evse_id] - d.current_kw) < least_kw + STEP_KW


@on_random_trees
@given(cases(max_evses=12), least_changes, st.lists(kilowatts(1), min_size=1, max_size=8))
def test_creeping_limit_cuts_never_leave_more_in_force_than_the_limits(
    case: Case, min_change_kw: float | None, cuts_kw: list[float]
) -> None:
    fleet = Fleet(replace(case, demands=[replace(d, current_kw=0.0) for d in case.demands]))
    for cut_kw in [0.0, *cuts_kw]:
        lowered = [n if n.limit_kw is None else replace(n, limit_kw=round(max(0.0, n.limit_kw - cut_kw), 2)) for n in fleet.case.nodes]
        fleet.case = replace(fleet.case, nodes=lowered)
        for d in case.demands:
            fleet.possible_kw[d.evse_id] = {max(fleet.possible_kw[d.evse_id])}
        demands = [replace(d, current_kw=max(fleet.possible_kw[d.evse_id])) for d in fleet.case.demands]
        shares = share_power(lowered, demands, case.reserved)
        for set_point in stage(lowered, demands, shares, case.reserved, min_change_kw=min_change_kw):
            fleet.confirm(set_point)
        fleet.check()


@on_random_trees
@given(cases(), least_changes)
def test_reductions_go_out_at_once_and_first_and_nothing_is_raised_without_room(case: Case, min_change_kw: float | None) -> None:
    """The limits in force are arbitrary here, so nodes may be exceeded already, as after a limit cut."""
    shares = {share.evse_id: share for share in share_power(case.nodes, case.demands, case.reserved)}
    in_force_kw = {d.evse_id: d.current_kw for d in case.demands}

    sent = stage(case.nodes, case.demands, shares.values(), case.reserved, min_change_kw=min_change_kw)

    is_raise = [set_point.limit_kw > in_force_kw[set_point.evse_id] for set_point in sent]
    assert is_raise == sorted(is_raise)
    after_kw = in_force_kw | {set_point.evse_id: set_point.limit_kw for set_point in sent}
    assert all(kw >= 0 for kw in case.left_kw({k: min(v, after_kw[k]) for k, v in in_force_kw.items()}).values())
    left = case.left_kw({evse_id: max(kw, after_kw[evse_id]) for evse_id, kw in in_force_kw.items()})
    for set_point, raised in zip(sent, is_raise, strict=True):
        if raised:
            node_id = next(d.node_id for d in case.demands if d.evse_id == set_point.evse_id)
            assert all(left[node.id] >= 0 for node in case.path(node_id) if node.id in left)
        else:
            assert set_point.limit_kw == shares[set_point.evse_id].target_kw


@on_random_trees
@given(cases(), st.integers())
def test_order_of_input_changes_nothing(case: Case, seed: int) -> None:
    mixed, shares = case.shuffled(seed), share_power(case.nodes, case.demands, case.reserved)

    sent = stage(mixed.nodes, mixed.demands, shares[::-1], mixed.reserved)

    assert sent == stage(case.nodes, case.demands, shares, case.reserved)
