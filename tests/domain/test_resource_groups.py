"""The tree of resource groups stays one: no group comes below itself, and it grows no deeper than its bound."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.resource_groups import DEEPEST, check_place, with_all_above, with_all_below

GROUPS = [uuid.UUID(int=n) for n in range(1, 16)]
Tree = dict[uuid.UUID, uuid.UUID | None]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Each group below one that was drawn before it, or at the top."""
    tree: Tree = {}
    for number, group in enumerate(GROUPS[: draw(st.integers(1, len(GROUPS)))]):
        tree[group] = draw(st.sampled_from([None, *GROUPS[:number]]))
    return tree


def depth(tree: Tree, group: uuid.UUID) -> int:
    parent = tree[group]
    return 1 if parent is None else 1 + depth(tree, parent)


@given(trees(), st.data())
def test_a_move_is_allowed_exactly_when_it_leaves_a_tree_that_is_not_too_deep(tree: Tree, data: st.DataObject) -> None:
    group = data.draw(st.sampled_from(list(tree)))
    parent = data.draw(st.sampled_from([None, *tree]))
    in_a_circle = parent is not None and group in with_all_above([parent], tree)
    moved = tree | {group: parent}
    fits = not in_a_circle and max(depth(moved, one) for one in moved) <= DEEPEST
    # What is too deep already, elsewhere, is no reason to refuse: there is no such tree to begin with.
    if max(depth(tree, one) for one in tree) > DEEPEST:
        return

    if fits:
        check_place(group, parent, tree)
    else:
        with pytest.raises(InvalidInputError):
            check_place(group, parent, tree)


@given(trees())
def test_what_is_below_is_what_has_it_above(tree: Tree) -> None:
    for group in tree:
        assert with_all_below([group], tree) == {one for one in tree if group in with_all_above([one], tree)}


def test_a_new_group_at_the_bottom_of_the_deepest_branch_is_refused() -> None:
    chain: Tree = {group: None if number == 0 else GROUPS[number - 1] for number, group in enumerate(GROUPS[:DEEPEST])}

    check_place(uuid.UUID(int=99), GROUPS[DEEPEST - 2], chain)
    with pytest.raises(InvalidInputError, match=f"The tree would be {DEEPEST + 1} groups deep; {DEEPEST} at most"):
        check_place(uuid.UUID(int=99), GROUPS[DEEPEST - 1], chain)


def test_a_group_cannot_come_below_itself_or_what_is_below_it() -> None:
    tree: Tree = {GROUPS[0]: None, GROUPS[1]: GROUPS[0], GROUPS[2]: GROUPS[1]}

    for parent in GROUPS[:3]:
        with pytest.raises(InvalidInputError, match="cannot come below itself"):
            check_place(GROUPS[0], parent, tree)
