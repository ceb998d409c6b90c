"""Two tenants with the same in them: whatever one asks, it sees and changes nothing of the other."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLID, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from ampyard.domain.depots import Depot
from ampyard.domain.events import EventKind
from ampyard.domain.transactions import TransactionState
from ampyard.engine import Schema
from ampyard.repositories.alerts import Alerts
from ampyard.repositories.allocations import Allocations
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.commands import Commands
from ampyard.repositories.depots import Depots
from ampyard.repositories.faults import Faults
from ampyard.repositories.notifications import Deliveries
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.repository import Repository
from ampyard.repositories.reservations import Reservations
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unknown_identifications import UnknownIdentifications
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.ids import encode_id
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from tests import days
from tests.busy import Busy, announce
from tests.fleet import user
from tests.schema.graph import ENTITIES, Graph, id_of
from tests.schema.live import relayed, subscribed

SCHEMAS = {"internal": internal, "public": public}
LISTS = [
    "depots",
    "chargePoints",
    "faults",
    "plannedDowntimes",
    "chargePointTemplates",
    "vehicles",
    "transactions",
    "priorities",
    "reports",
    "blocks",
    "assignments",
]
both = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())


@pytest.fixture
def mine(busy: Busy) -> Graph:
    return Graph(busy.backend, user(busy.tenant_id))


@pytest.fixture
def theirs(twin: Busy) -> Graph:
    return Graph(twin.backend, user(twin.tenant_id))


def lists_of(schema: Schema) -> list[str]:
    assert schema._schema.query_type is not None
    return [name for name in LISTS if name in schema._schema.query_type.fields]


async def ids_in(graph: Graph, name: str) -> set[str]:
    page = (await graph.data(f"{{ {name} {{ totalCount nodes {{ id }} }} }}"))[name]
    ids = {node["id"] for node in page["nodes"]}
    assert page["totalCount"] == len(ids)
    return ids


# Reading


@both
async def test_each_tenant_lists_its_own_and_as_much_of_it(mine: Graph, theirs: Graph, busy: Busy, schema: Schema) -> None:
    for name in lists_of(schema):
        own = await ids_in(Graph(mine.backend, mine.principal, schema), name)
        other = await ids_in(Graph(theirs.backend, theirs.principal, schema), name)
        assert len(own) == len(other) > 0
        assert own.isdisjoint(other)
    assert await ids_in(mine, "transactions") == {id_of(t) for t in await busy.all(Transactions)}


@both
@pytest.mark.parametrize("type_name", sorted(ENTITIES))
async def test_no_node_of_the_other_is_found(mine: Graph, twin: Busy, schema: Schema, type_name: str) -> None:
    graph = Graph(mine.backend, mine.principal, schema)
    foreign = [id_of(entity) for entity in await twin.all(ENTITIES[type_name][1])]
    assert foreign
    for global_id in foreign:
        assert await graph.data("query Q($id: ID!) { node(id: $id) { id } }", id=global_id) == {"node": None}


async def test_no_entity_of_the_other_is_found_among_own_ones(mine: Graph, busy: Busy, twin: Busy) -> None:
    of = [
        {"__typename": name, "id": id_of(entity)}
        for name, (_, repository) in ENTITIES.items()
        for tenant in (twin, busy)
        for entity in (await tenant.all(repository))[:2]
    ]
    own = {id_of(entity) for _, repository in ENTITIES.values() for entity in await busy.all(repository)}

    data = await mine.data("query Q($of: [_Any!]!) { _entities(representations: $of) { __typename ... on Node { id } } }", of=of)

    assert data["_entities"] == [one if one["id"] in own else None for one in of]
    assert len([one for one in of if one["id"] in own]) == len(of) / 2


# What may be of any kind, and one of these.
OF_ANY_KIND = {"targetId": "Priority"}


def id_filters(schema: Schema) -> Iterator[Any]:
    """Yield each way to narrow a list by an id: of the roots, and of the lists below entities."""
    for type_name, type_ in schema._schema.type_map.items():
        if not isinstance(type_, GraphQLObjectType):
            continue
        for name, field in type_.fields.items():
            of = get_named_type(field.args["filter"].type) if "filter" in field.args else None
            if isinstance(of, GraphQLInputObjectType):
                for key, condition in of.fields.items():
                    if get_named_type(condition.type) is GraphQLID:
                        yield type_name, name, key


@pytest.mark.parametrize(
    ("schema", "type_name", "name", "key"),
    [pytest.param(s, *way, id=f"{which}-{'.'.join(way)}") for which, s in SCHEMAS.items() for way in id_filters(s)],
)
async def test_a_filter_by_an_id_of_the_other_finds_nothing(
    mine: Graph, busy: Busy, twin: Busy, schema: Schema, type_name: str, name: str, key: str
) -> None:
    graph = Graph(mine.backend, mine.principal, schema)
    target = key.removesuffix("Id")
    if key == "ids":  # of what is listed itself
        parent: Any = schema._schema.type_map[type_name]
        target = get_named_type(parent.fields[name].type).name.removesuffix("Connection")
    entity, repository = ENTITIES[OF_ANY_KIND.get(key) or target[0].upper() + target[1:]]
    narrowed = f"{name}(filter: {{{key}: {'[$id]' if key == 'ids' else '$id'}}}) {{ totalCount nodes {{ id }} }}"
    for foreign in await twin.all(repository):
        global_id = encode_id(entity, foreign.id)
        if type_name == "Query":
            pages = [(await graph.data(f"query Q($id: ID!) {{ {narrowed} }}", id=global_id))[name]]
        else:
            of = [{"__typename": type_name, "id": id_of(parent)} for parent in await busy.all(ENTITIES[type_name][1])]
            document = f"query Q($id: ID!, $of: [_Any!]!) {{ _entities(representations: $of) {{ ... on {type_name} {{ {narrowed} }} }} }}"
            pages = [one[name] for one in (await graph.data(document, id=global_id, of=of))["_entities"]]
        assert pages == [{"totalCount": 0, "nodes": []}] * len(pages)
        assert pages


@both
async def test_a_cursor_of_the_other_is_a_place_and_no_key(mine: Graph, theirs: Graph, schema: Schema) -> None:
    for name in lists_of(schema):
        own, other = (Graph(graph.backend, graph.principal, schema) for graph in (mine, theirs))
        at = (await other.data(f"{{ {name}(first: 1) {{ pageInfo {{ endCursor }} }} }}"))[name]["pageInfo"]["endCursor"]
        after = await own.data(f"query Q($at: String) {{ {name}(after: $at) {{ nodes {{ id }} }} }}", at=at)
        assert {node["id"] for node in after[name]["nodes"]} <= await ids_in(own, name)


# Changing


async def foreign_inputs(busy: Busy, twin: Busy) -> dict[tuple[str, str], dict[str, object]]:
    """Return, for each id that a mutation takes, an input that would do something if only that id were not the other's."""
    other = {name: await twin.all(repository) for name, (_, repository) in ENTITIES.items()}
    running = next(t for t in other["Transaction"] if t.state is TransactionState.ACTIVE)
    busy_evses = {t.evse_id for t in await busy.all(Transactions) if t.state is TransactionState.ACTIVE}
    twin_evses = {t.evse_id for t in other["Transaction"] if t.state is TransactionState.ACTIVE}
    own_evse = next(evse for evse in await busy.all(Evses) if evse.id not in busy_evses)
    free_evse = next(evse for evse in other["Evse"] if evse.id not in twin_evses)
    own_vehicle = (await busy.all(Vehicles))[-1]
    return {
        **await days.foreign_inputs(busy, twin),
        ("setPriority", "vehicleId"): {"level": "HIGH", "vehicleId": id_of(other["Vehicle"][0])},
        ("setPriority", "chargePointId"): {"level": "HIGH", "chargePointId": id_of(other["ChargePoint"][0])},
        ("setPriority", "transactionId"): {"level": "HIGH", "transactionId": id_of(running)},
        ("clearPriority", "priorityId"): {"priorityId": id_of(next(p for p in other["Priority"] if p.cleared_at is None))},
        ("startTransaction", "evseId"): {"evseId": id_of(free_evse), "vehicleId": id_of(own_vehicle)},
        ("startTransaction", "vehicleId"): {"evseId": id_of(own_evse), "vehicleId": id_of(other["Vehicle"][-1])},
        ("stopTransaction", "transactionId"): {"transactionId": id_of(running)},
    }


