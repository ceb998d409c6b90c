from collections.abc import Callable
from typing import Any, cast

from graphql import GraphQLObjectType, GraphQLSchema

from ampyard.engine.batching import InstanceCheck
from ampyard.engine.plans.fields import Position


class Branches:
    """The code for each object type that values of one abstract position may be of, made when the first value of the type comes."""

    def __init__(self, schema: GraphQLSchema, position: Position, make: Callable[[GraphQLObjectType], Callable[..., Any]]) -> None:
        self.position = position
        self.by_class: dict[type[Any], Callable[..., Any]] = {}
        self._by_name: dict[str, Callable[..., Any]] = {}
        self._make = make
        # Where types are told by class alone, the class of one value speaks for all.
        possible = schema.get_possible_types(cast("Any", position.type))
        self._told_by_class = all(isinstance(type_.is_type_of, InstanceCheck) for type_ in possible)

    def of(self, type_: GraphQLObjectType, class_: type[Any]) -> Callable[..., Any]:
        """Return the code for a type; remember it for a class where that is enough to know."""
        code = self._by_name.get(type_.name)
        if code is None:
            code = self._by_name[type_.name] = self._make(type_)
        if self._told_by_class:
            self.by_class[class_] = code
        return code
