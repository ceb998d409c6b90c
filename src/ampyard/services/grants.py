"""Granting and revoking roles: nobody gives more than they hold, only owners make or unmake owners, and one of them remains."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Principal, Role, Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.users import RoleGrant
from ampyard.repositories.access import ResourceGroups, RoleGrants, Users, lasting_owners
from ampyard.repositories.tenants import Tenants
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What is asked for: a role for a user, on a resource group or (None) in the whole tenant, until a moment or (None) for good."""

    user_id: uuid.UUID
    role: Role
    resource_group_id: uuid.UUID | None = None
    expires_at: datetime | None = None


async def grant_role(backend: Backend, principal: Principal, wanted: NewGrant) -> RoleGrant:
    """Grant a role.

    Raises:
        ForbiddenError: the principal lacks `access:write`, or something that the role comes with there; of an owner, `owners:write`.
        InvalidInputError: the role cannot be granted so, or the end is in the past.
        NotFoundError: there is no such user or resource group.
        ConflictError: the user has this very role there already, and no shorter.
    """
    principal.require(Scope.ACCESS_WRITE)
    _check_grantable(wanted)
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        if wanted.expires_at is not None and wanted.expires_at <= work.now:
            message = f"expiresAt {wanted.expires_at.isoformat()} is in the past; now is {work.now.isoformat()}."
            raise InvalidInputError(message, ("input", "expiresAt"))
        await lock_access(work)
        user = await work.require(Users, wanted.user_id, "user")
        if wanted.resource_group_id is not None:
            await work.require(ResourceGroups, wanted.resource_group_id, "resource group")
        check_holds_all(principal, wanted.role, wanted.resource_group_id)
        for grant in await RoleGrants(work.session).in_force_of([user.id], at=work.now):
            if (grant.role, grant.resource_group_id) == (wanted.role, wanted.resource_group_id) and _lasts(grant, wanted.expires_at):
                raise ConflictError(f"{user.name} is {wanted.role.value} there already.", ("input", "role"))
        granted = RoleGrant(
            id=new_id(),
            tenant_id=work.tenant_id,
            user_id=user.id,
            role=wanted.role,
            resource_group_id=wanted.resource_group_id,
            author=principal.author,
            created_at=work.now,
            expires_at=wanted.expires_at,
            revoked_at=None,
        )
        await work.add(RoleGrants, granted)
        await work.audit("grant.add", "role_grant", granted.id, **_detail(granted))
        work.publish(Event(EventKind.ACCESS_CHANGED, user.id))
        work.answers(role_grant=granted)
        await work.commit()
    return granted


async def revoke_grant(backend: Backend, principal: Principal, grant_id: uuid.UUID) -> RoleGrant:
    """Take a role back, everywhere within seconds.

    Raises:
        ForbiddenError: the principal lacks `access:write`, or, of an owner, `owners:write`.
        NotFoundError: there is no such grant.
        ConflictError: it is over already, or it is what makes the last owner.
    """
    principal.require(Scope.ACCESS_WRITE)
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        grant = await work.require(RoleGrants, grant_id, "grant")
        if not grant.is_in_force(work.now):
            ended = min(end for end in (grant.expires_at, grant.revoked_at) if end is not None)
            raise ConflictError(f"The grant is over since {ended.isoformat()}.", ("input", "roleGrantId"))
        if grant.role is Role.OWNER:
            principal.require(Scope.OWNERS_WRITE)
            others = [one for one in await RoleGrants(work.session).in_force_of([grant.user_id], at=work.now) if one.id != grant.id]
            if grant.expires_at is None and not any(one.role is Role.OWNER and one.expires_at is None for one in others):
                await check_owners_remain(work, grant.user_id, "roleGrantId")
        revoked = replace(grant, revoked_at=work.now)
        await work.change(RoleGrants, grant_id, revoked_at=work.now)
        await work.audit("grant.revoke", "role_grant", grant_id, **_detail(grant))
        work.publish(Event(EventKind.ACCESS_CHANGED, grant.user_id))
        work.answers(role_grant=revoked)
        await work.commit()
    return revoked


async def lock_access(work: UnitOfWork) -> None:
    """Have changes of who may do what in a tenant happen one after the other: what one of them checks must still hold when it is made."""
    await work.lock(Tenants, work.tenant_id)


def check_holds_all(principal: Principal, role: Role, group: uuid.UUID | None) -> None:
    """Raise `ForbiddenError` unless the principal holds all that a role comes with, on a resource group or (None) in the whole tenant."""
    scopes = ROLE_SCOPES[role] if group is None else ROLE_SCOPES[role] - TENANT_WIDE
    lacking = sorted(scope.value for scope in scopes if not principal.holds(scope, group))
    if lacking:
        where = "in the whole tenant" if group is None else "on this resource group"
        raise ForbiddenError(f"Nobody grants more than they hold: {principal.author} does not have {', '.join(lacking)} {where}.")


async def check_owners_remain(work: UnitOfWork, user_id: uuid.UUID, field: str) -> None:
    """See to it that a user who is to own the tenant no longer is not the last one.

    Raises:
        ForbiddenError: the user is an owner, and the principal lacks `owners:write`.
        ConflictError: there is no other who owns it for good.
    """
    owners = await lasting_owners(work.session)
    if user_id not in owners:
        return
    work.principal.require(Scope.OWNERS_WRITE)
    if owners == {user_id}:
        raise ConflictError("This is the last owner of the tenant; make another one first.", ("input", field))


def _check_grantable(wanted: NewGrant) -> None:
    if wanted.role is Role.SYSTEM_ADMINISTRATOR:
        raise InvalidInputError("system_administrator is of the whole installation; no tenant can grant it.", ("input", "role"))
    if wanted.role is Role.OWNER and wanted.resource_group_id is not None:
        message = "An owner owns the whole tenant; leave the resource group out, or grant administrator on it."
        raise InvalidInputError(message, ("input", "resourceGroupId"))


def _lasts(grant: RoleGrant, until: datetime | None) -> bool:
    return grant.expires_at is None or (until is not None and until <= grant.expires_at)


def _detail(grant: RoleGrant) -> dict[str, Any]:
    detail: dict[str, Any] = {"user_id": str(grant.user_id), "role": grant.role.value}
    if grant.resource_group_id is not None:
        detail["resource_group_id"] = str(grant.resource_group_id)
    if grant.expires_at is not None:
        detail["expires_at"] = grant.expires_at.isoformat()
    return detail
