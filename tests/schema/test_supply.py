"""Depots and their supply through the graph: what is changed is shown, refusals say where, watchers see it, and history is bounded."""

from datetime import timedelta
from typing import Any

import pytest

from ampyard.domain.access import Role, Scope
from ampyard.domain.depots import Depot
from ampyard.domain.supply import PowerNode
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.schema.public import schema as public
from ampyard.services import depots
from ampyard.services.backend import Backend
from tests.busy import NOW, Busy, busy_tenant
from tests.fleet import user
from tests.grants import confined, group_of
from tests.schema.graph import Graph, id_of
from tests.schema.live import relayed, subscribed

HOUR = timedelta(hours=1)
NEW_DEPOT = {
    "name": "South",
    "timeZone": "Europe/Madrid",
    "address": "Calle 1",
    "postalCode": "28001",
    "city": "Madrid",
    "countryCode": "ESP",
    "latitude": 40.4,
    "longitude": -3.7,
}
HOURS = """openingTimes { twentyfourseven regularHours { weekday periodBegin periodEnd }
    exceptionalOpenings { periodBegin periodEnd } exceptionalClosings { periodBegin periodEnd } } isOpen"""
ERRORS = "errors { __typename code message path }"


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    """A tenant of this module's own, which its tests change."""
    return await busy_tenant(backend)


@pytest.fixture
def own(tenant: Busy) -> Graph:
    return Graph(tenant.backend, user(tenant.tenant_id))


async def node_of(tenant: Busy, name: str) -> PowerNode:
    return next(node for node in await tenant.all(PowerNodes) if node.name == name)


async def depot_of(tenant: Busy, name: str) -> Depot:
    return next(depot for depot in await tenant.all(Depots) if depot.name == name)


def change(name: str, input_type: str, selection: str) -> str:
    return f"mutation M($input: {input_type}!) {{ {name}(input: $input) {{ {selection} {ERRORS} }} }}"


async def do(graph: Graph, mutation: str, input_type: str, selection: str, /, **given: Any) -> Any:
    return (await graph.data(change(mutation, input_type, selection), input=given))[mutation]


async def test_a_depot_lives_through_the_graph(own: Graph) -> None:
    week = [{"weekday": "MONDAY", "periodBegin": "06:00", "periodEnd": "24:00"}]
    closing = [{"periodBegin": "2026-12-24T00:00:00+01:00", "periodEnd": "2026-12-27T00:00:00+01:00"}]
    made = await do(
        own,
        "createDepot",
        "CreateDepotInput",
        f"depot {{ id name timeZone archivedAt {HOURS} }}",
        **NEW_DEPOT,
        openingTimes={"regularHours": week, "exceptionalClosings": closing},
    )
    depot_id = made["depot"].pop("id")
    assert made == {
        "depot": {
            "name": "South",
            "timeZone": "Europe/Madrid",
            "archivedAt": None,
            "openingTimes": {
                "twentyfourseven": False,
                "regularHours": week,
                "exceptionalOpenings": [],
                "exceptionalClosings": [{"periodBegin": "2026-12-23T23:00:00+00:00", "periodEnd": "2026-12-26T23:00:00+00:00"}],
            },
            "isOpen": True,  # it is Monday, two in the afternoon
        },
        "errors": [],
    }

    edited = await do(
        own, "editDepot", "EditDepotInput", "depot { city openingTimes { twentyfourseven } isOpen }", depotId=depot_id, openingTimes=None
    )
    assert edited == {"depot": {"city": "Madrid", "openingTimes": None, "isOpen": None}, "errors": []}

    archived = await do(own, "archiveDepot", "ArchiveDepotInput", "depot { archivedAt }", depotId=depot_id)
    assert archived["depot"] == {"archivedAt": NOW.isoformat()}
    names = {
        which: [d["name"] for d in (await own.data(asked))["depots"]["nodes"]]
        for which, asked in {
            "all": "{ depots { nodes { name } totalCount } }",
            "filtered": '{ depots(filter: {city: "madrid"}) { nodes { name } } }',
            "archived": "{ depots(filter: {archived: ONLY}) { nodes { name } } }",
            "both": "{ depots(filter: {archived: INCLUDED}, orderBy: {field: CITY, direction: DESC}) { nodes { name } } }",
        }.items()
    }
    assert names == {"all": ["Central", "North"], "filtered": [], "archived": ["South"], "both": ["South", "North", "Central"]}
    shown = await Graph(own.backend, own.principal, public).data("{ depots { totalCount nodes { name } } }")
    assert shown["depots"] == {"totalCount": 2, "nodes": [{"name": "Central"}, {"name": "North"}]}
    # Its history stays in reach.
    assert (await own.data("query Q($id: ID!) { depot(id: $id) { name } }", id=depot_id))["depot"] == {"name": "South"}

    restored = await do(own, "restoreDepot", "RestoreDepotInput", "depot { archivedAt }", depotId=depot_id)
    assert restored["depot"] == {"archivedAt": None}
    await do(own, "archiveDepot", "ArchiveDepotInput", "depot { id }", depotId=depot_id)


