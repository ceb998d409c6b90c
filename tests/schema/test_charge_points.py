"""Charge points in the graph: uptime in any period, errors as data with their place, secrets shown once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.repositories import tables
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.templates import Templates
from ampyard.services import charge_points, downtimes
from ampyard.services.backend import Backend
from tests.busy import NOW, T0, Busy, busy_tenant
from tests.fleet import user
from tests.schema.graph import Graph, id_of
from tests.schema.live import relayed, subscribed

PARTS = "{ upS downS plannedS unobservedS ratio }"
HOUR = 3600.0


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    """A tenant of this module's own, which its tests change."""
    return await busy_tenant(backend)


@pytest.fixture
def own(tenant: Busy) -> Graph:
    return Graph(tenant.backend, user(tenant.tenant_id))


async def point_id(tenant: Busy, identity: str) -> str:
    return id_of(next(cp for cp in await tenant.all(ChargePoints) if cp.identity == identity))


async def test_uptime_is_told_of_evse_charge_point_and_depot(own: Graph, tenant: Busy) -> None:
    # given: nothing but this, a month later: two EVSEs in use, one of them down for two hours, of which one was planned
    station = tenant.stations["CP-4"]

    def at(hours: float) -> Backend:
        return replace(tenant.backend, clock=lambda: T0 + timedelta(hours=hours))

    async with tenant.backend.unit_of_work(user(tenant.tenant_id)) as work:
        await work.session.execute(delete(tables.evse_availability))
        await work.commit()
    later = T0 + timedelta(days=30)
    hour = timedelta(hours=1)
    for n in (1, 2):
        await charge_points.status_changed(at(720), station, n, 1, ConnectorStatus.AVAILABLE, error_code=None, at=later)
    await downtimes.plan_downtime(
        at(720), user(tenant.tenant_id), [station.charge_point_id], starts_at=later + 3 * hour, ends_at=later + 4 * hour, reason="Cable."
    )
    await charge_points.status_changed(at(722), station, 1, 1, ConnectorStatus.FAULTED, error_code="GroundFailure", at=later + 2 * hour)
    await charge_points.status_changed(at(724), station, 1, 1, ConnectorStatus.AVAILABLE, error_code=None, at=later + 4 * hour)

    graph = Graph(at(726), own.principal)
    asked = f"""query Q($id: ID!, $from: DateTime, $to: DateTime) {{ chargePoint(id: $id) {{
        uptime(from: $from, to: $to) {PARTS} evses {{ uptime(from: $from, to: $to) {PARTS} availability {{ availability }}
          availabilityHistory(orderBy: {{field: BEGAN_AT, direction: ASC}}) {{ nodes {{ availability }} }} }}
        depot {{ uptime(from: $from, to: $to) {PARTS} }} }} }}"""
    found = (await graph.data(asked, id=await point_id(tenant, "CP-4"), **period(later, 8)))["chargePoint"]

    first, second = found["evses"]
    assert first["uptime"] == {"upS": 4 * HOUR, "downS": HOUR, "plannedS": HOUR, "unobservedS": 2 * HOUR, "ratio": 5 / 6}
    assert second["uptime"] == {"upS": 6 * HOUR, "downS": 0.0, "plannedS": 0.0, "unobservedS": 2 * HOUR, "ratio": 1.0}
    both = {"upS": 10 * HOUR, "downS": HOUR, "plannedS": HOUR, "unobservedS": 4 * HOUR, "ratio": 11 / 12}
    assert found["uptime"] == both
    # of the depot's three other EVSEs nothing was observed
    assert found["depot"]["uptime"] == both | {"unobservedS": 4 * HOUR + 3 * 8 * HOUR}
    assert first["availability"] == {"availability": "USABLE"}
    assert [one["availability"] for one in first["availabilityHistory"]["nodes"]] == ["USABLE", "FAULTED", "USABLE"]


def period(start: Any, hours: float) -> dict[str, str]:
    return {"from": start.isoformat(), "to": (start + timedelta(hours=hours)).isoformat()}


@pytest.mark.parametrize("days", [0, -1, 367])
async def test_a_period_that_is_none_is_refused(own: Graph, tenant: Busy, days: int) -> None:
    asked = "query Q($id: ID!, $from: DateTime, $to: DateTime) { chargePoint(id: $id) { uptime(from: $from, to: $to) { ratio } } }"
    ((code, message),) = await own.errors(asked, id=await point_id(tenant, "CP-1"), **period(T0, 24 * days))
    assert code == "BAD_USER_INPUT"
    assert "is empty or too long; give an end after its start, 366 days later at most." in message


