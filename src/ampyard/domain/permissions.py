"""What a user may do to something, and by which grant."""

import uuid
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Scope
from ampyard.domain.users import RoleGrant


@dataclass(frozen=True, slots=True)
class EffectivePermission:
    """A scope that a user has, and every grant that it comes from, oldest first."""

    scope: Scope
    grants: tuple[RoleGrant, ...]


def effective_permissions(grants: Iterable[RoleGrant], within: AbstractSet[uuid.UUID] | None, *, at: datetime) -> list[EffectivePermission]:
    """Return what grants let a user do at a time, by scope.

    Args:
        grants: of the user.
        within: the resource groups that what is asked about is in, with all above them; None: it is the tenant as a whole. What is
            about the tenant as a whole cannot be done to a part of it, and what is granted on a part does not hold for the whole.
        at: the time.
    """
    in_force = sorted((grant for grant in grants if grant.is_in_force(at)), key=lambda grant: (grant.created_at, grant.id))
    groups = {None} | (within or frozenset())
    reaching = [grant for grant in in_force if grant.resource_group_id in groups]
    asked = frozenset(Scope) if within is None else frozenset(Scope) - TENANT_WIDE
    found = {scope: tuple(grant for grant in reaching if scope in ROLE_SCOPES[grant.role]) for scope in Scope if scope in asked}
    return [EffectivePermission(scope, by) for scope, by in found.items() if by]
