"""What the graphs' operations cost: every list says how long it may be, and what real data costs is within the estimate."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, get_named_type
from strawberry.federation.schema_directives import ListSize

from ampyard import console
from ampyard.engine import MUTATION_WEIGHT, Schema
from ampyard.engine.cost.directives import Cost, directive_of, list_depth, list_size_of
from ampyard.engine.operation import Operation
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from ampyard.server.settings import Settings
from tests.schema.graph import Graph

both = pytest.mark.parametrize("schema", [internal, public], ids=["internal", "public"])


def fields(schema: Schema) -> Iterator[tuple[str, str, GraphQLField]]:
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not type_.name.startswith("__"):
            yield from ((type_.name, name, field) for name, field in type_.fields.items())


def sized_by_a_parent(schema: Schema) -> set[tuple[str, str]]:
    """Return type and name of the list fields whose size the field above them tells."""
    return {
        (get_named_type(field.type).name, sized)
        for _, _, field in fields(schema)
        if (directive := directive_of(field, ListSize))
        for sized in directive.sized_fields or ()
    }


@both
def test_every_list_tells_its_size(schema: Schema) -> None:
    sized = sized_by_a_parent(schema)
    lists = [(type_, name, field) for type_, name, field in fields(schema) if list_depth(field.type)]
    assert len(lists) > 10
    assert [f"{type_}.{name}" for type_, name, field in lists if list_size_of(name, field) is None and (type_, name) not in sized] == []


@both
def test_every_connection_is_sized_by_its_page(schema: Schema) -> None:
    connections = [
        (f"{type_}.{name}", directive_of(field, ListSize))
        for type_, name, field in fields(schema)
        if get_named_type(field.type).name.endswith("Connection")
    ]
    assert len(connections) > 4
    for coordinates, directive in connections:
        assert directive is not None, coordinates
        assert (directive.slicing_arguments, directive.sized_fields) == (["first", "last"], ["nodes", "edges"])
        assert (directive.assumed_size, directive.require_one_slicing_argument) == (50, False)


@both
def test_every_mutation_tells_its_cost(schema: Schema) -> None:
    assert schema._schema.mutation_type is not None
    weights = [directive_of(field, Cost) for field in schema._schema.mutation_type.fields.values()]
    assert [weight.weight if weight else None for weight in weights] == [MUTATION_WEIGHT] * len(weights)


NESTED = """query Fleet($points: Int = 20) {
  depots(first: 10) { totalCount nodes { name powerNodes { name power { measuredKw } children { name } }
    chargePoints(first: $points) { nodes { identity evses { number connectors { number } activeTransaction { id } }
      transactions(first: 5) { nodes { id energyWh vehicle { name idTags { value } priorities { level } } priority { level } } } } } } }
}"""
LISTS = """{
  vehicles(last: 3) { edges { cursor node { name depot { name } transactions { edges { node { chargePoint { name } } } } } } }
  transactions { pageInfo { hasNextPage } nodes { id meterSamples(first: 100) { nodes { value evse { number } } } } }
  priorities { nodes { id vehicle { name } chargePoint { name } transaction { id } } }
  reports { nodes { fileName depot { name } } }
}"""


@pytest.mark.parametrize("document", [NESTED, LISTS])
async def test_what_real_data_costs_is_within_the_estimate(graph: Graph, document: str) -> None:
    operation = internal.prepare(document)
    assert isinstance(operation, Operation)
    counted = internal.costs.of(operation, {"points": 4})
    actual = counted.actual(await graph.data(document, points=4))
    assert 0 < actual <= counted.requested
    assert actual > 20


@pytest.mark.parametrize(
    ("document", "points"),
    [
        ("{ depots { nodes { name } } }", 1 + 50),
        ("{ depots(first: 200) { nodes { name chargePoints(first: 5) { nodes { name } } } } }", 1 + 200 * (1 + 1 + 5)),
        ("{ depots { totalCount } }", 1 + 5),
        # The benchmark's: ten depots, twenty charge points each, five transactions each, with their vehicles.
        (
            "{ depots(first: 10) { nodes { chargePoints(first: 20) { nodes { transactions(first: 5) { nodes { vehicle { id } } } } } } } }",
            1 + 10 * (1 + 1 + 20 * (1 + 1 + 5 * (1 + 1))),
        ),
    ],
)
def test_what_pages_cost(document: str, points: int) -> None:
    operation = internal.prepare(document)
    assert isinstance(operation, Operation)
    assert internal.costs.of(operation, None).requested == points


def test_the_console_can_watch_a_hundred_depots_at_once() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in (Path(console.__file__).parent / "static").glob("*.js"))
    costs: dict[str, list[int]] = {"query": [], "mutation": [], "subscription": []}
    for document in re.findall(r"[`\"]((?:\{|query|subscription|mutation) [^`\"]*\})", scripts.replace('"Set in the console"', "null")):
        operation = internal.prepare(document)
        assert isinstance(operation, Operation), document
        costs[operation.type.value].append(internal.costs.of(operation, None).requested)
    assert {kind: len(of_kind) for kind, of_kind in costs.items()} == {"query": 2, "mutation": 1, "subscription": 1}
    assert 100 * sum(sum(of_kind) for of_kind in costs.values()) < Settings().cost_capacity
