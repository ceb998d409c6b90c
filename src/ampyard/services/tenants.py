"""Tenants, for administrators of the whole installation: made with their first owner, edited, suspended, resumed."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from ampyard.domain.access import Principal, Role, Scope
from ampyard.domain.errors import ConflictError, InvalidInputError, NotFoundError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.tenants import NO_TENANT, Tenant
from ampyard.domain.users import RoleGrant, User
from ampyard.repositories import tenants as store
from ampyard.repositories.access import RoleGrants, Users
from ampyard.repositories.directory import Directory
from ampyard.repositories.tenants import Tenants
from ampyard.repositories.unit_of_work import SUSPENSION_CHANNEL, UnitOfWork
from ampyard.services.alerts.rules import add_default_rules
from ampyard.services.backend import Backend
from ampyard.services.users import check_user

_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What is asked for: a tenant, and whom to make its first owner."""

    slug: str
    name: str
    owner_subject: str
    owner_name: str
    owner_email: str | None = None


async def tenant_by_slug(backend: Backend, slug: str) -> uuid.UUID:
    """Return a tenant's id. Raises `NotFoundError` naming those there are: for operators of the system, not for tenants."""
    async with backend.database.system_snapshot() as snapshot:
        directory = Directory(snapshot)
        tenant_id = await directory.tenant_id(slug)
        if tenant_id is None:
            known = ", ".join(await directory.tenant_slugs()) or "none; run `ampyard seed`"
            raise NotFoundError(f"There is no tenant {slug!r}; known: {known}.")
    return tenant_id


