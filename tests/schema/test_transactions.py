"""Transactions in the graph: what counts of them, what they cost and why, when their energy flowed, and what people do about them."""

from datetime import timedelta
from typing import Any

import pytest

from ampyard.domain.access import Role, Scope
from ampyard.domain.anomalies import AnomalyKind
from ampyard.domain.corrections import effective
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.depots import Depots
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.ids import encode_id
from ampyard.services import charge_points, transactions
from ampyard.services.backend import Backend
from ampyard.services.transactions import Report
from tests.busy import NOW, T0, Busy, busy_tenant
from tests.fleet import user
from tests.grants import confined, group_of
from tests.schema.graph import Graph, id_of
from tests.schema.live import relayed, subscribed

ONE = "query Q($id: ID!) { transaction(id: $id) { %s } }"


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    """A tenant of this module's own, which its tests change."""
    return await busy_tenant(backend)


@pytest.fixture
def own(tenant: Busy) -> Graph:
    return Graph(tenant.backend, user(tenant.tenant_id))


async def shown(graph: Graph, transaction: Transaction, selection: str) -> dict[str, Any]:
    found: dict[str, Any] = (await graph.data(ONE % selection, id=id_of(transaction)))["transaction"]
    return found


async def test_what_counts_is_shown_beside_what_was_measured(graph: Graph, busy: Busy) -> None:
    corrections = await busy.all(Corrections)
    data = await graph.data("""{ transactions { nodes { id energyWh startedAt endedAt
        effective { energyWh startedAt endedAt vehicle { id } correction { id } } } } }""")
    by_id = {id_of(t): t for t in await busy.all(Transactions)}
    assert len(data["transactions"]["nodes"]) == len(by_id)
    for node in data["transactions"]["nodes"]:
        measured = by_id[node["id"]]
        counts = effective(measured, [c for c in corrections if c.transaction_id == measured.id])
        assert node["energyWh"] == measured.energy_wh
        assert node["effective"] == {
            "energyWh": counts.energy_wh,
            "startedAt": counts.started_at.isoformat(),
            "endedAt": counts.ended_at and counts.ended_at.isoformat(),
            "vehicle": counts.vehicle_id and {"id": encode_id(Vehicle, counts.vehicle_id)},
            "correction": counts.correction and {"id": id_of(counts.correction)},
        }
    assert sum(node["effective"]["correction"] is not None for node in data["transactions"]["nodes"]) == 2


async def test_a_cost_has_the_lines_that_explain_it(graph: Graph, busy: Busy) -> None:
    lines = "cost { amount currency unknown lines { startsAt endsAt energyWh pricePerKwh amount } } billable notBillableBecause"
    # 500 Wh were measured, 600 count: at 0.31 a kWh that is 0.186
    corrected = await shown(graph, await busy.transaction("tx-1"), lines)
    (line,) = corrected["cost"]["lines"]
    assert (corrected["cost"]["amount"], corrected["cost"]["currency"], corrected["cost"]["unknown"]) == ("0.19", "EUR", None)
    assert (line["energyWh"], line["pricePerKwh"]) == (600.0, "0.31")
    assert float(line["amount"]) == pytest.approx(0.186)
    assert (corrected["billable"], corrected["notBillableBecause"]) == (True, None)
    # one that runs costs what it has taken until now
    running = await shown(graph, await busy.transaction("tx-3"), lines)
    assert (running["cost"]["amount"], running["billable"]) == ("0.09", True)
    # nobody has looked at this one
    odd = await shown(graph, await busy.transaction("tx-5"), lines)
    assert odd == {
        "cost": {"amount": None, "currency": None, "unknown": "NOT_BILLABLE", "lines": []},
        "billable": False,
        "notBillableBecause": "UNRESOLVED_ANOMALY",
    }


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e13"])
async def test_an_amount_that_no_cost_could_be_is_refused(graph: Graph, amount: str) -> None:
    asked = "query Q($amount: Decimal) { transactions(filter: {costFrom: $amount}) { totalCount } }"
    ((code, message),) = await graph.errors(asked, amount=amount)
    assert (code, message.startswith("filter.costFrom: ")) == ("BAD_USER_INPUT", True)


