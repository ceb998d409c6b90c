"""The public schema is the internal one with less in it: the same names, and behind each of them the same thing.

By their documents: a client of the public schema could move to the internal one and would notice nothing. By how fields are resolved: the
same entities, loaded the same way. By what they answer: the same values.
"""

import uuid
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    DangerousChangeType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    find_breaking_changes,
    find_dangerous_changes,
    get_named_type,
    is_required_argument,
)

from ampyard.domain.grid_links import GridLink, LinkKind
from ampyard.engine.batching import Computed, Edge, declaration, strawberry_field
from ampyard.resolvers.ids import NODES, encode_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from ampyard.services.backend import Backend
from tests.busy import NOW, Busy
from tests.fleet import new_fleet, user
from tests.grid.sites import connected
from tests.schema.graph import ENTITIES, Graph, id_of
from tests.schema.test_sdl import core, own_types

INTERNAL = core(internal).type_map

# Where the two may differ, and why. Cursors are signed for one list, and a public list is not the internal one: neither takes the
# other's. Their values differ; that they are there at the same places is compared.
CURSORS = {"cursor", "startCursor", "endCursor"}
# What the internal schema has more of does not come into an answer to a public operation: it must first be asked for.
MORE = {
    DangerousChangeType.OPTIONAL_ARG_ADDED,
    DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED,
    DangerousChangeType.IMPLEMENTED_INTERFACE_ADDED,
}


OBJECTS = {
    type_.name: type_
    for type_ in own_types(public)
    # What a change is refused with is looked at through its interface.
    if isinstance(type_, GraphQLObjectType) and "MutationError" not in {interface.name for interface in type_.interfaces}
}
QUERY, MUTATION = OBJECTS["Query"], OBJECTS["Mutation"]


def public_fields() -> list[Any]:
    """Return type and field name of each public field, and both schemas' definitions of it."""
    return [
        pytest.param(type_.name, name, field, INTERNAL[type_.name].fields[name], id=f"{type_.name}.{name}")  # type: ignore[attr-defined]  # an object, as the documents say
        for type_ in OBJECTS.values()
        for name, field in type_.fields.items()
    ]


# By their documents


def test_every_public_operation_is_an_internal_one_with_an_answer_of_the_same_shape() -> None:
    # Nothing breaks that moves from one to the other: names, kinds, arguments; answers no wider, inputs no narrower.
    assert find_breaking_changes(core(public), core(internal)) == []
    # That says something: it does not hold the other way round.
    assert len(find_breaking_changes(core(internal), core(public))) > 50


def test_what_the_internal_schema_has_more_of_is_only_seen_by_who_asks_for_it() -> None:
    changes = [change for change in find_dangerous_changes(core(public), core(internal)) if change.type not in MORE]
    assert {change.type for change in changes} <= {DangerousChangeType.VALUE_ADDED_TO_ENUM}
    answered = {get_named_type(field.type).name for type_ in OBJECTS.values() for field in type_.fields.values()}
    added = {change.description.removeprefix("Enum value ").partition(".")[0] for change in changes}
    assert added & answered == set()


def test_types_and_values_of_the_same_name_are_the_same_in_python() -> None:
    for type_ in own_types(public):
        other = INTERNAL[type_.name]
        match type_:
            case GraphQLEnumType():
                assert isinstance(other, GraphQLEnumType)
                theirs, ours = ({name: it.value for name, it in of.values.items()} for of in (other, type_))
                assert theirs | ours == theirs
            case GraphQLInputObjectType():
                assert isinstance(other, GraphQLInputObjectType)
                theirs, ours = ({name: it.out_name for name, it in of.fields.items()} for of in (other, type_))
                assert theirs | ours == theirs


# By how they are resolved


def entities_shown(type_: Any) -> set[type[Any]]:
    """Return the entities that a type says are of it."""
    return {entity for entity in NODES if type_.is_type_of and type_.is_type_of(object.__new__(entity), None)}


def test_types_of_the_same_name_show_the_same_entity() -> None:
    shown = {type_.name: entities_shown(type_) for type_ in OBJECTS.values()}
    entities = {
        name: {ENTITIES[name][0]}
        for name in ("Assignment", "Block", "ChargePoint", "ChargingRequest", "Depot", "GridSignal", "Priority", "Transaction", "Vehicle")
    }
    assert {name: entity for name, entity in shown.items() if entity} == entities
    for name, of_type in entities.items():
        assert entities_shown(INTERNAL[name]) == of_type


