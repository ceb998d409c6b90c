"""Operations that take too long."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from ampyard.engine import GraphQLApp
from ampyard.engine.deadline import Deadline, DeadlineExceededError
from tests.engine import toy
from tests.engine.conftest import serving

SLOW = "{ slow(seconds: 5) }"


def told(seconds: str) -> dict[str, object]:
    message = f"This took longer than {seconds} s and was stopped; what it had changed by then may stand."
    return {"data": None, "errors": [{"message": message, "extensions": {"code": "DEADLINE_EXCEEDED"}}]}


@asynccontextmanager
async def hasty() -> AsyncIterator[tuple[httpx.AsyncClient, toy.Contexts]]:
    contexts = toy.Contexts()
    app = GraphQLApp(
        schema=toy.new_schema(), authenticate=toy.authenticate, context=contexts, deadline_s=0.1, mutation_deadline_s=0.3, ping_interval_s=9
    )
    headers = {"authorization": "Bearer alice"}
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=4) as http:
        yield http, contexts


async def test_query_past_its_deadline_is_cancelled_and_ends_its_operation() -> None:
    async with hasty() as (http, contexts):
        for accept in ("application/json", "application/graphql-response+json"):
            response = await http.post("/graphql", json={"query": SLOW}, headers={"accept": accept})
            assert (response.status_code, response.json()) == (200, told("0.1"))
        assert (await http.post("/graphql", json={"query": "{ stubborn }"})).json() == told("0.1")
        in_time = await http.post("/graphql", json={"query": "{ slow(seconds: 0.01) }"})
        assert in_time.json() == {"data": {"slow": "slept"}}
    assert [(context.operations_ended, context.slept) for context in contexts] == [(1, False), (1, False), (1, False), (1, True)]


async def test_mutation_has_a_deadline_of_its_own() -> None:
    async with hasty() as (http, _):
        assert (await http.post("/graphql", json={"query": "mutation { slowly(seconds: 0.2) }"})).json() == {"data": {"slowly": "slept"}}
        assert (await http.post("/graphql", json={"query": "mutation { slowly(seconds: 5) }"})).json() == told("0.3")


async def test_each_request_of_a_batch_has_its_deadline() -> None:
    async with hasty() as (http, _):
        response = await http.post("/graphql", json=[{"query": SLOW}, {"query": "{ hello }"}])
    assert response.json() == [told("0.1"), {"data": {"hello": "Hello, you!"}}]


async def test_events_have_a_deadline_and_subscriptions_none() -> None:
    async with hasty() as (http, contexts):
        request = {"query": "subscription { countUp(to: 3, intervalS: 0.15) { id sluggishIfTwo } }"}
        response = await http.post("/graphql", json=request, headers={"accept": "text/event-stream"})
        results = [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if line.startswith("data: ")]
    assert results == [
        {"data": {"countUp": {"id": 1, "sluggishIfTwo": "slept"}}},
        told("0.1"),
        {"data": {"countUp": {"id": 3, "sluggishIfTwo": "slept"}}},
    ]
    [context] = contexts
    assert (context.events_ended, context.operations_ended) == (3, 1)


# The block itself


async def test_what_is_in_time_is_left_alone() -> None:
    with Deadline(5):
        await asyncio.sleep(0)
    with Deadline(None):
        await asyncio.sleep(0)
    with pytest.raises(KeyError), Deadline(5):
        raise KeyError


async def test_what_forgets_a_cancellation_is_cancelled_again() -> None:
    forgotten = 0

    async def forgetful() -> None:
        nonlocal forgotten
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            forgotten += 1
        await asyncio.sleep(60)

    with pytest.raises(DeadlineExceededError), Deadline(0.01):
        await forgetful()
    task = asyncio.current_task()
    assert task is not None
    assert (forgotten, task.cancelling()) == (1, 0)


async def test_what_fails_because_it_was_cancelled_is_past_its_deadline() -> None:
    async def failing() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            raise ConnectionError from error

    with pytest.raises(DeadlineExceededError), Deadline(0.01):
        await failing()


async def test_cancellation_by_somebody_else_stays_one() -> None:
    async def work() -> None:
        with Deadline(0.01):
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
