"""Lists: every order and filter, and pages by cursors that only we can make."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.ids import new_id
from ampyard.domain.paging import Keyset
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.unknown_identifications import UnknownState
from ampyard.domain.vehicles import VehicleKind
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.alerts import AlertRules, Alerts
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.availability import PlannedDowntimes
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.database import Session
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.energy_prices import EnergyPrices
from ampyard.repositories.faults import Faults
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.notifications import Channels, Deliveries, DeliveryItems
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.reports import Reports
from ampyard.repositories.repository import Repository
from ampyard.repositories.templates import Templates
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unknown_identifications import UnknownIdentifications
from ampyard.repositories.vehicle_groups import VehicleGroupMembers, VehicleGroups
from ampyard.repositories.vehicles import Vehicles, VehicleTypes
from ampyard.resolvers.cursors import CursorCodec
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from tests.busy import HOUR, NOW, T0, Busy
from tests.schema import alert_filters, dispatch_filters, transaction_filters
from tests.schema.graph import Graph, id_of

LISTS: dict[str, type[Repository[Any]]] = {
    "depots": Depots,
    "chargePoints": ChargePoints,
    "faults": Faults,
    "plannedDowntimes": PlannedDowntimes,
    "chargePointTemplates": Templates,
    "vehicles": Vehicles,
    "transactions": Transactions,
    "priorities": Priorities,
    "vehicleTypes": VehicleTypes,
    "vehicleGroups": VehicleGroups,
    "idTags": IdTags,
    "unknownIdentifications": UnknownIdentifications,
    "reports": Reports,
    "blocks": Blocks,
    "assignments": Assignments,
    "anomalies": Anomalies,
    "energyPrices": EnergyPrices,
    "alerts": Alerts,
    "alertRules": AlertRules,
    "notificationChannels": Channels,
    "notificationDeliveries": Deliveries,
}


@pytest.mark.parametrize(("name", "order"), [(name, order) for name, repository in LISTS.items() for order in repository.orders])
@pytest.mark.parametrize("descending", [False, True])
async def test_a_list_is_in_the_order_asked_for(graph: Graph, busy: Busy, name: str, order: str, *, descending: bool) -> None:
    column, table = LISTS[name].orders[order], LISTS[name].table
    by = [column.desc(), table.c.id.desc()] if descending else [column, table.c.id]
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        expected = [id_of(entity) for entity in await LISTS[name](snapshot).where(order_by=by) if dispatch_filters.is_there(entity)]

    direction = "DESC" if descending else "ASC"
    data = await graph.data(f"{{ {name}(orderBy: {{field: {order}, direction: {direction}}}) {{ nodes {{ id }} }} }}")

    assert [node["id"] for node in data[name]["nodes"]] == expected


@pytest.mark.parametrize("name", LISTS)
async def test_the_default_direction_is_that_of_the_list(graph: Graph, name: str) -> None:
    # "Newest first unless told" holds as well for those who name the field and not the direction.
    first = next(iter({"transactions": "STARTED_AT"}.get(name, order) for order in LISTS[name].orders))
    told = await graph.data(f"{{ {name}(orderBy: {{field: {first}}}) {{ nodes {{ id }} }} }}")
    assert told == await graph.data(f"{{ {name} {{ nodes {{ id }} }} }}")


core: Any = internal._schema.query_type


def filter_of(name: str) -> GraphQLInputObjectType | None:
    """Return the type of a list's filter, where it has one."""
    argument = core.fields[name].args.get("filter")
    type_ = get_named_type(argument.type) if argument else None
    assert type_ is None or isinstance(type_, GraphQLInputObjectType)
    return type_


Keep = Callable[[Any], bool]


def moment(at: datetime) -> str:
    return at.isoformat()


