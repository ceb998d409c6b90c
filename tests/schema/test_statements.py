"""One statement a level, however many rows a level has. Lists and edges are walked, new ones too."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLNamedType, GraphQLObjectType, get_named_type

from ampyard.engine.batching import Edge, declaration
from ampyard.repositories.database import Database
from ampyard.resolvers.ids import encode_id
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from ampyard.services.backend import Backend
from tests.busy import Busy
from tests.schema.graph import ENTITIES, Graph


def composite_fields(type_: GraphQLNamedType) -> dict[str, GraphQLObjectType]:
    """Return a type's fields that lead to an object, and its type."""
    assert isinstance(type_, GraphQLObjectType)
    # A value that is kept with its entity is no edge.
    fields = {
        name: of
        for name, field in type_.fields.items()
        if (of := get_named_type(field.type)).name in ENTITIES or declaration(field) is not None or type_.name.endswith("Connection")
    }
    return {name: of for name, of in fields.items() if isinstance(of, GraphQLObjectType)}


def edges_of(type_: GraphQLNamedType) -> dict[str, GraphQLObjectType]:
    """Return a type's edges: what leads to an object or a list of objects. Behind a connection stand its nodes."""
    edges = {}
    for name, of in composite_fields(type_).items():
        if of.name.endswith("Connection"):
            edges[f"{name} {{ nodes"] = composite_fields(of)["nodes"]
        else:
            edges[name] = of
    return edges


def selection(path: str, inner: str = "__typename") -> str:
    return f"{path} {{ {inner} {'} ' * (path.count('{') + 1)}"


# What is told from several tables costs a statement for each of them, however many there are of it.
STATEMENTS = {"Assignment.readiness": 8, "ChargingRequest.outlook": 6, "ChargingRequest.overruledBy": 2, "Depot.dispatchBoard": 4}


def statements_of(type_name: str, edge: str) -> int:
    """Return how many statements an edge costs."""
    return STATEMENTS.get(f"{type_name}.{edge.split(maxsplit=1)[0]}", 1)


def walk_internal() -> Iterator[Any]:
    """Yield each edge of each entity, and each edge behind it."""
    for name in sorted(ENTITIES):
        type_ = internal._schema.type_map[name]
        assert isinstance(type_, GraphQLObjectType)
        for edge, of in edges_of(type_).items():
            if not isinstance(declaration(type_.fields[edge.split()[0]]), Edge):
                continue  # it is part of its entity, and costs nothing
            cost = 1 + statements_of(name, edge)
            yield pytest.param(name, selection(edge), cost, True, id=f"{name}.{edge.split()[0]}")
            for further in edges_of(of):
                most = cost + statements_of(of.name, further)
                path = selection(edge, selection(further))
                yield pytest.param(name, path, most, False, id=f"{name}.{edge.split()[0]}.{further.split()[0]}")


def walk_public() -> Iterator[Any]:
    """Yield each edge of what can be listed, and each edge behind it."""
    root = public._schema.type_map["Query"]
    for start, of in edges_of(root).items():
        if "nodes" not in start:
            continue  # one by its id; what lies behind it is behind the lists, too
        yield pytest.param(selection(start), 1, id=f"{start.split()[0]}")
        for edge, behind in edges_of(of).items():
            yield pytest.param(selection(start, selection(edge)), 2, id=f"{start.split()[0]}.{edge.split()[0]}")
            for further in edges_of(behind):
                path = selection(start, selection(edge, selection(further)))
                yield pytest.param(path, 3, id=f"{start.split()[0]}.{edge.split()[0]}.{further.split()[0]}")


async def test_a_statement_for_each_level_of_the_depot_board(graph: Graph, statements: list[str]) -> None:
    asked = """
      query Q($first: Int) {
        depots(first: $first) { nodes { name chargePoints(first: $first) { nodes { identity
          transactions(first: $first) { nodes { id vehicle { name } } } } } } }
      }
    """
    counts = {}
    for first in (1, 2, 50):
        statements.clear()
        data = await graph.data(asked, first=first)
        counts[first] = len(statements)
    assert counts == {1: 4, 2: 4, 50: 4}
    # ... of which there were many.
    shown = [t["vehicle"] for d in data["depots"]["nodes"] for cp in d["chargePoints"]["nodes"] for t in cp["transactions"]["nodes"]]
    assert len(shown) == 9


