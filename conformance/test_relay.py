"""Both graphs as Relay sees them: by the rules of its specification, and through its compiler."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import OperationDefinitionNode, build_schema, parse, print_schema

from ampyard.repositories.vehicles import Vehicles
from conformance.graphs import Api, Graph
from conformance.node import FOLDER, Node
from tests.schema.graph import id_of

_LINTER = "node_modules/graphql-schema-linter/lib/cli.js"
_RULES = "relay-connection-types-spec,relay-connection-arguments-spec,relay-page-info-spec"
_OPERATIONS = {"fleetVehiclesQuery", "fleetVehiclesPageQuery", "fleetVehicleQuery", "fleetLatestPageQuery", "fleetPriorityMutation"}


def client_schema(graph: Graph) -> str:
    """Return a graph's SDL as clients' tools take it: without federation's directives, which are imported in it but not defined."""
    return print_schema(build_schema(graph.sdl.read_text(), assume_valid=True)) + "\n"


async def lint(node: Node, sdl: str, folder: Path) -> None:
    """Hold a schema against the Relay rules; the test fails where it breaks one."""
    (folder / "schema.graphql").write_text(sdl)
    assert json.loads(await node.run(_LINTER, "--rules", _RULES, "--format", "json", "schema.graphql", cwd=folder)) == {"errors": []}


async def compiled(node: Node, sdl: str, folder: Path) -> dict[str, str]:
    """Return the operations that relay-compiler makes of the documents in relay/, by name."""
    shutil.copytree(FOLDER / "relay", folder, dirs_exist_ok=True)
    (folder / "schema.graphql").write_text(sdl)
    (folder / "documents.json").write_text("{}")
    (folder / "artifacts").mkdir()
    await node.run("node_modules/relay-compiler/cli.js", cwd=folder)
    documents = json.loads((folder / "documents.json").read_text()).values()
    parsed = [(document, parse(document).definitions[0]) for document in documents]
    return {it.name.value: document for document, it in parsed if isinstance(it, OperationDefinitionNode) and it.name}


async def test_connections_and_pages_are_relays(node: Node, graph: Graph, tmp_path: Path) -> None:
    await lint(node, client_schema(graph), tmp_path)


@pytest.mark.parametrize(
    ("rule", "was", "is_now"),
    [
        ("relay-connection-types-spec", "pageInfo: PageInfo!", "pageInfo: PageInfo"),
        ("relay-connection-arguments-spec", "first: Int( = null)?", "first: Int! = 1"),
        ("relay-page-info-spec", "hasNextPage: Boolean!", "hasNextPage: Boolean"),
    ],
)
async def test_each_rule_is_looked_after(node: Node, graph: Graph, tmp_path: Path, rule: str, was: str, is_now: str) -> None:
    broken = re.sub(was, is_now, client_schema(graph))
    with pytest.raises(pytest.fail.Exception, match=rule):
        await lint(node, broken, tmp_path)


async def test_the_relay_compiler_takes_documents_for_it(node: Node, graph: Graph, tmp_path: Path) -> None:
    assert (await compiled(node, client_schema(graph), tmp_path)).keys() == _OPERATIONS

    artifacts = {path.name for path in (tmp_path / "artifacts").iterdir()}
    assert {f"{name}.graphql.ts" for name in _OPERATIONS} < artifacts
    # Types of ours have come through.
    assert re.search(r"socAt: string \| null", (tmp_path / "artifacts" / "fleet_vehicle.graphql.ts").read_text())


async def test_the_relay_compiler_refuses_what_the_graph_does_not_have(node: Node, graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="socAt"):
        await compiled(node, client_schema(graph).replace("  socAt: DateTime", "  socThen: DateTime"), tmp_path)


async def test_what_the_relay_compiler_makes_is_answered(node: Node, api: Api, graph: Graph, tmp_path: Path) -> None:
    operations = await compiled(node, client_schema(graph), tmp_path)
    vehicles = sorted(await api.busy.all(Vehicles), key=lambda it: it.name)

    async def ask(operation: str, **variables: object) -> Any:
        async with httpx.AsyncClient() as http:
            request = {"query": operations[operation], "variables": variables}
            answer = (await http.post(graph.url, json=request, headers=dict(graph.headers))).json()
        assert "errors" not in answer
        return answer["data"]

    def names(page: Any) -> list[str]:
        return [edge["node"]["name"] for edge in page["edges"]]

    first = (await ask("fleetVehiclesQuery", count=5))["vehicles"]
    more = (await ask("fleetVehiclesPageQuery", count=200, cursor=first["pageInfo"]["endCursor"]))["vehicles"]
    assert [*names(first), *names(more)] == [vehicle.name for vehicle in vehicles]
    assert (len(first["edges"]), first["totalCount"]) == (5, len(vehicles))
    assert (first["pageInfo"]["hasNextPage"], more["pageInfo"]["hasNextPage"]) == (True, False)

    again = (await ask("fleetVehicleQuery", id=id_of(vehicles[1])))["node"]
    assert again == {name: value for name, value in first["edges"][1]["node"].items() if name != "cursor"}

    last = (await ask("fleetLatestPageQuery", count=1))["transactions"]
    before = (await ask("fleetLatestPageQuery", count=200, cursor=last["pageInfo"]["startCursor"]))["transactions"]
    assert (len(last["edges"]), len(before["edges"])) == (1, 2)
    assert (last["pageInfo"]["hasPreviousPage"], before["pageInfo"]["hasPreviousPage"]) == (True, False)

    priority = (await ask("fleetPriorityMutation", input={"level": "HIGH", "vehicleId": id_of(vehicles[1])}))["setPriority"]["priority"]
    assert (priority["level"], priority["vehicle"]) == ("HIGH", {name: value for name, value in again.items() if name != "__typename"})
