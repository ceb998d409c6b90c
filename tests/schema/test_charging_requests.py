"""Charging requests and depot links through the graph: what becomes of them is shown, and a password once."""

from typing import Any

import pytest

from ampyard.services.backend import Backend
from ampyard.services.depot_link_sockets import log_in
from tests.busy import Busy, busy_tenant
from tests.fleet import user
from tests.schema.graph import Graph, id_of
from tests.services.dispatching import new_yard

REQUESTS = """{ chargingRequests { nodes { externalId vehicleName level weight flaw problem vehicle { name } priorityRule { level }
    planned { transaction { id } shortfall { lacksMinimumKwh isAssumed } }
    outlook { departureSocPercent shortfallPercent reason } overruledBy { reason author } } } }"""
CREATE = """mutation M($input: CreateDepotLinkInput!) { createDepotLink(input: $input) {
    depotLink { id identity normalFrom enabled connected } password errors { code message path } } }"""


@pytest.fixture(scope="module")
async def day(backend: Backend) -> Busy:
    return await busy_tenant(backend)


async def test_what_becomes_of_requests_is_shown(day: Busy) -> None:
    graph = Graph(day.backend, user(day.tenant_id))

    nodes = (await graph.data(REQUESTS))["chargingRequests"]["nodes"]

    found: dict[Any, Any] = {one["externalId"]: one for one in nodes}
    unknown, mine, first = found["r-2"], found["r-3"], found["r-1"]
    assert (unknown["flaw"], unknown["vehicle"], unknown["outlook"]) == ("UNKNOWN_VEHICLE", None, None)
    assert unknown["problem"] == 'No vehicle, or more than one, has "Nobody\'s bus" as its VIN, name or license plate.'
    assert (mine["overruledBy"], mine["outlook"]) == ({"reason": "Shuttle service", "author": "user:tester"}, None)
    assert (first["vehicle"], first["level"], first["weight"]) == ({"name": "Bus 1"}, "NORMAL", pytest.approx(1 + 7 / 17))
    assert first["outlook"]["departureSocPercent"] is not None
    assert first["planned"]["transaction"] is not None
    assert first["planned"]["shortfall"] == {"lacksMinimumKwh": 5.0, "isAssumed": False}
    assert found["r-5"]["priorityRule"] == {"level": "HIGH"}
    assert found["r-4"]["outlook"] is None


async def test_a_link_is_made_and_its_password_shown_once(backend: Backend) -> None:
    yard = await new_yard(backend)
    graph = Graph(yard.backend, yard.principal)
    identity = f"bms-{yard.tenant_id}"
    bands = {"normalFrom": 5, "highFrom": 3, "criticalFrom": 1}
    given = {"depotId": id_of(yard.depots["Central"]), "name": "BMS", "identity": identity, "priorityBands": bands, "idempotencyKey": "k-1"}

    made = (await graph.data(CREATE, input=given))["createDepotLink"]
    again = (await graph.data(CREATE, input=given))["createDepotLink"]

    assert (made["errors"], made["depotLink"]["identity"], made["depotLink"]["normalFrom"]) == ([], identity, 5)
    assert await log_in(yard.backend, identity, made["password"]) is not None
    assert (again["depotLink"]["id"], again["password"]) == (made["depotLink"]["id"], None)


async def test_bands_that_neither_rise_nor_fall_are_refused_with_their_place(backend: Backend) -> None:
    yard = await new_yard(backend)
    bands = {"normalFrom": 5, "highFrom": 7, "criticalFrom": 1}
    given = {"depotId": id_of(yard.depots["Central"]), "name": "BMS", "identity": "bms", "priorityBands": bands}

    refused = (await Graph(yard.backend, yard.principal).data(CREATE, input=given))["createDepotLink"]

    (error,) = refused["errors"]
    assert (refused["depotLink"], error["code"], error["path"]) == (None, "BAD_USER_INPUT", ["input", "priorityBands"])
