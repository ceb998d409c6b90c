"""Resolvers of edges: from one entity to another, to its children, or to a list. All of them load in batches.

Each requires the scope of what it leads to, wherever it starts: a payload or a report must not lead its reader further
than a query would.
"""

import uuid
from collections.abc import Awaitable, Callable, Collection
from operator import attrgetter
from typing import Annotated, Any

import strawberry

from ampyard.domain.access import Scope
from ampyard.domain.charge_points import Evse
from ampyard.domain.depots import NodePower, PowerNode
from ampyard.domain.priorities import EffectivePriority, Priority
from ampyard.domain.transactions import Transaction
from ampyard.repositories.repository import Repository
from ampyard.resolvers import loading
from ampyard.resolvers.context import Context, Info
from ampyard.resolvers.ids import NODES, SCOPES, decode_any, decode_id, encode_id
from ampyard.resolvers.lists import ConnectionResult, Listing, Narrowing, PageArguments, order_name, page_request

Resolver = Callable[..., Awaitable[Any]]


def to_one(repository: type[Repository[Any]], attribute: str) -> Resolver:
    """Return a resolver of the entity whose id the parent holds in `attribute`; null where it holds none."""
    get_id = attrgetter(attribute)
    scope = SCOPES[repository.entity]

    async def resolve(root: Any, info: Info) -> Any:
        info.context.principal.require(scope)
        entity_id = get_id(root)
        return None if entity_id is None else await info.context.load(loading.by_id, entity_id, repository)

    return resolve


def to_many(repository: type[Repository[Any]], method: str) -> Resolver:
    """Return a resolver of all children of the parent, through the repository's method of that name."""
    scope = SCOPES[repository.entity]

    async def resolve(root: Any, info: Info) -> Any:
        info.context.principal.require(scope)
        return await info.context.load(loading.children, root.id, repository, method)

    return resolve


async def page_of_all(context: Context, listing: Listing, arguments: PageArguments, narrowing: Narrowing | None) -> ConnectionResult:
    """Return a page of all entities of the tenant."""
    context.principal.require(SCOPES[listing.repository.entity])
    request = page_request(arguments, listing, context.cursors)
    repository = listing.repository(context.snapshot)
    page = await repository.page(request, *listing.conditions(narrowing))

    async def count() -> int:
        return await repository.count(*listing.conditions(narrowing))

    return ConnectionResult(page, _cursor_of(context, listing, request.order, descending=request.descending), count)


async def page_below(
    context: Context, listing: Listing, parent: Any, arguments: PageArguments, narrowing: Narrowing | None
) -> ConnectionResult:
    """Return a page of the parent's children; the same page of many parents is one statement."""
    context.principal.require(SCOPES[listing.repository.entity])
    request = page_request(arguments, listing, context.cursors)
    page = await context.load(loading.pages, parent.id, listing, request, narrowing)
    assert page is not None

    async def count() -> int:
        return await context.load(loading.counts, parent.id, listing, narrowing) or 0

    return ConnectionResult(page, _cursor_of(context, listing, request.order, descending=request.descending), count)


def _cursor_of(context: Context, listing: Listing, order: str, *, descending: bool) -> Callable[[Any], str]:
    made_for = order_name(order, descending=descending)
    return lambda position: context.cursors.encode(listing.name, made_for, position)


def global_id(root: Any) -> strawberry.ID:
    """Resolve the global id of any entity."""
    return encode_id(type(root), root.id)


def node_among(entities: Collection[type[Any]]) -> Resolver:
    """Return a resolver of any of these entities by its global id.

    Null where there is none, not for this tenant, or of a type that the schema does not show.
    """

    async def resolve_node(info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")]) -> Any:  # noqa: A002  # Relay names the argument so
        entity, entity_id = decode_any("id", id)
        return await _load_node(info.context, entity, entity_id) if entity in entities else None

    return resolve_node


def reference_to(entity: type[Any]) -> Resolver:
    """Return a federation reference resolver of one entity type by its global id; batched with its siblings."""

    async def resolve_reference(info: Info, id: strawberry.ID) -> Any:  # noqa: A002  # the key's field is named so
        return await _load_node(info.context, entity, decode_id("id", id, entity))

    return resolve_reference


async def _load_node(context: Context, entity: type[Any], entity_id: uuid.UUID) -> Any:
    context.principal.require(SCOPES[entity])
    return await context.load(loading.by_id, entity_id, NODES[entity])


async def resolve_node_power(root: PowerNode, info: Info) -> NodePower:
    """Resolve what flows through a power node now."""
    info.context.principal.require(Scope.FLEET_READ)
    power = await info.context.load(loading.node_power, root.id)
    assert power is not None
    return power


async def resolve_active_transaction(root: Evse, info: Info) -> Transaction | None:
    """Resolve an EVSE's open transaction."""
    info.context.principal.require(SCOPES[Transaction])
    return await info.context.load(loading.active_of_evse, root.id)


async def resolve_effective_priority(root: Transaction, info: Info) -> EffectivePriority:
    """Resolve the priority that counts for a transaction now."""
    info.context.principal.require(SCOPES[Priority])
    found = await info.context.load(loading.effective_priorities, (root, info.context.now))
    assert found is not None
    return found
