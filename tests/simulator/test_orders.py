"""What a central system may order, and what comes of it."""

import asyncio
from collections.abc import Callable
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any

from tests.simulator.conftest import Central, fast_options, running
from tests.simulator.csms import Csms16, Csms201

FleetFile = Callable[..., Path]


async def test_profiles_are_obeyed_by_precedence(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        _, transaction_id = await csms.started()
        await csms.power(transaction_id, lambda power_w: power_w == 4200)

        for limit_kw, purpose, expected_w in [
            (7.0, "default", 7000),
            (9.0, "tx", 9000),
            (8.0, "max", 8000),
            (1.0, "tx", 0),
            (6.0, "tx", 6000),
        ]:
            before = len(csms.frames)
            named = transaction_id if purpose == "tx" else None
            assert await csms.limit(limit_kw, purpose, evse_no=0 if purpose == "max" else 1, transaction_id=named) == "Accepted"
            await csms.power(transaction_id, partial(eq, expected_w), after=before)
        if ocpp_version == "1.6":
            assert [
                frame.payload["status"] for frame in csms.frames if frame.payload.get("connector_id") == 1 and "status" in frame.payload
            ] == [
                "Preparing",
                "Charging",
                "SuspendedEVSE",
                "Charging",
            ]

        before = len(csms.frames)
        assert await csms.limit(10.0, "tx", transaction_id=transaction_id, stack_level=3) == "Accepted"
        await csms.power(transaction_id, lambda power_w: power_w == 8000, after=before)
        before = len(csms.frames)
        assert await csms.clear() == "Accepted"
        await csms.power(transaction_id, lambda power_w: power_w == (4200 if ocpp_version == "1.6" else 10000), after=before)


async def test_remote_start_brings_its_profile(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    csms.refused_tags = {"TAG-1"}
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}]}
    profile = {"stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative"}

    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        await csms.expect("Authorize")
        if ocpp_version == "1.6":
            profile |= {"chargingProfileId": 1, "chargingSchedule": schedule}
            status = await csms.order("RemoteStartTransaction", idTag="APP-1", chargingProfile=profile)
        else:
            profile |= {"id": 1, "chargingSchedule": [{"id": 1, **schedule}]}
            token = {"idToken": "APP-1", "type": "Central"}
            status = await csms.order("RequestStartTransaction", idToken=token, remoteStartId=1, chargingProfile=profile)
        _, transaction_id = await csms.started()
        await csms.power(transaction_id, lambda power_w: power_w == 6900)

    assert status == "Accepted"


