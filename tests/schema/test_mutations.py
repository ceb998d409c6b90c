"""Changes through the graph: the payload shows what was committed, refusals are coded and change nothing."""

from datetime import timedelta

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.vehicles import Vehicles
from ampyard.schema.public import schema as public
from ampyard.services import commands, transactions
from ampyard.services.backend import Backend
from ampyard.services.transactions import Report
from tests.busy import NOW, T0, Busy, busy_tenant
from tests.connecting import charge_points
from tests.fleet import user
from tests.schema.graph import Graph, id_of

SET = """mutation M($input: SetPriorityInput!) { setPriority(input: $input) { priority {
    id level reason validFrom validUntil clearedAt vehicle { name priorities { level } } } errors { code message path } } }"""
START = """mutation M($input: StartTransactionInput!) { startTransaction(input: $input) {
    command { kind state outcome author createdAt sentAt finishedAt }
    transaction { state idTag vehicle { name } evse { number activeTransaction { idTag } } } errors { code message path } } }"""
STOP = """mutation M($input: StopTransactionInput!) { stopTransaction(input: $input) {
    command { kind state outcome } transaction { state stopReason endedAt evse { activeTransaction { id } } }
    errors { code message path } } }"""


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    """A tenant of this module's own, which its tests change."""
    return await busy_tenant(backend)


@pytest.fixture
def own(tenant: Busy) -> Graph:
    return Graph(tenant.backend, user(tenant.tenant_id))


@pytest.mark.parametrize("schema", ["internal", "public"])
async def test_a_priority_that_was_set_is_shown_as_it_was_committed(own: Graph, tenant: Busy, schema: str) -> None:
    graph = Graph(own.backend, own.principal, public) if schema == "public" else own
    vehicle = (await tenant.all(Vehicles))[3 if schema == "public" else 2]
    asked = SET.replace("priorities { level }", "") if schema == "public" else SET

    data = await graph.data(
        asked,
        input={
            "level": "CRITICAL",
            "vehicleId": id_of(vehicle),
            "reason": "Leaves at three",
            "validUntil": (NOW + timedelta(hours=1)).isoformat(),
        },
    )

    shown = data["setPriority"]["priority"]
    node = await graph.data("query Q($id: ID!) { node(id: $id) { ... on Priority { id level } } }", id=shown["id"])
    assert node == {"node": {"id": shown.pop("id"), "level": "CRITICAL"}}
    assert shown == {
        "level": "CRITICAL",
        "reason": "Leaves at three",
        "validFrom": NOW.isoformat(),
        "validUntil": (NOW + timedelta(hours=1)).isoformat(),
        "clearedAt": None,
        # The rule is among the vehicle's own: the payload is read after the commit.
        "vehicle": {"name": vehicle.name} | ({} if schema == "public" else {"priorities": [{"level": "CRITICAL"}]}),
    }


async def test_changes_of_one_document_are_made_one_after_another(own: Graph, tenant: Busy) -> None:
    vehicle = (await tenant.all(Vehicles))[8]
    asked = """mutation M($vehicle: ID!) {
      a: setPriority(input: {level: LOW, vehicleId: $vehicle}) { priority { vehicle { priorities { level } } } }
      b: setPriority(input: {level: HIGH, vehicleId: $vehicle}) { priority { vehicle { priorities { level } } } } }"""

    data = await own.data(asked, vehicle=id_of(vehicle))

    levels = {name: [p["level"] for p in payload["priority"]["vehicle"]["priorities"]] for name, payload in data.items()}
    assert levels == {"a": ["LOW"], "b": ["LOW", "HIGH"]}


async def test_a_cleared_priority_counts_no_more(own: Graph, tenant: Busy) -> None:
    running = await tenant.transaction("tx-2")
    effective = "query Q($id: ID!) { node(id: $id) { ... on Transaction { priority { level rule { id } } } } }"
    rule = await own.data(
        "mutation M($id: ID!) { setPriority(input: {level: LOW, transactionId: $id}) { priority { id } } }", id=id_of(running)
    )
    rule_id = rule["setPriority"]["priority"]["id"]
    assert await own.data(effective, id=id_of(running)) == {"node": {"priority": {"level": "LOW", "rule": {"id": rule_id}}}}

    cleared = await own.data("mutation M($id: ID!) { clearPriority(input: {priorityId: $id}) { priority { id clearedAt } } }", id=rule_id)

    assert cleared == {"clearPriority": {"priority": {"id": rule_id, "clearedAt": NOW.isoformat()}}}
    assert (await own.data(effective, id=id_of(running)))["node"]["priority"]["level"] == "HIGH"


