"""Dispatch on the wire: the board as the day was told, changes as data, what is refused and why, and who is told of it."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.events import EventKind
from ampyard.domain.readiness import Risk
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.depots import Depots
from ampyard.repositories.readiness import ReadinessRecords
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.schema.public import schema as public
from ampyard.services import readiness
from ampyard.services.backend import Backend
from tests.busy import NOW, Busy, announce, busy_tenant
from tests.fleet import user
from tests.schema.graph import Graph, id_of
from tests.schema.live import relayed, subscribed

BOARD = """query Q($day: Date) { depots { nodes { name dispatchBoard(day: $day) { day
    runs { departsAt returnsAt block { name } assignment { vehicle { name } pluggedInto { ocppTransactionId } } }
    unassigned { block { name } } freeVehicles { name } } } } }"""
TOMORROW = "2026-11-03"


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    """A tenant of this module's own, which its tests change."""
    return await busy_tenant(backend)


@pytest.fixture
def own(tenant: Busy) -> Graph:
    return Graph(tenant.backend, user(tenant.tenant_id))


async def ids(tenant: Busy) -> dict[str, str]:
    """Return the global ids of depots, vehicles and blocks by name."""
    named: list[Any] = [*await tenant.all(Depots), *await tenant.all(Vehicles), *await tenant.all(Blocks)]
    return {one.name: id_of(one) for one in named}


async def test_the_board_shows_the_day_as_it_was_told(graph: Graph) -> None:
    data = await graph.data(BOARD)

    central = next(depot for depot in data["depots"]["nodes"] if depot["name"] == "Central")["dispatchBoard"]
    assert central == {
        "day": "2026-11-02",
        "runs": [
            {
                "departsAt": "2026-11-02T09:00:00+00:00",
                "returnsAt": "2026-11-02T12:00:00+00:00",
                "block": {"name": "12"},
                "assignment": {"vehicle": {"name": "Bus 1"}, "pluggedInto": {"ocppTransactionId": "tx-2"}},
            },
            {
                "departsAt": "2026-11-02T17:00:00+00:00",
                "returnsAt": "2026-11-02T20:00:00+00:00",
                "block": {"name": "13"},
                "assignment": {"vehicle": {"name": "Bus 2"}, "pluggedInto": {"ocppTransactionId": "tx-3"}},
            },
            {
                "departsAt": "2026-11-02T19:00:00+00:00",
                "returnsAt": "2026-11-02T22:00:00+00:00",
                "block": {"name": "14"},
                "assignment": {"vehicle": {"name": "Bus 1"}, "pluggedInto": {"ocppTransactionId": "tx-2"}},
            },
            {
                "departsAt": "2026-11-02T19:00:00+00:00",
                "returnsAt": "2026-11-02T22:00:00+00:00",
                "block": {"name": "16"},
                "assignment": None,
            },
        ],
        "unassigned": [{"block": {"name": "16"}}],
        "freeVehicles": [{"name": f"Bus {n}"} for n in range(3, 7)],
    }


async def test_the_board_of_another_day_has_what_runs_then(graph: Graph) -> None:
    boards = {depot["name"]: depot["dispatchBoard"] for depot in (await graph.data(BOARD, day=TOMORROW))["depots"]["nodes"]}

    assert [run["block"]["name"] for run in boards["North"]["unassigned"]] == ["N12", "N13", "N14", "N16"]
    assert [run["assignment"] for run in boards["North"]["runs"]] == [None] * 4
    assert len(boards["Central"]["freeVehicles"]) == 6
    # The day before the first one, and the day after the last one of two of them.
    before, after = [await graph.data(BOARD, day=day) for day in ("2026-11-01", "2027-01-01")]
    assert [depot["dispatchBoard"]["runs"] for depot in before["depots"]["nodes"]] == [[], []]
    assert [len(depot["dispatchBoard"]["runs"]) for depot in after["depots"]["nodes"]] == [3, 3]
    assert await graph.errors(BOARD, day="1999-12-31") == [
        ("BAD_USER_INPUT", "day: 1999-12-31 is out of range; give 2000-01-01 to 2100-12-31.")
    ]


