"""What let a transaction begin, as charge points of both versions tell it over a real socket."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ampyard.connect.server import ConnectServer
from ampyard.domain.anomalies import AnomalyKind
from ampyard.domain.authorization import AuthorizedBy, VehicleResolution
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.commands import CommandKind
from ampyard.domain.id_tags import Authorization, IdTagKind
from ampyard.domain.transactions import Transaction
from ampyard.repositories.anomalies import Anomalies
from ampyard.services import commands
from ampyard.services.backend import Backend
from tests.connect.points import Point, new_point, wired
from tests.fleet import user

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
TAG = {"idToken": "TAG-1", "type": "ISO14443"}


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def event(kind: str, seq_no: int, **more: Any) -> dict[str, Any]:
    trigger = {"Started": "CablePluggedIn", "Updated": "MeterValuePeriodic"}[kind]
    info = {"transactionId": "tx-1"} | more.pop("info", {})
    at = text(T0 + timedelta(minutes=seq_no))
    return {"eventType": kind, "timestamp": at, "triggerReason": trigger, "seqNo": seq_no, "transactionInfo": info, **more}


BEGIN = [{"timestamp": text(T0), "sampledValue": [{"value": 1000, "context": "Transaction.Begin"}]}]


async def ask_to_start(point: Point, *, id_tag: str = "TAG-1", remote_start_id: int = 77) -> None:
    """Leave a remote start for the charge point's first EVSE, as a dispatcher would."""
    async with point.backend.unit_of_work(user(point.tenant_id)) as work:
        payload = {"evse_no": 1, "id_tag": id_tag, "remote_start_id": remote_start_id}
        await commands.give(work, (await point.charge_point()).id, CommandKind.START_TRANSACTION, payload)
        await work.commit()


async def kinds(point: Point) -> list[AnomalyKind]:
    async with point.backend.database.snapshot(point.tenant_id) as snapshot:
        return [anomaly.kind for anomaly in await Anomalies(snapshot).where()]


def told(transaction: Transaction) -> tuple[AuthorizedBy | None, Authorization | None, IdTagKind | None, str | None, bool]:
    t = transaction
    return t.authorized_by, t.authorization, t.id_tag_kind, t.started_by, t.started_offline


@pytest.mark.parametrize(
    ("token", "offline", "expected"),
    [
        (TAG, False, (AuthorizedBy.ID_TAG, Authorization.ACCEPTED, IdTagKind.RFID, None, False)),
        (TAG, True, (AuthorizedBy.OFFLINE, Authorization.ACCEPTED, IdTagKind.RFID, None, True)),
        ({"idToken": "NOBODY", "type": "Central"}, False, (None, Authorization.INVALID, None, None, False)),
        ({"idToken": "aa:bb", "type": "MacAddress"}, True, (AuthorizedBy.OFFLINE, Authorization.INVALID, IdTagKind.MAC, None, True)),
        ({"idToken": "", "type": "NoAuthorization"}, False, (AuthorizedBy.NOBODY, None, None, None, False)),
        (None, False, (None, None, None, None, False)),
    ],
)
async def test_who_let_a_2_0_1_transaction_begin(
    server: ConnectServer, backend: Backend, token: dict[str, str] | None, expected: tuple[Any, ...], *, offline: bool
) -> None:
    point = await new_point(backend, OcppVersion.V201)
    more = {} if token is None else {"idToken": token}
    async with wired(server, point) as wire:
        await wire.call(
            "TransactionEvent", **event("Started", 0, evse={"id": 1}, meterValue=BEGIN, offline=offline, reservationId=5, **more)
        )

    (stored,) = await point.transactions()
    assert told(stored) == expected
    assert stored.reservation_id == 5
    assert (stored.authorized_at is None) == (stored.authorized_by is None)
    known = stored.vehicle_id is not None
    assert known == (expected[1] is Authorization.ACCEPTED)
    assert stored.vehicle_resolved_by == (VehicleResolution.ID_TAG_AT_START if known else None)
    assert await kinds(point) == []


