"""Anything by its global id: node(id:), federation entities, and what of it the public graph shows."""

import base64

import pytest

from ampyard.domain.ids import new_id
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.ids import encode_id
from ampyard.schema.public import schema as public
from tests.busy import Busy
from tests.schema.graph import ENTITIES, Graph, id_of


@pytest.mark.parametrize("type_name", sorted(ENTITIES))
async def test_anything_is_found_by_its_id(graph: Graph, busy: Busy, type_name: str) -> None:
    for entity in (await busy.all(ENTITIES[type_name][1]))[:3]:
        data = await graph.data("query Q($id: ID!) { node(id: $id) { id __typename } }", id=id_of(entity))
        assert data == {"node": {"id": id_of(entity), "__typename": type_name}}


@pytest.mark.parametrize("type_name", sorted(ENTITIES))
async def test_the_public_graph_finds_what_it_shows_and_nothing_else(graph: Graph, busy: Busy, type_name: str) -> None:
    entity = (await busy.all(ENTITIES[type_name][1]))[0]
    outside = Graph(graph.backend, graph.principal, public)

    data = await outside.data("query Q($id: ID!) { node(id: $id) { id __typename } }", id=id_of(entity))

    is_shown = type_name in {"Depot", "ChargePoint", "Vehicle", "Transaction", "Priority", "Block", "Assignment", "ChargingRequest"}
    assert data == {"node": {"id": id_of(entity), "__typename": type_name} if is_shown else None}


async def test_what_does_not_exist_is_null_and_what_is_no_id_is_refused(graph: Graph) -> None:
    asked = "query Q($id: ID!) { node(id: $id) { id } }"
    assert await graph.data(asked, id=encode_id(Vehicle, new_id())) == {"node": None}
    for wrong in (
        "",
        "x",
        "ÄÖÜ",
        base64.urlsafe_b64encode(b"Nonsense:" + str(new_id()).encode()).decode(),
        encode_id(Vehicle, new_id())[:-9],
    ):
        ((code, message),) = await graph.errors(asked, id=wrong)
        assert code == "BAD_USER_INPUT"
        assert message.startswith("id: ")
        assert message.endswith("is not an id of this graph; give an `id` that it returned.")
    assert await graph.errors("query Q($id: ID!) { vehicles(filter: {depotId: $id}) { totalCount } }", id=encode_id(Vehicle, new_id())) == [
        ("BAD_USER_INPUT", "filter.depotId: this is the id of a Vehicle, not of a Depot.")
    ]


async def test_entities_come_in_the_order_asked_for_with_bad_ones_null_in_place(graph: Graph, busy: Busy) -> None:
    good = {name: (await busy.all(repository))[-1] for name, (_, repository) in ENTITIES.items()}
    of = [{"__typename": name, "id": id_of(entity)} for name, entity in good.items()]
    bad = [
        {"__typename": "Vehicle", "id": encode_id(Vehicle, new_id())},
        {"__typename": "Vehicle", "id": id_of(good["Depot"])},
        {"__typename": "Tenant", "id": "x"},
        {"__typename": "Depot", "name": "Central"},
    ]
    mixed = [*of[5:], bad[0], *of[:3], *bad[1:], *of[3:5]]

    result = await graph.run("query Q($of: [_Any!]!) { _entities(representations: $of) { __typename ... on Node { id } } }", of=mixed)

    assert result.data == {"_entities": [one if one in of else None for one in mixed]}
    assert [(error.path, (error.extensions or {})["code"]) for error in sorted(result.errors or (), key=lambda e: e.path or [])] == [
        (["_entities", mixed.index(one)], "BAD_USER_INPUT") for one in bad[1:]
    ]


async def test_the_public_graph_answers_the_same_in_fewer_words(graph: Graph) -> None:
    asked = """{
      transactions(filter: {state: ACTIVE}, first: 3) { totalCount nodes { id state startedAt energyWh powerKw socPercent
        priority { level rule { id level } } depot { name } chargePoint { identity evses { number status connectors { number status } } }
        vehicle { name vin socPercent depot { name } } } }
      priorities { nodes { id level reason validFrom vehicle { name } chargePoint { identity } } }
      vehicles(orderBy: {field: NAME, direction: DESC}) { edges { node { name } } }
    }"""
    outside = await Graph(graph.backend, graph.principal, public).data(asked)
    assert outside == await graph.data(asked)
    assert outside["transactions"]["totalCount"] == 6
