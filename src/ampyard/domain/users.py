"""Users of a tenant, and the roles they are granted."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.access import Role


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signs in. `subject` is what the identity provider's tokens call them (OpenID Connect Core 1.0, section 2: `sub`).

    `last_seen_at` is right to within a few minutes.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    subject: str
    email: str | None
    name: str
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role that a user has for a resource group and all below it; without a group, for the whole tenant."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    user_id: uuid.UUID
    role: Role
    resource_group_id: uuid.UUID | None
    author: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether the grant counts at time `at`."""
        return all(end is None or at < end for end in (self.expires_at, self.revoked_at))
