import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from ampyard.engine import GraphQLApp
from tests.engine import toy


@dataclass(frozen=True)
class Server:
    """The toy schema, served on a real socket."""

    port: int
    contexts: toy.Contexts

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"


@asynccontextmanager
async def _serving(app: Starlette) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, ws="websockets-sansio", log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


@asynccontextmanager
async def serving(app: GraphQLApp[toy.Caller]) -> AsyncIterator[int]:
    """Serve an endpoint at /graphql on a free port, which is yielded."""
    async with _serving(Starlette(routes=[Route("/graphql", app), WebSocketRoute("/graphql", app)])) as port:
        yield port


@pytest.fixture(scope="session")
async def _running() -> AsyncIterator[Server]:
    contexts = toy.Contexts()
    app = GraphQLApp(
        schema=toy.schema,
        authenticate=toy.authenticate,
        context=contexts,
        max_body_bytes=10_000,
        max_operations_per_socket=3,
        connection_init_timeout_s=0.3,
        ping_interval_s=0.1,
        send_timeout_s=0.5,
    )
    development = GraphQLApp(schema=toy.schema, authenticate=toy.authenticate, context=contexts, ide=True)
    routes = [Route("/graphql", app), WebSocketRoute("/graphql", app), Route("/development", development)]
    async with _serving(Starlette(routes=routes)) as port:
        yield Server(port, contexts)


@pytest.fixture
def server(_running: Server) -> Server:
    _running.contexts.clear()
    toy.renamed.clear()
    return _running


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A signed-in client; relative URLs."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers={"authorization": "Bearer alice"}) as client:
        yield client


async def eventually(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)
