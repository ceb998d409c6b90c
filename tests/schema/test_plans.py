"""Plans on the wire: what a depot's vehicles get, what becomes of each, who will be short and what would help, and who is told."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.events import EventKind
from ampyard.domain.plans import FRESH
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.schema.public import schema as public
from ampyard.services.backend import Backend
from tests.busy import HOUR, NOW, Busy, announce, busy_tenant
from tests.fleet import user
from tests.schema.graph import Graph, id_of
from tests.schema.live import relayed, subscribed

PLAN = """query { depots { nodes { name plan { madeAt freshUntil isFresh ageS status gap peakKw currency energyCost
    slots { beginsAt endsAt powerKw limitKw pricePerKwh }
    stays { isExpected arrivalSource energySource chargingRequest { externalId }
        steps { beginsAt kw } vehicle { name } transaction { ocppTransactionId } prediction { finalSocPercent departureSource } }
    shortfalls { vehicle { name } shortfall { lacksMinimumKwh cause powerNode { name } readyAt sentence
        remedies { kind kw words powerNode { name } vehicle { name } } } } } } } }"""


def at(hours: int) -> str:
    return (NOW + hours * HOUR).isoformat()


async def central(graph: Graph) -> Any:
    return next(depot for depot in (await graph.data(PLAN))["depots"]["nodes"] if depot["name"] == "Central")["plan"]


async def test_a_depots_plan_is_shown_slot_by_slot(graph: Graph) -> None:
    plan = await central(graph)

    assert plan["slots"] == [
        {"beginsAt": at(0), "endsAt": at(1), "powerKw": 40.0, "limitKw": 150.0, "pricePerKwh": 0.3},
        {"beginsAt": at(1), "endsAt": at(2), "powerKw": 20.0, "limitKw": None, "pricePerKwh": 0.2},
    ]
    assert (plan["isFresh"], plan["ageS"], plan["status"], plan["currency"]) == (True, 0.0, "FEASIBLE", "EUR")
    # Bus 6 has yet to come.
    assert [stay["vehicle"]["name"] for stay in plan["stays"]] == ["Bus 1", "Bus 2", "Bus 4", "Bus 6"]
    assert [stay["isExpected"] for stay in plan["stays"]] == [False, False, False, True]
    assert (plan["stays"][3]["transaction"], plan["stays"][3]["arrivalSource"]) == (None, "ASSIGNMENT")
    assert [plan["stays"][n]["energySource"] for n in (0, 3)] == ["READING", "RESERVE"]
    assert plan["stays"][0]["chargingRequest"] == {"externalId": "r-1"}
    assert plan["stays"][0]["steps"] == [{"beginsAt": at(0), "kw": 20.0}, {"beginsAt": at(1), "kw": 10.0}, {"beginsAt": at(2), "kw": 0.0}]
    assert plan["stays"][0]["prediction"] == {"finalSocPercent": pytest.approx(49.2), "departureSource": "ASSIGNMENT"}


async def test_who_will_be_short_is_told_with_what_would_help(graph: Graph) -> None:
    (short,) = (await central(graph))["shortfalls"]

    assert short["vehicle"] == {"name": "Bus 1"}
    assert short["shortfall"] == {
        "lacksMinimumKwh": 5.0,
        "cause": "NODE",
        "powerNode": {"name": "Grid"},
        "readyAt": at(3),
        "sentence": "It will lack 5.0 of 152.6 kWh as it leaves at 2026-11-02 15:00 UTC: the limit of its supply leaves too little for"
        " all; it would help to raise a limit by 6.0 kW from 2026-11-02 13:00 UTC to 2026-11-02 15:00 UTC or leave at 2026-11-02 16:00 UTC "
        "or send another vehicle in its place.",
        "remedies": [
            {
                "kind": "RAISE_LIMIT",
                "kw": 6.0,
                "words": "raise a limit by 6.0 kW from 2026-11-02 13:00 UTC to 2026-11-02 15:00 UTC",
                "powerNode": {"name": "Grid"},
                "vehicle": None,
            },
            {"kind": "DEPART_LATER", "kw": None, "words": "leave at 2026-11-02 16:00 UTC", "powerNode": None, "vehicle": None},
            {
                "kind": "SWAP_VEHICLE",
                "kw": None,
                "words": "send another vehicle in its place",
                "powerNode": None,
                "vehicle": {"name": "Bus 1"},
            },
        ],
    }


async def test_a_transaction_has_a_prediction_in_both_graphs(graph: Graph) -> None:
    asked = """query { transactions(filter: {state: ACTIVE}) { nodes { vehicle { name }
        prediction { madeAt departsAt minimumAt finalKwh finalSocPercent finalAt expectedKwh lacksMinimumKwh } } } }"""
    for one in (graph, replace(graph, schema=public)):
        found = {
            node["vehicle"]["name"]: node["prediction"] for node in (await one.data(asked))["transactions"]["nodes"] if node["vehicle"]
        }
        assert found["Bus 2"] == {
            "madeAt": at(0),
            "departsAt": at(2),
            "minimumAt": at(1),
            "finalKwh": 147.6,
            "finalSocPercent": pytest.approx(49.2),
            "finalAt": at(2),
            "expectedKwh": 30.0,
            "lacksMinimumKwh": 0.0,
        }


async def test_a_stale_plan_is_shown_as_such_and_predicts_nothing(graph: Graph) -> None:
    later = replace(graph, backend=replace(graph.backend, clock=lambda: NOW + FRESH))
    plan = await central(later)
    assert (plan["isFresh"], plan["ageS"]) == (False, 900.0)
    asked = "query { transactions(filter: {state: ACTIVE}) { nodes { prediction { finalKwh } planned { maxKw } } } }"
    nodes: Sequence[Any] = (await later.data(asked))["transactions"]["nodes"]
    assert {(node["prediction"], node["planned"]) for node in nodes} == {(None, None)}


async def test_readiness_names_what_the_plan_lacks(graph: Graph) -> None:
    asked = """query { assignments { nodes { vehicle { name } readiness { planned { shortfall { lacksMinimumKwh sentence } } } } } }"""
    nodes = (await graph.data(asked))["assignments"]["nodes"]
    planned = {node["vehicle"]["name"]: node["readiness"]["planned"] for node in nodes if node["readiness"] is not None}
    assert planned["Bus 1"]["shortfall"]["lacksMinimumKwh"] == 5.0
    assert planned["Bus 2"]["shortfall"] is None


async def test_plans_take_the_same_statements_however_many_there_are(graph: Graph, statements: list[str]) -> None:
    await graph.data(PLAN)
    # Depots, plans, stays; vehicles, transactions, nodes; whose the other stays are, and their vehicles.
    assert len(statements) <= 10


async def test_who_watches_a_depots_plan_is_told_of_each(graph: Graph, busy: Busy, twin: Busy) -> None:
    depots = {depot.name: depot for depot in await busy.all(Depots)}
    watched = "subscription S($depot: ID!) { planMade(depotId: $depot) { at depot { name plan { madeAt } } } }"
    async with subscribed(graph, watched, depot=id_of(depots["North"])) as live:
        first = (await live.next())["planMade"]
        assert first["depot"] == {"name": "North", "plan": {"madeAt": at(0)}}
        await announce(twin, EventKind.PLAN_MADE, depots["North"].id, depots["North"].id)
        await announce(busy, EventKind.PLAN_MADE, depots["Central"].id, depots["Central"].id)
        await relayed(busy.backend)
        assert await live.quiet()
        await announce(busy, EventKind.PLAN_MADE, depots["North"].id, depots["North"].id)
        await relayed(busy.backend)
        assert (await live.next())["planMade"]["depot"] == first["depot"]
    theirs = (await twin.all(Depots))[0]
    assert await graph.errors(watched, depot=id_of(theirs)) == [("NOT_FOUND", "There is no such depot.")]


async def test_what_if_shows_both_plans_and_changes_nothing(backend: Backend) -> None:
    # Who is plugged in where counts: what sweeps over all tenants takes the links of one that others have used for offline.
    busy = await busy_tenant(backend)
    graph = Graph(busy.backend, user(busy.tenant_id))
    depot = next(depot for depot in await busy.all(Depots) if depot.name == "Central")
    grid = next(node for node in await busy.all(PowerNodes) if node.name == "Grid")
    asked = """query Q($depot: ID!, $node: ID!) { whatIf(depotId: $depot, proposal: {limit: {powerNodeId: $node, limitKw: 55}}) {
        before { stays { vehicle { name } } shortfalls { vehicle { name } } } after { stays { maxKw } }
        changes { vehicle { name } becomesShort finalBeforeKwh finalAfterKwh } energyCost peakKw } }"""
    before = await busy.everything()

    found = (await graph.data(asked, depot=id_of(depot), node=id_of(grid)))["whatIf"]

    assert await busy.everything() == before
    assert [stay["vehicle"]["name"] for stay in found["before"]["stays"]]
    assert len(found["after"]["stays"]) == len(found["before"]["stays"])
    assert found["peakKw"] <= 0.0
    viewer = graph.with_scopes(Scope.FLEET_READ)
    assert await viewer.codes(asked, depot=id_of(depot), node=id_of(grid)) == ["FORBIDDEN"]
    foreign = replace(depot, id=busy.tenant_id)
    assert await graph.errors(asked, depot=id_of(foreign), node=id_of(grid)) == [("NOT_FOUND", "There is no such depot.")]
