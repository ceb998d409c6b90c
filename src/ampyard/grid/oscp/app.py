"""What the capacity provider calls: the flexibility provider's addresses of OSCP 2.0."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ampyard.domain.grid_links import LinkKind, address_fault
from ampyard.grid.auth import caller_of
from ampyard.grid.bodies import read
from ampyard.grid.errors import GridError
from ampyard.grid.oscp import wire
from ampyard.services import oscp
from ampyard.services.backend import Backend
from ampyard.services.grid_traffic import LinkCaller, egress
from ampyard.services.oscp import Ids

PATH = "/oscp/fp/2.0"
_Act: TypeAlias = Callable[[Backend, LinkCaller, Request, Ids], Awaitable[None]]


def oscp_routes(backend: Backend) -> list[Route]:
    """Return the addresses of the flexibility provider, below where the app is mounted."""

    def served(act: _Act) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            caller = await caller_of(backend, request, scheme="Token")
            if caller.kind is not LinkKind.OSCP:
                raise GridError(403, "The token is of a grid link that does not speak OSCP.")
            ids = Ids(request.headers.get("x-request-id"), request.headers.get("x-correlation-id"))
            await act(backend, caller, request, ids)
            given = {"x-request-id": ids.request_id, "x-correlation-id": ids.correlation_id}
            return Response(status_code=204, headers={name: value for name, value in given.items() if value is not None})

        return serve

    return [
        Route(f"{PATH}/register", served(_register), methods=["POST", "PUT"]),
        Route(f"{PATH}/handshake", served(_handshake), methods=["POST"]),
        Route(f"{PATH}/handshake_acknowledge", served(_handshake_acknowledge), methods=["POST"]),
        Route(f"{PATH}/heartbeat", served(_heartbeat), methods=["POST"]),
        Route(f"{PATH}/update_group_capacity_forecast", served(_forecast), methods=["POST"]),
    ]


async def _register(backend: Backend, caller: LinkCaller, request: Request, ids: Ids) -> None:
    body = await read(request, wire.Register)
    if body.base_url is None:
        spoken = ", ".join(it.version for it in body.version_url)
        raise GridError(400, f"We speak OSCP {wire.VERSION}; version_url has {spoken[:100]}.")
    fault = address_fault(body.base_url, insecure_allowed=egress(backend).private_allowed)
    if fault is not None:
        raise GridError(400, f"version_url.base_url: {fault}")
    await oscp.registered(backend, caller, body.base_url, body.token, ids)


async def _handshake(backend: Backend, caller: LinkCaller, request: Request, ids: Ids) -> None:
    await oscp.handshaken(backend, caller, (await read(request, wire.Handshake)).behaviour, ids, acknowledges=False)


async def _handshake_acknowledge(backend: Backend, caller: LinkCaller, request: Request, ids: Ids) -> None:
    await oscp.handshaken(backend, caller, (await read(request, wire.Handshake)).behaviour, ids, acknowledges=True)


async def _heartbeat(backend: Backend, caller: LinkCaller, request: Request, ids: Ids) -> None:
    await oscp.beaten(backend, caller, (await read(request, wire.Heartbeat)).offline_mode_at, ids)


async def _forecast(backend: Backend, caller: LinkCaller, request: Request, ids: Ids) -> None:
    body = await read(request, wire.UpdateGroupCapacityForecast)
    await oscp.forecast(backend, caller, body.group_id, body.kind, body.limits, ids)
