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
from ampyard.domain.resource_groups import with_all_below
from ampyard.domain.users import RoleGrant
from ampyard.repositories.access import RoleGrants, Users, group_parents
from ampyard.repositories.directory import Directory
from ampyard.services.backend import Backend
from ampyard.services.secrets import hash_key

K = TypeVar("K")
V = TypeVar("V")

# A socket lives as long as its principal: so a revoked key is shut out of an open one after this long at the latest.
_TRUSTED_FOR = timedelta(minutes=15)
# So long what has just been looked up is not looked up again: what is revoked holds nowhere after this time at the latest.
REMEMBERED_FOR_S = 5.0
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

    async def principal(self, key: str) -> Principal | None:
        """Return the principal of an API key, good for 15 minutes at most; `None` when the key is unknown, revoked or expired."""
        return await self._remembered.get(hash_key(key), lambda known: _is_over(known, self._backend))

    async def _look_up(self, key_hash: str) -> Principal | None:
        now = self._backend.clock()
        async with self._backend.database.system_snapshot() as snapshot:
            login = await Directory(snapshot).api_key(key_hash)
        if login is None or (login.expires_at is not None and login.expires_at <= now):
            return None
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


class UserGrants:
    """What the users of the internal graph are granted, besides what their tokens' roles say."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._remembered = Remembered(self._look_up)

    async def granted(self, principal: Principal) -> Principal:
        """Return the principal of a token with what the user is granted here.

        Raises:
            ForbiddenError: the user is disabled.
        """
        extra = await self._remembered.get((principal.tenant_id, principal.subject))
        if extra is None or extra.disabled:
            raise ForbiddenError(f"The user {principal.subject} is disabled here.")
        if not (extra.scopes or extra.grants):
            return principal
        return replace(principal, scopes=principal.scopes | extra.scopes, grants=extra.grants)

    async def _look_up(self, user: tuple[uuid.UUID, str]) -> "Granted":
        tenant_id, subject = user
        async with self._backend.database.snapshot(tenant_id) as snapshot:
            known = await Users(snapshot).by_subject(subject)
            if known is None:
                return Granted()
            roles = await RoleGrants(snapshot).of_user(known.id)
            parents = await group_parents(snapshot) if any(grant.resource_group_id for grant in roles) else {}
        return granted(roles, parents, disabled=known.disabled_at is not None, at=self._backend.clock())


@dataclass(frozen=True, slots=True)
class Granted:
    """What a user has: scopes in the whole tenant, and those on resource groups."""

    scopes: frozenset[Scope] = frozenset()
    grants: tuple[Grant, ...] = ()
    disabled: bool = False


def granted(roles: Iterable[RoleGrant], parents: Mapping[uuid.UUID, uuid.UUID | None], *, disabled: bool, at: datetime) -> Granted:
    """Return what granted roles add up to at a time; `parents` is the tree of resource groups."""
    in_force = [grant for grant in roles if grant.is_in_force(at)]
    return Granted(
        scopes=frozenset(scope for grant in in_force if grant.resource_group_id is None for scope in ROLE_SCOPES[grant.role]),
        grants=tuple(
            Grant(ROLE_SCOPES[grant.role] - TENANT_WIDE, with_all_below([grant.resource_group_id], parents))
            for grant in in_force
            if grant.resource_group_id is not None
        ),
        disabled=disabled,
    )


def _is_over(principal: Principal, backend: Backend) -> bool:
    return principal.expires_at is not None and principal.expires_at <= backend.clock()