def mutation_ids(schema: Schema) -> list[tuple[str, str]]:
    """Return mutation and input field of each id that can be given."""
    root = schema._schema.mutation_type
    assert root is not None
    found = []
    for name, field in root.fields.items():
        input_type = get_named_type(field.args["input"].type)
        assert isinstance(input_type, GraphQLInputObjectType)
        assert list(field.args) == ["input"]
        found += [(name, key) for key, it in input_type.fields.items() if get_named_type(it.type) is GraphQLID]
    return found


@pytest.mark.parametrize(
    ("schema", "name", "key"),
    [pytest.param(s, *way, id=f"{which}-{'.'.join(way)}") for which, s in SCHEMAS.items() for way in mutation_ids(s)],
)
async def test_a_change_with_an_id_of_the_other_is_refused_and_changes_neither(
    mine: Graph, busy: Busy, twin: Busy, schema: Schema, name: str, key: str
) -> None:
    given = (await foreign_inputs(busy, twin))[name, key]
    before = [await tenant.everything() for tenant in (busy, twin)]

    root: Any = schema._schema.mutation_type
    asked = f"mutation M($input: {root.fields[name].args['input'].type}) {{ {name}(input: $input) {{ errors {{ code message }} }} }}"
    ((code, message),) = await Graph(mine.backend, mine.principal, schema).refusals(asked, input=given)

    assert code == "NOT_FOUND"
    assert message.startswith("There is no such ")
    assert [await tenant.everything() for tenant in (busy, twin)] == before


