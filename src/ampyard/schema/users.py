from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import resource_groups as groups
from ampyard.domain import users as domain
from ampyard.domain.access import Scope
from ampyard.repositories import access as repository
from ampyard.repositories.access import ResourceGroups, RoleGrants, Users
from ampyard.resolvers import users as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import Role
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.resource_groups import ResourceGroup

USERS = Listing("users", Users, "NAME")
GRANTS = Listing("roleGrants", RoleGrants, "CREATED_AT", default_descending=True)
_GRANTS_OF_USER = Listing("grantsOfUser", RoleGrants, "CREATED_AT", default_descending=True, parent=RoleGrants.table.c.user_id)


@strawberry.enum(description="What users can be ordered by.")
class UserOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of users.")
class UserOrder:
    field: UserOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which users to list.")
class UserFilter:
    contains: str | None = strawberry.field(default=None, description="Only those with this in their name, e-mail address or subject.")
    disabled: bool | None = strawberry.field(default=None, description="Only those who are, or are not, shut out.")
    with_role: Role | None = strawberry.field(
        default=None, description="Only those who were granted this role and have not had it revoked."
    )

    def narrowing(self) -> repository.UserFilter:
        """Return the filter as the repository takes it."""
        return repository.UserFilter(self.contains, self.disabled, self.with_role)


@strawberry.enum(description="What grants can be ordered by.")
class RoleGrantOrderField(Enum):
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of grants.")
class RoleGrantOrder:
    field: RoleGrantOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which grants to list.")
class RoleGrantFilter:
    in_force_at: datetime | None = strawberry.field(default=None, description="Only those that count at this time.")
    role: Role | None = strawberry.field(default=None, description="Only those of this role.")
    user_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this user.")
    resource_group_id: strawberry.ID | None = strawberry.field(default=None, description="Only those on this very resource group.")

    def narrowing(self) -> repository.RoleGrantFilter:
        """Return the filter as the repository takes it."""
        user = optional_id("filter.userId", self.user_id, domain.User)
        group = optional_id("filter.resourceGroupId", self.resource_group_id, groups.ResourceGroup)
        return repository.RoleGrantFilter(self.in_force_at, self.role, user, group)


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="Somebody who signs in.")
class User(Node):
    subject: str = strawberry.field(description="What the identity provider calls them: the claim `sub` of their tokens.")
    name: str = strawberry.field(description="What people call them.")
    email: str | None = strawberry.field(description="Where they are written to.")
    disabled_at: datetime | None = strawberry.field(description="Since when they are shut out; null while they are not.")
    last_seen_at: datetime | None = strawberry.field(description="When they last asked for something, to within a few minutes.")
    created_at: datetime = strawberry.field(description="When they were invited.")
    updated_at: datetime = strawberry.field(description="When they were last changed.")
    grants: Connection[Annotated["RoleGrant", strawberry.lazy("ampyard.schema.users")]] = connection(
        _GRANTS_OF_USER,
        description="What they were ever granted, newest first unless told.",
        filter_type=RoleGrantFilter,
        order_type=RoleGrantOrder,
    )
    is_type_of = staticmethod(shows(domain.User))
    resolve_references = staticmethod(references_to(domain.User))


@strawberry.federation.type(
    keys=["id"],
    directives=[Authenticated()],
    description="A role that a user has on a resource group and all below it, or in the whole tenant.",
)
class RoleGrant(Node):
    role: Role = strawberry.field(description="The role.")
    author: str = strawberry.field(description="Who granted it.")
    created_at: datetime = strawberry.field(description="When it was granted.")
    expires_at: datetime | None = strawberry.field(description="Until when it counts; null for open end.")
    revoked_at: datetime | None = strawberry.field(description="When it was taken back.")
    user: User | None = to_one(Users, "user_id", description="Who has it.")
    resource_group: Annotated["ResourceGroup", strawberry.lazy("ampyard.schema.resource_groups")] | None = to_one(
        ResourceGroups, "resource_group_id", description="What it reaches; null: the whole tenant."
    )
    is_type_of = staticmethod(shows(domain.RoleGrant))
    resolve_references = staticmethod(references_to(domain.RoleGrant))


