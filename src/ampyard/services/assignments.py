"""Assignments: putting vehicles on blocks of a day, changing that, and taking them off."""

import uuid
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.assignments import Assignment, Roster, why_not_assignable, why_not_now
from ampyard.domain.blocks import Block, Run
from ampyard.domain.errors import ConflictError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.refitting import described, name_of, publish_assignment


@dataclass(frozen=True, slots=True)
class NewAssignment:
    """What is asked for: a vehicle on a block's day, the day on which it leaves."""

    block_id: uuid.UUID
    vehicle_id: uuid.UUID
    day: date


async def assign_vehicle(backend: Backend, principal: Principal, wanted: NewAssignment) -> Assignment:
    """Put a vehicle on a block's day, a week ahead at most; also when it has left already, until the day is over or it is back.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`, for block or vehicle or at all.
        InvalidInputError: the block does not run that day, or the day is too far ahead or over.
        NotFoundError: there is no such block or vehicle.
        ConflictError: another vehicle is on it, or the vehicle is on another block at that time.
    """
    principal.require(Scope.DISPATCH_WRITE)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        block = await work.require(Blocks, wanted.block_id, "block")
        vehicle = await _vehicle(work, wanted.vehicle_id)
        if (reason := why_not_assignable(block, wanted.day, now=work.now)) is not None:
            raise InvalidInputError(reason, ("input", "day"))
        run = block.run_on(wanted.day)
        roster = await _roster(work, vehicle, run)
        await _check_unassigned(work, roster, block, run)
        await _check_free(work, roster, vehicle, run)
        assignment = made(work, block, vehicle, run)
        await work.add(Assignments, assignment)
        await audit_new(work, assignment)
        publish_assignment(work, assignment)
        work.answers(assignment=assignment)
        await work.commit()
    return assignment


async def change_assignment(backend: Backend, principal: Principal, assignment_id: uuid.UUID, vehicle_id: uuid.UUID) -> Assignment:
    """Put another vehicle on what is assigned already.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`, for block or vehicle or at all.
        NotFoundError: there is no such assignment or vehicle.
        ConflictError: it was removed, is over, or the vehicle is on another block at that time.
    """
    principal.require(Scope.DISPATCH_WRITE)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        block, before = await _required(work, assignment_id)
        vehicle = await _vehicle(work, vehicle_id)
        if before.removed_at is not None:
            raise ConflictError("The assignment has been removed; make a new one.", ("input", "assignmentId"))
        _check_not_over(work, block, before)
        run = Run(block.id, before.day, before.departs_at, before.returns_at)
        roster = await _roster(work, vehicle, run)
        roster.discard([before])
        await _check_free(work, roster, vehicle, run)
        changed = replace(before, vehicle_id=vehicle.id, author=principal.author, updated_at=work.now)
        await work.change(Assignments, before.id, vehicle_id=vehicle.id, author=principal.author, updated_at=work.now)
        await audit_change(work, before, changed)
        publish_assignment(work, changed)
        work.answers(assignment=changed)
        await work.commit()
    return changed


async def remove_assignment(backend: Backend, principal: Principal, assignment_id: uuid.UUID) -> Assignment:
    """Take a vehicle off a block's day; what was is kept. Removing it again changes nothing.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`, for the block or at all.
        NotFoundError: there is no such assignment.
        ConflictError: it is over.
    """
    principal.require(Scope.DISPATCH_WRITE)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        block, assignment = await _required(work, assignment_id)
        if assignment.removed_at is None:
            _check_not_over(work, block, assignment)
            await work.change(Assignments, assignment.id, removed_at=work.now, updated_at=work.now)
            detail: dict[str, Any] = {"day": str(assignment.day), "block_id": str(block.id), "vehicle_id": str(assignment.vehicle_id)}
            await work.audit("assignment.remove", "assignment", assignment.id, **detail)
            assignment = replace(assignment, removed_at=work.now, updated_at=work.now)
            publish_assignment(work, assignment)
        work.answers(assignment=assignment)
        await work.commit()
    return assignment


def made(work: UnitOfWork, block: Block, vehicle: Vehicle, run: Run) -> Assignment:
    """Return a new assignment, unchecked."""
    return Assignment(
        id=new_id(),
        tenant_id=work.tenant_id,
        block_id=block.id,
        vehicle_id=vehicle.id,
        depot_id=block.departure_depot_id,
        day=run.day,
        departs_at=run.departs_at,
        returns_at=run.returns_at,
        author=work.principal.author,
        removed_at=None,
        created_at=work.now,
        updated_at=work.now,
    )


async def audit_new(work: UnitOfWork, assignment: Assignment) -> None:
    """Leave the audit record of a new assignment."""
    detail: dict[str, Any] = {"day": str(assignment.day), "block_id": str(assignment.block_id), "vehicle_id": str(assignment.vehicle_id)}
    await work.audit("assignment.create", "assignment", assignment.id, **detail)


async def audit_change(work: UnitOfWork, before: Assignment, now: Assignment) -> None:
    """Leave the audit record of another vehicle on an assignment."""
    detail: dict[str, Any] = {"day": str(now.day), "vehicle_id": str(now.vehicle_id), "before": str(before.vehicle_id)}
    await work.audit("assignment.change", "assignment", now.id, **detail)


async def _required(work: UnitOfWork, assignment_id: uuid.UUID) -> tuple[Block, Assignment]:
    """Return an assignment and its block, both locked; the block first, as everybody does."""
    known = await Assignments(work.session).by_id(assignment_id)
    if known is None:
        await work.require(Assignments, assignment_id, "assignment")
        raise NotFoundError("There is no such assignment.")
    block = await work.require(Blocks, known.block_id, "block")
    return block, await work.require(Assignments, assignment_id, "assignment")


async def _vehicle(work: UnitOfWork, vehicle_id: uuid.UUID) -> Vehicle:
    vehicle = await work.require(Vehicles, vehicle_id, "vehicle")
    if vehicle.archived_at is not None:
        raise ConflictError(f"Vehicle {vehicle.name} is archived; choose another one, or restore it first.", ("input", "vehicleId"))
    return vehicle


async def _roster(work: UnitOfWork, vehicle: Vehicle, run: Run) -> Roster:
    assignments = Assignments(work.session)
    of_vehicle = (await assignments.of_vehicles([vehicle.id], run.departs_at, run.returns_at)).get(vehicle.id, [])
    on_block = await assignments.on([run.block_id], run.day)
    return Roster([*of_vehicle, *on_block.values()])


async def _check_unassigned(work: UnitOfWork, roster: Roster, block: Block, run: Run) -> None:
    other = roster.on(block.id, run.day)
    if other is not None:
        vehicles = await Vehicles(work.session).by_ids([other.vehicle_id])
        told = f"{name_of(other.vehicle_id, vehicles)} is on {block.described(run)} already; change that assignment, or remove it first."
        raise ConflictError(told, ("input", "blockId"))


async def _check_free(work: UnitOfWork, roster: Roster, vehicle: Vehicle, run: Run) -> None:
    if blocking := roster.in_the_way(vehicle.id, run):
        told = f"Vehicle {vehicle.name} is on {await described(work, blocking)} then; take it off there first, or choose another vehicle."
        raise ConflictError(told, ("input", "vehicleId"))


def _check_not_over(work: UnitOfWork, block: Block, assignment: Assignment) -> None:
    if (reason := why_not_now(block, assignment.day, now=work.now)) is not None:
        raise ConflictError(reason, ("input", "assignmentId"))
