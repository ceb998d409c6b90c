"""Batch functions: each answers many keys with one statement. They are what edges plan (`ampyard.engine.Batch`)."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal, NamedTuple, TypeVar

from ampyard.domain.paging import Page, PageRequest
from ampyard.domain.priorities import EffectivePriority
from ampyard.domain.supply import NodeLoad, NodePower, NodeState
from ampyard.domain.transactions import Transaction
from ampyard.engine import Load
from ampyard.repositories.database import Session
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.repository import Repository
from ampyard.repositories.supply import Supply, loads_of
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.lists import Listing, Narrowing

E = TypeVar("E")


class _Everything(Enum):
    ALL = "ALL"


# The key of a list without parents.
ALL: Final = _Everything.ALL


class PriorityTargets(NamedTuple):
    """A transaction and what else a priority may be about that concerns it."""

    id: uuid.UUID
    vehicle_id: uuid.UUID | None
    charge_point_id: uuid.UUID
    depot_id: uuid.UUID


async def by_id(
    session: Session, ids: Sequence[uuid.UUID], repository: type[Repository[E]], *, reads: frozenset[str] | None
) -> Mapping[uuid.UUID, E]:
    """Entities by id."""
    return await repository(session).by_ids(ids, reads=reads)


async def by_unique(
    session: Session, values: Sequence[Any], repository: type[Repository[E]], attribute: str, *, reads: frozenset[str] | None
) -> Mapping[Any, E]:
    """Entities by an attribute that is unique in the tenant."""
    return await repository(session).by_unique(attribute, values, reads=reads)


def by_id_of(repository: type[Repository[Any]]) -> Load:
    """Return the load of a repository's entities by id."""
    return Load(by_id, (repository,), projects=("",))


async def children(
    session: Session, ids: Sequence[uuid.UUID], repository: type[Repository[E]], method: str, *, reads: frozenset[str] | None
) -> Mapping[uuid.UUID, list[E]]:
    """All children of each parent, through the repository's method of that name."""
    found: Mapping[uuid.UUID, list[E]] = await getattr(repository(session), method)(ids, reads=reads)
    return {parent_id: found.get(parent_id, []) for parent_id in ids}


# What of a page is not its entities'.
_ENDS = frozenset({"has_next_page", "has_previous_page", "start_cursor", "end_cursor"})


def _projection(reads: frozenset[str] | None) -> dict[str, Any]:
    """Return what a page is read for: the attributes of its entities, and whether there is more before and after."""
    return {} if reads is None else {"reads": reads - _ENDS, "ends": not reads.isdisjoint(_ENDS)}


async def pages(
    session: Session,
    ids: Sequence[uuid.UUID],
    listing: Listing,
    request: PageRequest,
    narrowing: Narrowing | None,
    *,
    reads: frozenset[str] | None,
) -> Mapping[uuid.UUID, Page[Any]]:
    """One page of the children of each parent."""
    assert listing.parent is not None
    return await listing.repository(session).pages(listing.parent, ids, request, *listing.conditions(narrowing), **_projection(reads))


async def page_of_all(
    session: Session,
    _keys: Sequence[Literal[_Everything.ALL]],
    listing: Listing,
    request: PageRequest,
    narrowing: Narrowing | None,
    *,
    reads: frozenset[str] | None,
) -> Mapping[Literal[_Everything.ALL], Page[Any]]:
    """One page of all entities of the tenant."""
    return {ALL: await listing.repository(session).page(request, *listing.conditions(narrowing), **_projection(reads))}


async def counts(
    session: Session, keys: Sequence[tuple[Listing, Narrowing | None, uuid.UUID | Literal[_Everything.ALL]]]
) -> Mapping[tuple[Listing, Narrowing | None, Any], int]:
    """How many items each list has: (list, filter, parent); one statement for all parents of a list."""
    lists: dict[tuple[Listing, Narrowing | None], list[uuid.UUID]] = defaultdict(list)
    for listing, narrowing, parent_id in keys:
        parents = lists[listing, narrowing]
        if parent_id is not ALL:
            parents.append(parent_id)
    found: dict[tuple[Listing, Narrowing | None, Any], int] = {}
    for (listing, narrowing), parent_ids in lists.items():
        repository, conditions = listing.repository(session), listing.conditions(narrowing)
        if listing.parent is None:
            found[listing, narrowing, ALL] = await repository.count(*conditions)
        else:
            counted = await repository.counts(listing.parent, parent_ids, *conditions)
            found.update(((listing, narrowing, parent_id), counted.get(parent_id, 0)) for parent_id in parent_ids)
    return found


async def node_power(session: Session, node_ids: Sequence[uuid.UUID], at: datetime) -> Mapping[uuid.UUID, NodePower]:
    """What flows through each power node, and what may."""
    return await Supply(session).power(node_ids, at=at)


async def node_states(session: Session, node_ids: Sequence[uuid.UUID], at: datetime, now: datetime) -> Mapping[uuid.UUID, NodeState]:
    """Each power node with what decides its limit and its unmanaged load at a moment."""
    return await Supply(session).states(node_ids, at=at, now=now)


async def node_loads(session: Session, node_ids: Sequence[uuid.UUID], begin: datetime, end: datetime) -> Mapping[uuid.UUID, list[NodeLoad]]:
    """The load of each power node in the buckets of a period."""
    found = await loads_of(session, node_ids, begin, end)
    return {node_id: found.get(node_id, []) for node_id in node_ids}


async def active_of_evse(
    session: Session, evse_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None
) -> Mapping[uuid.UUID, Transaction]:
    """The open transaction of each EVSE."""
    return await Transactions(session).active_of_evses(evse_ids, reads=reads)


async def effective_priorities(
    session: Session, keys: Sequence[PriorityTargets], at: datetime
) -> Mapping[PriorityTargets, EffectivePriority]:
    """The priority that counts for each transaction at a time."""
    found = await Priorities(session).effective(keys, at=at)
    return {key: found[key.id] for key in keys}
