"""Vehicles of both depots get types, groups and tags; strangers show up, telematics tells; priorities for groups and by recurrence."""

import base64
import uuid
from dataclasses import replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.local_time import Weekday
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.recurrence import Recurrence
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.domain.transactions import Transaction
from ampyard.domain.unknown_identifications import UnknownState
from ampyard.domain.vehicles import Vehicle, VehicleKind
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.depots import Depots
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.unknown_identifications import UnknownIdentifications
from ampyard.repositories.vehicle_groups import VehicleGroups
from ampyard.repositories.vehicles import Vehicles, VehicleTypes
from ampyard.resolvers.ids import encode_id
from ampyard.services import id_tags, priorities, states_of_charge, transactions, unknown_identifications, vehicle_groups, vehicle_types
from ampyard.services import vehicles as fleet
from ampyard.services.id_tags import NewIdTag
from ampyard.services.priorities import NewPriority
from ampyard.services.states_of_charge import SocReport
from ampyard.services.vehicle_types import NewVehicleType
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

VALUES = {
    "battery_kwh": 350.0,
    "max_ac_kw": 43.0,
    "max_dc_kw": 150.0,
    "consumption_kwh_per_km": 1.2,
    "min_soc_percent": 15.0,
    "target_soc_percent": 90.0,
}
NIGHTS = Recurrence(frozenset({Weekday.MONDAY, Weekday.FRIDAY}), time(22), time(5), "Europe/Berlin", date(2026, 11, 1), date(2026, 12, 24))
FILE = base64.b64encode(b"vin,name,depot,kind,battery kWh,max AC kW,max DC kW\nWAMPYARD000009999,Van 9,Central,VAN,80,11,80\n").decode()


async def happen(busy: "Busy") -> None:
    principal, backend = user(busy.tenant_id), busy.backend
    early = replace(backend, clock=lambda: backend.clock() - timedelta(hours=4))
    vehicles = {vehicle.name: vehicle for vehicle in await busy.all(Vehicles)}
    for prefix, station in (("", "CP-3"), ("North ", "N-CP-3")):
        made = await vehicle_types.create_vehicle_type(
            early, principal, NewVehicleType(f"{prefix}eBus", VehicleKind.BUS, "Acme", {**VALUES, "battery_kwh": 400.0})
        )
        await vehicle_types.archive_vehicle_type(early, principal, made.id, archived=prefix == "North ")
        first, last = vehicles[f"{prefix}Bus 5"], vehicles[f"{prefix}Bus 6"]
        before, after = vehicles[f"{prefix}Bus 2"], vehicles[f"{prefix}Bus 3"]
        if prefix == "":
            own = dict.fromkeys(VALUES) | {"min_soc_percent": 20.0, "target_soc_percent": 80.0, "consumption_kwh_per_km": 1.3}
            await fleet.edit_vehicle(early, principal, first.id, {"type_id": made.id, **own})
        await vehicle_groups.create_vehicle_group(
            early, principal, name=f"{prefix}Line 7", description="Leaves early.", vehicle_ids=[first.id, last.id]
        )
        await vehicle_groups.create_vehicle_group(early, principal, name=f"{prefix}Spare", vehicle_ids=[last.id])
        number = "3" if prefix else "2"
        tag = await id_tags.add_id_tag(
            early,
            principal,
            NewIdTag(before.id, f"00:1A:2B:3C:4D:5{number}", IdTagKind.MAC, early.clock(), early.clock() + timedelta(days=300)),
        )
        await id_tags.move_id_tag(backend, principal, tag.id, after.id)
        value = f"STRANGER-{number}"
        for at in (early, backend):
            await transactions.authorize_tag(at, busy.stations[station], value)
        await transactions.authorize_tag(early, busy.stations[station], f"VID:0A2B3C4D5E6{number}")
    strangers = {stranger.value: stranger.id for stranger in await busy.all(UnknownIdentifications)}
    await unknown_identifications.assign_unknown(backend, principal, strangers["VID:0A2B3C4D5E62"], vehicles["Bus 6"].id)
    await unknown_identifications.dismiss_unknown(backend, principal, strangers["VID:0A2B3C4D5E63"])
    reports = [SocReport(60.0 + n, early.clock(), vehicle_id=vehicle.id) for n, vehicle in enumerate(vehicles.values())]
    await states_of_charge.report_state_of_charge(early, principal, reports)
    gone = vehicles["Bus 4"], vehicles["North Bus 4"]
    await _archive(busy, [vehicle.id for vehicle in gone])
    await _rank(busy, vehicles)


async def _archive(busy: "Busy", vehicle_ids: list[uuid.UUID]) -> None:
    """Archive vehicles that do not charge."""
    for vehicle_id in vehicle_ids[1:]:
        await fleet.archive_vehicle(busy.backend, user(busy.tenant_id), vehicle_id)


