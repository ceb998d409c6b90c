"""Which groups a grant reaches: its own and all below, whatever the tree."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.resource_groups import with_all_below


@st.composite
def forests(draw: st.DrawFn) -> dict[uuid.UUID, uuid.UUID | None]:
    """Draw the parents of some groups: each hangs below one that was drawn before it, or below none."""
    parents: dict[uuid.UUID, uuid.UUID | None] = {}
    for group in draw(st.lists(st.uuids(), max_size=12, unique=True)):
        parents[group] = draw(st.sampled_from([None, *parents]))
    return parents


def is_below(group: uuid.UUID | None, top: uuid.UUID, parents: dict[uuid.UUID, uuid.UUID | None]) -> bool:
    while group is not None:
        if group == top:
            return True
        group = parents[group]
    return False


@given(forests(), st.data())
def test_what_is_reached_is_what_climbs_to_the_grant(parents: dict[uuid.UUID, uuid.UUID | None], data: st.DataObject) -> None:
    tops = data.draw(st.sets(st.sampled_from(sorted(parents)))) if parents else set()
    stranger = uuid.uuid4()
    assert with_all_below([*tops, stranger], parents) == {group for group in parents if any(is_below(group, top, parents) for top in tops)}


def test_a_circle_ends() -> None:
    a, b = uuid.uuid4(), uuid.uuid4()
    assert with_all_below([a], {a: b, b: a}) == {a, b}
