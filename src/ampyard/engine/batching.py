"""How a field below the roots gets its value: it is a plain attribute, it is computed, or it is a batched edge.

- plain: no resolver; the attribute of the field's name is read;
- `computed`: a synchronous function of the parent, which loads nothing;
- `edge`: whatever must be loaded. One planner says, once for a field of an operation, which batch function answers it and by which key of
  each parent. It never sees a parent, so it cannot load for one.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Protocol

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info

_DECLARATION: Final = "ampyard.engine.batching"


class Batch(Protocol):
    """For many keys, the value of each that has one, in one statement.

    Further positional arguments, hashable, are the same for all keys. One that projects takes `reads`, too: the attributes of its entities
    that will be read, None for all of them.
    """

    def __call__(self, session: Any, keys: Sequence[Any], /, *arguments: Any, **projection: Any) -> Awaitable[Mapping[Any, Any]]: ...


@dataclass(frozen=True, slots=True)
class Load:
    """How one field of one operation is loaded: equal batch and arguments are one load for all fields of a level.

    `key` is given where the arguments name what is wanted, rather than an attribute of the parent.

    `show` makes the field's value of the parent and of what was found (None where nothing was); without it the value is what was found.

    `projects` names where, below the field, the entities are whose attributes `reads` speaks of: `("",)` the field's own value or items,
    `("nodes", "edges.node", "page_info")` those of a connection and its ends. None: the batch takes no `reads`.
    """

    batch: Batch
    arguments: tuple[Any, ...] = ()  # hashable; mypy takes no class for Hashable
    key: Hashable = None
    show: Callable[[Any, Any], Any] | None = None
    projects: tuple[str, ...] | None = None


class LoadingContext(Protocol):
    """What an operation's context offers to edges."""

    async def load(self, load: Load, key: Hashable) -> Any:
        """Return what one key finds, loaded together with all keys that are asked for meanwhile."""

    async def load_many(self, load: Load, keys: Sequence[Any], reads: frozenset[str] | None) -> Mapping[Any, Any]:
        """Return what each key finds, in one call of the batch; keys without a value are absent or None, and an exception is its key's."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A batched edge as declared. `key` gives the key a parent is loaded by; None finds nothing without asking.

    Without `key` the load's own key is that of every parent, and nothing of the parent is read.
    """

    plan: Callable[..., Load]
    key: Callable[[Any], Any] | None
    reads: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Computed:
    """A computed field as declared; `reads` names the parent's attributes it needs, None when that is not said."""

    reads: frozenset[str] | None


def edge(
    plan: Callable[..., Load], *, key: str | Callable[[Any], Any] | None = None, reads: Collection[str] | None = None, **options: Any
) -> Any:
    """Return a field that is loaded in batches.

    Args:
        plan: called with `info` and the field's arguments, at most once for a field of an operation; its signature is the field's. It
            checks permissions and arguments, and raises for all parents alike.
        key: the parent's attribute to load by, or a function of the parent; None where the arguments give the load's key.
        reads: the parent's attributes that a `key` function needs; all, unless told.
        options: as of `strawberry.field`.
    """
    if inspect.iscoroutinefunction(plan):
        raise TypeError(f"{plan} plans a load and must not load itself: make it a plain function that returns a Load.")
    get_key = attrgetter(key) if isinstance(key, str) else key

    async def resolve(root: Any, info: Any, **arguments: Any) -> Any:
        load = plan(info, **arguments)
        wanted = load.key if get_key is None else get_key(root)
        found = None if wanted is None else await info.context.load(load, wanted)
        return found if load.show is None else load.show(root, found)

    signature = inspect.signature(plan)
    given = [it.replace(annotation=Info) if it.name == "info" else it for it in signature.parameters.values()]
    root = inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Any)
    resolve.__signature__ = signature.replace(parameters=[root, *given])  # type: ignore[attr-defined]  # functions may carry one
    if key is None or isinstance(key, str):
        reads = () if key is None else (key,)
    needs = None if reads is None else frozenset(reads)
    return strawberry.field(resolver=resolve, metadata={_DECLARATION: Edge(plan, get_key, needs)}, **options)


def computed(resolver: Callable[..., Any], *, reads: Collection[str] | None = None, **options: Any) -> Any:
    """Return a field that a synchronous function of the parent computes, without loading anything.

    Args:
        resolver: takes `root`, and `info` where it needs the context.
        reads: the parent's attributes it needs; all, unless told.
        options: as of `strawberry.field`.
    """
    if inspect.iscoroutinefunction(resolver):
        raise TypeError(f"{resolver} loads: declare the field as an edge, so that it is loaded in batches.")
    return strawberry.field(resolver=resolver, metadata={_DECLARATION: Computed(None if reads is None else frozenset(reads))}, **options)


@dataclass(frozen=True, slots=True)
class InstanceCheck:
    """An `is_type_of` that asks for nothing but the class; plans compare classes instead of calling it."""

    entity: type[Any]

    def __call__(self, value: Any, _info: Any) -> bool:
        return isinstance(value, self.entity)


def declaration(graphql_field: GraphQLField) -> Edge | Computed | None:
    """Return how a field is declared; None for a plain one, and for one that another way than ours declares."""
    definition = strawberry_field(graphql_field)
    return definition.metadata.get(_DECLARATION) if definition is not None else None


def strawberry_field(graphql_field: GraphQLField) -> StrawberryField | None:
    """Return the Strawberry field behind one of graphql-core's; None for those that Strawberry did not make."""
    found = graphql_field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return found if isinstance(found, StrawberryField) else None


def unbatched(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the coordinates of the fields below the roots whose resolver may load for one parent at a time."""
    roots = {schema.query_type, schema.mutation_type, schema.subscription_type}
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and type_ not in roots and not type_.name.startswith("__"):
            for name, graphql_field in type_.fields.items():
                definition = strawberry_field(graphql_field)
                if definition is not None and definition.is_async and not isinstance(declaration(graphql_field), Edge):
                    yield f"{type_.name}.{name}"
