"""How urgent a vehicle is, and what comes of it inside a class."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.power import Node, share_power
from ampyard.domain.power.urgency import urgency
from tests.domain.power.cases import GRID, demand, on_random_trees

energies = st.floats(0, 1e4, allow_nan=False)


@pytest.mark.parametrize(
    ("needed_kwh", "could_take_kwh", "expected"),
    [
        (10.0, 40.0, 0.25),
        (40.0, 40.0, 1.0),
        (60.0, 40.0, 1.5),
        (0.0, 40.0, 0.0),
        (-3.0, 40.0, 0.0),
        (0.0, 0.0, 0.0),
        (5.0, 0.0, 10.0),
        (5.0, 0.1, 10.0),
    ],
)
def test_it_is_what_is_needed_of_what_could_be_taken(needed_kwh: float, could_take_kwh: float, expected: float) -> None:
    assert urgency(needed_kwh, could_take_kwh) == expected


@given(energies, energies, energies)
def test_it_grows_with_what_is_needed_and_shrinks_with_what_could_be_taken(needed: float, could_take: float, more: float) -> None:
    assert 0 <= urgency(needed, could_take) <= urgency(needed + more, could_take) <= 10
    assert urgency(needed, could_take + more) <= urgency(needed, could_take)


def test_who_must_charge_with_all_it_can_does_and_the_others_share_what_is_left() -> None:
    nodes = [Node(GRID, None, 30.0)]
    urgent = replace(demand(3, wanted_kw=22.0), urgency=urgency(22.0, 22.0))
    shares = share_power(nodes, [demand(1, wanted_kw=22.0), demand(2, wanted_kw=22.0), urgent])
    assert {share.evse_id.int - 100: share.target_kw for share in shares} == {1: 4.0, 2: 4.0, 3: 22.0}


@on_random_trees
@given(st.lists(st.tuples(st.integers(1, 22), st.floats(0, 2)), min_size=2, max_size=12), st.integers(5, 80), st.floats(0, 2))
def test_being_more_urgent_never_gives_less(wishes: list[tuple[int, float]], limit_kw: int, more: float) -> None:
    nodes = [Node(GRID, None, float(limit_kw))]
    demands = [replace(demand(number, wanted_kw=kw, minimum_kw=min(kw, 4.0)), urgency=urgent) for number, (kw, urgent) in enumerate(wishes)]
    before = {share.evse_id: share.target_kw for share in share_power(nodes, demands)}
    raised = replace(demands[0], urgency=demands[0].urgency + more)
    after = {share.evse_id: share.target_kw for share in share_power(nodes, [raised, *demands[1:]])}
    assert after[raised.evse_id] >= before[raised.evse_id] - 0.1 - 1e-9  # a step that cannot be divided may go to another
