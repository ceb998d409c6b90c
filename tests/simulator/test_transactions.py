"""What a central system sees of a vehicle that comes, charges and leaves."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.conftest import Central, fast_options, running

FleetFile = Callable[..., Path]


def actions(csms: Central, *, without: set[str]) -> list[str]:
    return [frame.action for frame in csms.frames if frame.action not in without]


async def test_vehicle_comes_charges_and_leaves(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    # seed 9: the first stay is about an hour
    options = fast_options(csms.url, fleet_file(ocpp_version), speed=7200.0, seed=9)

    async with running(options):
        started, transaction_id = await csms.started()
        sampled = await csms.power(transaction_id, lambda power_w: power_w == 4200)
        ended, reason = await csms.ended(transaction_id)
        after_end = csms.frames.index(ended)
        await csms.status("Available", after=after_end)

    assert csms.credentials == ["CP 1:secret"]
    assert reason == "EVDisconnected"
    seen = actions(csms, without={"MeterValues"})
    assert seen[0] == "BootNotification"
    if ocpp_version == "1.6":
        assert seen[1:8] == [
            "StatusNotification",
            "StatusNotification",
            "Authorize",
            "StartTransaction",
            "StatusNotification",
            "StopTransaction",
            "StatusNotification",
        ]
        statuses = [
            (frame.payload["connector_id"], frame.payload["status"]) for frame in csms.frames if frame.action == "StatusNotification"
        ]
        assert statuses[:4] == [(0, "Available"), (1, "Preparing"), (1, "Charging"), (1, "Available")]
        assert started.payload["meter_start"] == 0
        assert ended.payload["meter_stop"] >= csms.values(sampled.payload)["Energy.Active.Import.Register"]
        assert [value["sampled_value"][0]["context"] for value in ended.payload["transaction_data"]] == [
            "Transaction.Begin",
            "Transaction.End",
        ]
        assert set(csms.values(sampled.payload)) == {"Energy.Active.Import.Register", "Power.Active.Import", "Current.Import"}
    else:
        assert seen[1:4] == ["StatusNotification", "Authorize", "TransactionEvent"]
        events = [frame.payload for frame in csms.frames if frame.action == "TransactionEvent"]
        events = [event for event in events if event["transaction_info"]["transaction_id"] == transaction_id]
        assert [event["seq_no"] for event in events] == list(range(len(events)))
        assert events[0]["trigger_reason"] == "Authorized"
        assert events[0]["evse"] == {"id": 1, "connector_id": 1}
        assert events[0]["id_token"] == {"id_token": "TAG-1", "type": "ISO14443"}
        assert events[0]["transaction_info"]["charging_state"] == "Charging"
        assert events[-1]["trigger_reason"] == "EVDeparted"
        assert all("offline" not in event for event in events)


async def test_registration_is_repeated_until_accepted_and_nothing_else_is_said_before(
    csms: Central, ocpp_version: str, fleet_file: FleetFile
) -> None:
    csms.registrations = ["Pending"] if ocpp_version == "1.6" else ["Rejected"]

    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        await csms.started()

    assert actions(csms, without=set())[:3] == ["BootNotification"] * 2 + ["StatusNotification"]


async def test_refused_id_tag_gets_no_transaction_but_a_remote_start_does(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    csms.refused_tags = {"TAG-1"}

    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        await csms.expect("Authorize")
        await asyncio.sleep(0.3)
        assert not {"StartTransaction", "TransactionEvent"} & set(actions(csms, without=set()))

        assert await csms.remote_start("APP-1") == "Accepted"
        started, _ = await csms.started()
        assert await csms.remote_start("APP-2") == "Rejected"

    if ocpp_version == "1.6":
        assert started.payload["id_tag"] == "APP-1"
    else:
        assert started.payload["trigger_reason"] == "RemoteStart"
        assert started.payload["transaction_info"]["remote_start_id"] == 99
        assert started.payload["id_token"] == {"id_token": "APP-1", "type": "Central"}


async def test_refused_driver_leaves_and_nothing_was_charged(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    csms.refused_tags = {"TAG-1"}

    async with running(fast_options(csms.url, fleet_file(ocpp_version), speed=3600.0)):
        await csms.status("Preparing")
        await csms.status("Available", after=len(csms.frames))

    assert not {"StartTransaction", "TransactionEvent"} & set(actions(csms, without=set()))


async def test_transaction_whose_start_is_refused_is_stopped(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    class Wavering(type(csms)):  # type: ignore[misc]  # either version
        def answer(self, frame: Any) -> Any:
            if frame.action == "Authorize":
                self.refused_tags = set()
                answer = super().answer(frame)
                self.refused_tags = {"TAG-1"}
                return answer
            return super().answer(frame)

    async with Wavering() as central, running(fast_options(central.url, fleet_file(ocpp_version))):
        _, transaction_id = await central.started()
        _, reason = await central.ended(transaction_id)

    assert reason == "DeAuthorized"


async def test_remote_stop_ends_the_transaction_it_names_and_no_other(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        _, transaction_id = await csms.started()
        await csms.power(transaction_id, lambda power_w: power_w > 0)

        assert await csms.remote_stop("4711") == "Rejected"
        assert await csms.remote_stop(transaction_id) == "Accepted"
        ended, reason = await csms.ended(transaction_id)
        await csms.status("Finishing", after=csms.frames.index(ended) if ocpp_version == "1.6" else 0)
        await asyncio.sleep(0.2)

        assert reason == "Remote"
        assert csms.frames[-1].action in {"StopTransaction", "StatusNotification", "TransactionEvent"}
        assert await csms.remote_start("APP-1") == "Accepted"
        _, second = await csms.started(after=csms.frames.index(ended))
        assert second != transaction_id


async def test_remote_start_without_a_vehicle_times_out(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version, vehicles=0), connection_timeout_s=0.2)):
        await csms.status("Available")
        assert await csms.remote_start("APP-1") == "Accepted"
        waiting = await csms.status("Preparing")
        await csms.status("Available", after=csms.frames.index(waiting))

    assert not {"StartTransaction", "TransactionEvent"} & set(actions(csms, without=set()))


async def test_remote_start_waits_for_a_vehicle(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    # the only vehicle parks with a refused tag, leaves, and comes back to a charge point that expects it
    csms.refused_tags = {"TAG-1"}
    options = fast_options(csms.url, fleet_file(ocpp_version), speed=36000.0)

    async with running(options):
        parked = await csms.status("Preparing")
        gone = await csms.status("Available", after=csms.frames.index(parked))
        assert await csms.remote_start("APP-1") == "Accepted"
        started, _ = await csms.started(after=csms.frames.index(gone))

    id_tag = started.payload["id_tag"] if ocpp_version == "1.6" else started.payload["id_token"]["id_token"]
    assert id_tag == "APP-1"


async def test_full_dc_vehicle_ends_its_transaction_and_reports_its_charge(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    fleet = fleet_file(ocpp_version, current_type="DC", initial_soc_percent=88.0)

    async with running(fast_options(csms.url, fleet, speed=1200.0)):
        _, transaction_id = await csms.started()
        sampled = await csms.power(transaction_id, lambda power_w: power_w > 0)
        ended, reason = await csms.ended(transaction_id)

    assert reason == ("Other" if ocpp_version == "1.6" else "StoppedByEV")
    assert 88 <= csms.values(sampled.payload)["SoC"] <= 90
    last = ended.payload["transaction_data" if ocpp_version == "1.6" else "meter_value"][-1]["sampled_value"]
    assert float(next(sample["value"] for sample in last if sample["measurand"] == "SoC")) == 90.0
    assert "Current.Import" not in csms.values(sampled.payload)


async def test_full_ac_vehicle_keeps_its_transaction_suspended_until_it_leaves(
    csms: Central, ocpp_version: str, fleet_file: FleetFile
) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version, initial_soc_percent=89.9), speed=60.0)):
        _, transaction_id = await csms.started()
        if ocpp_version == "1.6":
            await csms.status("SuspendedEV")
        else:
            await csms.expect("TransactionEvent", lambda payload: payload["transaction_info"]["charging_state"] == "SuspendedEV")
        await csms.power(transaction_id, lambda power_w: power_w == 0)

    assert "StopTransaction" not in actions(csms, without=set())


@pytest.mark.parametrize(
    ("status", "explanation"),
    [(HTTPStatus.UNAUTHORIZED, "HTTP 401: the password is refused"), (HTTPStatus.NOT_FOUND, "HTTP 404: the central system does not know")],
)
async def test_refused_connection_is_explained_and_tried_again(
    csms: Central, ocpp_version: str, fleet_file: FleetFile, caplog: pytest.LogCaptureFixture, status: HTTPStatus, explanation: str
) -> None:
    csms.closed_with = status

    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        await asyncio.sleep(0.4)
        attempts = len(csms.credentials)
        csms.closed_with = None
        await csms.started()

    assert attempts > 1
    assert f"CP 1: no link: {explanation}" in caplog.text