FILTERS: list[tuple[str, Callable[[dict[str, Any]], dict[str, object]], Callable[[dict[str, Any]], Keep]]] = [
    ("chargePoints", lambda e: {"depotId": id_of(e["North"])}, lambda e: lambda cp: cp.depot_id == e["North"].id),
    ("chargePoints", lambda _: {"connected": True}, lambda _: lambda cp: cp.connected),
    ("chargePoints", lambda _: {"connected": False}, lambda _: lambda cp: not cp.connected),
    ("chargePoints", lambda _: {"identityContains": "n-cp"}, lambda _: lambda cp: cp.identity.startswith("N-CP")),
    ("chargePoints", lambda _: {"identityContains": "%"}, lambda _: lambda _cp: False),
    ("chargePoints", lambda _: {"identityContains": "C_-"}, lambda _: lambda _cp: False),
    ("chargePoints", lambda e: {"powerNodeId": id_of(e["Feeder 1"])}, lambda e: lambda cp: cp.power_node_id == e["Feeder 1"].id),
    ("chargePoints", lambda _: {"states": ["IN_SERVICE", "RETIRED"]}, lambda _: lambda cp: cp.state in {"IN_SERVICE", "RETIRED"}),
    ("chargePoints", lambda _: {"states": ["PLANNED"]}, lambda _: lambda cp: cp.state == "PLANNED"),
    ("chargePoints", lambda _: {"statuses": ["FAULTED"]}, lambda _: lambda cp: cp.identity in {"CP-4", "N-CP-4"}),
    ("chargePoints", lambda _: {"faulted": True}, lambda _: lambda cp: cp.identity.removeprefix("N-") in {"CP-3", "CP-4"}),
    ("chargePoints", lambda _: {"faulted": False}, lambda _: lambda cp: cp.identity.removeprefix("N-") in {"CP-1", "CP-2"}),
    ("chargePoints", lambda _: {"vendor": "Alpina"}, lambda _: lambda cp: cp.vendor == "Alpina"),
    ("chargePoints", lambda _: {"model": "AC22"}, lambda _: lambda cp: cp.model == "AC22"),
    ("chargePoints", lambda _: {"firmwareVersion": "1.4.2"}, lambda _: lambda cp: cp.firmware_version == "1.4.2"),
    ("chargePoints", lambda _: {"firmwareVersion": "1.4"}, lambda _: lambda _cp: False),
    ("chargePoints", lambda _: {"nameContains": "n-CP"}, lambda _: lambda cp: cp.name.startswith("N-CP")),
    ("chargePoints", lambda e: {"ids": [id_of(e["CP-1"]), id_of(e["N-CP-4"])]}, lambda _: lambda cp: cp.identity in {"CP-1", "N-CP-4"}),
    ("faults", lambda _: {"open": True}, lambda _: lambda fault: fault.cleared_at is None),
    ("faults", lambda _: {"open": False}, lambda _: lambda fault: fault.cleared_at is not None),
    ("faults", lambda _: {"code": "GroundFailure"}, lambda _: lambda fault: fault.code == "GroundFailure"),
    ("faults", lambda _: {"vendorCode": "T1"}, lambda _: lambda fault: fault.vendor_code == "T1"),
    ("faults", lambda e: {"chargePointId": id_of(e["CP-4"])}, lambda e: lambda fault: fault.charge_point_id == e["CP-4"].id),
    (
        "faults",
        lambda e: {"depotId": id_of(e["North"])},
        lambda e: lambda fault: fault.charge_point_id in {e["N-CP-3"].id, e["N-CP-4"].id},
    ),
    ("plannedDowntimes", lambda _: {"cancelled": True}, lambda _: lambda one: one.cancelled_at is not None),
    ("plannedDowntimes", lambda _: {"cancelled": False}, lambda _: lambda one: one.cancelled_at is None),
    ("plannedDowntimes", lambda _: {"startsBefore": moment(NOW)}, lambda _: lambda _one: False),
    ("plannedDowntimes", lambda _: {"endsAfter": moment(NOW + HOUR)}, lambda _: lambda one: one.ends_at > NOW + HOUR),
    ("plannedDowntimes", lambda e: {"chargePointId": id_of(e["CP-1"])}, lambda e: lambda one: one.charge_point_id == e["CP-1"].id),
    ("plannedDowntimes", lambda e: {"depotId": id_of(e["North"])}, lambda e: lambda one: one.charge_point_id == e["N-CP-1"].id),
    ("vehicles", lambda e: {"depotId": id_of(e["Central"])}, lambda e: lambda v: v.depot_id == e["Central"].id),
    ("vehicles", lambda _: {"kind": "BUS"}, lambda _: lambda v: v.kind is VehicleKind.BUS),
    ("vehicles", lambda _: {"kind": "VAN"}, lambda _: lambda v: v.kind is VehicleKind.VAN),
    ("vehicles", lambda _: {"nameContains": "BUS 1"}, lambda _: lambda v: v.name in {"Bus 1", "North Bus 1"}),
    ("vehicles", lambda e: {"nameContains": "bus 1", "depotId": id_of(e["North"])}, lambda _: lambda v: v.name == "North Bus 1"),
    ("vehicles", lambda e: {"vehicleTypeId": id_of(e["eBus"])}, lambda e: lambda v: v.type_id == e["eBus"].id),
    ("vehicles", lambda e: {"vehicleGroupId": id_of(e["Line 7"])}, lambda _: lambda v: v.name in {"Bus 5", "Bus 6"}),
    ("vehicles", lambda _: {"socBelowPercent": 61.5}, lambda _: lambda v: v.soc_percent is not None and v.soc_percent < 61.5),
    ("vehicles", lambda _: {"pluggedIn": True}, lambda e: lambda v: v.id in e["plugged in"]),
    ("vehicles", lambda _: {"pluggedIn": False}, lambda e: lambda v: v.id not in e["plugged in"]),
    ("vehicles", lambda _: {"archived": True}, lambda _: lambda v: v.name == "North Bus 4"),
    ("vehicles", lambda _: {"archived": False}, lambda _: lambda v: v.name != "North Bus 4"),
    ("vehicles", lambda _: {"vinContains": "nampyard"}, lambda _: lambda v: v.vin.startswith("NAMPYARD")),
    ("vehicles", lambda _: {"licensePlateContains": "ay 1"}, lambda _: lambda v: v.license_plate.endswith("AY 1")),
    ("vehicleTypes", lambda _: {"kind": "BUS"}, lambda _: lambda _t: True),
    ("vehicleTypes", lambda _: {"archived": True}, lambda _: lambda t: t.name == "North eBus"),
    ("vehicleTypes", lambda _: {"archived": False}, lambda _: lambda t: t.name == "eBus"),
    ("vehicleTypes", lambda _: {"nameContains": "NORTH"}, lambda _: lambda t: t.name == "North eBus"),
    ("vehicleGroups", lambda _: {"nameContains": "north"}, lambda _: lambda g: g.name.startswith("North")),
    ("idTags", lambda _: {"kind": "MAC"}, lambda _: lambda t: t.kind is IdTagKind.MAC),
    ("idTags", lambda _: {"blocked": True}, lambda _: lambda t: t.value == "N-TAG-4"),
    ("idTags", lambda _: {"blocked": False}, lambda _: lambda t: t.value != "N-TAG-4"),
    ("idTags", lambda _: {"removed": True}, lambda _: lambda t: t.removed_at is not None),
    ("idTags", lambda _: {"removed": False, "kind": "MAC"}, lambda _: lambda t: t.removed_at is None and t.kind is IdTagKind.MAC),
    ("idTags", lambda _: {"valueContains": "n-tag"}, lambda _: lambda t: t.value.startswith("N-TAG")),
    ("unknownIdentifications", lambda _: {"state": "OPEN"}, lambda _: lambda u: u.state is UnknownState.OPEN),
    ("unknownIdentifications", lambda _: {"kind": "MAC"}, lambda _: lambda u: u.kind is IdTagKind.MAC),
    (
        "unknownIdentifications",
        lambda e: {"chargePointId": id_of(e["CP-3"])},
        lambda e: lambda u: u.charge_point_id == e["CP-3"].id,
    ),
    ("unknownIdentifications", lambda e: {"depotId": id_of(e["North"])}, lambda e: lambda u: u.charge_point_id == e["N-CP-3"].id),
    ("unknownIdentifications", lambda _: {"seenSince": moment(NOW)}, lambda _: lambda u: u.last_seen_at >= NOW),
    ("transactions", lambda e: {"depotId": id_of(e["North"])}, lambda e: lambda t: t.depot_id == e["North"].id),
    ("transactions", lambda e: {"chargePointId": id_of(e["CP-1"])}, lambda e: lambda t: t.charge_point_id == e["CP-1"].id),
    ("transactions", lambda e: {"vehicleId": id_of(e["Bus 1"])}, lambda e: lambda t: t.vehicle_id == e["Bus 1"].id),
    ("transactions", lambda _: {"state": "ACTIVE"}, lambda _: lambda t: t.ended_at is None),
    ("transactions", lambda _: {"state": "ENDED"}, lambda _: lambda t: t.ended_at is not None),
    ("transactions", lambda e: {"startedFrom": moment(e["tx-3"].started_at)}, lambda e: lambda t: t.started_at >= e["tx-3"].started_at),
    ("transactions", lambda e: {"startedTo": moment(e["tx-3"].started_at)}, lambda e: lambda t: t.started_at < e["tx-3"].started_at),
    (
        "transactions",
        lambda _: {"startedFrom": "2026-11-02T11:30:00+01:00"},
        lambda _: lambda t: t.started_at >= T0.replace(hour=10, minute=30),
    ),
    ("priorities", lambda _: {"inForceAt": moment(NOW)}, lambda _: lambda p: p.is_in_force(NOW)),
    ("priorities", lambda _: {"inForceAt": "2026-11-02T21:30:00Z"}, lambda _: lambda p: p.is_in_force(NOW.replace(hour=21, minute=30))),
    ("priorities", lambda e: {"vehicleGroupId": id_of(e["Line 7"])}, lambda e: lambda p: p.vehicle_group_id == e["Line 7"].id),
    (
        "priorities",
        lambda e: {"resourceGroupId": id_of(e["Group North"])},
        lambda e: lambda p: p.resource_group_id == e["Group North"].id,
    ),
    ("priorities", lambda _: {"target": "RESOURCE_GROUP"}, lambda _: lambda p: p.resource_group_id is not None),
    ("priorities", lambda _: {"level": "CRITICAL"}, lambda _: lambda p: p.level is PriorityLevel.CRITICAL),
    ("priorities", lambda _: {"recurring": True}, lambda _: lambda p: p.weekdays is not None),
    ("priorities", lambda _: {"recurring": False}, lambda _: lambda p: p.weekdays is None),
    ("priorities", lambda _: {"cleared": True}, lambda _: lambda p: p.cleared_at is not None),
    ("priorities", lambda _: {"cleared": False}, lambda _: lambda p: p.cleared_at is None),
    ("priorities", lambda _: {"authorContains": "TESTER"}, lambda _: lambda p: p.author == "user:tester"),
    ("priorities", lambda _: {"reasonContains": "critical"}, lambda _: lambda p: p.reason == "because CRITICAL"),
    ("depots", lambda _: {"nameContains": "NOR"}, lambda _: lambda d: d.name == "North"),
    ("depots", lambda _: {"nameContains": "%"}, lambda _: lambda _d: False),
    ("depots", lambda _: {"city": "berlin"}, lambda _: lambda _d: True),
    ("depots", lambda _: {"city": "Berl"}, lambda _: lambda _d: False),
    ("depots", lambda _: {"timeZone": "Europe/Berlin"}, lambda _: lambda _d: True),
    ("depots", lambda _: {"timeZone": "Europe/Paris"}, lambda _: lambda _d: False),
    ("depots", lambda _: {"archived": "EXCLUDED"}, lambda _: lambda d: d.archived_at is None),
    ("depots", lambda _: {"archived": "INCLUDED"}, lambda _: lambda _d: True),
    ("depots", lambda _: {"archived": "ONLY"}, lambda _: lambda d: d.archived_at is not None),
    ("priorities", lambda _: {"inForceAt": moment(T0)}, lambda _: lambda _p: False),
    ("priorities", lambda e: {"vehicleId": id_of(e["Bus 2"])}, lambda e: lambda p: p.vehicle_id == e["Bus 2"].id),
    ("priorities", lambda e: {"chargePointId": id_of(e["CP-1"])}, lambda e: lambda p: p.charge_point_id == e["CP-1"].id),
    ("priorities", lambda e: {"transactionId": id_of(e["tx-6"])}, lambda e: lambda p: p.transaction_id == e["tx-6"].id),
    ("priorities", lambda e: {"vehicleId": id_of(e["Bus 2"]), "inForceAt": moment(NOW)}, lambda _: lambda _p: False),
    *dispatch_filters.FILTERS,
    *transaction_filters.FILTERS,
    *alert_filters.FILTERS,
]


