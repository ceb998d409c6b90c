"""graphql-transport-ws on raw sockets: what its PROTOCOL.md demands, of us and of its reference server alike."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ampyard.domain.depots import Depot
from ampyard.repositories.depots import Depots
from ampyard.resolvers.ids import encode_id
from conformance.graphs import Api, Graph
from conformance.node import Node

_PATIENCE_S = 15.0  # a socket without connection_init is closed after 10 s
_QUERY = {"query": "{ __typename }"}
_INIT = "connection_init"


@dataclass(frozen=True)
class Server:
    """A server of the protocol: what opens it, and an operation that runs for long."""

    url: str
    credential: Mapping[str, str]
    long: Mapping[str, object]


@pytest.fixture(scope="session")
async def reference(node: Node) -> AsyncIterator[Server]:
    """The reference server, graphql-ws on ws; it asks for no credential."""
    async with node.serving("reference.mjs") as url:
        yield Server(url, {}, {"query": "subscription { endless }"})


@pytest.fixture(params=["internal", "public", "reference"])
async def server(request: pytest.FixtureRequest, api: Api, reference: Server) -> Server:
    """Each of our graphs, and the reference server."""
    match request.param:
        case "internal":
            depot = (await api.busy.all(Depots))[0]
            watch = {
                "query": "subscription ($id: ID!) { depotPower(depotId: $id) { depot { id } } }",
                "variables": {"id": encode_id(Depot, depot.id)},
            }
            return Server(api.internal.socket_url, api.internal.headers, watch)
        case "public":
            # It has no subscriptions; a query that goes to the database is not over when messages that have arrived are read.
            query = "{ depots(first: 2) { nodes { chargePoints(first: 9) { nodes { evses { connectors { id } } } } } } }"
            return Server(api.public.socket_url, api.public.headers, {"query": query})
    return reference


class Client:
    """A socket, raw."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: object) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self) -> Any:
        async with asyncio.timeout(_PATIENCE_S):
            return json.loads(await self.connection.recv())

    async def closed(self) -> int:
        """Return the code that the server closes the socket with, whatever comes before."""
        async with asyncio.timeout(_PATIENCE_S):
            with suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        assert self.connection.close_code is not None
        return self.connection.close_code


@asynccontextmanager
async def raw(url: str, *, subprotocol: str | None = "graphql-transport-ws") -> AsyncIterator[Client]:
    """Yield a socket that has sent nothing."""
    async with connect(url, subprotocols=[Subprotocol(subprotocol)] if subprotocol else None) as connection:
        yield Client(connection)


@asynccontextmanager
async def initialised(server: Server) -> AsyncIterator[Client]:
    """Yield a socket that has been acknowledged."""
    async with raw(server.url) as client:
        await client.send({"type": _INIT, "payload": dict(server.credential)})
        assert await client.receive() == {"type": "connection_ack"}
        yield client


async def test_socket_without_connection_init_is_closed(api: Api, reference: Server) -> None:
    async with AsyncExitStack() as stack:
        urls = [api.internal.socket_url, api.public.socket_url, reference.url]
        clients = [await stack.enter_async_context(raw(url)) for url in urls]
        assert await asyncio.gather(*(client.closed() for client in clients)) == [4408] * 3


async def test_subscribing_before_the_acknowledgement_is_unauthorised(server: Server) -> None:
    async with raw(server.url) as client:
        await client.send({"id": "1", "type": "subscribe", "payload": _QUERY})
        assert await client.closed() == 4401


async def test_second_connection_init_closes_the_socket(server: Server) -> None:
    async with initialised(server) as client:
        await client.send({"type": _INIT, "payload": dict(server.credential)})
        assert await client.closed() == 4429


