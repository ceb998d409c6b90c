"""The endpoint of depot management systems: `/vdv463/<identity>`, behind HTTP basic authentication, served by the api process.

Every process serves those that connect to it. What changes elsewhere reaches them as it reaches subscribers, by the event streams.
"""

import asyncio
import base64
import binascii
import logging
import os
import uuid
from contextlib import suppress
from weakref import WeakValueDictionary

from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ampyard.domain.errors import NotFoundError
from ampyard.services import depot_link_sockets
from ampyard.services.backend import Backend
from ampyard.services.depot_link_sockets import LinkedSystem
from ampyard.vdv463.conversation import NORMAL_CLOSURE, PROTOCOL_ERROR, VERSIONS, Conversation
from ampyard.vdv463.options import LinkOptions

_log = logging.getLogger(__name__)


def vdv463_route(backend: Backend, options: LinkOptions | None = None) -> WebSocketRoute:
    """Return the route of `/vdv463/<identity>`."""
    return WebSocketRoute("/vdv463/{identity}", _Gate(backend, options or LinkOptions()).admit)


class _Gate:
    def __init__(self, backend: Backend, options: LinkOptions) -> None:
        self._backend = backend
        self._options = options
        self._held: dict[uuid.UUID, Conversation] = {}
        # Checking a password takes a core for a moment; a storm of them must leave the threads free for others.
        self._checks = asyncio.Semaphore(os.cpu_count() or 1)
        # Whoever guesses at one identity waits behind his own guesses, and nobody else does.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def admit(self, websocket: WebSocket) -> None:
        """Let a depot management system in, and serve it until its socket closes."""
        with suppress(WebSocketDisconnect):
            await self._admit(websocket)

    async def _admit(self, websocket: WebSocket) -> None:
        identity = websocket.path_params["identity"]
        system = await self._log_in(identity, websocket.headers.get("authorization", ""))
        if system is None:
            _log.warning("Depot link %r was refused: its user name or password does not fit, or it is disabled.", identity)
            challenge = {"WWW-Authenticate": 'Basic realm="VDV 463"'}
            await websocket.send_denial_response(PlainTextResponse("unauthorized", status_code=401, headers=challenge))
            return
        subprotocol = next((known for known in VERSIONS if known in websocket.scope["subprotocols"]), None)
        if subprotocol is None:
            _log.warning("Depot link %s offers %s; spoken here: %s.", identity, websocket.scope["subprotocols"], ", ".join(VERSIONS))
            await websocket.accept()
            await websocket.close(PROTOCOL_ERROR, "no common subprotocol")
            return
        await self._serve(Conversation(websocket, self._backend, system, subprotocol, self._options), websocket)

    async def _log_in(self, identity: str, authorization: str) -> LinkedSystem | None:
        username, password = _basic_credentials(authorization)
        # PostgreSQL text holds no NUL, so no link has one in its identity.
        if username != identity or password is None or "\0" in identity:
            return None
        async with self._turns.setdefault(identity, asyncio.Lock()), self._checks:
            found = await depot_link_sockets.log_in(self._backend, identity, password)
        return None if found is None else LinkedSystem(*found, identity, uuid.uuid4())

    async def _serve(self, conversation: Conversation, websocket: WebSocket) -> None:
        system = conversation.system
        try:
            await depot_link_sockets.connected(self._backend, system, conversation.subprotocol)
        except NotFoundError:
            await websocket.send_denial_response(PlainTextResponse("gone", status_code=401))
            return
        former = self._held.get(system.link_id)
        self._held[system.link_id] = conversation
        if former is not None:
            former.close(NORMAL_CLOSURE, "replaced")
        try:
            await websocket.accept(conversation.subprotocol)
            await conversation.run()
        finally:
            if self._held.get(system.link_id) is conversation:
                del self._held[system.link_id]
            await self._record_end(system)

    async def _record_end(self, system: LinkedSystem) -> None:
        try:
            await depot_link_sockets.disconnected(self._backend, system)
        except Exception:  # noqa: BLE001 - the socket is gone either way, and must be let go
            _log.exception("%s has gone, which could not be recorded; it will be found silent.", system.identity)


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
