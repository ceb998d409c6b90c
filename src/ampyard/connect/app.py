"""The charge-point endpoint: `/ocpp/<identity>`, behind HTTP basic authentication (OCPP security profiles 1 and 2)."""

import asyncio
import base64
import binascii
import logging
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ampyard.connect.endpoint import Endpoint
from ampyard.connect.link import Link
from ampyard.connect.options import ConnectOptions
from ampyard.connect.router import Router
from ampyard.connect.sockets import PROTOCOL_ERROR, Sockets
from ampyard.connect.v16.endpoint import Endpoint16
from ampyard.connect.v21.endpoint import Endpoint21
from ampyard.connect.v201.endpoint import Endpoint201
from ampyard.domain.charge_points import OcppVersion
from ampyard.services import charge_points
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station

_log = logging.getLogger(__name__)

_ENDPOINTS: dict[str, type[Endpoint]] = {OcppVersion.V21: Endpoint21, OcppVersion.V201: Endpoint201, OcppVersion.V16: Endpoint16}


def connect_app(backend: Backend, *, sockets: Sockets | None = None, options: ConnectOptions | None = None) -> Starlette:
    """Return the application that charge points connect to; its lifespan routes commands to their sockets.

    Args:
        backend: the ports of this process.
        sockets: where accepted sockets are kept; whoever stops the process drains it first.
        options: how the endpoint behaves.
    """
    gate = _Gate(backend, Sockets() if sockets is None else sockets, options or ConnectOptions())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        routing = asyncio.create_task(Router(backend, gate.sockets, gate.options).run(), name="connect: router")
        yield
        routing.cancel()
        with suppress(asyncio.CancelledError):
            await routing

    routes = [
        # A path, because an identity may hold a slash, which arrives here percent-decoded.
        WebSocketRoute("/ocpp/{identity:path}", gate.admit),
        Route("/healthz", gate.healthz),
        Route("/readyz", gate.readyz),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


class _Gate:
    def __init__(self, backend: Backend, sockets: Sockets, options: ConnectOptions) -> None:
        self.backend = backend
        self.sockets = sockets
        self.options = options
        # Checking a password takes a core for a moment; a storm of them must leave the threads free for messages.
        self._checks = asyncio.Semaphore(os.cpu_count() or 1)
        # Whoever guesses at one identity waits behind his own guesses, and nobody else does.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def healthz(self, _: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(self, _: Request) -> Response:
        if self.sockets.draining or not await self.backend.database.reachable():
            return PlainTextResponse("not ready", status_code=503)
        return PlainTextResponse("ok")

    async def admit(self, websocket: WebSocket) -> None:
        """Let a charge point in, and serve it until its socket closes."""
        with suppress(WebSocketDisconnect):
            await self._admit(websocket)

    async def _admit(self, websocket: WebSocket) -> None:
        identity = websocket.path_params["identity"]
        if self.sockets.draining:
            await websocket.send_denial_response(PlainTextResponse("going away", status_code=503, headers={"Retry-After": "1"}))
            return
        station = await self._log_in(identity, websocket.headers.get("authorization", ""))
        if station is None:
            _log.warning("Charge point %r was refused: its user name or password does not fit.", identity)
            challenge = {"WWW-Authenticate": 'Basic realm="OCPP"'}
            await websocket.send_denial_response(PlainTextResponse("unauthorized", status_code=401, headers=challenge))
            return
        # The first one offered, as they come in order of preference (RFC 6455, 4.1).
        subprotocol = next((offered for offered in websocket.scope["subprotocols"] if offered in _ENDPOINTS), None)
        if subprotocol is None:
            # OCPP-J 1.6, 3.2; OCPP 2.0.1 and 2.1 part 4, 3.2.
            _log.warning("Charge point %s offers %s; spoken here: %s.", identity, websocket.scope["subprotocols"], ", ".join(_ENDPOINTS))
            await websocket.accept()
            await websocket.close(PROTOCOL_ERROR, "no common subprotocol")
            return
        await self._serve(websocket, _ENDPOINTS[subprotocol](self.backend, station, self.options))

    async def _log_in(self, identity: str, authorization: str) -> Station | None:
        username, password = _basic_credentials(authorization)
        # PostgreSQL text holds no NUL, so no charge point has one in its identity.
        if username != identity or password is None or "\0" in identity:
            return None
        async with self._turns.setdefault(identity, asyncio.Lock()), self._checks:
            login = await charge_points.log_in(self.backend, identity, password)
        return None if login is None else Station(login.tenant_id, login.charge_point_id, identity, uuid.uuid4())

    async def _serve(self, websocket: WebSocket, endpoint: Endpoint) -> None:
        link = Link(websocket, endpoint)
        try:
            await charge_points.connected(self.backend, link.station, endpoint.version)
            await websocket.accept(endpoint.version)
            self.sockets.add(link)
            await link.run()
        finally:
            await self._record_end(link)
            self.sockets.remove(link)

    async def _record_end(self, link: Link) -> None:
        try:
            await charge_points.disconnected(self.backend, link.station)
        except Exception:  # noqa: BLE001 - the socket is gone either way, and must be let go
            _log.exception("%s has gone, which could not be recorded; it will be found silent.", link.station.identity)


def _basic_credentials(authorization: str) -> tuple[str | None, str | None]:
    """Return user name and password of an `Authorization` header (RFC 7617), or twice `None`."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        username, separator, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    return (username, password) if separator else (None, None)
