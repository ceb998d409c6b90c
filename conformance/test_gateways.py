"""Questions across our subgraph and partners', through the gateways of two makers: both must answer the same."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any

import httpx
import pytest

from ampyard.domain.access import Role
from ampyard.domain.ids import new_id
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.ids import encode_id
from conformance.graphs import Api
from conformance.node import Node
from conformance.partners.telematics import Telematics, Told
from conformance.supergraph import subgraphs, without_security
from tests.schema.graph import id_of
from tests.server.serving import serving

GATEWAYS = ("apollo", "hive")
UNKNOWN = encode_id(Vehicle, new_id())


@dataclass(frozen=True)
class Federation:
    """Our api and the partners behind both gateways; the ids of our vehicles and charge points by the names that people know."""

    api: Api
    gateways: Mapping[str, str]
    ids: Mapping[str, str]
    telematics: Telematics

    async def ask(self, where: str, document: str, bearer: str | None, variables: Mapping[str, object]) -> Any:
        """Return what a gateway, or `ampyard` itself, answers."""
        url = self.api.internal.url if where == "ampyard" else self.gateways[where]
        headers = {"authorization": bearer} if bearer else {}
        async with httpx.AsyncClient(timeout=30) as http:
            answer = await http.post(url, json={"query": document, "variables": variables}, headers=headers)
        return answer.json()

    async def both(self, document: str, *, bearer: str | None, **variables: object) -> tuple[Any, Any]:
        """Return what Apollo Gateway and what Hive Gateway answers, whose data are the same."""
        apollo, hive = [await self.ask(gateway, document, bearer, variables) for gateway in GATEWAYS]
        assert json.dumps(apollo["data"]) == json.dumps(hive["data"])  # order, too
        return apollo, hive

    async def same(self, document: str, *, role: Role = Role.VIEWER, **variables: object) -> Any:
        """Return what both gateways answer, to the letter."""
        apollo, hive = await self.both(document, bearer=self.bearer(role), **variables)
        assert json.dumps(apollo) == json.dumps(hive)
        return apollo

    def bearer(self, role: Role) -> str:
        return f"Bearer {self.api.token(role)}"


@pytest.fixture(scope="module")
async def federation(api: Api, node: Node, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Federation]:
    """Everything running on this machine."""
    folder = tmp_path_factory.mktemp("federation")
    vehicles = {vehicle.name: id_of(vehicle) for vehicle in await api.busy.all(Vehicles)}
    points = {point.identity: id_of(point) for point in await api.busy.all(ChargePoints)}
    telematics = Telematics(
        {
            vehicles["Bus 1"]: Told(1000.5, (52.5, 13.4)),
            vehicles["Bus 2"]: Told(3000.0),
            vehicles["Bus 3"]: Told(2000.25, (52.6, 13.5), broken=True),
            UNKNOWN: Told(2500.0, (0.0, 0.0)),
        }
    )
    tickets = {
        "incidents": [
            {"id": "i-1", "severity": "OUTAGE", "openedAt": "2026-11-02T07:00:00Z", "text": "No power.", "chargePointId": points["CP-1"]},
            {"id": "i-2", "severity": "NUISANCE", "openedAt": "2026-11-02T09:00:00Z", "text": None, "chargePointId": points["CP-1"]},
            {"id": "i-3", "severity": "OUTAGE", "openedAt": "2026-11-02T08:00:00Z", "text": "Hit.", "chargePointId": points["N-CP-4"]},
        ],
        "unattended": [points["CP-2"]],
        "broken": [points["CP-3"]],
    }
    (folder / "incidents.json").write_text(json.dumps(tickets))
    async with AsyncExitStack() as stack:
        urls = {
            "ampyard": api.internal.url,
            "telematics": await stack.enter_async_context(serving(telematics)),
            "incidents": await stack.enter_async_context(node.serving("partners/incidents.mjs", str(folder / "incidents.json"))),
        }
        composed = await node.json("compose.mjs", [asdict(subgraph) for subgraph in subgraphs(urls)])
        (folder / "supergraph.graphql").write_text(without_security(composed["apollo"]["supergraph"]))
        gateways = {
            gateway: await stack.enter_async_context(node.serving(f"gateways/{gateway}.mjs", str(folder / "supergraph.graphql")))
            for gateway in GATEWAYS
        }
        yield Federation(api, gateways, vehicles | points, telematics)


# Everything here is ours; a gateway must not change it.
OURS = {
    "a list, aliases": """{ some: vehicles(first: 3) { all: totalCount nodes { id called: name home: depot { name city } } }
        last: vehicles(last: 1) { nodes { name } } }""",
    "fragments": """query Q($id: ID!, $other: ID!, $more: Boolean!) {
        point: node(id: $id) { __typename ...Known } vehicle: node(id: $other) { ...Known } nothing: node(id: $id) @skip(if: $more) { id } }
        fragment Known on Node { id ... on ChargePoint { ...Point } ... on Vehicle { name depot { ...Place } } }
        fragment Point on ChargePoint { identity depot { ...Place } evses @include(if: $more) { number status } }
        fragment Place on Depot { name timeZone }""",
    "pages and cursors": """query Q($filter: TransactionFilter = {state: ACTIVE}) { transactions(first: 4, filter: $filter) { totalCount
        edges { cursor node { startedAt energyWh priority { level rule { reason } } } } pageInfo { endCursor hasNextPage } } }""",
    "nested lists": "{ depots(first: 2) { nodes { name chargePoints(first: 3) { nodes { evses { connectors { standard } } } } } } }",
    "nulls": "{ transactions { nodes { endedAt stopReason vehicle { name } } } }",
    "an error": '{ node(id: "x") { id } depots { nodes { name } } }',
    "errors that leave nothing": "{ vehicles(first: 1000) { nodes { name } } }",
}


@pytest.mark.parametrize("document", OURS.values(), ids=OURS.keys())
async def test_what_is_ours_comes_through_as_it_is(federation: Federation, document: str) -> None:
    given: dict[str, Any] = {"id": federation.ids["CP-4"], "other": federation.ids["Bus 1"], "more": True} if "$more" in document else {}

    answer = await federation.same(document, **given)

    own = await federation.ask("ampyard", document, federation.bearer(Role.VIEWER), given)
    assert answer["data"] == own["data"]
    assert [(e["message"], e["path"], e["extensions"]["code"]) for e in answer.get("errors", ())] == [
        (e["message"], e["path"], e["extensions"]["code"]) for e in own.get("errors", ())
    ]


async def test_vehicles_with_what_they_tell(federation: Federation) -> None:
    answer = await federation.same("""{ vehicles(first: 2) { nodes { name km: odometerKm ...Whereabouts rangeKm batteryKwh } } }
        fragment Whereabouts on Vehicle { position { lat: latitude longitude } }""")

    assert answer == {
        "data": {
            "vehicles": {
                "nodes": [
                    # 300 kWh; 42 and 43 percent left of it; 1.25 kWh a kilometre.
                    {"name": "Bus 1", "km": 1000.5, "position": {"lat": 52.5, "longitude": 13.4}, "rangeKm": 100.8, "batteryKwh": 300},
                    {"name": "Bus 2", "km": 3000, "position": None, "rangeKm": 103.2, "batteryKwh": 300},
                ]
            }
        }
    }


async def test_a_partners_list_of_vehicles_with_what_we_know_of_them(federation: Federation) -> None:
    answer = await federation.same("{ farthest { id odometerKm } }")
    assert answer["data"]["farthest"] == [
        {"id": federation.ids["Bus 2"], "odometerKm": 3000},
        {"id": UNKNOWN, "odometerKm": 2500},
        {"id": federation.ids["Bus 3"], "odometerKm": 2000.25},
        {"id": federation.ids["Bus 1"], "odometerKm": 1000.5},
    ]

    # One that nobody has here is null in its place alone. The gateways tell of it in ways of their own.
    apollo, _ = await federation.both("{ farthest { name rangeKm depot { name } } }", bearer=federation.bearer(Role.VIEWER))
    range_km = {
        v.name: pytest.approx(v.battery_kwh * v.soc_percent / 125) for v in await federation.api.busy.all(Vehicles) if v.soc_percent
    }
    assert apollo["data"]["farthest"] == [
        {"name": "Bus 2", "rangeKm": range_km["Bus 2"], "depot": {"name": "Central"}},
        None,
        {"name": "Bus 3", "rangeKm": range_km["Bus 3"], "depot": {"name": "Central"}},
        {"name": "Bus 1", "rangeKm": range_km["Bus 1"], "depot": {"name": "Central"}},
    ]


async def test_there_and_back_again(federation: Federation) -> None:
    answer = await federation.same("""query Q($severity: Severity) { incidents(severity: $severity) { id openedAt text
        chargePoint { identity evses { number activeTransaction { vehicle { name odometerKm } } }
            incidents(first: 1) { edges { node { chargePoint { name } } } } } } }""")

    def at(identity: str, evses: list[Any]) -> dict[str, Any]:
        return {"identity": identity, "evses": evses, "incidents": {"edges": [{"node": {"chargePoint": {"name": identity}}}]}}

    cp_1 = at("CP-1", [{"number": 1, "activeTransaction": {"vehicle": {"name": "Bus 1", "odometerKm": 1000.5}}}])
    north = [
        {"number": 1, "activeTransaction": {"vehicle": {"name": "North Bus 2", "odometerKm": None}}},
        {"number": 2, "activeTransaction": None},
    ]
    assert answer["data"]["incidents"] == [
        {"id": "i-2", "openedAt": "2026-11-02T09:00:00Z", "text": None, "chargePoint": cp_1},
        {"id": "i-3", "openedAt": "2026-11-02T08:00:00Z", "text": "Hit.", "chargePoint": at("N-CP-4", north)},
        {"id": "i-1", "openedAt": "2026-11-02T07:00:00Z", "text": "No power.", "chargePoint": cp_1},
    ]


async def test_a_partners_pages_below_our_lists(federation: Federation) -> None:
    page = "edges { cursor node { severity } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    answer = await federation.same(f"""{{ chargePoints(filter: {{identityContains: "CP-1"}}) {{ pageInfo {{ hasNextPage }} nodes {{ identity
        newest: incidents(first: 1) {{ {page} }} all: incidents {{ {page} }} }} }} }}""")

    empty = {"edges": [], "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}}
    newest = {"cursor": "i-2", "node": {"severity": "NUISANCE"}}
    assert answer["data"]["chargePoints"] == {
        "pageInfo": {"hasNextPage": False},
        "nodes": [
            {
                "identity": "CP-1",
                "newest": {
                    "edges": [newest],
                    "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": "i-2", "endCursor": "i-2"},
                },
                "all": {
                    "edges": [newest, {"cursor": "i-1", "node": {"severity": "OUTAGE"}}],
                    "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": "i-2", "endCursor": "i-1"},
                },
            },
            {"identity": "N-CP-1", "newest": empty, "all": empty},
        ],
    }


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            "{ chargePoints { nodes { identity incidents { edges { cursor } } } } }",
            [("The ticket system is down.", ["chargePoints", "nodes", 2, "incidents"], "TICKETS_DOWN")],
        ),
        (
            "{ vehicles { nodes { name position { latitude } } } }",
            [("The receiver is broken.", ["vehicles", "nodes", 2, "position"], "DOWNSTREAM_SERVICE_ERROR")],
        ),
        (
            "{ incidents { id chargePoint { depot { reports { totalCount } } } } }",
            [
                ("This needs the scope reports:read, which user:conformance does not have.", ["incidents", n, *below], "FORBIDDEN")
                for n in range(3)
                for below in [["chargePoint", "depot", "reports"]]
            ],
        ),
    ],
)
async def test_errors_of_entities(federation: Federation, document: str, told: list[Any]) -> None:
    apollo, hive = await federation.both(document, bearer=federation.bearer(Role.VIEWER))

    assert [(e["message"], e["path"], e["extensions"]["code"]) for e in apollo["errors"]] == told
    # Hive Gateway says in which list an entity is, not which of its items it is; and nothing of what is below the entity's own field.
    assert [(e["message"], e["extensions"]) for e in hive["errors"]] == [(e["message"], e["extensions"]) for e in apollo["errors"]]
    for ours, theirs in zip(apollo["errors"], hive["errors"], strict=True):
        names = [step for step in theirs["path"] if isinstance(step, str)]
        assert len(names) > 1
        assert [step for step in ours["path"] if isinstance(step, str)][: len(names)] == names


async def test_a_change_and_what_partners_know_of_what_it_changed(federation: Federation) -> None:
    asked = """mutation Q($input: SetPriorityInput!) { setPriority(input: $input) {
        priority { level reason author vehicle { name odometerKm } chargePoint { name } } errors { __typename code message path } } }"""
    wanted = {"level": "HIGH", "vehicleId": federation.ids["Bus 2"], "reason": "Late."}

    refused = await federation.same(asked, role=Role.VIEWER, input=wanted)
    done = await federation.same(asked, role=Role.DISPATCHER, input=wanted)

    message = "This needs the scope priorities:write, which user:conformance does not have."
    error = {"__typename": "NotAllowedError", "code": "FORBIDDEN", "message": message, "path": []}
    assert refused["data"] == {"setPriority": {"priority": None, "errors": [error]}}
    priority = {"level": "HIGH", "reason": "Late.", "author": "user:conformance", "chargePoint": None}
    set_priority = {"priority": priority | {"vehicle": {"name": "Bus 2", "odometerKm": 3000}}, "errors": []}
    assert done["data"] == {"setPriority": set_priority}


async def test_the_users_credential_goes_on_to_every_subgraph_and_nobody_elses(federation: Federation) -> None:
    federation.telematics.authorizations.clear()
    viewer, analyst = federation.bearer(Role.VIEWER), federation.bearer(Role.ANALYST)
    asked = "{ vehicles(first: 1) { nodes { odometerKm depot { reports { totalCount } } } } }"

    allowed, _ = await federation.both(asked, bearer=analyst)
    refused, _ = await federation.both(asked, bearer=viewer)

    assert allowed == {"data": {"vehicles": {"nodes": [{"odometerKm": 1000.5, "depot": {"reports": {"totalCount": 1}}}]}}}
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    # A depot may be out of reach, so the rest of the vehicle is shown, and asked for as its own reader.
    assert federation.telematics.authorizations == {analyst, viewer}
    # Without one there is nothing: what a gateway makes of the 401 is its own, the code is ours.
    for answer in await federation.both("{ vehicles { nodes { name } } }", bearer=None):
        assert answer["data"] is None
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert federation.telematics.authorizations == {analyst, viewer}
