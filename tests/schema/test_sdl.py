"""The schemas as documents: committed as they are served, described throughout, and the public one without anything private."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
)

from ampyard.engine import Schema
from ampyard.resolvers.ids import NODES
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from ampyard.schema.sdl import documents

ROOT = Path(__file__).parents[2]
SCHEMAS = {"schema.graphql": internal, "schema.public.graphql": public}
both = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())

# What an integrator must not see, wherever in the public schema it might turn up: how the operator runs the site, who works
# there, what the machinery is.
PRIVATE = {
    "_Any",
    "_Entity",
    "_Service",
    "_entities",
    "_service",
    "allocatedKw",
    "author",
    "clearPriority",
    "command",
    "context",
    "errorCode",
    "fallbackKw",
    "firmwareVersion",
    "idTag",
    "idTags",
    "limitAt",
    "limitKw",
    "limitReason",
    "meterSamples",
    "meterStartWh",
    "meterWh",
    "minPowerKw",
    "ocppTransactionId",
    "ocppVersion",
    "parent",
    "powerNode",
    "powerNodes",
    "reports",
    "serialNumber",
    "socketId",
    "startTransaction",
    "stopReason",
    "stopTransaction",
    "tenantId",
    "Command",
    "DepotPower",
    "IdTag",
    "MeterSample",
    "NodePower",
    "PowerNode",
    "RemoteCommandPayload",
    "Report",
}


def core(schema: Schema) -> GraphQLSchema:
    return schema._schema


def own_types(schema: Schema) -> list[GraphQLNamedType]:
    """Return the types that are ours: neither GraphQL's own nor federation's (`_Any`, `link__Import`)."""
    types = core(schema).type_map.items()
    return [type_ for name, type_ in types if not (is_introspection_type(type_) or name.startswith("_") or "__" in name)]


def elements(schema: Schema) -> Iterator[tuple[str, str | None]]:
    """Yield the coordinates and description of everything that can have one.

    Values of enumerations are left out: they are the words of OCPP and OCPI, or say themselves what they mean (ASC, NORMAL).
    """
    for type_ in own_types(schema):
        yield type_.name, type_.description
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for name, field in type_.fields.items():
                    if not name.startswith("_"):
                        yield f"{type_.name}.{name}", field.description
                        yield from ((f"{type_.name}.{name}({argument}:)", it.description) for argument, it in field.args.items())
            case GraphQLInputObjectType():
                yield from ((f"{type_.name}.{name}", it.description) for name, it in type_.fields.items())


# An integrator sees the limits that it has pushed itself; what EVSEs are limited to stays private.
PUSHED = frozenset({"GridSignal", "PushedGridLimit"})


def names(schema: Schema, *, but: frozenset[str] = frozenset()) -> set[str]:
    """Return every name in a schema: of types, fields, arguments and values; of the types `but` their own names alone."""
    found = set(core(schema).type_map)
    for type_ in core(schema).type_map.values():
        if type_.name in but:
            continue
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                found |= {*type_.fields, *(argument for field in type_.fields.values() for argument in field.args)}
            case GraphQLInputObjectType():
                found |= {*type_.fields}
            case GraphQLEnumType():
                found |= {*type_.values}
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_document_is_the_schema(name: str) -> None:
    path = ROOT / name
    committed = path.read_text(encoding="utf-8") if path.exists() else "(no such file)"
    assert committed == documents()[name], f"{name} is not what the code serves: run `make schema` and commit what it writes."


@both
def test_everything_is_described(schema: Schema) -> None:
    described = dict(elements(schema))
    assert [coordinates for coordinates, text in described.items() if not text] == []
    assert len(described) > 100


@both
def test_descriptions_are_sentences(schema: Schema) -> None:
    assert [where for where, text in elements(schema) if text and not text.endswith((".", "`", ")"))] == []


def test_the_public_schema_has_nothing_private() -> None:
    assert names(public, but=PUSHED) & PRIVATE == set()
    # The list is about names that exist: one that is misspelled or gone would guard nothing.
    assert PRIVATE - names(internal) == {"socketId"}


def test_the_public_document_stands_alone() -> None:
    document = build_schema(documents()["schema.public.graphql"])

    # Its directives are defined in it, and there is nothing of a subgraph.
    assert {directive.name for directive in document.directives} - {
        directive.name for directive in build_schema("type Query {a: Int}").directives
    } == {"cost", "listSize", "requiresScopes"}
    assert "@link" not in documents()["schema.public.graphql"]
    assert "@authenticated" not in documents()["schema.public.graphql"]


def test_the_internal_document_is_a_subgraph() -> None:
    sdl = documents()["schema.graphql"]
    imports = '[ "@authenticated" "@cost" "@key" "@listSize" "@requiresScopes" "@shareable" "@tag" ]'
    start = " ".join(sdl.split("{")[0].split())
    assert start == f'schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: {imports})'
    assert "directive @" not in sdl
    assert "type PageInfo @shareable {" in sdl


async def test_a_router_is_given_the_committed_document() -> None:
    result = await internal.execute("{ _service { sdl } }")
    assert result.data == {"_service": {"sdl": documents()["schema.graphql"].removesuffix("\n")}}


def test_every_entity_of_the_graph_can_be_resolved_by_its_key() -> None:
    sdl, union = documents()["schema.graphql"], core(internal).type_map["_Entity"]
    keyed = {line.split()[1] for line in sdl.splitlines() if line.startswith("type ") and '@key(fields: "id")' in line}
    objects = [type_ for type_ in core(internal).type_map.values() if isinstance(type_, GraphQLObjectType)]
    nodes = {type_.name for type_ in objects if any(interface.name == "Node" for interface in type_.interfaces)}
    assert keyed == nodes == {type_.name for type_ in union.types}  # type: ignore[attr-defined]  # a union
    assert keyed == {entity.__name__ for entity in NODES}
