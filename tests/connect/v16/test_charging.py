"""OCPP 1.6 over a real socket, and what is stored of it."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.domain.state_of_charge import SocSource
from ampyard.domain.transactions import ChargingState, TransactionState
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from tests.connect.points import eventually, new_point, wired
from tests.connect.stations import call16 as call
from tests.connect.stations import station16

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def at(minutes: float) -> str:
    return (T0 + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def sampled(minutes: float, *values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"timestamp": at(minutes), "sampledValue": list(values)}]


async def test_a_charging_from_boot_to_stop(server: ConnectServer, backend: Backend) -> None:
    # given a charge point that boots
    point = await new_point(backend)
    async with station16(server, point) as station:
        boot = await station.call(
            call.BootNotification(charge_point_model="M1", charge_point_vendor="V", charge_box_serial_number="S-1", firmware_version="1.2")
        )
        assert (boot.status, boot.interval) == ("Accepted", 60)
        assert boot.current_time.endswith("Z")
        assert abs(datetime.fromisoformat(boot.current_time) - datetime.now(UTC)) < timedelta(seconds=30)
        known = await point.charge_point()
        assert (known.vendor, known.model, known.serial_number, known.firmware_version) == ("V", "M1", "S-1", "1.2")
        assert (known.connected, known.ocpp_version, known.booted_at is not None) == (True, OcppVersion.V16, True)

        # when a vehicle charges
        await station.call(call.StatusNotification(0, "NoError", "Available", at(-1)))
        await station.call(call.StatusNotification(1, "NoError", "Preparing", at(-1)))
        assert (await station.call(call.Authorize("tag-1"))).id_tag_info == {"status": "Accepted"}
        started = await station.call(call.StartTransaction(connector_id=1, id_tag="TAG-1", meter_start=1000, timestamp=at(0)))
        assert started.id_tag_info == {"status": "Accepted"}
        await station.call(call.StatusNotification(1, "NoError", "Charging", at(0.1)))
        values = sampled(
            5,
            {"value": "1900"},
            {"value": "11.04", "unit": "kW", "measurand": "Power.Active.Import"},
            {"value": "42.5", "unit": "Percent", "measurand": "SoC", "location": "EV"},
        )
        await station.call(call.MeterValues(connector_id=1, transaction_id=started.transaction_id, meter_value=values))

        # then it is all there
        (running,) = await point.transactions()
        assert running.ocpp_transaction_id == str(started.transaction_id)
        assert (running.state, running.charging_state) == (TransactionState.ACTIVE, ChargingState.CHARGING)
        assert (running.started_at, running.meter_start_wh, running.energy_wh) == (T0, 1000.0, 900.0)
        assert (running.power_kw, running.soc_percent, running.measured_at) == (11.04, 42.5, T0 + timedelta(minutes=5))
        (connector,) = await point.connectors()
        assert (connector.status, connector.error_code) == (ConnectorStatus.CHARGING, None)
        assert running.connector_id == connector.id
        async with backend.database.snapshot(point.tenant_id) as snapshot:
            assert running.vehicle_id is not None
            vehicle = await Vehicles(snapshot).by_id(running.vehicle_id)
        assert vehicle is not None
        assert (vehicle.soc_percent, vehicle.soc_source) == (42.5, SocSource.CHARGER)

        # and when it stops, with values of its own
        stop = call.StopTransaction(
            transaction_id=started.transaction_id,
            meter_stop=2800,
            timestamp=at(10),
            id_tag="TAG-1",
            reason="EVDisconnected",
            transaction_data=sampled(10, {"value": "2.8", "unit": "kWh", "context": "Transaction.End"}),
        )
        assert (await station.call(stop)).id_tag_info == {"status": "Accepted"}
        await station.call(call.StatusNotification(1, "EVCommunicationError", "Faulted", at(11)))

    (ended,) = await point.transactions()
    assert (ended.state, ended.ended_at, ended.stop_reason) == (TransactionState.ENDED, T0 + timedelta(minutes=10), "EVDisconnected")
    assert (ended.energy_wh, ended.power_kw) == (1800.0, 0.0)
    stored = [(s.measurand, s.value, s.unit, s.location, s.context, s.transaction_id == ended.id) for s in await point.samples()]
    assert stored == [
        ("Energy.Active.Import.Register", 1900.0, "Wh", "Outlet", "Sample.Periodic", True),
        ("Power.Active.Import", 11040.0, "W", "Outlet", "Sample.Periodic", True),
        ("SoC", 42.5, "Percent", "EV", "Sample.Periodic", True),
        ("Energy.Active.Import.Register", 2800.0, "Wh", "Outlet", "Transaction.End", True),
    ]
    (connector,) = await point.connectors()
    assert (connector.status, connector.error_code) == (ConnectorStatus.FAULTED, "EVCommunicationError")


async def test_every_answer_comes_after_the_commit(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        for number in range(10):
            start = {"connectorId": 1, "idTag": "TAG-1", "meterStart": number, "timestamp": at(number)}
            transaction_id = (await wire.call("StartTransaction", **start))["transactionId"]
            # another connection sees it the moment the answer is here
            assert str(transaction_id) in {t.ocpp_transaction_id for t in await point.transactions()}
            await wire.call("StopTransaction", transactionId=transaction_id, meterStop=number, timestamp=at(number))
            assert all(t.state is TransactionState.ENDED for t in await point.transactions())


async def test_a_repeated_message_is_recorded_once(server: ConnectServer, backend: Backend) -> None:
    # given messages sent twice: with the same id, with a new one, and over a new socket
    point = await new_point(backend)
    start = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 1000, "timestamp": at(0)}
    async with wired(server, point) as wire:
        first = await wire.call("StartTransaction", "m-1", **start)
        again = await wire.call("StartTransaction", "m-1", **start)
        anew = await wire.call("StartTransaction", "m-2", **start)
        values = {"connectorId": 1, "transactionId": first["transactionId"], "meterValue": sampled(1, {"value": "1100"})}
        await wire.call("MeterValues", **values)
    async with wired(server, point) as wire:
        await wire.call("MeterValues", **values)
        stop = {"transactionId": first["transactionId"], "meterStop": 1200, "timestamp": at(2)}
        await wire.call("StopTransaction", **stop)
        await wire.call("StopTransaction", **stop)

    assert first == again == anew
    (stored,) = await point.transactions()
    assert (stored.energy_wh, stored.stop_reason, stored.ended_at) == (200.0, "Local", T0 + timedelta(minutes=2))
    assert len(await point.samples()) == 1


async def test_an_open_transaction_goes_on_after_a_lost_link(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with station16(server, point) as station:
        started = await station.call(call.StartTransaction(connector_id=1, id_tag="TAG-1", meter_start=0, timestamp=at(0)))
        station._connection.transport.abort()

    async def gone() -> bool:
        return not (await point.charge_point()).connected

    await eventually(gone)
    async with station16(server, point) as station:
        values = sampled(5, {"value": "500"})
        await station.call(call.MeterValues(connector_id=1, transaction_id=started.transaction_id, meter_value=values))
        (running,) = await point.transactions()
        assert (running.state, running.energy_wh) == (TransactionState.ACTIVE, 500.0)
        await station.call(call.StopTransaction(transaction_id=started.transaction_id, meter_stop=700, timestamp=at(9)))
    assert [(t.state, t.energy_wh) for t in await point.transactions()] == [(TransactionState.ENDED, 700.0)]


async def test_values_that_are_no_numbers_are_left_out(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    values = sampled(
        1,
        {"value": "MIIBCgKCAQEA", "format": "SignedData"},
        {"value": "12", "format": "SignedData"},
        {"value": "NaN"},
        {"value": "-inf"},
        {"value": "n/a", "measurand": "Temperature"},
        {"value": " 21.5 ", "measurand": "Temperature", "unit": "Celsius", "location": "Body"},
    )
    async with wired(server, point) as wire:
        assert await wire.call("MeterValues", connectorId=1, meterValue=values) == {}
    (sample,) = await point.samples()
    assert (sample.measurand, sample.value, sample.transaction_id) == ("Temperature", 21.5, None)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2026-11-02T08:00:00Z", T0),
        ("2026-11-02T08:00:00", T0),
        ("2026-11-02T09:00:00+01:00", T0),
        ("2026-11-02T08:00:00.123456789Z", T0 + timedelta(microseconds=123456)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
async def test_timestamps_are_read_as_utc(server: ConnectServer, backend: Backend, text: str, stored: datetime) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        await wire.call("MeterValues", connectorId=1, meterValue=[{"timestamp": text, "sampledValue": [{"value": "1"}]}])
    assert [sample.sampled_at for sample in await point.samples()] == [stored]


@pytest.mark.parametrize(
    ("action", "payload", "words"),
    [
        ("StartTransaction", {"connectorId": 7, "idTag": "TAG-1", "meterStart": 0, "timestamp": at(0)}, "has no EVSE 7; known: 1."),
        ("StartTransaction", {"connectorId": 1, "idTag": "TAG-1", "meterStart": 0, "timestamp": "noon"}, "'noon' is no date and time"),
        ("StopTransaction", {"transactionId": 1, "meterStop": 0, "timestamp": "0001-01-01T00:00:00+14:00"}, "is no date and time"),
        ("StatusNotification", {"connectorId": 2, "errorCode": "NoError", "status": "Available"}, "has no EVSE 2; known: 1."),
        ("MeterValues", {"connectorId": 3, "meterValue": sampled(1, {"value": "1"})}, "has no EVSE 3; known: 1."),
    ],
)
async def test_what_contradicts_the_configuration_is_refused_in_words(
    server: ConnectServer, backend: Backend, action: str, payload: dict[str, Any], words: str
) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        code, description = await wire.refused(action, **payload)
        assert "currentTime" in await wire.call("Heartbeat")
    assert (code, words in description) == ("PropertyConstraintViolation", True), description
    assert await point.transactions() == []
    assert await point.samples() == []


async def test_what_a_tag_is_worth_is_told(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with station16(server, point) as station:
        assert (await station.call(call.Authorize("NOBODY"))).id_tag_info == {"status": "Invalid"}
        started = await station.call(call.StartTransaction(connector_id=1, id_tag="NOBODY", meter_start=0, timestamp=at(0)))
        assert started.id_tag_info == {"status": "Invalid"}
        stopped = await station.call(
            call.StopTransaction(transaction_id=started.transaction_id, meter_stop=0, timestamp=at(1), reason="DeAuthorized")
        )
        assert stopped.id_tag_info is None
    assert [(t.vehicle_id, t.stop_reason) for t in await point.transactions()] == [(None, "DeAuthorized")]


async def test_a_status_that_comes_before_the_start_tells_its_charging_state(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with station16(server, point) as station:
        await station.call(call.StatusNotification(1, "NoError", "SuspendedEVSE", at(0)))
        await station.call(call.StartTransaction(connector_id=1, id_tag="TAG-1", meter_start=0, timestamp=at(0)))
    assert [t.charging_state for t in await point.transactions()] == [ChargingState.SUSPENDED_EVSE]


async def test_the_main_meter_and_the_whole_charge_point_are_heard(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    before = (await point.connectors(), await point.evses())
    async with wired(server, point) as wire:
        assert await wire.call("MeterValues", connectorId=0, meterValue=sampled(1, {"value": "1"})) == {}
        assert await wire.call("StatusNotification", connectorId=0, errorCode="NoError", status="Unavailable") == {}
        evses = [replace(evse, profile_writes=0, profile_written_at=None) for evse in await point.evses()]
        assert (await point.connectors(), evses) == before


async def test_what_needs_no_more_than_an_answer_gets_one(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    said = [
        call.DataTransfer("com.example", "m", "data"),
        call.FirmwareStatusNotification("Idle"),
        call.DiagnosticsStatusNotification("Uploaded"),
        call.LogStatusNotification("Uploaded", 1),
        call.SignedFirmwareStatusNotification("Idle", 1),
        call.SecurityEventNotification("TamperDetectionActivated", at(0), "lid"),
        call.SignCertificate("csr"),
        call.Heartbeat(),
    ]
    async with station16(server, point) as station:
        answers = [await station.call(message, suppress=False) for message in said]
    assert [getattr(answer, "status", None) for answer in answers] == ["UnknownVendorId", None, None, None, None, None, "Rejected", None]


async def test_messages_sent_just_before_the_end_are_kept(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        for minute in range(5):
            values = {"connectorId": 1, "meterValue": sampled(minute, {"value": "1"})}
            await wire.socket.send(json.dumps([2, str(minute), "MeterValues", values]))
        await wire.socket.close()

    async def all_there() -> bool:
        return len(await point.samples()) == 5

    await eventually(all_there)
    await asyncio.sleep(0)
