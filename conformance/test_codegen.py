"""Clients that ariadne-codegen writes for both graphs, typed, at work."""

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.vehicles import Vehicles
from conformance.graphs import Api, Graph
from conformance.node import FOLDER
from conformance.test_relay import client_schema
from tests.schema.graph import id_of

_CODEGEN = FOLDER / "codegen"
_PROGRAM = _CODEGEN / ".venv" / "bin" / "ariadne-codegen"
_PATIENCE_S = 60.0
# The internal graph answers what the public one does, and more.
_DOCUMENTS = {"public": ["public.graphql"], "internal": ["public.graphql", "internal.graphql"]}
_SETTINGS = """
[tool.ariadne-codegen]
schema_path = "schema.graphql"
queries_path = "operations.graphql"
target_package_name = "{package}"
[tool.ariadne-codegen.scalars.DateTime]
type = "datetime.datetime"
"""


async def generated(graph: Graph, folder: Path) -> ModuleType:
    """Have a client package written for a graph, and return it."""
    package = f"{graph.name}_graph_client"
    (folder / "schema.graphql").write_text(client_schema(graph))
    (folder / "operations.graphql").write_text("\n".join((_CODEGEN / name).read_text() for name in _DOCUMENTS[graph.name]))
    (folder / "pyproject.toml").write_text(_SETTINGS.format(package=package))
    process = await asyncio.create_subprocess_exec(_PROGRAM, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    async with asyncio.timeout(_PATIENCE_S):
        told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(package)
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
async def modules(api: Api, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModuleType]:
    """The generated packages by the names of the graphs."""
    return {graph.name: await generated(graph, tmp_path_factory.mktemp(graph.name)) for graph in (api.internal, api.public)}


@pytest.fixture
async def client(graph: Graph, modules: dict[str, ModuleType]) -> AsyncIterator[Any]:
    """The client of a graph, signed in."""
    http = httpx.AsyncClient(headers=dict(graph.headers))
    async with modules[graph.name].Client(
        graph.url, http_client=http, ws_url=graph.socket_url, ws_connection_init_payload=dict(graph.headers)
    ) as client:
        yield client


async def test_pages_are_read(client: Any, api: Api) -> None:
    vehicles = sorted(await api.busy.all(Vehicles), key=lambda it: it.name)

    first = (await client.vehicles(first=4)).vehicles
    more = (await client.vehicles(first=200, after=first.page_info.end_cursor)).vehicles

    nodes = [edge.node for edge in (*first.edges, *more.edges)]
    assert [(it.id, it.name, it.kind.value, it.battery_kwh) for it in nodes] == [
        (id_of(vehicle), vehicle.name, vehicle.kind.name, vehicle.battery_kwh) for vehicle in vehicles
    ]
    assert [it.soc_at for it in nodes] == [vehicle.soc_at for vehicle in vehicles]
    assert {type(it.soc_at) for it in nodes} == {datetime}
    assert (first.total_count, len(first.edges), more.page_info.has_next_page) == (len(vehicles), 4, False)


async def test_nodes_are_of_their_own_classes(client: Any, api: Api) -> None:
    vehicle, point = (await api.busy.all(Vehicles))[0], (await api.busy.all(ChargePoints))[0]

    a, b = (await client.node(id=id_of(vehicle))).node, (await client.node(id=id_of(point))).node

    assert (type(a).__name__, a.typename__, a.name, a.depot.name) == ("NodeNodeVehicle", "Vehicle", vehicle.name, "Central")
    assert (type(b).__name__, b.typename__, b.identity, [evse.number for evse in b.evses]) == (
        "NodeNodeChargePoint",
        "ChargePoint",
        point.identity,
        [1],
    )


async def test_inputs_are_typed(client: Any, graph: Graph, modules: dict[str, ModuleType], api: Api) -> None:
    its = modules[graph.name]
    ended = its.TransactionFilter(state=its.TransactionState.ENDED)
    oldest_first = its.TransactionOrder(field=its.TransactionOrderField.STARTED_AT, direction=its.OrderDirection.ASC)

    found = (await client.transactions(filter_=ended, order_by=oldest_first)).transactions.nodes

    assert len(found) == 3
    assert {it.state for it in found} == {its.TransactionState.ENDED}
    assert [it.started_at for it in found] == sorted(it.started_at for it in found)
    assert all(it.ended_at > it.started_at for it in found)

    vehicle = (await api.busy.all(Vehicles))[3]
    begin = datetime.fromisoformat("2026-11-02T09:00:00+01:00")
    wanted = its.SetPriorityInput(level=its.PriorityLevel.HIGH, vehicle_id=id_of(vehicle), reason="Late.", valid_from=begin)
    done = (await client.set_priority(input=wanted)).set_priority.priority
    assert (done.level, done.reason, done.valid_from, done.vehicle.name) == (its.PriorityLevel.HIGH, "Late.", begin, vehicle.name)


async def test_errors_are_told(client: Any, graph: Graph, modules: dict[str, ModuleType]) -> None:
    with pytest.raises(modules[graph.name].GraphQLClientGraphQLMultiError) as caught:
        await client.vehicles(first=201)
    assert [(error.message, error.extensions["code"]) for error in caught.value.errors] == [
        ("first: 201 is out of range; give 0 to 200.", "BAD_USER_INPUT")
    ]


@pytest.mark.parametrize("graph", ["internal"], indirect=True)
async def test_what_only_the_internal_graph_has(client: Any, api: Api) -> None:
    depot, vehicle = (await api.busy.all(Depots))[0], (await api.busy.all(Vehicles))[0]
    nodes = {node.name: node.limit_kw for node in await api.busy.all(PowerNodes) if node.depot_id == depot.id}

    supply = (await client.supply(id=id_of(depot))).node
    assert {node.name: node.limit_kw for node in supply.power_nodes} == nodes

    of = [{"__typename": "Vehicle", "id": id_of(vehicle)}, {"__typename": "Depot", "id": id_of(depot)}]
    a, b = (await client.entities(representations=of)).entities
    assert (a.name, b.city) == (vehicle.name, depot.city)

    async with asyncio.timeout(_PATIENCE_S), aclosing(client.depot_power(depot_id=id_of(depot))) as powers:
        power = (await anext(powers)).depot_power
    assert power.depot.name == depot.name
    assert {node.name: node.limit_kw for node in power.nodes} == nodes
    assert isinstance(power.at, datetime)
