"""Who a credential speaks for, and what is granted to whom."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Grant, Principal, PrincipalKind, Scope
from ampyard.domain.errors import ForbiddenError
from ampyard.domain.impersonations import NEVER_GIVEN
from ampyard.domain.resource_groups import with_all_below
from ampyard.domain.tenants import NO_TENANT
from ampyard.domain.users import RoleGrant, User
from ampyard.repositories.access import RoleGrants, Users, group_parents, note_seen
from ampyard.repositories.api_keys import note_used
from ampyard.repositories.database import Snapshot
from ampyard.repositories.directory import ApiKeyLogin, Directory
from ampyard.repositories.tenants import Tenants
from ampyard.services.backend import Backend
from ampyard.services.secrets import hash_key

K = TypeVar("K")
V = TypeVar("V")

# A socket lives as long as its principal: so a revoked key is shut out of an open one after this long at the latest.
_TRUSTED_FOR = timedelta(minutes=15)
# How exact it is known when somebody was last here.
_SEEN_EVERY = timedelta(minutes=5)
# So long what has just been looked up is not looked up again: what is revoked holds nowhere after this time at the latest.
REMEMBERED_FOR_S = 3.0
_MOST_REMEMBERED = 10_000


class Remembered(Generic[K, V]):
    """What was looked up a moment ago. That something is not there is never remembered."""

    def __init__(self, look_up: Callable[[K], Awaitable[V | None]]) -> None:
        self._look_up = look_up
        # Until when, and what; the first is the one that was looked up the longest ago.
        self._found: OrderedDict[K, tuple[float, V]] = OrderedDict()

    async def get(self, key: K, is_over: Callable[[V], bool] = lambda _: False) -> V | None:
        """Return what is there, looked up `REMEMBERED_FOR_S` ago at most."""
        until, value = self._found.get(key, (0.0, None))
        if value is None or until <= time.monotonic() or is_over(value):
            self._found.pop(key, None)
            asked_at = time.monotonic()
            value = await self._look_up(key)
            if value is not None:
                # A change that was committed after it was asked for counts from then on.
                self._found[key] = asked_at + REMEMBERED_FOR_S, value
                if len(self._found) > _MOST_REMEMBERED:
                    self._found.popitem(last=False)
        return value


class ApiKeys:
    """The API keys of the public graph."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._remembered = Remembered(self._look_up)
        self._noted: dict[uuid.UUID, datetime] = {}

    async def principal(self, key: str) -> Principal | None:
        """Return the principal of an API key, good for 15 minutes at most; `None` when the key is unknown, revoked or expired."""
        return await self._remembered.get(hash_key(key), lambda known: _is_over(known, self._backend))

    async def _look_up(self, key_hash: str) -> Principal | None:
        now = self._backend.clock()
        async with self._backend.database.system_snapshot() as snapshot:
            login = await Directory(snapshot).api_key(key_hash)
        if login is None or (login.expires_at is not None and login.expires_at <= now):
            return None
        await self._note_used(login, now)
        known = {scope.value for scope in Scope}
        scopes = frozenset(Scope(scope) for scope in login.scopes if scope in known)
        principal = Principal(
            tenant_id=login.tenant_id,
            subject=login.name,
            kind=PrincipalKind.KEY,
            scopes=scopes,
            expires_at=min(login.expires_at or now + _TRUSTED_FOR, now + _TRUSTED_FOR),
        )
        if login.resource_group_id is None:
            return principal
        async with self._backend.database.snapshot(login.tenant_id) as tenant:
            groups = with_all_below([login.resource_group_id], await group_parents(tenant))
        return replace(principal, scopes=frozenset(), grants=(Grant(scopes - TENANT_WIDE, groups),))

    async def _note_used(self, login: ApiKeyLogin, now: datetime) -> None:
        noted_at = self._noted.get(login.key_id)
        if noted_at is not None and now - noted_at < _SEEN_EVERY:
            return
        if len(self._noted) > _MOST_REMEMBERED:
            self._noted.clear()
        self._noted[login.key_id] = now
        async with self._backend.database.session(login.tenant_id) as session:
            await note_used(session, login.key_id, at=now)
            await session.commit()


