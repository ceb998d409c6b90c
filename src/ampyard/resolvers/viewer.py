"""Who asks, and what they and others may do."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import strawberry

from ampyard.domain.access import PrincipalKind, Scope
from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.depots import Depot
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.permissions import EffectivePermission
from ampyard.domain.resource_groups import MemberKind, ResourceGroup
from ampyard.domain.roles import RoleDescription, describe_scope, described_roles
from ampyard.domain.tenants import NO_TENANT
from ampyard.domain.users import User
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.access import ResourceGroups, Users
from ampyard.repositories.tenants import Tenants
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import decode_any, decode_id, encode_id
from ampyard.services.permissions import permissions_of

_KINDS = {Depot: MemberKind.DEPOT, ChargePoint: MemberKind.CHARGE_POINT, Vehicle: MemberKind.VEHICLE, ResourceGroup: None}


@dataclass(frozen=True, slots=True)
class ViewerGroup:
    """A resource group by its name, which whoever has something granted on it may know."""

    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class ViewerGrant:
    """Scopes and the resource groups that they hold for."""

    scopes: list[str]
    resource_groups: list[ViewerGroup]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks."""

    subject: str
    kind: PrincipalKind
    name: str | None
    email: str | None
    tenant_slug: str | None
    tenant_name: str | None
    scopes: list[str]
    grants: list[ViewerGrant]
    impersonated_by: str | None
    expires_at: datetime | None


async def viewer(info: Info) -> Viewer:
    """Return who asks, and what they may do."""
    principal, snapshot = info.context.principal, info.context.snapshot
    tenant = user = None
    if principal.tenant_id != NO_TENANT:
        tenant = await Tenants(snapshot).by_id(principal.tenant_id)
        user = await Users(snapshot).by_subject(principal.subject) if principal.kind is PrincipalKind.USER else None
    granted = {group for grant in principal.grants for group in grant.groups}
    groups = await ResourceGroups(snapshot).by_ids(granted) if granted else {}
    return Viewer(
        subject=principal.subject,
        kind=principal.kind,
        name=None if user is None else user.name,
        email=None if user is None else user.email,
        tenant_slug=None if tenant is None else tenant.slug,
        tenant_name=None if tenant is None else tenant.name,
        scopes=_values(principal.scopes),
        grants=[
            ViewerGrant(
                _values(grant.scopes),
                sorted((ViewerGroup(group, groups[group].name) for group in grant.groups & groups.keys()), key=lambda one: one.name),
            )
            for grant in principal.grants
        ],
        impersonated_by=principal.impersonator,
        expires_at=principal.expires_at,
    )


async def roles(info: Info) -> list[RoleDescription]:  # noqa: ARG001  # the name by which Strawberry knows what to pass
    """Return every role and what it stands for."""
    return described_roles()


async def effective_permissions(
    info: Info,
    user_id: Annotated[strawberry.ID, strawberry.argument(description="The user.")],
    resource_id: Annotated[
        strawberry.ID | None,
        strawberry.argument(description="A depot, charge point, vehicle or resource group; without it, the tenant as a whole."),
    ] = None,
) -> list[EffectivePermission]:
    """Return what a user may do to something, and by which grants."""
    user = decode_id("userId", user_id, User)
    backend, snapshot = info.context.backend, info.context.snapshot
    if resource_id is None:
        return await permissions_of(backend, snapshot, user)
    entity, resource = decode_any("resourceId", resource_id)
    if entity not in _KINDS:
        message = f"resourceId: this is the id of a {entity.__name__}; give that of a depot, charge point, vehicle or resource group."
        raise InvalidInputError(message, ("resourceId",))
    return await permissions_of(backend, snapshot, user, kind=_KINDS[entity], resource_id=resource)


def _values(scopes: frozenset[Scope]) -> list[str]:
    return [scope.value for scope in Scope if scope in scopes]


def group_id(root: ViewerGroup) -> strawberry.ID:
    """Resolve the global id of a resource group."""
    return encode_id(ResourceGroup, root.id)


def role_scopes(root: RoleDescription) -> list[str]:
    """Resolve what a role is a set of."""
    return [scope.value for scope in root.scopes]


def permission_scope(root: EffectivePermission) -> str:
    """Resolve a scope as `@requiresScopes` prints it."""
    return root.scope.value


def permission_description(root: EffectivePermission) -> str:
    """Resolve what a scope lets do."""
    return describe_scope(root.scope)
