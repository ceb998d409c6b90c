"""GraphQL over HTTP: one server process, 8 connections, a real database; the product's api process against other servers.

All sides are told the same query in their own words and must give the same answer. The load comes from a process of its own and goes to
each side in turn, round by round.
"""

import asyncio
import json
import pstats
import signal
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

from ampyard.domain.depots import Depot
from ampyard.repositories.depots import Depots
from ampyard.resolvers.ids import encode_id
from bench import servers
from bench.fleet import Fleet
from bench.lab import Lab
from bench.measure import Result, top
from bench.servers import ROOT, Server

_CONNECTIONS = 8
_WARM_UP_S = 1.5
_PROFILED_S = 5.0

NESTED_QUERY = """
{ depots(first: 10) { nodes { name
    chargePoints(first: 20) { nodes { identity connected
        transactions(first: 5) { nodes { startedAt energyWh vehicle { name } } } } } } } }
"""
_NESTED_POSTGRAPHILE = """
{ depots: allDepots(first: 10, orderBy: [NAME_ASC, ROW_ID_ASC]) { nodes { name
    chargePoints: chargePointsByTenantIdAndDepotId(first: 20, orderBy: [IDENTITY_ASC, ROW_ID_ASC]) { nodes { identity connected
        transactions: transactionsByTenantIdAndChargePointId(first: 5, orderBy: [STARTED_AT_DESC, ROW_ID_DESC]) {
            nodes { startedAt energyWh vehicle: vehicleByTenantIdAndVehicleId { name } } } } } } } }
"""
_BY_ID_QUERY = "query ($id: ID!) { depot(id: $id) { name } }"
_BY_ID_POSTGRAPHILE = "query ($id: UUID!) { depot: depotByRowId(rowId: $id) { name } }"


@dataclass(frozen=True, slots=True)
class _Side:
    """One server and what is asked of it, in turn."""

    name: str
    server: Server
    path: str
    bodies: Sequence[bytes]
    token: str | None = None
    target: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"content-type": "application/json"} | ({"authorization": f"Bearer {self.token}"} if self.token else {})

    def requests(self) -> list[str]:
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return [
            f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{head}content-length: {len(body)}\r\n\r\n{body.decode()}"
            for body in self.bodies
        ]


async def nested(lab: Lab) -> AsyncIterator[Result]:
    """Yield the nested query: 10 depots, 200 charge points, 1,000 transactions, each with its vehicle."""
    fleet = await lab.fleet()
    async with AsyncExitStack() as stack:
        enter, token = stack.enter_async_context, fleet.token()
        query, postgraphile = [_body(NESTED_QUERY)], [_body(_NESTED_POSTGRAPHILE)]
        ours = _Side("ours", await enter(servers.api(fleet)), "/graphql", query, token)
        others = [
            _Side("strawberry.asgi", await enter(servers.python("plain", fleet)), "/", query, token, target=4),
            _Side(
                "PostGraphile, tenant by request",
                await enter(servers.node("postgraphile", fleet, tenant_per_request=True)),
                "/graphql",
                postgraphile,
                target=4,
            ),
            _Side(
                "PostGraphile, tenant by connection", await enter(servers.node("postgraphile", fleet)), "/graphql", postgraphile, target=4
            ),
            _Side("one SQL statement", await enter(servers.python("sql", fleet)), "/", query, target=1 / 2.5),
        ]
        for result in await _measure("http-nested", lab, ours, others):
            yield result


async def by_id(lab: Lab) -> AsyncIterator[Result]:
    """Yield one field of one entity, of each depot in turn."""
    fleet = await lab.fleet()
    async with AsyncExitStack() as stack:
        enter, token = stack.enter_async_context, fleet.token()
        ids, bodies = await _by_id_bodies(fleet)
        postgraphile = [_body(_BY_ID_POSTGRAPHILE, id=depot_id) for depot_id in ids]
        ours = _Side("ours", await enter(servers.api(fleet)), "/graphql", bodies, token)
        others = [
            _Side("strawberry.asgi", await enter(servers.python("plain", fleet)), "/", bodies, token, target=4),
            _Side(
                "PostGraphile, tenant by request",
                await enter(servers.node("postgraphile", fleet, tenant_per_request=True)),
                "/graphql",
                postgraphile,
                target=1,
            ),
            _Side(
                "PostGraphile, tenant by connection", await enter(servers.node("postgraphile", fleet)), "/graphql", postgraphile, target=1
            ),
            _Side(
                "Apollo Server",
                await enter(servers.node("apollo", fleet)),
                "/",
                [_body(_BY_ID_QUERY, id=depot_id) for depot_id in ids],
                target=1,
            ),
        ]
        for result in await _measure("http-by-id", lab, ours, others):
            yield result


async def profile_nested(lab: Lab) -> str:
    """Return where the api process spends its time on the nested query."""
    return await _profile(await lab.fleet(), [_body(NESTED_QUERY)])


async def profile_by_id(lab: Lab) -> str:
    """Return where the api process spends its time on one field of one entity."""
    fleet = await lab.fleet()
    return await _profile(fleet, (await _by_id_bodies(fleet))[1])


