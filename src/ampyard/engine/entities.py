"""`Query._entities`: from representations to entities (Apollo Federation, subgraph specification).

Equal representations are resolved once, those of one type together; what comes back stands where it was asked for. A representation that
is wrong, or whose entity cannot be had, is an error in its own place and harms no other.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    SelectionSetNode,
    get_nullable_type,
    is_leaf_type,
    parse,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues
from strawberry.federation.schema_directives import Key
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.info import Info

from ampyard.engine.batching import InstanceCheck
from ampyard.engine.errors import PublicError
from ampyard.engine.plans.fields import Selected, source_of

# From representations of one type, complete and different, to what each stands for: an entity, None or an error.
Resolve = Callable[[Info, list[dict[str, Any]]], Awaitable[Sequence[object]]]


class EntityTypes:
    """The entity types of a schema, by name: what identifies each, and how it is found.

    A type says how with one of two functions, sync or async; without any, the representation is what the type's instance is made of.

    - `resolve_references(info, representations)` finds many: it is called once for all that are asked for, with different representations,
      and returns an entity, None or an exception for each, in their order. One that projects takes `reads`, too: the attributes of its
      entities that will be read, None for all of them.
    - `resolve_reference(info, <field>, …)` finds one. It is given the fields it has parameters for, under their names in the schema or in
      Python, and all of them where it has `**fields`.

    Representations are mappings of field names in the schema, without `__typename`; the fields of keys have been read as their types read
    input. Further fields, as @requires has them sent, are passed as they came.
    """

    def __init__(self, schema: GraphQLSchema, config: StrawberryConfig, *, max_representations: int) -> None:
        self._max_representations = max_representations
        self._types = dict(_entity_types(schema, config))

    async def find(self, info: Info, representations: Sequence[object]) -> list[object]:
        """Return an entity, None or an error for each representation, in their order."""
        if len(representations) > self._max_representations:
            message = f"At most {self._max_representations} representations may be asked for at once, not {len(representations)}."
            raise PublicError(message, code="BAD_USER_INPUT")
        groups: dict[str, _Group] = {}
        found: list[object] = [None] * len(representations)
        for place, representation in enumerate(representations):
            try:
                name = representation["__typename"]  # type: ignore[index]  # what it is, is only now looked at
                group = groups.get(name) or groups.setdefault(name, _Group(self._types[name], {}))
                group.places.setdefault(_canonical(representation), []).append(place)
            except (TypeError, KeyError):
                found[place] = _not_an_entity(representation)
        batches = [group.resolved(info, representations) for group in groups.values()]
        for batch in [await batches[0]] if len(batches) == 1 else await asyncio.gather(*batches):
            for places, entity in batch:
                for place in places:
                    # An exception that is raised in many places must be another object in each, or they all add to one traceback.
                    found[place] = GraphQLError(str(entity), original_error=entity) if isinstance(entity, Exception) else entity
        return found


@dataclass(frozen=True, slots=True)
class _KeyField:
    """One field of a key: a leaf, whose input `read` reads, or an object with fields of its own."""

    name: str
    nullable: bool
    read: Callable[[Any], Any] | None
    below: tuple["_KeyField", ...]

    def is_in(self, fields: Mapping[str, Any]) -> bool:
        if not self.below:
            return self.name in fields
        value = fields.get(self.name)
        return isinstance(value, Mapping) and all(field.is_in(value) for field in self.below)

    def copy(self, given: Mapping[str, Any], fields: dict[str, Any]) -> None:
        """Put into `fields`, which begin as what is given, what the field's input reads as. Raises PublicError."""
        value = given[self.name]
        if self.read is None:
            if fields[self.name] is value:  # and not the copy that another key has made
                fields[self.name] = dict(value)
            for field in self.below:
                field.copy(value, fields[self.name])
        elif value is not None:
            try:
                fields[self.name] = self.read(value)
            except Exception as error:
                raise PublicError(f"The key field '{self.name}' cannot be read: {error}", code="BAD_USER_INPUT") from error
        elif not self.nullable:
            raise PublicError(f"The key field '{self.name}' must not be null.", code="BAD_USER_INPUT")