async def test_every_fault_of_an_input_is_data_with_its_path(own: Graph, tenant: Busy) -> None:
    asked = """mutation M($ids: [ID!]!) { editChargePoints(input: {chargePointIds: $ids, patch: {fallbackKw: 30, vendor: ""}}) {
        chargePoints { id } errors { __typename code path message } } }"""
    before = await tenant.everything()
    ids = [await point_id(tenant, identity) for identity in ("CP-2", "CP-1")]
    payload = (await own.data(asked, ids=ids))["editChargePoints"]
    assert payload["chargePoints"] is None
    assert [(error["__typename"], error["code"], error["path"]) for error in payload["errors"]] == [
        ("ValidationError", "BAD_USER_INPUT", ["input", "patch", "vendor"]),
        ("ValidationError", "BAD_USER_INPUT", ["input", "chargePointIds", "1"]),
    ]
    assert await tenant.everything() == before


async def test_a_password_is_shown_once_even_to_whoever_repeats_the_request(own: Graph, tenant: Busy) -> None:
    asked = """mutation M($id: ID!) { setChargePointPassword(input: {chargePointId: $id, idempotencyKey: "once"}) {
        chargePoint { identity } password errors { message } } }"""
    first, again = [(await own.data(asked, id=await point_id(tenant, "CP-3")))["setChargePointPassword"] for _ in range(2)]
    assert first["chargePoint"] == again["chargePoint"] == {"identity": "CP-3"}
    assert len(first["password"]) == 20
    assert again["password"] is None
    assert first["password"] not in str(await tenant.everything())


async def test_retired_ones_are_listed_only_when_asked_for(own: Graph, tenant: Busy) -> None:
    gone = await point_id(tenant, "N-CP-2")
    change = """mutation M($id: ID!, $state: ChargePointState!) {
        changeChargePointState(input: {chargePointIds: [$id], state: $state, reason: "Scrapped."}) {
          chargePoints { state stateReason } errors { message } } }"""
    for state in ("OUT_OF_SERVICE", "RETIRED"):
        payload = (await own.data(change, id=gone, state=state))["changeChargePointState"]
        assert payload == {"chargePoints": [{"state": state, "stateReason": "Scrapped."}], "errors": []}

    listed = "query Q($filter: ChargePointFilter) { chargePoints(filter: $filter) { totalCount nodes { id } } }"
    assert gone not in str(await own.data(listed))
    assert gone not in str(await own.data(listed, filter={"connected": False}))
    assert (await own.data(listed, filter={"states": ["RETIRED"]}))["chargePoints"] == {"totalCount": 1, "nodes": [{"id": gone}]}
    # it is still there for whoever has its id, with its history
    found = await own.data("query Q($id: ID!) { chargePoint(id: $id) { identity transactions { totalCount } } }", id=gone)
    assert found["chargePoint"]["identity"] == "N-CP-2"


async def test_faults_and_commands_are_watched_by_charge_point(own: Graph, tenant: Busy) -> None:
    station, other = tenant.stations["N-CP-1"], tenant.stations["N-CP-3"]
    asked = "subscription S($id: ID) { faultUpdated(chargePointId: $id) { code clearedAt chargePoint { identity } } }"
    async with subscribed(own, asked, id=await point_id(tenant, "N-CP-1")) as live:
        for here in (other, station):
            await charge_points.status_changed(
                tenant.backend, here, 1, 1, ConnectorStatus.FAULTED, error_code="WeakSignal", at=NOW + timedelta(minutes=1)
            )
        await relayed(tenant.backend)
        assert await live.next() == {"faultUpdated": {"code": "WeakSignal", "clearedAt": None, "chargePoint": {"identity": "N-CP-1"}}}
        assert await live.quiet()

    asked = "subscription S($id: ID) { commandUpdated(chargePointId: $id) { kind state chargePoint { identity } } }"
    async with subscribed(own, asked, id=await point_id(tenant, "N-CP-1")) as live:
        await charge_points.connected(tenant.backend, station, OcppVersion.V16)
        change = """mutation M($id: ID!) { changeChargePointState(input: {chargePointIds: [$id], state: OUT_OF_SERVICE, reason: "x"}) {
            errors { message } } }"""
        assert await own.data(change, id=await point_id(tenant, "N-CP-1")) == {"changeChargePointState": {"errors": []}}
        await relayed(tenant.backend)
        told = {"kind": "CHANGE_AVAILABILITY", "state": "PENDING", "chargePoint": {"identity": "N-CP-1"}}
        assert await live.next() == {"commandUpdated": told}


async def test_a_template_is_deleted_once_and_its_deletion_told_again(own: Graph, tenant: Busy) -> None:
    template = next(one for one in await tenant.all(Templates) if one.name == "Wallbox")
    asked = """mutation M($id: ID!) { deleteChargePointTemplate(input: {templateId: $id, idempotencyKey: "gone"}) {
        removed errors { message } } }"""
    for _ in range(2):
        assert await own.data(asked, id=id_of(template)) == {"deleteChargePointTemplate": {"removed": True, "errors": []}}
    assert [one.name for one in await tenant.all(Templates)] == ["Double wallbox"]
