"""graphql-transport-ws and graphql-sse as their own clients speak them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.events import EventKind
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.ids import encode_id
from ampyard.services.tasks import end
from conformance.graphs import Api, Graph
from conformance.node import Node
from tests.busy import announce

_WATCH = "subscription ($id: ID!) { chargePointUpdated(chargePointId: $id) { id identity } }"
_RANK = "mutation ($id: ID!) { setPriority(input: {vehicleId: $id, level: HIGH}) { priority { level } } }"
_NAMES = "{ depots { nodes { name } } }"
_BOTH = pytest.mark.parametrize("transport", ["ws", "sse"])


async def drive(node: Node, transport: str, graph: Graph, steps: list[Any], *credentials: str) -> Any:
    """Run steps (see clients.mjs) with a client of a graph."""
    url = graph.socket_url if transport == "ws" else graph.url
    request = {"transport": transport, "url": url, "credentials": credentials or [graph.bearer], "steps": steps}
    return await node.json("clients.mjs", request)


@asynccontextmanager
async def eventful(api: Api) -> AsyncIterator[ChargePoint]:
    """Yield a charge point of which there is news ten times a second."""
    point = (await api.busy.all(ChargePoints))[0]

    async def tell() -> None:
        while True:
            await announce(api.busy, EventKind.CHARGE_POINT_UPDATED, point.id, point.depot_id)
            await asyncio.sleep(0.1)

    telling = asyncio.create_task(tell())
    try:
        yield point
    finally:
        await end([telling])


def shown(point: ChargePoint) -> dict[str, Any]:
    """Return what a watcher of a charge point gets."""
    return {"data": {"chargePointUpdated": {"id": encode_id(ChargePoint, point.id), "identity": point.identity}}}


@_BOTH
async def test_queries_answer_once_and_complete(node: Node, graph: Graph, transport: str) -> None:
    names = {"results": [{"data": {"depots": {"nodes": [{"name": "Central"}, {"name": "North"}]}}}], "error": None}
    told = await drive(node, transport, graph, [{"query": _NAMES}, [{"query": _NAMES}] * 5, {"query": _NAMES, "pause_s": 0.3}])
    assert told["steps"] == [names, [names] * 5, names]
    assert told["events"]["connected"] == (1 if transport == "ws" else 7)


@_BOTH
async def test_invalid_document_fails_and_the_next_is_answered(node: Node, graph: Graph, transport: str) -> None:
    told = await drive(node, transport, graph, [{"query": "{ nothing }"}, {"query": "{ __typename }"}])
    failed, answered = told["steps"]
    errors = failed["error"] if transport == "ws" else failed["results"][0]["errors"]
    assert [error["extensions"]["code"] for error in errors] == ["GRAPHQL_VALIDATION_FAILED"]
    assert answered == {"results": [{"data": {"__typename": "Query"}}], "error": None}


@_BOTH
async def test_mutations_are_done(node: Node, api: Api, transport: str) -> None:
    vehicle = (await api.busy.all(Vehicles))[-1]
    variables = {"id": encode_id(Vehicle, vehicle.id)}
    told = await drive(node, transport, api.internal, [{"query": _RANK, "variables": variables}])
    assert told["steps"] == [{"results": [{"data": {"setPriority": {"priority": {"level": "HIGH"}}}}], "error": None}]


@_BOTH
async def test_subscription_ends_when_its_client_has_enough_and_may_begin_anew(node: Node, api: Api, transport: str) -> None:
    async with eventful(api) as point:
        watch = {"query": _WATCH, "variables": {"id": encode_id(ChargePoint, point.id)}, "take": 3}
        told = await drive(node, transport, api.internal, [watch, [watch, {"query": "{ __typename }"}], watch])
    seen = {"results": [shown(point)] * 3, "error": None}
    assert told["steps"] == [seen, [seen, {"results": [{"data": {"__typename": "Query"}}], "error": None}], seen]
    assert told["events"]["connected"] == (1 if transport == "ws" else 4)


@_BOTH
async def test_public_graph_has_no_subscriptions(node: Node, api: Api, transport: str) -> None:
    told = await drive(node, transport, api.public, [{"query": "subscription { chargePointUpdated { id } }"}])
    (step,) = told["steps"]
    errors = step["error"] if transport == "ws" else step["results"][0]["errors"]
    assert [error["extensions"]["code"] for error in errors] == ["GRAPHQL_VALIDATION_FAILED"]


async def test_pings_of_the_client_are_answered(node: Node, graph: Graph) -> None:
    told = await drive(node, "ws", graph, [{"query": "{ __typename }"}, {"query": "{ __typename }", "pause_s": 0.4}])
    assert told["events"]["connected"] == 1
    assert told["events"]["pings"] >= 3
    assert told["events"]["pongs"] >= told["events"]["pings"] - 1


async def test_expired_token_closes_the_socket(node: Node, api: Api) -> None:
    async with eventful(api) as point:
        watch = {"query": _WATCH, "variables": {"id": encode_id(ChargePoint, point.id)}}
        told = await drive(node, "ws", api.internal, [watch], f"Bearer {api.token(lifetime=timedelta(seconds=3))}")
    (step,) = told["steps"]
    assert step["error"] == {"code": 4403, "reason": "Token expired"}
    assert len(step["results"]) >= 3
    assert told["events"]["closed"] == [[4403, "Token expired"]]


async def test_client_with_a_new_token_goes_on(node: Node, api: Api) -> None:
    async with eventful(api) as point:
        watch = {"query": _WATCH, "variables": {"id": encode_id(ChargePoint, point.id)}, "take": 40}
        tokens = [f"Bearer {api.token(lifetime=lifetime)}" for lifetime in (timedelta(seconds=3), timedelta(minutes=5))]
        told = await drive(node, "ws", api.internal, [watch], *tokens)
    assert told["steps"] == [{"results": [shown(point)] * 40, "error": None}]
    assert told["events"]["connected"] == 2
    assert told["events"]["closed"][0] == [4403, "Token expired"]


async def test_expired_token_ends_the_event_stream(node: Node, api: Api) -> None:
    async with eventful(api) as point:
        watch = {"query": _WATCH, "variables": {"id": encode_id(ChargePoint, point.id)}}
        told = await drive(node, "sse", api.internal, [watch], f"Bearer {api.token(lifetime=timedelta(seconds=3))}")
    (step,) = told["steps"]
    *results, last = step["results"]
    assert step["error"] is None
    assert len(results) >= 3
    assert [error["extensions"]["code"] for error in last["errors"]] == ["UNAUTHENTICATED"]


async def test_without_credential_neither_client_gets_in(node: Node, graph: Graph) -> None:
    nobody = f"Bearer {uuid.uuid4()}"
    told = await drive(node, "ws", graph, [{"query": _NAMES}], nobody)
    assert told["steps"] == [{"results": [], "error": {"code": 4403, "reason": "Forbidden"}}]
    told = await drive(node, "sse", graph, [{"query": _NAMES}], nobody)
    assert told["steps"] == [{"results": [], "error": {"status": 401}}]
