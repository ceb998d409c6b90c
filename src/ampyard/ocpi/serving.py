"""What every request goes through before a module sees it, and what is done about it afterwards."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from ampyard.domain.errors import DomainError
from ampyard.domain.roaming.partners import TokenKind
from ampyard.ocpi.auth import authenticate
from ampyard.ocpi.call import Call
from ampyard.ocpi.envelope import MESSAGE_IDS, answer
from ampyard.ocpi.errors import OcpiError, Refusal, message_of, refusal_of
from ampyard.ocpi.limits import RequestLimits
from ampyard.ocpi.modules import ALL_VERSIONS, Module, Route
from ampyard.ocpi.routing import routing_of
from ampyard.services import parties
from ampyard.services.backend import Backend

_log = logging.getLogger(__name__)

# Everything else is refused to one who comes with token A (section 4.1, Authorization header).
_OF_TOKEN_A = frozenset({"versions", "credentials"})
_ROUTED = "ocpi-"


class Serving:
    """Makes endpoints of the paths of modules.

    Args:
        backend: where to read and write.
        public_url: the address of this process as partners reach it; None: that of each request.
    """

    def __init__(self, backend: Backend, public_url: str | None) -> None:
        self._backend = backend
        self._public_url = public_url
        self._limits = RequestLimits(backend.budgets)

    def endpoint(self, module: Module, routes: Mapping[str, Route]) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers at one path of a module; `routes` by method."""

        async def serve(request: Request) -> Response:
            began = time.perf_counter()
            try:
                response = await self._serve(request, module, routes)
            except OcpiError as error:
                response = refused(request, error)
            ids = (response.headers[name] for name in MESSAGE_IDS)
            took_ms = round((time.perf_counter() - began) * 1000)
            told = (request.method, request.url.path, response.status_code, took_ms, *ids)
            _log.info("OCPI %s %s: %d in %d ms, request %r, correlation %r.", *told)
            return response

        return serve

    async def _serve(self, request: Request, module: Module, routes: Mapping[str, Route]) -> Response:
        partner, kind, principal = await authenticate(self._backend, request)
        await self._limits.take(partner, principal)
        version = request.path_params.get("version")
        if version is not None and version not in module.versions:
            raise _not_served(version, module)
        if kind is TokenKind.A and module.identifier not in _OF_TOKEN_A:
            raise OcpiError(
                Refusal.TOKEN_A_ELSEWHERE,
                "This token is for versions and credentials alone; use the one you are given in registration with everything else.",
                {"WWW-Authenticate": "Token"},
            )
        # The server leaves the body of an answer to HEAD away.
        route = routes.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            methods = ", ".join(sorted({*routes, "HEAD"} if "GET" in routes else routes))
            raise OcpiError(Refusal.METHOD_NOT_SERVED, f"{request.method} is not served here; {methods} is.", {"Allow": methods})
        root_url = root_url_of(request, self._public_url)
        call = Call(request, self._backend, partner, principal, kind, root_url, version)
        if module.configuration or not any(name.startswith(_ROUTED) for name in request.headers):
            return await _handled(call, route)
        ours = await parties.of_tenant(self._backend, principal)
        routing = routing_of(request.headers, partner, ours)
        response = await _handled(replace(call, routing=routing), route)
        response.headers.update(routing.answered(ours))
        return response


def root_url_of(request: Request, public_url: str | None) -> str:
    """Return the absolute address of the OCPI root, without a slash at its end, as it is reached at `public_url`, else by a request."""
    origin = public_url.rstrip("/") if public_url else f"{request.url.scheme}://{request.url.netloc}"
    return f"{origin}{request.scope.get('root_path', '')}"


async def _handled(call: Call, route: Route) -> Response:
    try:
        return await route.handler(call)
    except OcpiError as error:
        return refused(call.request, error)
    except DomainError as error:
        return refused(call.request, OcpiError(refusal_of(error), message_of(error)))


def refused(request: Request, error: OcpiError) -> Response:
    """Return the answer that tells of a refusal."""
    return answer(request, status=error.refusal.http, code=error.refusal.code, message=error.message, headers=error.headers)


def _not_served(version: str, module: Module) -> OcpiError:
    if version in ALL_VERSIONS:
        return OcpiError(Refusal.NO_SUCH_PATH, f"OCPI {version} has no module {module.identifier}.")
    served = ", ".join(ALL_VERSIONS)
    return OcpiError(Refusal.VERSION_NOT_SERVED, f"OCPI version {version[:20]!r} is not served here; these are: {served}.")
