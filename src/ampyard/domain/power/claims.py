"""Demands as arrays, in the one order in which they are looked at, whatever order they came in."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter

import numpy as np

from ampyard.domain.power.contenders import Bools, Floats, Ints
from ampyard.domain.power.demands import Demand, Reason
from ampyard.domain.power.set_points import SetPoints
from ampyard.domain.power.units import milliwatts_down, milliwatts_up

_LOW_HALF = 2**64 - 1
REASONS = tuple(Reason)
_NUMBER = {reason: number for number, reason in enumerate(REASONS)}


class Claims:
    """Demands by number, in order of priority, then of `since`, then of id; powers in whole mW.

    Raises:
        ValueError: an EVSE is given twice, or as `SetPoints`.
    """

    def __init__(self, demands: Iterable[Demand], step_kw: float) -> None:
        given = list(demands)
        since_s = _seconds([demand.since for demand in given])
        order = _order(given, since_s)
        self.demands: Sequence[Demand] = [given[place] for place in order.tolist()]
        self.evse_ids = [demand.evse_id for demand in self.demands]
        self.node_ids = [demand.node_id for demand in self.demands]
        self.since_s = since_s[order]
        self.waiting_s = self.since_s.copy()
        waiting = {place: moment for place, demand in enumerate(self.demands) if (moment := demand.waiting_since) is not None}
        self.waiting_s[list(waiting)] = _seconds(list(waiting.values()))

        def floats(name: str) -> Floats:
            return np.array(list(map(attrgetter(name), given)), dtype=np.float64)[order]

        def bools(name: str) -> Bools:
            return np.array(list(map(attrgetter(name), given)), dtype=np.bool_)[order]

        def ints(name: str) -> Ints:
            return np.fromiter(map(attrgetter(name), given), np.int64, len(given))[order]

        self.priority = ints("priority")
        self.wiring = ints("lines")
        self.is_online = bools("online")
        self.charging = bools("charging")
        self.current = milliwatts_up(floats("current_kw"))
        self.fallback = milliwatts_up(floats("fallback_kw"))
        self.wanted = milliwatts_down(floats("wanted_kw"))
        self.planned = _or_none(milliwatts_down, floats("planned_kw"))
        self.ramp = _or_none(milliwatts_down, floats("ramp_kw"))
        self.urgency = floats("urgency")
        self.weight = floats("weight")
        for place in np.flatnonzero(~(self.weight > 0) | ~(self.urgency >= 0))[:1]:
            demand = self.demands[place]
            raise ValueError(
                f"EVSE {demand.evse_id} has the weight {demand.weight:g} and the urgency {demand.urgency:g}; "
                "a weight must be more than 0, an urgency a number from 0 up."
            )
        self.set_points = SetPoints([demand.steps for demand in self.demands], step_kw)
        self.all = np.arange(len(self.demands))
        # The lowest set-points they can charge with; infinite where a charger has none.
        self.minimum = self.set_points.up(self.all, milliwatts_up(floats("minimum_kw")))

    def ceilings(self) -> tuple[Floats, Ints]:
        """Return the highest set-points they could get, and which of `REASONS` keeps them from more.

        Who wants anything could get its minimum, whatever its plan, its ramp and what it takes: below it, it would stop. A plan of
        nothing keeps it off. No plan keeps off power who must charge with all it can from now on.
        """
        planned = np.where(self.urgency >= 1, np.inf, self.planned)
        ramped = self.current + self.ramp
        most = np.minimum(np.minimum(self.wanted, planned), ramped)
        point = self.set_points.down(self.all, most)
        reason = np.full(len(most), _NUMBER[Reason.WANTED])
        reason[self.set_points.are_own & (point < most)] = _NUMBER[Reason.STEP]
        reason[planned < self.wanted] = _NUMBER[Reason.PLANNED]
        reason[ramped < np.minimum(self.wanted, planned)] = _NUMBER[Reason.RAMPING]
        reason[self.wanted < self.minimum] = _NUMBER[Reason.MINIMUM]
        can_charge = (self.wanted > 0) & (planned > 0) & np.isfinite(self.minimum)
        reason[~can_charge & (planned > 0)] = _NUMBER[Reason.WANTED]
        return np.where(can_charge, np.maximum(point, self.minimum), 0.0), reason


def _order(demands: Sequence[Demand], since_s: Floats) -> Ints:
    ids = [demand.evse_id.int for demand in demands]
    if len(set(ids)) < len(ids):
        twice = uuid.UUID(int=next(evse_id for place, evse_id in enumerate(ids) if evse_id in ids[:place]))
        raise ValueError(f"EVSE {twice} has two demands; give one.")
    priority = np.array([demand.priority for demand in demands], dtype=np.int64)
    order = np.lexsort((since_s, -priority))
    if not ((np.diff(priority[order]) == 0) & (np.diff(since_s[order]) == 0)).any():
        return order.astype(np.int64)
    high = np.array([evse_id >> 64 for evse_id in ids], dtype=np.uint64)
    low = np.array([evse_id & _LOW_HALF for evse_id in ids], dtype=np.uint64)
    return np.lexsort((low, high, since_s, -priority)).astype(np.int64)


def _or_none(read: Callable[[Floats], Floats], kw: Floats) -> Floats:
    """Return powers as `read` does, and infinite ones where there is none."""
    return np.where(np.isnan(kw), np.inf, read(np.nan_to_num(kw)))


def _seconds(moments: Sequence[datetime]) -> Floats:
    return np.array([moment.timestamp() for moment in moments], dtype=np.float64)
