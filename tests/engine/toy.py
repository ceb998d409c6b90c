"""A schema of nobody's domain, its principal and its context, which write down what the engine does with them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import count

import strawberry
from starlette.requests import HTTPConnection
from strawberry import federation

from ampyard.engine import Limits, PublicError, Subgraph, UnauthenticatedError

SECRET = "password=hunter2"  # what no client may ever read


class CodedError(Exception):
    code = "NOT_FOUND"


@dataclass(frozen=True)
class Caller:
    name: str
    expires_at: datetime | None = None


async def authenticate(connection: HTTPConnection, credential: str | None) -> Caller:
    """`Bearer <name>`, `Bearer <name> for <seconds>`; `Bearer broken` is a failure of the authentication itself."""
    match (credential or connection.headers.get("authorization", "")).split():
        case ["Bearer", "broken"]:
            raise RuntimeError(SECRET)
        case ["Bearer", name]:
            return Caller(name)
        case ["Bearer", name, "for", seconds]:
            return Caller(name, datetime.now(UTC) + timedelta(seconds=float(seconds)))
    raise UnauthenticatedError


_numbers = count(1)


@dataclass
class Context:
    caller: Caller
    number: int = field(default_factory=lambda: next(_numbers))
    holds_snapshot: bool = False
    events_ended: int = 0
    operations_ended: int = 0
    stream_closed: bool = False
    slept: bool = False

    async def load(self) -> None:
        self.holds_snapshot = True

    async def end_event(self) -> None:
        await asyncio.sleep(0)
        self.events_ended += 1
        self.holds_snapshot = False

    async def end_operation(self) -> None:
        await asyncio.sleep(0)
        self.operations_ended += 1
        self.holds_snapshot = False


class Contexts(list[Context]):
    """Makes the contexts, and keeps them for the test to look at."""

    def __call__(self, caller: Caller, _connection: HTTPConnection) -> Context:
        if caller.name == "contextless":
            raise RuntimeError(SECRET)
        self.append(Context(caller))
        return self[-1]


Info = strawberry.Info[Context, None]


async def _sleep(info: Info, seconds: float) -> str:
    await info.context.load()
    await asyncio.sleep(seconds)
    info.context.slept = True
    return "slept"


@federation.type(keys=["id"])
class Thing:
    id: int

    @strawberry.field
    async def name(self, info: Info) -> str:
        await info.context.load()
        return f"thing {self.id}"

    @strawberry.field
    def itself(self) -> "Thing":
        return self

    @strawberry.field
    async def sluggish_if_two(self, info: Info) -> str:
        return await _sleep(info, 5.0 if self.id == 2 else 0.0)

    @strawberry.field
    def broken(self) -> int:
        raise RuntimeError(SECRET)

    @classmethod
    async def resolve_reference(cls, info: Info, id: int) -> "Thing | None":  # noqa: A002 - the key's name
        await info.context.load()
        if id < 0:
            raise PublicError("No thing has a negative id.", code="NOT_FOUND")
        if id == 666:
            raise RuntimeError(SECRET)
        return Thing(id=id) if id else None


@strawberry.enum
class Colour(Enum):
    GREEN = "green"


@strawberry.input
class Filter:
    name: str | None = None
    colour: Colour | None = None


@strawberry.type
class Query:
    @strawberry.field
    def filtered(self, filter: Filter) -> bool:  # noqa: A002 - as clients would call it
        return filter.name is not None

    @strawberry.field
    def hello(self, name: str = "you") -> str:
        return f"Hello, {name}!"

    @strawberry.field
    async def context_number(self, info: Info) -> int:
        await info.context.load()
        return info.context.number

    @strawberry.field
    def thing(self, id: int = 1) -> Thing:  # noqa: A002 - the key's name
        return Thing(id=id)

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def refused(self) -> str | None:
        raise PublicError("Not on Sundays.", code="CLOSED", opens="Monday")

    @strawberry.field
    def coded(self) -> str | None:
        raise CodedError("There is no such thing.")

    @strawberry.field
    def unserialisable(self) -> int | None:
        return SECRET  # type: ignore[return-value]  # what the test is about

    @strawberry.field
    async def slow(self, info: Info, seconds: float) -> str:
        return await _sleep(info, seconds)

    @strawberry.field
    async def stubborn(self, info: Info) -> str | None:
        """As a driver that makes another error of a cancellation."""
        try:
            return await _sleep(info, 60)
        except asyncio.CancelledError as error:
            raise ConnectionError(SECRET) from error

    @strawberry.field
    async def slow_and_failing(self) -> "Pair":
        return Pair()


@strawberry.type
class Pair:
    @strawberry.field
    async def slow(self, info: Info) -> str:
        await asyncio.sleep(0.05)
        await info.context.load()
        return "slow"

    @strawberry.field
    def failing(self) -> str:
        raise RuntimeError(SECRET)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def rename(self, info: Info, name: str) -> str:
        renamed.append(name)
        await info.context.load()
        return name

    @strawberry.mutation
    async def slowly(self, info: Info, seconds: float) -> str:
        return await _sleep(info, seconds)


renamed: list[str] = []


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count_up(self, info: Info, to: int, interval_s: float = 0.0) -> AsyncGenerator[Thing, None]:
        try:
            for id_ in range(1, to + 1):
                assert not info.context.holds_snapshot, "the subscription idles with a snapshot"
                yield Thing(id=id_)
                await asyncio.sleep(interval_s)
        finally:
            info.context.stream_closed = True

    @strawberry.subscription
    async def flood(self, size: int) -> AsyncGenerator[str, None]:
        while True:
            await asyncio.sleep(0)
            yield "x" * size

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError(SECRET)

    @strawberry.subscription
    async def refuses(self, day: str = "Sunday") -> AsyncGenerator[int, None]:
        if day == "Sunday":
            raise PublicError("Not on Sundays.", code="CLOSED")
        yield 1


def new_schema() -> Subgraph:
    """As another process has it: with nothing cached."""
    limits = Limits(max_tokens=500, max_depth=5, max_aliases=10)
    return Subgraph(Query, Mutation, Subscription, limits=limits, public_errors=(CodedError,))


schema = new_schema()