async def _by_id_bodies(fleet: Fleet) -> tuple[list[str], list[bytes]]:
    """Return the depots' ids as the database has them, and our requests for each."""
    async with fleet.backend.database.snapshot(fleet.tenant_id) as snapshot:
        ids = [depot.id for depot in await Depots(snapshot).where(order_by=[Depots.table.c.name])]
    return [str(one) for one in ids], [_body(_BY_ID_QUERY, id=encode_id(Depot, one)) for one in ids]


def _body(query: str, **variables: object) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


async def _measure(name: str, lab: Lab, ours: _Side, others: list[_Side]) -> list[Result]:
    fleet = await lab.fleet()
    sides = [ours, *others]
    answers = [await _answers(side) for side in sides]
    for side, answer in zip(sides, answers, strict=True):
        assert answer == answers[0], f"{name}: {side.name} gives another answer."
    async with _load_generator(fleet) as load:
        for side in sides:
            await load(side, _WARM_UP_S)
        rounds = [[await load(side, lab.seconds) for side in sides] for _ in range(lab.rounds)]
    per_second, latency_ms, server_ms, database_ms = (
        [statistics.median(one[index][figure] for one in rounds) for index in range(len(sides))]
        for figure in ("per_second", "median_ms", "server_ms", "database_ms")
    )
    return [
        Result(
            name,
            per_second[0],
            "req/s",
            per_second[0] / per_second[index],
            side.name,
            per_second[index],
            side.target,
            f"median latency {latency_ms[0]:.2f} against {latency_ms[index]:.2f} ms; CPU a request of server + PostgreSQL "
            f"{server_ms[0]:.2f} + {database_ms[0]:.2f} against {server_ms[index]:.2f} + {database_ms[index]:.2f} ms",
        )
        for index, side in enumerate(others, 1)
    ]


async def _answers(side: _Side) -> list[Any]:
    """Return what a side answers to each of its requests, in a form that is the same for the same data."""
    answers = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{side.server.port}", timeout=30) as http:
        for body in side.bodies:
            response = await http.post(side.path, content=body, headers=side.headers)
            assert response.status_code == 200, f"{side.name}: {response.status_code} {response.text[:500]}"
            content = response.json()
            assert not content.get("errors"), f"{side.name}: {content['errors'][:3]}"
            answers.append(_same_times(content["data"]))
    return answers


def _same_times(value: Any) -> Any:
    """Return data with its moments as values: how many digits of a second are written differs."""
    if isinstance(value, dict):
        return {name: datetime.fromisoformat(below) if name == "startedAt" else _same_times(below) for name, below in value.items()}
    return [_same_times(item) for item in value] if isinstance(value, list) else value


@asynccontextmanager
async def _load_generator(fleet: Fleet) -> AsyncIterator[Any]:
    """Yield a function that puts load on a side for some seconds and returns the figures of `bench.load.Load`.

    The CPU time for one request is added to them: `server_ms` of the server's process, `database_ms` of PostgreSQL's.
    """
    database = psutil.Process(fleet.postgres_pid)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.load", cwd=ROOT, stdin=pipe, stdout=pipe)
    reader, writer = process.stdout, process.stdin
    assert reader is not None
    assert writer is not None

    async def load(side: _Side, seconds: float) -> dict[str, float]:
        order = {"port": side.server.port, "requests": side.requests(), "connections": _CONNECTIONS, "seconds": seconds}
        serving = psutil.Process(side.server.process.pid)
        server_s, database_s = _cpu_s([serving]), _cpu_s(database.children())
        writer.write(json.dumps(order).encode() + b"\n")
        async with asyncio.timeout(seconds + 60):
            line = await reader.readline()
        if not line:
            raise RuntimeError(f"The load generator has ended; it was working on {side.name}.")
        figures: dict[str, float] = json.loads(line)
        spent_s = {"server_ms": _spent_s(server_s, [serving]), "database_ms": _spent_s(database_s, database.children())}
        return figures | {name: spent * 1000 / figures["answers"] for name, spent in spent_s.items()}

    try:
        yield load
    finally:
        await servers.end(process)


def _cpu_s(processes: Sequence[psutil.Process]) -> dict[int, float]:
    """Return the CPU time that each process has had, by its id."""
    times = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # connections come and go
            used = process.cpu_times()
            times[process.pid] = used.user + used.system
    return times


def _spent_s(before: dict[int, float], processes: Sequence[psutil.Process]) -> float:
    return sum(now - before.get(process, 0.0) for process, now in _cpu_s(processes).items())


async def _profile(fleet: Fleet, bodies: Sequence[bytes]) -> str:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "profile"
        async with servers.api(fleet, profile=file) as server, _load_generator(fleet) as load:
            side = _Side("ours", server, "/graphql", bodies, fleet.token())
            await load(side, _WARM_UP_S)
            server.process.send_signal(signal.SIGUSR1)
            figures = await load(side, _PROFILED_S)
        return top(pstats.Stats(str(file)), figures["answers"])
