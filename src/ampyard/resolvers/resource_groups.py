"""Changes of resource groups: decode the ids, call the service."""

import uuid
from typing import Any

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.depots import Depot
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.resource_groups import MemberKind, ResourceGroup
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_any, decode_id, optional_id
from ampyard.services import resource_groups
from ampyard.services.resource_groups import Member

_KINDS = {Depot: MemberKind.DEPOT, ChargePoint: MemberKind.CHARGE_POINT, Vehicle: MemberKind.VEHICLE}


async def create_group(caller: Caller, *, name: str, description: str | None = None, parent_id: str | None = None) -> dict[str, Any]:
    """Make a group."""
    parent = optional_id("input.parentId", parent_id, ResourceGroup)
    made = await resource_groups.create_group(caller.backend, caller.principal, name=name, description=description, parent_id=parent)
    return {"resource_group": made}


async def edit_group(caller: Caller, *, resource_group_id: str, **changes: Any) -> dict[str, Any]:
    """Change a group's name or description."""
    group = _group(resource_group_id)
    return {"resource_group": await resource_groups.edit_group(caller.backend, caller.principal, group, **changes)}


async def move_group(caller: Caller, *, resource_group_id: str, parent_id: str | None = None) -> dict[str, Any]:
    """Move a group."""
    parent = optional_id("input.parentId", parent_id, ResourceGroup)
    group = _group(resource_group_id)
    return {"resource_group": await resource_groups.move_group(caller.backend, caller.principal, group, parent_id=parent)}


async def remove_group(caller: Caller, *, resource_group_id: str, move_content_up: bool = False) -> dict[str, Any]:
    """Remove a group."""
    group = _group(resource_group_id)
    await resource_groups.remove_group(caller.backend, caller.principal, group, move_content_up=move_content_up)
    return {"removed_id": resource_group_id}


async def add_to_group(caller: Caller, *, resource_group_id: str, member_ids: list[str]) -> dict[str, Any]:
    """Put something into a group."""
    group, members = _group(resource_group_id), _members(member_ids)
    return {"resource_group": await resource_groups.add_to_group(caller.backend, caller.principal, group, members)}


async def remove_from_group(caller: Caller, *, resource_group_id: str, member_ids: list[str]) -> dict[str, Any]:
    """Take something out of a group."""
    group, members = _group(resource_group_id), _members(member_ids)
    return {"resource_group": await resource_groups.remove_from_group(caller.backend, caller.principal, group, members)}


def _group(group_id: str) -> uuid.UUID:
    return decode_id("input.resourceGroupId", group_id, ResourceGroup)


def _members(member_ids: list[str]) -> list[Member]:
    members = []
    for number, member_id in enumerate(member_ids):
        entity, identifier = decode_any(f"input.memberIds.{number}", member_id)
        if entity not in _KINDS:
            message = f"This is the id of a {entity.__name__}; in a group there can be depots, charge points and vehicles."
            raise InvalidInputError(message, ("input", "memberIds", str(number)))
        members.append((_KINDS[entity], identifier))
    return members
