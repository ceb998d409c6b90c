"""What an endpoint tells about its operations."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from ampyard.engine import GraphQLApp, OperationReport
from tests.engine import toy
from tests.engine.conftest import eventually, serving

COUNT = "subscription Count($to: Int!) { countUp(to: $to, intervalS: 0.01) { id } }"


@dataclass
class Watched:
    app: GraphQLApp[toy.Caller]
    http: httpx.AsyncClient
    reports: list[OperationReport] = field(default_factory=list)

    async def told(self) -> tuple[str | None, str | None, str, str, str]:
        """Return the only report, and forget it."""
        await eventually(lambda: self.reports != [])
        [report] = self.reports
        self.reports.clear()
        assert 0 <= report.duration_s < 5
        return report.name, report.type, report.client.name, report.client.version, report.outcome


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    reports: list[OperationReport] = []
    app = GraphQLApp(schema=toy.new_schema(), authenticate=toy.authenticate, context=toy.Contexts(), observe=reports.append, deadline_s=0.2)
    headers = {"authorization": "Bearer alice"}
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
        yield Watched(app, http, reports)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("query Greet { hello }", ("Greet", "query", "OK")),
        ("{ hello }", (None, "query", "OK")),
        ('mutation Rename { rename(name: "x") }', ("Rename", "mutation", "OK")),
        ("query Half { hello broken }", ("Half", "query", "INTERNAL_SERVER_ERROR")),
        ("query Closed { refused }", ("Closed", "query", "CLOSED")),
        ("query Slow { slow(seconds: 5) }", ("Slow", "query", "DEADLINE_EXCEEDED")),
        ("query Filtered($filter: Filter!) { filtered(filter: $filter) }", ("Filtered", "query", "BAD_USER_INPUT")),
        ("query Invalid { helo }", (None, None, "GRAPHQL_VALIDATION_FAILED")),
        ("{ hello", (None, None, "GRAPHQL_PARSE_FAILED")),
    ],
)
async def test_operation_is_told_when_it_is_over(watched: Watched, query: str, told: tuple[str | None, str | None, str]) -> None:
    await watched.http.post("/graphql", json={"query": query, "operationName": None})
    name, type_, _, _, outcome = await watched.told()
    assert (name, type_, outcome) == told
    assert watched.app.activity.operations == 0


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ({"graphql-client-name": "board", "graphql-client-version": "1.2"}, ("board", "1.2")),
        ({"apollographql-client-name": "ios", "apollographql-client-version": "7"}, ("ios", "7")),
        ({"GraphQL-Client-Name": "board", "apollographql-client-name": "ios"}, ("board", "")),
        ({}, ("", "")),
    ],
)
async def test_client_is_told_as_it_calls_itself(watched: Watched, headers: dict[str, str], client: tuple[str, str]) -> None:
    for query in ("{ hello }", "{ helo }"):
        await watched.http.post("/graphql", json={"query": query}, headers=headers)
        assert (await watched.told())[2:4] == client


async def test_each_operation_of_a_batch_is_told(watched: Watched) -> None:
    await watched.http.post("/graphql", json=[{"query": "query A { hello }"}, {"query": "query B { refused }"}, {"query": "{ helo }"}])
    assert [(report.name, report.outcome) for report in watched.reports] == [
        (None, "GRAPHQL_VALIDATION_FAILED"),  # found out before any runs
        ("A", "OK"),
        ("B", "CLOSED"),
    ]


async def test_subscriptions_and_sockets_are_told_as_long_as_they_last(watched: Watched) -> None:
    activity = watched.app.activity
    url = f"ws://127.0.0.1:{watched.http.base_url.port}/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], additional_headers={"graphql-client-name": "x"}) as socket:
        payload = {"authorization": "Bearer alice", "GraphQL-Client-Name": "board", "graphql-client-version": "3"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": COUNT, "variables": {"to": 2}}}))
        assert [json.loads(await socket.recv())["type"] for _ in range(3)] == ["next", "next", "complete"]
        assert await watched.told() == ("Count", "subscription", "board", "3", "OK")

        await socket.send(json.dumps({"id": "2", "type": "subscribe", "payload": {"query": COUNT, "variables": {"to": 1_000}}}))
        await socket.recv()
        assert (activity.sockets, activity.operations, watched.reports) == (1, 1, [])
        await socket.send(json.dumps({"id": "2", "type": "complete"}))
        assert await watched.told() == ("Count", "subscription", "board", "3", "CANCELLED")
        assert activity.operations == 0
    await eventually(lambda: activity.sockets == 0)


async def test_stream_whose_client_leaves_is_told_as_cancelled(watched: Watched) -> None:
    request = {"query": COUNT, "variables": {"to": 1_000}}
    async with watched.http.stream("POST", "/graphql", json=request, headers={"accept": "text/event-stream"}) as response:
        await anext(response.aiter_lines())
        assert watched.app.activity.operations == 1
    assert (await watched.told())[-1] == "CANCELLED"
    await asyncio.sleep(0)
    assert watched.app.activity.operations == 0
