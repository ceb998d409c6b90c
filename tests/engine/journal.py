"""A schema over a journal of numbered events in memory, whose subscriptions are shared and resumed; it counts what it evaluates."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import strawberry
from starlette.requests import HTTPConnection
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine import Delivery, Feed, GraphQLApp, PublicError, Schema, UnauthenticatedError, subscription
from ampyard.engine.subscriptions import Take
from ampyard.engine.wire import Parameters, Written

SECRET = "password=hunter2"  # what no client may ever read


@dataclass
class Journal:
    """Events 1 to `newest`, of which those before `oldest` are not kept."""

    newest: int = 0
    oldest: int = 1
    evaluated: list[int] = field(default_factory=list)
    readers: set["asyncio.Queue[int]"] = field(default_factory=set)
    contexts: list["Context"] = field(default_factory=list)
    hold: asyncio.Event | None = None

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            self.newest += 1
            for reader in self.readers:
                reader.put_nowait(self.newest)


@dataclass(frozen=True)
class Caller:
    """Its name begins with what it may see: anna and arno are alike, berta is not; whose name begins with x is like nobody."""

    name: str
    expires_at: datetime | None = None


@dataclass
class Context:
    journal: Journal
    caller: Caller
    feed: Feed = field(default_factory=Feed)
    events_ended: int = 0
    operations_ended: int = 0

    @property
    def group_key(self) -> str | None:
        return None if self.caller.name.startswith("x") else self.caller.name[0]

    def share(self) -> None:
        self.caller = Caller("somebody")

    def event_order(self, event_id: str) -> int:
        if not event_id.isdigit():
            raise PublicError(f"{event_id!r} is no id.", code="BAD_USER_INPUT")
        return int(event_id)

    async def end_event(self) -> None:
        self.events_ended += 1

    async def end_operation(self) -> None:
        self.operations_ended += 1


Info = strawberry.Info[Context, None]


@strawberry.type
class Entry:
    id: int

    @strawberry.field
    async def value(self, info: Info) -> int:
        journal = info.context.journal
        journal.evaluated.append(self.id)
        if journal.hold is not None:
            await journal.hold.wait()
        return self.id * 10

    @strawberry.field
    def seen_by(self, info: Info) -> str:
        return info.context.caller.name

    @strawberry.field
    def odd(self) -> int | None:
        if self.id % 2 == 0:
            raise RuntimeError(SECRET)
        return self.id


@asynccontextmanager
async def _reading(journal: Journal) -> Any:
    queue: asyncio.Queue[int] = asyncio.Queue()
    journal.readers.add(queue)
    try:
        yield queue
    finally:
        journal.readers.remove(queue)


def _entries(info: Info, at_least: int = 0, breaks_at: int = 0) -> AsyncGenerator[Entry, None]:
    if at_least < 0:
        raise PublicError("Nothing is less than nothing.", code="BAD_USER_INPUT")
    return _stream(info.context, at_least, breaks_at)


async def _stream(context: Context, at_least: int, breaks_at: int) -> AsyncGenerator[Entry, None]:
    journal, feed = context.journal, context.feed
    if feed.after is not None and feed.until is not None:
        if not journal.oldest <= int(feed.after) <= journal.newest:
            raise PublicError("They are gone.", code="EVENTS_GONE")
        await asyncio.sleep(0)
        for id_ in range(int(feed.after) + 1, int(feed.until) + 1):
            if id_ >= at_least:
                feed.position = str(id_)
                yield Entry(id=id_)
        return
    async with _reading(journal) as queue:
        feed.begin(str(journal.newest))
        while True:
            id_ = await queue.get()
            if id_ == breaks_at:
                raise RuntimeError(SECRET)
            if id_ >= at_least:
                feed.position = str(id_)
                yield Entry(id=id_)


async def _level(info: Info) -> AsyncGenerator[Entry, None]:
    journal, feed = info.context.journal, info.context.feed
    async with _reading(journal) as queue:
        feed.begin(str(journal.newest))
        yield Entry(id=journal.newest)
        while True:
            id_ = await queue.get()
            while not queue.empty():
                id_ = queue.get_nowait()
            feed.position = str(id_)
            yield Entry(id=id_)


@strawberry.type
class Query:
    hello: str = "hello"


@strawberry.type
class Subscription:
    entries: AsyncGenerator[Entry, None] = subscription(_entries, Delivery.EVENTS)
    level: AsyncGenerator[Entry, None] = subscription(_level, Delivery.GAUGE)

    @strawberry.subscription
    async def ticks(self, info: Info) -> AsyncGenerator[Entry, None]:
        async with _reading(info.context.journal) as queue:
            while True:
                yield Entry(id=await queue.get())


schema = Schema(Query, subscription=Subscription)


async def authenticate(connection: HTTPConnection, credential: str | None) -> Caller:
    match (credential or connection.headers.get("authorization", "")).split():
        case ["Bearer", name]:
            return Caller(name)
    raise UnauthenticatedError


def app(journal: Journal, **options: Any) -> GraphQLApp[Caller]:
    def context(caller: Caller, _connection: HTTPConnection) -> Context:
        journal.contexts.append(Context(journal, caller))
        return journal.contexts[-1]

    return GraphQLApp(schema=schema, authenticate=authenticate, context=context, **options)


class Watcher:
    """One client of an endpoint, without a transport: what it has been given, and how that ended."""

    def __init__(
        self, app: GraphQLApp[Caller], document: str, caller: str, last_event_id: str | None, take: Take | None, **variables: Any
    ) -> None:
        self.results: list[ExecutionResult] = []
        operation = app.schema.prepare(document)
        assert not isinstance(operation, PreExecutionError), operation.errors
        parameters = Parameters(document, None, variables, last_event_id=last_event_id)
        self._source = app.run(operation, parameters, Caller(caller), HTTPConnection({"type": "http", "headers": []}), take)
        self.slow = asyncio.Event()
        self.slow.set()
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for result in self._source:
                self.results.append(result)
                await self.slow.wait()
        finally:
            await self._source.aclose()

    @property
    def ids(self) -> list[str | None]:
        return [result.event_id for result in self.results if isinstance(result, Written)]

    @property
    def codes(self) -> list[str]:
        """Of the refusal that ended it."""
        return [
            (error.extensions or {})["code"]
            for result in self.results
            if isinstance(result, PreExecutionError)
            for error in result.errors or ()
        ]

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
