"""Root fields that show one entity by its id: of this tenant or null, of the right type or an error, scoped. New ones are walked too."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType, get_named_type

from ampyard.domain.access import Scope
from ampyard.domain.ids import new_id
from ampyard.engine import Schema
from ampyard.resolvers.ids import SCOPES, encode_id
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from tests.busy import Busy
from tests.schema.graph import ENTITIES, Graph, id_of

SCHEMAS = {"internal": internal, "public": public}


def by_id_fields(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield name and type of the root fields that take nothing but an id and show an object."""
    query = schema._schema.query_type
    assert query is not None
    for name, field in query.fields.items():
        of = get_named_type(field.type)
        if list(field.args) == ["id"] and isinstance(of, GraphQLObjectType):
            assert not isinstance(field.type, GraphQLNonNull)
            assert isinstance(field.args["id"].type, GraphQLNonNull)
            yield name, of.name


FIELDS = [pytest.param(schema, name, of, id=f"{which}-{name}") for which, schema in SCHEMAS.items() for name, of in by_id_fields(schema)]
every_field = pytest.mark.parametrize(("schema", "name", "of"), FIELDS)


def test_both_graphs_show_what_clients_hold_ids_of() -> None:
    shown = {name for name, _ in by_id_fields(internal)}
    assert shown >= {"depot", "chargePoint", "vehicle", "transaction", "priority", "command", "report"}
    assert [name for name, _ in by_id_fields(public)] == ["depot", "chargePoint", "vehicle", "transaction", "priority"]


def asked_by(tenant: Busy, graph: Graph, schema: Schema) -> Graph:
    return Graph(tenant.backend, graph.principal, schema)


def document(name: str) -> str:
    return f"query Q($id: ID!) {{ one: {name}(id: $id) {{ __typename id }} }}"


@every_field
async def test_own_entities_are_found(busy: Busy, graph: Graph, schema: Schema, name: str, of: str) -> None:
    own = [id_of(entity) for entity in await busy.all(ENTITIES[of][1])]
    assert own
    for global_id in own:
        found = await asked_by(busy, graph, schema).data(document(name), id=global_id)
        assert found == {"one": {"__typename": of, "id": global_id}}


@every_field
async def test_what_is_of_another_tenant_or_does_not_exist_is_null(
    busy: Busy, twin: Busy, graph: Graph, schema: Schema, name: str, of: str
) -> None:
    entity, repository = ENTITIES[of]
    foreign = [id_of(one) for one in await twin.all(repository)]
    assert foreign
    for global_id in (*foreign, encode_id(entity, new_id())):
        assert await asked_by(busy, graph, schema).data(document(name), id=global_id) == {"one": None}


@every_field
async def test_an_id_of_another_type_is_refused(
    busy: Busy, graph: Graph, statements: list[str], schema: Schema, name: str, of: str
) -> None:
    other = next(one for one in ENTITIES if one != of)
    own = (await busy.all(ENTITIES[other][1]))[0]
    statements.clear()
    for global_id, message in (
        (id_of(own), f"id: this is the id of a {other}, not of a {of}."),
        ("x", "id: 'x' is not an id of this graph; give an `id` that it returned."),
    ):
        result = await asked_by(busy, graph, schema).run(document(name), id=global_id)
        (error,) = list(result.errors or ())
        assert (error.message, (error.extensions or {})["code"], error.path) == (message, "BAD_USER_INPUT", ["one"])
        assert result.data == {"one": None}
    assert statements == []


@every_field
async def test_without_its_scope_it_is_forbidden_and_nothing_is_loaded(
    busy: Busy, graph: Graph, statements: list[str], schema: Schema, name: str, of: str
) -> None:
    entity, repository = ENTITIES[of]
    own = id_of((await busy.all(repository))[0])
    others = set(Scope) - {SCOPES[entity]}
    statements.clear()

    result = await asked_by(busy, graph.with_scopes(*others), schema).run(document(name), id=own)

    assert result.data == {"one": None}
    assert [(error.extensions or {})["code"] for error in result.errors or ()] == ["FORBIDDEN"]
    assert statements == []


@every_field
async def test_many_by_id_are_one_statement(
    busy: Busy, twin: Busy, graph: Graph, statements: list[str], schema: Schema, name: str, of: str
) -> None:
    mine = [id_of(entity) for entity in await busy.all(ENTITIES[of][1])][:2]
    theirs = [id_of(entity) for entity in await twin.all(ENTITIES[of][1])][:2]
    fields = " ".join(f'n{n}: {name}(id: "{global_id}") {{ id }}' for n, global_id in enumerate([*mine, *theirs]))
    statements.clear()

    data: dict[str, Any] = await asked_by(busy, graph, schema).data(f"{{ {fields} }}")

    assert list(data.values()) == [*({"id": global_id} for global_id in mine), *(None for _ in theirs)]
    assert len(statements) == 1
