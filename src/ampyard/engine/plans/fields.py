"""How each selected field gets its value, as far as it can be known before anything runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    default_field_resolver,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path
from strawberry import Schema
from strawberry.types.field import StrawberryField

from ampyard.engine.batching import Computed, Edge, declaration, strawberry_field

FieldGroup: TypeAlias = list[FieldDetails]


@dataclass(frozen=True, slots=True)
class Attribute:
    """The parent's attribute of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A synchronous function of the parent, without arguments. `root` and `info` are its parameters' names; no `root`: positional."""

    function: Callable[..., Any]
    root: str | None
    info: str | None
    declared: Computed | None


@dataclass(frozen=True, slots=True)
class Batched:
    """An edge that is loaded for all parents of a level at once."""

    edge: Edge
    field: StrawberryField


@dataclass(frozen=True, slots=True)
class Resolved:
    """Anything else: graphql-core's resolver, called as graphql-core would, whose result may be awaitable."""

    resolver: Callable[..., Any]


Source: TypeAlias = Attribute | Call | Batched | Resolved


def source_of(schema: Schema, definition: GraphQLField) -> Source:
    """Return where a field's values come from."""
    resolver = definition.resolve or default_field_resolver
    ours = strawberry_field(definition)
    if ours is None or ours.extensions or ours.is_subscription or not _made_by_strawberry(resolver):
        return Resolved(resolver)
    declared = declaration(definition)
    if isinstance(declared, Edge):
        return Batched(declared, ours)
    if ours.is_basic_field:
        plain = getattr(resolver, "_is_default", False) and ours.default_resolver is getattr
        return Attribute(ours.python_name) if plain else Resolved(resolver)
    return _call(schema, ours, declared) or Resolved(resolver)


def _call(schema: Schema, ours: StrawberryField, declared: Computed | None) -> Call | None:
    base = ours.base_resolver
    handled = schema.schema_converter._exception_handler_specs  # noqa: SLF001 - a handler may change what a resolver's error means
    if base is None or ours.is_async or ours.arguments or handled or base.parent_parameter:
        return None
    info = base.info_parameter.name if base.info_parameter else None
    root = base.root_parameter.name if base.root_parameter else None
    if (info is not None and declared is None) or (root is None and not base.self_parameter):
        return None
    return Call(cast("Callable[..., Any]", base.wrapped_func), root, info, declared)  # a static method is callable, too


def _made_by_strawberry(resolver: Callable[..., Any]) -> bool:
    # What someone has put in its place must be called, whatever the declaration says.
    return getattr(resolver, "__qualname__", "").startswith("GraphQLCoreConverter.from_resolver.")


@dataclass(slots=True, eq=False)
class Position:
    """Where a value stands in every response of a plan: a field's value, or an item of its list.

    `parent` is the position of the list or object it stands in; None for the operation's own data. One position is one element of a path.
    """

    field: "Selected"
    type: GraphQLOutputType
    nonnull: bool
    parent: "Position | None"
    late: Callable[..., None] | None = None

    @classmethod
    def of(cls, selected: "Selected", type_: GraphQLOutputType, parent: "Position | None") -> "Position":
        """Return the position of a type, which it holds without its non-null wrapper."""
        if is_non_null_type(type_):
            wrapped: GraphQLNonNull[Any] = type_
            return cls(selected, wrapped.of_type, nonnull=True, parent=parent)
        return cls(selected, type_, nonnull=False, parent=parent)

    def null_error(self) -> TypeError:
        """Return the error of a null where none may be, in graphql-core's words."""
        return TypeError(f"Cannot return null for non-nullable field {self.field.parent_type}.{self.field.name}.")


@dataclass(slots=True, eq=False)
class Selected:
    """A field of an object's selection, merged from all places that select it under one response key."""

    number: int
    key: str
    definition: GraphQLField
    parent_type: GraphQLObjectType
    details: FieldGroup
    source: Source
    reads: dict[tuple[str, ...], frozenset[str] | None] = field(default_factory=dict)  # filled by the plan

    @property
    def name(self) -> str:
        return self.details[0].node.name.value

    @property
    def nodes(self) -> list[FieldNode]:
        return [details.node for details in self.details]

    @property
    def python_name(self) -> str | None:
        ours = strawberry_field(self.definition)
        return None if ours is None else ours.python_name

    @property
    def attributes(self) -> frozenset[str] | None:
        """The attributes of the parent that it reads; None when that cannot be known."""
        match self.source:
            case Attribute(name):
                return frozenset({name})
            case Call(declared=Computed(reads)) | Batched(edge=Edge(reads=reads)):
                return reads
            case _:
                return None

    def path(self, keys: list[str | int]) -> Path:
        """Return the path of one of its values as graphql-core's linked list."""
        path: Path | None = None
        for key in keys[:-1]:
            path = Path(path, key, None)
        return Path(path, keys[-1], self.parent_type.name)


Selection: TypeAlias = Mapping[str, Selected]
