from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import api_keys as domain
from ampyard.domain import resource_groups as groups
from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.repositories import api_keys as repository
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.api_keys import ApiKeyRecords
from ampyard.resolvers import api_keys as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.resource_groups import ResourceGroup

API_KEYS = Listing("apiKeys", ApiKeyRecords, "CREATED_AT", default_descending=True)


@strawberry.enum(description="What API keys can be ordered by.")
class ApiKeyOrderField(Enum):
    CREATED_AT = "CREATED_AT"
    NAME = "NAME"


@strawberry.input(description="The order of a list of API keys.")
class ApiKeyOrder:
    field: ApiKeyOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which API keys to list.")
class ApiKeyFilter:
    valid_at: datetime | None = strawberry.field(default=None, description="Only those that are neither revoked nor expired at this time.")
    resource_group_id: strawberry.ID | None = strawberry.field(default=None, description="Only those confined to this resource group.")

    def narrowing(self) -> repository.ApiKeyFilter:
        """Return the filter as the repository takes it."""
        return repository.ApiKeyFilter(self.valid_at, optional_id("filter.resourceGroupId", self.resource_group_id, groups.ResourceGroup))


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A key of the public graph.")
class ApiKey(Node):
    name: str = strawberry.field(description="What people call it.")
    prefix: str = strawberry.field(description="What it begins with; the rest is kept nowhere.")
    scopes: list[str] = strawberry.field(description="What it may do.", directives=[list_size(10)])
    author: str | None = strawberry.field(description="Who made it; null for keys that came with the installation.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(description="Until when it is good; null for open end.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used, to within a few minutes.")
    resource_group: Annotated["ResourceGroup", strawberry.lazy("ampyard.schema.resource_groups")] | None = to_one(
        ResourceGroups, "resource_group_id", description="What it reaches; null: the whole tenant."
    )
    is_type_of = staticmethod(shows(domain.ApiKey))
    resolve_references = staticmethod(references_to(domain.ApiKey))


@strawberry.input(description="A new API key.")
class CreateApiKeyInput(Change):
    name: str = strawberry.field(description="What people call it; 100 characters at most.")
    scopes: list[str] = strawberry.field(description="What it may do, such as fleet:read; you must hold all of it.")
    resource_group_id: strawberry.ID | None = strawberry.field(default=None, description="What it reaches; without it, the whole tenant.")
    expires_at: datetime | None = strawberry.field(default=None, description="Until when it is good; open unless told.")


@strawberry.input(description="Give an API key another name.")
class RenameApiKeyInput(Change):
    api_key_id: strawberry.ID = strawberry.field(description="The key.")
    name: str = strawberry.field(description="What people call it from now on.")


@strawberry.input(description="Have an API key refused.")
class RevokeApiKeyInput(Change):
    api_key_id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.federation.type(directives=[Authenticated()], description="A key that was made, and its secret.")
class CreateApiKeyPayload(Payload):
    api_key: ApiKey | None = strawberry.field(description="The key; null where it was refused.")
    secret: str | None = strawberry.field(
        description="The key itself, to be kept by whoever uses it. It is shown this once, not even again under the same idempotency key."
    )


@strawberry.federation.type(directives=[Authenticated()], description="A key that was changed.")
class ApiKeyPayload(Payload):
    api_key: ApiKey | None = strawberry.field(description="The key as it now is; null where the change was refused.")


@strawberry.type
class ApiKeyQueries:
    api_key: ApiKey | None = by_id(domain.ApiKey, description="One API key; null when it does not exist.")
    api_keys: Connection[ApiKey] = connection(
        API_KEYS,
        description="All API keys, newest first unless told.",
        filter_type=ApiKeyFilter,
        order_type=ApiKeyOrder,
        scope=Scope.ACCESS_READ,
    )


@strawberry.type
class ApiKeyMutations:
    create_api_key: CreateApiKeyPayload = mutation(
        CreateApiKeyPayload, resolvers.create_api_key, CreateApiKeyInput, Scope.KEYS_WRITE, description="Make an API key."
    )
    rename_api_key: ApiKeyPayload = mutation(
        ApiKeyPayload, resolvers.rename_api_key, RenameApiKeyInput, Scope.KEYS_WRITE, description="Give an API key another name."
    )
    revoke_api_key: ApiKeyPayload = mutation(
        ApiKeyPayload,
        resolvers.revoke_api_key,
        RevokeApiKeyInput,
        Scope.KEYS_WRITE,
        description="Have an API key refused, everywhere within seconds.",
    )
