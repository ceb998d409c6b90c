"""What becomes of a block's assignments when the block changes: they move with it, or stand in its way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ampyard.domain.assignments import Assignment, Roster
from ampyard.domain.blocks import Block
from ampyard.domain.errors import ConflictError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.assignments import Assignments, rewrite
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles

_TOLD = 10
# What of a block decides when and where its assignments are.
_DECISIVE = (
    "departure_depot_id",
    "departure_time",
    "departure_zone",
    "return_time",
    "return_zone",
    "return_days_later",
    "weekdays",
    "first_day",
    "last_day",
    "enabled",
    "removed_at",
)


@dataclass(frozen=True, slots=True)
class Refitting:
    """Assignments as they would be, and those that would not fit, each with the reason."""

    moved: list[Assignment]
    misfits: list[tuple[Assignment, str]]


async def refit(work: UnitOfWork, block: Block, changed: Block, *, release: bool) -> None:
    """Move a locked block's assignments that have not left to where they will be after its change.

    Raises:
        ConflictError: some would not fit, and `release` does not say to remove them.
    """
    if all(getattr(block, name) == getattr(changed, name) for name in _DECISIVE):
        return
    ahead = await Assignments(work.session).of_block_since(block.id, work.now)
    if not ahead:
        return
    # So that none of them is put on another block meanwhile.
    vehicles: dict[UUID, Vehicle] = await work.lock_all(Vehicles, {one.vehicle_id for one in ahead})
    found = await _fitting(work, changed, ahead, vehicles)
    if found.misfits and not release:
        raise ConflictError(_told(changed, found.misfits, vehicles))
    for one, reason in found.misfits:
        await work.change(Assignments, one.id, removed_at=work.now, updated_at=work.now)
        await work.audit("assignment.remove", "assignment", one.id, day=str(one.day), vehicle_id=str(one.vehicle_id), reason=reason)
        publish_assignment(work, one)
    await rewrite(work.session, found.moved)
    for one in found.moved:
        await work.audit(
            "assignment.move", "assignment", one.id, departs_at=one.departs_at.isoformat(), returns_at=one.returns_at.isoformat()
        )
        publish_assignment(work, one)


def publish_assignment(work: UnitOfWork, assignment: Assignment) -> None:
    """Tell those who watch the depot that an assignment has changed."""
    work.publish(Event(EventKind.ASSIGNMENT_CHANGED, assignment.id, assignment.depot_id))


def name_of(vehicle_id: UUID, vehicles: Mapping[UUID, Vehicle]) -> str:
    """Return how an error names a vehicle; one beyond what the caller may see has no name for them."""
    vehicle = vehicles.get(vehicle_id)
    return "A vehicle of another group" if vehicle is None else f"Vehicle {vehicle.name}"


async def described(work: UnitOfWork, others: Sequence[Assignment]) -> str:
    """Return, in words, the blocks that assignments are on, with their times."""
    blocks = await Blocks(work.session).by_ids({other.block_id for other in others})
    return " and ".join(
        blocks[other.block_id].described(other)
        if other.block_id in blocks
        else f"a block of another group ({other.departs_at:%Y-%m-%d %H:%M} to {other.returns_at:%Y-%m-%d %H:%M} UTC)"
        for other in others
    )


async def _fitting(work: UnitOfWork, changed: Block, ahead: Sequence[Assignment], vehicles: Mapping[UUID, Vehicle]) -> Refitting:
    runs = {one.id: changed.run_on(one.day) for one in ahead}
    since, until = min(run.departs_at for run in runs.values()), max(run.returns_at for run in runs.values())
    others = await Assignments(work.session).of_vehicles({one.vehicle_id for one in ahead}, since, until)
    roster = Roster(one for of_vehicle in others.values() for one in of_vehicle)
    roster.discard(ahead)
    found = Refitting([], [])
    for one in ahead:
        run = runs[one.id]
        moved = replace(one, depot_id=changed.departure_depot_id, departs_at=run.departs_at, returns_at=run.returns_at, updated_at=work.now)
        if not changed.runs_on(one.day):
            found.misfits.append((one, changed.why_not_on(one.day)))
        elif blocking := roster.in_the_way(one.vehicle_id, run):
            found.misfits.append((one, f"{name_of(one.vehicle_id, vehicles)} is on {await described(work, blocking)} then."))
        else:
            roster.add(moved)
            if replace(moved, updated_at=one.updated_at) != one:
                found.moved.append(moved)
    return found


def _told(changed: Block, misfits: Sequence[tuple[Assignment, str]], vehicles: Mapping[UUID, Vehicle]) -> str:
    reasons = [f"{one.day}, {name_of(one.vehicle_id, vehicles)}: {reason}" for one, reason in misfits[:_TOLD]]
    more = f" And {len(misfits) - _TOLD} more." if len(misfits) > _TOLD else ""
    what = f"{len(misfits)} assignment{'s' if len(misfits) > 1 else ''} of block {changed.name}"
    return f"{what} would not fit any more; remove them first, or have them removed (releaseAssignments). {' '.join(reasons)}{more}"
