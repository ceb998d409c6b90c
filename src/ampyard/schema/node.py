"""The Relay node interface, and what every entity type of the schema has in common."""

from typing import Any

import strawberry

from ampyard.engine import InstanceCheck, computed
from ampyard.resolvers.edges import global_id


@strawberry.interface(description="Anything with a global id.")
class Node:
    id: strawberry.ID = computed(global_id, reads=["id"], description="The global id: opaque and stable.")


def shows(entity: type[Any]) -> InstanceCheck:
    """Return the type check of a GraphQL type that shows a domain entity: resolvers return entities, never copies of them."""
    return InstanceCheck(entity)