async def test_what_has_the_same_name_in_both_is_ones_own(mine: Graph, busy: Busy, twin: Busy) -> None:
    asked = 'query { chargePoints(filter: {identityContains: "CP-1"}) { nodes { id identity } } }'
    own, other = [[cp for cp in await tenant.all(ChargePoints) if "CP-1" in cp.identity] for tenant in (busy, twin)]
    assert [cp.identity for cp in own] == [cp.identity for cp in other] == ["CP-1", "N-CP-1"]
    assert (await mine.data(asked))["chargePoints"]["nodes"] == [{"id": id_of(cp), "identity": cp.identity} for cp in own]


# Watching


OF_TRANSACTION = "{ transactionUpdated(depotId: $depot, transactionId: $only) { id ocppTransactionId } }"
OF_ANOMALY = "{ anomalyChanged(depotId: $depot, anomalyId: $only) { id kind } }"
OF_CHARGE_POINT = "{ chargePointUpdated(depotId: $depot, chargePointId: $only) { id identity } }"
OF_VEHICLE = "{ vehicleUpdated(depotId: $depot, vehicleId: $only) { id name } }"
OF_PRIORITY = "{ priorityChanged(depotId: $depot) { id level } }"
OF_STRANGER = "{ unknownIdentificationSeen(depotId: $depot) { id value } }"
OF_FAULT = "{ faultUpdated(depotId: $depot, chargePointId: $only) { id code } }"
OF_COMMAND = "{ commandUpdated(chargePointId: $depot, commandId: $only) { id kind } }"
OF_RESERVATION = "{ reservationChanged(depotId: $depot) { id number } }"
OF_ALERT_RAISED = "{ alertRaised(depotId: $depot) { id } }"
OF_ALERT = "{ alertUpdated(depotId: $depot, alertId: $only) { id } }"
OF_ALLOCATION = "{ allocationChanged(depotId: $depot) { id powerKw } }"
OF_DELIVERY = "{ notificationDeliveryUpdated(notificationDeliveryId: $only) { id } }"
OF_REQUEST = "{ chargingRequestChanged(depotId: $depot, vehicleId: $only) { id externalId } }"
WATCHED: dict[EventKind, type[Repository[Any]]] = {
    EventKind.CHARGE_POINT_UPDATED: ChargePoints,
    EventKind.CHARGE_POINT_FAULT_UPDATED: Faults,
    EventKind.COMMAND_UPDATED: Commands,
    EventKind.RESERVATION_CHANGED: Reservations,
    EventKind.ANOMALY_CHANGED: Anomalies,
    EventKind.ALLOCATION_CHANGED: Allocations,
    EventKind.ALERT_RAISED: Alerts,
    EventKind.ALERT_UPDATED: Alerts,
    EventKind.NOTIFICATION_UPDATED: Deliveries,
    EventKind.VEHICLE_UPDATED: Vehicles,
    EventKind.PRIORITY_CHANGED: Priorities,
    EventKind.CHARGING_REQUEST_CHANGED: ChargingRequests,
    EventKind.UNKNOWN_IDENTIFICATION_SEEN: UnknownIdentifications,
}