async def _rank(busy: "Busy", vehicles: dict[str, Vehicle]) -> None:
    principal = user(busy.tenant_id)
    for group in [one for one in await busy.all(VehicleGroups) if one.name.endswith("Line 7")]:
        wanted = NewPriority(PriorityLevel.LOW, vehicle_group_id=group.id, reason="because LOW", recurrence=NIGHTS)
        rule = await priorities.set_priority(busy.backend, principal, wanted)
        await priorities.edit_priority(busy.backend, principal, rule.id, {"level": PriorityLevel.HIGH, "reason": "because HIGH"})
    for resource_group in await busy.all(ResourceGroups):
        # From tomorrow on, so that the day stays as the others know it.
        tomorrow = busy.backend.clock() + timedelta(days=1)
        wanted = NewPriority(PriorityLevel.NORMAL, resource_group_id=resource_group.id, reason="because NORMAL", valid_from=tomorrow)
        await priorities.set_priority(busy.backend, principal, wanted)
    for name in ("Bus 6", "North Bus 6"):
        until = busy.backend.clock() + timedelta(hours=2)
        wanted = NewPriority(PriorityLevel.LOW, vehicle_id=vehicles[name].id, reason="because LOW", valid_until=until)
        await priorities.set_priority(busy.backend, principal, wanted)


async def _inputs(busy: "Busy", other: "Busy") -> dict[str, dict[str, Any]]:
    """Return inputs of every mutation, with ids of `other`."""

    async def found(repository: Any, **values: Any) -> Any:
        fits = [row for row in await other.all(repository) if all(getattr(row, name) == value for name, value in values.items())]
        return encode_id(repository.entity, fits[-1].id)

    vehicle = await found(Vehicles, archived_at=None, name="North Bus 5")
    member, archived = await found(Vehicles, name="North Bus 6"), await found(Vehicles, name="North Bus 4")
    depot, elsewhere, of_type = await found(Depots), await found(Depots, name="Central"), await found(VehicleTypes, archived_at=None)
    # A group that no priority is about, with the spare vehicle in it.
    group, tag = await found(VehicleGroups, name="North Spare"), await found(IdTags, removed_at=None, value="00:1A:2B:3C:4D:53")
    stranger = await found(UnknownIdentifications, state=UnknownState.OPEN)
    rule = await found(Priorities, cleared_at=None, level=PriorityLevel.LOW)
    running = (await other.transaction("tx-2")).id
    spare = next(one for one in await busy.all(Vehicles) if one.name == "North Bus 6")
    taken = encode_id(Vehicle, spare.id)
    at = busy.backend.clock().isoformat()
    new = {"name": "Van 1", "vin": "WAMPYARD000008888", "licensePlate": "B-AY 8"}
    return {
        "createVehicleType": {"name": "eVan", "kind": "VAN", "batteryKwh": 80.0, "maxAcKw": 11.0, "maxDcKw": 80.0},
        "editVehicleType": {"vehicleTypeId": of_type, "batteryKwh": 410.0},
        "archiveVehicleType": {"vehicleTypeId": of_type},
        "restoreVehicleType": {"vehicleTypeId": of_type},
        "createVehicle": {**new, "depotId": depot, "vehicleTypeId": of_type},
        "editVehicle": {"vehicleId": vehicle, "name": "Bus 55", "vehicleTypeId": of_type},
        "moveVehicle": {"vehicleId": vehicle, "depotId": elsewhere},
        "archiveVehicle": {"vehicleId": vehicle},
        "restoreVehicle": {"vehicleId": archived},
        "importVehicles": {"fileName": "fleet.csv", "content": FILE, "dryRun": False},
        "reportStateOfCharge": {"readings": [{"vehicleId": vehicle, "percent": 50.0, "at": at}]},
        "addIdTag": {"vehicleId": vehicle, "value": "TAG-99", "kind": "RFID"},
        "editIdTag": {"idTagId": tag, "blocked": True},
        "removeIdTag": {"idTagId": tag},
        "moveIdTag": {"idTagId": tag, "vehicleId": taken if other is busy else vehicle},
        "assignUnknownIdentification": {"identificationId": stranger, "vehicleId": vehicle},
        "dismissUnknownIdentification": {"identificationId": stranger},
        "createVehicleGroup": {"name": "Line 8", "vehicleIds": [vehicle]},
        "editVehicleGroup": {"vehicleGroupId": group, "name": "Line 9"},
        "removeVehicleGroup": {"vehicleGroupId": group},
        "addVehiclesToGroup": {"vehicleGroupId": group, "vehicleIds": [vehicle]},
        "takeVehiclesFromGroup": {"vehicleGroupId": group, "vehicleIds": [member]},
        "setPriority": {"level": "HIGH", "vehicleGroupId": group},
        "editPriority": {"priorityId": rule, "level": "HIGH"},
        "boostTransaction": {"transactionId": encode_id(Transaction, running), "minutes": 10},
    }


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    return {name: {"input": given} for name, given in (await _inputs(busy, busy)).items() if name != "setPriority"}


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    own, other = await _inputs(busy, busy), await _inputs(busy, twin)
    group = (await twin.all(ResourceGroups))[0]
    found = {
        (name, key): {**own[name], key: value}
        for name, given in other.items()
        for key, value in given.items()
        if key.endswith(("Id", "Ids"))
    }
    return found | {("setPriority", "resourceGroupId"): {"level": "HIGH", "resourceGroupId": encode_id(ResourceGroup, group.id)}}
