"""Import of vehicles, with their id tags, from a CSV file or a workbook: by VIN those that are known are changed, the others are new."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.depots import Depot
from ampyard.domain.errors import DomainError, InvalidInputError
from ampyard.domain.id_tags import IdTag, IdTagKind, canonical
from ampyard.domain.imports import Column, ImportReport, Line, LineError, choice, many, number, text, whole
from ampyard.domain.vehicles import LIMITS, Vehicle, VehicleKind, VehicleType, client_name
from ampyard.repositories.depots import Depots
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles, VehicleTypes
from ampyard.services.backend import Backend
from ampyard.services.id_tags import NewIdTag, new_tag
from ampyard.services.imports import ImportFile, read_file, report
from ampyard.services.vehicles import (
    LICENSE_PLATE_LENGTH,
    NAME_LENGTH,
    NewVehicle,
    changed_vehicle,
    new_vehicle,
    publish_vehicle,
    store_vehicle,
)

# By the name of the value: its column.
_VALUES = {
    "battery_kwh": Column("battery kWh", number(above=0, at_most=LIMITS["battery_kwh"][0], unit="kWh")),
    "max_ac_kw": Column("max AC kW", number(at_least=0, at_most=LIMITS["max_ac_kw"][0], unit="kW")),
    "max_dc_kw": Column("max DC kW", number(at_least=0, at_most=LIMITS["max_dc_kw"][0], unit="kW")),
    "consumption_kwh_per_km": Column("kWh per km", number(above=0, at_most=LIMITS["consumption_kwh_per_km"][0], unit="kWh/km")),
    "min_soc_percent": Column("min SoC", number(at_least=0, at_most=100, unit="percent")),
    "target_soc_percent": Column("target SoC", number(above=0, at_most=100, unit="percent")),
    "ac_phases": Column("AC phases", whole(at_least=1, at_most=3)),
}
_TAG_LENGTH = 36
_TAGS = {
    IdTagKind.RFID: Column("RFID", many(text(_TAG_LENGTH))),
    IdTagKind.MAC: Column("MAC", many(text(_TAG_LENGTH))),
    IdTagKind.CONTRACT: Column("contract", many(text(_TAG_LENGTH))),
}
COLUMNS = (
    Column("vin", text(17), required=True, unique=True),
    Column("name", text(NAME_LENGTH), required=True),
    Column("depot", text(200), required=True),
    Column("license plate", text(LICENSE_PLATE_LENGTH)),
    Column("type", text(100)),
    Column("kind", choice(VehicleKind)),
    *_VALUES.values(),
    *_TAGS.values(),
)


@dataclass(slots=True)
class _Known:
    """What a file refers to, as it is in the tenant, and what its lines have said so far."""

    depots: Mapping[str, Depot]
    types: Mapping[str, VehicleType]
    vehicles: Mapping[str, Vehicle]
    types_of_vehicles: Mapping[uuid.UUID, VehicleType]
    tags: Mapping[str, IdTag]
    new_tags: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one line is to do: a vehicle as it was (None: new) and as it shall be, and tags for it."""

    before: Vehicle | None
    after: Vehicle
    tags: tuple[IdTag, ...]


async def import_vehicles(backend: Backend, principal: Principal, file: ImportFile, *, dry_run: bool) -> ImportReport:
    """Import vehicles: all lines, or none where anything is wrong with one; a dry run tells and changes nothing.

    Depots and types are named by their names. An absent column leaves what is known of a vehicle, an empty cell clears it; tags are only
    added.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`.
        InvalidInputError: the file cannot be read at all, or is too large.
    """
    principal.require(Scope.VEHICLES_WRITE)
    found = await read_file(file, COLUMNS)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await _known(work, found.good)
        errors: list[LineError] = list(found.errors)
        plans = [plan for line in found.good if (plan := _planned(work, known, line, errors)) is not None]
        created = sum(plan.before is None for plan in plans)
        told = report(found, errors, dry_run=dry_run, created=created, updated=len(plans) - created)
        if not errors and not dry_run:
            await _carry_out(work, plans)
            work.answers(report=told)
            await work.commit()
    return told


async def _known(work: UnitOfWork, lines: Sequence[Line]) -> _Known:
    def named(column: str) -> list[str]:
        return sorted({line[column] for line in lines if line[column] is not None})

    vehicles = await Vehicles(work.session).by_unique("vin", [vin.upper() for vin in named("vin")])
    locked = await Vehicles(work.session).locked(vehicle.id for vehicle in vehicles.values())
    types = {vehicle.type_id for vehicle in locked.values() if vehicle.type_id is not None}
    values = [value for line in lines for column in _TAGS.values() for value in line[column.name] or ()]
    return _Known(
        depots=await Depots(work.session).by_unique("name", named("depot")),
        types=await VehicleTypes(work.session).by_unique("name", named("type")),
        vehicles={vehicle.vin: vehicle for vehicle in locked.values()},
        types_of_vehicles=await VehicleTypes(work.session).by_ids(types),
        tags={canonical(value): tag for value, tag in (await IdTags(work.session).by_values(values)).items()},
    )


