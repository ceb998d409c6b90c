"""Changes of tenants, and acting as one of their users: decode the ids, call the service."""

import uuid
from typing import Any

import strawberry

from ampyard.domain.impersonations import Impersonation
from ampyard.domain.tenants import Tenant, TenantUser
from ampyard.domain.users import User
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, encode_id
from ampyard.services import impersonation, tenants
from ampyard.services.tenants import NewTenant


def user_id(root: TenantUser) -> strawberry.ID:
    """Resolve the global id of a tenant's user."""
    return encode_id(User, root.id)


async def create_tenant(
    caller: Caller, *, slug: str, name: str, owner_subject: str, owner_name: str, owner_email: str | None = None
) -> dict[str, Any]:
    """Make a tenant with its first owner."""
    wanted = NewTenant(slug, name, owner_subject, owner_name, owner_email)
    return {"tenant": await tenants.create_tenant(caller.backend, caller.principal, wanted)}


async def edit_tenant(caller: Caller, *, tenant_id: str, **changes: Any) -> dict[str, Any]:
    """Change a tenant's name."""
    return {"tenant": await tenants.edit_tenant(caller.backend, caller.principal, _tenant(tenant_id), **changes)}


async def suspend_tenant(caller: Caller, *, tenant_id: str, reason: str) -> dict[str, Any]:
    """Refuse everybody of a tenant."""
    return {"tenant": await tenants.suspend_tenant(caller.backend, caller.principal, _tenant(tenant_id), reason=reason)}


async def resume_tenant(caller: Caller, *, tenant_id: str) -> dict[str, Any]:
    """Let a suspended tenant in again."""
    return {"tenant": await tenants.resume_tenant(caller.backend, caller.principal, _tenant(tenant_id))}


async def start_impersonation(caller: Caller, *, tenant_id: str, user_id: str, reason: str, minutes: int) -> dict[str, Any]:
    """Begin to act as a user."""
    begun, token = await impersonation.start_impersonation(
        caller.backend,
        caller.principal,
        tenant_id=_tenant(tenant_id),
        user_id=decode_id("input.userId", user_id, User),
        reason=reason,
        minutes=minutes,
    )
    return {"impersonation": begun, "token": token}


async def end_impersonation(caller: Caller, *, impersonation_id: str) -> dict[str, Any]:
    """End to act as a user."""
    begun = decode_id("input.impersonationId", impersonation_id, Impersonation)
    return {"impersonation": await impersonation.end_impersonation(caller.backend, caller.principal, begun)}


def _tenant(tenant_id: str) -> uuid.UUID:
    return decode_id("input.tenantId", tenant_id, Tenant)
