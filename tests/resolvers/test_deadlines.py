"""An operation past its deadline leaves nothing running, in the database either."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import httpx
import pytest
import strawberry
from sqlalchemy import text
from starlette.requests import HTTPConnection

from ampyard.domain.access import Principal
from ampyard.engine import GraphQLApp, Load, Schema, edge
from ampyard.resolvers.context import Context, Info
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.links import FileLinks
from ampyard.services.backend import Backend
from tests.busy import Busy
from tests.fleet import user
from tests.patience import eventually, until

SLEEP = text("SELECT pg_sleep(50)")
RUNNING = text("SELECT count(*) AS running FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(50)%' AND state = 'active'")


async def sleepy(session: Any, keys: Sequence[int]) -> Mapping[int, str]:
    await session.fetch(SLEEP)
    return dict.fromkeys(keys, "slept")


def sleeper(info: Info) -> Load:
    return Load(sleepy)


@strawberry.type
class Bed:
    id: int
    sleeper: str | None = edge(sleeper, key="id")


@strawberry.type
class Query:
    @strawberry.field
    async def beds(self) -> list[Bed]:
        return [Bed(id=1), Bed(id=2)]

    @strawberry.field
    async def asleep(self, info: Info) -> str:
        await info.context.snapshot.fetch(SLEEP)
        return "slept"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def sleep(self, info: Info) -> str:
        async with info.context.backend.unit_of_work(info.context.principal) as work:
            await work.session.fetch(SLEEP)
        return "slept"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def nights(self) -> AsyncGenerator[Bed, None]:
        for number in range(2):
            yield Bed(id=number)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("document", "times"),
    [
        ("{ asleep }", 1),
        ("{ beds { sleeper } }", 1),
        ("{ asleep beds { id sleeper } }", 1),
        ("mutation { sleep }", 1),
        ("subscription { nights { id sleeper } }", 2),
    ],
)
async def test_statements_end_with_their_operation(
    backend: Backend, busy: Busy, monkeypatch: pytest.MonkeyPatch, document: str, times: int, *, compiled: bool
) -> None:
    if not compiled:
        monkeypatch.setattr(Schema, "_plan", lambda *_, **__: None)
    principal = user(busy.tenant_id)

    async def authenticate(_connection: HTTPConnection, _credential: str | None) -> Principal:
        return principal

    def context(principal: Principal, _connection: HTTPConnection) -> Context:
        return Context(backend, principal, cursors=CursorCodec(b"key"), links=FileLinks(b"key", ""))

    async def running() -> int:
        async with backend.database.snapshot(busy.tenant_id) as snapshot:
            row = await snapshot.fetch_one(RUNNING)
        return int(row.running) if row is not None else -1

    app = GraphQLApp(
        schema=Schema(Query, Mutation, Subscription),
        authenticate=authenticate,
        context=context,
        deadline_s=0.3,
        mutation_deadline_s=0.3,
    )
    in_use = backend.database.in_use
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here", timeout=20) as http:
        accept = "text/event-stream" if document.startswith("subscription") else "application/json"
        asked = asyncio.create_task(http.post("/", json={"query": document}, headers={"accept": accept}))
        await eventually(running, lambda number: number == 1)
        response = await asked

    results = [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if "{" in line]
    assert [(result["data"], result["errors"][0]["extensions"]["code"]) for result in results] == [(None, "DEADLINE_EXCEEDED")] * times
    assert await running() == 0
    await until(lambda: backend.database.in_use == in_use)
