"""Identifications that nobody knows: noted when they show up at a charge point, then given to a vehicle or dismissed."""

import uuid
from dataclasses import replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.authorization import VehicleResolution
from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.errors import ConflictError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.id_tags import IdTagKind, canonical
from ampyard.domain.settings import UnknownTagPolicy
from ampyard.domain.transactions import Transaction, TransactionState
from ampyard.domain.unknown_identifications import UnknownIdentification, UnknownState
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.database import Session
from ampyard.repositories.energy_intervals import name_vehicle
from ampyard.repositories.settings import read_settings
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.unknown_identifications import UnknownIdentifications, keep_unknown
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.id_tags import NewIdTag, give_tag


async def unknown_may_charge(session: Session, tenant_id: uuid.UUID) -> bool:
    """Tell whether the tenant lets those charge whom nobody knows."""
    return (await read_settings(session, tenant_id)).values.unknown_tag_policy is UnknownTagPolicy.ALLOW


async def note_unknown(work: UnitOfWork, charge_point: ChargePoint, value: str, kind: IdTagKind | None) -> None:
    """Note that an identification nobody knows was seen at a charge point; `kind` as far as the charge point tells it."""
    noted = await keep_unknown(work.session, work.tenant_id, charge_point.id, value, kind, at=work.now)
    work.publish(Event(EventKind.UNKNOWN_IDENTIFICATION_SEEN, noted, charge_point.depot_id))


async def assign_unknown(
    backend: Backend, principal: Principal, identification_id: uuid.UUID, vehicle_id: uuid.UUID, kind: IdTagKind | None = None
) -> UnknownIdentification:
    """Give an unknown identification to a vehicle as an id tag of `kind` (None: of the kind it looks like).

    Open transactions that it began get the vehicle.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the charge point or the vehicle.
        NotFoundError: there is no such identification or vehicle.
        InvalidInputError: the value has not the form of the kind.
        ConflictError: it has been assigned already, or the vehicle is archived.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await work.require(UnknownIdentifications, identification_id, "unknown identification")
        if known.state is UnknownState.ASSIGNED:
            raise ConflictError("It has been assigned to a vehicle already; move or remove the id tag.", ("input", "identificationId"))
        vehicle = await work.require(Vehicles, vehicle_id, "vehicle")
        if vehicle.archived_at is not None:
            raise ConflictError("The vehicle is archived; restore it first.", ("input", "vehicleId"))
        tag = await give_tag(work, vehicle, NewIdTag(vehicle.id, known.value, kind or known.kind))
        assigned = replace(
            known, state=UnknownState.ASSIGNED, id_tag_id=tag.id, decided_by=principal.author, decided_at=work.now, kind=tag.kind
        )
        await _decide(work, assigned, "unknown_identification.assign", vehicle_id=str(vehicle.id))
        for transaction in await _begun_with(work, known.canonical):
            await _name_vehicle(work, transaction, vehicle, tag.kind)
        work.answers(unknown_identification=assigned)
        await work.commit()
    return assigned


async def dismiss_unknown(backend: Backend, principal: Principal, identification_id: uuid.UUID) -> UnknownIdentification:
    """Say that an identification is of no interest. It is still counted when it shows up, and can still be assigned.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the charge point.
        NotFoundError: there is no such identification.
        ConflictError: it has been assigned.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await work.require(UnknownIdentifications, identification_id, "unknown identification")
        if known.state is UnknownState.ASSIGNED:
            raise ConflictError("It has been assigned to a vehicle; move or remove the id tag.", ("input", "identificationId"))
        dismissed = replace(known, state=UnknownState.DISMISSED, decided_by=principal.author, decided_at=work.now)
        await _decide(work, dismissed, "unknown_identification.dismiss")
        work.answers(unknown_identification=dismissed)
        await work.commit()
    return dismissed


async def _decide(work: UnitOfWork, decided: UnknownIdentification, action: str, **detail: Any) -> None:
    await work.change(
        UnknownIdentifications,
        decided.id,
        state=decided.state,
        kind=decided.kind,
        id_tag_id=decided.id_tag_id,
        decided_by=decided.decided_by,
        decided_at=decided.decided_at,
    )
    await work.audit(action, "unknown_identification", decided.id, value=decided.value, **detail)
    work.publish(Event(EventKind.UNKNOWN_IDENTIFICATION_SEEN, decided.id, None))


async def _begun_with(work: UnitOfWork, tag: str) -> list[Transaction]:
    """Return open transactions without a vehicle that were begun with a tag, given in its canonical form."""
    column = Transactions.table.c
    open_ones = await Transactions(work.session).where(column.state == TransactionState.ACTIVE, column.vehicle_id.is_(None))
    return [transaction for transaction in open_ones if transaction.id_tag is not None and canonical(transaction.id_tag) == tag]


async def _name_vehicle(work: UnitOfWork, transaction: Transaction, vehicle: Vehicle, kind: IdTagKind) -> None:
    await work.change(
        Transactions,
        transaction.id,
        vehicle_id=vehicle.id,
        id_tag_kind=kind,
        vehicle_resolved_by=VehicleResolution.ID_TAG_LATER,
        vehicle_resolved_at=work.now,
        updated_at=work.now,
    )
    await name_vehicle(work.session, transaction.id, vehicle.id)
    work.publish(Event(EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id))
    work.wake_planner(transaction.depot_id)
