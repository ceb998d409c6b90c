"""Where a power node may be: one root, no circle, and not too deep."""

import uuid

import pytest

from ampyard.domain.errors import ConflictError, NotFoundError
from ampyard.domain.supply import MAX_TREE_DEPTH, power_node_faults, require_place
from tests.domain.supply.nodes import node

TREE = [node(1, name="Grid"), node(2, 1, name="Feeder"), node(3, 2, name="Panel"), node(4, 1, name="Other feeder")]


def id_of(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


def test_a_first_node_is_the_root_and_a_second_root_is_refused() -> None:
    require_place([], None)
    with pytest.raises(ConflictError, match="The depot has a root already, Grid; name the node that supplies this one") as refused:
        require_place(TREE, None)
    assert refused.value.path == ("input", "parentId")


def test_a_parent_of_another_depot_is_not_there() -> None:
    with pytest.raises(NotFoundError, match="There is no such power node in this depot"):
        require_place(TREE, id_of(99))


def test_a_node_goes_anywhere_but_below_itself() -> None:
    require_place(TREE, id_of(4), id_of(2))
    require_place(TREE, id_of(1), id_of(3))
    for below in (2, 3):
        with pytest.raises(ConflictError, match="hangs below Feeder itself; name a node outside that branch"):
            require_place(TREE, id_of(below), id_of(2))


def test_the_tree_is_only_so_deep_whatever_is_moved() -> None:
    chain = [node(n, n - 1 if n > 1 else None) for n in range(1, MAX_TREE_DEPTH)]
    require_place(chain, id_of(MAX_TREE_DEPTH - 1))
    with pytest.raises(ConflictError, match=f"The tree would be {MAX_TREE_DEPTH + 1} nodes deep; {MAX_TREE_DEPTH} at most"):
        require_place([*chain, node(50, MAX_TREE_DEPTH - 1)], id_of(50))
    # A branch of two levels is as deep as what hangs on it.
    branch = [*chain, node(60, 1), node(61, 60)]
    with pytest.raises(ConflictError, match=f"{MAX_TREE_DEPTH + 1} nodes deep"):
        require_place(branch, id_of(MAX_TREE_DEPTH - 1), id_of(60))


def test_what_is_wrong_with_a_node_is_told_by_field() -> None:
    assert list(power_node_faults(node())) == []
    wrong = node(name=" ", limit_kw=float("nan"), limit_a=-1.0, phases=4, voltage_v=0.0, unmanaged_fallback_kw=-5.0, site_meter_max_age_s=0)
    assert [field for field, _ in power_node_faults(wrong)] == [
        "name",
        "limit_kw",
        "limit_a",
        "unmanaged_fallback_kw",
        "phases",
        "voltage_v",
        "site_meter_max_age_s",
    ]
