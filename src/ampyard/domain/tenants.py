"""Tenants, as administrators of the whole installation see them."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.errors import InvalidInputError

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAME = 200

# The tenant of those who have none: administrators of the installation. No row is of it.
NO_TENANT = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer. While it is suspended, its users, keys, partners and charge points are refused.

    Raises:
        InvalidInputError: the slug or the name is malformed.
    """

    id: uuid.UUID
    slug: str
    name: str
    created_at: datetime
    updated_at: datetime
    suspended_at: datetime | None
    suspended_reason: str | None

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.slug):
            message = f"{self.slug[:80]!r} is no slug; give 1 to 63 small letters, digits and hyphens, with neither end a hyphen."
            raise InvalidInputError(message, path=("input", "slug"))
        if not self.name.strip() or len(self.name) > _LONGEST_NAME:
            message = f"The name has {len(self.name)} characters; give 1 to {_LONGEST_NAME}, not blanks alone."
            raise InvalidInputError(message, path=("input", "name"))


@dataclass(frozen=True, slots=True)
class TenantUser:
    """A user of a tenant, as administrators of the installation see them: whom a request for help may be about."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    subject: str
    name: str
    email: str | None
    disabled_at: datetime | None