@pytest.fixture(scope="module")
async def known(busy: Busy) -> dict[str, Any]:
    """Some entities by the name people know them by."""
    group = (await busy.all(VehicleGroups))[0]
    return (
        {depot.name: depot for depot in await busy.all(Depots)}
        | {node.name: node for node in await busy.all(PowerNodes)}
        | {cp.identity: cp for cp in await busy.all(ChargePoints)}
        | {vehicle.name: vehicle for vehicle in await busy.all(Vehicles)}
        | {t.ocpp_transaction_id: t for t in await busy.all(Transactions)}
        | {of_type.name: of_type for of_type in await busy.all(VehicleTypes)}
        | {group.name: group for group in await busy.all(VehicleGroups)}
        | {group.name: group for group in await busy.all(ResourceGroups)}
        | {"plugged in": {t.vehicle_id for t in await busy.all(Transactions) if t.ended_at is None}}
        | {f"block {block.name}": block for block in await busy.all(Blocks)}
        | {"evse": (await busy.all(Evses))[0]}
        | {"group": group, "in group": {m.vehicle_id for m in await busy.all(VehicleGroupMembers) if m.vehicle_group_id == group.id}}
        | await _of_alerts(busy)
    )


async def _of_alerts(busy: Busy) -> dict[str, Any]:
    alert = (await busy.all(Alerts))[0]
    told = {item.delivery_id for item in await busy.all(DeliveryItems) if item.alert_id == alert.id}
    rule, channel = (await busy.all(AlertRules))[0], (await busy.all(Channels))[0]
    return {"alert": alert, "deliveries of alert": told, "alert rule": rule, "channel": channel}


