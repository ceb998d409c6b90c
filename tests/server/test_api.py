"""The api process from outside: who is let in, what their scopes open, files by link, and subscriptions end to end."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from sqlalchemy import update
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ampyard.domain.access import Role
from ampyard.domain.transactions import Measurand, Reading
from ampyard.repositories import tables
from ampyard.repositories.database import Database
from ampyard.repositories.reports import Reports
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.resolvers.ids import encode_id
from ampyard.resolvers.links import FileLinks
from ampyard.schema.sdl import documents
from ampyard.server.api import api_app
from ampyard.server.embedded import EmbeddedServers
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer
from ampyard.services import transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.events import EventHub
from ampyard.services.seeding import Seeded
from tests.busy import Busy
from tests.charging import charge, station_of
from tests.fleet import new_fleet, user
from tests.schema.live import listening, relayed
from tests.server.serving import serving

PATIENCE_S = 8.0


@dataclass(frozen=True)
class Api:
    """An api process: where it is, and the issuer whose tokens it takes."""

    url: str
    settings: Settings
    backend: Backend
    http: httpx.AsyncClient

    def token(self, tenant_id: uuid.UUID, role: Role = Role.ADMINISTRATOR, *, lifetime: timedelta = timedelta(minutes=5)) -> str:
        return EmbeddedIssuer(self.settings).mint(tenant_id, "anna", role, lifetime=lifetime, now=datetime.now(UTC))

    async def post(
        self, document: str, *, path: str = "/graphql", headers: dict[str, str] | None = None, **variables: object
    ) -> httpx.Response:
        return await self.http.post(path, json={"query": document, "variables": variables}, headers=headers)

    async def ask(self, token: str, document: str) -> Any:
        """Return the answer of the internal graph to a bearer of a token."""
        response = await self.post(document, headers=bearer(token))
        assert response.status_code == 200
        return response.json()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@asynccontextmanager
async def serving_api(backend: Backend, home: Path, *, development: bool = False) -> AsyncIterator[Api]:
    settings = Settings(home=home, development=development)
    async with serving(api_app(settings, backend)) as url, httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as http:
        yield Api(url, settings, backend, http)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
async def api(backend: Backend, home: Path) -> AsyncIterator[Api]:
    async with serving_api(backend, home) as api:
        yield api


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Seeded:
    return await new_fleet(backend)


# Who is let in


@pytest.mark.parametrize("path", ["/graphql", "/public/graphql"])
async def test_without_a_credential_nobody_is_let_in(api: Api, path: str) -> None:
    for response in (
        await api.post("{ depots { totalCount } }", path=path),
        await api.http.get(path, params={"query": "{ depots { totalCount } }"}),
        await api.post("{ depots { totalCount } }", path=path, headers={"authorization": "Basic YTpi"}),
        await api.post("{ depots { totalCount } }", path=path, headers={"authorization": "Bearer"}),
        await api.post("{ depots { totalCount } }", path=path, headers={"cookie": "authorization=Bearer x"}),
        # ... nor told whether what they ask makes sense.
        await api.post("{ nonsense", path=path),
    ):
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["UNAUTHENTICATED"]
        assert "data" not in response.json()


async def test_a_token_lets_in_and_a_bad_one_does_not(api: Api, tenant: Seeded, tmp_path: Path) -> None:
    good = api.token(tenant.tenant_id)
    assert (await api.ask(good, "{ depots { totalCount } }"))["data"] == {"depots": {"totalCount": 1}}

    claims = jwt.decode(good, options={"verify_signature": False})
    issuer = EmbeddedIssuer(api.settings)
    header = {"kid": jwt.get_unverified_header(good)["kid"]}
    strangers = EmbeddedIssuer(Settings(home=tmp_path)).mint(
        tenant.tenant_id, "anna", Role.ADMINISTRATOR, lifetime=timedelta(hours=1), now=datetime.now(UTC)
    )
    for bad in (
        strangers,
        jwt.encode(claims | {"iss": "https://elsewhere.test"}, issuer._key, "EdDSA", header),
        jwt.encode(claims | {"aud": "billing"}, issuer._key, "EdDSA", header),
        jwt.encode(claims | {"exp": 1_000_000_000}, issuer._key, "EdDSA", header),
        jwt.encode(claims, "", "none", header),
        jwt.encode(claims, "s" * 32, "HS256", header),
        good[:-4],
        tenant.api_key,
    ):
        response = await api.post("{ depots { totalCount } }", headers=bearer(bad))
        assert (response.status_code, response.json()["errors"][0]["extensions"]) == (401, {"code": "UNAUTHENTICATED"})
        assert bad not in response.text


WHAT_ROLES_DO = {
    "{ depots { totalCount } }": {*Role},
    "{ reports { totalCount } }": {Role.ANALYST, Role.ADMINISTRATOR},
    'mutation { clearPriority(input: {priorityId: "x"}) { priority { id } } }': {Role.DISPATCHER, Role.OPERATOR, Role.ADMINISTRATOR},
    'mutation { stopTransaction(input: {transactionId: "x"}) { command { state } } }': {Role.OPERATOR, Role.ADMINISTRATOR},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("document", WHAT_ROLES_DO)
async def test_a_role_opens_what_it_is_for(api: Api, tenant: Seeded, role: Role, document: str) -> None:
    answer = await api.ask(api.token(tenant.tenant_id, role), document)

    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    may_but_asks_for_nothing = ["BAD_USER_INPUT"] if document.startswith("mutation") else []
    assert codes == (may_but_asks_for_nothing if role in WHAT_ROLES_DO[document] else ["FORBIDDEN"])


async def test_a_token_of_a_tenant_that_is_gone_opens_nothing(api: Api) -> None:
    answer = await api.ask(api.token(uuid.uuid4()), "{ depots { totalCount } vehicles { totalCount } }")
    assert answer == {"data": {"depots": {"totalCount": 0}, "vehicles": {"totalCount": 0}}}


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
async def test_an_api_key_opens_the_public_graph_alone(api: Api, tenant: Seeded, header: str) -> None:
    headers = {header: tenant.api_key if header == "X-API-Key" else f"Bearer {tenant.api_key}"}

    outside = await api.post("{ vehicles { totalCount } }", path="/public/graphql", headers=headers)
    inside = await api.post("{ vehicles { totalCount } }", headers=headers)
    token = await api.post("{ vehicles { totalCount } }", path="/public/graphql", headers=bearer(api.token(tenant.tenant_id)))

    assert (outside.status_code, outside.json()) == (200, {"data": {"vehicles": {"totalCount": 6}}})
    assert (inside.status_code, token.status_code) == (401, 401)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"revoked_at": datetime(2026, 1, 1, tzinfo=UTC)}, 401),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, 401),
        ({"expires_at": datetime(2100, 1, 1, tzinfo=UTC)}, 200),
        ({"key_hash": "0" * 64}, 401),
        ({"scopes": ["fleet:read", "moon:walk"]}, 200),
    ],
)
async def test_a_key_opens_until_it_is_revoked_or_ends(api: Api, values: dict[str, Any], status: int) -> None:
    seeded = await new_fleet(api.backend)
    if "key_hash" in values:
        values = {"key_hash": uuid.uuid4().hex * 2}
    async with api.backend.unit_of_work(user(seeded.tenant_id)) as work:
        await work.session.execute(update(tables.api_key).values(**values))
        await work.commit()

    for key, expected in ((seeded.api_key, status), (seeded.api_key[:-1], 401), (seeded.ocpi_token, 401)):
        response = await api.post("{ vehicles { totalCount } }", path="/public/graphql", headers={"x-api-key": key})
        assert response.status_code == expected
        assert key not in response.text


async def test_a_key_opens_what_its_scopes_say(api: Api) -> None:
    seeded = await new_fleet(api.backend)
    async with api.backend.unit_of_work(user(seeded.tenant_id)) as work:
        await work.session.execute(update(tables.api_key).values(scopes=["fleet:read"]))
        await work.commit()
    asked = 'mutation { setPriority(input: {level: HIGH, vehicleId: "x"}) { priority { id } } }'

    answer = (await api.post(asked, path="/public/graphql", headers={"x-api-key": seeded.api_key})).json()

    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert error["message"] == "This needs the scope priorities:write, which key:demo integrator does not have."


# What is served


async def test_the_key_that_signs_is_published(api: Api, tenant: Seeded) -> None:
    token = api.token(tenant.tenant_id, Role.VIEWER)
    published = (await api.http.get("/.well-known/jwks.json")).json()
    key = jwt.PyJWKSet.from_dict(published)[jwt.get_unverified_header(token)["kid"]]

    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="ampyard")

    assert (claims["tenant_id"], claims["roles"]) == (str(tenant.tenant_id), ["viewer"])
    assert "d" not in published["keys"][0]


async def test_the_graphical_client_is_for_development_alone(api: Api, backend: Backend, home: Path) -> None:
    page = {"accept": "text/html,*/*;q=0.8"}
    async with serving_api(backend, home, development=True) as development:
        for path in ("/graphql", "/public/graphql"):
            shown = await development.http.get(path, headers=page)
            assert (shown.status_code, "graphiql" in shown.text.lower()) == (200, True)
            refused = await api.http.get(path, headers=page)
            assert refused.status_code == 406
            assert "graphiql" not in refused.text.lower()


async def test_the_public_graph_shows_its_own_document_and_is_no_subgraph(api: Api, tenant: Seeded) -> None:
    headers = {"x-api-key": tenant.api_key}
    for document in ("{ _service { sdl } }", "{ _entities(representations: []) { __typename } }", "{ reports { totalCount } }"):
        answer = (await api.post(document, path="/public/graphql", headers=headers)).json()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
    sdl = (await api.ask(api.token(tenant.tenant_id), "{ _service { sdl } }"))["data"]["_service"]["sdl"]
    assert sdl + "\n" == documents()["schema.graphql"]


async def test_health_and_readiness_need_no_credential(api: Api) -> None:
    assert (await api.http.get("/healthz")).json() == {"status": "ok"}
    assert (await api.http.get("/readyz")).json() == {"status": "ready"}


# Files


async def test_a_report_is_downloaded_by_its_link_without_a_credential(api: Api, busy: Busy) -> None:
    asked = "{ reports { nodes { fileName contentType sizeBytes downloadUrl depot { name } } } }"
    reports = (await api.ask(api.token(busy.tenant_id, Role.ANALYST), asked))["data"]["reports"]["nodes"]
    report = next(one for one in reports if one["depot"]["name"] == "Central")
    assert report["downloadUrl"].startswith(f"{api.settings.base_url}/files/")

    file = await api.http.get(report["downloadUrl"].removeprefix(api.settings.base_url))

    assert (file.status_code, file.headers["content-type"]) == (200, report["contentType"])
    assert file.headers["content-disposition"] == f'attachment; filename="{report["fileName"]}"'
    assert file.headers["cache-control"] == "private, no-store"
    assert len(file.content) == report["sizeBytes"]
    assert "CP-1" in file.text


async def test_a_link_that_is_old_forged_or_of_another_tenant_opens_nothing(api: Api, busy: Busy, twin: Busy) -> None:
    links, now = FileLinks(api.settings.key, ""), datetime.now(UTC)
    (report, *_), (foreign, *_) = await busy.all(Reports), await twin.all(Reports)
    good = links.to_report(busy.tenant_id, report.id, now=now)
    assert (await api.http.get(good)).status_code == 200

    refused = {
        links.to_report(busy.tenant_id, report.id, now=now - timedelta(minutes=15)): (403, "This link has expired."),
        FileLinks(b"another key", "").to_report(busy.tenant_id, report.id, now=now): (403, "This link is not valid."),
        good[:-2]: (403, "This link is not valid."),
        "/files/x": (403, "This link is not valid."),
        "/files/%C3%A4": (403, "This link is not valid."),
        # We would never make these; were one made, the tenant in it could still not read another's report.
        links.to_report(busy.tenant_id, foreign.id, now=now): (404, "There is no report "),
        links.to_report(uuid.uuid4(), report.id, now=now): (404, "There is no report "),
    }
    for link, (status, message) in refused.items():
        response = await api.http.get(link)
        assert (response.status_code, response.text.startswith(message)) == (status, True), link


# Subscriptions, end to end: a charge point's report, the outbox, the relay, the streams, the socket


class Watcher:
    """A client of graphql-transport-ws."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def receive(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self.connection.recv())

    async def subscribe(self, document: str, **variables: object) -> None:
        payload = {"query": document, "variables": variables}
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

        shown = {
            "data": {
                "transactionUpdated": {
                    "ocppTransactionId": transaction.ocpp_transaction_id,
                    "powerKw": 7.4,
                    "energyWh": 0.0,
                    "vehicle": {"name": "Bus 1"},
                }
            }
        }
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
        assert (await socket.receive())["payload"] == {"data": {"vehicles": {"totalCount": 6}}}


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


async def test_without_a_database_it_is_alive_but_not_ready(api: Api, tmp_path: Path) -> None:
    nowhere = Database(f"postgresql+asyncpg://ampyard_app@/ampyard?host={tmp_path}")
    async with serving(api_app(api.settings, replace(api.backend, database=nowhere))) as url, httpx.AsyncClient() as http:
        alive, ready = await http.get(f"{url}/healthz"), await http.get(f"{url}/readyz")
    await nowhere.dispose()

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json() == {"status": "the database does not answer"}