async def suspended_among(backend: Backend, tenant_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of some tenants that are suspended."""
    if not tenant_ids:
        return set()
    async with backend.database.system_snapshot() as system:
        return await Directory(system).suspended_among(tenant_ids)


async def create_tenant(backend: Backend, principal: Principal, wanted: NewTenant) -> Tenant:
    """Make a tenant with its first owner and the default alert rules; both are in the new tenant's own audit log.

    Raises:
        ForbiddenError: the principal lacks `tenants:write`.
        InvalidInputError: slug, name or owner are malformed.
        ConflictError: the slug is taken.
    """
    principal.require(Scope.TENANTS_WRITE)
    check_user({"subject": wanted.owner_subject, "name": wanted.owner_name, "email": wanted.owner_email}, prefix="owner")
    async with backend.database.system_snapshot() as system:
        if await Directory(system).tenant_id(wanted.slug) is not None:
            raise ConflictError(f"There is a tenant {wanted.slug!r} already.", ("input", "slug"))
    async with _work(backend, replace(principal, tenant_id=new_id(), grants=())) as work:
        made = Tenant(
            id=work.tenant_id,
            slug=wanted.slug,
            name=wanted.name,
            created_at=work.now,
            updated_at=work.now,
            suspended_at=None,
            suspended_reason=None,
        )
        owner = User(
            id=new_id(),
            tenant_id=work.tenant_id,
            subject=wanted.owner_subject,
            email=wanted.owner_email,
            name=wanted.owner_name,
            disabled_at=None,
            created_at=work.now,
            updated_at=work.now,
        )
        grant = RoleGrant(
            id=new_id(),
            tenant_id=work.tenant_id,
            user_id=owner.id,
            role=Role.OWNER,
            resource_group_id=None,
            author=principal.author,
            created_at=work.now,
            expires_at=None,
            revoked_at=None,
        )
        await store.add(work.session, made.id, slug=made.slug, name=made.name, at=work.now)
        await add_default_rules(work)
        await work.add(Users, owner)
        await work.add(RoleGrants, grant)
        await work.audit("tenant.create", "tenant", made.id, slug=made.slug, name=made.name)
        await work.audit("user.invite", "user", owner.id, subject=owner.subject)
        await work.audit("grant.add", "role_grant", grant.id, user_id=str(owner.id), role=grant.role.value)
        work.answers(tenant=made)
        await work.commit()
    return made


async def edit_tenant(backend: Backend, principal: Principal, tenant_id: uuid.UUID, **changes: Any) -> Tenant:
    """Change a tenant's name.

    Raises:
        ForbiddenError: the principal lacks `tenants:write`.
        NotFoundError: there is no such tenant.
        InvalidInputError: the name is malformed, or null.
    """
    principal.require(Scope.TENANTS_WRITE)
    if changes.get("name", "") is None:
        raise InvalidInputError("A tenant has a name; leave it out to keep it.", ("input", "name"))
    async with _work(backend, acting_in(principal, tenant_id)) as work:
        tenant = await work.require(Tenants, tenant_id, "tenant")
        edited = replace(tenant, **changes, updated_at=work.now)
        await work.change(Tenants, tenant_id, **changes, updated_at=work.now)
        await work.audit("tenant.edit", "tenant", tenant_id, **changes)
        work.answers(tenant=edited)
        await work.commit()
    return edited


async def suspend_tenant(backend: Backend, principal: Principal, tenant_id: uuid.UUID, *, reason: str) -> Tenant:
    """Refuse a tenant's users, keys, partners and charge points from now on; those that are connected are let go of within seconds.

    Raises:
        ForbiddenError: the principal lacks `tenants:write`.
        NotFoundError: there is no such tenant.
        InvalidInputError: no reason, or too long a one.
        ConflictError: it is suspended already.
    """
    principal.require(Scope.TENANTS_WRITE)
    if not 1 <= len(reason.strip()) <= _REASON_LENGTH:
        raise InvalidInputError(f"The reason has {len(reason.strip())} characters; give 1 to {_REASON_LENGTH}.", ("input", "reason"))
    async with _work(backend, acting_in(principal, tenant_id)) as work:
        tenant = await work.require(Tenants, tenant_id, "tenant")
        if tenant.suspended_at is not None:
            raise ConflictError(f"The tenant is suspended since {tenant.suspended_at.isoformat()}.", ("input", "tenantId"))
        return await _mark(work, replace(tenant, suspended_at=work.now, suspended_reason=reason.strip(), updated_at=work.now), "suspend")


async def resume_tenant(backend: Backend, principal: Principal, tenant_id: uuid.UUID) -> Tenant:
    """Let a suspended tenant in again.

    Raises:
        ForbiddenError: the principal lacks `tenants:write`.
        NotFoundError: there is no such tenant.
        ConflictError: it is not suspended.
    """
    principal.require(Scope.TENANTS_WRITE)
    async with _work(backend, acting_in(principal, tenant_id)) as work:
        tenant = await work.require(Tenants, tenant_id, "tenant")
        if tenant.suspended_at is None:
            raise ConflictError("The tenant is not suspended.", ("input", "tenantId"))
        return await _mark(work, replace(tenant, suspended_at=None, suspended_reason=None, updated_at=work.now), "resume")


async def _mark(work: UnitOfWork, tenant: Tenant, action: str) -> Tenant:
    values = {name: getattr(tenant, name) for name in ("suspended_at", "suspended_reason", "updated_at")}
    await work.change(Tenants, tenant.id, **values)
    await work.audit(f"tenant.{action}", "tenant", tenant.id, reason=tenant.suspended_reason)
    work.publish(Event(EventKind.ACCESS_CHANGED, tenant.id))
    if tenant.suspended_at is not None:
        work.notify(SUSPENSION_CHANNEL, str(tenant.id))
    work.answers(tenant=tenant)
    await work.commit()
    return tenant


def acting_in(principal: Principal, tenant_id: uuid.UUID) -> Principal:
    """Return an administrator of the installation as one who acts inside a tenant: what it does there is in that tenant's audit log.

    Raises `NotFoundError` for one who is of another tenant: whatever its scopes, it acts there alone.
    """
    if principal.tenant_id not in {tenant_id, NO_TENANT}:
        raise NotFoundError("There is no such tenant.", ("input", "tenantId"))
    return replace(principal, tenant_id=tenant_id, grants=())


def _work(backend: Backend, inside: Principal) -> UnitOfWork:
    return backend.unit_of_work(inside, Scope.TENANTS_WRITE)
