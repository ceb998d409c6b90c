"""What the internal graph answers, against the entities it stands for: every field and every edge."""

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_composite_type, is_leaf_type, is_list_type

from ampyard.domain.state_of_charge import confidence_at
from ampyard.domain.transactions import TransactionState
from ampyard.domain.vehicles import own_value
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.ids import encode_id
from ampyard.schema.internal import schema as internal
from tests import days
from tests.busy import NOW, Busy
from tests.schema.graph import ENTITIES, LINKS, Graph, id_of


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def shown(value: object) -> object:
    """Return a value of an entity as JSON shows it: enumerations by name, times with their offset."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, frozenset):
        return [shown(one) for one in sorted(value)]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def stored(type_name: str, name: str, entity: Any, attribute: str) -> object:
    """Return what a field shows: as a rule the attribute of its name."""
    if type_name == "Vehicle" and name.startswith("own"):
        return own_value(entity, attribute.removeprefix("own_"))
    if type_name == "Vehicle" and name == "socConfidence":
        return None if entity.soc is None else confidence_at(entity.soc, NOW)
    if type_name == "Priority" and name == "weekdays":
        return None if entity.weekdays is None else [day.name for day in sorted(entity.weekdays)]
    return getattr(entity, attribute, None)


async def by_representation(graph: Graph, type_name: str, entities: Sequence[Any], selection: str) -> list[Any]:
    asked = f"query Q($of: [_Any!]!) {{ _entities(representations: $of) {{ ... on {type_name} {{ {selection} }} }} }}"
    of = [{"__typename": type_name, "id": id_of(entity)} for entity in entities]
    return list((await graph.data(asked, of=of))["_entities"])


# Fields

# What follows from more than the entity has stored, and is tested with what it follows from.
COMPUTED_LEAVES = {
    "AuditRecord.targetId",
    "Depot.isOpen",
    "Evse.listedSetPointsA",
    "Evse.setPoints",
    "GridLink.circuit",
    "GridLink.state",
    "GridSignal.state",
    "PowerNode.effectiveLimitKw",
    "PowerNode.effectiveLimitReason",
    "Transaction.billable",
    "Transaction.measuredPhases",
    "Transaction.notBillableBecause",
}


@pytest.mark.parametrize("type_name", sorted(ENTITIES))
async def test_every_field_of_an_entity_shows_what_is_stored(graph: Graph, busy: Busy, type_name: str) -> None:
    named_otherwise = {
        ("Connector", "number"): "connector_no",
        ("Evse", "number"): "evse_no",
        ("ConfigurationVariable", "evseNumber"): "evse_no",
        ("ConfigurationVariable", "connectorNumber"): "connector_no",
        ("Block", "departureTimeZone"): "departure_zone",
        ("Block", "returnTimeZone"): "return_zone",
    }
    entities = await busy.all(ENTITIES[type_name][1])
    type_ = internal._schema.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    leaves = [
        name
        for name, field in type_.fields.items()
        if is_leaf_type(get_named_type(field.type)) and f"{type_name}.{name}" not in COMPUTED_LEAVES
    ]

    answers = await by_representation(graph, type_name, entities, " ".join(leaves))

    expected = [
        {name: shown(stored(type_name, name, e, named_otherwise.get((type_name, name), snake(name)))) for name in leaves}
        | {"id": id_of(e)}
        | ({"downloadUrl": LINKS.to_report(busy.tenant_id, e.id, now=NOW)} if type_name == "Report" else {})
        for e in entities
    ]
    assert answers == expected
    # Each field is shown with a value somewhere, but for those that nothing in the fleet sets.
    unset = {f"{type_name}.{name}" for name in leaves if all(answer[name] is None for answer in answers)}
    assert unset <= days.unset()


async def test_a_page_of_the_board_is_what_happened(graph: Graph) -> None:
    # The generic tests compare with the database; this one with the morning as it was told.
    data = await graph.data("""{
      chargePoints(filter: {identityContains: "p-2"}, orderBy: {field: IDENTITY}) { nodes {
        identity connected ocppVersion depot { name timeZone } powerNode { name parent { name limitKw } }
        evses { number currentType maxPowerKw status limitKw limitReason connectors { number standard status }
          activeTransaction { ocppTransactionId state chargingState idTag startedAt meterStartWh meterWh energyWh powerKw socPercent
            measuredAt vehicle { name socPercent socSource } priority { level rule { reason author } } } } } } }""")
    evse = {
        "number": 1,
        "currentType": "DC",
        "maxPowerKw": 150.0,
        "status": "CHARGING",
        "limitKw": 50.0,
        "limitReason": "Its share.",
        "connectors": [{"number": 1, "standard": "IEC_62196_T2_COMBO", "status": "CHARGING"}],
        "activeTransaction": {
            "ocppTransactionId": "tx-3",
            "state": "ACTIVE",
            "chargingState": "CHARGING",
            "idTag": "TAG-2",
            "startedAt": "2026-11-02T10:30:00+00:00",
            "meterStartWh": 3000.0,
            "meterWh": 3300.0,
            "energyWh": 300.0,
            "powerKw": 13.0,
            "socPercent": 43.0,
            "measuredAt": "2026-11-02T10:35:00+00:00",
            "vehicle": {"name": "Bus 2", "socPercent": 43.0, "socSource": "CHARGER"},
            "priority": {"level": "HIGH", "rule": {"reason": "because HIGH", "author": "user:tester"}},
        },
    }
    assert data["chargePoints"]["nodes"][0] == {
        "identity": "CP-2",
        "connected": True,
        "ocppVersion": "V16",
        "depot": {"name": "Central", "timeZone": "Europe/Berlin"},
        "powerNode": {"name": "Feeder 1", "parent": {"name": "Grid", "limitKw": 200.0}},
        "evses": [evse],
    }
    assert [cp["identity"] for cp in data["chargePoints"]["nodes"]] == ["CP-2", "N-CP-2"]
    assert data["chargePoints"]["nodes"][1]["evses"][0]["activeTransaction"] is None


# Edges


def edges(kind: str) -> list[Any]:
    found = []
    for type_name in sorted(ENTITIES):
        type_ = internal._schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items():
            of = get_named_type(field.type)
            if not is_composite_type(of):
                continue
            many = (
                "page" if of.name.endswith("Connection") else "list" if is_list_type(getattr(field.type, "of_type", field.type)) else "one"
            )
            if many == kind:
                target = of.name.removesuffix("Connection")
                found.append(pytest.param(type_name, name, target, id=f"{type_name}.{name}"))
    return found


COMPUTED = {
    # See test_charging_requests.py.
    "ChargingRequest.planned",
    # See test_allocations.py.
    "Allocation.replay",
    "Allocation.yieldedTo",
    # See test_charging_requests.py.
    "ChargingRequest.outlook",
    "ChargingRequest.overruledBy",
    "ChargingRequest.preconditioning",
    "ChargingRequest.priorityRule",
    "Evse.allocation",
    "Assignment.departureRecord",
    "Assignment.pluggedInto",
    "Assignment.readiness",
    "Depot.dispatchBoard",
    "AuditRecord.target",
    "ChargePointTemplate.evses",
    "Evse.availability",
    "Depot.openingTimes",
    "Evse.activeTransaction",
    "NotificationChannel.quietHours",
    "PowerNode.limitAt",
    "PowerNode.limitNow",
    "PowerNode.loadHistory",
    "PowerNode.power",
    "PowerNode.siteMeter",
    "PowerNode.unmanaged",
    "PowerNode.weeklyLimits",
    "Transaction.cost",
    "Depot.plan",
    "Transaction.effective",
    "Transaction.planned",
    "Transaction.prediction",
    "Transaction.priority",
    "Vehicle.idTags",
}
CHILDREN_ORDER = {
    "PowerNode": "name",
    "Evse": "evse_no",
    "Connector": "connector_no",
    "Priority": "created_at",
    "Correction": "created_at",
    "ChargingLimit": "created_at",
    "Anomaly": "detected_at",
}
PAGE_ORDER = {
    "Allocation": ("decided_at", -1),
    "Alert": ("opened_at", -1),
    "Depot": ("name", 1),
    "ResourceGroup": ("name", 1),
    "RoleGrant": ("created_at", -1),
    "AvailabilityInterval": ("began_at", -1),
    "ChargePoint": ("identity", 1),
    "Command": ("created_at", -1),
    "ConfigurationVariable": ("variable", 1),
    "Fault": ("raised_at", -1),
    "FirmwareStatus": ("reported_at", -1),
    "NotificationDelivery": ("created_at", -1),
    "PlannedDowntime": ("starts_at", -1),
    "Vehicle": ("name", 1),
    "Transaction": ("started_at", -1),
    "Report": ("day", -1),
    "EnergyPrice": ("valid_from", -1),
    "LimitException": ("valid_from", -1),
    "ChargingRequest": ("created_at", -1),
    "DepotLink": ("created_at", -1),
    "GridLink": ("created_at", 1),
    "GridMessage": ("at", -1),
    "LinkMessage": ("at", -1),
    "GridSignal": ("begins_at", -1),
    "MeterSample": ("sampled_at", 1),
    "SocReading": ("at", -1),
    "Assignment": ("departs_at", -1),
    "ReadinessRecord": ("recorded_at", 1),
}


@pytest.mark.parametrize(
    ("type_name", "edge", "target"),
    [edge for edge in edges("one") if edge.id not in COMPUTED and not edge.id.endswith(("Chart", ".uptime"))],
)
async def test_an_edge_to_one_leads_to_the_entity_it_names(graph: Graph, busy: Busy, type_name: str, edge: str, target: str) -> None:
    parents = await busy.all(ENTITIES[type_name][1])

    answers = await by_representation(graph, type_name, parents, f"{edge} {{ id __typename }}")

    ids = [getattr(parent, {"depotLink": "link_id"}.get(edge, f"{snake(edge)}_id")) for parent in parents]
    entity = ENTITIES[target][0]
    assert answers == [{edge: None if i is None else {"id": encode_id(entity, i), "__typename": target}} for i in ids]
    assert any(ids)


# See test_vehicles.py.
OF_VEHICLES = {"Vehicle.idTags", "Vehicle.formerIdTags", "Vehicle.groups", "VehicleGroup.vehicles"}


def parent_attribute(type_name: str, edge: str) -> str:
    if type_name == "VehicleType":
        return "type_id"
    return {"children": "parent_id", "deliveries": "channel_id", "messages": "link_id", "signals": "link_id"}.get(
        edge, f"{snake(type_name)}_id"
    )


@pytest.mark.parametrize(
    ("type_name", "edge", "target"),
    [edge for edge in edges("list") if edge.id not in COMPUTED | OF_VEHICLES and edge.values[2] in ENTITIES],
)
async def test_an_edge_to_children_leads_to_all_of_them_in_order(graph: Graph, busy: Busy, type_name: str, edge: str, target: str) -> None:
    parents, (_, repository) = await busy.all(ENTITIES[type_name][1]), ENTITIES[target]
    attribute, order = parent_attribute(type_name, edge), CHILDREN_ORDER[target]
    children = sorted(await busy.all(repository), key=lambda child: (getattr(child, order), child.id))

    answers = await by_representation(graph, type_name, parents, f"{edge} {{ id }}")

    expected = [{edge: [{"id": id_of(c)} for c in children if getattr(c, attribute) == parent.id]} for parent in parents]
    assert answers == expected
    assert any(answer[edge] for answer in answers)


# What is in a group is said by another table; of other tenants' users only administrators of the installation hear.
ELSEWHERE = {"ResourceGroup.depots", "ResourceGroup.chargePoints", "ResourceGroup.vehicles", "Tenant.users"}


@pytest.mark.parametrize(("type_name", "edge", "target"), [edge for edge in edges("page") if edge.id not in ELSEWHERE])
async def test_an_edge_to_a_list_leads_to_what_is_the_parents_own(graph: Graph, busy: Busy, type_name: str, edge: str, target: str) -> None:
    parents, (_, repository) = await busy.all(ENTITIES[type_name][1]), ENTITIES[target]
    attribute, (order, sign) = parent_attribute(type_name, edge), PAGE_ORDER[target]
    there = [child for child in await busy.all(repository) if getattr(child, "removed_at", None) is None]
    children = sorted(there, key=lambda child: (getattr(child, order), child.id), reverse=sign < 0)

    info = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    selection = f"{edge}(first: 2) {{ totalCount nodes {{ id }} edges {{ cursor node {{ id }} }} {info} }}"
    answers = await by_representation(graph, type_name, parents, selection)

    for parent, answer in zip(parents, answers, strict=True):
        of_parent = [{"id": id_of(child)} for child in children if getattr(child, attribute) == parent.id]
        page = answer[edge]
        assert page["totalCount"] == len(of_parent)
        assert page["nodes"] == [e["node"] for e in page["edges"]] == of_parent[:2]
        cursors = [e["cursor"] for e in page["edges"]]
        assert page["pageInfo"] == {
            "hasNextPage": len(of_parent) > 2,
            "hasPreviousPage": False,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        }
    assert any(answer[edge]["nodes"] for answer in answers)


async def test_the_active_transaction_of_an_evse_is_the_one_that_runs_on_it(graph: Graph, busy: Busy) -> None:
    evses, running = await busy.all(Evses), [t for t in await busy.all(Transactions) if t.state is TransactionState.ACTIVE]

    answers = await by_representation(graph, "Evse", evses, "activeTransaction { id }")

    of_evse = {t.evse_id: {"id": id_of(t)} for t in running}
    assert [answer["activeTransaction"] for answer in answers] == [of_evse.get(evse.id) for evse in evses]
    assert len(of_evse) == 6


async def test_power_adds_up_along_the_supply_tree(graph: Graph) -> None:
    data = await graph.data("{ depots { nodes { powerNodes { name power { measuredKw allocatedKw measuredAt } } } } }")
    power = {n["name"]: tuple(n["power"].values()) for d in data["depots"]["nodes"] for n in d["powerNodes"]}
    # Each open transaction draws 10 kW and one more for its number; limits of 11 and 50 kW are in force where one runs.
    assert power == {
        "Grid": (12.0 + 13 + 14 + 16, 61.0, "2026-11-02T11:05:00+00:00"),
        "Feeder 1": (12.0 + 13, 61.0, "2026-11-02T10:35:00+00:00"),
        "Feeder 2": (14.0 + 16, 0.0, "2026-11-02T11:05:00+00:00"),
        "North Grid": (18.0 + 19, 0.0, "2026-11-02T11:35:00+00:00"),
        "North Feeder 1": (18.0, 0.0, "2026-11-02T11:25:00+00:00"),
        "North Feeder 2": (19.0, 0.0, "2026-11-02T11:35:00+00:00"),
        "Central Spare panel": (0.0, 0.0, None),
        "North Spare panel": (0.0, 0.0, None),
    }


async def test_the_priority_that_counts_is_that_of_the_most_specific_rule_in_force(graph: Graph) -> None:
    data = await graph.data("""{ transactions { nodes { ocppTransactionId
        priority { level rule { level vehicle { name } chargePoint { identity } transaction { ocppTransactionId } } } } } }""")

    def rule(level: str, **target: dict[str, str]) -> dict[str, Any]:
        return {"level": level, "rule": {"level": level, "vehicle": None, "chargePoint": None, "transaction": None} | target}

    bus_1, north_1 = {"vehicle": {"name": "Bus 1"}}, {"vehicle": {"name": "North Bus 1"}}
    assert {t["ocppTransactionId"]: t["priority"] for t in data["transactions"]["nodes"]} == {
        "tx-1": rule("HIGH", **bus_1),
        "tx-2": rule("HIGH", **bus_1),
        "tx-3": rule("HIGH", chargePoint={"identity": "CP-2"}),
        "tx-4": {"level": "NORMAL", "rule": None},
        "tx-5": rule("CRITICAL", chargePoint={"identity": "CP-4"}),
        "tx-6": rule("LOW", transaction={"ocppTransactionId": "tx-6"}),
        "tx-7": rule("HIGH", **north_1),
        "tx-8": rule("HIGH", **north_1),
        "tx-9": rule("LOW", vehicle={"name": "North Bus 2"}),
    }
