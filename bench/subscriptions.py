"""Fan-out: thousands of sockets that watch a depot's power on one api process, twenty events a second to each.

Events take the product's whole way: a unit of work, the outbox, the relay, the Redis stream, the api process, the socket. The baseline is
`strawberry.asgi` with the same resolvers and the same events, whose every socket evaluates for itself.

`python -m bench.subscriptions PORT` serves the baseline.
"""

import asyncio
import json
import pstats
import signal
import statistics
import sys
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import psutil
import strawberry
import strawberry.federation
import uvicorn
from strawberry.asgi import GraphQL

from ampyard.domain.access import system_principal
from ampyard.domain.depots import Depot
from ampyard.domain.events import Event, EventKind
from ampyard.jobs.relay import run_relay
from ampyard.repositories.database import Database
from ampyard.repositories.depots import Depots
from ampyard.repositories.files import FolderFiles
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.resolvers import subscriptions
from ampyard.resolvers.context import Context, Info
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.ids import encode_id
from ampyard.resolvers.links import FileLinks
from ampyard.schema.depots import DepotPower
from ampyard.schema.internal import Query
from ampyard.schema.scalars import CONFIG
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer, TokenVerifier
from ampyard.services.backend import Backend
from ampyard.services.events import EventHub
from bench import servers
from bench.fleet import Fleet
from bench.lab import Lab
from bench.measure import Result, top
from bench.servers import ROOT, Server

SOCKETS = 5_000
EVENTS_PER_S = 20
P99_MS = 500
_PROFILED_S = 5.0
_ALL = 0.99  # a round ends between the commit of an event and its arrival
# What each socket of the baseline asks of the database, its process and its pool can bear for so many.
_BASELINE_SOCKETS = 50
_DOCUMENT = "subscription ($depot: ID!) { depotPower(depotId: $depot) { at nodes { name limitKw power { measuredKw } } } }"


@dataclass(frozen=True, slots=True)
class _Watched:
    """What arrived at the sockets of one server: medians over rounds, but of latencies the worst round's.

    `share` is of the results that would have arrived had every socket been shown every event that was committed; the rest was passed over
    for a newer one.
    """

    sockets: int
    events_per_s: float
    per_s: float
    share: float
    p50_ms: float
    p99_ms: float
    socket_kib: float
    cpu: float

    def __str__(self) -> str:
        return (
            f"{self.sockets} sockets, {self.events_per_s:.1f} events a second, {self.share:.1%} of them at each socket, "
            f"event to client p50 {self.p50_ms:.0f} ms, p99 {self.p99_ms:.0f} ms (worst round), {self.socket_kib:.1f} KiB a socket, "
            f"{self.cpu:.0%} of a core, {self.cpu / self.per_s * 1e6:.1f} µs of it a result"
        )


async def run(lab: Lab) -> AsyncIterator[Result]:
    """Yield results a second against the baseline's; then how many of all events arrive, and how late, against what shall be."""
    fleet = await lab.fleet()
    async with servers.module("bench.subscriptions", fleet) as plain:
        theirs = await _watch(lab, fleet, plain, "/", _BASELINE_SOCKETS)
    async with servers.api(fleet) as api:
        ours = await _watch(lab, fleet, api, "/graphql", SOCKETS)
    baseline = f"strawberry.asgi, {theirs.sockets} sockets"
    yield Result(
        "subscriptions", ours.per_s, "msg/s", ours.per_s / theirs.per_s, baseline, theirs.per_s, notes=f"{ours}; {baseline}: {theirs}"
    )
    wanted_per_s = SOCKETS * EVENTS_PER_S
    yield Result(
        "subscriptions-all", ours.per_s, "msg/s", ours.per_s / wanted_per_s, "every event at every socket", wanted_per_s, target=_ALL
    )
    yield Result("subscriptions-p99", ours.p99_ms, "ms", P99_MS / ours.p99_ms, "the latest it may be", P99_MS, target=1)


