import asyncio
import json
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ampyard.engine import GraphQLApp
from tests.engine import toy
from tests.engine.conftest import Server, eventually

INIT = {"type": "connection_init", "payload": {"Authorization": "Bearer alice"}}
ACK = {"type": "connection_ack"}


class Client:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Any:
        async with asyncio.timeout(3):
            return json.loads(await self.connection.recv())

    async def subscribe(self, id_: str, query: str, **variables: object) -> None:
        await self.send({"id": id_, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    async def closed(self) -> tuple[int | None, str | None]:
        async with asyncio.timeout(3):
            with suppress(ConnectionClosed):
                async for _ in self.connection:
                    pass
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def opened(server: Server, subprotocol: str = "graphql-transport-ws", **headers: str) -> AsyncIterator[Client]:
    subprotocols = [Subprotocol(subprotocol)]
    async with connect(server.websocket_url, subprotocols=subprotocols, additional_headers=headers, compression=None) as connection:
        yield Client(connection)


@asynccontextmanager
async def acknowledged(server: Server, init: object = INIT) -> AsyncIterator[Client]:
    async with opened(server) as client:
        await client.send(init)
        assert await client.receive() == ACK
        yield client


# Connection


@pytest.mark.parametrize("payload", [{"authorization": "Bearer alice"}, {"Authorization": "Bearer alice", "more": 1}])
async def test_credential_comes_with_the_payload(server: Server, payload: dict[str, object]) -> None:
    async with acknowledged(server, {"type": "connection_init", "payload": payload}) as client:
        await client.subscribe("1", "{ hello }")
        assert await client.receive() == {"id": "1", "type": "next", "payload": {"data": {"hello": "Hello, you!"}}}
        assert await client.receive() == {"id": "1", "type": "complete"}
    assert [context.caller.name for context in server.contexts] == ["alice"]


@pytest.mark.parametrize("init", [{"type": "connection_init"}, {"type": "connection_init", "payload": None}])
async def test_credential_comes_with_the_handshake(server: Server, init: object) -> None:
    async with opened(server, authorization="Bearer alice") as client:
        await client.send(init)
        assert await client.receive() == ACK


@pytest.mark.parametrize("payload", [None, {}, {"authorization": "Basic x"}])
async def test_without_credential_the_socket_closes(server: Server, payload: object) -> None:
    async with opened(server) as client:
        await client.send({"type": "connection_init", "payload": payload})
        assert await client.closed() == (4403, "Forbidden")


async def test_failure_of_authentication_is_masked(server: Server) -> None:
    async with opened(server, authorization="Bearer broken") as client:
        await client.send({"type": "connection_init"})
        assert await client.closed() == (4500, "Internal server error")


async def test_socket_closes_without_connection_init(server: Server) -> None:
    async with opened(server) as client:
        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_socket_closes_when_the_credential_expires(server: Server) -> None:
    async with acknowledged(server, {"type": "connection_init", "payload": {"authorization": "Bearer alice for 0.5"}}) as client:
        await client.subscribe("1", "subscription { countUp(to: 2, intervalS: 60) { id } }")
        assert (await client.receive())["type"] == "next"
        assert await client.closed() == (4403, "Token expired")
    assert [(context.operations_ended, context.stream_closed) for context in server.contexts] == [(1, True)]


async def test_acknowledged_socket_outlives_the_time_for_connection_init(server: Server) -> None:
    async with acknowledged(server) as client:
        await asyncio.sleep(0.4)
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}


@pytest.mark.parametrize("subprotocol", ["graphql-ws", "something"])
async def test_other_subprotocol_is_not_acceptable(server: Server, subprotocol: str) -> None:
    async with opened(server, subprotocol) as client:
        assert await client.closed() == (4406, "Subprotocol not acceptable")


@pytest.mark.parametrize(
    ("messages", "code", "reason"),
    [
        ([{"id": "1", "type": "subscribe", "payload": {"query": "{ hello }"}}], 4401, "Unauthorized"),
        ([INIT, INIT], 4429, "Too many initialisation requests"),
        ([{"type": "connection_init", "payload": []}], 4400, "The payload of connection_init must be an object"),
        ([{"type": "connection_init", "payload": {"authorization": 1}}], 4400, "The authorization must be a string"),
        ([INIT, []], 4400, "Messages must be JSON objects"),
        ([INIT, {}], 4400, "Unknown message type None"),
        ([INIT, {"type": "start"}], 4400, "Unknown message type 'start'"),
        ([INIT, {"type": "x" * 200}], 4400, ("Unknown message type '" + "x" * 200)[:123]),
        ([INIT, {"type": "subscribe", "payload": {"query": "{ hello }"}}], 4400, "The message needs an id"),
        ([INIT, {"id": [], "type": "subscribe", "payload": {"query": "{ hello }"}}], 4400, "The message needs an id"),
        ([INIT, {"id": "1", "type": "subscribe"}], 4400, "A GraphQL request is a JSON object."),
        ([INIT, {"id": "1", "type": "subscribe", "payload": {"query": None}}], 4400, "The request has no 'query'."),
        (
            [INIT, {"id": "1", "type": "subscribe", "payload": {"query": "{ hello }", "variables": 1}}],
            4400,
            "'variables' must be an object.",
        ),
        ([INIT, {"type": "ping", "payload": "x"}], 4400, "The payload of ping must be an object"),
        ([INIT, {"type": "pong", "payload": []}], 4400, "The payload of pong must be an object"),
        ([INIT, {"type": "ping", "payload": "x" * 10_000}], 1009, "A message may have 10000 bytes"),
    ],
)
async def test_breach_of_the_protocol_closes_the_socket(server: Server, messages: list[object], code: int, reason: str) -> None:
    async with opened(server) as client:
        for message in messages:
            await client.send(message)
        assert await client.closed() == (code, reason)


@pytest.mark.parametrize(("message", "reason"), [("{", "Messages must be JSON"), (b"{}", "Messages must be text")])
async def test_message_that_is_not_json_text_closes_the_socket(server: Server, message: str | bytes, reason: str) -> None:
    async with acknowledged(server) as client:
        await client.connection.send(message)
        assert await client.closed() == (4400, reason)


async def test_second_subscriber_of_an_id_closes_the_socket_and_ends_the_first(server: Server) -> None:
    async with acknowledged(server) as client:
        await client.subscribe("a", "subscription { countUp(to: 2, intervalS: 60) { id } }")
        await client.subscribe("a", "{ hello }")
        assert await client.closed() == (4409, "Subscriber for a already exists")
    assert len(server.contexts) <= 1
    await eventually(lambda: all(context.operations_ended == 1 for context in server.contexts))


# Operations


async def test_subscription_ends_each_event_and_the_operation(server: Server) -> None:
    async with acknowledged(server) as client:
        await client.subscribe("1", "subscription ($to: Int!) { countUp(to: $to) { name } }", to=2)
        assert [await client.receive() for _ in range(3)] == [
            {"id": "1", "type": "next", "payload": {"data": {"countUp": {"name": "thing 1"}}}},
            {"id": "1", "type": "next", "payload": {"data": {"countUp": {"name": "thing 2"}}}},
            {"id": "1", "type": "complete"},
        ]
    [context] = server.contexts
    assert (context.events_ended, context.operations_ended) == (2, 1)


async def test_operations_of_one_socket_run_side_by_side_in_contexts_of_their_own(server: Server) -> None:
    async with acknowledged(server) as client:
        await client.subscribe("slow", "subscription { countUp(to: 2, intervalS: 0.3) { id } }")
        await client.subscribe("other", "subscription { countUp(to: 2, intervalS: 0.1) { id } }")
        await client.subscribe("query", "{ contextNumber }")
        received = [await client.receive() for _ in range(8)]
    assert [message["id"] for message in received if message["type"] == "complete"] == ["query", "other", "slow"]
    assert sorted(message["id"] for message in received if message["type"] == "next") == ["other", "other", "query", "slow", "slow"]
    assert len({context.number for context in server.contexts}) == 3
    assert sorted((context.events_ended, context.operations_ended) for context in server.contexts) == [(0, 1), (2, 1), (2, 1)]


async def test_complete_cancels_the_operation_and_frees_its_id(server: Server) -> None:
    async with acknowledged(server) as client:
        await client.subscribe("1", "subscription { countUp(to: 2, intervalS: 60) { name } }")
        assert (await client.receive())["type"] == "next"
        await client.send({"id": "1", "type": "complete"})
        await client.subscribe("1", "{ hello }")
        assert await client.receive() == {"id": "1", "type": "next", "payload": {"data": {"hello": "Hello, you!"}}}
        assert await client.receive() == {"id": "1", "type": "complete"}
        first, second = server.contexts
        assert (first.operations_ended, first.stream_closed, second.operations_ended) == (1, True, 1)
        await client.send({"id": "unknown", "type": "complete"})
        await client.send({"type": "pong"})
        await client.send({"type": "ping", "payload": {"sent": 1}})
        assert await client.receive() == {"type": "pong", "payload": {"sent": 1}}


async def test_client_that_leaves_ends_its_operations_at_once(server: Server) -> None:
    async with acknowledged(server) as client:
        for id_ in ("1", "2"):
            await client.subscribe(id_, "subscription { countUp(to: 2, intervalS: 60) { name } }")
            assert (await client.receive())["type"] == "next"
        assert [context.operations_ended for context in server.contexts] == [0, 0]
        client.connection.transport.abort()
    await eventually(
        lambda: [(context.operations_ended, context.stream_closed) for context in server.contexts] == [(1, True)] * 2, within_s=1
    )


async def test_sending_to_a_client_just_gone_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """On a fake transport, for the moment between a client's leaving and the server's hearing of it is short."""
    contexts = toy.Contexts()
    app = GraphQLApp(schema=toy.schema, authenticate=toy.authenticate, context=contexts)
    subscribe = {"type": "subscribe", "payload": {"query": "{ hello }"}}
    received = [
        {"type": "websocket.receive", "text": json.dumps(message)} for message in (INIT, subscribe | {"id": "1"}, subscribe | {"id": "2"})
    ]
    messages: Iterator[dict[str, Any]] = iter([{"type": "websocket.connect"}, *received])

    async def receive() -> dict[str, Any]:
        if message := next(messages, None):
            return message
        await eventually(lambda: len(contexts) == 2)
        await asyncio.sleep(0.05)
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(message: MutableMapping[str, Any]) -> None:
        if '"id"' in message.get("text", ""):
            raise OSError

    await app({"type": "websocket", "headers": [], "subprotocols": ["graphql-transport-ws"]}, receive, send)
    assert [context.operations_ended for context in contexts] == [1, 1]
    assert caplog.records == []


async def test_client_that_takes_nothing_is_dropped(server: Server) -> None:
    async with acknowledged(server) as client:
        await client.subscribe("1", "subscription { flood(size: 900000) }")
        await eventually(lambda: len(server.contexts) == 1)
        await eventually(lambda: server.contexts[0].operations_ended == 1)
        client.connection.transport.abort()


async def test_socket_runs_no_more_operations_than_it_may(server: Server) -> None:
    async with acknowledged(server) as client:
        for id_ in ("1", "2", "3"):
            await client.subscribe(id_, "subscription { countUp(to: 1, intervalS: 60) { id } }")
            assert (await client.receive())["type"] == "next"
        await client.subscribe("4", "{ hello }")
        refusal = {"message": "A socket may run 3 operations.", "extensions": {"code": "TOO_MANY_OPERATIONS"}}
        assert await client.receive() == {"id": "4", "type": "error", "payload": [refusal]}
        await client.send({"id": "1", "type": "complete"})
        await client.subscribe("4", "{ hello }")
        assert (await client.receive())["type"] == "next"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ hello", "GRAPHQL_PARSE_FAILED"),
        ("{ helo }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($to: Int!) { countUp(to: $to) { id } }", "BAD_USER_INPUT"),
        ("subscription ($to: Int = 1) { countUp(to: $to) { id } }", "BAD_USER_INPUT"),
    ],
)
async def test_request_error_fails_its_operation_and_not_the_socket(server: Server, query: str, code: str) -> None:
    async with acknowledged(server) as client:
        await client.subscribe("1", query, to=None)
        message = await client.receive()
        assert (message["id"], message["type"]) == ("1", "error")
        assert [error["extensions"]["code"] for error in message["payload"]] == [code]
        await client.subscribe("1", "{ hello }")
        assert (await client.receive())["type"] == "next"


async def test_unexpected_errors_are_masked(server: Server) -> None:
    async with acknowledged(server) as client:
        await client.subscribe("1", "{ broken }")
        await client.subscribe("2", "subscription { breaks }")
        received = [await client.receive() for _ in range(5)]
    failures = [error for message in received for error in message.get("payload", {}).get("errors", [])]
    assert [error["extensions"]["code"] for error in failures] == ["INTERNAL_SERVER_ERROR"] * 2
    assert toy.SECRET not in json.dumps(received)
    assert [context.operations_ended for context in server.contexts] == [1, 1]


async def test_failure_to_make_a_context_is_masked(server: Server) -> None:
    async with acknowledged(server, {"type": "connection_init", "payload": {"authorization": "Bearer contextless"}}) as client:
        await client.subscribe("1", "{ hello }")
        message = await client.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL_SERVER_ERROR")
        assert toy.SECRET not in json.dumps(message)