@pytest.mark.parametrize(("name", "condition", "keep"), FILTERS)
async def test_a_filter_keeps_what_meets_it_and_counts_that(
    graph: Graph,
    busy: Busy,
    known: dict[str, Any],
    name: str,
    condition: Callable[[dict[str, Any]], dict[str, object]],
    keep: Callable[[dict[str, Any]], Keep],
) -> None:
    asked = f"query Q($filter: {filter_of(name)}) {{ {name}(filter: $filter) {{ totalCount nodes {{ id }} }} }}"

    data = await graph.data(asked, filter=condition(known))

    expected = {id_of(entity) for entity in await busy.all(LISTS[name]) if keep(known)(entity)}
    assert {node["id"] for node in data[name]["nodes"]} == expected
    assert data[name]["totalCount"] == len(expected)


async def test_every_filter_is_tried(known: dict[str, Any]) -> None:
    fields = {(name, field) for name in LISTS if (type_ := filter_of(name)) for field in type_.fields}
    assert {(name, field) for name, condition, _ in FILTERS for field in condition(known)} == fields


async def test_samples_are_filtered_below_their_transaction(graph: Graph, busy: Busy) -> None:
    transaction = await busy.transaction("tx-3")
    asked = """query Q($id: ID!, $filter: MeterSampleFilter) { node(id: $id) { ... on Transaction {
        meterSamples(filter: $filter) { totalCount nodes { measurand value unit location context sampledAt } } } } }"""

    async def samples(**condition: object) -> list[Any]:
        page = (await graph.data(asked, id=id_of(transaction), filter=condition))["node"]["meterSamples"]
        assert page["totalCount"] == len(page["nodes"])
        return sorted(sample["measurand"] for sample in page["nodes"])

    all_three = ["Energy.Active.Import.Register", "Power.Active.Import", "SoC"]
    at = transaction.measured_at
    assert at is not None
    assert await samples() == all_three
    assert await samples(measurands=["SoC", "Voltage"]) == ["SoC"]
    assert await samples(measurands=[]) == []
    assert await samples(sampledFrom=moment(at)) == all_three
    assert await samples(sampledTo=moment(at)) == []


