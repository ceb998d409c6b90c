"""Import of vehicles: all lines or none, every bad one told, tags with them."""

import base64
import uuid
from dataclasses import dataclass

import pytest

from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.imports import ImportReport
from ampyard.domain.vehicles import Vehicle, VehicleKind
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import vehicle_types
from ampyard.services.backend import Backend
from ampyard.services.imports import ImportFile
from ampyard.services.vehicle_import import import_vehicles
from ampyard.services.vehicle_types import NewVehicleType
from tests.fleet import new_fleet, user

VALUES = {"battery_kwh": 350.0, "max_ac_kw": 43.0, "max_dc_kw": 150.0}
HEAD = "VIN;Name;Depot;Type;Kind;Battery kWh;License plate;RFID;MAC"
GOOD = f"""{HEAD}
WAMPYARD000000001;Bus One;Central;;;310,5;B-AY 1;;00:1A:2B:3C:4D:5E
WAMPYARD000000101;Bus 101;Central;eBus;;;;CARD-1 CARD-2;
"""
BAD = f"""{HEAD}
WAMPYARD000000001;Bus One;Nowhere;;;310;;;
WAMPYARD000000101;Bus 101;Central;;VAN;80;;;
WAMPYARD000000102;Bus 102;Central;eBus;;;;TAG-2;
WAMPYARD000000103;Bus 103;Central;eBus;VAN;;;CARD-1;
WAMPYARD000000104;Bus 104;Central;eBus;;;;CARD-3;001A2B
WAMPYARD000000105;Bus 105;Central;eBus;;;;card-3;
WAMPYARD000000106;;Central;eTruck;;;;;
"""


@dataclass(frozen=True)
class Fleet:
    backend: Backend
    tenant_id: uuid.UUID

    async def take(self, text: str, *, dry_run: bool) -> ImportReport:
        file = ImportFile("fleet.csv", base64.b64encode(text.encode()).decode())
        return await import_vehicles(self.backend, user(self.tenant_id), file, dry_run=dry_run)

    async def vehicles(self) -> dict[str, Vehicle]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return {vehicle.vin: vehicle for vehicle in await Vehicles(snapshot).where()}


@pytest.fixture
async def fleet(backend: Backend) -> Fleet:
    seeded = await new_fleet(backend)
    await vehicle_types.create_vehicle_type(backend, user(seeded.tenant_id), NewVehicleType("eBus", VehicleKind.BUS, None, VALUES))
    return Fleet(backend, seeded.tenant_id)


async def test_a_dry_run_tells_and_a_real_one_does(fleet: Fleet) -> None:
    before = await fleet.vehicles()
    assert await fleet.take(GOOD, dry_run=True) == ImportReport(dry_run=True, lines=2, created=1, updated=1, errors=())
    assert await fleet.vehicles() == before

    assert await fleet.take(GOOD, dry_run=False) == ImportReport(dry_run=False, lines=2, created=1, updated=1, errors=())

    found = await fleet.vehicles()
    changed, new = found["WAMPYARD000000001"], found["WAMPYARD000000101"]
    assert (changed.name, changed.battery_kwh, changed.max_ac_kw, changed.license_plate) == ("Bus One", 310.5, 22.0, "B-AY 1")
    assert (new.name, new.kind, new.battery_kwh, new.own_battery_kwh) == ("Bus 101", VehicleKind.BUS, 350.0, None)
    async with fleet.backend.database.snapshot(fleet.tenant_id) as snapshot:
        tags = await IdTags(snapshot).by_values(["001a2b3c4d5e", "card-1", "CARD-2"])
    assert {value: (tag.vehicle_id, tag.kind) for value, tag in tags.items()} == {
        "001a2b3c4d5e": (changed.id, IdTagKind.MAC),
        "card-1": (new.id, IdTagKind.RFID),
        "CARD-2": (new.id, IdTagKind.RFID),
    }
    # The same file again finds everything as it says.
    assert (await fleet.take(GOOD, dry_run=False)).errors == ()


async def test_every_bad_line_is_told_and_nothing_is_taken(fleet: Fleet) -> None:
    before = await fleet.vehicles()
    told = await fleet.take(BAD, dry_run=False)

    assert (told.lines, told.created, told.updated) == (7, 0, 0)
    assert [(error.line, error.column, error.message.partition(";")[0]) for error in told.errors] == [
        (2, "depot", "There is no depot 'Nowhere' that you may put vehicles into"),
        (3, "max AC kW", "maxAcKw is needed: the vehicle has no type to take it from."),
        (3, "max DC kW", "maxDcKw is needed: the vehicle has no type to take it from."),
        (4, "RFID", "Another vehicle has the id tag 'TAG-2'"),
        (5, "kind", "The kind is VAN, and that of the type 'eBus' BUS"),
        (6, "MAC", "'001A2B' is not a MAC address"),
        (7, "RFID", "The id tag 'card-3' is in line 6 already"),
        (8, "name", "The cell is empty"),
    ]
    assert await fleet.vehicles() == before
