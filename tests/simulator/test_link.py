"""What must survive: a lost link, a lost answer, a lost power supply."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from ampyard.simulator.options import SimulatorOptions
from tests.simulator.conftest import Central, fast_options, running
from tests.simulator.csms import Csms21, Frame

FleetFile = Callable[..., Path]

PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from ampyard.simulator.options import SimulatorOptions
from ampyard.simulator.run import run_fleet
facts = json.loads(sys.argv[1])
facts |= {"fleet": Path(facts["fleet"]), "state": Path(facts["state"]), "backoff_s": tuple(facts["backoff_s"])}
asyncio.run(run_fleet(SimulatorOptions(**facts)))
"""


def samples(csms: Central) -> list[Frame]:
    """Return the periodic samples, each once, however often it was sent."""
    once = {frame.unique_id: frame for frame in csms.frames}
    return [
        frame
        for frame in once.values()
        if frame.action == "MeterValues" or (frame.action == "TransactionEvent" and frame.payload["trigger_reason"] == "MeterValuePeriodic")
    ]


def registers(csms: Central) -> list[int]:
    return [csms.values(frame.payload)["Energy.Active.Import.Register"] for frame in samples(csms)]


async def test_a_lost_link_changes_nothing_of_what_is_installed(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        _, transaction_id = await csms.started()
        assert await csms.limit(9.0, transaction_id=transaction_id) == "Accepted"
        await csms.power(transaction_id, lambda power_w: power_w == 9000)

        before = len(csms.frames)
        await csms.drop(closed_with=HTTPStatus.SERVICE_UNAVAILABLE)
        await asyncio.sleep(0.6)
        assert len(csms.frames) <= before + 1
        csms.closed_with = None
        await csms.status("Charging", after=before)
        reconnected = len(csms.frames)
        await asyncio.sleep(0.4)

        # its profile holds while the link is down, and when it is back
        during = [csms.values(frame.payload)["Power.Active.Import"] for frame in samples(csms) if frame in csms.frames[before:]]
        assert set(during) == {9000}
        assert len(during) >= 6
        assert await csms.limit(8.0, transaction_id=transaction_id) == "Accepted"
        await csms.power(transaction_id, lambda power_w: power_w == 8000, after=reconnected)

    assert "StopTransaction" not in {frame.action for frame in csms.frames}
    if ocpp_version != "1.6":
        offline = [frame.payload.get("offline", False) for frame in samples(csms)]
        assert offline[0] is False
        assert offline[-1] is False
        assert True in offline
        events = {frame.unique_id: frame.payload["seq_no"] for frame in csms.frames if frame.action == "TransactionEvent"}
        assert list(events.values()) == list(range(len(events)))


@pytest.mark.parametrize("for_good", [True, False])
async def test_a_profile_of_2_1_holds_for_so_long_without_a_link(fleet_file: FleetFile, *, for_good: bool) -> None:
    async with Csms21() as csms, running(fast_options(csms.url, fleet_file("2.1"))):
        _, transaction_id = await csms.started()
        # a plan: 9 kW, and after some seconds 8 kW, of which the second step is never reached without a link
        start = datetime.now(UTC)
        profile = {
            "id": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "transactionId": transaction_id,
            "maxOfflineDuration": 2,
            "invalidAfterOfflineDuration": for_good,
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "W",
                    "startSchedule": start.isoformat(),
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, "limit": 9000.0},
                        {"startPeriod": 1, "limit": 8000.0},
                        {"startPeriod": 2, "limit": 7000.0},
                        {"startPeriod": 30, "limit": 6000.0},
                    ],
                }
            ],
        }
        assert await csms.order("SetChargingProfile", evseId=1, chargingProfile=profile) == "Accepted"
        await csms.power(transaction_id, lambda power_w: power_w == 9000)

        before = len(csms.frames)
        await csms.drop(closed_with=HTTPStatus.SERVICE_UNAVAILABLE)
        await asyncio.sleep(3.0)
        csms.closed_with = None
        await csms.status("Charging", after=before)
        back = len(csms.frames)
        await csms.power(transaction_id, lambda power_w: power_w == (4200 if for_good else 7000), after=back)
        unasked = len(csms.frames)
        await csms.power(transaction_id, lambda power_w: power_w == (4200 if for_good else 7000), after=unasked)

    # it follows the plan, then what it does without one
    drawn = [csms.values(frame.payload)["Power.Active.Import"] for frame in samples(csms) if frame.payload.get("offline")]
    assert [kw for kw, _ in groupby(drawn) if kw != 9000] == [8000, 7000, 4200]


