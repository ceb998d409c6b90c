"""Who a credential of the public graph speaks for."""

from datetime import timedelta

from ampyard.domain.access import Principal, PrincipalKind, Scope
from ampyard.repositories.directory import Directory
from ampyard.services.backend import Backend
from ampyard.services.secrets import hash_key

# A socket lives as long as its principal: so a revoked key is shut out of an open one after this long at the latest.
_TRUSTED_FOR = timedelta(minutes=15)


async def api_key_principal(backend: Backend, key: str) -> Principal | None:
    """Return the principal of an API key, good for 15 minutes; `None` when the key is unknown, revoked or expired."""
    now = backend.clock()
    async with backend.database.system_snapshot() as snapshot:
        login = await Directory(snapshot).api_key(hash_key(key))
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
