"""Clients that subscribe and then take nothing: they cost little, hold up nobody, and are dropped."""

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from urllib.parse import urlsplit

import psutil
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.events import EventKind
from ampyard.repositories.charge_points import ChargePoints
from ampyard.resolvers.ids import encode_id
from ampyard.services.tasks import end
from conformance.graphs import Api
from tests.busy import announce
from tests.patience import until

_SUBSCRIPTIONS = 10
_FLOOD_S = 5.0
_PATIENCE_S = 15.0
_SETTLED_S = 0.5
_PROTOCOL = Subprotocol("graphql-transport-ws")
_DROPPED_S = 60.0  # the endpoint's send_timeout_s is 30 s
_MAX_GROWTH_BYTES = 64 * 2**20
# The kernel holds some megabytes for each connection, so events must be large for the product to notice that nobody takes them.
_MIN_EVENT_BYTES = 80_000
_IDS = " ".join(f"{'id' * 100}{n}: id" for n in range(90))
_MUCH = f"""subscription ($id: ID) {{
    chargePointUpdated(chargePointId: $id) {{ id depot {{ chargePoints(first: 20) {{ nodes {{ {_IDS} }} }} }} }}
}}"""


def _narrow(api: Api) -> socket.socket:
    """Return a connection to the api whose receive buffer is soon full."""
    url = urlsplit(api.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((url.hostname, url.port))
    return connection


@asynccontextmanager
async def _stalled_socket(api: Api) -> AsyncIterator[socket.socket]:
    """Subscribe often on one WebSocket that nobody reads."""
    narrow = _narrow(api)
    async with connect(
        api.internal.socket_url, sock=narrow, subprotocols=[_PROTOCOL], max_queue=1, ping_interval=None, close_timeout=0
    ) as websocket:
        await websocket.send(json.dumps({"type": "connection_init", "payload": dict(api.internal.headers)}))
        assert json.loads(await websocket.recv()) == {"type": "connection_ack"}
        for n in range(_SUBSCRIPTIONS):
            await websocket.send(json.dumps({"id": str(n), "type": "subscribe", "payload": {"query": _MUCH}}))
        yield narrow


@asynccontextmanager
async def _stalled_streams(api: Api) -> AsyncIterator[list[socket.socket]]:
    """Open many event streams that nobody reads."""
    body = json.dumps({"query": _MUCH})
    request = (
        f"POST /graphql HTTP/1.1\r\nhost: api\r\nauthorization: {api.internal.bearer}\r\naccept: text/event-stream\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    )
    with ExitStack() as stack:
        opened = [stack.enter_context(_narrow(api)) for _ in range(_SUBSCRIPTIONS)]
        for narrow in opened:
            narrow.sendall(request.encode())
            assert narrow.recv(12) == b"HTTP/1.1 200"
        yield opened


@asynccontextmanager
async def _watching(api: Api, point: ChargePoint) -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
    """Watch a charge point with a client that reads; yields what returns the next event's message."""
    async with connect(api.internal.socket_url, subprotocols=[_PROTOCOL]) as websocket:

        async def received(wanted: str = "next") -> bytes:
            async with asyncio.timeout(_PATIENCE_S):
                message = await websocket.recv(decode=False)
            assert json.loads(message)["type"] == wanted
            assert b'"errors"' not in message
            return message

        await websocket.send(json.dumps({"type": "connection_init", "payload": dict(api.internal.headers)}))
        await received("connection_ack")
        payload = {"query": _MUCH, "variables": {"id": encode_id(ChargePoint, point.id)}}
        await websocket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        await asyncio.sleep(_SETTLED_S)
        yield received


async def test_clients_that_take_nothing_are_bounded_and_dropped(api: Api) -> None:
    watched, *others = await api.busy.all(ChargePoints)
    process = psutil.Process(api.pid)

    async def news(point: ChargePoint) -> None:
        await announce(api.busy, EventKind.CHARGE_POINT_UPDATED, point.id, point.depot_id)

    async with _watching(api, watched) as received:
        await news(watched)
        assert len(await received()) > _MIN_EVENT_BYTES
        async with _stalled_socket(api) as narrow, _stalled_streams(api) as streams:
            ports = {connection.getsockname()[1] for connection in [narrow, *streams]}

            def served() -> set[int]:
                established = (found for found in process.net_connections("tcp") if found.status == psutil.CONN_ESTABLISHED)
                return ports & {found.raddr.port for found in established}

            async def flood() -> None:
                for point in itertools.cycle(others):
                    await news(point)

            await asyncio.sleep(_SETTLED_S)
            before = process.memory_info().rss
            flooding = asyncio.create_task(flood())
            try:
                await asyncio.sleep(_FLOOD_S)
                assert served() == ports, "They were never stalled."
                await news(watched)
                await received()
                await until(lambda: not served(), _DROPPED_S)
                assert process.memory_info().rss - before < _MAX_GROWTH_BYTES
            finally:
                await end([flooding])
