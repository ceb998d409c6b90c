"""Who watches is asked for again: when what they may see changes, their subscriptions end, with an error that says so."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.requests import HTTPConnection

from ampyard.engine import GraphQLApp, UnauthenticatedError
from ampyard.engine.standing import Standing
from tests.engine import toy
from tests.engine.conftest import Server, eventually, serving
from tests.engine.test_sse import events_of
from tests.engine.test_websocket import acknowledged

CHANGED = {"message": "What you may see has changed; subscribe again.", "extensions": {"code": "ACCESS_CHANGED"}}
COUNT = "subscription { countUp(to: 1000, intervalS: 0.02) { id } }"


class Rights:
    """What each caller may do, by name; who has None is not let in. Counts how often it was asked."""

    def __init__(self) -> None:
        self.of: dict[str, str | None] = {"alice": "all", "bob": "all"}
        self.asked = 0

    async def authenticate(self, connection: HTTPConnection, credential: str | None) -> toy.Caller:
        self.asked += 1
        caller = await toy.authenticate(connection, credential)
        if self.of.get(caller.name) is None:
            raise UnauthenticatedError("No more.")
        return caller

    def __call__(self, caller: toy.Caller) -> str | None:
        return self.of.get(caller.name)


@dataclass(frozen=True)
class Asked:
    server: Server
    rights: Rights
    app: GraphQLApp[toy.Caller]


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    rights, contexts = Rights(), toy.Contexts()
    app = GraphQLApp(
        schema=toy.schema, authenticate=rights.authenticate, context=contexts, standing=Standing(rights, interval_s=0.05), ping_interval_s=9
    )
    async with serving(app) as port:
        yield Asked(Server(port, contexts), rights, app)


async def last_of(client: Any, id_: str) -> Any:
    """Return the message that ends an operation, after those with its results."""
    while (message := await client.receive())["type"] == "next":
        assert message["id"] == id_
    return message


async def test_a_subscription_ends_when_what_may_be_seen_changes(asked: Asked) -> None:
    async with acknowledged(asked.server) as client:
        await client.subscribe("1", COUNT)
        assert (await client.receive())["payload"]["data"] == {"countUp": {"id": 1}}
        changed = asyncio.get_running_loop().time()
        asked.rights.of["alice"] = "some"

        assert await last_of(client, "1") == {"id": "1", "type": "error", "payload": [CHANGED]}

        assert asyncio.get_running_loop().time() - changed < 1.0
        await eventually(lambda: asked.server.contexts[-1].stream_closed)
        # The socket goes on, with what may be seen now.
        await client.subscribe("2", "{ hello }")
        assert (await client.receive())["payload"] == {"data": {"hello": "Hello, you!"}}
        await client.receive()
        await client.subscribe("3", COUNT)
        assert (await client.receive())["payload"]["data"] == {"countUp": {"id": 1}}


async def test_who_is_not_let_in_any_more_is_told_and_gets_no_further(asked: Asked) -> None:
    async with acknowledged(asked.server) as client:
        await client.subscribe("1", COUNT)
        await client.receive()
        asked.rights.of["alice"] = None

        ended = await last_of(client, "1")
        await client.subscribe("2", "{ hello }")
        refused = await client.receive()

    for message, id_ in ((ended, "1"), (refused, "2")):
        assert (message["id"], message["type"]) == (id_, "error")
        assert [error["extensions"]["code"] for error in message["payload"]] == ["UNAUTHENTICATED"]


async def test_nobody_elses_subscription_ends(asked: Asked) -> None:
    bob = {"type": "connection_init", "payload": {"Authorization": "Bearer bob"}}
    async with acknowledged(asked.server) as hers, acknowledged(asked.server, bob) as his:
        for client in (hers, his):
            await client.subscribe("1", COUNT)
        asked.rights.of["alice"] = "some"
        await last_of(hers, "1")

        assert [(await his.receive())["type"] for _ in range(5)] == ["next"] * 5


async def test_an_event_stream_ends_likewise(asked: Asked) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{asked.server.port}", headers={"authorization": "Bearer alice"}) as http:
        seen = []
        async with http.stream("POST", "/graphql", json={"query": COUNT}, headers={"accept": "text/event-stream"}) as response:
            async for event in events_of(response):
                seen.append(event)
                asked.rights.of["alice"] = "some"

    assert seen[0] == ("next", {"data": {"countUp": {"id": 1}}})
    assert [(name, data.get("errors") if data else None) for name, data in seen[-2:]] == [("next", [CHANGED]), ("complete", None)]


async def test_many_who_watch_with_one_credential_are_one_question(asked: Asked) -> None:
    async with acknowledged(asked.server) as first, acknowledged(asked.server) as second:
        for client in (first, second):
            for id_ in ("1", "2", "3"):
                await client.subscribe(id_, "subscription { countUp(to: 2, intervalS: 60) { id } }")
                await client.receive()
        before = asked.rights.asked
        await asyncio.sleep(0.5)

        # Ten times in half a second, at most, and not sixty.
        assert 3 <= asked.rights.asked - before <= 11
    await eventually(lambda: not asked.app.standing._asking)
    before = asked.rights.asked
    await asyncio.sleep(0.2)
    assert asked.rights.asked == before


async def test_while_nobody_can_be_asked_subscriptions_go_on(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    async with acknowledged(asked.server) as client:
        await client.subscribe("1", COUNT)
        await client.receive()
        failing = asyncio.Event()

        async def fail(_connection: HTTPConnection, _credential: str | None) -> toy.Caller:
            failing.set()
            raise ConnectionError("The database is away.")

        monkeypatch.setattr(toy, "authenticate", fail)
        async with asyncio.timeout(3):
            await failing.wait()
        assert [(await client.receive())["type"] for _ in range(5)] == ["next"] * 5
        monkeypatch.undo()
        asked.rights.of["alice"] = "some"

        assert (await last_of(client, "1"))["payload"] == [CHANGED]