# Pages and cursors


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("backward", [False, True])
async def test_following_cursors_shows_everything_once(graph: Graph, name: str, *, backward: bool) -> None:
    whole = [node["id"] for node in (await graph.data(f"{{ {name} {{ nodes {{ id }} }} }}"))[name]["nodes"]]
    size, at, more, cursor = (
        ("last", "before", "hasPreviousPage", "startCursor") if backward else ("first", "after", "hasNextPage", "endCursor")
    )
    asked = f"query Q($at: String) {{ {name}({size}: 2, {at}: $at) {{ nodes {{ id }} pageInfo {{ {more} {cursor} }} }} }}"
    seen: list[str] = []
    position, again = None, True
    while again:
        page = (await graph.data(asked, at=position))[name]
        ids = [node["id"] for node in page["nodes"]]
        seen = [*ids, *seen] if backward else [*seen, *ids]
        position, again = page["pageInfo"][cursor], page["pageInfo"][more]

    assert seen == whole
    assert len(set(seen)) == len(seen)


async def cursor_of(graph: Graph, listing: str) -> str:
    name = listing.split("(", maxsplit=1)[0]
    return str((await graph.data(f"{{ {listing} {{ edges {{ cursor }} }} }}"))[name]["edges"][0]["cursor"])


@pytest.mark.parametrize("argument", ["after", "before"])
async def test_a_cursor_that_is_not_ours_is_refused(graph: Graph, argument: str) -> None:
    ours = await cursor_of(graph, "transactions")
    raw = bytearray(base64.urlsafe_b64decode(ours + "=" * (-len(ours) % 4)))
    raw[-3] ^= 1
    elsewhere = CursorCodec(b"another key").encode("transactions", "STARTED_AT DESC", Keyset(T0, new_id()))
    for forged in ("!", "nonsense", "ÄÖÜ", ours[:-4], ours[4:], base64.urlsafe_b64encode(raw).decode(), elsewhere):
        ((code, message),) = await graph.errors(f"query Q($at: String) {{ transactions({argument}: $at) {{ nodes {{ id }} }} }}", at=forged)
        assert code == "BAD_USER_INPUT"
        assert message == f"{argument}: this is not a cursor; give a `cursor`, `endCursor` or `startCursor` of an earlier page."


