"""Subscriptions under test: open ones, and events that arrive as they do in the product, through outbox and relay."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from strawberry.types.execution import PreExecutionError

from ampyard.jobs.relay import relay
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
