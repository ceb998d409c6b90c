"""A depot's dispatch board: what leaves on a day, who is on it, and who is free."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from ampyard.domain.assignments import Assignment
from ampyard.domain.blocks import Block
from ampyard.domain.vehicles import Vehicle


@dataclass(frozen=True, slots=True)
class BoardRun:
    """A block on the board's day, and who is on it; `None` for nobody."""

    block: Block
    departs_at: datetime
    returns_at: datetime
    assignment: Assignment | None


@dataclass(frozen=True, slots=True)
class DispatchBoard:
    """The runs that leave a depot on one of its days, by departure, and the vehicles at home there that nothing takes away that day."""

    depot_id: uuid.UUID
    day: date
    runs: tuple[BoardRun, ...]
    free_vehicles: tuple[Vehicle, ...]

    @property
    def unassigned(self) -> tuple[BoardRun, ...]:
        """The runs that nobody is on."""
        return tuple(run for run in self.runs if run.assignment is None)


def board_of(
    depot_id: uuid.UUID, day: date, blocks: Iterable[Block], assigned: Mapping[uuid.UUID, Assignment], free: Iterable[Vehicle]
) -> DispatchBoard:
    """Return a depot's board of a day on which these blocks run, with their assignments by block.

    A run that has been assigned shows the assignment's times: those of one that has left do not move with its block.
    """
    runs = []
    for block in blocks:
        assignment = assigned.get(block.id)
        times = block.run_on(day) if assignment is None else assignment
        runs.append(BoardRun(block, times.departs_at, times.returns_at, assignment))
    return DispatchBoard(depot_id, day, tuple(sorted(runs, key=lambda run: (run.departs_at, run.block.name, run.block.id))), tuple(free))
