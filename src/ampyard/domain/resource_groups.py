"""Resource groups: named parts of a fleet, in a tree, on which roles are granted."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime


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