def _planned(work: UnitOfWork, known: _Known, line: Line, errors: list[LineError]) -> _Plan | None:
    """Return what a line is to do; None, and the errors told, where something is wrong with it."""
    before = len(errors)
    depot = known.depots.get(line["depot"])
    if depot is None:
        errors.append(line.error("depot", f"There is no depot {line['depot']!r} that you may put vehicles into; give the name of one."))
    of_type = known.types.get(line["type"]) if line["type"] is not None else None
    if line["type"] is not None and (of_type is None or of_type.archived_at is not None):
        errors.append(line.error("type", f"There is no vehicle type {line['type']!r} in use; create it first, or leave the cell empty."))
    if depot is None or len(errors) > before:
        return None
    vehicle = known.vehicles.get(line["vin"].upper())
    if depot.archived_at is not None and (vehicle is None or vehicle.depot_id != depot.id):
        errors.append(line.error("depot", f"{depot.name} is archived and takes in nothing new; give the name of another depot."))
        return None
    if vehicle is not None and "type" not in line:
        of_type = known.types_of_vehicles.get(vehicle.type_id) if vehicle.type_id is not None else None
    try:
        after = (
            new_vehicle(work, _wanted(line, depot, of_type), of_type) if vehicle is None else _changed(work, vehicle, line, depot, of_type)
        )
    except DomainError as error:
        errors.extend(line.error(_column_of(one), str(one)) for one in _all_of(error))
        return None
    tags = _tags(work, known, line, after, errors)
    return _Plan(vehicle, after, tags) if len(errors) == before else None


def _wanted(line: Line, depot: Depot, of_type: VehicleType | None) -> NewVehicle:
    return NewVehicle(
        name=line["name"],
        depot_id=depot.id,
        vin=line["vin"],
        license_plate=line["license plate"] or "",
        kind=line["kind"],
        type_id=None if of_type is None else of_type.id,
        own={name: line[column.name] for name, column in _VALUES.items()},
    )


def _changed(work: UnitOfWork, vehicle: Vehicle, line: Line, depot: Depot, of_type: VehicleType | None) -> Vehicle:
    columns = {"license_plate": "license plate", "kind": "kind"} | {name: column.name for name, column in _VALUES.items()}
    changes: dict[str, Any] = {name: line[column] for name, column in columns.items() if column in line}
    changes["name"] = line["name"]
    if "license_plate" in changes:
        changes["license_plate"] = changes["license_plate"] or ""
    if "type" in line:
        changes["type_id"] = None if of_type is None else of_type.id
    return replace(changed_vehicle(vehicle, changes, of_type, now=work.now), depot_id=depot.id)


def _tags(work: UnitOfWork, known: _Known, line: Line, vehicle: Vehicle, errors: list[LineError]) -> tuple[IdTag, ...]:
    """Return the tags that a line adds to its vehicle; those that the vehicle has already are passed over."""
    made = []
    for kind, column in _TAGS.items():
        for value in line[column.name] or ():
            key = canonical(value)
            first = known.new_tags.setdefault(key, line.number)
            owner = known.tags.get(key)
            if first != line.number:
                errors.append(line.error(column.name, f"The id tag {value!r} is in line {first} already; a vehicle alone can have it."))
            elif owner is not None and owner.vehicle_id != vehicle.id:
                errors.append(line.error(column.name, f"Another vehicle has the id tag {value!r}; move it from there, or remove it."))
            elif owner is None:
                try:
                    made.append(new_tag(work, NewIdTag(vehicle.id, value, kind)))
                except InvalidInputError as error:
                    errors.append(line.error(column.name, str(error)))
    return tuple(made)


async def _carry_out(work: UnitOfWork, plans: Sequence[_Plan]) -> None:
    new = [plan.after for plan in plans if plan.before is None]
    if new:
        await work.add(Vehicles, *new)
    for vehicle in new:
        await work.audit("vehicle.create", "vehicle", vehicle.id, vin=vehicle.vin, name=vehicle.name, depot_id=str(vehicle.depot_id))
        publish_vehicle(work, vehicle)
    for plan in plans:
        if plan.before is not None:
            await store_vehicle(work, plan.before, plan.after)
    tags = [tag for plan in plans for tag in plan.tags]
    if tags:
        await work.add(IdTags, *tags)
    for tag in tags:
        await work.audit("id_tag.add", "id_tag", tag.id, vehicle_id=str(tag.vehicle_id), value=tag.value, kind=tag.kind)


def _all_of(error: DomainError) -> Sequence[DomainError]:
    return [error, *error.others] if isinstance(error, InvalidInputError) else [error]


def _column_of(error: DomainError) -> str | None:
    """Return the column that an error is about, by the input field that its path names."""
    fields = {"name": "name", "vin": "vin", "licensePlate": "license plate", "kind": "kind", "vehicleTypeId": "type"}
    values = {client_name(name): column.name for name, column in _VALUES.items()}
    return (fields | values).get(error.path[-1]) if error.path else None
