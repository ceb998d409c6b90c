"""OCPP 2.0.1 over a real socket, and what is stored of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.domain.transactions import ChargingState, TransactionState
from ampyard.services.backend import Backend
from tests.connect.points import new_point, wired
from tests.connect.stations import call201 as call
from tests.connect.stations import station201

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
TAG = {"idToken": "TAG-1", "type": "ISO14443"}


def at(minutes: float) -> str:
    return (T0 + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def sampled(minutes: float, *values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"timestamp": at(minutes), "sampledValue": list(values)}]


def register(wh: float, context: str) -> dict[str, Any]:
    return {"value": wh, "context": context}


def event(kind: str, minutes: float, seq_no: int, info: dict[str, Any], **more: Any) -> dict[str, Any]:
    trigger = {"Started": "CablePluggedIn", "Updated": "MeterValuePeriodic", "Ended": "EVDeparted"}[kind]
    info = {"transactionId": "tx-1", **info}
    return {"eventType": kind, "timestamp": at(minutes), "triggerReason": trigger, "seqNo": seq_no, "transactionInfo": info, **more}


async def test_a_charging_from_boot_to_end(server: ConnectServer, backend: Backend) -> None:
    # given a station with two EVSEs that boots
    point = await new_point(backend, OcppVersion.V201, evses=2)
    async with station201(server, point) as station:
        hardware = {"vendorName": "V", "model": "M2", "serialNumber": "S-2", "firmwareVersion": "2.0"}
        boot = await station.call(call.BootNotification(charging_station=hardware, reason="PowerUp"))
        assert (boot.status, boot.interval) == ("Accepted", 60)
        known = await point.charge_point()
        assert (known.vendor, known.model, known.serial_number, known.firmware_version) == ("V", "M2", "S-2", "2.0")
        assert (known.connected, known.ocpp_version) == (True, OcppVersion.V201)

        # when a vehicle charges at the second, its cable before its card
        await station.call(call.StatusNotification(at(-1), "Occupied", 2, 1))
        assert (await station.call(call.Authorize(id_token=TAG))).id_token_info == {"status": "Accepted"}
    async with wired(server, point) as wire:
        evse = {"id": 2, "connectorId": 1}
        begin = sampled(0, register(1000, "Transaction.Begin"))
        started = event("Started", 0, 0, {"chargingState": "EVConnected"}, evse=evse, meterValue=begin)
        assert await wire.call("TransactionEvent", **started) == {}
        authorized = event("Updated", 1, 1, {"chargingState": "Charging"}, idToken=TAG)
        assert await wire.call("TransactionEvent", **authorized) == {"idTokenInfo": {"status": "Accepted"}}
        values = sampled(
            5,
            {"value": 1.9, "unitOfMeasure": {"unit": "kWh"}},
            {"value": 110.4, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 2}},
            {"value": 425, "measurand": "SoC", "location": "EV", "unitOfMeasure": {"unit": "Percent", "multiplier": -1}},
        )
        assert await wire.call("TransactionEvent", **event("Updated", 5, 2, {}, meterValue=values, offline=True)) == {}

        # then it is all there
        (running,) = await point.transactions()
        assert (running.ocpp_transaction_id, running.id_tag, running.vehicle_id is not None) == ("tx-1", "TAG-1", True)
        assert (running.state, running.charging_state) == (TransactionState.ACTIVE, ChargingState.CHARGING)
        assert (running.started_at, running.meter_start_wh, running.energy_wh) == (T0, 1000.0, 900.0)
        assert (running.power_kw, running.soc_percent, running.last_seq_no) == (11.04, 42.5, 2)
        assert running.evse_id == (await point.evses())[1].id

        # and when it ends
        ended_values = sampled(10, register(2800, "Transaction.End"))
        ended = event("Ended", 10, 3, {"chargingState": "Idle", "stoppedReason": "EVDisconnected"}, meterValue=ended_values)
        assert await wire.call("TransactionEvent", **ended) == {}
        assert await wire.call("TransactionEvent", **ended) == {}

    (stored,) = await point.transactions()
    assert (stored.state, stored.ended_at, stored.stop_reason) == (TransactionState.ENDED, T0 + timedelta(minutes=10), "EVDisconnected")
    assert (stored.energy_wh, stored.power_kw, stored.charging_state) == (1800.0, 0.0, ChargingState.IDLE)
    assert [(s.measurand, s.value, s.unit) for s in await point.samples()] == [
        ("Energy.Active.Import.Register", 1000.0, "Wh"),
        ("Energy.Active.Import.Register", 1900.0, "Wh"),
        ("Power.Active.Import", 11040.0, "W"),
        ("SoC", 42.5, "Percent"),
        ("Energy.Active.Import.Register", 2800.0, "Wh"),
    ]
    statuses = {connector.evse_id: connector.status for connector in await point.connectors()}
    assert [statuses[evse.id] for evse in await point.evses()] == [ConnectorStatus.UNKNOWN, ConnectorStatus.OCCUPIED]


async def test_events_come_twice_and_late(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    started = event("Started", 0, 0, {"chargingState": "Charging"}, evse={"id": 1}, meterValue=sampled(0, register(0, "Transaction.Begin")))
    later = event("Updated", 2, 2, {"chargingState": "SuspendedEV"}, meterValue=sampled(2, register(200, "Sample.Periodic")))
    late = event("Updated", 1, 1, {"chargingState": "Charging"}, meterValue=sampled(1, register(100, "Sample.Periodic")))
    async with wired(server, point) as wire:
        for message in (started, started, later, late, late):
            await wire.call("TransactionEvent", "m-1", **message)

    (stored,) = await point.transactions()
    assert (stored.energy_wh, stored.charging_state, stored.last_seq_no) == (200.0, ChargingState.SUSPENDED_EV, 2)
    assert [s.value for s in await point.samples()] == [0.0, 100.0, 200.0]


async def test_a_transaction_goes_on_over_a_new_socket_even_if_its_start_was_lost(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:
        updated = event("Updated", 5, 4, {"chargingState": "Charging"}, evse={"id": 1, "connectorId": 1}, idToken=TAG)
        assert await wire.call("TransactionEvent", **updated) == {"idTokenInfo": {"status": "Accepted"}}
        await wire.socket.close()
    async with wired(server, point) as wire:
        await wire.call("TransactionEvent", **event("Ended", 9, 5, {}))
    assert [(t.state, t.stop_reason) for t in await point.transactions()] == [(TransactionState.ENDED, "Local")]


async def test_the_start_button_is_accepted_and_names_nobody(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:
        nobody = {"idToken": "", "type": "NoAuthorization"}
        started = event("Started", 0, 0, {}, evse={"id": 1}, idToken=nobody)
        assert await wire.call("TransactionEvent", **started) == {"idTokenInfo": {"status": "Accepted"}}
    assert [(t.id_tag, t.vehicle_id) for t in await point.transactions()] == [(None, None)]


async def test_an_unknown_token_is_told_so(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:
        started = event("Started", 0, 0, {}, evse={"id": 1}, idToken={"idToken": "NOBODY", "type": "Central"})
        assert await wire.call("TransactionEvent", **started) == {"idTokenInfo": {"status": "Invalid"}}
    assert [(t.id_tag, t.vehicle_id) for t in await point.transactions()] == [("NOBODY", None)]


@pytest.mark.parametrize("multiplier", [400, -400, 10**9])
async def test_values_beyond_reason_are_left_out_or_nought(server: ConnectServer, backend: Backend, multiplier: int) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:
        value = {"value": 5, "unitOfMeasure": {"multiplier": multiplier}}
        assert await wire.call("MeterValues", evseId=1, meterValue=sampled(1, value, {"value": 7, "measurand": "Voltage"})) == {}
    assert [(s.measurand, s.value) for s in await point.samples()][-1] == ("Voltage", 7.0)


@pytest.mark.parametrize(
    ("action", "payload", "words"),
    [
        ("TransactionEvent", event("Updated", 1, 1, {}), "has no transaction tx-1"),
        ("TransactionEvent", event("Started", 0, 0, {}, evse={"id": 3}), "has no EVSE 3; known: 1."),
        ("TransactionEvent", event("Started", 0, 0, {}, evse={"id": 1}) | {"timestamp": "noon"}, "'noon' is no date"),
        ("StatusNotification", {"timestamp": at(0), "connectorStatus": "Available", "evseId": 1, "connectorId": 2}, "has no connector 2"),
        ("MeterValues", {"evseId": 2, "meterValue": sampled(1, register(1, "Trigger"))}, "has no EVSE 2"),
    ],
)
async def test_what_contradicts_the_configuration_is_refused_in_words(
    server: ConnectServer, backend: Backend, action: str, payload: dict[str, Any], words: str
) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:
        code, description = await wire.refused(action, **payload)
    assert (code, words in description) == ("PropertyConstraintViolation", True), description
    assert await point.transactions() == []
    assert await point.samples() == []


async def test_what_needs_no_more_than_an_answer_gets_one(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    limit = {"chargingLimitSource": "EMS", "isGridCritical": False}
    needs = {"requestedEnergyTransfer": "DC", "dcChargingParameters": {"evMaxCurrent": 200, "evMaxVoltage": 800}}
    schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1.0}]}
    monitored = {
        "eventId": 1,
        "timestamp": at(0),
        "trigger": "Alerting",
        "actualValue": "1",
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector"},
        "variable": {"name": "Problem"},
    }
    said: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("DataTransfer", {"vendorId": "com.example", "data": {"any": ["thing"]}}, {"status": "UnknownVendorId"}),
        ("FirmwareStatusNotification", {"status": "Idle"}, {}),
        ("LogStatusNotification", {"status": "Idle"}, {}),
        ("SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": at(0)}, {}),
        ("NotifyEvent", {"generatedAt": at(0), "seqNo": 0, "eventData": [monitored]}, {}),
        ("NotifyReport", {"requestId": 1, "generatedAt": at(0), "seqNo": 0}, {}),
        ("NotifyChargingLimit", {"chargingLimit": limit}, {}),
        ("ClearedChargingLimit", {"chargingLimitSource": "EMS"}, {}),
        ("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": needs}, {"status": "Rejected"}),
        ("NotifyEVChargingSchedule", {"timeBase": at(0), "evseId": 1, "chargingSchedule": schedule}, {"status": "Accepted"}),
        ("SignCertificate", {"csr": "csr"}, {"status": "Rejected"}),
    ]
    async with wired(server, point) as wire:
        for action, payload, answer in said:
            assert await wire.call(action, **payload) == answer, action
        assert list(await wire.call("Heartbeat", customData={"vendorId": "x", "aB": 1})) == ["currentTime"]
