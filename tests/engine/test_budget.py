"""Operations within a budget, as clients of each transport see it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from strawberry.types.execution import ExecutionResult

from ampyard.engine import GraphQLApp
from ampyard.engine.budget import metered
from ampyard.engine.operation import Operation
from tests.engine import toy
from tests.engine.conftest import Server, serving
from tests.engine.test_sse import stream
from tests.engine.test_websocket import acknowledged

CAPACITY = 100
RESULT = "application/graphql-response+json"


@dataclass(frozen=True)
class Admission:
    allowed: bool
    available: int | None
    retry_after_s: float = 0.0


@dataclass
class Budget:
    """Points in memory, which come back when a test says so."""

    capacity: int = CAPACITY
    restore_per_s: int = 4
    unasked: int = 0
    left: dict[str, int] = field(default_factory=dict)
    log: list[tuple[str, int]] = field(default_factory=list)
    down: bool = False

    async def take(self, caller: toy.Caller, points: int) -> Admission:
        self.log.append(("take", points))
        if self.down:
            return Admission(allowed=True, available=None)
        left = self.left.setdefault(caller.name, self.capacity)
        if points > left:
            return Admission(allowed=False, available=left, retry_after_s=(points - left) / self.restore_per_s)
        self.left[caller.name] -= points
        return Admission(allowed=True, available=left - points)

    def refund(self, caller: toy.Caller, points: int) -> int:
        self.log.append(("refund", points))
        self.left[caller.name] += points
        return self.left[caller.name]


@pytest.fixture
def budget() -> Budget:
    return Budget()


@pytest.fixture
async def served(budget: Budget) -> AsyncIterator[Server]:
    contexts = toy.Contexts()
    toy.renamed.clear()
    async with serving(GraphQLApp(schema=toy.schema, authenticate=toy.authenticate, context=contexts, budget=budget)) as port:
        yield Server(port, contexts)


@pytest.fixture
async def http(served: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", headers={"authorization": "Bearer alice"}) as client:
        yield client


def told(requested: int, actual: int | None, available: int) -> dict[str, Any]:
    status = {"maximumAvailable": CAPACITY, "currentlyAvailable": available, "restoreRate": 4}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}}


def throttled(requested: int, available: int, retry_after_s: int) -> dict[str, Any]:
    message = f"The operation may cost {requested} points; {available} are available. Try again in {retry_after_s} s."
    error = {"message": message, "extensions": {"code": "THROTTLED", "retryAfter": retry_after_s}}
    return {"data": None, "errors": [error], "extensions": told(requested, None, available)}


def many(count: int) -> str:
    """Return a query that costs so many points."""
    representations = ", ".join(["{}"] * count)
    return f"{{ _entities(representations: [{representations}]) {{ __typename }} }}"


async def post(http: httpx.AsyncClient, query: str, **headers: str) -> httpx.Response:
    return await http.post("/graphql", json={"query": query}, headers=headers)


async def test_a_response_tells_its_cost(http: httpx.AsyncClient, budget: Budget) -> None:
    response = await post(http, "{ thing { name itself { id } } }")
    assert response.json() == {"data": {"thing": {"name": "thing 1", "itself": {"id": 1}}}, "extensions": told(2, 2, 98)}
    assert "retry-after" not in response.headers
    assert budget.log == [("take", 2), ("refund", 0)]


async def test_what_was_not_used_is_refunded(http: httpx.AsyncClient, budget: Budget) -> None:
    # There are no such entities.
    response = await post(http, many(60))
    assert response.json()["extensions"] == told(60, 0, 100)
    assert budget.log == [("take", 60), ("refund", 60)]


@pytest.mark.parametrize("accept", ["application/json", RESULT])
async def test_who_has_spent_all_is_told_to_wait(http: httpx.AsyncClient, served: Server, budget: Budget, accept: str) -> None:
    budget.left["alice"] = 5

    response = await post(http, 'mutation { rename(name: "x") }', accept=accept)

    assert (response.status_code, response.headers["content-type"]) == (200, f"{accept}; charset=utf-8")
    assert response.headers["retry-after"] == "2"
    assert response.json() == throttled(10, 5, 2)
    # Nothing of it has run, and nothing was taken.
    assert (toy.renamed, list(served.contexts), budget.left) == ([], [], {"alice": 5})


async def test_another_principal_is_not_throttled(http: httpx.AsyncClient, budget: Budget) -> None:
    budget.left["alice"] = 0
    response = await post(http, "{ thing { id } }", authorization="Bearer bob")
    assert response.json()["data"] == {"thing": {"id": 1}}


@pytest.mark.parametrize(("accept", "status"), [("application/json", 200), (RESULT, 400)])
async def test_what_could_never_be_paid_is_refused_outright(
    http: httpx.AsyncClient, served: Server, budget: Budget, accept: str, status: int
) -> None:
    response = await post(http, many(101), accept=accept)
    assert response.status_code == status
    message = "The operation may cost 101 points; at most 100 are allowed. Ask for less."
    assert response.json() == {"errors": [{"message": message, "extensions": {"code": "MAX_COST_EXCEEDED", "cost": 101, "maxCost": 100}}]}
    assert "retry-after" not in response.headers
    assert (budget.log, list(served.contexts)) == ([], [])


async def test_what_is_not_executed_costs_nothing(http: httpx.AsyncClient, budget: Budget) -> None:
    for query in ("{ thing {", "{ nothing }", "query Q($n: Int!) { thing(id: $n) { id } }"):
        response = await post(http, query)
        assert set(response.json()) == {"errors"}
    assert budget.left in ({"alice": CAPACITY}, {})
    assert budget.log == [("take", 1), ("refund", 1)]  # the one whose variables are wrong


async def test_what_fails_costs_what_was_called(http: httpx.AsyncClient, budget: Budget) -> None:
    response = await post(http, "{ thing { broken } }")
    assert response.json()["data"] is None
    assert response.json()["extensions"] == told(1, 0, 100)
    response = await post(http, "{ thing { itself { id } } refused }")
    assert response.json()["extensions"] == told(2, 2, 98)
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["CLOSED"]
    assert budget.left == {"alice": 98}


async def test_without_the_budget_operations_go_on(http: httpx.AsyncClient, budget: Budget) -> None:
    budget.down = True
    response = await post(http, "{ thing { id } }")
    cost = {"requestedQueryCost": 1, "actualQueryCost": 1, "throttleStatus": None}
    assert response.json() == {"data": {"thing": {"id": 1}}, "extensions": {"cost": cost}}
    assert budget.log == [("take", 1)]  # what was not taken is not refunded


async def test_each_request_of_a_batch_is_paid(http: httpx.AsyncClient, budget: Budget) -> None:
    budget.left["alice"] = 2
    response = await http.post("/graphql", json=[{"query": "{ thing { itself { id } } }"}, {"query": many(9)}, {"query": many(1)}])
    first, second, third = response.json()
    assert first["extensions"] == told(2, 2, 0)
    assert (second, third) == (throttled(9, 0, 3), throttled(1, 0, 1))
    assert (response.status_code, response.headers["retry-after"]) == (200, "3")


async def test_over_server_sent_events(http: httpx.AsyncClient, budget: Budget) -> None:
    assert await stream(http, "{ thing { id } }") == [
        ("next", {"data": {"thing": {"id": 1}}, "extensions": told(1, 1, 99)}),
        ("complete", None),
    ]
    budget.left["alice"] = 0
    for query in ("{ thing { id } }", "subscription { countUp(to: 2) { id } }"):
        assert await stream(http, query) == [("next", throttled(1, 0, 1)), ("complete", None)]
    assert await stream(http, many(101)) == [
        ("next", {"errors": [{"message": "The operation may cost 101 points; at most 100 are allowed. Ask for less.",
                              "extensions": {"code": "MAX_COST_EXCEEDED", "cost": 101, "maxCost": 100}}]}),
        ("complete", None),
    ]  # fmt: skip


async def test_over_a_websocket(served: Server, budget: Budget) -> None:
    async with acknowledged(served) as client:
        await client.subscribe("1", "{ thing { id } }")
        payload: dict[str, Any] = {"data": {"thing": {"id": 1}}, "extensions": told(1, 1, 99)}
        assert await client.receive() == {"id": "1", "type": "next", "payload": payload}
        assert await client.receive() == {"id": "1", "type": "complete"}

        budget.left["alice"] = 0
        await client.subscribe("2", "subscription { countUp(to: 2) { id } }")
        assert await client.receive() == {"id": "2", "type": "next", "payload": throttled(1, 0, 1)}
        assert await client.receive() == {"id": "2", "type": "complete"}

        await client.subscribe("3", many(101))
        refused = await client.receive()
        assert (refused["id"], refused["type"]) == ("3", "error")
        assert [error["extensions"]["code"] for error in refused["payload"]] == ["MAX_COST_EXCEEDED"]
    assert len(served.contexts) == 1  # of the one that ran


async def test_a_subscription_is_paid_when_it_begins(served: Server, budget: Budget) -> None:
    async with acknowledged(served) as client:
        await client.subscribe("1", "subscription { countUp(to: 3) { id itself { id } } }")
        events = [await client.receive() for _ in range(4)]
    assert [event["payload"] for event in events[:3]] == [{"data": {"countUp": {"id": n, "itself": {"id": n}}}} for n in (1, 2, 3)]
    assert events[3]["type"] == "complete"
    assert (budget.log, budget.left) == ([("take", 2)], {"alice": 98})


async def test_what_runs_out_of_time_stays_paid(budget: Budget) -> None:
    endpoint = GraphQLApp(schema=toy.schema, authenticate=toy.authenticate, context=toy.Contexts(), budget=budget, deadline_s=0.01)
    async with serving(endpoint) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        response = await post(http, "{ slowAndFailing { slow } thing { id } }", authorization="Bearer alice")
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["DEADLINE_EXCEEDED"]
    assert response.json()["extensions"] == told(2, 2, 98)


async def test_an_operation_that_is_cut_off_stays_paid(budget: Budget) -> None:
    began, closed = asyncio.Event(), asyncio.Event()

    async def never() -> AsyncGenerator[ExecutionResult, None]:
        try:
            began.set()
            await asyncio.Event().wait()
            yield ExecutionResult(data={}, errors=None)
        finally:
            closed.set()

    operation = toy.schema.prepare("{ thing { id } }")
    assert isinstance(operation, Operation)
    results = metered(budget, toy.Caller("alice"), toy.schema.costs, operation, None, never)
    asking = asyncio.ensure_future(anext(results))
    await began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert closed.is_set()
    assert budget.log == [("take", 1)]
