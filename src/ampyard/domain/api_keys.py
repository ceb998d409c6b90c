import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of the public graph. Of the key itself only `prefix` is known; `scopes` are as `Scope` prints them.

    `resource_group_id`: what it reaches; None: the whole tenant. `author` is None for keys that came with the installation.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    prefix: str
    scopes: list[str]
    resource_group_id: uuid.UUID | None
    author: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
