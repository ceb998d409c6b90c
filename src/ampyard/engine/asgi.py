from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from ampyard.engine import http
from ampyard.engine.endpoint import Endpoint, P
from ampyard.engine.websocket import Socket


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLApp(Endpoint[P]):
    """An endpoint as an ASGI application: HTTP, Server-Sent Events and WebSocket at one path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await Socket(self, WebSocket(scope, receive, send)).serve()
        else:
            response = await http.respond(self, Request(scope, receive))
            await response(scope, receive, send)
