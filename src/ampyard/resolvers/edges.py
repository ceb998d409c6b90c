"""Edges: from one entity to another, to its children, or to a list. Each is a field in one line, and loads in batches.

Each requires the scope of what it leads to, wherever it starts: a payload or a report must not lead its reader further
than a query would.
"""

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Annotated, Any

import strawberry

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.priorities import Priority
from ampyard.domain.transactions import Transaction
from ampyard.engine import Load, edge, list_size
from ampyard.repositories.repository import Repository
from ampyard.resolvers import loading
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import NODES, SCOPES, decode_any, decode_id, encode_id
from ampyard.resolvers.lists import ConnectionResult, Listing, Narrowing, PageArguments, page_request
from ampyard.resolvers.loading import by_id_of
from ampyard.resolvers.scopes import requires

_ID = Annotated[strawberry.ID, strawberry.argument(description="The global id.")]


def to_one(repository: type[Repository[Any]], attribute: str, *, description: str) -> Any:
    """Return an edge to the entity whose id the parent holds in `attribute`; null where it holds none."""
    scope = SCOPES[repository.entity]
    load = by_id_of(repository)

    def plan(info: Info) -> Load:
        info.context.principal.require(scope)
        return load

    return edge(plan, key=attribute, description=description)


def to_many(repository: type[Repository[Any]], method: str, *, description: str, key: str = "id", assumed_size: int = 5) -> Any:
    """Return an edge to all children of the parent, through the repository's method of that name.

    `assumed_size` is how many there are at most, as a rule: what they are estimated to cost before they are counted.
    """
    scope = SCOPES[repository.entity]
    load = Load(loading.children, (repository, method), projects=("",))

    def plan(info: Info) -> Load:
        info.context.principal.require(scope)
        return load

    return edge(plan, key=key, description=description, directives=[list_size(assumed_size)])


def by_id(entity: type[Any], *, description: str) -> Any:
    """Return a root field: one entity by its global id; null where there is none, or not for this tenant."""
    scope = SCOPES[entity]
    repository = NODES[entity]

    def plan(info: Info, id: _ID) -> Load:  # noqa: A002  # Relay names the argument so
        info.context.principal.require(scope)
        return Load(loading.by_id, (repository,), key=decode_id("id", id, entity), projects=("",))

    return edge(plan, description=description, directives=requires(scope))


def page_load(info: Info, listing: Listing, arguments: PageArguments, narrowing: Narrowing | None) -> Load:
    """Return how a page of a list is loaded: for many parents in one statement, or, of a list without parents, for the tenant."""
    context = info.context
    context.principal.require(SCOPES[listing.repository.entity])
    request = page_request(arguments, listing, context.cursors)
    shown = _shown(listing, narrowing, ConnectionResult.cursors(context.cursors, listing, request))
    return Load(
        loading.pages if listing.parent is not None else loading.page_of_all,
        (listing, request, narrowing),
        key=loading.ALL,
        show=shown,
        projects=("nodes", "edges.node", "page_info"),
    )


def _shown(listing: Listing, narrowing: Narrowing | None, cursor_of: Callable[[Any], str]) -> Callable[[Any, Any], ConnectionResult]:
    def of_parent(parent: Any, page: Any) -> ConnectionResult:
        return ConnectionResult(page, cursor_of, (listing, narrowing, parent.id))

    def of_all(_root: Any, page: Any) -> ConnectionResult:
        return ConnectionResult(page, cursor_of, (listing, narrowing, loading.ALL))

    return of_all if listing.parent is None else of_parent


def plan_total_count(info: Info) -> Load:  # noqa: ARG001  # the name by which Strawberry knows what to pass
    """Plan how many items a list has in all."""
    return _TOTAL_COUNT


_TOTAL_COUNT = Load(loading.counts)


def global_id(root: Any) -> strawberry.ID:
    """Resolve the global id of any entity."""
    return encode_id(type(root), root.id)


def node_among(entities: Collection[type[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return a resolver of any of these entities by its global id.

    Null where there is none, not for this tenant, or of a type that the schema does not show.
    """

    async def resolve_node(info: Info, id: _ID) -> Any:  # noqa: A002  # Relay names the argument so
        entity, entity_id = decode_any("id", id)
        if entity not in entities:
            return None
        info.context.principal.require(SCOPES[entity])
        return await info.context.load(by_id_of(NODES[entity]), entity_id)

    return resolve_node


def references_to(entity: type[Any], *, natural_key: str | None = None) -> Callable[..., Awaitable[list[Any]]]:
    """Return a federation reference resolver of one entity type: one load for all that are asked for by their global ids.

    `natural_key` is the attribute, unique in the tenant and of the same name in the schema, by which others know the entity, too; those
    that are asked for by it are loaded by another statement.
    """
    repository = NODES[entity]
    by_global_id = by_id_of(repository)
    by_natural_key = None if natural_key is None else Load(loading.by_unique, (repository, natural_key), projects=("",))

    async def resolve_references(info: Info, representations: Sequence[Mapping[str, Any]], reads: frozenset[str] | None) -> list[Any]:
        info.context.principal.require(SCOPES[entity])
        wanted = [
            (by_global_id, _decoded(one["id"], entity)) if "id" in one else (by_natural_key, one[natural_key or "id"])
            for one in representations
        ]
        found: dict[tuple[Load | None, Any], Any] = {}
        for load in (by_global_id, by_natural_key):
            keys = [key for of, key in wanted if of is load and not isinstance(key, InvalidInputError)]
            if load is not None and keys:
                loaded = await info.context.load_many(load, keys, reads)
                found |= {(load, key): loaded.get(key) for key in keys}
        return [key if isinstance(key, InvalidInputError) else found.get((load, key)) for load, key in wanted]

    return resolve_references


def _decoded(global_id: str, entity: type[Any]) -> uuid.UUID | InvalidInputError:
    try:
        return decode_id("id", global_id, entity)
    except InvalidInputError as error:
        return error


def plan_active_transaction(info: Info) -> Load:
    """Plan an EVSE's open transaction; by the EVSE's id."""
    info.context.principal.require(SCOPES[Transaction])
    return _ACTIVE_TRANSACTION


_ACTIVE_TRANSACTION = Load(loading.active_of_evse, projects=("",))


def plan_effective_priority(info: Info) -> Load:
    """Plan the priority that counts for a transaction now; by `PriorityTargets`."""
    info.context.principal.require(SCOPES[Priority])
    return Load(loading.effective_priorities, (info.context.now,))


def effective_priority(*, description: str) -> Any:
    """Return an edge to the priority that counts for a transaction now."""
    return edge(
        plan_effective_priority,
        key=lambda root: loading.PriorityTargets(root.id, root.vehicle_id, root.charge_point_id, root.depot_id),
        reads=loading.PriorityTargets._fields,
        description=description,
    )