@dataclass(frozen=True, slots=True)
class _EntityType:
    name: str
    keys: Mapping[str, tuple[_KeyField, ...]]
    resolve: Resolve

    def read(self, representation: Mapping[str, Any]) -> dict[str, Any] | PublicError:
        """Return the fields of a representation, those of its keys read."""
        fields = dict(representation)
        del fields["__typename"]
        is_known = False
        try:
            for key in self.keys.values():
                for field in key:
                    if not field.is_in(representation):
                        break
                else:
                    is_known = True
                    for field in key:
                        field.copy(representation, fields)
        except PublicError as error:
            return error
        if is_known:
            return fields
        keys = " or ".join(f"'{key}'" for key in self.keys)
        return PublicError(f"This is not a representation of {self.name}, which is known by {keys}.", code="BAD_USER_INPUT")


@dataclass(frozen=True, slots=True)
class _Group:
    """The representations of one type: where each different one was asked for."""

    type: _EntityType
    places: dict[bytes, list[int]]

    async def resolved(self, info: Info, representations: Sequence[Any]) -> Iterable[tuple[list[int], object]]:
        places = list(self.places.values())
        read = [self.type.read(representations[first]) for first, *_ in places]
        good = [fields for fields in read if not isinstance(fields, PublicError)]
        found = iter(await self._found(info, good) if good else ())
        return zip(places, [fields if isinstance(fields, PublicError) else next(found) for fields in read], strict=True)

    async def _found(self, info: Info, fields: list[dict[str, Any]]) -> Sequence[object]:
        try:
            found = await self.type.resolve(info, fields)
            if len(found) != len(fields):
                raise ValueError(f"The references of {self.type.name} resolve to {len(found)} entities, not {len(fields)}.")  # noqa: TRY301 - as any failure
        except Exception as error:  # noqa: BLE001 - becomes the error of each place, where it is shown or masked as every other
            return [error] * len(fields)
        return found


def _canonical(representation: Any) -> bytes:
    """Return bytes that are the same for representations that are equal as JSON."""
    try:
        return orjson.dumps(representation, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits, which JSON has and orjson has not
        return repr(representation).encode()


def _not_an_entity(representation: object) -> PublicError:
    name = representation.get("__typename") if isinstance(representation, Mapping) else None
    return PublicError(f"A representation needs the __typename of an entity; {name!r} is none.", code="BAD_USER_INPUT")


def _entity_types(schema: GraphQLSchema, config: StrawberryConfig) -> Iterable[tuple[str, _EntityType]]:
    for type_ in schema.type_map.values():
        definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        # Interfaces too: of one with a key, a router asks which type the entity is.
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) or not isinstance(definition, StrawberryObjectDefinition):
            continue
        keys = [str(key.fields) for key in definition.directives or () if isinstance(key, Key) and key.resolvable is not False]
        if keys:
            read = {key: tuple(_key_fields(type_, _selection(key))) for key in keys}
            yield type_.name, _EntityType(type_.name, read, _resolver(type_, definition, config))


def _selection(key: str) -> SelectionSetNode:
    # A key is a selection set without its outer braces (FieldSet).
    (operation,) = parse(f"{{ {key} }}", no_location=True).definitions
    return cast("SelectionSetNode", operation.selection_set)  # type: ignore[attr-defined]  # the one definition is a query


def _key_fields(type_: GraphQLObjectType | GraphQLInterfaceType, selection: SelectionSetNode) -> Iterable[_KeyField]:
    for node in selection.selections:
        if not isinstance(node, FieldNode):
            raise TypeError(f"A @key of {type_.name} has a fragment in it; keys have fields alone.")
        if node.name.value == "__typename":
            continue
        field_type = type_.fields[node.name.value].type
        nullable = not isinstance(field_type, GraphQLNonNull)
        named = get_nullable_type(field_type)
        if is_leaf_type(named):
            yield _KeyField(node.name.value, nullable, named.parse_value, ())
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType) and node.selection_set:
            yield _KeyField(node.name.value, nullable, None, tuple(_key_fields(named, node.selection_set)))
        else:
            raise TypeError(f"The @key of {type_.name} has the field '{node.name.value}' of type {field_type}, which no key may have.")


