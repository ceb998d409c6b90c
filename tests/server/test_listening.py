"""What the api's HTTP server adds to uvicorn: clients that take nothing are let go of."""

import asyncio
import socket
import sys

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from ampyard.server.listening import ApiServer
from tests.patience import until

_CHUNK = b"x" * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is an option of Linux")
async def test_connection_whose_client_takes_nothing_is_broken_off() -> None:
    left = asyncio.Event()

    async def flood(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not left.is_set():
            await send({"type": "http.response.body", "body": _CHUNK, "more_body": True})
            # Once the connection is lost, uvicorn drops what is sent; it tells whoever receives.
            if (await _soon(receive)) == "http.disconnect":
                left.set()

    server = ApiServer(uvicorn.Config(flood, port=0, lifespan="off", log_level="critical", timeout_graceful_shutdown=1), stalled_s=1.0)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    with socket.create_connection(server.servers[0].sockets[0].getsockname()) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: api\r\n\r\n")
        await until(left.is_set, timeout_s=15)
    server.should_exit = True
    await serving


async def _soon(receive: Receive) -> str | None:
    """Return the type of the next message if there is one."""
    try:
        async with asyncio.timeout(0.01):
            return str((await receive())["type"])
    except TimeoutError:
        return None
