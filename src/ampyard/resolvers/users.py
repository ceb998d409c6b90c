"""Changes of users and of what they are granted: decode the ids, call the service."""

from datetime import datetime
from typing import Any

from ampyard.domain.access import Role
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.domain.users import RoleGrant, User
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import grants, users
from ampyard.services.grants import NewGrant
from ampyard.services.users import NewUser


async def invite_user(caller: Caller, *, subject: str, name: str, email: str | None = None) -> dict[str, Any]:
    """Make a user known."""
    return {"user": await users.invite_user(caller.backend, caller.principal, NewUser(subject, name, email))}


async def edit_user(caller: Caller, *, user_id: str, **changes: Any) -> dict[str, Any]:
    """Change a user."""
    return {"user": await users.edit_user(caller.backend, caller.principal, _user(user_id), **changes)}


async def disable_user(caller: Caller, *, user_id: str) -> dict[str, Any]:
    """Shut a user out."""
    return {"user": await users.disable_user(caller.backend, caller.principal, _user(user_id))}


async def enable_user(caller: Caller, *, user_id: str) -> dict[str, Any]:
    """Let a user in again."""
    return {"user": await users.enable_user(caller.backend, caller.principal, _user(user_id))}


async def grant_role(
    caller: Caller, *, user_id: str, role: Role, resource_group_id: str | None = None, expires_at: datetime | None = None
) -> dict[str, Any]:
    """Grant a role."""
    group = optional_id("input.resourceGroupId", resource_group_id, ResourceGroup)
    wanted = NewGrant(_user(user_id), role, group, expires_at)
    return {"role_grant": await grants.grant_role(caller.backend, caller.principal, wanted)}


async def revoke_grant(caller: Caller, *, role_grant_id: str) -> dict[str, Any]:
    """Take a role back."""
    grant = decode_id("input.roleGrantId", role_grant_id, RoleGrant)
    return {"role_grant": await grants.revoke_grant(caller.backend, caller.principal, grant)}


def _user(user_id: str) -> Any:
    return decode_id("input.userId", user_id, User)
