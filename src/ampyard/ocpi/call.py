from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from ampyard.domain.access import Principal
from ampyard.ocpi.auth import authenticate
from ampyard.services.backend import Backend


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request. `root_url` is the absolute address of the OCPI root, without a slash at its end."""

    request: Request
    backend: Backend
    partner: Principal
    root_url: str


Handler: TypeAlias = Callable[[Call], Awaitable[Response]]


def endpoint(backend: Backend, public_url: str | None, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler as a Starlette endpoint: nothing of it runs before the partner is known."""

    async def serve(request: Request) -> Response:
        partner = await authenticate(backend, request)
        origin = public_url.rstrip("/") if public_url else f"{request.url.scheme}://{request.url.netloc}"
        return await handler(Call(request, backend, partner, f"{origin}{request.scope.get('root_path', '')}"))

    return serve
