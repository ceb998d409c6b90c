"""Vehicles: taken in with a type or without, changed, moved and archived; refused changes leave nothing."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ampyard.domain.access import Grant, Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.id_tags import Authorization
from ampyard.domain.vehicles import Vehicle, VehicleKind, VehicleType
from ampyard.repositories.depots import Depots
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import transactions, vehicle_types, vehicles
from ampyard.services.backend import Backend
from ampyard.services.vehicle_types import NewVehicleType
from ampyard.services.vehicles import NewVehicle
from tests.charging import charge, station_of
from tests.fleet import new_fleet, user
from tests.published import waiting

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
VALUES = {"battery_kwh": 350.0, "max_ac_kw": 43.0, "max_dc_kw": 150.0, "consumption_kwh_per_km": 1.2}


@dataclass(frozen=True)
class Fleet:
    backend: Backend
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    of_type: VehicleType

    async def vehicles(self) -> dict[str, Vehicle]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return {vehicle.name: vehicle for vehicle in await Vehicles(snapshot).where()}

    def wanted(self, **changes: Any) -> NewVehicle:
        return replace(NewVehicle("Bus 9", self.depot_id, "wampyard000000099", "B-AY 9", type_id=self.of_type.id), **changes)


@pytest.fixture
async def fleet(backend: Backend) -> Fleet:
    seeded = await new_fleet(backend)
    at = replace(backend, clock=lambda: NOW)
    of_type = await vehicle_types.create_vehicle_type(at, user(seeded.tenant_id), NewVehicleType("eBus", VehicleKind.BUS, "Acme", VALUES))
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        (depot,) = await Depots(snapshot).where()
    return Fleet(at, seeded.tenant_id, depot.id, of_type)


async def test_a_vehicle_takes_its_values_from_its_type_unless_it_has_its_own(fleet: Fleet) -> None:
    made = await vehicles.create_vehicle(fleet.backend, user(fleet.tenant_id), fleet.wanted(own={"battery_kwh": 300.0}))

    assert (made.kind, made.vin) == (VehicleKind.BUS, "WAMPYARD000000099")
    assert (made.battery_kwh, made.max_ac_kw, made.max_dc_kw, made.consumption_kwh_per_km) == (300.0, 43.0, 150.0, 1.2)
    assert (await fleet.vehicles())["Bus 9"] == made
    assert ("vehicle.updated", made.id) in {(e.kind, e.aggregate_id) for e in await waiting(fleet.backend, fleet.tenant_id)}


async def test_a_change_of_the_type_reaches_its_vehicles_but_not_what_they_have_of_their_own(fleet: Fleet) -> None:
    made = await vehicles.create_vehicle(fleet.backend, user(fleet.tenant_id), fleet.wanted(own={"battery_kwh": 300.0}))
    later = replace(fleet.backend, clock=lambda: NOW + timedelta(hours=1))

    changes = {"battery_kwh": 400.0, "max_dc_kw": 200.0, "kind": VehicleKind.TRUCK}
    await vehicle_types.edit_vehicle_type(later, user(fleet.tenant_id), fleet.of_type.id, changes)

    expected = replace(made, max_dc_kw=200.0, kind=VehicleKind.TRUCK, updated_at=NOW + timedelta(hours=1))
    found = await fleet.vehicles()
    assert found["Bus 9"] == expected
    assert found["Bus 1"].max_dc_kw == 120.0


async def test_what_is_cleared_is_taken_from_the_type_and_what_counted_stays_when_the_type_goes(fleet: Fleet) -> None:
    principal = user(fleet.tenant_id)
    known = (await fleet.vehicles())["Bus 1"]

    typed = await vehicles.edit_vehicle(fleet.backend, principal, known.id, {"type_id": fleet.of_type.id})
    assert (typed.battery_kwh, typed.own_battery_kwh) == (300.0, 300.0)
    cleared = await vehicles.edit_vehicle(fleet.backend, principal, known.id, {"battery_kwh": None})
    assert (cleared.battery_kwh, cleared.own_battery_kwh, cleared.max_ac_kw) == (350.0, None, 22.0)
    alone = await vehicles.edit_vehicle(fleet.backend, principal, known.id, {"type_id": None})
    assert (alone.type_id, alone.battery_kwh, alone.own["battery_kwh"]) == (None, 350.0, 350.0)
    assert (await fleet.vehicles())["Bus 1"] == alone


@pytest.mark.parametrize(
    ("changes", "message", "path"),
    [
        ({"vin": "WAMPYARD000000001"}, "There is a vehicle with the VIN WAMPYARD000000001 already.", "vin"),
        ({"type_id": None, "kind": VehicleKind.BUS}, "batteryKwh is needed: the vehicle has no type to take it from.", "batteryKwh"),
        ({"type_id": None}, "kind is needed: the vehicle has no type to take it from.", "kind"),
        ({"kind": VehicleKind.VAN}, "The kind is VAN, and that of the type 'eBus' BUS; leave the kind to the type.", "kind"),
        ({"name": " "}, "name has 0 characters; give 1 to 100.", "name"),
        ({"own": {"min_soc_percent": 100.0}}, "minSocPercent 100 is not below targetSocPercent 100.", "minSocPercent"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_leaves_nothing(fleet: Fleet, changes: dict[str, Any], message: str, path: str) -> None:
    before = await fleet.vehicles()
    with pytest.raises((InvalidInputError, ConflictError)) as refused:
        await vehicles.create_vehicle(fleet.backend, user(fleet.tenant_id), fleet.wanted(**changes))
    assert (str(refused.value), refused.value.path) == (message, ("input", path))
    assert await fleet.vehicles() == before


async def test_an_archived_vehicle_is_out_and_its_tags_are_blocked_until_somebody_unblocks_them(fleet: Fleet) -> None:
    principal, known = user(fleet.tenant_id), (await fleet.vehicles())["Bus 1"]
    station = await station_of(fleet.backend, fleet.tenant_id)

    archived = await vehicles.archive_vehicle(fleet.backend, principal, known.id)
    assert archived.archived_at == NOW
    assert await transactions.authorize_tag(fleet.backend, station, "TAG-1") is Authorization.BLOCKED
    with pytest.raises(ConflictError, match="archived; restore it first"):
        await vehicles.edit_vehicle(fleet.backend, principal, known.id, {"name": "Bus 11"})

    restored = await vehicles.restore_vehicle(fleet.backend, principal, known.id)
    assert restored.archived_at is None
    async with fleet.backend.database.snapshot(fleet.tenant_id) as snapshot:
        tag = await IdTags(snapshot).by_value("tag-1")
    assert tag is not None
    assert tag.blocked


async def test_a_vehicle_that_charges_is_not_archived(fleet: Fleet) -> None:
    station = await station_of(fleet.backend, fleet.tenant_id)
    await charge(fleet.backend, station, (NOW, 0.0))
    known = (await fleet.vehicles())["Bus 1"]
    with pytest.raises(ConflictError, match="charging"):
        await vehicles.archive_vehicle(fleet.backend, user(fleet.tenant_id), known.id)
    assert (await fleet.vehicles())["Bus 1"].archived_at is None


async def test_types_are_the_whole_tenants(fleet: Fleet) -> None:
    everywhere = user(fleet.tenant_id)
    confined = replace(everywhere, scopes=frozenset(), grants=(Grant(frozenset({Scope.VEHICLES_WRITE}), frozenset({uuid.uuid4()})),))
    with pytest.raises(ForbiddenError, match="whole tenant"):
        await vehicle_types.edit_vehicle_type(fleet.backend, confined, fleet.of_type.id, {"name": "Other"})
    with pytest.raises(ForbiddenError):
        await vehicles.create_vehicle(fleet.backend, user(fleet.tenant_id, Scope.FLEET_READ), fleet.wanted())
    with pytest.raises(NotFoundError):
        await vehicles.create_vehicle(fleet.backend, confined, fleet.wanted())