async def test_a_reduction_is_effective_within_the_second(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    # the model steps once a second, as in a real run: the order itself must move it
    async with running(fast_options(csms.url, fleet_file(ocpp_version), step_s=1.0)):
        _, transaction_id = await csms.started()
        assert await csms.limit(5.0, transaction_id=transaction_id) == "Accepted"
        await csms.power(transaction_id, lambda power_w: power_w == 5000)

        before = len(csms.frames)
        assert await csms.limit(0.0, transaction_id=transaction_id) == "Accepted"
        sent_at = asyncio.get_running_loop().time()
        await csms.power(transaction_id, lambda power_w: power_w == 0, after=before)

        assert asyncio.get_running_loop().time() - sent_at < 1.0


async def test_senseless_profiles_are_refused(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        _, transaction_id = await csms.started()

        assert await csms.limit(5.0, transaction_id="4711") == "Rejected"
        assert await csms.limit(5.0, evse_no=0, transaction_id=transaction_id) == "Rejected"
        assert await csms.limit(5.0, evse_no=2, transaction_id=transaction_id) == "Rejected"
        assert await csms.limit(5.0, "max") == "Rejected"
        assert await csms.limit(5.0, stack_level=9, transaction_id=transaction_id) == "Rejected"
        assert await csms.clear() == "Unknown"
        await csms.power(transaction_id, lambda power_w: power_w == 4200)


async def test_a_transaction_profile_ends_with_its_transaction(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        _, transaction_id = await csms.started()
        assert await csms.limit(5.0, transaction_id=transaction_id) == "Accepted"
        assert await csms.remote_stop(transaction_id) == "Accepted"
        await csms.ended(transaction_id)

        assert await csms.clear() == "Unknown"
        assert await csms.limit(5.0, transaction_id=transaction_id) == "Rejected"


async def test_availability_is_changed_at_once_or_after_the_transaction(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    def change(operative: bool) -> tuple[str, dict[str, Any]]:  # noqa: FBT001 - two states of one thing
        name = "Operative" if operative else "Inoperative"
        fields = {"connectorId": 0, "type": name} if ocpp_version == "1.6" else {"operationalStatus": name}
        return "ChangeAvailability", fields

    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        _, transaction_id = await csms.started()
        scheduled = await csms.raw(*change(operative=False))
        assert await csms.remote_stop(transaction_id) == "Accepted"
        ended, _ = await csms.ended(transaction_id)
        unavailable = await csms.status("Unavailable", after=csms.frames.index(ended))
        assert await csms.remote_start("APP-1") == "Rejected"
        accepted = await csms.raw(*change(operative=True))
        await csms.status("Finishing", after=csms.frames.index(unavailable))

    assert scheduled.payload == {"status": "Scheduled"}
    assert accepted.payload == {"status": "Accepted"}


async def test_messages_are_triggered(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version), meter_interval_s=60.0)):
        _, transaction_id = await csms.started()
        await csms.status("Charging")
        for message in ["BootNotification", "Heartbeat", "StatusNotification", "MeterValues"]:
            before = len(csms.frames)
            answer = await csms.raw("TriggerMessage", {"requestedMessage": message})
            assert answer.payload == {"status": "Accepted"}
            frame = await csms.expect(message, after=before)
        await csms.raw("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        assert (await csms.expect("FirmwareStatusNotification")).payload == {"status": "Idle"}
        unknown = await csms.raw(
            "TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification" if ocpp_version == "1.6" else "LogStatusNotification"}
        )

        assert unknown.payload == {"status": "NotImplemented"}
        assert frame.payload["meter_value"][0]["sampled_value"][0]["context"] == "Trigger"
        if ocpp_version == "1.6":
            assert frame.payload["transaction_id"] == int(transaction_id)
        else:
            answer = await csms.raw("TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}})
            assert answer.payload == {"status": "Accepted"}
            await csms.expect("TransactionEvent", lambda payload: payload["trigger_reason"] == "Trigger")


async def test_reset_stops_transactions_and_registers_again(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    kind = "Soft" if ocpp_version == "1.6" else "Immediate"

    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        _, transaction_id = await csms.started()
        answer = await csms.raw("Reset", {"type": kind})
        ended, reason = await csms.ended(transaction_id)
        rebooted = await csms.expect("BootNotification", after=csms.frames.index(ended))
        _, second = await csms.started(after=csms.frames.index(rebooted))

    assert answer.payload == {"status": "Accepted"}
    assert reason == ("SoftReset" if ocpp_version == "1.6" else "ImmediateReset")
    assert second != transaction_id
    assert csms.connection_count == 2
    if ocpp_version != "1.6":
        assert rebooted.payload["reason"] == "RemoteReset"


async def test_unsupported_orders_are_answered_as_such(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        await csms.started()
        known = await csms.raw("DataTransfer", {"vendorId": "x"})
        unknown = await csms.raw("MakeCoffee", {})

    # the package has the two the wrong way round up to 2.0.1
    assert [known.error_code, unknown.error_code] == (
        ["NotSupported", "NotImplemented"] if ocpp_version == "2.1" else ["NotImplemented", "NotSupported"]
    )


async def test_composite_schedule_tells_what_will_be_followed(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    fields = {"connectorId" if ocpp_version == "1.6" else "evseId": 1, "duration": 60, "chargingRateUnit": "A"}

    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        _, transaction_id = await csms.started()
        fallback = await csms.raw("GetCompositeSchedule", fields)
        assert await csms.limit(6.9, transaction_id=transaction_id) == "Accepted"
        limited = await csms.raw("GetCompositeSchedule", fields)

    def periods(answer: Any) -> list[dict[str, Any]]:
        schedule = answer.payload["chargingSchedule" if ocpp_version == "1.6" else "schedule"]
        return list(schedule["chargingSchedulePeriod"])

    assert periods(fallback) == [{"startPeriod": 0, "limit": 6.1, "numberPhases": 3}]
    assert periods(limited) == [{"startPeriod": 0, "limit": 10.0, "numberPhases": 3}]


async def test_configuration_of_1_6_is_truthful(fleet_file: FleetFile) -> None:
    async with Csms16() as csms, running(fast_options(csms.url, fleet_file("1.6"), meter_interval_s=60.0)):
        _, transaction_id = await csms.started()
        asked = await csms.raw("GetConfiguration", {"key": ["NumberOfConnectors", "MeterValueSampleInterval", "Nonsense"]})
        everything = await csms.raw("GetConfiguration", {})
        changed = await csms.raw("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "1"})
        read_only = await csms.raw("ChangeConfiguration", {"key": "NumberOfConnectors", "value": "2"})
        unknown = await csms.raw("ChangeConfiguration", {"key": "Nonsense", "value": "2"})
        await csms.power(transaction_id, lambda power_w: power_w > 0)

    assert asked.payload == {
        "configurationKey": [
            {"key": "NumberOfConnectors", "readonly": True, "value": "1"},
            {"key": "MeterValueSampleInterval", "readonly": False, "value": "60"},
        ],
        "unknownKey": ["Nonsense"],
    }
    assert {"ConnectionTimeOut", "HeartbeatInterval"} <= {entry["key"] for entry in everything.payload["configurationKey"]}
    assert [changed.payload, read_only.payload, unknown.payload] == [
        {"status": "Accepted"},
        {"status": "Rejected"},
        {"status": "NotSupported"},
    ]


async def test_unlocking_1_6_ends_the_transaction(fleet_file: FleetFile) -> None:
    async with Csms16() as csms, running(fast_options(csms.url, fleet_file("1.6"))):
        _, transaction_id = await csms.started()
        unlocked = await csms.raw("UnlockConnector", {"connectorId": 1})
        nowhere = await csms.raw("UnlockConnector", {"connectorId": 2})
        _, reason = await csms.ended(transaction_id)

    assert unlocked.payload == {"status": "Unlocked"}
    assert nowhere.payload == {"status": "NotSupported"}
    assert reason == "UnlockCommand"


async def test_variables_of_2_0_1_are_truthful(fleet_file: FleetFile) -> None:
    def variable(component: str, name: str, **more: str) -> dict[str, Any]:
        return {"component": {"name": component}, "variable": {"name": name}, **more}

    async with Csms201() as csms, running(fast_options(csms.url, fleet_file("2.0.1"), meter_interval_s=60.0)):
        _, transaction_id = await csms.started()
        asked = [variable("TxCtrlr", "TxStartPoint"), variable("TxCtrlr", "Nonsense"), variable("Nonsense", "Nonsense")]
        got = await csms.raw("GetVariables", {"getVariableData": asked})
        written = [
            variable("SampledDataCtrlr", "TxUpdatedInterval", attributeValue="1"),
            variable("TxCtrlr", "TxStartPoint", attributeValue="Authorized"),
            variable("Nonsense", "Nonsense", attributeValue="1"),
        ]
        set_ = await csms.raw("SetVariables", {"setVariableData": written})
        await csms.power(transaction_id, lambda power_w: power_w > 0)

    assert [result["attributeStatus"] for result in got.payload["getVariableResult"]] == ["Accepted", "UnknownVariable", "UnknownComponent"]
    assert got.payload["getVariableResult"][0]["attributeValue"] == "PowerPathClosed"
    assert [result["attributeStatus"] for result in set_.payload["setVariableResult"]] == ["Accepted", "Rejected", "UnknownComponent"]


async def test_reset_of_2_0_1_when_idle_waits_for_the_transaction(fleet_file: FleetFile) -> None:
    async with Csms201() as csms, running(fast_options(csms.url, fleet_file("2.0.1"))):
        _, transaction_id = await csms.started()
        scheduled = await csms.raw("Reset", {"type": "OnIdle"})
        single = await csms.raw("Reset", {"type": "Immediate", "evseId": 1})
        locked = await csms.raw("UnlockConnector", {"evseId": 1, "connectorId": 1})
        await csms.power(transaction_id, lambda power_w: power_w > 0)
        assert await csms.remote_stop(transaction_id) == "Accepted"
        ended, reason = await csms.ended(transaction_id)
        await csms.expect("BootNotification", after=csms.frames.index(ended))

    assert scheduled.payload == {"status": "Scheduled"}
    assert single.payload == {"status": "Rejected"}
    assert locked.payload == {"status": "OngoingAuthorizedTransaction"}
    assert reason == "Remote"


async def test_2_0_1_refuses_a_second_profile_in_the_same_place(fleet_file: FleetFile) -> None:
    async with Csms201() as csms, running(fast_options(csms.url, fleet_file("2.0.1"))):
        _, transaction_id = await csms.started()
        profile = {
            "id": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "transactionId": transaction_id,
            "chargingSchedule": [
                {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0, "numberPhases": 3}]}
            ],
        }
        first = await csms.raw("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
        second = await csms.raw("SetChargingProfile", {"evseId": 1, "chargingProfile": profile | {"id": 2}})
        again = await csms.raw("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
        await csms.power(transaction_id, lambda power_w: power_w == 6900)

    assert first.payload == {"status": "Accepted"}
    assert second.payload == {"status": "Rejected", "statusInfo": {"reasonCode": "DuplicateProfile"}}
    assert again.payload == {"status": "Accepted"}


async def test_firmware_is_updated_and_told_of_with_the_next_boot(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    where = {"location": "https://firmware.example/2.1.0.bin"}
    order: dict[str, Any] = {**where, "retrieveDate": "2026-01-01T00:00:00Z"}
    if ocpp_version != "1.6":
        order = {"requestId": 7, "firmware": {**where, "retrieveDateTime": "2026-01-01T00:00:00Z"}}

    async with running(fast_options(csms.url, fleet_file(ocpp_version, vehicles=0), speed=1000.0)):
        first = await csms.expect("BootNotification")
        await csms.status("Available")
        answer = await csms.raw("UpdateFirmware", order)
        installed = await csms.expect("FirmwareStatusNotification", lambda payload: payload["status"] == "Installed")
        rebooted = await csms.expect("BootNotification", after=csms.frames.index(installed))

    told = [frame.payload for frame in csms.frames if frame.action == "FirmwareStatusNotification"]
    assert [payload["status"] for payload in told] == ["Downloading", "Downloaded", "Installing", "Installed"]
    versions = [frame.payload.get("charging_station", frame.payload)["firmware_version"] for frame in (first, rebooted)]
    assert versions == ["1.0", "2.1.0"]
    if ocpp_version != "1.6":
        assert answer.payload == {"status": "Accepted"}
        assert {payload["request_id"] for payload in told} == {7}
    else:
        assert answer.payload == {}


async def test_2_0_1_reports_its_variables_part_by_part(fleet_file: FleetFile) -> None:
    async with Csms201() as csms, running(fast_options(csms.url, fleet_file("2.0.1", vehicles=0))):
        await csms.status("Available")
        answer = await csms.raw("GetBaseReport", {"requestId": 41, "reportBase": "FullInventory"})
        last = await csms.expect("NotifyReport", lambda payload: not payload["tbc"])
        summary = await csms.raw("GetBaseReport", {"requestId": 42, "reportBase": "SummaryInventory"})
        before = len(csms.frames)
        await csms.raw("GetBaseReport", {"requestId": 43, "reportBase": "ConfigurationInventory"})
        settings = await csms.expect("NotifyReport", after=before)

    assert [answer.payload, summary.payload] == [{"status": "Accepted"}, {"status": "NotSupported"}]
    parts = [frame.payload for frame in csms.frames[: csms.frames.index(last) + 1] if frame.action == "NotifyReport"]
    assert [(part["request_id"], part["seq_no"], part["tbc"]) for part in parts] == [(41, 0, True), (41, 1, True), (41, 2, False)]
    told = {(d["component"]["name"], d["variable"]["name"]): d["variable_attribute"][0] for part in parts for d in part["report_data"]}
    assert len(told) == 19
    assert told["OCPPCommCtrlr", "HeartbeatInterval"] == {"value": "300", "mutability": "ReadWrite"}
    assert told["TxCtrlr", "TxStartPoint"] == {"value": "PowerPathClosed", "mutability": "ReadOnly"}
    assert {d["variable"]["name"] for d in settings.payload["report_data"]} == {
        "HeartbeatInterval",
        "TxUpdatedInterval",
        "EVConnectionTimeOut",
    }
