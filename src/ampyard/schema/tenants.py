from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import impersonations, users
from ampyard.domain import tenants as domain
from ampyard.domain.access import Scope
from ampyard.engine import computed
from ampyard.repositories import impersonations as impersonation_repository
from ampyard.repositories import tenants as repository
from ampyard.repositories.access import Users
from ampyard.repositories.impersonations import Impersonations
from ampyard.repositories.tenants import Tenants, TenantUsers
from ampyard.resolvers import tenants as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.users import User

TENANTS = Listing("tenants", Tenants, "NAME")
_USERS = Listing("usersOfTenant", TenantUsers, "NAME", parent=TenantUsers.table.c.tenant_id)
IMPERSONATIONS = Listing("impersonations", Impersonations, "STARTED_AT", default_descending=True)


@strawberry.enum(description="What tenants can be ordered by.")
class TenantOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of tenants.")
class TenantOrder:
    field: TenantOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.enum(description="What a tenant's users can be ordered by.")
class TenantUserOrderField(Enum):
    NAME = "NAME"


@strawberry.input(description="The order of a list of a tenant's users.")
class TenantUserOrder:
    field: TenantUserOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.enum(description="What impersonations can be ordered by.")
class ImpersonationOrderField(Enum):
    STARTED_AT = "STARTED_AT"


@strawberry.input(description="The order of a list of impersonations.")
class ImpersonationOrder:
    field: ImpersonationOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which tenants to list.")
class TenantFilter:
    name_contains: str | None = strawberry.field(default=None, description="Only those with this in their name.")
    suspended: bool | None = strawberry.field(default=None, description="Only those that are, or are not, suspended.")

    def narrowing(self) -> repository.TenantFilter:
        """Return the filter as the repository takes it."""
        return repository.TenantFilter(self.name_contains, self.suspended)


@strawberry.input(description="Which impersonations to list.")
class ImpersonationFilter:
    user_id: strawberry.ID | None = strawberry.field(default=None, description="Only those as this user.")
    in_force_at: datetime | None = strawberry.field(default=None, description="Only those that were going on at this time.")

    def narrowing(self) -> impersonation_repository.ImpersonationFilter:
        """Return the filter as the repository takes it."""
        return impersonation_repository.ImpersonationFilter(optional_id("filter.userId", self.user_id, users.User), self.in_force_at)


@strawberry.federation.type(directives=[Authenticated()], description="A user of a tenant, by name alone.")
class TenantUser:
    user_id: strawberry.ID = computed(
        resolvers.user_id, reads=["id"], description="The user's global id, as `startImpersonation` takes it."
    )
    subject: str = strawberry.field(description="What the identity provider calls them.")
    name: str = strawberry.field(description="What people call them.")
    email: str | None = strawberry.field(description="Where they are written to.")
    disabled_at: datetime | None = strawberry.field(description="Since when they are shut out.")


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="One customer of the installation.")
class Tenant(Node):
    slug: str = strawberry.field(description="Its short name, once in the installation.")
    name: str = strawberry.field(description="Its name.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    suspended_at: datetime | None = strawberry.field(description="Since when nobody of it is let in; null while it is not suspended.")
    suspended_reason: str | None = strawberry.field(description="Why it is suspended.")
    users: Connection[TenantUser] = connection(_USERS, description="Its users, by name.", filter_type=None, order_type=TenantUserOrder)
    is_type_of = staticmethod(shows(domain.Tenant))
    resolve_references = staticmethod(references_to(domain.Tenant))


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="That an administrator of the installation acts as a user, for support."
)
class Impersonation(Node):
    impersonator: str = strawberry.field(description="Who acts.")
    reason: str = strawberry.field(description="Why.")
    started_at: datetime = strawberry.field(description="When it began.")
    expires_at: datetime = strawberry.field(description="When it ends by itself, an hour later at most.")
    ended_at: datetime | None = strawberry.field(description="When it was ended before that.")
    user: Annotated["User", strawberry.lazy("ampyard.schema.users")] | None = to_one(Users, "user_id", description="As whom.")
    is_type_of = staticmethod(shows(impersonations.Impersonation))
    resolve_references = staticmethod(references_to(impersonations.Impersonation))


@strawberry.input(description="A new tenant, and its first owner.")
class CreateTenantInput(Change):
    slug: str = strawberry.field(description="Its short name: 1 to 63 small letters, digits and hyphens.")
    name: str = strawberry.field(description="Its name; 200 characters at most.")
    owner_subject: str = strawberry.field(description="What the identity provider calls its first owner.")
    owner_name: str = strawberry.field(description="What people call the owner.")
    owner_email: str | None = strawberry.field(default=None, description="Where the owner is written to.")


