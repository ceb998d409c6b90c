"""Who will not hold the minimum when it leaves, by how much, why, and when it would."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ampyard.domain.planning.layout import HOUR, TOLERANCE, Floats, Layout, hours_within
from ampyard.domain.planning.model import ShortfallCause

# What lacks less than this is nothing, in kWh: no state of charge is told as finely.
_NOTHING_KWH = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """A plan as arrays: what flows at the plug of each stay in each slot, what is left at each bound, and what lacks; all in kWh.

    `lacks` is in the battery, at departure: what lacks to the minimum and to the target.
    """

    layout: Layout
    flowing: Floats
    room: Floats
    lacks_minimum: Floats
    lacks_target: Floats

    @property
    def short(self) -> list[int]:
        """The stays that will lack something to their minimum: the highest class first, then whoever leaves first."""
        stays = self.layout.stays
        lacking = np.flatnonzero(self.lacks_minimum > _NOTHING_KWH).tolist()
        return sorted(lacking, key=lambda number: (-stays[number].priority, stays[number].departs_at, stays[number].id))

    def path_room(self, number: int) -> Floats:
        """Return what is left for a stay in each slot, past all nodes above it and their lines."""
        part = self.layout.parts[:, number]
        least: Floats = (self.room[part > 0] / part[part > 0, None]).min(axis=0)
        return np.maximum(least, 0.0)


def situation(layout: Layout, flowing: Floats, final_kwh: Floats) -> Situation:
    """Return a plan as arrays; what lacks is what is not in the batteries in the end as predicted, which knows of taper."""

    def lacking(wanted: list[float]) -> Floats:
        return np.where(layout.counts, np.maximum(np.array(wanted) - final_kwh, 0.0), 0.0)

    return Situation(
        layout,
        flowing,
        layout.limits - layout.parts @ flowing,
        lacking([stay.minimum_kwh for stay in layout.stays]),
        lacking([stay.target_kwh for stay in layout.stays]),
    )


def cause_of(plan: Situation, number: int) -> ShortfallCause:
    """Return why a stay is short: its battery is too small for it, or it would be short even if it were alone, or else a node binds."""
    stay = plan.layout.stays[number]
    if stay.minimum_kwh > stay.capacity_kwh + TOLERANCE:
        return ShortfallCause.CAPACITY
    alone = plan.layout.lacks_minimum_least[number] > TOLERANCE
    return ShortfallCause.POWER if alone or tightest(plan, number) is None else ShortfallCause.NODE


def tight_slots(plan: Situation, node: int, number: int) -> list[int]:
    """Return the slots of a stay in which nothing is left at a node, or on a line of it that the stay loads."""
    bounds = plan.layout.bounds_of[node]
    bounds = bounds[plan.layout.parts[bounds, number] > 0]
    tight = (plan.room[bounds] <= _NOTHING_KWH).any(axis=0) & (plan.layout.present[number] > 0)
    slots: list[int] = np.flatnonzero(tight).tolist()
    return slots


def tightest(plan: Situation, number: int) -> int | None:
    """Return the node above a stay that leaves nothing in most of its slots, the lowest of several; None where none ever does."""
    above = np.flatnonzero(plan.layout.below[:, number]).tolist()
    hours = {node: plan.layout.hours[tight_slots(plan, node, number)].sum() for node in above}
    found = max(above, key=lambda node: (round(hours[node], 6), plan.layout.depths[node]), default=None)
    return found if found is not None and hours[found] > 0 else None


def ready_at(plan: Situation, number: int) -> datetime | None:
    """Return when a stay would hold its minimum if it did not leave and all others were served as planned; None: not within the horizon.

    That is a bound on the safe side, as others might also be moved; only of taper nothing is reckoned with.
    """
    layout, stay = plan.layout, plan.layout.stays[number]
    if stay.departs_at is None or stay.minimum_kwh > stay.capacity_kwh + TOLERANCE:
        return None
    since = max(stay.departs_at, stay.arrives_at, layout.problem.now)
    hours = hours_within(since, layout.problem.slots[-1].ends_at, layout.problem)
    taken = np.minimum(hours * stay.max_kw, plan.path_room(number)) * stay.efficiency
    total = np.cumsum(taken)
    needed = plan.lacks_minimum[number]
    slot = int(np.searchsorted(total, needed))
    if slot == len(total):
        return None
    begin = max(since, layout.problem.slots[slot].begins_at)
    share = float(1.0 - (total[slot] - needed) / taken[slot])
    return begin + share * float(hours[slot]) * HOUR
