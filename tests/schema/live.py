"""Subscriptions under test: open ones, and events that arrive as they do in the product, through outbox and relay."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from starlette.requests import HTTPConnection
from strawberry.types.execution import PreExecutionError

from ampyard.domain.access import Principal
from ampyard.engine import GraphQLApp, UnauthenticatedError
from ampyard.engine.wire import Parameters
from ampyard.jobs.relay import relay
from ampyard.resolvers.context import Context
from ampyard.services.backend import Backend
from tests.patience import until
from tests.schema.graph import Graph

ARRIVES_S = 8.0
# Long enough for an event that is on its way, which takes some milliseconds.
QUIET_S = 0.2


async def relayed(backend: Backend) -> None:
    """Take everything that waits in the outbox to the streams."""
    while await relay(backend.database, backend.events.stream):
        pass


async def listening(backend: Backend, tenant_id: uuid.UUID) -> None:
    """Return once a subscription to the tenant's events hears everything from now on."""
    positions = backend.events._positions
    await until(lambda: tenant_id in positions and positions[tenant_id].done())


class Live:
    """The results of an open subscription, as they arrive."""

    def __init__(self) -> None:
        self.results: asyncio.Queue[Any] = asyncio.Queue()

    async def next(self) -> Any:
        """Return the data of the next result."""
        result = await asyncio.wait_for(self.results.get(), ARRIVES_S)
        assert result.errors is None, result.errors
        return result.data

    async def quiet(self) -> bool:
        """Tell whether nothing arrives."""
        await asyncio.sleep(QUIET_S)
        return self.results.empty()


@asynccontextmanager
async def subscribed(graph: Graph, document: str, **variables: object) -> AsyncIterator[Live]:
    """Open a subscription; yields when it hears everything from now on."""
    operation = graph.schema.prepare(document)
    assert not isinstance(operation, PreExecutionError), operation.errors
    live = Live()
    # What happened before is not what the test is about.
    await relayed(graph.backend)

    async def read() -> None:
        async with aclosing(graph.schema.run(operation, context=graph.context(), variables=variables)) as results:
            async for result in results:
                live.results.put_nowait(result)

    reading = asyncio.create_task(read())
    try:
        await listening(graph.backend, graph.principal.tenant_id)
        yield live
    finally:
        reading.cancel()
        await asyncio.wait([reading])


class Watcher:
    """One client of an endpoint: what it has been given, without a transport in between."""

    def __init__(self) -> None:
        self.results: asyncio.Queue[Any] = asyncio.Queue()
        self.arrived: list[Any] = []

    async def next_result(self) -> Any:
        """Return the next result, which has no errors."""
        result = await asyncio.wait_for(self.results.get(), ARRIVES_S)
        assert result.errors is None, result.errors
        return result

    async def quiet(self) -> bool:
        """Tell whether nothing arrives."""
        await asyncio.sleep(QUIET_S)
        return self.results.empty()

    @staticmethod
    def codes(result: Any) -> list[str]:
        return [error.extensions["code"] for error in result.errors or ()]

    def ids(self) -> list[str]:
        """Return the ids of all events so far."""
        return [result.event_id for result in self.arrived]

    def put(self, result: Any) -> None:
        self.arrived.append(result)
        self.results.put_nowait(result)


def endpoint(graph: Graph) -> GraphQLApp[Principal]:
    """Return an endpoint for the graph's schema. Its principal is whoever is named when it is asked."""

    async def authenticate(_connection: HTTPConnection, _credential: str | None) -> Principal:
        raise UnauthenticatedError

    def context(principal: Principal, _connection: HTTPConnection) -> Context:
        return replace(graph, principal=principal).context()

    return GraphQLApp(schema=graph.schema, authenticate=authenticate, context=context)


@asynccontextmanager
async def watched(
    app: GraphQLApp[Principal], subscribers: Sequence[tuple[Principal, str, str | None]], **variables: object
) -> AsyncIterator[list[Watcher]]:
    """Subscribe through an endpoint: each with a principal, a document and the id of the last event it saw; yields once all have joined."""
    watchers = [Watcher() for _ in subscribers]

    async def read(watcher: Watcher, principal: Principal, document: str, last_event_id: str | None) -> None:
        operation = app.schema.prepare(document)
        assert not isinstance(operation, PreExecutionError), operation.errors
        parameters = Parameters(document, None, variables, last_event_id=last_event_id)
        connection = HTTPConnection({"type": "http", "headers": []})
        async with aclosing(app.run(operation, parameters, principal, connection)) as results:
            async for result in results:
                watcher.put(result)

    reading = [asyncio.create_task(read(watcher, *subscriber)) for watcher, subscriber in zip(watchers, subscribers, strict=True)]
    try:
        await asyncio.sleep(0)
        groups = app.subscriptions.groups.values()
        await until(lambda: all(group._feed.begun.is_set() for group in groups))
        yield watchers
    finally:
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)
