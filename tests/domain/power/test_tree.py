import math
import uuid

import pytest

from ampyard.domain.power import FallbackExcess, Node, Reserved, fallback_excess, paths_to_root, share_power
from tests.domain.power.cases import FEEDER_A, FEEDER_B, GRID, demand

STRANGER = uuid.UUID(int=99)


def test_path_leads_from_the_node_to_its_root() -> None:
    grid, feeder, panel = Node(GRID, None, 100.0), Node(FEEDER_A, GRID, None), Node(FEEDER_B, FEEDER_A, 20.0)

    paths = paths_to_root([panel, grid, feeder])

    assert paths == {GRID: (grid,), FEEDER_A: (feeder, grid), FEEDER_B: (panel, feeder, grid)}


def test_unknown_parent_is_named() -> None:
    with pytest.raises(ValueError, match=f"{FEEDER_A} has the unknown parent {STRANGER}; name a node of the same tree"):
        paths_to_root([Node(GRID, None, 100.0), Node(FEEDER_A, STRANGER, 50.0)])


def test_circle_is_named() -> None:
    with pytest.raises(ValueError, match=f"{FEEDER_A} is its own ancestor; a node of this circle needs a parent outside it, or None"):
        paths_to_root([Node(FEEDER_A, FEEDER_B, 50.0), Node(FEEDER_B, FEEDER_A, 50.0)])


def test_own_parent_is_a_circle() -> None:
    with pytest.raises(ValueError, match=f"{GRID} is its own ancestor"):
        paths_to_root([Node(GRID, GRID, 50.0)])


def test_duplicate_node_is_named() -> None:
    with pytest.raises(ValueError, match=f"{GRID} is given twice; every node needs an id of its own"):
        paths_to_root([Node(GRID, None, 100.0), Node(GRID, None, 50.0)])


@pytest.mark.parametrize("limit_kw", [-1.0, math.inf, math.nan])
def test_limit_must_be_a_finite_number_from_zero_up(limit_kw: float) -> None:
    with pytest.raises(ValueError, match=f"{GRID} has the limit {limit_kw} kW; give a finite number from 0 up, or None for no limit"):
        paths_to_root([Node(GRID, None, limit_kw)])


def test_duplicate_evse_is_named() -> None:
    with pytest.raises(ValueError, match=f"EVSE {demand(7).evse_id} has two demands; give one"):
        share_power([Node(GRID, None, 100.0)], [demand(7), demand(7)])


def test_demand_at_an_unknown_node_is_refused() -> None:
    with pytest.raises(ValueError, match=f"{STRANGER} is not in the supply tree; name one of its nodes"):
        share_power([Node(GRID, None, 100.0)], [demand(1, STRANGER, wanted_kw=5.0)])


def test_reservation_at_an_unknown_node_is_refused() -> None:
    with pytest.raises(ValueError, match=f"{STRANGER} is not in the supply tree"):
        share_power([Node(GRID, None, 100.0)], [], [Reserved(STRANGER, 5.0)])


def test_fallbacks_beyond_a_limit_are_reported_at_every_node_they_overload() -> None:
    nodes = [Node(GRID, None, 10.0), Node(FEEDER_A, GRID, 6.0), Node(FEEDER_B, GRID, None)]
    fallbacks = [Reserved(FEEDER_A, 4.2), Reserved(FEEDER_A, 4.2), Reserved(FEEDER_B, 4.2)]

    excess = fallback_excess(nodes, fallbacks)

    # Grid: 3 x 4.2 = 12.6 > 10. Feeder A: 2 x 4.2 = 8.4 > 6. Feeder B has no limit.
    assert excess == [FallbackExcess(GRID, 10.0, 12.6), FallbackExcess(FEEDER_A, 6.0, 8.4)]


def test_fallbacks_that_fill_a_limit_exactly_fit() -> None:
    # As floats, 0.1 + 0.1 + 0.1 is more than 0.3.
    assert fallback_excess([Node(GRID, None, 0.3)], [Reserved(GRID, 0.1)] * 3) == []