async def test_a_board_with_readiness_costs_the_same_for_any_number_of_depots_and_runs(graph: Graph, statements: list[str]) -> None:
    asked = """query Q($first: Int) { depots(first: $first) { nodes { dispatchBoard {
        runs { block { name } assignment { vehicle { name } pluggedInto { evse { number } } readiness { risk readyAt shortfallKwh } } }
        freeVehicles { name } } } } }"""
    counts = []
    for first in (1, 2):
        statements.clear()
        await graph.data(asked, first=first)
        counts.append(len(statements))
    # Depots; four of the board; vehicles, transactions and their EVSEs; eight of readiness.
    assert counts == [16, 16]


async def test_readiness_is_what_the_service_foresees(graph: Graph, busy: Busy) -> None:
    assignments = await busy.all(Assignments)
    async with busy.backend.snapshot(graph.principal) as snapshot:
        expected = await readiness.foresee(snapshot, assignments, now=NOW)

    asked = """{ assignments { nodes { id readiness { at risk reason neededKwh reserveKwh expectedKwh expectedSocPercent readyAt
        shortfallKwh assignment { id } } } } }"""
    shown = {node["id"]: node["readiness"] for node in (await graph.data(asked))["assignments"]["nodes"]}

    there = [one for one in assignments if one.removed_at is None]
    assert {one.id for one in there if shown[id_of(one)] is not None} == expected.keys()
    for one in there:
        if one.id in expected:
            found = expected[one.id]
            assert shown[id_of(one)] == {
                "at": NOW.isoformat(),
                "risk": found.risk.value,
                "reason": found.reason,
                "neededKwh": found.needed_kwh,
                "reserveKwh": found.reserve_kwh,
                "expectedKwh": found.expected_kwh,
                "expectedSocPercent": found.expected_soc_percent,
                "readyAt": found.ready_at and found.ready_at.isoformat(),
                "shortfallKwh": found.shortfall_kwh,
                "assignment": {"id": id_of(one)},
            }


async def test_a_departure_is_shown_with_what_was_kept_of_it(graph: Graph, busy: Busy) -> None:
    asked = "{ assignments { nodes { id departureRecord { id atDeparture } } } }"
    shown = {node["id"]: node["departureRecord"] for node in (await graph.data(asked))["assignments"]["nodes"]}
    left = [record for record in await busy.all(ReadinessRecords) if record.at_departure]
    named = {id_of(one): one.id for one in await busy.all(Assignments)}
    expected = {record.assignment_id: {"id": id_of(record), "atDeparture": True} for record in left}
    assert shown == {global_id: expected.get(named[global_id]) for global_id in shown}
    assert len(expected) == 2


async def test_who_will_not_be_ready_is_listed(graph: Graph, busy: Busy) -> None:
    asked = """query Q($depot: ID, $until: DateTime!) { notReady(depotId: $depot, until: $until) {
        risk assignment { id vehicle { name } } } }"""
    async with busy.backend.snapshot(graph.principal) as snapshot:
        expected = await readiness.not_ready(snapshot, now=NOW, until=NOW + timedelta(days=1))
    assert expected

    shown = (await graph.data(asked, until=(NOW + timedelta(days=1)).isoformat()))["notReady"]
    assert [(one["risk"], one["assignment"]["id"]) for one in shown] == [
        (found.risk.value, id_of(next(one for one in await busy.all(Assignments) if one.id == found.assignment_id))) for found in expected
    ]
    assert {one["risk"] for one in shown} <= {Risk.AT_RISK, Risk.NOT_READY}
    depots = {depot.name: id_of(depot) for depot in await busy.all(Depots)}
    of_depots = [
        one
        for name in ("Central", "North")
        for one in (await graph.data(asked, depot=depots[name], until=(NOW + timedelta(days=1)).isoformat()))["notReady"]
    ]
    assert sorted(one["assignment"]["id"] for one in of_depots) == sorted(one["assignment"]["id"] for one in shown)
    for until in (NOW, NOW + timedelta(days=10)):
        ((code, message),) = await graph.errors(asked, until=until.isoformat())
        assert (code, message.split(";")[0]) == ("BAD_USER_INPUT", f"until: {until.isoformat()} is out of range")


