"""Vehicles: taken into the fleet, changed, moved to another home, and archived."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, InvalidInputError, NotFoundError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.texts import checked_text
from ampyard.domain.transactions import TransactionState
from ampyard.domain.vehicles import LIMITS, Vehicle, VehicleKind, VehicleType, check_given, checked_vin, counting_values
from ampyard.repositories.id_tags import block_tags
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles, VehicleTypes
from ampyard.services.backend import Backend
from ampyard.services.depots import require_open_depot

NAME_LENGTH = 100
LICENSE_PLATE_LENGTH = 20


@dataclass(frozen=True, slots=True)
class NewVehicle:
    """What is asked for. `kind` may be left to the type; `own` are values by the names in `domain.vehicles.LIMITS`."""

    name: str
    depot_id: uuid.UUID
    vin: str
    license_plate: str
    kind: VehicleKind | None = None
    type_id: uuid.UUID | None = None
    own: Mapping[str, float | None] = field(default_factory=dict)


async def create_vehicle(backend: Backend, principal: Principal, wanted: NewVehicle) -> Vehicle:
    """Take a vehicle into the fleet.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the depot.
        NotFoundError: there is no such depot or type.
        InvalidInputError: something is malformed or out of bounds, or given by neither vehicle nor type.
        ConflictError: there is a vehicle with this VIN, or the depot or the type is archived.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        depot = await require_open_depot(work, wanted.depot_id, ("input", "depotId"))
        of_type = await _type(work, wanted.type_id)
        vehicle = new_vehicle(work, replace(wanted, depot_id=depot.id), of_type)
        if await Vehicles(work.session).by_unique("vin", [vehicle.vin]):
            raise ConflictError(f"There is a vehicle with the VIN {vehicle.vin} already.", ("input", "vin"))
        await work.add(Vehicles, vehicle)
        await work.audit("vehicle.create", "vehicle", vehicle.id, vin=vehicle.vin, name=vehicle.name, depot_id=str(vehicle.depot_id))
        publish_vehicle(work, vehicle)
        work.answers(vehicle=vehicle)
        await work.commit()
    return vehicle


def new_vehicle(work: UnitOfWork, wanted: NewVehicle, of_type: VehicleType | None) -> Vehicle:
    """Return the vehicle that is asked for, checked; nothing is stored.

    Raises:
        InvalidInputError: see `create_vehicle`.
    """
    kind = _kind(wanted.kind, of_type)
    own = dict.fromkeys(LIMITS) | dict(wanted.own)
    return Vehicle(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=wanted.depot_id,
        name=checked_text(wanted.name, "name", at_most=NAME_LENGTH),
        kind=kind,
        vin=checked_vin(wanted.vin),
        license_plate=checked_text(wanted.license_plate, "licensePlate", at_most=LICENSE_PLATE_LENGTH, at_least=0),
        soc_percent=None,
        soc_source=None,
        soc_at=None,
        created_at=work.now,
        updated_at=work.now,
        type_id=None if of_type is None else of_type.id,
        **counting_values(own, of_type),
        **_own_columns(own, of_type),
    )


async def edit_vehicle(backend: Backend, principal: Principal, vehicle_id: uuid.UUID, changes: Mapping[str, Any]) -> Vehicle:
    """Change a vehicle: name, kind, VIN, licence plate, type, or its own values; what is not in `changes` stays.

    A value set to None is taken from the type from then on. A vehicle that is given a type keeps its values as its own, and one whose
    type is taken away keeps those that count.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the vehicle.
        NotFoundError: there is no such vehicle or type.
        InvalidInputError: something is malformed or out of bounds, or given by neither vehicle nor type.
        ConflictError: another vehicle has the VIN, the type is archived, or the vehicle is.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await work.require(Vehicles, vehicle_id, "vehicle")
        type_id = changes.get("type_id", known.type_id)
        of_type = await _type(work, type_id, kept=type_id == known.type_id)
        changed = changed_vehicle(known, changes, of_type, now=work.now)
        if changed.vin != known.vin and await Vehicles(work.session).by_unique("vin", [changed.vin]):
            raise ConflictError(f"There is another vehicle with the VIN {changed.vin}.", ("input", "vin"))
        await store_vehicle(work, known, changed)
        work.answers(vehicle=changed)
        await work.commit()
    return changed


def changed_vehicle(known: Vehicle, changes: Mapping[str, Any], of_type: VehicleType | None, *, now: datetime) -> Vehicle:
    """Return a vehicle with changes, checked; nothing is stored. `of_type` is the type that it then has.

    Raises:
        InvalidInputError: see `edit_vehicle`.
        ConflictError: the vehicle is archived.
    """
    if known.archived_at is not None:
        raise ConflictError("The vehicle is archived; restore it first.", ("input", "vehicleId"))
    check_given(changes, [name for name in ("name", "vin", "license_plate") if name in changes])
    own = {name: changes.get(name, value) for name, value in known.own.items()}
    if of_type is None and known.type_id is not None:
        own = {name: changes.get(name, getattr(known, name)) for name in LIMITS}
    kind = changes.get("kind") or (known.kind if of_type is None else None)
    return replace(
        known,
        name=checked_text(changes.get("name", known.name), "name", at_most=NAME_LENGTH),
        kind=_kind(kind, of_type),
        vin=checked_vin(changes["vin"]) if "vin" in changes else known.vin,
        license_plate=checked_text(
            changes.get("license_plate", known.license_plate), "licensePlate", at_most=LICENSE_PLATE_LENGTH, at_least=0
        ),
        type_id=None if of_type is None else of_type.id,
        updated_at=now,
        **counting_values(own, of_type),
        **_own_columns(own, of_type),
    )


async def store_vehicle(work: UnitOfWork, known: Vehicle, changed: Vehicle) -> None:
    """Write what has changed of a vehicle, with its audit record and event; power is shared anew at once."""
    names = ("depot_id", "name", "kind", "vin", "license_plate", "type_id", *LIMITS, *(f"own_{name}" for name in LIMITS))
    values = {name: getattr(changed, name) for name in names if getattr(changed, name) != getattr(known, name)}
    if not values:
        return
    await work.change(Vehicles, known.id, **values, updated_at=work.now)
    told: dict[str, Any] = {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in values.items()}
    await work.audit("vehicle.edit", "vehicle", known.id, **told)
    publish_vehicle(work, changed)


async def move_vehicle(backend: Backend, principal: Principal, vehicle_id: uuid.UUID, depot_id: uuid.UUID) -> Vehicle:
    """Give a vehicle another home depot; both depots are told.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the vehicle and the new home.
        NotFoundError: there is no such vehicle or depot.
        ConflictError: the vehicle or the depot is archived.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await work.require(Vehicles, vehicle_id, "vehicle")
        if known.archived_at is not None:
            raise ConflictError("The vehicle is archived; restore it first.", ("input", "vehicleId"))
        depot = await require_open_depot(work, depot_id, ("input", "depotId"))
        moved = replace(known, depot_id=depot.id, updated_at=work.now)
        if moved.depot_id != known.depot_id:
            await work.change(Vehicles, known.id, depot_id=depot.id, updated_at=work.now)
            await work.audit("vehicle.move", "vehicle", known.id, from_depot_id=str(known.depot_id), to_depot_id=str(depot.id))
            publish_vehicle(work, known)
            publish_vehicle(work, moved)
        work.answers(vehicle=moved)
        await work.commit()
    return moved


