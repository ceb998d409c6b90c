"""What site controllers call: their limits as a whole or in part, and that they are there (see docs/grid.md)."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import orjson
from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ampyard.domain.access import Principal
from ampyard.domain.grid_links import GridLink
from ampyard.domain.grid_signals import GridSignal
from ampyard.grid.auth import principal_of
from ampyard.grid.bodies import Body, read
from ampyard.grid.errors import GridError
from ampyard.services import site_limits
from ampyard.services.access import ApiKeys
from ampyard.services.backend import Backend
from ampyard.services.site_limits import PushedLimit

_Act: TypeAlias = Callable[[Backend, Principal, uuid.UUID, Request], Awaitable[Response]]


class LimitBody(Body):
    """A limit, by the site controller's own id."""

    id: str
    begins_at: AwareDatetime | None = None
    ends_at: AwareDatetime
    limit_kw: float | None = None
    limit_a: float | None = None
    reason: str = ""


class LimitsBody(Body):
    """Limits."""

    limits: list[LimitBody] = Field(max_length=site_limits.MAX_LIMITS)


def site_routes(backend: Backend) -> list[Route]:
    """Return the addresses of site controllers, below where the app is mounted."""
    keys = ApiKeys(backend)

    def served(act: _Act) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            link_id = request.path_params["link_id"]
            return await act(backend, await principal_of(backend, keys, request, link_id), link_id, request)

        return serve

    here = "/site/{link_id:uuid}"
    return [
        Route(f"{here}/limits", served(_replace), methods=["PUT"]),
        Route(f"{here}/limits", served(_add), methods=["POST"]),
        Route(f"{here}/limits/{{external_id}}", served(_withdraw), methods=["DELETE"]),
        Route(f"{here}/heartbeat", served(_heartbeat), methods=["POST"]),
    ]


async def _replace(backend: Backend, principal: Principal, link_id: uuid.UUID, request: Request) -> Response:
    return await _pushed(backend, principal, link_id, await read(request, LimitsBody), replaces=True)


async def _add(backend: Backend, principal: Principal, link_id: uuid.UUID, request: Request) -> Response:
    return await _pushed(backend, principal, link_id, await read(request, LimitsBody), replaces=False)


async def _heartbeat(backend: Backend, principal: Principal, link_id: uuid.UUID, _request: Request) -> Response:
    return await _pushed(backend, principal, link_id, LimitsBody(limits=[]), replaces=False)


async def _withdraw(backend: Backend, principal: Principal, link_id: uuid.UUID, request: Request) -> Response:
    external_id = request.path_params["external_id"]
    if not await site_limits.withdraw_limit(backend, principal, link_id, external_id):
        raise GridError(404, f"No limit {external_id[:200]!r} of this link counts now or will.")
    return Response(status_code=204)


async def _pushed(backend: Backend, principal: Principal, link_id: uuid.UUID, body: LimitsBody, *, replaces: bool) -> Response:
    limits = [PushedLimit(it.id, it.ends_at, it.begins_at, it.limit_kw, it.limit_a, it.reason) for it in body.limits]
    link, signals = await site_limits.push_limits(backend, principal, link_id, limits, replaces=replaces)
    return Response(orjson.dumps(_shown(link, signals)), media_type="application/json")


def _shown(link: GridLink, signals: list[GridSignal]) -> dict[str, Any]:
    """Return what counts now or will, and by when the site controller must be heard again."""
    return {
        "lost_at": link.lost_at,
        "limits": [
            {
                "id": it.external_id,
                "begins_at": it.begins_at,
                "ends_at": it.ends_at,
                "limit_kw": it.limit_kw,
                "limit_a": it.limit_a,
                "reason": it.reason,
                "excess_kw": it.excess_kw,
            }
            for it in signals
        ],
    }