async def test_all_that_is_wrong_is_told_with_where_and_nothing_is_kept(own: Graph, tenant: Busy) -> None:
    before = await tenant.everything()
    central, grid = await depot_of(tenant, "Central"), await node_of(tenant, "Grid")
    asked: list[tuple[str, str, str, dict[str, Any], list[tuple[str, list[str]]]]] = [
        (
            "createDepot",
            "CreateDepotInput",
            "depot { id }",
            NEW_DEPOT | {"name": "Elsewhere", "timeZone": "Madrid", "countryCode": "ES"},
            [("ValidationError", ["input", "timeZone"]), ("ValidationError", ["input", "countryCode"])],
        ),
        ("createDepot", "CreateDepotInput", "depot { id }", NEW_DEPOT | {"name": "North"}, [("ConflictError", ["input", "name"])]),
        (
            "editDepot",
            "EditDepotInput",
            "depot { id }",
            {
                "depotId": id_of(central),
                "openingTimes": {"regularHours": [{"weekday": "MONDAY", "periodBegin": "6:00", "periodEnd": "7:00"}]},
            },
            [("ValidationError", ["input", "openingTimes", "regularHours", "0", "periodBegin"])],
        ),
        (
            "editDepot",
            "EditDepotInput",
            "depot { id }",
            {"depotId": id_of(central), "name": None},
            [("ValidationError", ["input", "name"])],
        ),
        ("archiveDepot", "ArchiveDepotInput", "depot { id }", {"depotId": id_of(central)}, [("ConflictError", ["input", "depotId"])]),
        (
            "createPowerNode",
            "CreatePowerNodeInput",
            "powerNode { id }",
            {"depotId": id_of(central), "kind": "PANEL", "name": "Panel", "limitKw": 1.0},
            [("ConflictError", ["input", "parentId"])],
        ),
        (
            "editPowerNode",
            "EditPowerNodeInput",
            "powerNode { id }",
            {"powerNodeId": id_of(grid), "limitKw": 10.0},
            [("ValidationError", ["input"])],
        ),
        (
            "setWeeklyLimits",
            "SetWeeklyLimitsInput",
            "powerNode { id }",
            {"powerNodeId": id_of(grid), "weeklyLimits": [{"weekdays": ["FRIDAY"], "begin": "22:00", "end": "06:00", "limitKw": 100.0}]},
            [("ValidationError", ["input", "weeklyLimits", "0"])],
        ),
        (
            "reportSiteMeter",
            "ReportSiteMeterInput",
            "added",
            {"readings": [{"powerNodeId": id_of(grid), "measuredAt": (NOW + HOUR).isoformat(), "kw": 1.0}]},
            [("ValidationError", ["input", "readings", "0", "measuredAt"])],
        ),
    ]
    for name, input_type, selection, given, expected in asked:
        payload = await do(own, name, input_type, selection, **given)
        assert [(error["__typename"], error["path"]) for error in payload["errors"]] == expected, name
    assert await tenant.everything() == before