def comparable(value: Any) -> Any:
    """Return what can be compared of a load's arguments: of a list, everything but its name, by which its cursors are signed."""
    if isinstance(value, Listing):
        return tuple(getattr(value, it.name) for it in fields(value) if it.name != "name")
    return value


def resolution(field: GraphQLField, graph: Graph) -> tuple[Any, ...]:
    """Return how a field gets its value: from which attribute, by which function, or loaded by what."""
    definition = strawberry_field(field)
    assert definition is not None
    match declaration(field):
        case Edge() as edge:
            # An id is needed only by fields that give one entity by its own.
            some_id = encode_id(ENTITIES[name][0], uuid.UUID(int=1)) if (name := get_named_type(field.type).name) in ENTITIES else None
            arguments = {(it.out_name or argument): some_id if is_required_argument(it) else None for argument, it in field.args.items()}
            load = edge.plan(SimpleNamespace(context=graph.context()), **arguments)
            return "edge", load.batch, [comparable(it) for it in load.arguments], load.key, load.projects, edge.reads
        case Computed() as computed:
            return "computed", definition.base_resolver and definition.base_resolver.wrapped_func, computed.reads
        case None:
            function = definition.base_resolver and definition.base_resolver.wrapped_func
            return ("function", function.__qualname__) if function else ("attribute", definition.python_name)


@pytest.mark.parametrize(("type_name", "name", "outside", "inside"), public_fields())
def test_fields_of_the_same_name_are_resolved_the_same_way(
    graph: Graph, type_name: str, name: str, outside: GraphQLField, inside: GraphQLField
) -> None:
    assert resolution(outside, graph) == resolution(inside, graph), f"{type_name}.{name}"


# By what they answer


def selection(type_: Any, above: tuple[str, ...] = ()) -> str:
    """Return a selection of everything below a public type, down to where a type would come again; nothing for leaves."""
    type_ = get_named_type(type_)
    if not isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)) or type_.name == "Node":
        return ""
    above = (*above, type_.name)
    inner = (
        f"{name}{selection(field.type, above)}" for name, field in type_.fields.items() if get_named_type(field.type).name not in above
    )
    return f" {{ __typename {' '.join(inner)} }}"


