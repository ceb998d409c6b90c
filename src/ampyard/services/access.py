"""Who a credential of the public graph speaks for."""

import time
from collections import OrderedDict
from datetime import timedelta

from ampyard.domain.access import Principal, PrincipalKind, Scope
from ampyard.repositories.directory import Directory
from ampyard.services.backend import Backend
from ampyard.services.secrets import hash_key

# A socket lives as long as its principal: so a revoked key is shut out of an open one after this long at the latest.
_TRUSTED_FOR = timedelta(minutes=15)
# So long a key that has just been looked up is not looked up again: a revoked one is refused everywhere after this time at the latest.
REMEMBERED_FOR_S = 5.0
_MOST_REMEMBERED = 10_000


class ApiKeys:
    """The API keys of the public graph. What is found is remembered for a moment; that a key is unknown never is."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        # By the key's hash: until when, and who. The first is the one that was looked up the longest ago.
        self._remembered: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    async def principal(self, key: str) -> Principal | None:
        """Return the principal of an API key, good for 15 minutes at most; `None` when the key is unknown, revoked or expired."""
        key_hash = hash_key(key)
        until, principal = self._remembered.get(key_hash, (0.0, None))
        if principal is None or until <= time.monotonic() or _is_over(principal, self._backend):
            self._remembered.pop(key_hash, None)
            asked_at = time.monotonic()
            principal = await self._look_up(key_hash)
            if principal is not None:
                # A revocation that was committed after it was asked for counts from then on.
                self._remembered[key_hash] = asked_at + REMEMBERED_FOR_S, principal
                if len(self._remembered) > _MOST_REMEMBERED:
                    self._remembered.popitem(last=False)
        return principal

    async def _look_up(self, key_hash: str) -> Principal | None:
        now = self._backend.clock()
        async with self._backend.database.system_snapshot() as snapshot:
            login = await Directory(snapshot).api_key(key_hash)
        if login is None or (login.expires_at is not None and login.expires_at <= now):
            return None
        known = {scope.value for scope in Scope}
        return Principal(
            tenant_id=login.tenant_id,
            subject=login.name,
            kind=PrincipalKind.KEY,
            scopes=frozenset(Scope(scope) for scope in login.scopes if scope in known),
            expires_at=min(login.expires_at or now + _TRUSTED_FOR, now + _TRUSTED_FOR),
        )


def _is_over(principal: Principal, backend: Backend) -> bool:
    return principal.expires_at is not None and principal.expires_at <= backend.clock()
