"""Acting as a user, for support: begun with a reason by an administrator of the installation, told of in the tenant's own audit log."""

import uuid
from dataclasses import replace
from datetime import timedelta

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, NotFoundError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.impersonations import Impersonation
from ampyard.repositories.access import Users
from ampyard.repositories.directory import Directory
from ampyard.repositories.impersonations import Impersonations
from ampyard.repositories.tenants import Tenants
from ampyard.services.backend import Backend
from ampyard.services.secrets import hash_key, new_key
from ampyard.services.tenants import acting_in

# What the tokens begin with, by which they are told from those of an issuer.
TOKEN_PREFIX = "ampi"  # noqa: S105 - no secret


async def start_impersonation(
    backend: Backend, principal: Principal, *, tenant_id: uuid.UUID, user_id: uuid.UUID, reason: str, minutes: int
) -> tuple[Impersonation, str]:
    """Begin to act as a user; returns the token to do it with, which is not kept and cannot be shown again.

    Raises:
        ForbiddenError: the principal lacks `users:impersonate`, or acts as somebody else already.
        InvalidInputError: no reason, or not between 1 and 60 minutes.
        NotFoundError: there is no such tenant or user.
        ConflictError: the user is disabled, or the tenant suspended.
    """
    principal.require(Scope.USERS_IMPERSONATE)
    if principal.impersonator is not None:
        raise ForbiddenError(f"{principal.author} acts as somebody else already; end that first.")
    token = new_key(TOKEN_PREFIX)
    async with backend.unit_of_work(acting_in(principal, tenant_id), Scope.USERS_IMPERSONATE) as work:
        tenant = await Tenants(work.session).by_id(tenant_id)
        if tenant is None:
            raise NotFoundError("There is no such tenant.", ("input", "tenantId"))
        user = await Users(work.session).by_id(user_id)
        if user is None:
            raise NotFoundError("There is no such user.", ("input", "userId"))
        if user.disabled_at is not None or tenant.suspended_at is not None:
            who = "user is disabled" if user.disabled_at is not None else "tenant is suspended"
            raise ConflictError(f"The {who}; nobody can act there.", ("input", "userId"))
        begun = Impersonation(
            id=new_id(),
            tenant_id=tenant_id,
            user_id=user_id,
            impersonator=principal.author,
            reason=reason.strip(),
            started_at=work.now,
            expires_at=work.now + timedelta(minutes=minutes),
            ended_at=None,
        )
        await work.add(Impersonations, begun, token_hash=hash_key(token))
        await work.audit(
            "impersonation.start",
            "impersonation",
            begun.id,
            user_id=str(user_id),
            subject=user.subject,
            reason=begun.reason,
            minutes=minutes,
        )
        work.publish(Event(EventKind.ACCESS_CHANGED, user_id))
        work.answers(impersonation=begun)
        await work.commit()
    return begun, token


async def end_impersonation(backend: Backend, principal: Principal, impersonation_id: uuid.UUID) -> Impersonation:
    """End to act as a user before the time is over; the token is refused everywhere within seconds.

    Raises:
        ForbiddenError: the principal lacks `users:impersonate`.
        NotFoundError: there is no such impersonation.
        ConflictError: it is over already.
    """
    principal.require(Scope.USERS_IMPERSONATE)
    async with backend.database.system_snapshot() as system:
        tenant_id = await Directory(system).tenant_of_impersonation(impersonation_id)
    if tenant_id is None:
        raise NotFoundError("There is no such impersonation.")
    async with backend.unit_of_work(acting_in(principal, tenant_id), Scope.USERS_IMPERSONATE) as work:
        begun = await work.require(Impersonations, impersonation_id, "impersonation")
        if not begun.is_in_force(work.now):
            raise ConflictError("The impersonation is over.", ("input", "impersonationId"))
        ended = replace(begun, ended_at=work.now)
        await work.change(Impersonations, impersonation_id, ended_at=work.now)
        await work.audit("impersonation.end", "impersonation", impersonation_id, user_id=str(begun.user_id))
        work.publish(Event(EventKind.ACCESS_CHANGED, begun.user_id))
        work.answers(impersonation=ended)
        await work.commit()
    return ended
