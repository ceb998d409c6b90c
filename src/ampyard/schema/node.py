"""The Relay node interface, and what every entity type of the schema has in common."""

from collections.abc import Callable
from typing import Any

import strawberry

from ampyard.resolvers.edges import global_id


@strawberry.interface(description="Anything with a global id.")
class Node:
    id: strawberry.ID = strawberry.field(resolver=global_id, description="The global id: opaque and stable.")


def shows(entity: type[Any]) -> Callable[[Any, Any], bool]:
    """Return the type check of a GraphQL type that shows a domain entity: resolvers return entities, never copies of them."""

    def is_type_of(value: Any, _info: Any) -> bool:
        return isinstance(value, entity)

    return is_type_of


def computed(resolver: Callable[..., Any], *, description: str) -> Any:
    """Return a field that a resolver computes: it returns a domain entity, which the field's GraphQL type shows."""
    return strawberry.field(resolver=resolver, description=description)
