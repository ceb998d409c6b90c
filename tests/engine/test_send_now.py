"""Shared subscriptions on the wire: WebSocket with and without sending at once, Server-Sent Events; ids, resumption, slow sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ampyard.engine import GraphQLApp
from ampyard.engine.send_now import SendNowProtocol
from tests.engine.conftest import eventually
from tests.engine.journal import SECRET, Caller, Journal, app

ENTRIES = "subscription { entries { value } }"
PROTOCOLS = [pytest.param(SendNowProtocol, id="at once"), pytest.param("websockets-sansio", id="as usual")]


@asynccontextmanager
async def serving(endpoint: GraphQLApp[Caller], ws: Any = SendNowProtocol, **options: Any) -> AsyncIterator[int]:
    starlette = Starlette(routes=[Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)])
    server = uvicorn.Server(uvicorn.Config(starlette, port=0, ws=ws, log_level="warning", lifespan="off", **options))
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


class Client:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Any:
        async with asyncio.timeout(5):
            return json.loads(await self.connection.recv())

    async def subscribe(self, id_: str, query: str = ENTRIES, *, after: str | None = None) -> None:
        extensions = {} if after is None else {"lastEventId": after}
        await self.send({"id": id_, "type": "subscribe", "payload": {"query": query, "extensions": extensions}})


@asynccontextmanager
async def opened(port: int, name: str = "anna", **options: Any) -> AsyncIterator[Client]:
    url, protocols = f"ws://127.0.0.1:{port}/graphql", [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=protocols, **options) as connection:
        client = Client(connection)
        await client.send({"type": "connection_init", "payload": {"authorization": f"Bearer {name}"}})
        assert await client.receive() == {"type": "connection_ack"}
        yield client


def holders(endpoint: GraphQLApp[Caller]) -> int:
    return sum(group.holders for group in endpoint.subscriptions.groups.values())


@pytest.mark.parametrize("ws", PROTOCOLS)
@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_all_sockets_get_each_event_with_its_id_from_one_evaluation(ws: Any, compression: str | None) -> None:
    journal = Journal()
    endpoint = app(journal)
    async with serving(endpoint, ws) as port, opened(port, compression=compression) as one, opened(port, "arno", compression=None) as two:
        await one.subscribe("a")
        await one.subscribe('quoted "b"')
        await two.subscribe("a")
        await eventually(lambda: holders(endpoint) == 3)
        await asyncio.sleep(0.05)
        journal.write()

        payload = {"data": {"entries": {"value": 10}}, "extensions": {"eventId": "1"}}
        received = [await one.receive(), await one.receive()]
        assert sorted(received, key=lambda message: str(message["id"])) == [
            {"id": "a", "type": "next", "payload": payload},
            {"id": 'quoted "b"', "type": "next", "payload": payload},
        ]
        assert await two.receive() == {"id": "a", "type": "next", "payload": payload}
        assert journal.evaluated == [1]

        await one.send({"id": "a", "type": "complete"})
        await eventually(lambda: holders(endpoint) == 2)
        journal.write()
        assert (await one.receive())["id"] == 'quoted "b"'
        assert (await two.receive())["payload"]["extensions"] == {"eventId": "2"}
        await one.send({"type": "ping"})
        assert await one.receive() == {"type": "pong"}
    assert endpoint.subscriptions.groups == {}


@pytest.mark.parametrize("size", [0, 10, 40, 41, 42, 43, 44, 45, 100, 65_000, 65_490, 65_500, 65_520, 70_000])
async def test_frames_of_every_length_arrive_whole(size: int) -> None:
    journal = Journal()
    endpoint = app(journal)
    alias = "a" * size + "z"
    async with serving(endpoint) as port, opened(port, max_size=None) as client:
        await client.subscribe("1", f"subscription {{ entries {{ {alias}: value }} }}")
        await eventually(lambda: holders(endpoint) == 1)
        await asyncio.sleep(0.02)
        for number in (1, 2):
            journal.write()
            assert (await client.receive())["payload"]["data"] == {"entries": {alias: number * 10}}


@pytest.mark.parametrize("ws", PROTOCOLS)
async def test_a_socket_that_comes_back_gets_what_it_missed(ws: Any) -> None:
    journal = Journal()
    endpoint = app(journal)
    async with serving(endpoint, ws) as port:
        async with opened(port) as client:
            await client.subscribe("1")
            await eventually(lambda: holders(endpoint) == 1)
            await asyncio.sleep(0.02)
            journal.write()
            last = (await client.receive())["payload"]["extensions"]["eventId"]
        journal.write(2)
        async with opened(port) as client:
            await client.subscribe("1", after=last)
            assert [(await client.receive())["payload"]["extensions"]["eventId"] for _ in range(2)] == ["2", "3"]
            journal.write()
            assert (await client.receive())["payload"]["extensions"]["eventId"] == "4"


async def test_a_socket_with_an_id_that_is_gone_is_told_and_may_begin_anew() -> None:
    journal = Journal(newest=10, oldest=5)
    async with serving(app(journal)) as port, opened(port) as client:
        await client.subscribe("1", after="3")
        refusal = {"message": "They are gone.", "extensions": {"code": "EVENTS_GONE"}}
        assert await client.receive() == {"id": "1", "type": "error", "payload": [refusal]}
        await client.subscribe("1")
        await asyncio.sleep(0.05)
        journal.write()
        assert (await client.receive())["payload"]["extensions"] == {"eventId": "11"}


async def test_a_last_event_id_that_is_no_text_closes_the_socket() -> None:
    async with serving(app(Journal())) as port, opened(port) as client:
        await client.send({"id": "1", "type": "subscribe", "payload": {"query": ENTRIES, "extensions": {"lastEventId": 1}}})
        with pytest.raises(ConnectionClosed):
            await client.receive()
        assert (client.connection.close_code, client.connection.close_reason) == (4400, "'lastEventId' must be a string.")


@asynccontextmanager
async def stalled(port: int, query: str) -> AsyncIterator[socket.socket]:
    """A socket that subscribes, and then reads nothing."""
    loop = asyncio.get_running_loop()
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.setblocking(False)
        await loop.sock_connect(plain, ("127.0.0.1", port))
        await loop.sock_sendall(
            plain,
            b"GET /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
            b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n"
            b"authorization: Bearer anna\r\n\r\n",
        )
        assert (await loop.sock_recv(plain, 4096)).startswith(b"HTTP/1.1 101")
        for message in ({"type": "connection_init"}, {"id": "1", "type": "subscribe", "payload": {"query": query}}):
            text = json.dumps(message).encode()
            assert len(text) < 65_536
            await loop.sock_sendall(plain, b"\x81\xfe" + len(text).to_bytes(2, "big") + b"\0\0\0\0" + text)
        yield plain


@pytest.mark.parametrize("ws", PROTOCOLS)
async def test_a_socket_that_takes_nothing_is_bounded_and_dropped_and_hinders_nobody(ws: Any) -> None:
    journal = Journal()
    endpoint = app(journal, max_waiting_events=10, send_timeout_s=0.6)
    long = "subscription { entries { " + " ".join(f"{'a' * 200}{n}: value" for n in range(30)) + " } }"
    async with serving(endpoint, ws) as port, opened(port, max_size=None) as client, stalled(port, long):
        await client.subscribe("1", long)
        await eventually(lambda: holders(endpoint) == 2)
        # Some 7 KB each: first the kernel's buffers are full, then the transport's, then the queue.
        for number in range(1, 1001):
            journal.write()
            assert (await client.receive())["payload"]["extensions"] == {"eventId": str(number)}
        await eventually(lambda: holders(endpoint) == 1)
        journal.write()
        assert (await client.receive())["payload"]["extensions"] == {"eventId": "1001"}
        assert len(journal.evaluated) == 30 * 1001


async def test_a_source_that_fails_is_masked_on_every_socket() -> None:
    journal = Journal()
    endpoint = app(journal)
    async with serving(endpoint) as port, opened(port) as one, opened(port) as two:
        for client in (one, two):
            await client.subscribe("1", "subscription { entries(breaksAt: 1) { value } }")
        await eventually(lambda: holders(endpoint) == 2)
        await asyncio.sleep(0.02)
        journal.write()
        for client in (one, two):
            failed, complete = await client.receive(), await client.receive()
            assert [error["extensions"]["code"] for error in failed["payload"]["errors"]] == ["INTERNAL_SERVER_ERROR"]
            assert SECRET not in json.dumps(failed)
            assert complete == {"id": "1", "type": "complete"}


# Server-Sent Events


@asynccontextmanager
async def streaming(port: int, **headers: str) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    """The events of a stream, each with its fields."""
    headers |= {"accept": "text/event-stream", "authorization": "Bearer anna"}

    async def events(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, str]]:
        fields: dict[str, str] = {}
        async for line in lines:
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.strip()
            elif not line and fields:
                yield fields
                fields = {}

    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http,
        http.stream("GET", "/graphql", params={"query": ENTRIES}, headers=headers) as response,
    ):
        yield events(response.aiter_lines())


async def test_a_stream_tells_ids_and_goes_on_from_the_last_one() -> None:
    journal = Journal()
    endpoint = app(journal)
    async with serving(endpoint) as port:
        async with streaming(port) as events:
            await eventually(lambda: holders(endpoint) == 1)
            await asyncio.sleep(0.02)
            journal.write()
            event = await anext(events)
            assert (event["event"], event["id"]) == ("next", "1")
            assert json.loads(event["data"]) == {"data": {"entries": {"value": 10}}, "extensions": {"eventId": "1"}}
        await eventually(lambda: holders(endpoint) == 0)
        journal.write(2)
        async with streaming(port, **{"last-event-id": "1"}) as events:
            assert [(await anext(events))["id"] for _ in range(2)] == ["2", "3"]
            journal.write()
            assert (await anext(events))["id"] == "4"


async def test_a_stream_that_cannot_go_on_says_so_and_ends() -> None:
    async with serving(app(Journal(newest=10, oldest=5))) as port, streaming(port, **{"last-event-id": "3"}) as events:
        told, complete = await anext(events), await anext(events)
        assert json.loads(told["data"]) == {"errors": [{"message": "They are gone.", "extensions": {"code": "EVENTS_GONE"}}]}
        assert ("id" in told, complete["event"]) == (False, "complete")
