"""OCPP 2.1 over a real socket: what 2.0.1 has, what it adds and is read over, and what breaks its schemas."""

from typing import Any

import pytest

from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.domain.commands import CommandKind, CommandState
from ampyard.domain.transactions import ChargingState, TransactionState
from ampyard.services.backend import Backend
from tests.connect.points import new_point, wired
from tests.connect.stations import call21 as call
from tests.connect.stations import station21
from tests.connect.test_commands import START, give, limit_of, outcome, profile201, sent
from tests.connect.v201.test_charging import TAG, at, event, register, sampled

COST = {
    "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"inclTax": 3.21}},
    "totalUsage": {"energy": 1.8, "chargingTime": 600, "idleTime": 0},
}


async def test_a_charging_from_boot_to_end(server: ConnectServer, backend: Backend) -> None:
    # given a station that boots
    point = await new_point(backend, OcppVersion.V21)
    async with station21(server, point) as station:
        hardware = {"vendorName": "V", "model": "M21", "serialNumber": "S-21", "firmwareVersion": "2.1"}
        boot = await station.call(call.BootNotification(charging_station=hardware, reason="PowerUp"))
        assert (boot.status, boot.interval) == ("Accepted", 60)
        known = await point.charge_point()
        assert (known.model, known.connected, known.ocpp_version) == ("M21", True, OcppVersion.V21)
        await station.call(
            call.StatusNotification(connector_id=1, connector_status=ConnectorStatus.OCCUPIED.value, evse_id=1, timestamp=at(-1))
        )
        assert (await station.call(call.Authorize(id_token=TAG))).id_token_info == {"status": "Accepted"}

    # when a vehicle charges, and the station says what 2.0.1 has no words for
    async with wired(server, point) as wire:
        begin = sampled(0, register(1000, "Transaction.Begin"))
        info = {"chargingState": "Charging", "operationMode": "ChargingOnly", "tariffId": "T-1"}
        started = event("Started", 0, 0, info, evse={"id": 1, "connectorId": 1}, idToken=TAG, meterValue=begin)
        assert await wire.call("TransactionEvent", **started) == {"idTokenInfo": {"status": "Accepted"}}
        values = sampled(5, register(1900, "Sample.Periodic"), {"value": 11_040, "measurand": "Power.Active.Import"})
        values[0]["sampledValue"].append({"value": 900, "measurand": "EnergyRequest.Minimum", "location": "Upstream"})
        limited = event("Updated", 5, 1, {}, meterValue=values, costDetails=COST, evseSleep=False) | {"triggerReason": "LimitSet"}
        assert await wire.call("TransactionEvent", **limited) == {}
        (running,) = await point.transactions()
        assert (running.state, running.charging_state) == (TransactionState.ACTIVE, ChargingState.CHARGING)
        assert (running.id_tag, running.energy_wh, running.power_kw) == ("TAG-1", 900.0, 11.04)
        ended = event(
            "Ended", 10, 2, {"stoppedReason": "ReqEnergyTransferRejected"}, meterValue=sampled(10, register(2800, "Transaction.End"))
        )
        assert await wire.call("TransactionEvent", **ended) == {}
        assert await wire.call("MeterValues", evseId=1, meterValue=sampled(11, {"value": 230, "measurand": "Voltage"})) == {}

    # then it is all there
    (stored,) = await point.transactions()
    assert (stored.state, stored.stop_reason, stored.energy_wh) == (TransactionState.ENDED, "ReqEnergyTransferRejected", 1800.0)
    assert [(sample.measurand, sample.value, sample.location) for sample in await point.samples()] == [
        ("Energy.Active.Import.Register", 1000.0, "Outlet"),
        ("Energy.Active.Import.Register", 1900.0, "Outlet"),
        ("EnergyRequest.Minimum", 900.0, "Upstream"),
        ("Power.Active.Import", 11_040.0, "Outlet"),
        ("Energy.Active.Import.Register", 2800.0, "Outlet"),
        ("Voltage", 230.0, "Outlet"),
    ]


async def test_starts_stops_and_defaults_are_those_of_2_0_1(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V21)
    async with station21(server, point) as station:
        started = await outcome(point, await give(point, CommandKind.START_TRANSACTION, START))
        stopped = await outcome(point, await give(point, CommandKind.STOP_TRANSACTION, {"ocpp_transaction_id": "tx-41"}))
    assert started == (CommandState.ACCEPTED, "Accepted")
    assert stopped == (CommandState.REJECTED, "Rejected: TxNotFound no such transaction")
    token = {"id_token": "TAG-1", "type": "Central"}
    assert station.of("RequestStartTransaction") == [{"id_token": token, "remote_start_id": 7, "evse_id": 1}]
    assert station.of("RequestStopTransaction") == [{"transaction_id": "tx-41"}]
    async with wired(server, point) as wire:
        await wire.call("Heartbeat")
        (default,) = await sent(wire, "SetChargingProfile")
    assert default == {"evseId": 1, "chargingProfile": profile201(1001, "TxDefaultProfile", 6.0, "A")}