async def test_energy_is_shown_by_quarter_hour_and_hour(graph: Graph, busy: Busy) -> None:
    parts = (
        "energyWh energyIntervals { startsAt endsAt energyWh peakKw gap } hours: energyIntervals(bucket: HOUR) { startsAt energyWh gap }"
    )
    # 100 Wh within five minutes, 400 Wh in the 55 minutes after them
    found = await shown(graph, await busy.transaction("tx-1"), parts)
    quarters, hours = found["energyIntervals"], found["hours"]
    begin = T0 + timedelta(minutes=10)
    assert quarters[0]["startsAt"] == begin.replace(minute=0).isoformat()
    assert sum(quarter["energyWh"] for quarter in quarters) == sum(hour["energyWh"] for hour in hours) == found["energyWh"] == 500.0
    assert [quarter["gap"] for quarter in quarters] == [False, *[True] * 4]
    assert (quarters[0]["peakKw"], len(hours)) == (pytest.approx(1.2), 2)


async def test_what_is_odd_says_so_in_figures(graph: Graph, busy: Busy) -> None:
    data = await graph.data("""{ anomalies(filter: {kind: IMPLAUSIBLE_ENERGY}) { nodes {
        kind facts { name value } transaction { ocppTransactionId } depot { name } } } }""")
    assert {(n["transaction"]["ocppTransactionId"], n["depot"]["name"]) for n in data["anomalies"]["nodes"]} == {
        ("tx-5", "Central"),
        ("tx-9", "North"),
    }
    assert data["anomalies"]["nodes"][0]["facts"] == [
        {"name": "energy_wh", "value": "9000000.0"},
        {"name": "at_most_wh", "value": "24700"},
        {"name": "max_power_kw", "value": "22.0"},
    ]
    unknown = await graph.data(
        "{ anomalies(filter: {kind: UNKNOWN_END}) { totalCount nodes { chargePoint { identity } transaction { id } } } }"
    )
    assert unknown["anomalies"]["totalCount"] == 2
    assert sorted(n["chargePoint"]["identity"] for n in unknown["anomalies"]["nodes"]) == ["CP-3", "N-CP-3"]
    assert [n["transaction"] for n in unknown["anomalies"]["nodes"]] == [None, None]


CORRECT = """mutation M($input: CorrectTransactionInput!) { correctTransaction(input: $input) {
    correction { id reason author energyWh vehicle { id } transaction { energyWh effective { energyWh } corrections { reason } } }
    errors { __typename message path } } }"""
VOID = """mutation M($input: VoidCorrectionInput!) { voidCorrection(input: $input) {
    correction { voids { id } transaction { effective { energyWh correction { id } } } } errors { __typename message path } } }"""


async def test_a_transaction_is_corrected_and_the_correction_taken_back(own: Graph, tenant: Busy) -> None:
    running, ended = await tenant.transaction("tx-2"), await tenant.transaction("tx-5")
    given = {"transactionId": id_of(ended), "reason": "Read by hand.", "energyWh": 2600.0, "idempotencyKey": "correct-tx-5"}

    data = (await own.data(CORRECT, input=given))["correctTransaction"]

    assert data["errors"] == []
    assert data["correction"] | {"id": None} == {
        "id": None,
        "reason": "Read by hand.",
        "author": "user:tester",
        "energyWh": 2600.0,
        "vehicle": None,
        "transaction": {"energyWh": 2500.0, "effective": {"energyWh": 2600.0}, "corrections": [{"reason": "Read by hand."}]},
    }
    # ... once, however often it is sent
    assert (await own.data(CORRECT, input=given))["correctTransaction"] == data
    void = (await own.data(VOID, input={"correctionId": data["correction"]["id"], "reason": "No."}))["voidCorrection"]
    assert void["correction"] == {
        "voids": {"id": data["correction"]["id"]},
        "transaction": {"effective": {"energyWh": 2500.0, "correction": None}},
    }

    before = await tenant.everything()
    refused = [
        (await own.data(CORRECT, input=given | {"idempotencyKey": None} | wrong))["correctTransaction"]["errors"]
        for wrong in ({"energyWh": None}, {"energyWh": -1.0, "reason": ""}, {"transactionId": id_of(running)})
    ]
    assert [[(error["__typename"], error["path"]) for error in errors] for errors in refused] == [
        [("ValidationError", ["input"])],
        [("ValidationError", ["input", "reason"]), ("ValidationError", ["input", "energyWh"])],
        [("ConflictError", [])],
    ]
    assert await tenant.everything() == before


