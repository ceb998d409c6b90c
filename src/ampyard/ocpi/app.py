"""The OCPI root: routes, and what becomes of errors."""

import logging
from collections import defaultdict
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from ampyard.ocpi.envelope import answer
from ampyard.ocpi.errors import Refusal
from ampyard.ocpi.handlers import versions
from ampyard.ocpi.modules import Module, Route
from ampyard.ocpi.openapi import openapi_routes
from ampyard.ocpi.routes import MODULES
from ampyard.ocpi.serving import Serving
from ampyard.services.backend import Backend

_log = logging.getLogger(__name__)

# What is not served answers 405, which is told to those alone who are let in.
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def ocpi_app(backend: Backend, *, public_url: str | None = None) -> Starlette:
    """Return the OCPI root, to be mounted at /ocpi.

    Args:
        backend: where to read and write.
        public_url: the address of this process as partners reach it, for the absolute URLs in answers, such as
            `https://fleet.example`, without the path it is mounted at; without it, each request's own scheme and host.
    """
    serving = Serving(backend, public_url)
    routes = openapi_routes(MODULES, public_url)

    def serve(path: str, module: Module, answers: Mapping[str, Route]) -> None:
        # The standard's examples write URLs with a slash at the end as well as without.
        endpoint = serving.endpoint(module, answers)
        routes.extend(StarletteRoute(written, endpoint, methods=_METHODS) for written in (path, f"{path}/"))

    serve(versions.LIST.path, versions.VERSIONS, {"GET": versions.LIST})
    for module in MODULES:
        at: dict[str, dict[str, Route]] = defaultdict(dict)
        for route in module.routes:
            at[route.path][route.method] = route
        for path, answers in at.items():
            serve(f"/{{version}}/{module.identifier}{path}", module, answers)
    details = versions.details(MODULES)
    serve(details.path, versions.VERSIONS, {"GET": details})
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_error, Exception: _failed})
    app.router.redirect_slashes = False
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"Nothing is served at {request.url.path[:200]}; version details list what is."
    return answer(request, status=error.status_code, code=Refusal.NO_SUCH_PATH.code, message=message, headers=error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    response = answer(
        request,
        status=Refusal.FAILED.http,
        code=Refusal.FAILED.code,
        message="Something failed on our side; our log has it under this answer's X-Request-ID.",
    )
    _log.error("OCPI request %r failed.", response.headers["X-Request-ID"], exc_info=error)
    return response