class UserGrants:
    """What the users of the internal graph are granted, besides what their tokens' roles say."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._remembered = Remembered(self._look_up)

    async def granted(self, principal: Principal) -> Principal:
        """Return the principal of a token with what the user is granted here.

        Raises:
            ForbiddenError: the user is disabled, or the tenant suspended.
        """
        if principal.tenant_id == NO_TENANT:
            return principal
        extra = await self._remembered.get((principal.tenant_id, principal.subject))
        if extra is None or extra.shut_out is not None:
            raise ForbiddenError((extra and extra.shut_out) or f"The user {principal.subject} is not known any more.")
        if not (extra.scopes or extra.grants):
            return principal
        return replace(principal, scopes=principal.scopes | extra.scopes, grants=extra.grants)

    async def _look_up(self, user: tuple[uuid.UUID, str]) -> "Granted":
        tenant_id, subject = user
        async with self._backend.database.snapshot(tenant_id) as snapshot:
            known = await Users(snapshot).by_subject(subject)
            found = await _granted_to(self._backend, snapshot, tenant_id, known)
        if known is not None and found.shut_out is None:
            await _note_seen(self._backend, known)
        return found


async def _note_seen(backend: Backend, user: User) -> None:
    now = backend.clock()
    if user.last_seen_at is None or now - user.last_seen_at >= _SEEN_EVERY:
        async with backend.database.session(user.tenant_id) as session:
            await note_seen(session, user.id, at=now)
            await session.commit()


async def _granted_to(backend: Backend, snapshot: Snapshot, tenant_id: uuid.UUID, user: User | None) -> "Granted":
    tenant = await Tenants(snapshot).by_id(tenant_id, reads=frozenset({"suspended_at"}))
    if tenant is not None and tenant.suspended_at is not None:
        return Granted(shut_out="The tenant is suspended.")
    if user is None:
        return Granted()
    if user.disabled_at is not None:
        return Granted(shut_out=f"The user {user.subject} is disabled here.")
    roles = await RoleGrants(snapshot).of_user(user.id)
    parents = await group_parents(snapshot) if any(grant.resource_group_id for grant in roles) else {}
    return granted(roles, parents, at=backend.clock())


class Impersonating:
    """The tokens of those who act as a user, for support (`services.impersonation`)."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._remembered = Remembered(self._look_up)

    async def principal(self, token: str) -> Principal | None:
        """Return who a token lets act as whom; `None` when it is unknown or over, the user disabled or the tenant suspended."""
        return await self._remembered.get(hash_key(token), lambda known: _is_over(known, self._backend))

    async def _look_up(self, token_hash: str) -> Principal | None:
        now = self._backend.clock()
        async with self._backend.database.system_snapshot() as system:
            login = await Directory(system).impersonation(token_hash)
        if login is None or login.expires_at <= now:
            return None
        async with self._backend.database.snapshot(login.tenant_id) as snapshot:
            user = await Users(snapshot).by_id(login.user_id)
            found = await _granted_to(self._backend, snapshot, login.tenant_id, user)
        if user is None or found.shut_out is not None:
            return None
        principal = Principal(
            tenant_id=login.tenant_id,
            subject=user.subject,
            kind=PrincipalKind.USER,
            scopes=found.scopes - NEVER_GIVEN,
            expires_at=login.expires_at,
            grants=tuple(Grant(grant.scopes - NEVER_GIVEN, grant.groups) for grant in found.grants),
            impersonator=login.impersonator,
        )
        await self._note_use(principal, login.impersonation_id)
        return principal

    async def _note_use(self, principal: Principal, impersonation_id: uuid.UUID) -> None:
        # One record for each minute in which it is used: what is done in it has records of its own.
        async with self._backend.unit_of_work(replace(principal, grants=())) as work:
            minute = uuid.uuid5(impersonation_id, work.now.strftime("%Y-%m-%dT%H:%M"))
            await work.audit("impersonation.use", "impersonation", impersonation_id, record_id=minute)
            await work.commit()


@dataclass(frozen=True, slots=True)
class Granted:
    """What a user has: scopes in the whole tenant, and those on resource groups; or why the user is shut out."""

    scopes: frozenset[Scope] = frozenset()
    grants: tuple[Grant, ...] = ()
    shut_out: str | None = None


def granted(roles: Iterable[RoleGrant], parents: Mapping[uuid.UUID, uuid.UUID | None], *, at: datetime) -> Granted:
    """Return what granted roles add up to at a time; `parents` is the tree of resource groups."""
    in_force = [grant for grant in roles if grant.is_in_force(at)]
    return Granted(
        scopes=frozenset(scope for grant in in_force if grant.resource_group_id is None for scope in ROLE_SCOPES[grant.role]),
        grants=tuple(
            Grant(ROLE_SCOPES[grant.role] - TENANT_WIDE, with_all_below([grant.resource_group_id], parents))
            for grant in in_force
            if grant.resource_group_id is not None
        ),
    )


def _is_over(principal: Principal, backend: Backend) -> bool:
    return principal.expires_at is not None and principal.expires_at <= backend.clock()