@strawberry.input(description="Change a tenant; what is left out stays.")
class EditTenantInput(Change):
    tenant_id: strawberry.ID = strawberry.field(description="The tenant.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name; not null.")


@strawberry.input(description="Refuse everybody of a tenant.")
class SuspendTenantInput(Change):
    tenant_id: strawberry.ID = strawberry.field(description="The tenant.")
    reason: str = strawberry.field(description="Why; 500 characters at most.")


@strawberry.input(description="Let a suspended tenant in again.")
class ResumeTenantInput(Change):
    tenant_id: strawberry.ID = strawberry.field(description="The tenant.")


@strawberry.federation.type(directives=[Authenticated()], description="A tenant that was changed.")
class TenantPayload(Payload):
    tenant: Tenant | None = strawberry.field(description="The tenant as it now is; null where the change was refused.")


@strawberry.input(description="Act as a user, for support.")
class StartImpersonationInput(Change):
    tenant_id: strawberry.ID = strawberry.field(description="The user's tenant.")
    user_id: strawberry.ID = strawberry.field(description="The user.")
    reason: str = strawberry.field(description="Why; 10 to 500 characters, which the tenant reads.")
    minutes: int = strawberry.field(description="For how long; 1 to 60.")


@strawberry.input(description="End to act as a user.")
class EndImpersonationInput(Change):
    impersonation_id: strawberry.ID = strawberry.field(description="The impersonation.")


@strawberry.federation.type(directives=[Authenticated()], description="An impersonation that has begun, and the token to use.")
class StartImpersonationPayload(Payload):
    impersonation: Impersonation | None = strawberry.field(description="The impersonation; null where it was refused.")
    token: str | None = strawberry.field(
        description="A bearer token that speaks for the user. It is shown this once, not even again under the same idempotency key."
    )


@strawberry.federation.type(directives=[Authenticated()], description="An impersonation that was ended.")
class ImpersonationPayload(Payload):
    impersonation: Impersonation | None = strawberry.field(description="The impersonation as it now is; null where the change was refused.")


@strawberry.type
class TenantQueries:
    tenant: Tenant | None = by_id(domain.Tenant, description="One tenant; null when it does not exist.")
    tenants: Connection[Tenant] = connection(
        TENANTS,
        description="All tenants, by name unless told; who is of a tenant finds that one.",
        filter_type=TenantFilter,
        order_type=TenantOrder,
        scope=Scope.TENANTS_READ,
    )
    impersonation: Impersonation | None = by_id(
        impersonations.Impersonation, description="One impersonation in the tenant; null when it does not exist."
    )
    impersonations: Connection[Impersonation] = connection(
        IMPERSONATIONS,
        description="Who acted as users of the tenant, newest first unless told.",
        filter_type=ImpersonationFilter,
        order_type=ImpersonationOrder,
        scope=Scope.ACCESS_READ,
    )


@strawberry.type
class TenantMutations:
    create_tenant: TenantPayload = mutation(
        TenantPayload, resolvers.create_tenant, CreateTenantInput, Scope.TENANTS_WRITE, description="Make a tenant with its first owner."
    )
    edit_tenant: TenantPayload = mutation(
        TenantPayload, resolvers.edit_tenant, EditTenantInput, Scope.TENANTS_WRITE, description="Change a tenant's name."
    )
    suspend_tenant: TenantPayload = mutation(
        TenantPayload,
        resolvers.suspend_tenant,
        SuspendTenantInput,
        Scope.TENANTS_WRITE,
        description="Refuse a tenant's users, keys, partners and charge points, everywhere within seconds.",
    )
    resume_tenant: TenantPayload = mutation(
        TenantPayload, resolvers.resume_tenant, ResumeTenantInput, Scope.TENANTS_WRITE, description="Let a suspended tenant in again."
    )
    start_impersonation: StartImpersonationPayload = mutation(
        StartImpersonationPayload,
        resolvers.start_impersonation,
        StartImpersonationInput,
        Scope.USERS_IMPERSONATE,
        description="Begin to act as a user, for support; the tenant's audit log tells of it, and of all that is done.",
    )
    end_impersonation: ImpersonationPayload = mutation(
        ImpersonationPayload,
        resolvers.end_impersonation,
        EndImpersonationInput,
        Scope.USERS_IMPERSONATE,
        description="End to act as a user; the token is refused everywhere within seconds.",
    )
