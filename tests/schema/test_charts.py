"""Charts on the wire: what was charged in the busy day, point by point; what is refused, and by what words."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ampyard.domain.access import Scope
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.readiness import ReadinessRecords
from ampyard.repositories.repository import Repository
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from tests.busy import NOW, T0, Busy
from tests.schema.graph import Graph, id_of

ASKED = """query Q($of: ID!, $from: DateTime, $to: DateTime, $bucket: ChartBucket, $zone: String) {{
  node(id: $of) {{ ... on {type} {{
    chart: {chart}(from: $from, to: $to, bucket: $bucket, timeZone: $zone) {{ bucket timeZone points {{ startsAt endsAt {values} }} }}
  }} }}
}}"""
MIDNIGHT = datetime(2026, 11, 1, 23, 0, tzinfo=UTC)  # in Berlin
DAY = timedelta(days=1)


async def drawn(graph: Graph, entity: Any, chart: str, values: str, **arguments: object) -> Any:
    asked = ASKED.format(type=type(entity).__name__, chart=chart, values=values)
    return (await graph.data(asked, of=id_of(entity), **arguments))["node"]["chart"]


def known(points: Sequence[dict[str, Any]], value: str) -> dict[str, float]:
    return {point["startsAt"]: point[value] for point in points if point[value] is not None}


async def test_energy_of_a_day_is_that_of_its_transactions(graph: Graph, busy: Busy) -> None:
    transactions = await busy.all(Transactions)
    subjects: list[tuple[type[Repository[Any]], str]] = [(Depots, "depot_id"), (ChargePoints, "charge_point_id"), (Vehicles, "vehicle_id")]
    for repository, attribute in subjects:
        for entity in await busy.all(repository):
            chart = await drawn(
                graph, entity, "energyChart", "energyWh", **{"from": MIDNIGHT.isoformat(), "to": NOW.isoformat(), "bucket": "DAY"}
            )
            energy_wh = [t.energy_wh for t in transactions if getattr(t, attribute) == entity.id]
            assert (chart["bucket"], chart["timeZone"]) == ("DAY", "Europe/Berlin")
            assert chart["points"] == [
                {
                    "startsAt": "2026-11-01T23:00:00+00:00",
                    "endsAt": "2026-11-02T23:00:00+00:00",
                    "energyWh": pytest.approx(sum(energy_wh)) if energy_wh else None,
                }
            ]


async def test_unless_told_it_is_the_last_day_by_quarter_hour_and_gaps_are_null(graph: Graph, busy: Busy) -> None:
    central = next(depot for depot in await busy.all(Depots) if depot.name == "Central")

    chart = await drawn(graph, central, "energyChart", "energyWh")

    assert (chart["bucket"], len(chart["points"])) == ("QUARTER_HOUR", 96)
    assert chart["points"][0]["startsAt"] == (NOW - DAY).isoformat()
    of_depot = sum(t.energy_wh for t in await busy.all(Transactions) if t.depot_id == central.id)
    assert sum(known(chart["points"], "energyWh").values()) == pytest.approx(of_depot)
    assert chart["points"][0]["energyWh"] is None


async def test_power_of_nodes_and_depots_is_what_was_recorded_in_every_bucket(graph: Graph, busy: Busy) -> None:
    values = "meanKw peakKw unmanagedKw allocatedKw limitKw"
    depot = (await busy.all(Depots))[0]
    root = next(node for node in await busy.all(PowerNodes) if node.depot_id == depot.id and node.parent_id is None)
    for entity in (root, depot):
        hour = {"from": (NOW - timedelta(hours=1)).isoformat(), "to": NOW.isoformat()}
        fine = await drawn(graph, entity, "powerChart", values, bucket="FIVE_MINUTES", **hour)
        assert [(p["meanKw"], p["peakKw"]) for p in fine["points"]] == [(40.0 + n, 50.0 + n) for n in range(12)]
        for bucket, points in (("QUARTER_HOUR", 4), ("HOUR", 1), ("DAY", 1), ("MONTH", 1)):
            chart = await drawn(graph, entity, "powerChart", values, bucket=bucket, **hour)
            assert len(chart["points"]) == points
        assert {key: chart["points"][0][key] for key in values.split()} == {
            "meanKw": 45.5,
            "peakKw": 61.0,
            "unmanagedKw": 11.0,
            "allocatedKw": 65.5,
            "limitKw": 150.0,
        }
        elsewhere = await drawn(graph, entity, "powerChart", values, bucket="DAY", zone="Asia/Kathmandu", **hour)
        assert known(elsewhere["points"], "meanKw") == {"2026-11-01T18:15:00+00:00": 45.5}


async def test_power_of_a_transaction_is_its_energy_over_time(graph: Graph, busy: Busy) -> None:
    transaction = await busy.transaction("tx-1")
    assert transaction.ended_at is not None
    span = {"from": transaction.started_at.isoformat(), "to": transaction.ended_at.isoformat()}

    chart = await drawn(graph, transaction, "powerChart", "meanKw peakKw", bucket="QUARTER_HOUR", **span)
    assert sum(known(chart["points"], "meanKw").values()) / 4 == pytest.approx(transaction.energy_wh / 1000)
    # 11 kW were measured once, 5 minutes after the begin.
    fine = await drawn(graph, transaction, "powerChart", "meanKw peakKw", bucket="FIVE_MINUTES", **span)
    at = (transaction.started_at + timedelta(minutes=5)).isoformat()
    assert known(fine["points"], "meanKw") == known(fine["points"], "peakKw") == {at: 11.0}
    point = next(cp for cp in await busy.all(ChargePoints) if cp.id == transaction.charge_point_id)
    assert known((await drawn(graph, point, "powerChart", "meanKw peakKw", bucket="FIVE_MINUTES", **span))["points"], "meanKw")[at] == 11.0


async def test_use_is_that_of_all_evses_in_the_time_that_is_over(graph: Graph, busy: Busy) -> None:
    values = "energyWh possibleWh utilisation pluggedS possibleS occupancy"
    transactions = await busy.all(Transactions)
    over_s = (NOW - MIDNIGHT).total_seconds()
    for entity, evses, power_kw, attribute in (
        (next(d for d in await busy.all(Depots) if d.name == "Central"), 5, 494.0, "depot_id"),
        (next(cp for cp in await busy.all(ChargePoints) if cp.identity == "CP-4"), 2, 300.0, "charge_point_id"),
    ):
        theirs = [t for t in transactions if getattr(t, attribute) == entity.id]
        plugged_s = sum(((t.ended_at or NOW) - t.started_at).total_seconds() for t in theirs)
        energy_wh = sum(t.energy_wh for t in theirs)
        whole = {"from": MIDNIGHT.isoformat(), "to": NOW.isoformat()}
        day, week, elsewhere = [
            (await drawn(graph, entity, "utilisationChart", values, bucket=bucket, zone=zone, **whole))["points"]
            for bucket, zone in (("DAY", None), ("WEEK", None), ("DAY", "Asia/Kathmandu"))
        ]
        assert day[0]["energyWh"] == pytest.approx(energy_wh)
        assert day[0]["pluggedS"] == pytest.approx(plugged_s)
        assert day[0]["possibleS"] == over_s * evses
        assert day[0]["possibleWh"] == pytest.approx(power_kw * over_s / 3.6)
        assert day[0]["occupancy"] == pytest.approx(plugged_s / over_s / evses)
        assert (week[0]["pluggedS"], elsewhere[0]["pluggedS"]) == (pytest.approx(plugged_s), pytest.approx(plugged_s))
        hours = (await drawn(graph, entity, "utilisationChart", values, bucket="HOUR", **whole))["points"]
        assert sum(point["pluggedS"] for point in hours) == pytest.approx(plugged_s)
        assert sum(point["energyWh"] for point in hours) == pytest.approx(energy_wh)
        # It is not known what is still to come.
        coming = await drawn(graph, entity, "utilisationChart", values, bucket="DAY", **{"from": (NOW + DAY).isoformat()})
        assert [point["utilisation"] for point in coming["points"]] == [None, None]


async def test_departures_are_counted_as_they_were_kept(graph: Graph, busy: Busy) -> None:
    records = [record for record in await busy.all(ReadinessRecords) if record.at_departure]
    assert records
    for depot in await busy.all(Depots):
        theirs = [record for record in records if record.depot_id == depot.id]
        span = {"from": (NOW - 40 * DAY).isoformat(), "to": (NOW + 2 * DAY).isoformat()}
        chart = await drawn(graph, depot, "readinessChart", "departures ready share", bucket="DAY", **span)
        assert sum(point["departures"] for point in chart["points"]) == len(theirs)
        assert sum(point["ready"] for point in chart["points"]) == sum(record.ready is True for record in theirs)
        assert {point["share"] for point in chart["points"] if not point["departures"]} == {None}


@pytest.mark.parametrize("chart", ["powerChart", "energyChart", "utilisationChart", "readinessChart"])
@pytest.mark.parametrize("bucket", ["QUARTER_HOUR", "DAY", "MONTH"])
async def test_a_chart_of_many_is_one_statement(graph: Graph, statements: list[str], chart: str, bucket: str) -> None:
    asked = f"{{ depots {{ nodes {{ {chart}(bucket: {bucket}) {{ points {{ startsAt }} }} }} }} }}"
    await graph.data(asked)
    assert len(statements) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('timeZone: "Mars"', "timeZone: 'Mars' is not a time zone; give an IANA name, such as Europe/Berlin or UTC."),
        ("bucket: FIVE_MINUTES", "bucket: this chart has no values finer than QUARTER_HOUR; give QUARTER_HOUR or a longer one."),
        (
            'from: "2026-01-01T00:00:00Z", to: "2026-12-01T00:00:00Z", bucket: HOUR',
            (
                "bucket: 2026-01-01T00:00:00+00:00 to 2026-12-01T00:00:00+00:00 has about 8,016 buckets of HOUR, and 1,000 at most; "
                "give DAY, or a shorter span."
            ),
        ),
    ],
)
async def test_what_cannot_be_drawn_is_refused(graph: Graph, arguments: str, message: str) -> None:
    errors = await graph.errors(f"{{ depots {{ nodes {{ energyChart({arguments}) {{ bucket }} }} }} }}")
    assert errors == [("BAD_USER_INPUT", message)]


async def test_a_chart_needs_the_scope_of_the_fleet(graph: Graph) -> None:
    readers = graph.with_scopes(Scope.REPORTS_READ)
    assert await readers.codes("{ reports { nodes { depot { energyChart { bucket } } } } }") == ["FORBIDDEN"]
    assert T0 < NOW
