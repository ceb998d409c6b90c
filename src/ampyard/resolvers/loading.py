"""Batch functions: each answers many keys with one statement. They are what `Context.load` takes."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ampyard.domain.depots import NodePower
from ampyard.domain.paging import Page, PageRequest
from ampyard.domain.priorities import EffectivePriority
from ampyard.domain.transactions import Transaction
from ampyard.repositories.database import Session
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.repository import Repository
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.lists import Listing

E = TypeVar("E")


async def by_id(session: Session, ids: Sequence[uuid.UUID], repository: type[Repository[E]]) -> Mapping[uuid.UUID, E]:
    """Entities by id."""
    return await repository(session).by_ids(ids)


async def children(session: Session, ids: Sequence[uuid.UUID], repository: type[Repository[E]], method: str) -> Mapping[uuid.UUID, list[E]]:
    """All children of each parent, through the repository's method of that name."""
    found: Mapping[uuid.UUID, list[E]] = await getattr(repository(session), method)(ids)
    return {parent_id: found.get(parent_id, []) for parent_id in ids}


async def pages(
    session: Session, ids: Sequence[uuid.UUID], listing: Listing, request: PageRequest, narrowing: Any
) -> Mapping[uuid.UUID, Page[Any]]:
    """One page of the children of each parent."""
    assert listing.parent is not None
    return await listing.repository(session).pages(listing.parent, ids, request, *listing.conditions(narrowing))


async def counts(session: Session, ids: Sequence[uuid.UUID], listing: Listing, narrowing: Any) -> Mapping[uuid.UUID, int]:
    """How many children each parent has."""
    assert listing.parent is not None
    return await listing.repository(session).counts(listing.parent, ids, *listing.conditions(narrowing))


async def node_power(session: Session, node_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, NodePower]:
    """What flows through each power node."""
    return await PowerNodes(session).power(node_ids)


async def active_of_evse(session: Session, evse_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Transaction]:
    """The open transaction of each EVSE."""
    return await Transactions(session).active_of_evses(evse_ids)


async def effective_priorities(session: Session, keys: Sequence[tuple[Transaction, Any]]) -> Mapping[Any, EffectivePriority]:
    """The priority that counts for each (transaction, time); the time is the same for all of an operation."""
    if not keys:
        return {}
    found = await Priorities(session).effective([transaction for transaction, _ in keys], at=keys[0][1])
    return {key: found[key[0].id] for key in keys}