@pytest.mark.parametrize(
    ("document", "kind", "name"),
    [
        (OF_TRANSACTION, EventKind.TRANSACTION_UPDATED, "transactionUpdated"),
        (OF_TRANSACTION, EventKind.TRANSACTION_STARTED, "transactionUpdated"),
        (OF_TRANSACTION, EventKind.TRANSACTION_ENDED, "transactionUpdated"),
        (OF_CHARGE_POINT, EventKind.CHARGE_POINT_UPDATED, "chargePointUpdated"),
        (OF_FAULT, EventKind.CHARGE_POINT_FAULT_UPDATED, "faultUpdated"),
        (OF_COMMAND, EventKind.COMMAND_UPDATED, "commandUpdated"),
        (OF_RESERVATION, EventKind.RESERVATION_CHANGED, "reservationChanged"),
        (OF_ANOMALY, EventKind.ANOMALY_CHANGED, "anomalyChanged"),
        (OF_ALERT_RAISED, EventKind.ALERT_RAISED, "alertRaised"),
        (OF_ALERT, EventKind.ALERT_UPDATED, "alertUpdated"),
        (OF_ALLOCATION, EventKind.ALLOCATION_CHANGED, "allocationChanged"),
        (OF_DELIVERY, EventKind.NOTIFICATION_UPDATED, "notificationDeliveryUpdated"),
        (OF_VEHICLE, EventKind.VEHICLE_UPDATED, "vehicleUpdated"),
        (OF_PRIORITY, EventKind.PRIORITY_CHANGED, "priorityChanged"),
        (OF_REQUEST, EventKind.CHARGING_REQUEST_CHANGED, "chargingRequestChanged"),
        (OF_STRANGER, EventKind.UNKNOWN_IDENTIFICATION_SEEN, "unknownIdentificationSeen"),
    ],
)
async def test_an_event_of_the_other_never_arrives(mine: Graph, busy: Busy, twin: Busy, document: str, kind: EventKind, name: str) -> None:
    repository = WATCHED.get(kind, Transactions)
    own, other = (await busy.all(repository))[0], (await twin.all(repository))[0]
    declared = ", ".join(f"{name}: ID" for name in ("$depot", "$only") if name in document)
    async with subscribed(mine, f"subscription S({declared}) {document}") as live:
        await announce(twin, kind, other.id, None)
        # ... nor does what it is about when an event of one's own names it.
        await announce(busy, kind, other.id, None)
        await relayed(busy.backend)
        assert await live.quiet()

        await announce(busy, kind, own.id, None)
        await relayed(busy.backend)
        assert (await live.next())[name]["id"] == id_of(own)
        assert await live.quiet()


@pytest.mark.parametrize("argument", ["depot", "only"])
@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (OF_TRANSACTION, EventKind.TRANSACTION_UPDATED),
        (OF_CHARGE_POINT, EventKind.CHARGE_POINT_UPDATED),
        (OF_ANOMALY, EventKind.ANOMALY_CHANGED),
        (OF_ALERT, EventKind.ALERT_UPDATED),
    ],
)
async def test_watching_what_is_the_others_shows_nothing(
    mine: Graph, busy: Busy, twin: Busy, document: str, kind: EventKind, argument: str
) -> None:
    repository = WATCHED.get(kind, Transactions)
    own, other = (await busy.all(repository))[0], (await twin.all(repository))[0]
    watched = encode_id(Depot, other.depot_id) if argument == "depot" else id_of(other)
    async with subscribed(mine, f"subscription S($depot: ID, $only: ID) {document}", **{argument: watched}) as live:
        await announce(twin, kind, other.id, other.depot_id)
        await announce(busy, kind, own.id, own.depot_id)
        await relayed(busy.backend)
        assert await live.quiet()


POWER = "subscription S($depot: ID!) { depotPower(depotId: $depot) { depot { id } nodes { name power { measuredKw } } } }"


async def test_power_of_the_others_depot_is_not_shown(mine: Graph, twin: Busy) -> None:
    depot = (await twin.all(Depots))[0]
    assert await mine.errors(POWER, depot=id_of(depot)) == [("NOT_FOUND", "There is no such depot.")]


async def test_power_is_shown_at_once_and_after_each_step_of_ones_own(mine: Graph, busy: Busy, twin: Busy) -> None:
    own, other = next(d for d in await busy.all(Depots) if d.name == "North"), (await twin.all(Depots))[0]
    async with subscribed(mine, POWER, depot=id_of(own)) as live:
        first = await live.next()
        await announce(twin, EventKind.DEPOT_POWER, other.id, other.id)
        await announce(twin, EventKind.DEPOT_POWER, own.id, own.id)
        await relayed(busy.backend)
        assert await live.quiet()
        await announce(busy, EventKind.DEPOT_POWER, own.id, own.id)
        await relayed(busy.backend)

        assert await live.next() == first
    power = {node["name"]: node["power"]["measuredKw"] for node in first["depotPower"]["nodes"]}
    assert power == {"North Feeder 1": 18.0, "North Feeder 2": 19.0, "North Grid": 37.0, "North Spare panel": 0.0}


def test_every_subscription_is_watched() -> None:
    of_dispatch = {"dispatchChanged", "readinessChanged", "planMade"}  # in test_dispatch.py, test_plans.py
    root = internal._schema.subscription_type
    assert root is not None
    assert set(root.fields) == {
        "transactionUpdated",
        "chargePointUpdated",
        "depotPower",
        "vehicleUpdated",
        "priorityChanged",
        "chargingRequestChanged",
        "unknownIdentificationSeen",
        "faultUpdated",
        "commandUpdated",
        "reservationChanged",
        "anomalyChanged",
        "alertRaised",
        "alertUpdated",
        "allocationChanged",
        "notificationDeliveryUpdated",
        "depotUpdated",
        *of_dispatch,
        "jobRunUpdated",
    }
    assert public._schema.subscription_type is None
