"""Charge points for tests: one in a tenant of its own, and a plain WebSocket that speaks for it."""

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from ampyard.connect.options import ConnectOptions
from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import ChargePoint, Connector, Evse, OcppVersion
from ampyard.domain.transactions import MeterSample, Transaction
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.transactions import MeterSamples, Transactions
from ampyard.services.backend import Backend
from ampyard.services.seeding import ChargePointSpec, seed
from tests.fleet import AC, fleet_spec

PATIENCE_S = 5.0


@dataclass(frozen=True)
class Point:
    """A seeded charge point, and what is stored of it."""

    backend: Backend
    tenant_id: uuid.UUID
    identity: str
    password: str
    version: OcppVersion

    async def charge_point(self) -> ChargePoint:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            (found,) = await ChargePoints(snapshot).where(ChargePoints.table.c.identity == self.identity)
        return found

    async def evses(self) -> list[Evse]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return await Evses(snapshot).where(order_by=[Evses.table.c.evse_no])

    async def connectors(self) -> list[Connector]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return await Connectors(snapshot).where()

    async def transactions(self) -> list[Transaction]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return await Transactions(snapshot).where(order_by=[Transactions.table.c.started_at])

    async def samples(self) -> list[MeterSample]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            column = MeterSamples.table.c
            return await MeterSamples(snapshot).where(order_by=[column.sampled_at, column.measurand])


async def new_point(
    backend: Backend, version: OcppVersion = OcppVersion.V16, *, evses: int = 1, identity: str | None = None, password: str | None = None
) -> Point:
    """Seed a tenant with one charge point; its vehicles have the tags TAG-1 and TAG-2."""
    identity = identity or f"CP-{uuid.uuid4().hex[:12]}"
    password = password or f"pw-{uuid.uuid4()}"
    spec = fleet_spec(f"t-{uuid.uuid4().hex[:12]}")
    feeder = replace(spec.depots[0].supply.children[0], charge_points=(ChargePointSpec(identity, password, version, (AC,) * evses),))
    depot = replace(spec.depots[0], supply=replace(spec.depots[0].supply, children=(feeder,)), vehicles=spec.depots[0].vehicles[:2])
    seeded = await seed(backend, replace(spec, depots=(depot,)), lambda _: None)
    return Point(backend, seeded.tenant_id, identity, password, version)


@asynccontextmanager
async def serving(backend: Backend, options: ConnectOptions, port: int = 0) -> AsyncIterator[ConnectServer]:
    """Run a connect process inside this one, on a free port unless one is named."""
    server = ConnectServer(backend, "127.0.0.1", port, options)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        await task


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def dial(server: ConnectServer, point: Point, *, subprotocols: Sequence[str] | None = None) -> connect:
    """Connect as a charge point, its password right."""
    offered = [point.version.value] if subprotocols is None else subprotocols
    return connect(
        f"ws://127.0.0.1:{server.port}/ocpp/{point.identity}",
        subprotocols=[Subprotocol(name) for name in offered] or None,
        additional_headers=basic(point.identity, point.password),
        proxy=None,
        max_size=None,
    )


class Wire:
    """A charge point at the level of frames.

    Orders are collected in `orders` as (action, payload) and answered with what `replies` says of their action: a payload,
    an error code in a one-element tuple, or `None` for silence. Without a word there they are accepted.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.answers: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.orders: list[tuple[str, dict[str, Any]]] = []
        self.replies: dict[str, dict[str, Any] | tuple[str] | None] = {}

    async def read(self) -> None:
        async for frame in self.socket:
            message = json.loads(frame)
            if message[0] == 2:
                await self._obey(*message[1:])
            else:
                self.answers.put_nowait(message)

    async def _obey(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        self.orders.append((action, payload))
        reply = self.replies.get(action, {"status": "Accepted"})
        if isinstance(reply, tuple):
            await self.socket.send(json.dumps([4, message_id, reply[0], "not today", {}]))
        elif reply is not None:
            await self.socket.send(json.dumps([3, message_id, reply]))

    async def answer_to(self, frame: str | bytes) -> list[Any]:
        """Send a frame and return the next answer."""
        await self.socket.send(frame)
        return await asyncio.wait_for(self.answers.get(), PATIENCE_S)

    async def call(self, action: str, message_id: str | None = None, /, **payload: Any) -> dict[str, Any]:
        """Send a CALL and return the payload of its CALLRESULT."""
        message_id = message_id or str(uuid.uuid4())
        kind, answered_id, *rest = await self.answer_to(json.dumps([2, message_id, action, payload]))
        assert (kind, answered_id) == (3, message_id), rest
        result: dict[str, Any] = rest[0]
        return result

    async def refused(self, action: str, **payload: Any) -> tuple[str, str]:
        """Send a CALL and return code and description of its CALLERROR."""
        kind, message_id, code, description, details = await self.answer_to(json.dumps([2, "m-1", action, payload]))
        assert (kind, message_id, details) == (4, "m-1", {})
        return code, description


@asynccontextmanager
async def wired(server: ConnectServer, point: Point) -> AsyncIterator[Wire]:
    """Connect as a charge point at the level of frames."""
    async with dial(server, point) as socket:
        wire = Wire(socket)
        reading = asyncio.create_task(wire.read())
        try:
            yield wire
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def closed_with(socket: ClientConnection) -> tuple[int | None, str | None]:
    """Return code and reason with which the server closes a socket."""
    await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
    return socket.close_code, socket.close_reason


async def eventually(look: Callable[[], Awaitable[bool]], patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds; fails when it does not in time."""
    async with asyncio.timeout(patience_s):
        while not await look():  # noqa: ASYNC110 - what others commit to the database sends no event
            await asyncio.sleep(0.02)