CREATE = """mutation M($input: CreateBlockInput!) { createBlock(input: $input) { errors { __typename code path message }
    block { id name departureDepot { name } departureTime departureTimeZone returnDepot { name } returnDaysLater weekdays
            distanceKm energyKwh lastDay enabled } } }"""


async def test_a_block_is_made_edited_and_removed(own: Graph, tenant: Busy) -> None:
    named = await ids(tenant)
    new = {
        "name": "21",
        "departureDepotId": named["Central"],
        "departureTime": "22:15",
        "returnDepotId": named["North"],
        "returnTime": "05:00",
        "returnDaysLater": 1,
        "weekdays": ["SUNDAY", "MONDAY"],
        "firstDay": "2026-11-02",
        "distanceKm": 90.0,
    }
    made = (await own.data(CREATE, input=new))["createBlock"]
    block_id = made["block"].pop("id")
    assert made == {
        "errors": [],
        "block": {
            "name": "21",
            "departureDepot": {"name": "Central"},
            "departureTime": "22:15:00",
            "departureTimeZone": "Europe/Berlin",
            "returnDepot": {"name": "North"},
            "returnDaysLater": 1,
            "weekdays": ["MONDAY", "SUNDAY"],
            "distanceKm": 90.0,
            "energyKwh": None,
            "lastDay": None,
            "enabled": True,
        },
    }
    edited = await own.data(
        "mutation M($input: EditBlockInput!) { editBlock(input: $input) { errors { code } block { name energyKwh distanceKm note } } }",
        input={"blockId": block_id, "energyKwh": 66.0, "note": "Line 9"},
    )
    assert edited["editBlock"] == {"errors": [], "block": {"name": "21", "energyKwh": 66.0, "distanceKm": None, "note": "Line 9"}}
    removed = await own.data(
        "mutation M($input: RemoveBlockInput!) { removeBlock(input: $input) { block { removedAt } } }", input={"blockId": block_id}
    )
    assert removed["removeBlock"] == {"block": {"removedAt": NOW.isoformat()}}


async def test_everything_wrong_with_a_block_is_told_as_data(own: Graph, tenant: Busy) -> None:
    named = await ids(tenant)
    before = await tenant.everything()
    wrong = {
        "name": "",
        "departureDepotId": named["Central"],
        "departureTime": "10:00",
        "returnTime": "09:00",
        "weekdays": ["MONDAY"],
        "firstDay": "2026-11-02",
    }
    answer = (await own.data(CREATE, input=wrong))["createBlock"]
    assert answer["block"] is None
    assert [(error["__typename"], error["path"]) for error in answer["errors"]] == [
        ("ValidationError", ["input", "name"]),
        ("ValidationError", ["input", "distanceKm"]),
        ("ValidationError", ["input", "returnTime"]),
    ]
    assert await tenant.everything() == before


async def test_a_vehicle_is_assigned_changed_and_taken_off(own: Graph, tenant: Busy) -> None:
    named = await ids(tenant)
    shown = "{ errors { code path message } assignment { id day departsAt vehicle { name } block { name } depot { name } removedAt } }"
    assign = f"mutation M($input: AssignVehicleInput!) {{ assignVehicle(input: $input) {shown} }}"
    given = {"blockId": named["12"], "vehicleId": named["Bus 5"], "day": TOMORROW}

    made = (await own.data(assign, input=given | {"idempotencyKey": "tomorrow"}))["assignVehicle"]
    again = (await own.data(assign, input=given | {"idempotencyKey": "tomorrow"}))["assignVehicle"]
    twice = (await own.data(assign, input=given))["assignVehicle"]
    assert made == again
    assignment_id = made["assignment"].pop("id")
    assert made["assignment"] == {
        "day": TOMORROW,
        "departsAt": "2026-11-03T09:00:00+00:00",
        "vehicle": {"name": "Bus 5"},
        "block": {"name": "12"},
        "depot": {"name": "Central"},
        "removedAt": None,
    }
    assert [(error["code"], error["path"]) for error in twice["errors"]] == [("CONFLICT", ["input", "blockId"])]

    change = f"mutation M($input: ChangeAssignmentInput!) {{ changeAssignment(input: $input) {shown} }}"
    changed = await own.data(change, input={"assignmentId": assignment_id, "vehicleId": named["Bus 6"]})
    assert changed["changeAssignment"]["assignment"]["vehicle"] == {"name": "Bus 6"}
    remove = f"mutation M($input: RemoveAssignmentInput!) {{ removeAssignment(input: $input) {shown} }}"
    assert (await own.data(remove, input={"assignmentId": assignment_id}))["removeAssignment"]["assignment"]["removedAt"] == NOW.isoformat()


