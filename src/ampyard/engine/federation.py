from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import strawberry.federation
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    VariableDefinitionNode,
)
from graphql.execution.values import VariableValues
from strawberry.printer import print_schema
from strawberry.types.info import Info

from ampyard.engine.batching import strawberry_field
from ampyard.engine.entities import EntityTypes
from ampyard.engine.schema import Schema


class Subgraph(Schema, strawberry.federation.Schema):
    """A schema that is an Apollo Federation 2.11 subgraph: with `_service`, `_entities` and what they need.

    How a type's entities are found is said in the type: see `EntityTypes`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Strawberry's own resolvers print the document anew for every poll of a router, and fail all entities with one.
        service = self._schema.type_map["_Service"]
        assert isinstance(service, GraphQLObjectType)
        service.fields["sdl"].resolve = lambda *_: self._document
        assert self._schema.query_type is not None
        if "_entities" in self._schema.query_type.fields:
            self._resolve_entities(self._schema.query_type.fields["_entities"])

    @cached_property
    def _document(self) -> str:
        return self.as_str()

    def as_str(self) -> str:
        """The SDL as `_service` gives it to a router: federation's directives are imported by @link."""
        return print_schema(self)

    def _coerced(
        self, definitions: Sequence[VariableDefinitionNode], variables: Mapping[str, object]
    ) -> VariableValues | list[GraphQLError]:
        # graphql-core passes over every representation twice, which takes as long as resolving it; it may be anything but null.
        lists = {definition.variable.name.value for definition in definitions if _takes_representations(definition)}
        ready = {name: value for name, value in variables.items() if name in lists and isinstance(value, list) and None not in value}
        rest = [definition for definition in definitions if definition.variable.name.value not in ready]
        values = super()._coerced(rest, variables)
        if isinstance(values, VariableValues):
            values.coerced.update(ready)
        return values

    def _resolve_entities(self, field: GraphQLField) -> None:
        types = EntityTypes(self._schema, self.config, max_representations=self.limits.max_representations)
        definition = strawberry_field(field)
        assert definition is not None

        async def resolve(_root: object, info: GraphQLResolveInfo[Any], representations: list[object]) -> list[object]:
            return await types.find(Info(_raw_info=info, _field=definition), representations)

        field.resolve = resolve


def _takes_representations(definition: VariableDefinitionNode) -> bool:
    match definition.type:
        case NonNullTypeNode(type=ListTypeNode(type=NonNullTypeNode(type=NamedTypeNode(name=NameNode(value="_Any"))))):
            return True
    return False
