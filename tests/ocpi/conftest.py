import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from ampyard.ocpi import ocpi_app
from ampyard.services.backend import Backend
from tests.fleet import new_fleet

VERSIONS = ("2.2.1", "2.3.0")


def token_header(token: str) -> dict[str, str]:
    """Return the Authorization header of a credentials token."""
    return {"Authorization": f"Token {base64.b64encode(token.encode()).decode()}"}


@dataclass(frozen=True)
class Partner:
    """A roaming partner's client of one tenant, and the address it calls."""

    http: httpx.AsyncClient
    root_url: str

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(f"{self.root_url}{path}", **options)

    async def data(self, path: str, **options: Any) -> Any:
        """Return `data` of a successful answer."""
        response = await self.get(path, **options)
        assert (response.status_code, response.json()["status_code"]) == (200, 1000), response.text
        return response.json()["data"]


class Serve(Protocol):
    def __call__(self, *, public_url: str | None = None) -> AbstractAsyncContextManager[str]: ...


@pytest.fixture(scope="session")
def serve(backend: Backend) -> Serve:
    """Serve the OCPI root at /ocpi on a real socket; yields its address."""

    @asynccontextmanager
    async def serving(*, public_url: str | None = None) -> AsyncIterator[str]:
        app = Starlette(routes=[Mount("/ocpi", ocpi_app(backend, public_url=public_url))])
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, ws="none", log_level="critical", lifespan="off"))
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 # uvicorn has no event to wait for
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/ocpi"
        server.should_exit = True
        await task

    return serving


@pytest.fixture(scope="session")
async def root_url(serve: Serve) -> AsyncIterator[str]:
    """The address of an OCPI root that takes its public address from each request."""
    async with serve() as url:
        yield url


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture(scope="session")
async def partner(backend: Backend, root_url: str) -> AsyncIterator[Partner]:
    """A partner of a tenant with the test fleet, one depot and five EVSEs, which no test changes."""
    seeded = await new_fleet(backend)
    async with httpx.AsyncClient(headers=token_header(seeded.ocpi_token)) as client:
        yield Partner(client, root_url)
