"""`@cost` and `@listSize`: how they are declared, and read back from a schema."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLType,
    Undefined,
    get_named_type,
)
from strawberry import UNSET
from strawberry.federation.schema_directives import FederationDirective, ImportedFrom, ListSize
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location, schema_directive

MUTATION_WEIGHT = 10
INTROSPECTION_WEIGHT = 50
"""What `__schema` or `__type` costs, whatever is selected below it: its size is the schema's, not the caller's."""

DEFAULT_LIST_SIZE = 10  # of a list that says nothing of its size


@schema_directive(
    locations=[
        Location.ARGUMENT_DEFINITION,
        Location.ENUM,
        Location.FIELD_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
        Location.OBJECT,
        Location.SCALAR,
    ],
    name="cost",
    print_definition=False,
)
class Cost(FederationDirective):
    """Strawberry's own names one location twice, which a schema that prints the definition would show."""

    weight: int
    imported_from: ClassVar[ImportedFrom] = ImportedFrom(name="cost")
    minimum_version: ClassVar[tuple[int, int]] = (2, 9)


def cost(weight: int) -> Cost:
    """`@cost`: what an object, a leaf, an argument or an input field costs, or being called for a field of a mutation."""
    return Cost(weight=weight)


def list_size(assumed: int | None = None, *, slicing: Sequence[str] = (), sized: Sequence[str] = (), require_one: bool = False) -> ListSize:
    """`@listSize`: how long a list may be.

    `slicing` names the arguments that bound it (an Int is the bound; of a list it is the length), `assumed` is its size where none is
    given. `sized` names the fields of the object it is on (`nodes`, `edges`) that are the lists. With `require_one` an operation that gives
    not exactly one slicing argument is refused.
    """
    return ListSize(
        assumed_size=UNSET if assumed is None else assumed,
        slicing_arguments=list(slicing) or UNSET,
        sized_fields=list(sized) or UNSET,
        require_one_slicing_argument=require_one if slicing else UNSET,
    )


def input_cost(definition: GraphQLArgument | GraphQLInputField, value: object) -> int:
    """What an argument or input field costs with this value, which is as it was sent."""
    return 0 if value is None or value is Undefined else weight_of(definition, 0) + _value_cost(definition.type, value)


def _value_cost(type_: GraphQLType, value: object) -> int:
    if value is None or value is Undefined:
        return 0
    if isinstance(type_, GraphQLNonNull):
        return _value_cost(type_.of_type, value)
    if isinstance(type_, GraphQLList):
        return sum(_value_cost(type_.of_type, item) for item in (value if isinstance(value, list | tuple) else [value]))
    below = 0
    if isinstance(type_, GraphQLInputObjectType) and isinstance(value, Mapping):
        below = sum(input_cost(field, value.get(name)) for name, field in type_.fields.items())
    return weight_of(type_, 0) + below


def is_weighted(definition: GraphQLArgument | GraphQLInputField, seen: frozenset[str] = frozenset()) -> bool:
    type_ = get_named_type(definition.type)
    if weight_of(definition, 0) or weight_of(type_, 0):
        return True
    if not isinstance(type_, GraphQLInputObjectType) or type_.name in seen:
        return False
    return any(is_weighted(field, seen | {type_.name}) for field in type_.fields.values())


def weight_of(definition: Any, default: int) -> int:
    directive = directive_of(definition, Cost)
    return default if directive is None else directive.weight


D = TypeVar("D")


def directive_of(definition: Any, kind: type[D]) -> D | None:
    declared = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return next((directive for directive in getattr(declared, "directives", None) or () if isinstance(directive, kind)), None)


_ENTITIES = list_size(slicing=["representations"])


def list_size_of(name: str, field: GraphQLField) -> ListSize | None:
    # The field is federation's, not ours to put a directive on.
    return _ENTITIES if name == "_entities" and "representations" in field.args else directive_of(field, ListSize)


def list_depth(type_: GraphQLType) -> int:
    depth = 0
    while isinstance(type_, GraphQLList | GraphQLNonNull):
        depth += isinstance(type_, GraphQLList)
        type_ = type_.of_type
    return depth


def check_list_size(coordinates: str, field: GraphQLField) -> None:
    directive = directive_of(field, ListSize)
    if directive is None:
        return
    type_ = get_named_type(field.type)
    sized = directive.sized_fields or []
    unknown = [f"argument {name!r}" for name in directive.slicing_arguments or () if name not in field.args]
    unknown += [f"field {name!r}" for name in sized if name not in getattr(type_, "fields", {})]
    if unknown:
        raise ValueError(f"@listSize of {coordinates} names what is not there: {', '.join(unknown)}.")
    if not sized and not list_depth(field.type):
        raise ValueError(f"@listSize of {coordinates}, which is no list, needs sizedFields.")
