"""The whole conversation over a real socket: boot, lists, and what is told back."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ampyard.domain.charging_requests import RequestFlaw, RequestSource
from ampyard.domain.depot_links import MessageDirection
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.state_of_charge import SocSource
from ampyard.jobs.relay import run_relay
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.depot_links import DepotLinks
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.charging_requests import NewChargingRequest, request_charging
from ampyard.services.tasks import end
from ampyard.vdv463.options import LinkOptions
from tests.charging import charge
from tests.services.dispatching import HOUR, NOW, Yard
from tests.services.stations import online
from tests.vdv463.lists import asked, logged
from tests.vdv463.presystem import STAMP, Access, dial, new_access, point_of, serving, wish


@pytest.fixture
async def relayed(yard: Yard) -> AsyncIterator[None]:
    """Events arrive as they happen."""
    relaying = asyncio.create_task(run_relay(yard.backend.database, yard.backend.events.stream))
    yield
    await end([relaying])


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
