"""How a subscription is fed: with what each event that fits is about, or with the moment it happened at."""

import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any, TypeVar

from ampyard.domain.errors import NotFoundError
from ampyard.domain.events import PublishedEvent
from ampyard.repositories.depots import Depots
from ampyard.repositories.repository import Repository
from ampyard.resolvers.context import Context
from ampyard.resolvers.loading import by_id_of

M = TypeVar("M")


async def moments(
    context: Context, wanted: uuid.UUID, fits: Callable[[PublishedEvent], bool], moment: Callable[[uuid.UUID, datetime], M]
) -> AsyncGenerator[M, None]:
    """Yield the moment at which a depot is first looked at, and that of each event that fits."""
    async with context.backend.events.subscribe(context.principal.tenant_id, fits) as queue:
        context.feed.begin(queue.position)
        known = await context.load(by_id_of(Depots), wanted)
        await context.end_event()
        if known is None:
            raise NotFoundError("There is no such depot.")
        yield moment(wanted, context.now)
        while True:
            event = await queue.get()
            context.feed.position = event.stream_id
            yield moment(wanted, event.occurred_at)


async def entities(
    context: Context, repository: type[Repository[Any]], fits: Callable[[PublishedEvent], bool]
) -> AsyncGenerator[Any, None]:
    async with aclosing(_events(context, fits)) as events:
        async for event in events:
            entity = await context.load(by_id_of(repository), event.aggregate_id)
            if entity is None:
                await context.end_event()
            else:
                context.feed.position = event.stream_id
                yield entity


async def _events(context: Context, fits: Callable[[PublishedEvent], bool]) -> AsyncGenerator[PublishedEvent, None]:
    """Yield what the context's feed asks for: events that were missed, or all from now on."""
    hub, feed, tenant_id = context.backend.events, context.feed, context.principal.tenant_id
    if feed.after is not None and feed.until is not None:
        for event in await hub.missed(tenant_id, feed.after, feed.until, fits):
            yield event
        return
    async with hub.subscribe(tenant_id, fits) as queue:
        feed.begin(queue.position)
        while True:
            yield await queue.get()
