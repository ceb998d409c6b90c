"""The built-in web console: static files that talk to the internal graph like any other client."""

from pathlib import Path

from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing from elsewhere is loaded or run, and nobody may frame the page (it holds a token).
_HEADERS = {
    b"content-security-policy": b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}


class _SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS.items()]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def console_route() -> Mount:
    """Return the console at `/`; to be mounted last, as it takes what no other route does."""
    files = StaticFiles(directory=Path(__file__).parent / "static", html=True)
    return Mount("/", files, middleware=[Middleware(_SecurityHeaders)])