async def test_id_in_use_closes_the_socket(server: Server) -> None:
    async with initialised(server) as client:
        with suppress(ConnectionClosed):
            for _ in range(20):
                await client.send({"id": "1", "type": "subscribe", "payload": server.long})
        assert await client.closed() == 4409


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"id": "", "type": "subscribe", "payload": _QUERY}, id="empty id"),
        pytest.param({"type": "subscribe", "payload": _QUERY}, id="missing id"),
        pytest.param({"id": 1, "type": "subscribe", "payload": _QUERY}, id="id that is no string"),
        pytest.param({"id": "", "type": "complete"}, id="completion with an empty id"),
        pytest.param({"type": "complete"}, id="completion without id"),
        pytest.param("{", id="bad JSON"),
        pytest.param("", id="empty text"),
        pytest.param([], id="no object"),
        pytest.param({"id": "1", "payload": _QUERY}, id="missing type"),
        pytest.param({"id": "1", "type": "start", "payload": _QUERY}, id="type of the older protocol"),
        pytest.param({"id": "1", "type": 1, "payload": _QUERY}, id="type that is no string"),
        pytest.param({"id": "1", "type": "subscribe"}, id="missing payload"),
        pytest.param({"id": "1", "type": "subscribe", "payload": "{ __typename }"}, id="payload that is no object"),
        pytest.param({"id": "1", "type": "subscribe", "payload": [_QUERY]}, id="batch"),
        pytest.param({"id": "1", "type": "subscribe", "payload": {}}, id="missing query"),
        pytest.param({"id": "1", "type": "subscribe", "payload": {"query": 1}}, id="query that is no string"),
        pytest.param({"id": "1", "type": "subscribe", "payload": {**_QUERY, "variables": []}}, id="variables that are no object"),
        pytest.param({"id": "1", "type": "subscribe", "payload": {**_QUERY, "operationName": 1}}, id="operation name that is no string"),
        pytest.param({"id": "1", "type": "subscribe", "payload": {**_QUERY, "extensions": "x"}}, id="extensions that are no object"),
        pytest.param({"type": "ping", "payload": "x"}, id="payload of ping that is no object"),
        pytest.param({"type": "pong", "payload": []}, id="payload of pong that is no object"),
    ],
)
async def test_message_of_another_format_closes_the_socket(server: Server, message: object) -> None:
    async with initialised(server) as client:
        await client.send(message)
        assert await client.closed() == 4400


@pytest.mark.parametrize("payload", ["x", []])
async def test_connection_init_with_a_payload_that_is_no_object_closes_the_socket(server: Server, payload: object) -> None:
    async with raw(server.url) as client:
        await client.send({"type": _INIT, "payload": payload})
        assert await client.closed() == 4400


async def test_binary_frame_closes_the_socket(graph: Graph) -> None:
    """The protocol knows text alone; the reference server is laxer."""
    async with raw(graph.socket_url) as client:
        await client.send(json.dumps({"type": _INIT, "payload": dict(graph.headers)}).encode())
        assert await client.closed() == 4400


@pytest.mark.parametrize("subprotocol", ["graphql-ws", None])
async def test_other_subprotocol_is_not_acceptable(server: Server, subprotocol: str | None) -> None:
    async with raw(server.url, subprotocol=subprotocol) as client:
        assert await client.closed() == 4406


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense"])
async def test_without_credential_the_socket_is_forbidden(graph: Graph, authorization: str | None) -> None:
    async with raw(graph.socket_url) as client:
        await client.send({"type": _INIT, "payload": {} if authorization is None else {"authorization": authorization}})
        assert await client.closed() == 4403


@pytest.mark.parametrize("details", [{}, {"payload": {"sent": 1}}])
async def test_ping_is_answered_before_and_after_the_acknowledgement(server: Server, details: dict[str, object]) -> None:
    async with raw(server.url) as client:
        await client.send({"type": "ping", **details})
        assert await client.receive() == {"type": "pong", **details}
        await client.send({"type": _INIT, "payload": dict(server.credential)})
        assert await client.receive() == {"type": "connection_ack"}
        await client.send({"type": "pong", **details})
        await client.send({"type": "ping", **details})
        assert await client.receive() == {"type": "pong", **details}


async def test_completing_what_does_not_run_is_no_breach(server: Server) -> None:
    async with initialised(server) as client:
        await client.send({"id": "1", "type": "complete"})
        await client.send({"id": "1", "type": "subscribe", "payload": _QUERY})
        answer = await client.receive()
        assert (answer["id"], answer["type"], answer["payload"]["data"]) == ("1", "next", {"__typename": "Query"})
        assert await client.receive() == {"id": "1", "type": "complete"}


async def test_invalid_document_fails_its_operation_alone(server: Server) -> None:
    async with initialised(server) as client:
        await client.send({"id": "1", "type": "subscribe", "payload": {"query": "{ nothing }"}})
        error = await client.receive()
        assert (error["id"], error["type"]) == ("1", "error")
        assert [entry["locations"] for entry in error["payload"]] == [[{"line": 1, "column": 3}]]
        await client.send({"id": "1", "type": "subscribe", "payload": _QUERY})
        assert (await client.receive())["type"] == "next"