@pytest.mark.parametrize(
    ("document", "given", "code"),
    [
        (SET, {"level": "HIGH"}, "BAD_USER_INPUT"),
        (SET, {"level": "HIGHEST", "vehicleId": "vehicle"}, "BAD_USER_INPUT"),
        (SET, {"level": "HIGH", "vehicleId": "evse"}, "BAD_USER_INPUT"),
        (SET, {"level": "HIGH", "vehicleId": "x"}, "BAD_USER_INPUT"),
        (SET, {"level": "HIGH", "vehicleId": "vehicle", "validUntil": "2026-11-02T14:00:00"}, "BAD_USER_INPUT"),
        (SET, {"level": "HIGH", "vehicleId": "vehicle", "validUntil": T0.isoformat()}, "BAD_USER_INPUT"),
        (SET, {"level": "HIGH", "transactionId": "ended"}, "CONFLICT"),
        (START, {"evseId": "evse"}, "BAD_USER_INPUT"),
        (START, {"evseId": "evse", "vehicleId": "vehicle", "idTag": "TAG-1"}, "BAD_USER_INPUT"),
        (START, {"evseId": "vehicle", "idTag": "TAG-1"}, "BAD_USER_INPUT"),
        (START, {"evseId": "occupied", "idTag": "TAG-1"}, "CONFLICT"),
        (START, {"evseId": "evse", "idTag": "NOBODY"}, "NOT_FOUND"),
        (STOP, {"transactionId": "ended"}, "CONFLICT"),
        (STOP, {"transactionId": "evse"}, "BAD_USER_INPUT"),
    ],
)
async def test_a_refusal_has_a_code_and_changes_nothing(own: Graph, tenant: Busy, document: str, given: dict[str, str], code: str) -> None:
    running, ended = await tenant.transaction("tx-3"), await tenant.transaction("tx-1")
    evses = await tenant.all(Evses)
    named = {
        "vehicle": (await tenant.all(Vehicles))[0],
        "ended": ended,
        "evse": next(e for e in evses if e.charge_point_id == tenant.stations["N-CP-3"].charge_point_id),
        "occupied": next(e for e in evses if e.id == running.evse_id),
    }
    before = await tenant.everything()

    refusals = await own.refusals(document, input={key: id_of(named[value]) if value in named else value for key, value in given.items()})

    assert [told for told, _ in refusals] == [code]
    assert await tenant.everything() == before


async def test_a_transaction_is_started_and_stopped_through_the_charge_point(
    own: Graph, tenant: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_LOOK_S", 0.05)  # there is no relay here that would tell of the outcome
    station = tenant.stations["N-CP-3"]
    (evse,) = [e for e in await tenant.all(Evses) if e.charge_point_id == station.charge_point_id]

    async def obeys(command: Command) -> tuple[CommandState, str]:
        if command.kind is CommandKind.START_TRANSACTION:
            report = Report(at=NOW, evse_no=1, ocpp_transaction_id="remote-1", id_tag=command.payload["id_tag"], register_wh=5.0)
            await transactions.start(tenant.backend, station, report)
        else:
            report = Report(
                at=NOW + timedelta(hours=1),
                ocpp_transaction_id=command.payload["ocpp_transaction_id"],
                register_wh=6.0,
                stop_reason="Remote",
            )
            await transactions.end(tenant.backend, station, report)
        return CommandState.ACCEPTED, "Accepted"

    vehicle = next(v for v in await tenant.all(Vehicles) if v.name == "North Bus 5")
    async with charge_points(tenant.backend, tenant.tenant_id, obeys):
        started = await own.data(START, input={"evseId": id_of(evse), "vehicleId": id_of(vehicle)})
        transaction = await tenant.transaction("remote-1")
        stopped = await own.data(STOP, input={"transactionId": id_of(transaction)})

    at = NOW.isoformat()
    assert started["startTransaction"] == {
        "command": {
            "kind": "START_TRANSACTION",
            "state": "ACCEPTED",
            "outcome": "Accepted",
            "author": "user:tester",
            "createdAt": at,
            "sentAt": at,
            "finishedAt": at,
        },
        "errors": [],
        "transaction": {
            "state": "ACTIVE",
            "idTag": "N-TAG-5",
            "vehicle": {"name": "North Bus 5"},
            "evse": {"number": 1, "activeTransaction": {"idTag": "N-TAG-5"}},
        },
    }
    assert stopped["stopTransaction"] == {
        "command": {"kind": "STOP_TRANSACTION", "state": "ACCEPTED", "outcome": "Accepted"},
        "errors": [],
        "transaction": {
            "state": "ENDED",
            "stopReason": "Remote",
            "endedAt": (NOW + timedelta(hours=1)).isoformat(),
            "evse": {"activeTransaction": None},
        },
    }


async def test_who_may_only_set_priorities_sees_the_rule_and_no_more(own: Graph, tenant: Busy) -> None:
    scheduler = own.with_scopes(Scope.PRIORITIES_WRITE)
    vehicle = (await tenant.all(Vehicles))[7]

    result = await scheduler.run(SET, input={"level": "LOW", "vehicleId": id_of(vehicle)})

    assert result.data is not None
    rule = result.data["setPriority"]["priority"]
    assert (rule["level"], rule["vehicle"]) == ("LOW", None)
    assert [(error.path, (error.extensions or {})["code"]) for error in result.errors or ()] == [
        (["setPriority", "priority", "vehicle"], "FORBIDDEN")
    ]
