"""Putting many vehicles on many runs at once: all that is wanted is looked at together, so that two vehicles may swap their runs."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ampyard.domain.assignments import Assignment, Roster, why_not_assignable
from ampyard.domain.blocks import Block, Run
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.assignments import Assignments, rewrite
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.assignments import audit_change, audit_new, made
from ampyard.services.refitting import described, publish_assignment


@dataclass(frozen=True, slots=True)
class Placement:
    """A vehicle wanted on a block's day, both locked; `number` is what the caller knows it by."""

    number: int
    block: Block
    vehicle: Vehicle
    day: date


@dataclass(slots=True)
class Placed:
    """What became of placements: the assignment of each, which of them are new or changed, and why others cannot be."""

    assignments: dict[int, Assignment] = field(default_factory=dict)
    created: list[Assignment] = field(default_factory=list)
    changed: list[tuple[Assignment, Assignment]] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


async def place(work: UnitOfWork, wanted: Sequence[Placement]) -> Placed:
    """Return what placements come to; nothing is written. Who is on one of their runs so far makes way for whom they name."""
    placed = Placed()
    runs: dict[int, Run] = {}
    named: dict[tuple[uuid.UUID, date], int] = {}
    for one in wanted:
        first = named.setdefault((one.block.id, one.day), one.number)
        reason = why_not_assignable(one.block, one.day, now=work.now)
        if first != one.number:
            placed.refused[one.number] = f"Block {one.block.name} on {one.day} is in line {first} already; name each day once."
        elif reason is not None:
            placed.refused[one.number] = reason
        elif one.vehicle.archived_at is not None:
            placed.refused[one.number] = f"Vehicle {one.vehicle.name} is archived; choose another one, or restore it first."
        else:
            runs[one.number] = one.block.run_on(one.day)
    possible = [one for one in wanted if one.number in runs]
    if possible:
        roster, before = await _known(work, possible, runs)
        for one in possible:
            await _place(work, one, runs[one.number], roster, before.get((one.block.id, one.day)), placed)
    return placed


async def write(work: UnitOfWork, placed: Placed) -> None:
    """Write what placements came to, with audit records and events."""
    await rewrite(work.session, [now for _, now in placed.changed])
    if placed.created:
        await work.add(Assignments, *placed.created)
    for one in placed.created:
        await audit_new(work, one)
        publish_assignment(work, one)
    for before, now in placed.changed:
        await audit_change(work, before, now)
        publish_assignment(work, now)


async def _known(
    work: UnitOfWork, wanted: Sequence[Placement], runs: dict[int, Run]
) -> tuple[Roster, dict[tuple[uuid.UUID, date], Assignment]]:
    """Return the assignments that may stand in the way, without those of the runs themselves; and these, by block and day."""
    assignments = Assignments(work.session)
    since, until = min(run.departs_at for run in runs.values()), max(run.returns_at for run in runs.values())
    of_vehicles = await assignments.of_vehicles({one.vehicle.id for one in wanted}, since, until)
    on_runs = await assignments.on_days({one.block.id for one in wanted}, {one.day for one in wanted})
    before = {(one.block_id, one.day): one for one in on_runs}
    runs_wanted = {(one.block.id, one.day) for one in wanted}
    roster = Roster(one for of_vehicle in of_vehicles.values() for one in of_vehicle)
    roster.discard([one for key, one in before.items() if key in runs_wanted])
    return roster, before


async def _place(work: UnitOfWork, one: Placement, run: Run, roster: Roster, before: Assignment | None, placed: Placed) -> None:
    if blocking := roster.in_the_way(one.vehicle.id, run):
        placed.refused[one.number] = f"Vehicle {one.vehicle.name} is on {await described(work, blocking)} then; give it another one."
        return
    if before is None:
        now = made(work, one.block, one.vehicle, run)
        placed.created.append(now)
    elif before.vehicle_id == one.vehicle.id:
        now = before
    else:
        now = replace(before, vehicle_id=one.vehicle.id, author=work.principal.author, updated_at=work.now)
        placed.changed.append((before, now))
    roster.add(now)
    placed.assignments[one.number] = now
