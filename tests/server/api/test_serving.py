"""What is served besides the graphs' answers: keys, GraphiQL, health, files by link."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt

from ampyard.domain.access import Role
from ampyard.repositories.database import Database
from ampyard.repositories.reports import Reports
from ampyard.resolvers.links import FileLinks
from ampyard.schema.sdl import documents
from ampyard.server.api import api_app
from ampyard.services.backend import Backend
from ampyard.services.seeding import Seeded
from tests.busy import Busy
from tests.server.api.client import Api, serving_api
from tests.server.serving import serving


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


async def test_without_a_database_it_is_alive_but_not_ready(api: Api, tmp_path: Path) -> None:
    nowhere = Database(f"postgresql+asyncpg://ampyard_app@/ampyard?host={tmp_path}")
    async with serving(api_app(api.settings, replace(api.backend, database=nowhere))) as url, httpx.AsyncClient() as http:
        alive, ready = await http.get(f"{url}/healthz"), await http.get(f"{url}/readyz")
    await nowhere.dispose()

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json() == {"status": "the database does not answer"}