CLOSE = """mutation M($input: CloseTransactionInput!) { closeTransaction(input: $input) {
    transaction { state stopReason stopReasonKind energyWh effective { endedAt energyWh } evse { activeTransaction { id } } }
    errors { __typename message } } }"""


async def test_a_stuck_transaction_is_closed(own: Graph, tenant: Busy) -> None:
    stuck = await tenant.transaction("tx-9")
    given = {"transactionId": id_of(stuck), "reason": "The charge point is gone.", "energyWh": 950.0}
    alive = (await own.data(CLOSE, input=given))["closeTransaction"]
    assert alive["transaction"] is None
    assert [error["__typename"] for error in alive["errors"]] == ["ConflictError"]

    await charge_points.disconnected(tenant.backend, tenant.stations["N-CP-4"])
    closed = (await own.data(CLOSE, input=given))["closeTransaction"]
    assert closed == {
        "transaction": {
            "state": "ENDED",
            "stopReason": "ClosedByHand",
            "stopReasonKind": "CLOSED_BY_HAND",
            "energyWh": 900.0,
            "effective": {"endedAt": stuck.measured_at and stuck.measured_at.isoformat(), "energyWh": 950.0},
            "evse": {"activeTransaction": None},
        },
        "errors": [],
    }


RESOLVE = """mutation M($input: ResolveAnomalyInput!) { resolveAnomaly(input: $input) {
    anomaly { resolution resolvedBy note transaction { billable notBillableBecause cost { unknown } } }
    errors { __typename message path } } }"""


async def test_an_anomaly_is_decided_on(own: Graph, tenant: Busy) -> None:
    ended = await tenant.transaction("tx-5")
    first, second = [a for a in await tenant.all(Anomalies) if a.transaction_id == ended.id]

    async def decide(anomaly: Any, resolution: str) -> Any:
        given = {"anomalyId": id_of(anomaly), "resolution": resolution, "note": "Looked at."}
        return (await own.data(RESOLVE, input=given))["resolveAnomaly"]

    refused = await decide(first, "CORRECTED")
    assert [(error["__typename"], error["path"]) for error in refused["errors"]] == [("ConflictError", ["input", "resolution"])]
    decided = await decide(first, "ACCEPT_AS_MEASURED")
    assert decided["anomaly"] == {
        "resolution": "ACCEPT_AS_MEASURED",
        "resolvedBy": "user:tester",
        "note": "Looked at.",
        "transaction": {"billable": False, "notBillableBecause": "UNRESOLVED_ANOMALY", "cost": {"unknown": "NOT_BILLABLE"}},
    }
    last = await decide(second, "NOT_BILLED")
    assert last["anomaly"]["transaction"] == {"billable": False, "notBillableBecause": "NOT_BILLED", "cost": {"unknown": "NOT_BILLABLE"}}


PRICE = """mutation M($input: SetEnergyPriceInput!) { setEnergyPrice(input: $input) {
    energyPrice { currency pricePerKwh validFrom author depot { name } windows { weekdays startsAt endsAt pricePerKwh } }
    errors { __typename path message } } }"""


