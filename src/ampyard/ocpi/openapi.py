"""The OpenAPI 3.1 documents of what is served, made from the declared modules and the classes of their objects."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version as version_of
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from ampyard.ocpi import json
from ampyard.ocpi.errors import Refusal
from ampyard.ocpi.handlers import versions
from ampyard.ocpi.modules import ALL_VERSIONS, Module, Route
from ampyard.ocpi.openapi_parts import (
    HEADERS,
    LIST_HEADERS,
    LIST_PARAMETERS,
    PARAMETERS,
    RESPONSES,
    SECURITY,
    path_parameter,
    query_parameter,
)
from ampyard.ocpi.serving import root_url_of
from ampyard.ocpi.wire.partial import partial

_REFS = "#/components/schemas/{model}"


def openapi(modules: Sequence[Module], version: str) -> dict[str, Any]:
    """Return the OpenAPI document of one version of OCPI as JSON values, with paths below the OCPI root."""
    return _Document(modules, version).made


@dataclass(frozen=True)
class _Operation:
    """A route of a module, and where it is."""

    path: str
    module: Module
    route: Route


class _Document:
    def __init__(self, modules: Sequence[Module], version: str) -> None:
        self._version = version
        self._operations = list(_operations(modules, version))

    @cached_property
    def made(self) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {}
        for operation in self._operations:
            paths.setdefault(operation.path, {})[operation.route.method.lower()] = self._operation(operation)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": f"Ampyard: OCPI {self._version}",
                "version": version_of("ampyard"),
                "description": "What this platform serves of OCPI, the Open Charge Point Interface of the EVRoaming Foundation.",
            },
            "security": [{"token": []}],
            "tags": [{"name": name} for name in dict.fromkeys(one.module.identifier for one in self._operations)],
            "paths": paths,
            "components": {
                "securitySchemes": SECURITY,
                "parameters": PARAMETERS,
                "headers": HEADERS,
                "responses": RESPONSES,
                "schemas": dict(sorted(self._schemas[1].items())),
            },
        }

    @cached_property
    def _schemas(self) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
        kinds = dict.fromkeys(kind for one in self._operations for kind in self._kinds(one.route))
        found, told = TypeAdapter.json_schemas([(kind, "validation", TypeAdapter(kind)) for kind in kinds], ref_template=_REFS)
        return {kind: schema for (kind, _), schema in found.items()}, told.get("$defs", {})

    def _kinds(self, route: Route) -> Iterator[Any]:
        for kind in (self._body(route), self._answer(route)):
            if kind is not None:
                yield kind

    def _body(self, route: Route) -> Any:
        kind = None if route.body is None else route.body[self._version]
        return partial(kind) if kind is not None and route.partial else kind

    def _answer(self, route: Route) -> Any:
        return None if route.answer is None else route.answer[self._version]

    def _operation(self, operation: _Operation) -> dict[str, Any]:
        route = operation.route
        told: dict[str, Any] = {
            "tags": [operation.module.identifier],
            "summary": route.summary,
            "operationId": _operation_id(operation, self._version),
            "parameters": list(_parameters(operation)),
            "responses": {"200": self._answered(route)} | dict(_refused(operation)),
        }
        body = self._body(route)
        if body is not None:
            told["requestBody"] = {"required": True, "content": {"application/json": {"schema": self._schemas[0][body]}}}
        return told

    def _answered(self, route: Route) -> dict[str, Any]:
        kind = self._answer(route)
        data = None if kind is None else self._schemas[0][kind]
        if route.paged:
            data = {"type": "array", "items": data}
        properties: dict[str, Any] = {} if data is None else {"data": data}
        properties |= {
            "status_code": {"type": "integer", "description": "1000: success; all others: what is wrong. `data` is absent then."},
            "status_message": {"type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
        }
        schema = {"type": "object", "properties": properties, "required": ["status_code", "status_message", "timestamp"]}
        names = [*HEADERS] if route.paged else [name for name in HEADERS if name not in LIST_HEADERS]
        return {
            "description": "What was asked for, or, with another status code than 1000, why it is refused.",
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
            "content": {"application/json": {"schema": schema}},
        }


def _operations(modules: Sequence[Module], version: str) -> Iterator[_Operation]:
    yield _Operation(versions.LIST.path, versions.VERSIONS, versions.LIST)
    yield _Operation(f"/{version}", versions.VERSIONS, versions.details(modules))
    for module in modules:
        if version in module.versions:
            yield from (_Operation(f"/{version}/{module.identifier}{route.path}", module, route) for route in module.routes)


def _operation_id(operation: _Operation, version: str) -> str:
    words = operation.path.removeprefix(f"/{version}").replace("{", "by_").replace("}", "").replace("/", "_").strip("_")
    return f"{operation.route.method.lower()}_{words or 'version_details'}"


def _parameters(operation: _Operation) -> Iterator[dict[str, Any]]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    yield from (path_parameter(name) for name in names)
    yield from (query_parameter(name, what) for name, what in (operation.route.query or {}).items())
    shared = [*(LIST_PARAMETERS if operation.route.paged else ()), "X-Request-ID", "X-Correlation-ID"]
    if not operation.module.configuration:
        shared += [name for name in PARAMETERS if name.startswith("OCPI-")]
    yield from ({"$ref": f"#/components/parameters/{name}"} for name in shared)


def _refused(operation: _Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    route, module = operation.route, operation.module
    refusals = [Refusal.NOT_AUTHENTICATED, Refusal.TOO_MANY_REQUESTS, Refusal.FAILED]
    if not module.configuration:
        refusals.append(Refusal.NO_SUCH_OBJECT)
    if route.paged or route.query or route.body is not None:
        refusals.append(Refusal.PARAMETER_UNREADABLE)
    if route.body is not None:
        refusals.append(Refusal.BODY_TOO_LARGE)
    if module.identifier == "credentials" and route.method != "GET":
        refusals.append(Refusal.NOT_REGISTERED)
    for status in sorted({refusal.http.value for refusal in refusals}):
        yield str(status), {"$ref": f"#/components/responses/{status}"}


def openapi_routes(modules: Sequence[Module], public_url: str | None) -> list[StarletteRoute]:
    """Return what serves the documents, to everybody: they say what there is, and nothing of what is in it."""
    return [StarletteRoute(f"/openapi-{version}.json", _served(modules, version, public_url), methods=["GET"]) for version in ALL_VERSIONS]


def _served(modules: Sequence[Module], version: str, public_url: str | None) -> Callable[[Request], Awaitable[Response]]:
    @cache
    def document() -> dict[str, Any]:
        return openapi(modules, version)

    async def serve(request: Request) -> Response:
        body = json.render(document() | {"servers": [{"url": root_url_of(request, public_url)}]})
        return Response(body, media_type="application/json")

    return serve
