"""Both depots have a depot management system that has sent its lists; people ask for two vehicles, and for one they did."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.charging_requests import PreconditioningKind, PreconditioningLoad, PreconditioningWish, Statement
from ampyard.domain.depot_links import LinkMessage, MessageDirection, PresystemKind, PriorityBands
from ampyard.domain.ids import new_id
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.depot_links import DepotLinks
from ampyard.repositories.depots import Depots
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import charging_requests, depot_link_sockets, depot_links
from ampyard.services.charging_requests import NewChargingRequest
from ampyard.services.depot_link_sockets import LinkedSystem
from tests.fleet import user
from tests.schema.graph import id_of

if TYPE_CHECKING:
    from tests.busy import Busy

HOUR = timedelta(hours=1)
# Links are there, and on the line.
UNSET = {"DepotLink.removedAt"}


async def happen(busy: "Busy") -> None:
    """Given two in the afternoon: let a link of each depot boot and send two lists, and people ask for what they want otherwise."""
    principal = user(busy.tenant_id)
    vehicles = {vehicle.name: vehicle for vehicle in await busy.all(Vehicles)}
    now = busy.backend.clock()
    for depot in await busy.all(Depots):
        prefix, bus = ("", "Bus") if depot.name == "Central" else ("N-", "North Bus")
        link, _ = await depot_links.create_link(
            busy.backend, principal, depot.id, name=f"BMS {depot.name}", identity=f"bms-{depot.name.lower()}", bands=PriorityBands()
        )
        system = LinkedSystem(busy.tenant_id, link.id, link.identity, uuid.uuid4())
        await depot_link_sockets.connected(busy.backend, system, "v2.463.vdv.de")
        await depot_link_sockets.booted(busy.backend, system, PresystemKind.BMS, f"BMS-{depot.name}")
        message = LinkMessage(new_id(), busy.tenant_id, link.id, now, MessageDirection.IN, 1, "BootNotification", "m-1", "[1]", 3)
        await depot_link_sockets.keep_messages(busy.backend, busy.tenant_id, [message])
        asked = [
            Statement(
                f"{prefix}r-1",
                vehicles[f"{bus} 1"].vin,
                None,
                70.0,
                95.0,
                charge_point_name=f"{prefix}CP-2:1",
                process_id=f"{prefix}p-1",
                priority=7,
                arrives_at=now - HOUR,
                arrival_soc_percent=35.0,
                departs_at=now + 4 * HOUR,
                preconditioning=PreconditioningWish(
                    kind=PreconditioningKind.HOT_WATER_AND_HEATING,
                    ambient_celsius=4.0,
                    begins_at=now + 3 * HOUR,
                    ends_at=now + 4 * HOUR,
                    target_soc_percent=90.0,
                    hvac=PreconditioningLoad(now + 3 * HOUR, 8.0),
                    system=PreconditioningLoad(now + 3 * HOUR, 2.0),
                ),
            ),
            Statement(f"{prefix}r-2", "Nobody's bus", None, 50.0, 80.0),
            Statement(f"{prefix}r-3", vehicles[f"{bus} 3"].name, None, 50.0, 80.0, departs_at=now + 3 * HOUR),
            Statement(f"{prefix}r-5", vehicles[f"{bus} 6"].name, None, 50.0, 80.0, priority=60, ad_hoc=True),
            Statement(f"{prefix}r-4", vehicles[f"{bus} 4"].license_plate, None, 50.0, 80.0, charge_point_name="CP-99:1"),
        ]
        await charging_requests.take_list(busy.backend, busy.tenant_id, link.id, asked)
        await charging_requests.take_list(busy.backend, busy.tenant_id, link.id, asked[:4])
        wanted = NewChargingRequest(vehicles[f"{bus} 3"].id, 60.0, 85.0, now + 2 * HOUR, reason="Shuttle service")
        await charging_requests.request_charging(busy.backend, principal, wanted)


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    """Return arguments with which what changes requests and links would do something."""
    depot = next(depot for depot in await busy.all(Depots) if depot.name == "Central")
    vehicle = next(vehicle for vehicle in await busy.all(Vehicles) if vehicle.name == "Bus 2")
    link = next(link for link in await busy.all(DepotLinks) if link.depot_id == depot.id)
    mine = next(one for one in await busy.all(ChargingRequests) if one.link_id is None and one.depot_id == depot.id)
    departs = (busy.backend.clock() + 6 * HOUR).isoformat()
    return {
        "createDepotLink": {"input": {"depotId": id_of(depot), "name": "Another", "identity": "bms-other"}},
        "editDepotLink": {"input": {"depotLinkId": id_of(link), "name": "BMS of Central"}},
        "rotateDepotLinkPassword": {"input": {"depotLinkId": id_of(link)}},
        "removeDepotLink": {"input": {"depotLinkId": id_of(link)}},
        "requestCharging": {"input": {"vehicleId": id_of(vehicle), "minSocPercent": 70.0, "departsAt": departs}},
        "withdrawChargingRequest": {"input": {"chargingRequestId": id_of(mine)}},
    }


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is valid, with one id of the other tenant's."""
    own, other = await valid_inputs(busy), await valid_inputs(twin)
    ids = {
        "createDepotLink": "depotId",
        "editDepotLink": "depotLinkId",
        "rotateDepotLinkPassword": "depotLinkId",
        "removeDepotLink": "depotLinkId",
        "requestCharging": "vehicleId",
        "withdrawChargingRequest": "chargingRequestId",
    }
    return {(name, key): own[name]["input"] | {key: other[name]["input"][key]} for name, key in ids.items()}