async def archive_vehicle(backend: Backend, principal: Principal, vehicle_id: uuid.UUID) -> Vehicle:
    """Take a vehicle out of the fleet. Its history stays, and its id tags are blocked. Archiving it again changes nothing.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the vehicle.
        NotFoundError: there is no such vehicle.
        ConflictError: it is charging.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await work.require(Vehicles, vehicle_id, "vehicle")
        column = Transactions.table.c
        if await Transactions(work.session).where(column.vehicle_id == known.id, column.state == TransactionState.ACTIVE):
            raise ConflictError("The vehicle is charging; archive it when its transaction has ended.", ("input", "vehicleId"))
        archived = replace(known, archived_at=known.archived_at or work.now, updated_at=work.now)
        if known.archived_at is None:
            await work.change(Vehicles, known.id, archived_at=work.now, updated_at=work.now)
            await block_tags(work.session, known.id, at=work.now)
            await work.audit("vehicle.archive", "vehicle", known.id)
            publish_vehicle(work, archived)
        work.answers(vehicle=archived)
        await work.commit()
    return archived


async def restore_vehicle(backend: Backend, principal: Principal, vehicle_id: uuid.UUID) -> Vehicle:
    """Take an archived vehicle back into the fleet. Its id tags stay blocked until somebody unblocks them.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the vehicle.
        NotFoundError: there is no such vehicle.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await work.require(Vehicles, vehicle_id, "vehicle")
        restored = replace(known, archived_at=None, updated_at=work.now)
        if known.archived_at is not None:
            await work.change(Vehicles, known.id, archived_at=None, updated_at=work.now)
            await work.audit("vehicle.restore", "vehicle", known.id)
            publish_vehicle(work, restored)
        work.answers(vehicle=restored)
        await work.commit()
    return restored


def publish_vehicle(work: UnitOfWork, vehicle: Vehicle) -> None:
    """Have it told that a vehicle has changed; its home depot's power is shared anew."""
    work.publish(Event(EventKind.VEHICLE_UPDATED, vehicle.id, vehicle.depot_id))
    work.wake_planner(vehicle.depot_id)


async def _type(work: UnitOfWork, type_id: uuid.UUID | None, *, kept: bool = False) -> VehicleType | None:
    if type_id is None:
        return None
    found = await VehicleTypes(work.session).by_id(type_id)
    if found is None:
        raise NotFoundError("There is no such vehicle type.", ("input", "vehicleTypeId"))
    if found.archived_at is not None and not kept:
        raise ConflictError(f"The vehicle type {found.name!r} is archived; restore it, or choose another.", ("input", "vehicleTypeId"))
    return found


def _kind(kind: VehicleKind | None, of_type: VehicleType | None) -> VehicleKind:
    if of_type is None:
        if kind is None:
            raise InvalidInputError("kind is needed: the vehicle has no type to take it from.", ("input", "kind"))
        return kind
    if kind is not None and kind is not of_type.kind:
        message = f"The kind is {kind.name}, and that of the type {of_type.name!r} {of_type.kind.name}; leave the kind to the type."
        raise InvalidInputError(message, ("input", "kind"))
    return of_type.kind


def _own_columns(own: Mapping[str, float | None], of_type: VehicleType | None) -> dict[str, Any]:
    """Return the columns of a vehicle's own values, which mean something only beside a type."""
    return {f"own_{name}": own.get(name) if of_type is not None else None for name in LIMITS}