async def test_what_2_1_adds_to_profiles_and_is_not_followed_is_refused(fleet_file: FleetFile) -> None:
    async with Csms21() as csms, running(fast_options(csms.url, fleet_file("2.1"))):
        _, transaction_id = await csms.started()
        schedule: dict[str, Any] = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5000.0}]}
        profile = {
            "id": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "transactionId": transaction_id,
            "chargingSchedule": [schedule],
        }
        unlimited = schedule | {"chargingSchedulePeriod": [{"startPeriod": 0, "operationMode": "Idle"}]}
        for more in (
            {"chargingProfileKind": "Dynamic"},
            {"chargingProfilePurpose": "PriorityCharging"},
            {"chargingSchedule": [unlimited]},
        ):
            assert await csms.order("SetChargingProfile", evseId=1, chargingProfile=profile | more) == "Rejected"
        assert await csms.order("SetChargingProfile", evseId=1, chargingProfile=profile) == "Accepted"
        await csms.power(transaction_id, lambda power_w: power_w == 5000)


async def test_registration_is_not_repeated_after_a_lost_link(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    async with running(fast_options(csms.url, fleet_file(ocpp_version, vehicles=0))):
        await csms.status("Available")
        before = len(csms.frames)
        await csms.drop()
        await csms.status("Available", after=before)

    assert [frame.action for frame in csms.frames].count("BootNotification") == 1


async def test_unanswered_start_is_sent_again_unchanged(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    csms.mute = {"StartTransaction", "TransactionEvent"}
    action = "StartTransaction" if ocpp_version == "1.6" else "TransactionEvent"

    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        first = await csms.expect(action)
        await csms.drop()
        csms.mute = set()
        again = await csms.expect(action, after=csms.frames.index(first) + 1)
        _, transaction_id = await csms.started(after=csms.frames.index(first) + 1)
        await csms.power(transaction_id, lambda power_w: power_w > 0)

    assert again == first


async def test_unanswered_call_breaks_the_link_and_is_sent_again(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    csms.mute = {"StartTransaction", "TransactionEvent"}
    action = "StartTransaction" if ocpp_version == "1.6" else "TransactionEvent"

    async with running(fast_options(csms.url, fleet_file(ocpp_version), response_timeout_s=0.3)):
        first = await csms.expect(action)
        again = await csms.expect(action, after=csms.frames.index(first) + 1)

    assert again == first
    assert csms.connection_count >= 2


async def test_call_answered_with_an_error_is_repeated_and_others_wait_for_it(
    csms: Central, ocpp_version: str, fleet_file: FleetFile
) -> None:
    action = "StartTransaction" if ocpp_version == "1.6" else "TransactionEvent"
    csms.errors = [action, action]

    async with running(fast_options(csms.url, fleet_file(ocpp_version))):
        await csms.started()
        first = await csms.expect(action)
        await csms.expect("MeterValues") if ocpp_version == "1.6" else await csms.expect(
            action, lambda payload: payload["event_type"] == "Updated"
        )

    about_transactions = [frame for frame in csms.frames if frame.action in {"StartTransaction", "TransactionEvent", "MeterValues"}]
    assert about_transactions[:3] == [first] * 3
    assert about_transactions[3].unique_id != first.unique_id


async def test_transaction_whose_start_is_never_accepted_is_given_up(csms: Central, ocpp_version: str, fleet_file: FleetFile) -> None:
    action = "StartTransaction" if ocpp_version == "1.6" else "TransactionEvent"
    csms.errors = [action] * 5

    async with running(fast_options(csms.url, fleet_file(ocpp_version), retry_interval_s=0.01)):
        await csms.expect(action)
        await asyncio.sleep(0.4)

    assert [frame.action for frame in csms.frames].count(action) == 5
    if ocpp_version == "1.6":
        assert csms.frames[-1].payload["status"] == "Finishing"
    assert not {"MeterValues", "StopTransaction"} & {frame.action for frame in csms.frames}


async def test_whole_transaction_behind_a_lost_link_arrives_in_order_afterwards(
    csms: Central, ocpp_version: str, fleet_file: FleetFile
) -> None:
    # an id tag accepted once may start while the link is down; the transaction id is only known afterwards
    options = fast_options(csms.url, fleet_file(ocpp_version), speed=28800.0, seed=4)

    async with running(options):
        _, first = await csms.started()
        ended, _ = await csms.ended(first)
        await csms.sent_answer(ended)
        await csms.status("Available", after=csms.frames.index(ended))
        await csms.drop(closed_with=HTTPStatus.SERVICE_UNAVAILABLE)
        await asyncio.sleep(1.2)
        csms.closed_with = None
        behind = csms.frames.index(ended) + 1
        _, second = await csms.started(after=behind)
        ended, reason = await csms.ended(second, after=behind)

    assert second != first
    assert reason == "EVDisconnected"
    about_second = [
        frame.payload.get("transaction_id", 0) if ocpp_version == "1.6" else frame.payload["transaction_info"]["transaction_id"]
        for frame in csms.frames[behind : csms.frames.index(ended)]
        if frame.action in {"MeterValues", "TransactionEvent"}
    ]
    assert {str(transaction_id) for transaction_id in about_second} == {second}


async def test_power_off_and_on_goes_on_with_the_same_transaction(
    csms: Central, ocpp_version: str, fleet_file: FleetFile, tmp_path: Path
) -> None:
    options = fast_options(csms.url, fleet_file(ocpp_version), state=tmp_path / "state")

    async with running(options):
        _, transaction_id = await csms.started()
        assert await csms.limit(10.0, transaction_id=transaction_id) == "Accepted"
        await csms.power(transaction_id, lambda power_w: power_w == 10000)
        await asyncio.sleep(1.0)
    off = len(csms.frames)
    assert "StopTransaction" not in {frame.action for frame in csms.frames}
    async with running(options):
        # it ramps up to what the TxProfile of before the power-off says, which is kept
        resumed = await csms.power(transaction_id, lambda power_w: power_w == 4140, after=off)
        await csms.power(transaction_id, lambda power_w: power_w == 10000, after=len(csms.frames) - 1)
        assert await csms.remote_stop(transaction_id) == "Accepted"
        await csms.ended(transaction_id)

    assert [frame.action for frame in csms.frames[:off]].count("BootNotification") == 1
    assert csms.frames[off].action == "BootNotification"
    assert registers(csms) == sorted(registers(csms))
    assert csms.values(resumed.payload)["Energy.Active.Import.Register"] > 0
    known = {frame.unique_id for frame in csms.frames[:off]}
    later = [frame for frame in csms.frames[off:] if frame.unique_id not in known]
    assert "StartTransaction" not in {frame.action for frame in later}
    assert "Started" not in {frame.payload.get("event_type") for frame in later}


async def test_killed_process_sends_the_very_same_start_again(
    csms: Central, ocpp_version: str, fleet_file: FleetFile, tmp_path: Path
) -> None:
    options = fast_options(csms.url, fleet_file(ocpp_version), state=tmp_path / "state")
    action = "StartTransaction" if ocpp_version == "1.6" else "TransactionEvent"
    csms.mute = {action}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, _as_json(options))
    first = await csms.expect(action)

    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    csms.mute = set()
    killed = len(csms.frames)
    async with running(options):
        again = await csms.expect(action, after=killed)
        _, transaction_id = await csms.started(after=killed)
        await csms.power(transaction_id, lambda power_w: power_w > 0)

    assert again == first
    assert "Authorize" not in {frame.action for frame in csms.frames[killed:]}


def _as_json(options: SimulatorOptions) -> str:
    facts: dict[str, Any] = asdict(options)
    return json.dumps(facts, default=str)