def coordinates(type_: Any, above: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the coordinates of the fields that `selection` selects."""
    type_ = get_named_type(type_)
    if isinstance(type_, GraphQLObjectType):
        above = (*above, type_.name)
        for name, field in type_.fields.items():
            if get_named_type(field.type).name not in above:
                yield f"{type_.name}.{name}"
                yield from coordinates(field.type, above)


def without_cursors(data: Any) -> Any:
    """Return an answer with its cursors reduced to whether they are there."""
    match data:
        case dict():
            return {name: (it is not None) if name in CURSORS else without_cursors(it) for name, it in data.items()}
        case list():
            return [without_cursors(it) for it in data]
        case _:
            return data


async def both(graph: Graph, document: str, **variables: object) -> tuple[Any, Any]:
    """Return what the public and the internal schema answer to one document."""
    outside = Graph(graph.backend, graph.principal, public)
    return without_cursors(await outside.data(document, **variables)), without_cursors(await graph.data(document, **variables))


LISTS = {name: field for name, field in QUERY.fields.items() if get_named_type(field.type).name.endswith("Connection")}
BY_ID = {name: field for name, field in QUERY.fields.items() if "id" in field.args}


def listed(name: str) -> Any:
    """Return the type of what a list has in it."""
    return get_named_type(get_named_type(LISTS[name].type).fields["nodes"].type)


@pytest.mark.parametrize("name", LISTS)
async def test_lists_have_the_same_in_them(graph: Graph, name: str) -> None:
    outside, inside = await both(graph, f"{{ {name}{selection(LISTS[name].type)} }}")

    assert outside == inside
    assert outside[name]["totalCount"] == len(outside[name]["nodes"]) > 0


@pytest.mark.parametrize("name", LISTS)
async def test_lists_are_ordered_and_cut_the_same_way(graph: Graph, name: str) -> None:
    order = get_named_type(LISTS[name].args["orderBy"].type)
    assert isinstance(order, GraphQLInputObjectType)
    by, directions = (get_named_type(order.fields[it].type) for it in ("field", "direction"))
    assert isinstance(by, GraphQLEnumType)
    assert isinstance(directions, GraphQLEnumType)
    orders = [f"orderBy: {{field: {field}, direction: {it}}}" for field in by.values for it in directions.values]
    orders += [f"orderBy: {{field: {field}}}" for field in by.values]
    page = "{ totalCount nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"

    pages = []
    for arguments in (f"first: 2, {orders[0]}", f"last: 2, {orders[0]}", "first: 0", *orders):
        outside, inside = await both(graph, f"{{ {name}({arguments}) {page} }}")
        assert outside == inside
        pages.append([node["id"] for node in outside[name]["nodes"]])

    assert [len(it) for it in pages[:3]] == [2, 2, 0]
    assert pages[0] + pages[1] == [*pages[3][:2], *pages[3][-2:]]

    # Cursors, each of its own list, lead on to the same.
    first, second = pages[3][:2]
    ends = [
        f"{{ {name}(first: 1, {orders[0]}) {{ pageInfo {{ endCursor }} }} }}",
        f"query Q($after: String) {{ {name}(first: 1, after: $after, {orders[0]}) {{ nodes {{ id }} }} }}",
    ]
    for schema in (public, internal):
        asked = Graph(graph.backend, graph.principal, schema)
        cursor = (await asked.data(ends[0]))[name]["pageInfo"]["endCursor"]
        assert await asked.data(ends[1], after=cursor) == {name: {"nodes": [{"id": second}]}}
    assert first != second


async def test_filters_keep_the_same(graph: Graph, busy: Busy) -> None:
    running = await busy.transaction("tx-2")
    given = {
        "depotId": encode_id(ENTITIES["Depot"][0], running.depot_id),
        "vehicleId": encode_id(ENTITIES["Vehicle"][0], running.vehicle_id or uuid.UUID(int=0)),
        "state": "ENDED",
        "startedFrom": running.started_at.isoformat(),
        "startedTo": running.started_at.isoformat(),
    }
    filters = {name: get_named_type(field.args["filter"].type) for name, field in LISTS.items() if "filter" in field.args}
    assert {(name, field) for name, it in filters.items() for field in it.fields} == {("transactions", field) for field in given}

    for field, value in given.items():
        asked = "query Q($filter: TransactionFilter) { transactions(filter: $filter) { totalCount nodes { id } } }"
        outside, inside = await both(graph, asked, filter={field: value})
        assert outside == inside
        assert 0 < outside["transactions"]["totalCount"] < 9


@pytest.mark.parametrize("name", ["ChargePoint", "Depot", "Priority", "Transaction", "Vehicle"])
async def test_an_id_leads_to_the_same_entity_with_the_same_values(graph: Graph, busy: Busy, name: str) -> None:
    fields_by_id = [field for field, it in BY_ID.items() if get_named_type(it.type).name in {name, "Node"}]
    everything = selection(OBJECTS[name])
    for entity in await busy.all(ENTITIES[name][1]):
        answers = []
        for field in fields_by_id:
            below = f" {{ ... on {name}{everything} }}" if field == "node" else everything
            outside, inside = await both(graph, f"query Q($id: ID!) {{ {field}(id: $id){below} }}", id=id_of(entity))
            assert outside == inside
            answers.append(outside[field])
        assert all(answer == answers[0] for answer in answers)
        assert answers[0]["id"] == id_of(entity)


async def test_what_is_set_outside_is_found_inside(backend: Backend) -> None:
    fleet = await new_fleet(backend)
    graph = Graph(backend, user(fleet.tenant_id))
    vehicle = (await graph.data("{ vehicles(first: 1) { nodes { id } } }"))["vehicles"]["nodes"][0]["id"]
    payload = get_named_type(MUTATION.fields["setPriority"].type)
    given = {
        "level": "HIGH",
        "vehicleId": vehicle,
        "reason": "Late.",
        "validFrom": "2026-11-02T08:00:00Z",
        "validUntil": "2027-01-01T00:00:00Z",
    }

    asked = f"mutation Q($input: SetPriorityInput!) {{ setPriority(input: $input){selection(payload)} }}"
    set_outside = (await Graph(backend, graph.principal, public).data(asked, input=given))["setPriority"]["priority"]

    found = await graph.data(f"query Q($id: ID!) {{ priority(id: $id){selection(OBJECTS['Priority'])} }}", id=set_outside["id"])
    assert found["priority"] == set_outside
    assert (set_outside["level"], set_outside["vehicle"]["id"], set_outside["reason"]) == ("HIGH", vehicle, "Late.")
    # The same, set inside, differs in its id alone.
    set_inside = (await graph.data(asked, input=given))["setPriority"]["priority"]
    assert set_inside | {"id": set_outside["id"]} == set_outside
    assert set_inside["id"] != set_outside["id"]


async def test_a_state_of_charge_told_outside_is_seen_inside(backend: Backend) -> None:
    seeded = await new_fleet(backend)
    graph = Graph(replace(backend, clock=lambda: NOW), user(seeded.tenant_id))
    vehicle = (await graph.data("{ vehicles { nodes { id } } }"))["vehicles"]["nodes"][0]["id"]
    payload = get_named_type(MUTATION.fields["reportStateOfCharge"].type)
    asked = f"mutation Q($input: ReportStateOfChargeInput!) {{ reportStateOfCharge(input: $input){selection(payload)} }}"
    given = {"readings": [{"vehicleId": vehicle, "percent": 55.0, "at": NOW.isoformat()}]}

    told = await Graph(graph.backend, graph.principal, public).data(asked, input=given)

    (shown,) = told["reportStateOfCharge"]["vehicles"]
    assert (shown["id"], shown["socPercent"], shown["socAt"]) == (vehicle, 55.0, NOW.isoformat())
    found = await graph.data(f"query Q($id: ID!) {{ vehicle(id: $id){selection(OBJECTS['Vehicle'])} }}", id=vehicle)
    assert found["vehicle"] == shown
    assert await graph.data(asked, input=given) == told


async def test_a_limit_pushed_outside_is_seen_inside(backend: Backend) -> None:
    async with connected(backend, LinkKind.SITE_CONTROLLER) as here:
        graph = Graph(here.backend, here.site.who)
        payload = get_named_type(MUTATION.fields["pushGridLimits"].type)
        asked = f"mutation Q($input: PushGridLimitsInput!) {{ pushGridLimits(input: $input){selection(payload)} }}"
        given = {
            "gridLinkId": encode_id(GridLink, here.link.id),
            "limits": [{"externalId": "a", "endsAt": (here.now + timedelta(hours=1)).isoformat(), "limitKw": 90.0}],
        }

        told = await Graph(here.backend, here.site.who, public).data(asked, input=given)

        (shown,) = told["pushGridLimits"]["gridSignals"]
        assert (shown["externalId"], shown["limitKw"], shown["state"]) == ("a", 90.0, "IN_FORCE")
        found = await graph.data(f"query Q($id: ID!) {{ gridSignal(id: $id){selection(OBJECTS['GridSignal'])} }}", id=shown["id"])
        assert found["gridSignal"] == shown
        assert await graph.data(asked, input=given) == told


async def test_what_is_asked_for_outside_is_seen_inside(backend: Backend) -> None:
    who = user((await new_fleet(backend)).tenant_id)
    inside, outside = Graph(backend, who), Graph(backend, who, public)
    vehicle = (await inside.data("{ vehicles(first: 1) { nodes { id } } }"))["vehicles"]["nodes"][0]["id"]

    async def changed(name: str, **given: Any) -> Any:
        payload = get_named_type(MUTATION.fields[name].type)
        asked = f"mutation Q($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input){selection(payload)} }}"
        shown = (await outside.data(asked, input=given))[name]["chargingRequest"]
        seen = f"query Q($id: ID!) {{ chargingRequest(id: $id){selection(OBJECTS['ChargingRequest'])} }}"
        assert (await inside.data(seen, id=shown["id"]))["chargingRequest"] == shown
        return shown

    made = await changed("requestCharging", vehicleId=vehicle, minSocPercent=70.0, adHoc=True)
    gone = await changed("withdrawChargingRequest", chargingRequestId=made["id"])

    assert (made["minSocPercent"], made["level"], made["source"], made["withdrawnAt"]) == (70.0, "HIGH", "GRAPH", None)
    assert gone == made | {"withdrawnAt": gone["withdrawnAt"]}
    assert gone["withdrawnAt"] is not None


def test_nothing_public_is_left_out_of_what_is_compared() -> None:
    compared = {f"Query.{name}" for name in LISTS | BY_ID} | {
        f"Mutation.{name}"
        for name in (
            "setPriority",
            "reportStateOfCharge",
            "upsertBlocks",
            "scheduleVehicle",
            "pushGridLimits",
            "requestCharging",
            "withdrawChargingRequest",
        )
    }
    for root in (QUERY, MUTATION):
        compared |= {it for field in root.fields.values() for it in coordinates(field.type)}
    assert compared == {f"{type_.name}.{name}" for type_ in OBJECTS.values() for name in type_.fields}