def _resolver(type_: GraphQLObjectType | GraphQLInterfaceType, definition: StrawberryObjectDefinition, config: StrawberryConfig) -> Resolve:
    of_many = getattr(definition.origin, "resolve_references", None)
    if of_many is not None:
        return _at_once(of_many, type_)
    of_one = getattr(definition.origin, "resolve_reference", None)
    if of_one is not None:
        return _one_by_one(_called_with_fields(type_.name, of_one, definition, config))

    def instance(info: Info, fields: dict[str, Any]) -> object:
        scalars = info.schema.schema_converter.scalar_registry
        return convert_argument(fields, type_=definition.origin, scalar_registry=scalars, config=config, info=info)

    return _one_by_one(instance)


def _at_once(of_many: Callable[..., Any], type_: GraphQLObjectType | GraphQLInterfaceType) -> Resolve:
    projects = "reads" in inspect.signature(of_many).parameters

    async def resolve(info: Info, representations: list[dict[str, Any]]) -> Sequence[object]:
        found = of_many(info, representations, **({"reads": _reads(info, type_)} if projects else {}))
        return list(await found if inspect.isawaitable(found) else found)

    return resolve


def _reads(info: Info, type_: GraphQLObjectType | GraphQLInterfaceType) -> frozenset[str] | None:
    """Return the attributes that the selection will read of entities of a type; None when that cannot be known."""
    if not (isinstance(type_, GraphQLObjectType) and isinstance(type_.is_type_of, InstanceCheck)):
        return None
    raw = info._raw_info  # noqa: SLF001 - Strawberry's own view of a selection knows no types
    fragments = {name: FragmentDetails(definition) for name, definition in raw.fragments.items()}
    values = VariableValues({}, cast("dict[str, Any]", raw.variable_values))  # Strawberry hands on the values alone
    details = [FieldDetails(node, None) for node in raw.field_nodes]
    selected = collect_subfields(raw.schema, fragments, values, raw.operation, type_, details).grouped_field_set
    reads: frozenset[str] = frozenset()
    for key, same in selected.items():
        name = same[0].node.name.value
        if name != "__typename":
            definition = type_.fields[name]
            attributes = Selected(0, key, definition, type_, same, source_of(info.schema, definition)).attributes
            if attributes is None:
                return None
            reads |= attributes
    return reads


def _one_by_one(of_one: Callable[[Info, dict[str, Any]], object]) -> Resolve:
    async def resolve(info: Info, representations: list[dict[str, Any]]) -> Sequence[object]:
        found: list[object] = []
        for fields in representations:
            try:
                found.append(of_one(info, fields))
            except Exception as error:  # noqa: BLE001 - becomes the error of its place
                found.append(error)
        waiting = [place for place, one in enumerate(found) if inspect.isawaitable(one)]
        # Together, so that what they load can be loaded at once.
        awaited = await asyncio.gather(*(cast("Awaitable[object]", found[place]) for place in waiting), return_exceptions=True)
        for place, one in zip(waiting, awaited, strict=True):
            found[place] = one
        return found

    return resolve


def _called_with_fields(
    type_name: str, of_one: Callable[..., Any], definition: StrawberryObjectDefinition, config: StrawberryConfig
) -> Callable[[Info, dict[str, Any]], object]:
    in_schema = {field.python_name: config.name_converter.get_graphql_name(field) for field in definition.fields}
    parameters = dict(inspect.signature(of_one).parameters)
    takes_info = parameters.pop("info", None) is not None
    takes_all = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    named = [parameter for parameter in parameters.values() if parameter.kind is not inspect.Parameter.VAR_KEYWORD]

    def resolve(info: Info, fields: dict[str, Any]) -> object:
        rest = dict(fields)
        given: dict[str, Any] = {"info": info} if takes_info else {}
        for parameter in named:
            name = parameter.name if parameter.name in fields else in_schema.get(parameter.name, parameter.name)
            if name in fields:
                given[parameter.name] = rest.pop(name)
            elif parameter.default is inspect.Parameter.empty:
                raise PublicError(f"This is not a representation of {type_name}: it has no '{name}'.", code="BAD_USER_INPUT")
        return of_one(**given, **rest) if takes_all else of_one(**given)

    return resolve