async def test_a_change_that_is_sent_again_is_made_once(own: Graph, tenant: Busy) -> None:
    north = await depot_of(tenant, "North")
    root = await node_of(tenant, "North Grid")
    given = {"depotId": id_of(north), "parentId": id_of(root), "kind": "PANEL", "name": "Once", "limitA": 16.0, "idempotencyKey": "once"}
    answers = [await do(own, "createPowerNode", "CreatePowerNodeInput", "powerNode { id limitKw }", **given) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["powerNode"]["limitKw"] == pytest.approx(11.04)
    assert len([node for node in await tenant.all(PowerNodes) if node.name == "Once"]) == 1
    removed = await do(own, "removePowerNode", "RemovePowerNodeInput", "depot { name }", powerNodeId=answers[0]["powerNode"]["id"])
    assert removed == {"depot": {"name": "North"}, "errors": []}


LIMITS = """query Q($id: ID!, $evening: DateTime, $later: DateTime) { powerNode(id: $id) {
    limitKw limitA effectiveLimitKw effectiveLimitReason
    now: limitAt { limitKw source exception { reason powerNode { name } } }
    evening: limitAt(at: $evening) { limitKw source explanation exception { id } } later: limitAt(at: $later) { limitKw source } } }"""


async def test_the_limit_that_counts_is_told_for_now_and_for_any_moment(own: Graph, tenant: Busy) -> None:
    grid = await node_of(tenant, "Grid")
    # 150 kW for an hour from now on, 100 kW for two days: the stricter counts, then Tuesday's 120 kW (150 A make 103.5), then 200 kW.
    shown = await own.data(LIMITS, id=id_of(grid), evening="2026-11-03T18:00:00+01:00", later="2026-11-10T18:00:00+01:00")
    assert shown["powerNode"] == {
        "limitKw": 200.0,
        "limitA": 300.0,
        "effectiveLimitKw": 100.0,
        "effectiveLimitReason": (
            "An exception: 100 kW and 250 A a phase, 172.5 kW until 2026-11-04T13:00:00+00:00 (The grid operator asks for it.)."
        ),
        "now": {
            "limitKw": 100.0,
            "source": "EXCEPTION",
            "exception": {"reason": "The grid operator asks for it.", "powerNode": {"name": "Grid"}},
        },
        "evening": {
            "limitKw": 100.0,
            "source": "EXCEPTION",
            "explanation": shown["powerNode"]["effectiveLimitReason"],
            "exception": {"id": shown["powerNode"]["evening"]["exception"]["id"]},
        },
        "later": {"limitKw": pytest.approx(103.5), "source": "WEEKLY"},
    }


async def test_weekly_limits_and_exceptions_are_changed_and_listed(own: Graph, tenant: Busy) -> None:
    panel = await node_of(tenant, "North Spare panel")
    limits = [{"weekdays": ["SUNDAY", "SATURDAY", "SUNDAY"], "begin": "00:00", "end": "24:00", "limitKw": 6.0}]
    set_ = await do(
        own,
        "setWeeklyLimits",
        "SetWeeklyLimitsInput",
        "powerNode { weeklyLimits { weekday begin end limitKw limitA } }",
        powerNodeId=id_of(panel),
        weeklyLimits=limits,
    )
    assert set_["powerNode"]["weeklyLimits"] == [
        {"weekday": day, "begin": "00:00", "end": "24:00", "limitKw": 6.0, "limitA": None} for day in ("SATURDAY", "SUNDAY")
    ]
    exception = "limitException { id validFrom validUntil limitKw limitA reason author powerNode { effectiveLimitKw } }"
    added = await do(
        own,
        "addLimitException",
        "AddLimitExceptionInput",
        exception,
        powerNodeId=id_of(panel),
        validUntil=(NOW + HOUR).isoformat(),
        limitA=10.0,
        reason="Works",
    )
    rule = added["limitException"]
    assert (rule["validFrom"], rule["author"], rule["powerNode"]["effectiveLimitKw"]) == (
        NOW.isoformat(),
        "user:tester",
        pytest.approx(6.9),
    )
    listed = """query Q($id: ID!, $at: DateTime, $after: DateTime) { powerNode(id: $id) {
        now: limitExceptions(filter: {inForceAt: $at}) { totalCount nodes { id } }
        ahead: limitExceptions(filter: {endsAfter: $after}) { totalCount } } }"""
    asked = await own.data(listed, id=id_of(panel), at=NOW.isoformat(), after=(NOW + HOUR).isoformat())
    assert asked["powerNode"] == {"now": {"totalCount": 1, "nodes": [{"id": rule["id"]}]}, "ahead": {"totalCount": 0}}
    removed = await do(
        own,
        "removeLimitException",
        "RemoveLimitExceptionInput",
        "powerNode { limitExceptions { totalCount } }",
        limitExceptionId=rule["id"],
    )
    assert removed == {"powerNode": {"limitExceptions": {"totalCount": 0}}, "errors": []}


async def test_what_flows_that_is_not_ours_is_told_with_its_source(own: Graph, tenant: Busy) -> None:
    grid = await node_of(tenant, "North Grid")
    node = "name unmanaged { kw source measuredAt } siteMeter { kw l1A l3A highestKw } power { measuredKw unmanagedKw limitKw utilisation }"
    told = await do(
        own,
        "reportSiteMeter",
        "ReportSiteMeterInput",
        f"added powerNodes {{ {node} }}",
        readings=[{"powerNodeId": id_of(grid), "measuredAt": NOW.isoformat(), "kw": 8.0, "l1A": 20.0}],
    )
    assert told["added"] == 1
    # 20 A on one phase count for all three, as the node is limited in amperes: 13.8 kW; 5 kW are assumed at the panel below.
    assert told["powerNodes"] == [
        {
            "name": "North Grid",
            "unmanaged": {"kw": pytest.approx(13.8), "source": "METER", "measuredAt": NOW.isoformat()},
            "siteMeter": {"kw": 8.0, "l1A": 20.0, "l3A": None, "highestKw": 12.0},
            "power": {"measuredKw": 37.0, "unmanagedKw": pytest.approx(18.8), "limitKw": 100.0, "utilisation": pytest.approx(0.558)},
        }
    ]


async def test_the_history_of_a_nodes_load_is_had_by_period_and_bounded(own: Graph, tenant: Busy) -> None:
    grid = await node_of(tenant, "Grid")
    asked = """query Q($id: ID!, $from: DateTime, $to: DateTime) { powerNode(id: $id) { loadHistory(from: $from, to: $to) {
        bucketAt samples measuredAvgKw measuredMaxKw unmanagedAvgKw allocatedAvgKw limitKw } } }"""
    everything = (await own.data(asked, id=id_of(grid)))["powerNode"]["loadHistory"]
    assert [(load["bucketAt"], load["measuredAvgKw"], load["limitKw"]) for load in everything] == [
        ((NOW - (12 - n) * timedelta(minutes=5)).isoformat(), 40.0 + n, 150.0) for n in range(12)
    ]
    some = await own.data(asked, **{"id": id_of(grid), "from": (NOW - HOUR / 2).isoformat(), "to": (NOW - HOUR / 4).isoformat()})
    assert [load["measuredAvgKw"] for load in some["powerNode"]["loadHistory"]] == [46.0, 47.0, 48.0]
    for begin, end in ((NOW - timedelta(days=8), NOW), (NOW, NOW), (NOW, NOW - HOUR)):
        ((code, message),) = await own.errors(asked, **{"id": id_of(grid), "from": begin.isoformat(), "to": end.isoformat()})
        assert (code, message.rpartition(": ")[2]) == ("BAD_USER_INPUT", "give a period of at most 7 days.")


UPDATED = "subscription S($depot: ID) { depotUpdated(depotId: $depot) { name city powerNodes { name } } }"


async def test_who_watches_a_depot_sees_changes_of_it_and_of_its_nodes(own: Graph, tenant: Busy) -> None:
    north, root = await depot_of(tenant, "North"), await node_of(tenant, "North Grid")
    async with subscribed(own, UPDATED, depot=id_of(north)) as live:
        await do(own, "editDepot", "EditDepotInput", "depot { id }", depotId=id_of(await depot_of(tenant, "Central")), city="Berlin-Mitte")
        await do(own, "editDepot", "EditDepotInput", "depot { id }", depotId=id_of(north), city="Hamburg")
        await relayed(tenant.backend)
        assert (await live.next())["depotUpdated"]["city"] == "Hamburg"
        await do(own, "editPowerNode", "EditPowerNodeInput", "powerNode { id }", powerNodeId=id_of(root), name="North Main")
        await relayed(tenant.backend)
        assert {"name": "North Main"} in (await live.next())["depotUpdated"]["powerNodes"]
        await do(own, "editPowerNode", "EditPowerNodeInput", "powerNode { id }", powerNodeId=id_of(root), name="North Grid")


POWER = "subscription S($depot: ID!) { depotPower(depotId: $depot) { depot { name } nodes { name power { limitKw utilisation } } } }"


async def test_a_depot_out_of_reach_is_not_there_to_be_watched(own: Graph, tenant: Busy) -> None:
    north, central = await depot_of(tenant, "North"), await depot_of(tenant, "Central")
    group = await group_of(tenant.backend, tenant.tenant_id, depot_id=north.id)
    somebody = Graph(tenant.backend, confined(tenant.tenant_id, group, role=Role.VIEWER))
    assert await somebody.errors(POWER, depot=id_of(central)) == [("NOT_FOUND", "There is no such depot.")]
    async with subscribed(somebody, POWER, depot=id_of(north)) as live:
        shown = (await live.next())["depotPower"]
        assert shown["depot"] == {"name": "North"}
        assert {node["name"] for node in shown["nodes"]} == {"North Grid", "North Feeder 1", "North Feeder 2", "North Spare panel"}
    async with subscribed(somebody, UPDATED) as live:
        for depot in (central, north):
            await depots.edit_depot(tenant.backend, user(tenant.tenant_id), depot.id, address=f"{depot.name} 5")
        await relayed(tenant.backend)
        assert (await live.next())["depotUpdated"]["name"] == "North"
        assert await live.quiet()


async def test_meters_are_told_by_who_may_write_telemetry_alone(own: Graph, tenant: Busy) -> None:
    grid = await node_of(tenant, "Grid")
    telematics = own.with_scopes(Scope.TELEMETRY_WRITE)
    readings = [{"powerNodeId": id_of(grid), "measuredAt": (NOW - HOUR).isoformat(), "kw": 3.0}]
    # What it reports it may not read.
    told = await telematics.data(change("reportSiteMeter", "ReportSiteMeterInput", "added"), input={"readings": readings})
    assert told["reportSiteMeter"] == {"added": 1, "errors": []}


async def test_all_that_is_told_of_nodes_costs_a_statement_each_however_many_there_are(own: Graph, statements: list[str]) -> None:
    asked = """query Q($first: Int) { depots(first: $first) { nodes { isOpen openingTimes { twentyfourseven } powerNodes {
        effectiveLimitKw effectiveLimitReason limitAt { limitKw exception { reason } } unmanaged { kw } siteMeter { kw }
        weeklyLimits { begin } power { utilisation } loadHistory { measuredAvgKw } limitExceptions { nodes { reason } } } } } }"""
    counts = {}
    for first in (1, 2):
        statements.clear()
        await own.data(asked, first=first)
        counts[first] = len(statements)
    # Depots, nodes, what decides limits and unmanaged loads, power, history, exceptions, and the exception that counts.
    assert counts == {1: 7, 2: 7}