@strawberry.input(description="A new user. What they may do is said by grants.")
class InviteUserInput(Change):
    subject: str = strawberry.field(description="What the identity provider calls them: the claim `sub` of their tokens.")
    name: str = strawberry.field(description="What people call them; 200 characters at most.")
    email: str | None = strawberry.field(default=None, description="Where they are written to.")


@strawberry.input(description="Change a user; what is left out stays.")
class EditUserInput(Change):
    user_id: strawberry.ID = strawberry.field(description="The user.")
    subject: str | None = strawberry.field(default=strawberry.UNSET, description="What the identity provider calls them from now on.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What people call them; not null.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="Where they are written to; null for nowhere.")


@strawberry.input(description="Name a user.")
class UserInput(Change):
    user_id: strawberry.ID = strawberry.field(description="The user.")


@strawberry.federation.type(directives=[Authenticated()], description="A user who was changed.")
class UserPayload(Payload):
    user: User | None = strawberry.field(description="The user as they now are; null where the change was refused.")


@strawberry.input(description="Grant a role to a user.")
class GrantRoleInput(Change):
    user_id: strawberry.ID = strawberry.field(description="Who gets it.")
    role: Role = strawberry.field(description="The role; you must hold all that it comes with.")
    resource_group_id: strawberry.ID | None = strawberry.field(default=None, description="What it reaches; without it, the whole tenant.")
    expires_at: datetime | None = strawberry.field(default=None, description="Until when it counts; open unless told.")


@strawberry.input(description="Take a granted role back.")
class RevokeGrantInput(Change):
    role_grant_id: strawberry.ID = strawberry.field(description="The grant.")


@strawberry.federation.type(directives=[Authenticated()], description="A grant that was made or taken back.")
class RoleGrantPayload(Payload):
    role_grant: RoleGrant | None = strawberry.field(description="The grant as it now is; null where the change was refused.")


@strawberry.type
class UserQueries:
    user: User | None = by_id(domain.User, description="One user; null when they do not exist.")
    users: Connection[User] = connection(
        USERS, description="All users, by name unless told.", filter_type=UserFilter, order_type=UserOrder, scope=Scope.ACCESS_READ
    )
    role_grant: RoleGrant | None = by_id(domain.RoleGrant, description="One grant; null when it does not exist.")
    role_grants: Connection[RoleGrant] = connection(
        GRANTS,
        description="All grants that were ever made, newest first unless told.",
        filter_type=RoleGrantFilter,
        order_type=RoleGrantOrder,
        scope=Scope.ACCESS_READ,
    )


@strawberry.type
class UserMutations:
    invite_user: UserPayload = mutation(
        UserPayload,
        resolvers.invite_user,
        InviteUserInput,
        Scope.ACCESS_WRITE,
        description="Make a user known, who may then be granted roles.",
    )
    edit_user: UserPayload = mutation(UserPayload, resolvers.edit_user, EditUserInput, Scope.ACCESS_WRITE, description="Change a user.")
    disable_user: UserPayload = mutation(
        UserPayload,
        resolvers.disable_user,
        UserInput,
        Scope.ACCESS_WRITE,
        description="Shut a user out, everywhere within seconds; the last owner stays.",
    )
    enable_user: UserPayload = mutation(
        UserPayload,
        resolvers.enable_user,
        UserInput,
        Scope.ACCESS_WRITE,
        description="Let a user in again, with the grants that are in force.",
    )
    grant_role: RoleGrantPayload = mutation(
        RoleGrantPayload,
        resolvers.grant_role,
        GrantRoleInput,
        Scope.ACCESS_WRITE,
        description="Grant a role. Nobody grants more than they hold, and only owners make owners.",
    )
    revoke_grant: RoleGrantPayload = mutation(
        RoleGrantPayload,
        resolvers.revoke_grant,
        RevokeGrantInput,
        Scope.ACCESS_WRITE,
        description="Take a role back, everywhere within seconds; what makes the last owner stays.",
    )
