"""Federation entities over the real graph: in batches, of one's own tenant, within one's scopes."""

import re
from typing import Any

import pytest

from ampyard.domain.access import Scope
from ampyard.resolvers.ids import NODES, SCOPES
from ampyard.schema.sdl import documents
from tests.busy import Busy
from tests.grants import confined
from tests.schema.graph import ENTITIES, Graph, id_of

ASKED = "query Q($of: [_Any!]!) { _entities(representations: $of) { __typename ... on Node { id } } }"


async def representations(tenant: Busy, *, of_each: int = 2) -> list[dict[str, Any]]:
    """Return some entities of every type, the types by turns."""
    of_types = [[{"__typename": name, "id": id_of(it)} for it in (await tenant.all(of))[:of_each]] for name, (_, of) in ENTITIES.items()]
    # A tenant sees one tenant, itself.
    assert [len(some) for some in of_types] == [1 if name == "Tenant" else of_each for name in ENTITIES]
    return [some[place] for place in range(of_each) for some in of_types if place < len(some)]


async def test_each_type_is_one_statement_however_many_are_asked_for_and_how_often(graph: Graph, busy: Busy, statements: list[str]) -> None:
    of = await representations(busy)
    for asked in (of[: len(ENTITIES)], of, [*of, *reversed(of)]):
        statements.clear()
        assert (await graph.data(ASKED, of=asked))["_entities"] == asked
        assert len(statements) == len(ENTITIES)


async def test_what_is_the_other_tenants_is_null_beside_ones_own_and_no_error(graph: Graph, busy: Busy, twin: Busy) -> None:
    own, foreign = await representations(busy), await representations(twin)
    mixed = [one for pair in zip(own, foreign, strict=True) for one in pair]
    result = await graph.run(ASKED, of=mixed)
    assert (result.errors, result.data) == (None, {"_entities": [one if one in own else None for one in mixed]})


async def test_a_scope_that_is_missing_is_an_error_in_the_place_of_each_entity_it_hides(graph: Graph, busy: Busy) -> None:
    of = await representations(busy)
    hidden = {entity.__name__: SCOPES[entity].value for entity in NODES if SCOPES[entity] is not Scope.FLEET_READ}
    assert {"Report", "User", "Tenant"} <= hidden.keys()

    result = await graph.with_scopes(Scope.FLEET_READ).run(ASKED, of=of)

    assert result.data == {"_entities": [None if one["__typename"] in hidden else one for one in of]}
    errors = sorted((error.path or [], error.message) for error in result.errors or ())
    messages = {name: f"This needs the scope {scope}, which user:tester does not have." for name, scope in hidden.items()}
    places = [(place, one["__typename"]) for place, one in enumerate(of)]
    assert errors == [(["_entities", place], messages[name]) for place, name in places if name in hidden]


async def test_only_the_columns_that_are_asked_for_are_read(graph: Graph, busy: Busy, statements: list[str]) -> None:
    of = [one for one in await representations(busy) if one["__typename"] in {"Vehicle", "Depot"}]
    asked = "query Q($of: [_Any!]!) { _entities(representations: $of) { ... on Vehicle { name } ... on Depot { id city } } }"
    statements.clear()
    await graph.data(asked, of=of)
    selected = {sql.partition("FROM ")[2].split()[0]: set(re.findall(r"\.(\w+)", sql.partition("FROM ")[0])) for sql in statements}
    assert selected == {"vehicle": {"id", "name"}, "depot": {"id", "city"}}


NATURAL = {"Vehicle": "vin", "ChargePoint": "identity"}


def test_what_partners_know_by_another_key_says_so() -> None:
    sdl = documents()["schema.graphql"]
    for name, key in NATURAL.items():
        (line,) = [line for line in sdl.splitlines() if line.startswith(f"type {name} ")]
        assert re.findall(r'@key\(fields: "(\w+)"\)', line) == ["id", key]


@pytest.mark.parametrize(("type_name", "key"), NATURAL.items())
async def test_by_another_key_as_by_the_id_in_one_statement_more(
    graph: Graph, busy: Busy, twin: Busy, statements: list[str], type_name: str, key: str
) -> None:
    own, theirs = [await tenant.all(ENTITIES[type_name][1]) for tenant in (busy, twin)]
    # Both tenants have the same identities and VINs: each finds its own.
    assert [getattr(one, key) for one in own] == [getattr(one, key) for one in theirs]
    by_key = [{"__typename": type_name, key: getattr(one, key)} for one in own]
    by_id = [{"__typename": type_name, "id": id_of(one)} for one in own]
    statements.clear()

    data = await graph.data(ASKED, of=[*by_key, *by_id, {"__typename": type_name, key: "nobody's"}, by_key[0] | by_id[1]])

    assert data["_entities"] == [*by_id, *by_id, None, by_id[1]]
    assert len(statements) == 2


@pytest.mark.parametrize(("type_name", "key"), NATURAL.items())
async def test_another_key_opens_nothing_that_the_id_does_not(graph: Graph, busy: Busy, type_name: str, key: str) -> None:
    one = (await busy.all(ENTITIES[type_name][1]))[0]
    of = [{"__typename": type_name, key: getattr(one, key)}]
    assert await graph.with_scopes(Scope.REPORTS_READ).codes(ASKED, of=of) == ["FORBIDDEN"]
    nowhere = Graph(graph.backend, confined(busy.tenant_id))
    assert await nowhere.data(ASKED, of=of) == {"_entities": [None]}