async def _watch(lab: Lab, fleet: Fleet, server: Server, path: str, sockets: int) -> _Watched:
    depot = await _depot(fleet)
    process = psutil.Process(server.process.pid)
    async with _watchers() as ask:
        before = process.memory_info().rss
        await ask(_order(fleet, server, path, sockets, depot))
        socket_kib = (process.memory_info().rss - before) / sockets / 1024
        async with _publishing(fleet, depot.id) as published:
            await ask({"seconds": 2.0})
            rounds, rates, cpus = [], [], []
            for _ in range(lab.rounds):
                process.cpu_percent()
                count = len(published)
                rounds.append(await ask({"seconds": lab.seconds}))
                rates.append((len(published) - count) / lab.seconds)
                cpus.append(process.cpu_percent() / 100)
    assert not any(round_["closed"] for round_ in rounds), "The server has closed sockets."
    return _Watched(
        sockets=sockets,
        events_per_s=statistics.median(rates),
        per_s=statistics.median(round_["per_s"] for round_ in rounds),
        share=statistics.median(round_["per_s"] / (sockets * rate) for round_, rate in zip(rounds, rates, strict=True)),
        p50_ms=statistics.median(round_["p50_ms"] for round_ in rounds),
        p99_ms=max(round_["p99_ms"] for round_ in rounds),
        socket_kib=socket_kib,
        cpu=statistics.median(cpus),
    )


async def profile(lab: Lab) -> str:
    """Return where the api process spends its time, per event, while all sockets watch."""
    fleet = await lab.fleet()
    depot = await _depot(fleet)
    with TemporaryDirectory(prefix="ampyard-bench-") as folder:
        file = Path(folder) / "profile"
        async with servers.api(fleet, profile=file) as server, _watchers() as ask:
            await ask(_order(fleet, server, "/graphql", SOCKETS, depot))
            async with _publishing(fleet, depot.id):
                server.process.send_signal(signal.SIGUSR1)
                watched = await ask({"seconds": _PROFILED_S})
        return top(pstats.Stats(str(file)), watched["moments"])


def _order(fleet: Fleet, server: Server, path: str, sockets: int, depot: Depot) -> dict[str, Any]:
    """What the watchers are told."""
    variables = {"depot": encode_id(Depot, depot.id)}
    return {"port": server.port, "path": path, "token": fleet.token(), "document": _DOCUMENT, "variables": variables, "sockets": sockets}


async def _depot(fleet: Fleet) -> Depot:
    async with fleet.backend.database.snapshot(fleet.tenant_id) as snapshot:
        return (await Depots(snapshot).where())[0]


@asynccontextmanager
async def _watchers() -> AsyncIterator[Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.watchers", cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    reader, writer = process.stdout, process.stdin

    async def ask(order: dict[str, Any]) -> Any:
        writer.write(json.dumps(order).encode() + b"\n")
        answer = await reader.readline()
        if not answer:
            raise RuntimeError("The watchers have failed.")
        return json.loads(answer)

    try:
        yield ask
    finally:
        await servers.end(process)


@asynccontextmanager
async def _publishing(fleet: Fleet, depot_id: uuid.UUID) -> AsyncIterator[list[float]]:
    """Commit an event of the depot twenty times a second, and relay what is committed, as the worker does; yields when each was."""
    published: list[float] = []

    async def publish() -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            async with fleet.backend.unit_of_work(system_principal(fleet.tenant_id, "bench")) as work:
                work.publish(Event(EventKind.DEPOT_POWER, depot_id, depot_id))
                await work.commit()
            published.append(loop.time())
            due += 1 / EVENTS_PER_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    tasks = [asyncio.create_task(publish()), asyncio.create_task(run_relay(fleet.backend.database, fleet.backend.events.stream))]
    try:
        yield published
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@strawberry.type
class _Subscription:
    @strawberry.subscription
    async def depot_power(
        self, info: Info, depot_id: Annotated[strawberry.ID, strawberry.argument(name="depotId")]
    ) -> AsyncGenerator[DepotPower, None]:
        async with aclosing(subscriptions.depot_power(info, depot_id)) as events:
            async for event in events:
                yield event  # type: ignore[misc]  # an entity, as everywhere
                # Without this all that follows would be shown from the first snapshot.
                await info.context.end_event()


class _PlainApp(GraphQL[Context, None]):
    """`strawberry.asgi` with the product's authentication and context."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(strawberry.federation.Schema(Query, subscription=_Subscription, config=CONFIG), graphql_ide=None)
        database = Database(settings.resolved_database_url)
        hub = EventHub(EventStream(connect_redis(settings.resolved_redis_url)))
        self._backend = Backend(database, hub, FolderFiles(settings.home / "files"))
        issuer = EmbeddedIssuer(settings)
        self._verifier = TokenVerifier(issuer, issuer=issuer.name, audience=settings.oidc_audience)

    async def get_context(self, request: Any, response: Any) -> Context:
        del response
        principal = await self._verifier.principal(request.headers["authorization"].removeprefix("Bearer "))
        return Context(self._backend, principal, cursors=CursorCodec(b"bench"), links=FileLinks(b"bench", ""))


if __name__ == "__main__":
    uvicorn.run(
        _PlainApp(Settings()),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