async def test_a_cursor_of_another_list_or_order_is_refused(graph: Graph, busy: Busy) -> None:
    asked = "query Q($at: String) { transactions(after: $at) { nodes { id } } }"

    assert await graph.errors(asked, at=await cursor_of(graph, "vehicles")) == [
        ("BAD_USER_INPUT", "after: this cursor is of the list vehicles by NAME ASC, not of transactions by STARTED_AT DESC.")
    ]
    for order in ("{field: ENERGY}", "{field: STARTED_AT, direction: ASC}"):
        ((code, message),) = await graph.errors(asked, at=await cursor_of(graph, f"transactions(orderBy: {order})"))
        assert code == "BAD_USER_INPUT"
        assert message.endswith("not of transactions by STARTED_AT DESC.")
    # The same order below a parent is another list, and so is the public one.
    depot = (await busy.all(Depots))[0]
    below = f'{{ node(id: "{id_of(depot)}") {{ ... on Depot {{ transactions {{ pageInfo {{ endCursor }} }} }} }} }}'
    assert await graph.codes(asked, at=(await graph.data(below))["node"]["transactions"]["pageInfo"]["endCursor"]) == ["BAD_USER_INPUT"]
    outside = await cursor_of(Graph(graph.backend, graph.principal, public), "transactions")
    assert await graph.codes(asked, at=outside) == ["BAD_USER_INPUT"]


