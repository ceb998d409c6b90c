"""The whole conversation over a real socket: login, boot, lists, what is told back, and what is refused."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from ampyard.domain.charging_requests import ChargingRequest, RequestFlaw, RequestSource
from ampyard.domain.depot_links import LinkMessage, MessageDirection
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.state_of_charge import SocSource
from ampyard.jobs.relay import run_relay
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.depot_links import DepotLinks, LinkMessages
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.charging_requests import NewChargingRequest, request_charging
from ampyard.services.depot_links import edit_link, remove_link
from ampyard.services.tasks import end
from ampyard.vdv463.options import LinkOptions
from tests.charging import charge
from tests.services.dispatching import HOUR, NOW, Yard, new_yard
from tests.services.stations import online
from tests.vdv463.presystem import EAGER, STAMP, Access, dial, new_access, point_of, serving, wish


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    return await new_yard(backend)


@pytest.fixture
async def access(yard: Yard) -> AsyncIterator[Access]:
    async with serving(yard.backend) as port:
        yield await new_access(yard, port)


@pytest.fixture
async def relayed(yard: Yard) -> AsyncIterator[None]:
    """Events arrive as they happen."""
    relaying = asyncio.create_task(run_relay(yard.backend.database, yard.backend.events.stream))
    yield
    await end([relaying])


async def asked(yard: Yard, *, withdrawn: bool = False) -> dict[str | None, ChargingRequest]:
    async with yard.backend.snapshot(yard.principal) as snapshot:
        found = await ChargingRequests(snapshot).where(order_by=[ChargingRequests.table.c.id])
    return {one.external_id: one for one in found if (one.withdrawn_at is not None) == withdrawn}


async def logged(yard: Yard, count: int) -> list[LinkMessage]:
    """Return what the message log holds, once there is so much."""
    async with asyncio.timeout(5):
        while True:
            async with yard.backend.snapshot(yard.principal) as snapshot:
                found = await LinkMessages(snapshot).where(order_by=[LinkMessages.table.c.at, LinkMessages.table.c.id])
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


async def test_who_boots_is_told_of_the_depot(yard: Yard, access: Access) -> None:
    await online(yard.backend, yard.tenant_id)
    async with dial(access) as presystem:
        assert presystem.socket.subprotocol == "v2.463.vdv.de"
        message_id = str(uuid.uuid4())

        answer = await presystem.ask("BootNotification", {"presystem": "BMS"}, id=message_id)
        request = await asyncio.wait_for(presystem.told.get(), 5)

        assert answer == [2, "CMS", "BMS-1", "2026-11-02T08:00:00.000Z", message_id, "BootNotification", {"status": "Accepted"}]
        assert request[:4] == [1, "CMS", "BMS-1", "2026-11-02T08:00:00.000Z"]
        assert (uuid.UUID(request[4]).version, request[5]) == (4, "ProvideChargingInformation")
        (depot,) = request[6]["depotInfoList"]
        assert (depot["depotId"], depot["name"]) == (str(access.link.depot_id), "Central")
        ids = {
            station["chargingStationId"]: [point["chargingPointId"] for point in station["chargingPointInfoList"]]
            for station in depot["chargingStationInfoList"]
        }
        assert ids == {"CP-1": ["CP-1:1"], "CP-2": ["CP-2:1"], "CP-3": ["CP-3:1"], "CP-4": ["CP-4:1", "CP-4:2"]}
        assert request[6]["rejectedChargingRequestInfoList"] == []
        async with yard.backend.snapshot(yard.principal) as snapshot:
            held = await DepotLinks(snapshot).by_id(access.link.id)
        assert held is not None
        assert (held.connected, held.presystem, held.presystem_id, held.booted_at) == (True, "BMS", "BMS-1", NOW)


async def test_lists_are_taken_changed_and_withdrawn(yard: Yard, access: Access) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        full = wish(
            "r-1",
            chargingPointId="CP-2:1",
            chargingProcessId="p-1",
            priority=55,
            data={
                "expectedArrivalTimeAtChargingPoint": "2026-11-02T10:00:00+01:00",
                "expectedSocAtArrival": 35.5,
                "requestedTimeForDeparture": "2026-11-02T18:00:00+01:00",
                "adHocCharging": True,
            },
            automaticPreconditioning={
                "preconditioningRequest": "HotWaterAndHeating",
                "ambientTemperature": -3.5,
                "requestedStartTime": "2026-11-02T16:00:00Z",
                "requestedFinishTime": "2026-11-02T17:00:00Z",
                "targetSoc": 85,
            },
            manualPreconditioning={
                "hvacPreconditioningStartTime": "2026-11-02T16:30:00Z",
                "hvacAuxiliaryConsumerPower": 8,
                "systemPreconditioningStartTime": "2026-11-02T16:00:00Z",
            },
        )

        answer = await presystem.list_(full, wish("r-2", "Bus 2"))

        assert (answer[0], answer[5], answer[6]) == (2, "ProvideChargingRequests", {})
        found = await asked(yard)
        first = found["r-1"]
        assert (first.vehicle_id, first.level, first.ad_hoc) == (yard.vehicles["Bus 1"].id, PriorityLevel.HIGH, True)
        assert (first.arrives_at, first.departs_at) == (NOW + HOUR, NOW + 9 * HOUR)
        assert (first.arrival_soc_percent, first.min_soc_percent, first.max_soc_percent) == (35.5, 60.0, 90.0)
        assert (first.process_id, first.evse_id is not None) == ("p-1", True)
        wished = first.preconditioning
        assert wished is not None
        assert (wished.kind, wished.ambient_celsius, wished.target_soc_percent) == ("HotWaterAndHeating", -3.5, 85.0)
        assert (wished.begins_at, wished.ends_at) == (NOW + 8 * HOUR, NOW + 9 * HOUR)
        assert wished.hvac is not None
        assert wished.system is not None
        assert (wished.hvac.begins_at, wished.hvac.kw, wished.system.kw) == (NOW + 8.5 * HOUR, 8.0, None)

        await presystem.list_(wish("r-1"), wish("r-3", "Bus 3"))

        assert set(await asked(yard)) == {"r-1", "r-3"}
        assert (await asked(yard))["r-1"].departs_at is None
        assert set(await asked(yard, withdrawn=True)) == {"r-2"}
        await presystem.list_()
        assert await asked(yard) == {}


async def test_unknown_vehicles_and_nonsense_are_kept_and_told_back(yard: Yard, access: Access) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        odd = wish("r-3", "Bus 3", data={"minTargetSoc": 95})
        await presystem.list_(wish("r-1", "Bus 77"), wish("r-2", "Bus 2"), odd)

        information = await presystem.hear_until(lambda told: told["rejectedChargingRequestInfoList"])

        assert information["rejectedChargingRequestInfoList"] == [
            {
                "presystemId": "BMS-1",
                "chargingRequestId": "r-1",
                "reason": "No vehicle, or more than one, has 'Bus 77' as its VIN, name or license plate.",
            },
            {
                "presystemId": "BMS-1",
                "chargingRequestId": "r-3",
                "reason": (
                    "It asks for at least 95 % and at most 90 %, from an unknown time until an unknown time; the first of each has to come"
                    " first."
                ),
            },
        ]
        assert (await asked(yard))["r-1"].flaw is RequestFlaw.UNKNOWN_VEHICLE
        nowhere = point_of(information, f"{access.link.depot_id}/0/0")
        assert [one["chargingRequestId"] for one in nowhere["scheduledChargingProcessList"]] == ["r-2"]


async def test_a_vehicle_that_plugs_in_is_told_with_what_becomes_of_its_request(yard: Yard, access: Access, relayed: None) -> None:
    stations = await online(yard.backend, yard.tenant_id)
    async with yard.work() as work:
        soc = {"soc_percent": 50.0, "soc_source": SocSource.TELEMATICS, "soc_at": NOW}
        await work.change(Vehicles, yard.vehicles["Bus 1"].id, **soc)
        await work.commit()
    async with dial(access) as presystem:
        await presystem.boot()
        departs = "2026-11-02T10:00:00.000Z"
        plan = {"requestedTimeForDeparture": departs}
        await presystem.list_(wish("r-1", yard.vehicles["Bus 1"].vin, chargingPointId="CP-2:1", chargingProcessId="p-1", data=plan))
        before = await presystem.hear_until(lambda told: "scheduledChargingProcessList" in point_of(told, "CP-2:1"))
        assert point_of(before, "CP-2:1")["chargingPointStatus"] == "Unavailable"
        (scheduled,) = point_of(before, "CP-2:1")["scheduledChargingProcessList"]
        assert scheduled == {
            "presystemId": "BMS-1",
            "chargingRequestId": "r-1",
            "chargingProcessId": "p-1",
            "vehicleId": yard.vehicles["Bus 1"].vin,
            "chargingPredictionData": {
                "chargingPredictionDataStatus": "Ongoing",
                "chargingPredictionDataDepartureTime": {"predictedDepartureTimeSoc": 50.0, "requestedTimeForDeparture": departs},
            },
        }

        running = await charge(yard.backend, stations["CP-2"], (NOW, 5000.0))
        async with yard.work() as work:
            await work.change(Evses, running.evse_id, limit_kw=30.0, limit_at=NOW)
            await work.commit()
        await request_charging(yard.backend, yard.principal, NewChargingRequest(yard.vehicles["Bus 2"].id))  # the next word
        information = await presystem.hear_until(
            lambda told: point_of(told, "CP-2:1").get("presentPowerLimit") == 30.0 and "chargingProcessInfo" in point_of(told, "CP-2:1")
        )

        point = point_of(information, "CP-2:1")
        assert (point["chargingPointStatus"], point["energyMeterReading"]) == ("Occupied", 5000.0)
        assert point["vehicleInfo"] == {
            "vehicleId": yard.vehicles["Bus 1"].vin,
            "tractionBatteryInfo": {"stateOfCharge": 50.0},
            "vehicleStatusInfo": {},
            "vehicleChargingStatus": "ReadyToCharge",
            "preconditioningInfo": {},
        }
        process = point["chargingProcessInfo"]
        prediction = process.pop("chargingPredictionData")
        progress = prediction.pop("chargingProgressPredictionList")
        assert process == {
            "presystemId": "BMS-1",
            "chargingRequestId": "r-1",
            "chargingProcessId": "p-1",
            "processStatus": "Preparing",
            "startTime": "2026-11-02T08:00:00.000Z",
            "electricData": {"chargingPower": 0.0},
            "deliveredEnergy": 0.0,
        }
        # 150 of 300 kWh; 27.6 of 30 kW reach the battery: 30 kWh to 60 % in 65 minutes, 55.2 kWh in two hours.
        assert prediction["chargingPredictionDataMinTargetSoc"] == {
            "requestedMinTargetSoc": 60.0,
            "predictedTime": "2026-11-02T09:05:13.043Z",
        }
        assert prediction["chargingPredictionDataDepartureTime"] == {
            "predictedDepartureTimeSoc": 68.4,
            "requestedTimeForDeparture": departs,
        }
        assert progress[0] == {"predictedSoc": 50.0, "predictedTime": "2026-11-02T08:00:00.000Z"}
        assert progress[-1] == {"predictedSoc": 68.4, "predictedTime": departs}
        assert len(progress) == 9
        assert "scheduledChargingProcessList" not in point


async def test_a_person_who_asks_otherwise_is_told_of(yard: Yard, access: Access, relayed: None) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        await presystem.list_(wish("r-1"))
        await request_charging(yard.backend, yard.principal, NewChargingRequest(yard.vehicles["Bus 1"].id, 50.0))

        information = await presystem.hear_until(lambda told: told["rejectedChargingRequestInfoList"])

        (rejected,) = information["rejectedChargingRequestInfoList"]
        assert rejected["chargingRequestId"] == "r-1"
        assert rejected["reason"] == "user:tester has asked otherwise for this vehicle at 2026-11-02T08:00:00+00:00."


async def test_who_has_no_right_is_not_let_in(yard: Yard, access: Access) -> None:
    await edit_link(yard.backend, yard.principal, access.link.id, enabled=True)
    for refused in ({"password": "wrong"}, {"identity": "somebody"}):
        with pytest.raises(InvalidStatus) as refusal:
            async with dial(access, **refused):  # type: ignore[arg-type]  # its own arguments
                pass
        assert refusal.value.response.status_code == 401
        assert refusal.value.response.headers["WWW-Authenticate"] == 'Basic realm="VDV 463"'
    await edit_link(yard.backend, yard.principal, access.link.id, enabled=False)
    with pytest.raises(InvalidStatus):
        async with dial(access):
            pass


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(("v1.463.vdv.de", "v2.463.vdv.de"), "v2.463.vdv.de"), (("v1.463.vdv.de",), "v1.463.vdv.de")],
)
async def test_the_newest_common_version_is_spoken(access: Access, offered: tuple[str, ...], chosen: str) -> None:
    async with dial(access, subprotocols=offered) as presystem:
        assert presystem.socket.subprotocol == chosen
        assert "depotInfoList" in await presystem.boot()


async def test_without_a_common_version_the_socket_is_closed(access: Access) -> None:
    async with dial(access, subprotocols=("v9.463.vdv.de",)) as presystem:
        assert await presystem.closed() == (1002, "no common subprotocol")


async def test_version_1_lists_and_information(yard: Yard, access: Access) -> None:
    stations = await online(yard.backend, yard.tenant_id)
    await charge(yard.backend, stations["CP-2"], (NOW, 5000.0))
    async with dial(access, subprotocols=("v1.463.vdv.de",)) as presystem:
        await presystem.boot()
        await presystem.list_(
            wish("r-1", data={"requestedTimeForDeparture": STAMP}, chargingInstruction="Normal"),
            wish("r-2", "Bus 2", chargingInstruction="Terminate"),
            wish("r-3", "Bus 77", chargingInstruction="Changed"),
        )
        assert set(await asked(yard)) == {"r-1", "r-3"}
        information = await presystem.hear_until(lambda told: "chargingRequestId" in point_of(told, "CP-2:1")["chargingProcessInfo"])

        assert set(information) == {"depotInfoList"}
        station = next(one for one in information["depotInfoList"][0]["chargingStationInfoList"] if one["chargingStationId"] == "CP-2")
        assert station["chargingStationStatus"] == "Available"
        (point,) = station["chargingPointInfoList"]
        assert (point["presentPower"], "presentPowerLimit" in point) == (0.0, False)
        assert point["chargingProcessInfo"]["chargingRequestId"] == "r-1"
        assert set(point["chargingProcessInfo"]["chargingPredictionData"]) <= {
            "chargingPredictionDataMinSoc",
            "chargingPredictionDataFinalSoc",
            "chargingPredictionDataDepartureTime",
        }


async def test_requests_before_the_boot_are_refused_and_change_nothing(yard: Yard, access: Access) -> None:
    async with dial(access) as presystem:
        answer = await presystem.list_(wish("r-1"))

        assert (answer[0], answer[6]) == (3, {"errorMessage": "Nothing has booted yet; send a BootNotification first."})
        assert await asked(yard) == {}


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "chargingRequestList: Field required"),
        ({"chargingRequestList": [wish("r-1") | {"colour": "red"}]}, "chargingRequestList.0.colour: Extra inputs are not permitted"),
        (
            {"chargingRequestList": [wish("r-1", data={"minTargetSoc": 101})]},
            "chargingRequestList.0.chargingRequestData.minTargetSoc: Input should be less than or equal to 100",
        ),
        ({"chargingRequestList": [wish("r-1", priority="1")]}, "chargingRequestList.0.priority: Input should be a valid integer"),
        (
            {"chargingRequestList": [wish("r-1", data={"requestedTimeForDeparture": "2026-11-02T08:00:00"})]},
            "chargingRequestList.0.chargingRequestData.requestedTimeForDeparture: Input should have timezone info",
        ),
        ({"chargingRequestList": [wish("")]}, "chargingRequestList.0.chargingRequestId: String should have at least 1 character"),
        ({"chargingRequestList": [wish("r-1"), wish("r-1")]}, "chargingRequestId r-1 is in the list more than once"),
        ({"chargingRequestList": [wish("r-1", chargingInstruction="Normal")]}, "chargingInstruction: Extra inputs are not permitted"),
    ],
)
async def test_what_breaks_the_schema_is_answered_with_why_and_changes_nothing(
    yard: Yard, access: Access, payload: dict[str, Any], message: str
) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        await presystem.list_(wish("r-9", "Bus 5"))

        answer = await presystem.ask("ProvideChargingRequests", payload)

        assert (answer[0], answer[5]) == (3, "ProvideChargingRequests")
        assert message in answer[6]["errorMessage"]
        assert set(await asked(yard)) == {"r-9"}


async def test_what_is_no_message_is_answered_with_what_can_be_told(access: Access) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        for frame, about, message in (
            ("{", ("", "00000000-0000-0000-0000-000000000000", "BootNotification"), "This is not JSON"),
            (b"[]", ("", "00000000-0000-0000-0000-000000000000", "BootNotification"), "not a binary one"),
            ('[1, "BMS", "B"]', ("B", "00000000-0000-0000-0000-000000000000", "BootNotification"), "has 7 elements, this one has 3"),
        ):
            answer = await presystem.say(frame)
            assert (answer[0], answer[1], (answer[2], *answer[4:6])) == (3, "CMS", about)
            assert message in answer[6]["errorMessage"]
        for change, message in (
            ({"type": 4}, "There is no message type 4"),
            ({"name": "Heartbeat"}, "There is no action 'Heartbeat'"),
            ({"id": "7"}, "The message id '7' is no UUID"),
            ({"at": "yesterday"}, "The timestamp 'yesterday' is no date"),
        ):
            answer = await presystem.ask("ProvideChargingRequests", {}, **change)
            assert (answer[0], message in answer[6]["errorMessage"]) == (3, True), answer
        answer = await presystem.ask("ProvideChargingInformation", {"depotInfoList": []})
        assert "is what the charging management system sends" in answer[6]["errorMessage"]


async def test_a_second_socket_takes_the_link_over_in_this_process_and_in_another(yard: Yard, access: Access) -> None:
    async with dial(access) as first:
        await first.boot()
        async with dial(access) as second:
            await second.boot()
            assert await first.closed() == (1000, "replaced")
            async with serving(yard.backend) as port, dial(replace(access, port=port)) as third:
                await third.boot()
                assert await second.closed() == (1000, "replaced or disabled")
                assert third.socket.close_code is None


async def test_a_removed_link_loses_its_socket(yard: Yard, access: Access) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        await remove_link(yard.backend, yard.principal, access.link.id)
        code, _ = await presystem.closed()
        assert code in {1000, 1008}


async def test_what_was_asked_for_outlives_the_server(yard: Yard) -> None:
    async with serving(yard.backend) as port:
        access = await new_access(yard, port)
        async with dial(access) as presystem:
            await presystem.boot()
            await presystem.list_(wish("r-1"), wish("r-2", "Bus 2"))
    before = await asked(yard)
    async with serving(yard.backend) as port, dial(replace(access, port=port)) as presystem:
        information = await presystem.boot()
        nowhere = point_of(information, f"{access.link.depot_id}/0/0")
        assert [one["chargingRequestId"] for one in nowhere["scheduledChargingProcessList"]] == ["r-1", "r-2"]
        await presystem.list_(wish("r-1"), wish("r-2", "Bus 2"))
    assert await asked(yard) == before
    assert {one.source for one in before.values()} == {RequestSource.VDV463}


async def test_whoever_does_not_boot_or_says_too_much_is_closed(yard: Yard) -> None:
    options = replace(EAGER, boot_timeout_s=0.2, max_message_bytes=1000)
    async with serving(yard.backend, options) as port:
        access = await new_access(yard, port)
        async with dial(access) as presystem:
            assert await presystem.closed() == (1008, "no boot notification")
        async with dial(access) as presystem:
            await presystem.socket.send("[" + " " * 1000 + "]")
            assert await presystem.closed() == (1009, "too long")


async def test_information_comes_again_and_again_and_one_at_a_time(yard: Yard) -> None:
    options = LinkOptions(tell_every_s=0.2, tell_at_most_every_s=0.05, confirm_timeout_s=0.3)
    async with serving(yard.backend, options) as port:
        access = await new_access(yard, port)
        async with dial(access) as presystem:
            await presystem.boot()
            assert await presystem.hear() == await presystem.hear()
            presystem.reading.cancel()
            await asyncio.sleep(0.5)
            # It is not confirmed any more: the next comes only when the patience is over.
            await presystem.socket.recv()
            async with asyncio.timeout(5):
                message = json.loads(await presystem.socket.recv())
            assert message[5] == "ProvideChargingInformation"


async def test_every_message_is_kept_as_it_was_and_no_credential(yard: Yard, access: Access) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        await presystem.say("nonsense")
        messages = await logged(yard, 6)

    kinds = [(one.direction, one.message_type, one.action) for one in messages]
    incoming, outgoing = MessageDirection.IN, MessageDirection.OUT
    assert kinds[0] == (incoming, 1, "BootNotification")
    for expected in (
        (outgoing, 2, "BootNotification"),
        (outgoing, 1, "ProvideChargingInformation"),
        (incoming, 2, "ProvideChargingInformation"),
        (outgoing, 3, "BootNotification"),
    ):
        assert expected in kinds
    assert "nonsense" in [one.body for one in messages]
    assert all(access.password not in one.body for one in messages)
    assert all(one.length == len(one.body) for one in messages if one.length < 20_000)
