"""A depot management system for tests: a plain WebSocket that boots, sends lists and confirms what it is told."""

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ampyard.domain.depot_links import DepotLink, PriorityBands
from ampyard.engine.send_now import SendNowProtocol
from ampyard.services.backend import Backend
from ampyard.services.depot_links import create_link
from ampyard.vdv463.app import vdv463_route
from ampyard.vdv463.options import LinkOptions
from tests.services.dispatching import Yard

PATIENCE_S = 8.0
STAMP = "2026-11-02T08:00:00Z"
EAGER = LinkOptions(tell_at_most_every_s=0.05, presence_interval_s=0.2)


@dataclass(frozen=True)
class Access:
    """Where a presystem connects to, and with what."""

    port: int
    link: DepotLink
    password: str


@asynccontextmanager
async def serving(backend: Backend, options: LinkOptions = EAGER) -> AsyncIterator[int]:
    """Serve links inside this process; yields the port."""
    app = Starlette(routes=[vdv463_route(backend, options)])
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, ws=SendNowProtocol, ws_per_message_deflate=False, log_config=None, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(_serve(server))
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        await task


async def _serve(server: uvicorn.Server) -> None:
    @contextmanager
    def leave_signals() -> Iterator[None]:
        yield

    server.capture_signals = leave_signals  # type: ignore[method-assign]  # they are the test run's
    await server.serve()


async def new_access(yard: Yard, port: int, *, bands: PriorityBands = PriorityBands()) -> Access:  # noqa: B008 - frozen
    """Make a link to Central."""
    identity = f"bms-{uuid.uuid4().hex[:12]}"
    link, password = await create_link(yard.backend, yard.principal, yard.depots["Central"].id, name="BMS", identity=identity, bands=bands)
    return Access(port, link, password)


class Presystem:
    """One socket. Everything it is asked is confirmed and kept in `told`; answers to its own requests are returned by `ask`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.told: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.answers: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                message = json.loads(text)
                if message[0] == 1:
                    await self.socket.send(json.dumps([2, "BMS", *message[2:4], message[4], message[5], {}]))
                    self.told.put_nowait(message)
                else:
                    self.answers.put_nowait(message)
        except ConnectionClosed:
            pass

    async def ask(self, action: str, payload: Any, **frame: Any) -> list[Any]:
        """Send a request and return what it is answered with."""
        sent = {"type": 1, "source": "BMS", "presystem": "BMS-1", "at": STAMP, "id": str(uuid.uuid4()), "name": action} | frame
        return await self.say(json.dumps([*sent.values(), payload]))

    async def say(self, text: str | bytes) -> list[Any]:
        """Send a frame as it is and return what it is answered with."""
        await self.socket.send(text)
        return await asyncio.wait_for(self.answers.get(), PATIENCE_S)

    async def boot(self, kind: str = "BMS") -> dict[str, Any]:
        """Boot, and return the first charging information."""
        answer = await self.ask("BootNotification", {"presystem": kind})
        assert answer[6] == {"status": "Accepted"}
        return await self.hear()

    async def list_(self, *requests: dict[str, Any]) -> list[Any]:
        """Send a full list; returns the answer."""
        return await self.ask("ProvideChargingRequests", {"chargingRequestList": list(requests)})

    async def hear(self) -> dict[str, Any]:
        """Return the next charging information."""
        payload: dict[str, Any] = (await asyncio.wait_for(self.told.get(), PATIENCE_S))[6]
        return payload

    async def hear_until(self, what: Any) -> dict[str, Any]:
        """Return the first charging information from now on of which something is true."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                payload = await self.hear()
                if what(payload):
                    return payload

    async def closed(self) -> tuple[int, str]:
        """Return code and reason with which the socket is closed."""
        await asyncio.wait_for(self.socket.wait_closed(), PATIENCE_S)
        return self.socket.close_code or 0, self.socket.close_reason or ""


@asynccontextmanager
async def dial(
    access: Access, *, password: str | None = None, identity: str | None = None, subprotocols: tuple[str, ...] = ("v2.463.vdv.de",)
) -> AsyncIterator[Presystem]:
    """Connect as a presystem."""
    user = identity or access.link.identity
    credentials = base64.b64encode(f"{user}:{password or access.password}".encode()).decode()
    async with connect(
        f"ws://127.0.0.1:{access.port}/vdv463/{access.link.identity}",
        additional_headers={"Authorization": f"Basic {credentials}"},
        subprotocols=[Subprotocol(one) for one in subprotocols],
        proxy=None,
    ) as socket:
        presystem = Presystem(socket)
        try:
            yield presystem
        finally:
            presystem.reading.cancel()


def wish(request_id: str, vehicle: str = "Bus 1", **more: Any) -> dict[str, Any]:
    """Return a charging request, with more of its members or of its data."""
    data = {"minTargetSoc": 60, "maxTargetSoc": 90} | more.pop("data", {})
    return {"chargingRequestId": request_id, "vehicleId": vehicle, "chargingRequestData": data} | more


def point_of(information: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a charging point by its id."""
    stations = information["depotInfoList"][0]["chargingStationInfoList"]
    return next(point for station in stations for point in station["chargingPointInfoList"] if point["chargingPointId"] == name)
