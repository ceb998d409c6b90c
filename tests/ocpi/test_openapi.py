"""The OpenAPI documents say what is served: every route, what goes in and what comes out."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from starlette.responses import Response
from syrupy.assertion import SnapshotAssertion

from ampyard.domain.roaming.partners import InterfaceRole
from ampyard.ocpi import json
from ampyard.ocpi.call import Call
from ampyard.ocpi.models import TERMINAL, TOKEN
from ampyard.ocpi.modules import ALL_VERSIONS, Module, Route
from ampyard.ocpi.openapi import openapi
from ampyard.ocpi.openapi_parts import RESPONSES
from ampyard.ocpi.routes import MODULES
from tests.ocpi.conftest import Partner

each_version = pytest.mark.parametrize("version", ALL_VERSIONS)
_REF = re.compile(r"#/components/(\w+)/(.+)")


async def _nothing(call: Call) -> Response:
    raise NotImplementedError(call)


_PATH = "/{country_code}/{party_id}/{token_uid}"
TOKENS = Module(
    "tokens",
    InterfaceRole.RECEIVER,
    (
        Route("GET", _PATH, _nothing, "A Token", answer=TOKEN, query={"type": "Its type"}),
        Route("PUT", _PATH, _nothing, "A Token that is new", body=TOKEN),
        Route("PATCH", _PATH, _nothing, "What has changed", body=TOKEN, partial=True),
    ),
)
PAYMENTS = Module("payments", InterfaceRole.RECEIVER, (Route("POST", "/terminals", _nothing, "A terminal", body=TERMINAL),), ("2.3.0",))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def named(schema: Any) -> str:
    if schema.get("type") == "array":
        return f"[{named(schema['items'])}]"
    return schema["$ref"].rpartition("/")[2] if "$ref" in schema else str(schema.get("enum", schema.get("type")))


def line(path: str, method: str, operation: Any) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    data = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"].get("data")
    parameters = [one.get("name") or one["$ref"].rpartition("/")[2] for one in operation["parameters"]]
    told = " ".join(name for name in parameters if not name.startswith(("X-", "OCPI-")))
    statuses = " ".join(operation["responses"])
    return f"{method.upper()} {path} ({told}) {named(body) if body else '-'} -> {named(data) if data else '-'} [{statuses}]"


@each_version
def test_what_is_served(version: str, snapshot: SnapshotAssertion) -> None:
    document = openapi(MODULES, version)
    lines = [line(path, method, operation) for path, methods in document["paths"].items() for method, operation in methods.items()]
    assert lines == snapshot(name="operations")
    assert document["components"]["schemas"] == snapshot(name="schemas")


@each_version
def test_every_declared_route_is_in_it(version: str) -> None:
    document = openapi(MODULES, version)
    served = {
        (f"/{version}/{module.identifier}{route.path}", route.method.lower())
        for module in MODULES
        if version in module.versions
        for route in module.routes
    }
    told = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert told == served | {("/versions", "get"), (f"/{version}", "get")}


@each_version
def test_it_refers_to_nothing_that_is_not_there(version: str) -> None:
    document = openapi((*MODULES, TOKENS, PAYMENTS), version)
    for reference in references(document):
        found = _REF.fullmatch(reference)
        assert found is not None
        assert found[2] in document["components"][found[1]], reference
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(ids)) == len(ids)
    # Two classes of one name would be told apart by their modules, which no reader should see.
    assert not [name for name in document["components"]["schemas"] if "__" in name]


def test_bodies_parts_and_versions() -> None:
    modules = (TOKENS, PAYMENTS)
    older, newer = (openapi(modules, version) for version in ALL_VERSIONS)
    operations = [line(path, method, operation) for path, methods in newer["paths"].items() for method, operation in methods.items()]
    assert operations[2:] == [
        f"GET /2.3.0/tokens{_PATH} (country_code party_id token_uid type) - -> Token [200 400 401 404 429 500]",
        f"PUT /2.3.0/tokens{_PATH} (country_code party_id token_uid) Token -> - [200 400 401 404 413 429 500]",
        f"PATCH /2.3.0/tokens{_PATH} (country_code party_id token_uid) PartialToken -> - [200 400 401 404 413 429 500]",
        "POST /2.3.0/payments/terminals () Terminal -> - [200 400 401 404 413 429 500]",
    ]
    assert newer["components"]["schemas"]["PartialToken"]["required"] == ["last_updated"]
    assert "EMAID" not in older["components"]["schemas"]["Token"]["properties"]["type"]["enum"]
    assert "enum" not in newer["components"]["schemas"]["Token"]["properties"]["type"]
    assert not [path for path in older["paths"] if "payments" in path]


@each_version
async def test_it_is_told_to_everybody(http: httpx.AsyncClient, root_url: str, version: str) -> None:
    response = await http.get(f"{root_url}/openapi-{version}.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == openapi(MODULES, version) | {"servers": [{"url": root_url}]}


@each_version
async def test_answers_are_what_it_says(partner: Partner, version: str) -> None:
    document = openapi(MODULES, version)
    for module in MODULES:
        for route in module.routes:
            if version not in module.versions or route.method != "GET" or "{" in route.path or route.answer is None:
                continue
            path = f"/{version}/{module.identifier}{route.path}"
            response = await partner.get(path)
            assert response.status_code == 200, response.text
            said = document["paths"][path]["get"]["responses"]["200"]
            assert {name.lower() for name in said["headers"]} - {"link"} <= set(response.headers)
            envelope = json.parse(response.content)
            assert set(envelope) == set(said["content"]["application/json"]["schema"]["properties"])
            kind = route.answer[version]
            TypeAdapter(list[kind] if route.paged else kind).validate_python(envelope["data"])  # type: ignore[valid-type]


async def test_a_refusal_is_one_of_those_it_names(http: httpx.AsyncClient, root_url: str) -> None:
    response = await http.get(f"{root_url}/2.3.0/locations")
    said: Any = RESPONSES[str(response.status_code)]
    assert set(said["content"]["application/json"]["schema"]["required"]) == set(response.json())
