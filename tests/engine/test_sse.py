import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.engine import toy
from tests.engine.conftest import Server, eventually

STREAM = {"accept": "text/event-stream"}


async def events_of(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    """(event, decoded data), and ("", comment) for comments."""
    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    event = ""
    async for line in response.aiter_lines():
        name, _, value = line.partition(":")
        match name:
            case "event":
                event = value.strip()
            case "data":
                yield event, json.loads(value) if value else None
            case "" if value:
                yield "", value.strip()


async def stream(http: httpx.AsyncClient, query: str, **headers: str) -> list[tuple[str, Any]]:
    async with http.stream("POST", "/graphql", json={"query": query}, headers=STREAM | headers) as response:
        return [event async for event in events_of(response) if event[0]]


async def test_subscription_streams_its_events_and_completes(http: httpx.AsyncClient, server: Server) -> None:
    events = await stream(http, "subscription { countUp(to: 2) { name } }")
    assert events == [
        ("next", {"data": {"countUp": {"name": "thing 1"}}}),
        ("next", {"data": {"countUp": {"name": "thing 2"}}}),
        ("complete", None),
    ]
    [context] = server.contexts
    assert (context.events_ended, context.operations_ended, context.stream_closed) == (2, 1, True)


async def test_subscription_by_get(http: httpx.AsyncClient) -> None:
    params = {"query": "subscription { countUp(to: 1) { id } }"}
    async with http.stream("GET", "/graphql", params=params, headers=STREAM) as response:
        assert [event async for event in events_of(response)] == [("next", {"data": {"countUp": {"id": 1}}}), ("complete", None)]


async def test_client_that_takes_both_gets_a_stream_for_a_subscription_only(http: httpx.AsyncClient) -> None:
    both = "application/graphql-response+json, application/json, text/event-stream"
    assert (await stream(http, "subscription { countUp(to: 1) { id } }", accept=both))[-1] == ("complete", None)
    answer = await http.post("/graphql", json={"query": "{ hello }"}, headers={"accept": both})
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"


@pytest.mark.parametrize(("query", "data"), [("{ hello }", {"hello": "Hello, you!"}), ('mutation { rename(name: "x") }', {"rename": "x"})])
async def test_query_and_mutation_are_answered_as_a_stream_of_one(
    http: httpx.AsyncClient, server: Server, query: str, data: dict[str, str]
) -> None:
    assert await stream(http, query) == [("next", {"data": data}), ("complete", None)]
    assert [context.operations_ended for context in server.contexts] == [1]


async def test_invalid_document_is_told_in_the_stream(http: httpx.AsyncClient) -> None:
    (event, response), last = await stream(http, "subscription { countDown }")
    assert (event, last) == ("next", ("complete", None))
    assert response["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


async def test_failure_of_the_stream_is_masked_and_ends_it(http: httpx.AsyncClient, server: Server) -> None:
    first, (event, failure), last = await stream(http, "subscription { breaks }")
    assert (first, event, last) == (("next", {"data": {"breaks": 1}}), "next", ("complete", None))
    assert failure["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert toy.SECRET not in json.dumps(failure)
    assert [context.operations_ended for context in server.contexts] == [1]


async def test_refusal_of_the_stream_is_shown(http: httpx.AsyncClient) -> None:
    (_, refusal), _ = await stream(http, "subscription { refuses }")
    assert refusal["errors"] == [{"message": "Not on Sundays.", "extensions": {"code": "CLOSED"}}]


async def test_idle_stream_is_kept_alive_by_comments_and_holds_nothing(http: httpx.AsyncClient, server: Server) -> None:
    query = {"query": "subscription { countUp(to: 2, intervalS: 0.35) { name } }"}
    async with http.stream("POST", "/graphql", json=query, headers=STREAM) as response:
        events = events_of(response)
        assert (await anext(events))[0] == "next"
        assert [await anext(events) for _ in range(3)] == [("", "ping")] * 3
        [context] = server.contexts
        assert (context.events_ended, context.holds_snapshot) == (1, False)
        assert (await anext(events))[0] == "next"


async def test_client_that_leaves_ends_the_operation_at_once(http: httpx.AsyncClient, server: Server) -> None:
    query = {"query": "subscription { countUp(to: 2, intervalS: 60) { name } }"}
    async with http.stream("POST", "/graphql", json=query, headers=STREAM) as response:
        assert (await anext(events_of(response)))[0] == "next"
        [context] = server.contexts
        assert context.operations_ended == 0
    await eventually(lambda: context.operations_ended == 1 and context.stream_closed, within_s=1)


async def test_client_that_takes_nothing_is_dropped(http: httpx.AsyncClient, server: Server) -> None:
    query = {"query": "subscription { flood(size: 1000000) }"}
    async with http.stream("POST", "/graphql", json=query, headers=STREAM):
        await eventually(lambda: len(server.contexts) == 1)
        await eventually(lambda: server.contexts[0].operations_ended == 1)


async def test_stream_ends_with_the_credential(http: httpx.AsyncClient, server: Server) -> None:
    async with asyncio.timeout(2):
        events = await stream(http, "subscription { countUp(to: 2, intervalS: 60) { id } }", authorization="Bearer alice for 0.3")
    assert events == [
        ("next", {"data": {"countUp": {"id": 1}}}),
        ("next", {"errors": [{"message": "The credential has expired.", "extensions": {"code": "UNAUTHENTICATED"}}]}),
        ("complete", None),
    ]
    assert [(context.operations_ended, context.stream_closed) for context in server.contexts] == [(1, True)]