async def test_page_sizes_have_bounds(graph: Graph) -> None:
    assert await graph.errors("{ vehicles(first: 201) { nodes { id } } }") == [
        ("BAD_USER_INPUT", "first: 201 is out of range; give 0 to 200.")
    ]
    assert await graph.errors("{ vehicles(last: -1) { nodes { id } } }") == [("BAD_USER_INPUT", "last: -1 is out of range; give 0 to 200.")]
    assert await graph.errors("{ vehicles(first: 1, last: 1) { nodes { id } } }") == [("BAD_USER_INPUT", "Give first or last, not both.")]
    whole = await graph.data("{ vehicles(first: 200) { nodes { id } } }")
    assert len(whole["vehicles"]["nodes"]) == 12
    assert await graph.data("{ vehicles(first: 0) { nodes { id } totalCount pageInfo { hasNextPage } } }") == {
        "vehicles": {"nodes": [], "totalCount": 12, "pageInfo": {"hasNextPage": True}}
    }


@pytest.mark.parametrize(
    "time", ["2026-11-02T08:00:00", "2026-11-02", "yesterday", "", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
async def test_a_time_without_an_offset_or_beyond_the_calendar_is_refused(graph: Graph, time: str) -> None:
    asked = "query Q($at: DateTime) { transactions(filter: {startedFrom: $at}) { nodes { id } } }"
    ((code, message),) = await graph.errors(asked, at=time)
    assert code == "BAD_USER_INPUT"
    assert "give date, time and offset, such as 2026-11-02T08:00:00Z" in message


async def test_text_that_cannot_be_kept_is_refused_where_it_is_given(graph: Graph) -> None:
    asked = "query Q($text: String) { vehicles(filter: {nameContains: $text}) { nodes { id } } }"
    assert await graph.errors(asked, text="Bus\0") == [("BAD_USER_INPUT", "Text must not contain the character U+0000.")]


@pytest.mark.parametrize(("selection", "limit"), [("nodes { id }", 2), ("pageInfo { hasNextPage } nodes { id }", 3)])
async def test_a_row_more_is_read_only_where_it_is_asked_whether_there_is_more(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, selection: str, limit: int
) -> None:
    limits: list[Any] = []
    records = Session.records

    async def note(session: Session, asked: Any, values: Any = None, parameters: Any = ()) -> Any:
        limits.append((values or {}).get("limit"))
        return await records(session, asked, values, parameters)

    monkeypatch.setattr(Session, "records", note)
    await graph.schema.execute(f"{{ chargePoints(first: 2) {{ {selection} }} }}", {}, graph.context())

    assert limits == [limit]
