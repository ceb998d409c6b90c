"""Who asks, what roles there are, and what somebody may do."""

from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import permissions, roles
from ampyard.domain.access import Scope
from ampyard.engine import computed, list_size
from ampyard.resolvers import viewer as resolvers
from ampyard.resolvers.scopes import scoped, unscoped
from ampyard.schema.enums import PrincipalKind, Role
from ampyard.schema.users import RoleGrant

_SCOPES = len(Scope)


@strawberry.federation.type(directives=[Authenticated()], description="A resource group by its name.")
class ViewerGroup:
    id: strawberry.ID = computed(resolvers.group_id, reads=["id"], description="The global id of the resource group.")
    name: str = strawberry.field(description="Its name.")


@strawberry.federation.type(directives=[Authenticated()], description="Scopes, and the resource groups that they hold for.")
class ViewerGrant:
    scopes: list[str] = strawberry.field(description="The scopes.", directives=[list_size(_SCOPES)])
    resource_groups: list[ViewerGroup] = strawberry.field(description="The resource groups, by name.", directives=[list_size(20)])


@strawberry.federation.type(directives=[Authenticated()], description="Who asks.")
class Viewer:
    subject: str = strawberry.field(description="What the identity provider calls them; of an API key, its name.")
    kind: PrincipalKind = strawberry.field(description="What kind of caller it is.")
    name: str | None = strawberry.field(description="What people call them, where they are a known user of the tenant.")
    email: str | None = strawberry.field(description="Where they are written to.")
    tenant_slug: str | None = strawberry.field(description="The short name of their tenant; null for who administers the installation.")
    tenant_name: str | None = strawberry.field(description="The name of their tenant.")
    scopes: list[str] = strawberry.field(description="What they may do in the whole tenant.", directives=[list_size(_SCOPES)])
    grants: list[ViewerGrant] = strawberry.field(description="What they may do in parts of it.", directives=[list_size(10)])
    impersonated_by: str | None = strawberry.field(description="Who acts as them, for support.")
    expires_at: datetime | None = strawberry.field(description="When the credential ends.")


@strawberry.federation.type(directives=[Authenticated()], description="A role and what it stands for.")
class RoleDescription:
    role: Role = strawberry.field(description="The role.")
    description: str = strawberry.field(description="What it is for.")
    scopes: list[str] = computed(
        resolvers.role_scopes, reads=["scopes"], description="The scopes it is a set of.", directives=[list_size(_SCOPES)]
    )
    grantable: bool = strawberry.field(description="Whether a tenant can grant it.")
    is_type_of = staticmethod(lambda value, _info: isinstance(value, roles.RoleDescription))


@strawberry.federation.type(directives=[Authenticated()], description="A scope that somebody has, and where from.")
class EffectivePermission:
    scope: str = computed(resolvers.permission_scope, reads=["scope"], description="The scope.")
    description: str = computed(resolvers.permission_description, reads=["scope"], description="What it lets do.")
    grants: list[RoleGrant] = strawberry.field(description="Every grant that it comes from, oldest first.", directives=[list_size(5)])
    is_type_of = staticmethod(lambda value, _info: isinstance(value, permissions.EffectivePermission))


@strawberry.type
class ViewerQueries:
    viewer: Viewer = unscoped(resolvers.viewer, description="Who asks, and what they may do. Open to whoever is signed in.")
    roles: list[RoleDescription] = scoped(
        resolvers.roles, Scope.ACCESS_READ, description="Every role, from the least to the most.", assumed_size=len(Role)
    )
    effective_permissions: list[EffectivePermission] = scoped(
        resolvers.effective_permissions,
        Scope.ACCESS_READ,
        description="What a user may do to something, or in the tenant as a whole, and by which grants; without the roles of tokens.",
        assumed_size=_SCOPES,
    )
