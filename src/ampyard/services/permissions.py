"""What somebody may do, and by which grant."""

import uuid

from ampyard.domain.errors import NotFoundError
from ampyard.domain.permissions import EffectivePermission, effective_permissions
from ampyard.domain.resource_groups import MemberKind, with_all_above
from ampyard.repositories.access import RoleGrants, Users, group_parents
from ampyard.repositories.database import Session
from ampyard.repositories.resource_groups import containing
from ampyard.services.backend import Backend


async def permissions_of(
    backend: Backend, session: Session, user_id: uuid.UUID, *, kind: MemberKind | None = None, resource_id: uuid.UUID | None = None
) -> list[EffectivePermission]:
    """Return what a user may do, by scope; a disabled user may do nothing.

    Args:
        backend: the clock.
        session: whose tenant it is about.
        user_id: the user; `NotFoundError` where there is none.
        kind: what `resource_id` is; None: a resource group.
        resource_id: what the user would do it to; None: the tenant as a whole.
    """
    user = await Users(session).by_id(user_id)
    if user is None:
        raise NotFoundError("There is no such user.")
    if user.disabled_at is not None:
        return []
    within = None
    if resource_id is not None:
        groups = {resource_id} if kind is None else await containing(session, kind, resource_id)
        within = with_all_above(groups, await group_parents(session))
    return effective_permissions(await RoleGrants(session).of_user(user_id), within, at=backend.clock())
