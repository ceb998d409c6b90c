"""Limits over time: what an EVSE was told, or a node leaves."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self


class Step(NamedTuple):
    """A limit in kW that holds from a moment on."""

    begins_at: datetime
    kw: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """A limit over time: each step holds until the next one begins, the last for good, and the first for whatever was before it.

    Raises:
        ValueError: there is no step, they are not in order, or a limit is no number from 0 up.
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("A schedule has at least one step.")
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if after.begins_at <= before.begins_at:
                raise ValueError(f"The step of {after.begins_at.isoformat()} does not come after that of {before.begins_at.isoformat()}.")
        for step in self.steps:
            if not 0 <= step.kw < math.inf:
                raise ValueError(f"The step of {step.begins_at.isoformat()} is {step.kw} kW; give a finite number from 0 up.")

    @classmethod
    def constant(cls, kw: float, since: datetime) -> Self:
        """Return a schedule that never changes."""
        return cls((Step(since, kw),))

    def at(self, moment: datetime) -> float:
        """Return the limit that holds at a moment, in kW."""
        return self.steps[max(0, self._index(moment))].kw

    def highest(self, since: datetime, until: datetime) -> float:
        """Return the highest limit from `since` to before `until`, in kW."""
        first = max(0, self._index(since))
        return max(step.kw for n, step in enumerate(self.steps) if n == first or (n > first and step.begins_at < until))

    def from_(self, moment: datetime) -> "Schedule":
        """Return what of it is not over by a moment."""
        return Schedule(self.steps[max(0, self._index(moment)) :])

    def _index(self, moment: datetime) -> int:
        return bisect_right(self.steps, moment, key=lambda step: step.begins_at) - 1

    def to_json(self) -> list[list[Any]]:
        """Return it as JSON, from which `from_json` makes it again."""
        return [[step.begins_at.isoformat(), step.kw] for step in self.steps]

    @classmethod
    def from_json(cls, stored: list[list[Any]]) -> Self:
        """Return what `to_json` made."""
        return cls(tuple(Step(datetime.fromisoformat(begins_at), float(kw)) for begins_at, kw in stored))


def simplified(steps: Iterable[Step]) -> Schedule:
    """Return a schedule without the steps that change nothing."""
    kept: list[Step] = []
    for step in steps:
        if not kept or kept[-1].kw != step.kw:
            kept.append(step)
    return Schedule(tuple(kept))


def highest_of(*schedules: Schedule) -> Schedule:
    """Return what is in force at most where nobody knows which of these is obeyed: the highest of them at each moment."""
    moments = sorted({step.begins_at for schedule in schedules for step in schedule.steps})
    return simplified(Step(moment, max(schedule.at(moment) for schedule in schedules)) for moment in moments)


def difference_kw(one: Schedule, other: Schedule, since: datetime, until: datetime) -> float:
    """Return by how much two schedules differ at most between two moments, in kW."""
    moments = {since} | {step.begins_at for step in (*one.steps, *other.steps) if since < step.begins_at < until}
    return max(abs(one.at(moment) - other.at(moment)) for moment in moments)
