"""Resource groups: named parts of a fleet, in a tree, on which roles are granted."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.errors import InvalidInputError

# Deeper than any organisation; every look-up of who may do what walks the tree.
DEEPEST = 10


@dataclass(frozen=True, slots=True)
class ResourceGroup:
    """A named group of depots, charge points and vehicles; what is in a group below it is in it, too."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    parent_id: uuid.UUID | None
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class MemberKind(StrEnum):
    """What can be in a group. A depot brings its charge points and the vehicles at home there."""

    DEPOT = "DEPOT"
    CHARGE_POINT = "CHARGE_POINT"
    VEHICLE = "VEHICLE"


@dataclass(frozen=True, slots=True)
class ResourceGroupMember:
    """That exactly one depot, charge point or vehicle is in a group."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    resource_group_id: uuid.UUID
    depot_id: uuid.UUID | None
    charge_point_id: uuid.UUID | None
    vehicle_id: uuid.UUID | None
    created_at: datetime


def check_place(group: uuid.UUID, parent: uuid.UUID | None, parents: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
    """Raise `InvalidInputError` unless a group, with all below it, can be put below another or (None) at the top.

    Args:
        group: an existing group, or a new one.
        parent: below which one.
        parents: the tree as it is: each group's parent.
    """
    if parent is None:
        return
    above = with_all_above([parent], parents)
    if group in above:
        message = "A group cannot come below itself; give one that is neither it nor below it."
        raise InvalidInputError(message, ("input", "parentId"))
    depth = len(above) + _height(group, parents)
    if depth > DEEPEST:
        raise InvalidInputError(f"The tree would be {depth} groups deep; {DEEPEST} at most.", ("input", "parentId"))


def with_all_above(groups: Iterable[uuid.UUID], parents: Mapping[uuid.UUID, uuid.UUID | None]) -> frozenset[uuid.UUID]:
    """Return these groups and all above them, by each group's parent."""
    reached: set[uuid.UUID] = set()
    for group in groups:
        at: uuid.UUID | None = group
        while at is not None and at not in reached:
            reached.add(at)
            at = parents.get(at)
    return frozenset(reached)


def _height(group: uuid.UUID, parents: Mapping[uuid.UUID, uuid.UUID | None]) -> int:
    below = with_all_below([group], parents)
    return max((len(with_all_above([one], parents) & below) for one in below), default=1)


def with_all_below(groups: Iterable[uuid.UUID], parents: Mapping[uuid.UUID, uuid.UUID | None]) -> frozenset[uuid.UUID]:
    """Return these groups and all below them, by each group's parent; what is not in the tree is left out."""
    children: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    for group, parent in parents.items():
        children[parent].append(group)
    reached: set[uuid.UUID] = set()
    waiting = [group for group in groups if group in parents]
    while waiting:
        group = waiting.pop()
        if group not in reached:
            reached.add(group)
            waiting += children[group]
    return frozenset(reached)
