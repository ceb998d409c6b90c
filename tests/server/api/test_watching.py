"""Subscriptions end to end: a charge point's report, the outbox, the relay, the streams, the socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ampyard.domain.access import Role
from ampyard.domain.transactions import Measurand, Reading
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.resolvers.ids import encode_id
from ampyard.server.embedded import EmbeddedServers
from ampyard.server.tokens import EmbeddedIssuer
from ampyard.services import transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.events import EventHub
from ampyard.services.seeding import Seeded
from tests.charging import charge, station_of
from tests.schema.live import listening, relayed
from tests.server.api.client import PATIENCE_S, Api, bearer, serving_api


class Watcher:
    """A client of graphql-transport-ws."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def receive(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self.connection.recv())

    async def subscribe(self, document: str, *, after: str | None = None, **variables: object) -> None:
        payload = {"query": document, "variables": variables, "extensions": {"lastEventId": after}}
        await self.connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))


@asynccontextmanager
async def watching(api: Api, token: str, *, path: str = "/graphql", by_header: bool = False) -> AsyncIterator[Watcher]:
    headers = bearer(token) if by_header else {}
    protocol = Subprotocol("graphql-transport-ws")
    async with connect(f"{api.url.replace('http', 'ws')}{path}", subprotocols=[protocol], additional_headers=headers) as connection:
        payload = {} if by_header else bearer(token)
        await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
        yield Watcher(connection)


WATCH = "subscription S($only: ID!) { transactionUpdated(transactionId: $only) { ocppTransactionId powerKw energyWh vehicle { name } } }"


@pytest.fixture
async def cp(backend: Backend, tenant: Seeded) -> Station:
    return await station_of(backend, tenant.tenant_id)


async def measured(backend: Backend, cp: Station, ocpp_id: str, *, power_w: float, at: datetime) -> None:
    reading = Reading(at, Measurand.POWER_IMPORT, power_w, "W")
    await transactions.measured(backend, cp, 1, [reading], ocpp_transaction_id=ocpp_id)


@asynccontextmanager
async def another_process(servers: EmbeddedServers, backend: Backend) -> AsyncIterator[Backend]:
    """Yield the ports of a second process: its own reader of the same streams."""
    redis = connect_redis(servers.redis_url)
    hub = EventHub(EventStream(redis))
    yield replace(backend, events=hub)
    await hub.close()
    await redis.aclose()


async def test_what_a_charge_point_reports_arrives_at_every_watcher_of_every_process(
    api: Api, servers: EmbeddedServers, home: Path, cp: Station
) -> None:
    now = datetime.now(UTC)
    transaction = await charge(api.backend, cp, (now - timedelta(minutes=5), 0.0))
    only, token = encode_id(type(transaction), transaction.id), api.token(cp.tenant_id, Role.VIEWER)
    async with AsyncExitStack() as stack:
        second_backend = await stack.enter_async_context(another_process(servers, api.backend))
        second = await stack.enter_async_context(serving_api(second_backend, home))
        await relayed(api.backend)
        sockets = [
            await stack.enter_async_context(watching(api, token)),
            await stack.enter_async_context(watching(api, token, by_header=True)),
            await stack.enter_async_context(watching(second, token)),
        ]
        for socket in sockets:
            assert (await socket.receive())["type"] == "connection_ack"
            await socket.subscribe(WATCH, only=only)
        stream = await stack.enter_async_context(
            second.http.stream(
                "POST",
                "/graphql",
                json={"query": WATCH, "variables": {"only": only}},
                headers=bearer(token) | {"accept": "text/event-stream"},
            )
        )
        for process in (api.backend, second_backend):
            await listening(process, cp.tenant_id)
        # Both subscriptions of the first process share one reader; give the second time to join it.
        await asyncio.sleep(0.1)

        await measured(api.backend, cp, transaction.ocpp_transaction_id, power_w=7400.0, at=now)
        await relayed(api.backend)

        shown: dict[str, Any] = {
            "data": {
                "transactionUpdated": {
                    "ocppTransactionId": transaction.ocpp_transaction_id,
                    "powerKw": 7.4,
                    "energyWh": 0.0,
                    "vehicle": {"name": "Bus 1"},
                }
            }
        }
        shown |= {"extensions": {"eventId": await api.backend.events.stream.newest_id(cp.tenant_id)}}
        for socket in sockets:
            assert await socket.receive() == {"id": "1", "type": "next", "payload": shown}
        assert await next_event(stream) == shown


async def next_event(response: httpx.Response) -> Any:
    """Return the data of the next event of a stream, past what keeps it alive."""
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    async with asyncio.timeout(PATIENCE_S):
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                return json.loads(line.removeprefix("data:"))
    raise AssertionError("The stream has ended.")