async def test_a_price_is_set_with_windows_of_the_week(own: Graph, tenant: Busy) -> None:
    depot = next(d for d in await tenant.all(Depots) if d.name == "Central")
    windows = [{"weekdays": ["SATURDAY", "SUNDAY"], "startsAt": "22:00:00", "endsAt": "06:00:00", "pricePerKwh": "0.105"}]
    given = {"depotId": id_of(depot), "currency": "EUR", "pricePerKwh": "0.2875", "windows": windows}

    data = (await own.data(PRICE, input=given))["setEnergyPrice"]

    (shown_window,) = data["energyPrice"].pop("windows")
    assert sorted(shown_window.pop("weekdays")) == ["SATURDAY", "SUNDAY"]
    assert shown_window == {"startsAt": "22:00:00", "endsAt": "06:00:00", "pricePerKwh": "0.105"}
    assert data == {
        "energyPrice": {
            "currency": "EUR",
            "pricePerKwh": "0.2875",
            "validFrom": NOW.isoformat(),
            "author": "user:tester",
            "depot": {"name": "Central"},
        },
        "errors": [],
    }
    refused = (await own.data(PRICE, input=given | {"currency": "euro", "pricePerKwh": "-1"}))["setEnergyPrice"]
    assert [(error["__typename"], error["path"]) for error in refused["errors"]] == [
        ("ValidationError", ["input", "currency"]),
        ("ValidationError", ["input", "pricePerKwh"]),
    ]


async def test_an_anomaly_arrives_as_it_is_found_and_as_it_is_resolved(own: Graph, tenant: Busy) -> None:
    north = next(depot for depot in await tenant.all(Depots) if depot.name == "North")
    asked = "subscription S($depot: ID) { anomalyChanged(depotId: $depot) { kind resolution transaction { ocppTransactionId } } }"
    async with subscribed(own, asked, depot=id_of(north)) as live:
        for identity, tag in (("CP-2", "TAG-5"), ("N-CP-2", "N-TAG-5")):
            begun = Report(at=NOW, evse_no=1, ocpp_transaction_id=f"lost-{identity}", id_tag=tag, offline=True)
            await transactions.start(tenant.backend, tenant.stations[identity], begun)
        await relayed(tenant.backend)
        found = (await live.next())["anomalyChanged"]
        assert found == {"kind": "MISSING_BEGIN_REGISTER", "resolution": None, "transaction": {"ocppTransactionId": "lost-N-CP-2"}}
        assert await live.quiet()

        anomaly = next(
            a
            for a in await tenant.all(Anomalies)
            if a.kind is AnomalyKind.MISSING_BEGIN_REGISTER and a.depot_id == north.id and not a.resolution
        )
        await own.data(RESOLVE, input={"anomalyId": id_of(anomaly), "resolution": "ACCEPT_AS_MEASURED"})
        await relayed(tenant.backend)
        assert (await live.next())["anomalyChanged"]["resolution"] == "ACCEPT_AS_MEASURED"


@pytest.fixture
async def of_north(tenant: Busy) -> Graph:
    """The graph as it is for an operator of depot North alone."""
    north = next(depot for depot in await tenant.all(Depots) if depot.name == "North")
    group = await group_of(tenant.backend, tenant.tenant_id, depot_id=north.id)
    return Graph(tenant.backend, confined(tenant.tenant_id, group, role=Role.OPERATOR))


async def test_a_grant_on_a_depot_shows_what_hangs_on_its_transactions_and_no_more(of_north: Graph, own: Graph, tenant: Busy) -> None:
    asked = """{ anomalies(first: 100) { totalCount nodes { depot { name } } } energyPrices { totalCount nodes { depot { name } } }
        transactions { nodes { depot { name } corrections { id } energyIntervals { energyWh } cost { amount unknown } } } }"""
    data, whole = await of_north.data(asked), await own.data(asked)
    assert {n["depot"]["name"] for name in ("anomalies", "energyPrices", "transactions") for n in data[name]["nodes"]} == {"North"}
    assert 0 < data["anomalies"]["totalCount"] < whole["anomalies"]["totalCount"]
    assert data["energyPrices"]["totalCount"] == 1
    assert data["transactions"]["nodes"] == [n for n in whole["transactions"]["nodes"] if n["depot"]["name"] == "North"]
    # ... nor can anything else be changed
    foreign = await tenant.transaction("tx-1")
    before = await tenant.everything()
    refused = await of_north.data(CORRECT, input={"transactionId": id_of(foreign), "reason": "Why.", "energyWh": 1.0})
    assert [error["message"] for error in refused["correctTransaction"]["errors"]] == ["There is no such transaction."]
    assert await tenant.everything() == before
    viewer = of_north.with_scopes(Scope.FLEET_READ)
    assert (await viewer.data("{ anomalies { totalCount } }"))["anomalies"]["totalCount"] > 0
