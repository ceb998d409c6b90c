"""Who calls: the other side of a link by its token, or an integrator by an API key."""

from starlette.requests import Request

from ampyard.domain.access import Principal
from ampyard.grid.errors import GridError
from ampyard.services.access import ApiKeys
from ampyard.services.backend import Backend
from ampyard.services.grid_traffic import LinkCaller, caller_of_token


async def caller_of(backend: Backend, request: Request, *, scheme: str) -> LinkCaller:
    """Return the other side whose token the `Authorization` header has, in the scheme of its protocol.

    Raises:
        GridError: 401, there is none, or it is nobody's.
    """
    written, _, token = request.headers.get("authorization", "").partition(" ")
    known = await caller_of_token(backend, token.strip()) if written.lower() == scheme.lower() and token.strip() else None
    if known is None:
        raise GridError(401, f"A valid token of a grid link is required: Authorization: {scheme} <token>.", {"www-authenticate": scheme})
    return known


async def principal_of(backend: Backend, keys: ApiKeys, request: Request, link_id: object) -> Principal:
    """Return who may speak for a link: its other side, or an integrator with an API key, whose grants tell what it reaches.

    Raises:
        GridError: 401, neither a key nor a token that is known; 403, a token of another link.
    """
    key = request.headers.get("x-api-key")
    if key is not None:
        principal = await keys.principal(key)
        if principal is None:
            raise GridError(401, "The API key is not known, revoked or expired: X-API-Key: <key>.")
        return principal
    caller = await caller_of(backend, request, scheme="Bearer")
    if caller.link_id != link_id:
        raise GridError(403, "The token is of another grid link than the address.")
    return caller.principal