async def test_what_happens_while_nobody_is_connected_arrives_after_the_reconnect(api: Api, cp: Station) -> None:
    now = datetime.now(UTC)
    transaction = await charge(api.backend, cp, (now - timedelta(minutes=5), 0.0), id_tag="TAG-3")
    only, token = encode_id(type(transaction), transaction.id), api.token(cp.tenant_id, Role.VIEWER)
    await relayed(api.backend)
    last = await api.backend.events.stream.newest_id(cp.tenant_id)

    await measured(api.backend, cp, transaction.ocpp_transaction_id, power_w=5000.0, at=now)
    await relayed(api.backend)
    missed = await api.backend.events.stream.newest_id(cp.tenant_id)
    async with watching(api, token) as socket:
        assert (await socket.receive())["type"] == "connection_ack"
        await socket.subscribe(WATCH, after=last, only=only)
        message = (await socket.receive())["payload"]
        assert (message["data"]["transactionUpdated"]["powerKw"], message["extensions"]) == (5.0, {"eventId": missed})
    headers = bearer(token) | {"accept": "text/event-stream", "last-event-id": last}
    async with api.http.stream("POST", "/graphql", json={"query": WATCH, "variables": {"only": only}}, headers=headers) as response:
        lines = response.aiter_lines()
        assert [await anext(lines), await anext(lines)] == ["event: next", f"id: {missed}"]
        assert json.loads((await anext(lines)).removeprefix("data: ")) == message


@pytest.mark.parametrize(("after", "code"), [("1-0", "EVENTS_GONE"), ("yesterday", "BAD_USER_INPUT")])
async def test_an_id_that_nothing_can_be_continued_from_is_told(api: Api, cp: Station, after: str, code: str) -> None:
    async with watching(api, api.token(cp.tenant_id, Role.VIEWER)) as socket:
        assert (await socket.receive())["type"] == "connection_ack"
        await socket.subscribe("subscription { chargePointUpdated { id } }", after=after)
        message = await socket.receive()
    assert (message["type"], [error["extensions"] for error in message["payload"]]) == ("error", [{"code": code}])


async def test_a_watcher_sees_a_transaction_begin_and_end(api: Api, cp: Station) -> None:
    document = "subscription { transactionUpdated { state evse { status activeTransaction { id } } } }"
    async with watching(api, api.token(cp.tenant_id, Role.VIEWER)) as socket:
        assert (await socket.receive())["type"] == "connection_ack"
        await relayed(api.backend)
        await socket.subscribe(document)
        await listening(api.backend, cp.tenant_id)
        now = datetime.now(UTC)

        started = await charge(api.backend, cp, (now, 0.0), id_tag="TAG-2")
        await relayed(api.backend)
        await until_shown(socket, "ACTIVE", active=encode_id(type(started), started.id))
        await transactions.end(
            api.backend, cp, transactions.Report(at=now, ocpp_transaction_id=started.ocpp_transaction_id, register_wh=1.0)
        )
        await relayed(api.backend)
        await until_shown(socket, "ENDED", active=None)


async def until_shown(socket: Watcher, state: str, *, active: str | None) -> None:
    """Return once a transaction is shown in a state, and as the active one of its EVSE or not."""
    while True:
        transaction = (await socket.receive())["payload"]["data"]["transactionUpdated"]
        of_evse = transaction["evse"]["activeTransaction"]
        if (transaction["state"], of_evse and of_evse["id"]) == (state, active):
            return


async def closing(socket: Watcher) -> tuple[int | None, str | None]:
    async with asyncio.timeout(PATIENCE_S):
        try:
            while True:
                await socket.connection.recv()
        except ConnectionClosed:
            return socket.connection.close_code, socket.connection.close_reason


async def test_a_socket_closes_when_its_token_ends(api: Api, cp: Station) -> None:
    async with watching(api, api.token(cp.tenant_id, lifetime=timedelta(seconds=2))) as socket:
        assert (await socket.receive())["type"] == "connection_ack"
        await socket.subscribe("subscription { chargePointUpdated { id } }")
        assert await closing(socket) == (4403, "Token expired")


@pytest.mark.parametrize("path", ["/graphql", "/public/graphql"])
async def test_a_socket_without_a_credential_is_closed(api: Api, path: str) -> None:
    async with watching(api, "nonsense", path=path) as socket:
        assert await closing(socket) == (4403, "Forbidden")


async def test_a_socket_of_the_public_graph_takes_a_key(api: Api, tenant: Seeded) -> None:
    async with watching(api, tenant.api_key, path="/public/graphql") as socket:
        assert (await socket.receive())["type"] == "connection_ack"
        await socket.subscribe("{ vehicles { totalCount } }")
        assert (await socket.receive())["payload"]["data"] == {"vehicles": {"totalCount": 6}}


async def test_watching_needs_the_scope(api: Api, tenant: Seeded) -> None:
    issuer = EmbeddedIssuer(api.settings)
    nobody = jwt.encode(
        jwt.decode(api.token(tenant.tenant_id), options={"verify_signature": False}) | {"roles": []},
        issuer._key,
        "EdDSA",
        {"kid": issuer._public["kid"]},
    )
    async with watching(api, nobody) as socket:
        assert (await socket.receive())["type"] == "connection_ack"
        await socket.subscribe("subscription { chargePointUpdated { id } }")
        message = await socket.receive()
    assert message["type"] == "error"
    assert [error["extensions"] for error in message["payload"]] == [{"code": "FORBIDDEN"}]