async def test_a_file_is_imported_once_for_its_key(own: Graph, tenant: Busy) -> None:
    lines = "block,day,vehicle\n14,2026-11-03,Bus 3\nN14,2026-11-03,North Bus 3"
    given = {"fileName": "tomorrow.csv", "content": base64.b64encode(lines.encode()).decode()}
    asked = """mutation M($input: ImportAssignmentsInput!) { importAssignments(input: $input) { errors { message }
        report { dryRun lines created updated errors { line column message } } } }"""
    before = await tenant.everything()

    dry = await own.data(asked, input=given | {"dryRun": True})
    assert await tenant.everything() == before
    real, again = [await own.data(asked, input=given | {"dryRun": False, "idempotencyKey": "file-1"}) for _ in range(2)]

    report = {"lines": 2, "created": 2, "updated": 0, "errors": []}
    assert dry["importAssignments"] == {"errors": [], "report": {"dryRun": True, **report}}
    assert real == again == {"importAssignments": {"errors": [], "report": {"dryRun": False, **report}}}
    bad = await own.data(asked, input=given | {"content": base64.b64encode(b"block,day,vehicle\nx,y,z").decode(), "dryRun": False})
    assert [(one["line"], one["column"]) for one in bad["importAssignments"]["report"]["errors"]] == [(2, "day")]
    assert (await own.data(asked, input=given | {"content": "?", "dryRun": False}))["importAssignments"]["report"] is None


@pytest.mark.parametrize("schema", ["internal", "public"])
async def test_integrators_push_blocks_and_schedule_vehicles(own: Graph, tenant: Busy, schema: str) -> None:
    graph = Graph(own.backend, own.principal, public) if schema == "public" else own
    named = await ids(tenant)
    block = {
        "externalId": f"{schema}-1",
        "name": f"Tour {schema}",
        "departureDepotId": named["Central"],
        "departureTime": "03:00",
        "returnTime": "05:00",
        "weekdays": ["TUESDAY"],
        "firstDay": "2026-11-02",
        "energyKwh": 40.0,
    }
    upsert = """mutation M($input: UpsertBlocksInput!) { upsertBlocks(input: $input) { errors { code path message }
        blocks { externalId name energyKwh departureTime departureDepot { name } } } }"""
    schedule = """mutation M($input: ScheduleVehicleInput!) { scheduleVehicle(input: $input) { errors { code message }
        assignment { departsAt vehicle { name } block { externalId } } } }"""

    pushed = [await graph.data(upsert, input={"blocks": [block | {"energyKwh": kwh}]}) for kwh in (40.0, 50.0)]
    vin = next(vehicle.vin for vehicle in await tenant.all(Vehicles) if vehicle.name == "Bus 3")
    scheduled = await graph.data(schedule, input={"blockExternalId": f"{schema}-1", "vin": vin, "day": TOMORROW})
    wrong = await graph.data(upsert, input={"blocks": [block, block]})

    assert [one["upsertBlocks"]["blocks"][0]["energyKwh"] for one in pushed] == [40.0, 50.0]
    assert pushed[0]["upsertBlocks"]["blocks"][0]["departureDepot"] == {"name": "Central"}
    if schema == "internal":
        assert scheduled["scheduleVehicle"] == {
            "errors": [],
            "assignment": {"departsAt": "2026-11-03T02:00:00+00:00", "vehicle": {"name": "Bus 3"}, "block": {"externalId": "internal-1"}},
        }
    else:
        # The other graph's tour takes it away at the same time.
        (error,) = scheduled["scheduleVehicle"]["errors"]
        assert (error["code"], "Vehicle Bus 3 is on block Tour internal" in error["message"]) == ("CONFLICT", True)
    assert wrong["upsertBlocks"]["errors"][0]["path"] == ["input", "blocks", "1", "externalId"]


