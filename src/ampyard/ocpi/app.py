"""The OCPI root: routes, and what becomes of errors."""

import logging
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ampyard.ocpi.call import Handler, endpoint
from ampyard.ocpi.envelope import answer
from ampyard.ocpi.errors import OcpiError, StatusCode
from ampyard.ocpi.handlers import locations, versions
from ampyard.services.backend import Backend

_log = logging.getLogger(__name__)

_ROUTES: dict[str, Handler] = {
    "/versions": versions.list_versions,
    "/{version}": versions.version_details,
    "/{version}/locations": locations.list_locations,
    "/{version}/locations/{location_id}": locations.get_location,
    "/{version}/locations/{location_id}/{evse_uid}": locations.get_evse,
    "/{version}/locations/{location_id}/{evse_uid}/{connector_id}": locations.get_connector,
}


def ocpi_app(backend: Backend, *, public_url: str | None = None) -> Starlette:
    """Return the OCPI root, to be mounted at /ocpi.

    Args:
        backend: where to read.
        public_url: the address of this process as partners reach it, for the absolute URLs in answers, such as
            `https://fleet.example`, without the path it is mounted at; without it, each request's own scheme and host.
    """
    app = Starlette(
        # The standard's examples write list URLs with a slash at the end as well as without.
        routes=[
            Route(written, endpoint(backend, public_url, handler), methods=["GET"])
            for path, handler in _ROUTES.items()
            for written in (path, f"{path}/")
        ],
        exception_handlers={OcpiError: _refused, HTTPException: _http_error, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, OcpiError)
    return answer(request, status=error.status, code=error.code, message=error.message, headers=error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer(request, status=error.status_code, code=StatusCode.CLIENT_ERROR, message=error.detail, headers=error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    response = answer(
        request,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code=StatusCode.SERVER_ERROR,
        message="Something failed on our side; our log has it under this answer's X-Request-ID.",
    )
    _log.error("OCPI request %r failed.", response.headers["X-Request-ID"], exc_info=error)
    return response
