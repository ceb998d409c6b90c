"""Changes of API keys: decode the ids, call the service."""

from datetime import datetime
from typing import Any

from ampyard.domain.api_keys import ApiKey
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import api_keys
from ampyard.services.api_keys import NewApiKey


async def create_api_key(
    caller: Caller, *, name: str, scopes: list[str], resource_group_id: str | None = None, expires_at: datetime | None = None
) -> dict[str, Any]:
    """Make a key; its secret is shown this once."""
    group = optional_id("input.resourceGroupId", resource_group_id, ResourceGroup)
    wanted = NewApiKey(name, tuple(scopes), group, expires_at)
    key, secret = await api_keys.create_api_key(caller.backend, caller.principal, wanted)
    return {"api_key": key, "secret": secret}


async def rename_api_key(caller: Caller, *, api_key_id: str, name: str) -> dict[str, Any]:
    """Give a key another name."""
    key = decode_id("input.apiKeyId", api_key_id, ApiKey)
    return {"api_key": await api_keys.rename_api_key(caller.backend, caller.principal, key, name=name)}


async def revoke_api_key(caller: Caller, *, api_key_id: str) -> dict[str, Any]:
    """Have a key refused."""
    key = decode_id("input.apiKeyId", api_key_id, ApiKey)
    return {"api_key": await api_keys.revoke_api_key(caller.backend, caller.principal, key)}
