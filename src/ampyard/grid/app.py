"""The grid's root: routes, and what becomes of errors."""

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ampyard.domain.errors import DomainError, InvalidInputError
from ampyard.domain.ids import new_id
from ampyard.grid.errors import GridError, status_of
from ampyard.grid.oscp.app import oscp_routes
from ampyard.grid.site import site_routes
from ampyard.services.backend import Backend

_log = logging.getLogger(__name__)


def grid_app(backend: Backend) -> Starlette:
    """Return what the grid calls, to be mounted at /grid."""
    handlers = {GridError: _refused, DomainError: _not_done, HTTPException: _http_error, Exception: _failed}
    return Starlette(routes=[*site_routes(backend), *oscp_routes(backend)], exception_handlers=handlers)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GridError)
    return JSONResponse({"message": error.message}, status_code=error.status, headers=dict(error.headers or {}))


async def _not_done(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    all_of_it = [error, *error.others] if isinstance(error, InvalidInputError) else [error]
    told = [{"path": list(one.path[1:]), "message": str(one)} for one in all_of_it]
    return JSONResponse({"message": str(error), "faults": told}, status_code=status_of(error))


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"message": error.detail}, status_code=error.status_code, headers=error.headers)


async def _failed(_request: Request, error: Exception) -> Response:
    number = new_id()
    _log.error("A request of the grid failed (%s).", number, exc_info=error)
    return JSONResponse({"message": f"Something failed on our side; our log has it under {number}."}, status_code=500)