@pytest.mark.parametrize(("type_name", "path", "levels", "exactly"), [*walk_internal()])
async def test_an_edge_of_many_entities_costs_one_statement(
    graph: Graph,
    busy: Busy,
    statements: list[str],
    type_name: str,
    path: str,
    levels: int,
    exactly: bool,  # noqa: FBT001 - a parametrised expectation
) -> None:
    entity, repository = ENTITIES[type_name]
    ids = [encode_id(entity, row.id) for row in await busy.all(repository)]
    asked = f"query Q($of: [_Any!]!) {{ _entities(representations: $of) {{ ... on {type_name} {{ {path} }} }} }}"

    async def cost(some: list[Any]) -> int:
        statements.clear()
        await graph.data(asked, of=[{"__typename": type_name, "id": global_id} for global_id in some])
        return len(statements)

    each = [await cost([global_id]) for global_id in ids[:4]]
    together = await cost(ids)

    # A tenant sees one tenant, itself.
    assert len(ids) >= (1 if type_name == "Tenant" else 2)
    # Fewer where what is led to has been loaded already, or is not there.
    assert max(together, *each) <= levels
    assert max(together, *each) == levels or not exactly


@pytest.mark.parametrize(("path", "levels"), [*walk_public()])
async def test_a_public_edge_costs_one_statement(graph: Graph, statements: list[str], path: str, levels: int) -> None:
    await Graph(graph.backend, graph.principal, public).data(f"{{ {path} }}")

    assert len(statements) <= levels
    assert statements


def test_the_walk_goes_everywhere() -> None:
    walked = {param.id for param in walk_internal()}
    assert {"Depot.powerNodes.power", "Vehicle.idTags", "Evse.activeTransaction.priority", "Transaction.meterSamples.evse"} <= walked
    assert len(walked) > 200
    assert "transactions.priority.rule" in {param.id for param in walk_public()}


@pytest.mark.parametrize("name", ["depots", "chargePoints", "vehicles", "transactions", "priorities", "reports", "blocks", "assignments"])
async def test_a_list_is_counted_only_when_asked(graph: Graph, statements: list[str], name: str) -> None:
    await graph.data(f"{{ {name} {{ nodes {{ id }} edges {{ cursor }} pageInfo {{ hasNextPage }} }} }}")
    assert (len(statements), [s for s in statements if "count(" in s]) == (1, [])

    statements.clear()
    await graph.data(f"{{ {name} {{ nodes {{ id }} totalCount }} }}")
    assert (len(statements), len([s for s in statements if "count(" in s])) == (2, 1)


async def test_nested_lists_are_counted_together_and_only_when_asked(graph: Graph, statements: list[str]) -> None:
    await graph.data("{ depots { nodes { chargePoints { nodes { id } } } } }")
    assert len(statements) == 2

    statements.clear()
    await graph.data("{ depots { nodes { chargePoints { totalCount nodes { id } } } } }")
    assert (len(statements), len([s for s in statements if "count(" in s])) == (3, 1)


async def test_the_same_page_asked_for_twice_is_loaded_once(graph: Graph, statements: list[str]) -> None:
    await graph.data("{ depots { nodes { a: vehicles(first: 2) { nodes { id } } b: vehicles(first: 2) { nodes { name } } } } }")
    assert len(statements) == 2

    statements.clear()
    await graph.data("{ depots { nodes { a: vehicles(first: 2) { nodes { id } } b: vehicles(first: 3) { nodes { name } } } } }")
    assert len(statements) == 3


@pytest.mark.usefixtures("statements")  # so that nothing but the operation itself is run
async def test_an_operation_takes_one_connection_and_gives_it_back(graph: Graph, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []
    begin = Database.begin

    async def note(database: Database, script: str) -> Any:
        taken.append(script)
        return await begin(database, script)

    monkeypatch.setattr(Database, "begin", note)
    await graph.data(
        "{ depots { nodes { chargePoints { nodes { evses { connectors { id } } } } } } vehicles { nodes { idTags { value } } } }"
    )
    await graph.data("{ __typename }")

    assert len(taken) == 1
    assert backend.database.in_use == 0
