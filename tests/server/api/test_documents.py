"""Documents that are named instead of sent, on the real graphs: they open nothing that the principal may not see."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ampyard.domain.access import Role
from ampyard.repositories.documents import SharedDocuments
from ampyard.repositories.streams import connect_redis
from ampyard.server.api import api_app
from ampyard.server.embedded import EmbeddedServers
from ampyard.services.backend import Backend
from ampyard.services.seeding import Seeded
from tests.busy import Busy
from tests.server.api.client import Api, bearer, serving_api

DEPOTS = "query Depots { depots { nodes { id name } } }"
REPORTS = "query Reports { reports { totalCount } }"
INTROSPECTION = "{ __schema { queryType { name } } }"


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def apq(text: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed(text)}}}


async def ask(api: Api, token: str, path: str = "/graphql", **request: Any) -> Any:
    return (await api.http.post(path, json=request, headers=bearer(token))).json()


def codes(answer: Any) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


@pytest.fixture
async def sharing(backend: Backend, servers: EmbeddedServers) -> AsyncIterator[Backend]:
    redis = connect_redis(servers.redis_url)
    yield replace(backend, documents=SharedDocuments(redis))
    await redis.aclose()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    operations = [
        {"id": hashed(text), "name": name, "type": "query", "body": text} for name, text in (("Depots", DEPOTS), ("Reports", REPORTS))
    ]
    path.write_text(json.dumps({"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}))
    return path


async def test_a_document_of_one_tenant_gives_another_its_own_data_alone(sharing: Backend, tmp_path: Path, busy: Busy, twin: Busy) -> None:
    text = f"{DEPOTS} # {tmp_path.name}"
    async with serving_api(sharing, tmp_path) as one, serving_api(sharing, tmp_path) as other:
        mine = await ask(one, one.token(busy.tenant_id), query=text, **apq(text))
        theirs = await ask(other, one.token(twin.tenant_id), **apq(text))
        again = await ask(one, one.token(twin.tenant_id), **apq(text))

    ids = [{node["id"] for node in answer["data"]["depots"]["nodes"]} for answer in (mine, theirs)]
    assert ids[0]
    assert ids[1]
    assert ids[0].isdisjoint(ids[1])
    assert again["data"] == theirs["data"]


async def test_a_named_document_needs_its_scopes(sharing: Backend, tmp_path: Path, manifest: Path, busy: Busy) -> None:
    async with serving_api(sharing, tmp_path, trusted_documents=manifest, trusted_documents_only=True) as api:
        viewer, analyst = (api.token(busy.tenant_id, role) for role in (Role.VIEWER, Role.ANALYST))
        allowed = await ask(api, analyst, documentId=f"sha256:{hashed(REPORTS)}")
        refused = await ask(api, viewer, documentId=f"sha256:{hashed(REPORTS)}")
        anonymous = await api.http.post("/graphql", json={"documentId": hashed(REPORTS)})

    assert allowed["data"]["reports"]["totalCount"] > 0
    assert (refused["data"], codes(refused)) == (None, ["FORBIDDEN"])
    assert (anonymous.status_code, codes(anonymous.json())) == (401, ["UNAUTHENTICATED"])


async def test_only_trusted_documents_are_served_on_the_internal_graph_where_that_is_set(
    sharing: Backend, tmp_path: Path, manifest: Path, busy: Busy, tenant: Seeded
) -> None:
    settings = {"trusted_documents": manifest, "trusted_documents_only": True, "gateway_token": "g" * 32}
    async with serving_api(sharing, tmp_path, **settings) as api:
        token = api.token(busy.tenant_id)
        assert codes(await ask(api, token, query="{ depots { totalCount } }")) == ["PERSISTED_QUERY_ID_REQUIRED"]
        assert codes(await ask(api, token, documentId="x")) == ["PERSISTED_QUERY_NOT_IN_LIST"]
        assert (await ask(api, token, **apq(DEPOTS)))["data"]["depots"]["nodes"]
        gateway = {**bearer(token), "router-authorization": "g" * 32}
        own = await api.http.post("/graphql", json={"query": "{ depots { totalCount } }"}, headers=gateway)
        assert own.json()["data"]["depots"]["totalCount"] > 0
        public = await api.http.post(
            "/public/graphql", json={"query": "{ depots { nodes { name } } }"}, headers={"x-api-key": tenant.api_key}
        )
        assert public.json()["data"]["depots"]["nodes"]


async def test_trusted_documents_that_this_version_refuses_are_told_at_the_start(
    api: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "relay.json"
    path.write_text(json.dumps({"new": DEPOTS, "old": "{ garages { id } }"}))
    with caplog.at_level(logging.WARNING, "ampyard.server.api"):
        api_app(api.settings.model_copy(update={"trusted_documents": path}), api.backend)
    assert [record.getMessage() for record in caplog.records] == [
        "The trusted document old is not valid in this version of the internal graph."
    ]


async def test_the_schema_is_shown_to_developers_alone(api: Api, backend: Backend, home: Path, busy: Busy, tenant: Seeded) -> None:
    told = "Cannot query field 'depots_' on type 'Query'."
    async with serving_api(backend, home, development=True) as development:
        for where, role, developer in (
            (api, Role.ADMINISTRATOR, True),
            (api, Role.OPERATOR, False),
            (api, Role.VIEWER, False),
            (development, Role.VIEWER, True),
        ):
            token = where.token(busy.tenant_id, role)
            shown = await ask(where, token, query=INTROSPECTION)
            [error] = (await ask(where, token, query="{ depots_ { id } }"))["errors"]
            if developer:
                assert shown["data"] == {"__schema": {"queryType": {"name": "Query"}}}
                assert error["message"].startswith(f"{told} Did you mean 'depots'")
            else:
                assert codes(shown) == codes(await ask(where, token, query="{ _service { sdl } }")) == ["INTROSPECTION_DISABLED"]
                assert error["message"] == told
    public = await api.post(INTROSPECTION, path="/public/graphql", headers={"x-api-key": tenant.api_key})
    assert codes(public.json()) == ["INTROSPECTION_DISABLED"]