async def test_who_watches_a_depot_is_told_of_its_blocks_and_assignments(own: Graph, tenant: Busy) -> None:
    depots = {depot.name: depot for depot in await tenant.all(Depots)}
    watched = (
        "subscription S($depot: ID!) { dispatchChanged(depotId: $depot) { at depot { name dispatchBoard { runs { block { name } } } } } }"
    )
    async with subscribed(own, watched, depot=id_of(depots["North"])) as live:
        first = (await live.next())["dispatchChanged"]
        assert (first["at"], first["depot"]["name"]) == (NOW.isoformat(), "North")
        for kind in (EventKind.BLOCK_CHANGED, EventKind.ASSIGNMENT_CHANGED):
            await announce(tenant, kind, depots["Central"].id, depots["Central"].id)
            await relayed(tenant.backend)
            assert await live.quiet()
            await announce(tenant, kind, depots["North"].id, depots["North"].id)
            await relayed(tenant.backend)
            assert (await live.next())["dispatchChanged"]["depot"] == first["depot"]
    assert await own.errors(watched, depot=id_of(replace(depots["North"], id=tenant.tenant_id))) == [
        ("NOT_FOUND", "There is no such depot.")
    ]


async def test_who_watches_readiness_is_shown_what_was_kept_anew(own: Graph, tenant: Busy) -> None:
    assignments: Sequence[Any] = await tenant.all(Assignments)
    depots = {depot.name: depot for depot in await tenant.all(Depots)}
    north = next(one for one in assignments if one.depot_id == depots["North"].id and one.departs_at > NOW)
    central = next(one for one in assignments if one.depot_id == depots["Central"].id and one.departs_at > NOW)
    watched = "subscription S($depot: ID) { readinessChanged(depotId: $depot) { id readiness { risk } } }"
    async with subscribed(own, watched, depot=id_of(depots["North"])) as live:
        await announce(tenant, EventKind.READINESS_CHANGED, central.id, central.depot_id)
        await relayed(tenant.backend)
        assert await live.quiet()
        await announce(tenant, EventKind.READINESS_CHANGED, north.id, north.depot_id)
        await relayed(tenant.backend)
        shown = (await live.next())["readinessChanged"]
    assert shown["id"] == id_of(north)
    assert shown["readiness"]["risk"] in Risk.__members__


async def test_nothing_of_another_tenants_dispatch_arrives(own: Graph, tenant: Busy, twin: Busy) -> None:
    mine, theirs = (await tenant.all(Depots))[0], (await twin.all(Depots))[0]
    their_assignment = (await twin.all(Assignments))[0]
    board = "subscription S($depot: ID!) { dispatchChanged(depotId: $depot) { depot { id } } }"
    assert await own.errors(board, depot=id_of(theirs)) == [("NOT_FOUND", "There is no such depot.")]
    async with subscribed(own, board, depot=id_of(mine)) as live, subscribed(own, "subscription { readinessChanged { id } }") as all_of_it:
        await live.next()
        for who in (twin, tenant):
            await announce(who, EventKind.BLOCK_CHANGED, theirs.id, theirs.id)
            await announce(who, EventKind.READINESS_CHANGED, their_assignment.id, their_assignment.depot_id)
        await announce(twin, EventKind.BLOCK_CHANGED, mine.id, mine.id)
        await relayed(tenant.backend)
        assert await live.quiet()
        assert await all_of_it.quiet()


async def test_dispatch_needs_its_scope(own: Graph, tenant: Busy) -> None:
    named = await ids(tenant)
    reader = own.with_scopes(Scope.FLEET_READ)
    before = await tenant.everything()
    asked = "mutation M($input: RemoveBlockInput!) { removeBlock(input: $input) { errors { code message } } }"
    assert (await reader.data(asked, input={"blockId": named["12"]}))["removeBlock"]["errors"] == [
        {"code": "FORBIDDEN", "message": "This needs the scope dispatch:write, which user:tester does not have."}
    ]
    assert await tenant.everything() == before
    assert (await own.with_scopes(Scope.DISPATCH_WRITE).codes("{ blocks { nodes { id } } }")) == ["FORBIDDEN"]
    assert len(await tenant.all(Transactions)) == 9
