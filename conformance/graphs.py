"""The api process under test, as its clients see it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from ampyard.domain.access import Role
from ampyard.server.embedded import EmbeddedServers
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer
from tests.busy import Busy

_ROOT = Path(__file__).parent.parent
_STARTED_S = 60.0
_ENDED_S = 15.0


@dataclass(frozen=True)
class Graph:
    """One of the two graphs: where it is served, what opens it, and the file with its SDL."""

    name: str
    url: str
    bearer: str
    sdl: Path

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that open it; also what opens its sockets, as payload of connection_init."""
        return {"authorization": self.bearer}

    @property
    def socket_url(self) -> str:
        """Where its WebSockets are."""
        return self.url.replace("http://", "ws://", 1)


@dataclass(frozen=True)
class Api:
    """An `ampyard api` process that serves a busy tenant; `pid` is the process."""

    url: str
    pid: int
    settings: Settings
    busy: Busy

    def token(self, role: Role = Role.ADMINISTRATOR, *, lifetime: timedelta = timedelta(hours=1)) -> str:
        """Return a bearer token for the internal graph."""
        return EmbeddedIssuer(self.settings).mint(self.busy.tenant_id, "conformance", role, lifetime=lifetime, now=datetime.now(UTC))

    @property
    def api_key(self) -> str:
        """The key of the public graph."""
        return self.busy.seeded.api_key

    @property
    def internal(self) -> Graph:
        """The federated graph, opened by a token of an administrator."""
        return Graph("internal", f"{self.url}/graphql", f"Bearer {self.token()}", _ROOT / "schema.graphql")

    @property
    def public(self) -> Graph:
        """The graph for customers, opened by an API key."""
        return Graph("public", f"{self.url}/public/graphql", f"Bearer {self.api_key}", _ROOT / "schema.public.graphql")


@asynccontextmanager
async def serving_api(servers: EmbeddedServers, home: Path, busy: Busy, **settings: str) -> AsyncIterator[Api]:
    """Start the api on a free port, with settings by their environment names without AMPYARD_; yields when it is ready."""
    port = _free_port()
    environment = {
        "AMPYARD_HOME": str(home),
        "AMPYARD_PORT": str(port),
        "AMPYARD_DATABASE_URL": servers.database_url,
        "AMPYARD_REDIS_URL": servers.redis_url,
        **{f"AMPYARD_{name}": value for name, value in settings.items()},
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "ampyard", "api", env=os.environ | environment)
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(_STARTED_S), httpx.AsyncClient() as http:
            while not await _ready(http, url):
                assert process.returncode is None, "The api ended at once."
                await asyncio.sleep(0.1)
        yield Api(url, process.pid, Settings(home=home, port=port), busy)
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(_ENDED_S):
            code = await process.wait()
    assert code in {0, -signal.SIGTERM}  # uvicorn raises the signal anew when it has shut down


async def _ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
