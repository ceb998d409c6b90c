"""Assignments: a vehicle on a block's day. Never two of a vehicle at the same time, never two vehicles on the same run."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ampyard.domain.blocks import Block, Run, Timed
from ampyard.domain.local_time import local_day

MAX_DAYS_AHEAD = 7


@dataclass(frozen=True, slots=True)
class Assignment:
    """A vehicle on a block's day. `departs_at` and `returns_at` are the block's moments of that day.

    `depot_id` is the depot it leaves from. What was removed stays, as what was meant once.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    block_id: uuid.UUID
    vehicle_id: uuid.UUID
    depot_id: uuid.UUID
    day: date
    departs_at: datetime
    returns_at: datetime
    author: str
    removed_at: datetime | None
    created_at: datetime
    updated_at: datetime


def why_not_assignable(block: Block, day: date, *, now: datetime) -> str | None:
    """Return why nobody can be put on a block's day, or taken off it, any more or yet; `None` where it can be done.

    It can be done on days the block runs, from a week ahead (by the departure depot's calendar) until the day is over there and the run
    has returned: what left without anybody having said so can still be said while it is under way.
    """
    if not block.runs_on(day):
        return block.why_not_on(day)
    return why_not_now(block, day, now=now)


def why_not_now(block: Block, day: date, *, now: datetime) -> str | None:
    """Return why it is too early or too late for a block's day; `None` where it is neither."""
    today = local_day(now, block.departure_zone)
    latest = today + timedelta(days=MAX_DAYS_AHEAD)
    if day > latest:
        return f"{day} is {(day - today).days} days ahead; vehicles are assigned {MAX_DAYS_AHEAD} days ahead at most, now up to {latest}."
    if day < today and block.run_on(day).returns_at <= now:
        return f"{day} is over, and block {block.name} of that day has returned; give {today} or a later day."
    return None


def overlap(one: Timed, other: Timed) -> bool:
    """Tell whether two runs need a vehicle at the same time; one may leave at the very moment at which another returns."""
    return one.departs_at < other.returns_at and other.departs_at < one.returns_at


class Roster:
    """Who is on what: the assignments that are known, without those that were removed; later ones are checked against them."""

    def __init__(self, assignments: Iterable[Assignment]) -> None:
        self._by_id = {one.id: one for one in assignments if one.removed_at is None}

    def add(self, assignment: Assignment) -> None:
        """Take an assignment in, in place of what it was before."""
        self._by_id[assignment.id] = assignment

    def discard(self, assignments: Iterable[Assignment]) -> None:
        """Forget assignments that are to be placed anew."""
        for one in assignments:
            self._by_id.pop(one.id, None)

    def on(self, block_id: uuid.UUID, day: date) -> Assignment | None:
        """Return who is on a block's day."""
        return next((one for one in self._by_id.values() if (one.block_id, one.day) == (block_id, day)), None)

    def in_the_way(self, vehicle_id: uuid.UUID, run: Run) -> list[Assignment]:
        """Return what keeps a vehicle from going on a run, the earliest first."""
        found = [one for one in self._by_id.values() if one.vehicle_id == vehicle_id and overlap(run, one)]
        return sorted(found, key=lambda one: (one.departs_at, one.id))
