"""Changes that somebody thinks of making, applied to what is known of a depot, and to nothing else."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from ampyard.domain.assignments import Assignment, overlap, why_not_assignable
from ampyard.domain.errors import ConflictError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.priorities import PriorityLevel
from ampyard.services.planning.outlook import Outlook, SupposedLimit

_HERE = ("proposal",)


@dataclass(frozen=True, slots=True)
class Assign:
    """A vehicle on a block's day."""

    block_id: uuid.UUID
    vehicle_id: uuid.UUID
    day: date


@dataclass(frozen=True, slots=True)
class Move:
    """Another vehicle on what is assigned already."""

    assignment_id: uuid.UUID
    vehicle_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Leave:
    """A vehicle that is plugged in leaves at another time."""

    vehicle_id: uuid.UUID
    departs_at: datetime


@dataclass(frozen=True, slots=True)
class Rank:
    """A vehicle of another class."""

    vehicle_id: uuid.UUID
    level: PriorityLevel


@dataclass(frozen=True, slots=True)
class Proposal:
    """What may be changed, all of it together; `unassign` names assignments that are to be taken off."""

    assign: Assign | None = None
    unassign: uuid.UUID | None = None
    move: Move | None = None
    leave: Leave | None = None
    rank: Rank | None = None
    limit: SupposedLimit | None = None

    @property
    def vehicle_ids(self) -> set[uuid.UUID]:
        """The vehicles that it names."""
        named = (self.assign, self.move, self.leave, self.rank)
        return {one.vehicle_id for one in named if one is not None}

    @property
    def block_ids(self) -> set[uuid.UUID]:
        """The blocks that it names."""
        return set() if self.assign is None else {self.assign.block_id}


def applied(outlook: Outlook, proposal: Proposal) -> Outlook:
    """Return the outlook as it would be.

    Raises:
        NotFoundError: the depot knows nothing of a vehicle, block, assignment or power node that is named.
        InvalidInputError: the block does not run that day, or a time is over.
        ConflictError: the vehicle is on another run then, or another one is on the block.
    """
    missing = proposal.vehicle_ids - outlook.vehicles.keys()
    if missing:
        raise NotFoundError("There is no such vehicle.", _HERE)
    runs = {vehicle_id: list(of_vehicle) for vehicle_id, of_vehicle in outlook.runs.items()}
    if proposal.unassign is not None:
        _taken_off(runs, proposal.unassign, "unassign")
    if proposal.move is not None:
        run = _taken_off(runs, proposal.move.assignment_id, "move")
        _put_on(runs, replace(run, vehicle_id=proposal.move.vehicle_id), "move")
    if proposal.assign is not None:
        _put_on(runs, _new(outlook, runs, proposal.assign), "assign")
    return replace(
        outlook,
        runs=runs,
        levels=_levels(outlook, runs, proposal.rank),
        supposed=outlook.supposed if proposal.leave is None else {proposal.leave.vehicle_id: _ahead(outlook, proposal.leave.departs_at)},
        supposed_limits=() if proposal.limit is None else (_known(outlook, proposal.limit),),
    )


def _taken_off(runs: Mapping[uuid.UUID, list[Assignment]], assignment_id: uuid.UUID, part: str) -> Assignment:
    for of_vehicle in runs.values():
        for run in of_vehicle:
            if run.id == assignment_id:
                of_vehicle.remove(run)
                return run
    raise NotFoundError("There is no such assignment in the time that is planned.", (*_HERE, part))


def _put_on(runs: dict[uuid.UUID, list[Assignment]], run: Assignment, part: str) -> None:
    others: Sequence[Assignment] = runs.get(run.vehicle_id, [])
    in_the_way = next((other for other in others if overlap(run, other)), None)
    if in_the_way is not None:
        message = f"The vehicle is on another run from {in_the_way.departs_at.isoformat()} to {in_the_way.returns_at.isoformat()}."
        raise ConflictError(message, (*_HERE, part))
    runs[run.vehicle_id] = sorted([*others, run], key=lambda it: it.departs_at)


def _new(outlook: Outlook, runs: Mapping[uuid.UUID, list[Assignment]], wanted: Assign) -> Assignment:
    block = outlook.blocks.get(wanted.block_id)
    if block is None:
        raise NotFoundError("There is no such block.", (*_HERE, "assign"))
    if (reason := why_not_assignable(block, wanted.day, now=outlook.at)) is not None:
        raise InvalidInputError(reason, (*_HERE, "assign"))
    if any(run.block_id == block.id and run.day == wanted.day for of_vehicle in runs.values() for run in of_vehicle):
        raise ConflictError("Another vehicle is on that block; move that assignment instead.", (*_HERE, "assign"))
    run = block.run_on(wanted.day)
    return Assignment(
        id=new_id(),
        tenant_id=outlook.depot.tenant_id,
        block_id=block.id,
        vehicle_id=wanted.vehicle_id,
        depot_id=block.departure_depot_id,
        day=wanted.day,
        departs_at=run.departs_at,
        returns_at=run.returns_at,
        author="",
        removed_at=None,
        created_at=outlook.at,
        updated_at=outlook.at,
    )


def _levels(outlook: Outlook, runs: Mapping[uuid.UUID, list[Assignment]], rank: Rank | None) -> dict[uuid.UUID, PriorityLevel]:
    levels = dict(outlook.levels)
    if rank is not None:
        its = [run.id for run in runs.get(rank.vehicle_id, [])]
        its += [one.id for one in outlook.transactions.values() if one.vehicle_id == rank.vehicle_id]
        its += [rank.vehicle_id, *(request.id for request in outlook.requests.get(rank.vehicle_id, ()))]
        levels |= dict.fromkeys(its, rank.level)
    return levels


def _ahead(outlook: Outlook, moment: datetime) -> datetime:
    if moment <= outlook.at:
        raise InvalidInputError(f"{moment.isoformat()} is over; give a later time.", (*_HERE, "departure"))
    return moment


def _known(outlook: Outlook, limit: SupposedLimit) -> SupposedLimit:
    if all(state.node.id != limit.power_node_id for state in outlook.nodes):
        raise NotFoundError("There is no such power node in this depot.", (*_HERE, "limit"))
    if limit.limit_kw < 0:
        raise InvalidInputError(f"{limit.limit_kw:g} kW is out of range; give a number from 0 up.", (*_HERE, "limit"))
    return limit