@pytest.mark.parametrize(
    ("max_offline_s", "said"), [(14_400, {"maxOfflineDuration": 14_400, "invalidAfterOfflineDuration": True}), (None, {})]
)
async def test_a_limit_says_for_how_long_it_holds_without_a_link(
    server: ConnectServer, backend: Backend, max_offline_s: int | None, said: dict[str, Any]
) -> None:
    point = await new_point(backend, OcppVersion.V21)
    profile = {"unit": "W", "periods": [[0, 9000.0]], "stack_level": 0, "phases": None, "phase": None, "start_at": None, "duration_s": None}
    async with wired(server, point) as wire:
        await wire.call("TransactionEvent", **event("Started", 0, 0, {"chargingState": "Charging"}, evse={"id": 1, "connectorId": 1}))
        payload = await limit_of(point, 9.0) | {"profile": profile | {"max_offline_s": max_offline_s}}
        assert await outcome(point, await give(point, CommandKind.SET_LIMIT, payload)) == (CommandState.ACCEPTED, "Accepted")
    told = profile201(2001, "TxProfile", 9000.0, transactionId="tx-1", **said)
    assert ("SetChargingProfile", {"evseId": 1, "chargingProfile": told}) in wire.orders
    assert [evse.limit_kw for evse in await point.evses()] == [9.0]


async def test_what_2_1_adds_is_known_and_not_supported(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V21)
    async with wired(server, point) as wire:
        for action in ("NotifySettlement", "BatterySwap", "NotifyDERAlarm", "OpenPeriodicEventStream", "PullDynamicScheduleUpdate"):
            assert await wire.refused(action) == ("NotSupported", f"Action {action} is not supported here.")
        assert await wire.refused("Teleport") == ("NotImplemented", "Action Teleport is unknown here.")


@pytest.mark.parametrize(
    ("payload", "code", "words"),
    [
        (event("Started", 0, 0, {}, evse={"id": 1}) | {"triggerReason": "Whim"}, "FormatViolation", "triggerReason: 'Whim'"),
        (event("Started", 0, 0, {"operationMode": "Fast"}, evse={"id": 1}), "FormatViolation", "operationMode: 'Fast' is not one of"),
        (
            event("Started", 0, 0, {}, evse={"id": 1}, costDetails={"totalCost": COST["totalCost"]}),
            "ProtocolError",
            "'totalUsage' is a required",
        ),
        (event("Started", 0, 0, {}, evse={"id": 1}, evseSleep="no"), "TypeConstraintViolation", "evseSleep: 'no' is not of type 'boolean'"),
        (event("Started", 0, 0, {"price": 3}, evse={"id": 1}), "FormatViolation", "'price' was unexpected"),
        (event("Started", 0, 0, {}, evse={"id": 3}), "PropertyConstraintViolation", "has no EVSE 3"),
    ],
)
async def test_what_breaks_the_schemas_of_2_1_is_refused(
    server: ConnectServer, backend: Backend, payload: dict[str, Any], code: str, words: str
) -> None:
    point = await new_point(backend, OcppVersion.V21)
    async with wired(server, point) as wire:
        answered = await wire.refused("TransactionEvent", **payload)
        assert (answered[0], words in answered[1]) == (code, True), answered
        assert "currentTime" in await wire.call("Heartbeat")
    assert await point.transactions() == []


async def test_what_only_2_1_has_is_refused_in_2_0_1(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:
        code, _ = await wire.refused("TransactionEvent", **event("Started", 0, 0, {}, evse={"id": 1}, evseSleep=False))
        assert code == "FormatViolation"
        assert (await wire.refused("NotifySettlement"))[0] == "NotImplemented"
    assert await point.transactions() == []


async def test_an_answer_that_breaks_the_schemas_is_no_answer(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V21)
    async with wired(server, point) as wire:
        wire.replies["RequestStartTransaction"] = {"status": "Perhaps"}
        state, words = await outcome(point, await give(point, CommandKind.START_TRANSACTION, START))
    assert state is CommandState.FAILED
    assert words is not None
    assert words.startswith("The message or its answer breaks the schema: ")