async def test_a_card_after_the_cable_names_the_vehicle_later(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:
        await wire.call("TransactionEvent", **event("Started", 0, evse={"id": 1}, meterValue=BEGIN))
        await wire.call("TransactionEvent", **event("Updated", 1, idToken=TAG))

    (stored,) = await point.transactions()
    assert told(stored) == (AuthorizedBy.ID_TAG, Authorization.ACCEPTED, IdTagKind.RFID, None, False)
    assert stored.authorized_at == T0 + timedelta(minutes=1)
    assert (stored.vehicle_id is not None, stored.vehicle_resolved_by) == (True, VehicleResolution.ID_TAG_LATER)


@pytest.mark.parametrize(("named", "by"), [(77, "user:tester"), (78, None)])
async def test_a_2_0_1_station_names_the_remote_start_it_carries_out(
    server: ConnectServer, backend: Backend, named: int, by: str | None
) -> None:
    point = await new_point(backend, OcppVersion.V201)
    await ask_to_start(point)
    async with wired(server, point) as wire:
        info = {"remoteStartId": named}
        await wire.call("TransactionEvent", **event("Started", 0, evse={"id": 1}, meterValue=BEGIN, idToken=TAG, info=info))

    (stored,) = await point.transactions()
    kind = AuthorizedBy.REMOTE_START if by else AuthorizedBy.ID_TAG
    assert (stored.authorized_by, stored.started_by) == (kind, by)


async def test_the_remote_start_of_1_6_is_the_one_for_its_tag_and_evse_and_only_once(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, evses=2)
    await ask_to_start(point, id_tag="TAG-2")
    async with wired(server, point) as wire:
        for connector_id, id_tag, meter in ((2, "TAG-2", 0), (1, "tag-2", 1), (1, "TAG-2", 2), (1, "TAG-1", 3)):
            now = text(datetime.now(UTC))
            start = {"connectorId": connector_id, "idTag": id_tag, "meterStart": meter, "timestamp": now, "reservationId": 9}
            begun = await wire.call("StartTransaction", **start)
            await wire.call("StopTransaction", transactionId=begun["transactionId"], meterStop=meter, timestamp=now)

    stored = {(t.id_tag, t.meter_start_wh): t for t in await point.transactions()}
    assert stored["tag-2", 1.0].started_by == "user:tester"
    assert [t.started_by for t in stored.values()].count("user:tester") == 1
    assert {t.reservation_id for t in stored.values()} == {9}


async def test_a_1_6_start_from_before_its_connection_was_made_offline(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        for tag, at in (("TAG-1", datetime.now(UTC) - timedelta(hours=1)), ("TAG-2", datetime.now(UTC))):
            await wire.call("StartTransaction", connectorId=1, idTag=tag, meterStart=0, timestamp=text(at))

    first, second = await point.transactions()
    assert told(first) == (AuthorizedBy.OFFLINE, Authorization.ACCEPTED, IdTagKind.RFID, None, True)
    assert told(second) == (AuthorizedBy.ID_TAG, Authorization.ACCEPTED, IdTagKind.RFID, None, False)
    # 1.6 always tells the register; but the first was never ended
    assert (first.begin_register_missing, await kinds(point)) == (False, [AnomalyKind.NEVER_ENDED])


@pytest.mark.parametrize(
    ("message", "odd"),
    [
        (event("Started", 0, evse={"id": 1}, offline=True), True),
        (event("Started", 0, evse={"id": 1}, offline=True, meterValue=BEGIN), False),
        (event("Started", 0, evse={"id": 1}), False),
        (event("Updated", 3, evse={"id": 1}, meterValue=BEGIN), True),
    ],
)
async def test_a_begin_register_that_is_missing_is_flagged(
    server: ConnectServer, backend: Backend, message: dict[str, Any], *, odd: bool
) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:
        await wire.call("TransactionEvent", **message)
        await wire.call("TransactionEvent", **message)
    (stored,) = await point.transactions()
    assert stored.begin_register_missing == odd
    assert await kinds(point) == ([AnomalyKind.MISSING_BEGIN_REGISTER] if odd else [])


async def test_a_meter_that_goes_back_on_the_wire_is_flagged(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        start = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 5000, "timestamp": text(T0)}
        begun = await wire.call("StartTransaction", **start)
        for minutes, value in ((5, "5500"), (10, "5400")):
            at = text(T0 + timedelta(minutes=minutes))
            values = [{"timestamp": at, "sampledValue": [{"value": value}]}]
            await wire.call("MeterValues", connectorId=1, transactionId=begun["transactionId"], meterValue=values)
        stop = {"transactionId": 4_711, "meterStop": 1, "timestamp": text(T0)}
        assert await wire.call("StopTransaction", **stop) == {}
    assert sorted(await kinds(point)) == [AnomalyKind.METER_BACKWARDS, AnomalyKind.UNKNOWN_END]
    (stored,) = await point.transactions()
    assert stored.energy_wh == 500.0
