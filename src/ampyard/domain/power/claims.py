"""Demands as arrays, in the one order in which they are looked at, whatever order they came in."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import numpy as np

from ampyard.domain.power.contenders import Bools, Floats, Ints
from ampyard.domain.power.demands import Demand, Reason
from ampyard.domain.power.set_points import SetPoints
from ampyard.domain.power.supply import Tree
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
        # Read as they came, one after the other in memory, and put in order afterwards: the other way round takes a third longer.
        given = list(demands)
        count = len(given)

        def read(name: str) -> Iterator[Any]:
            return map(attrgetter(name), given)

        since_s = _seconds(read("since"), count)
        priority = np.fromiter(read("priority"), np.int64, count)
        order = _order(list(read("evse_id")), priority, since_s)
        places: list[int] = order.tolist()

        def objects(name: str) -> list[Any]:
            values = list(read(name))
            return [values[place] for place in places]

        def floats(name: str) -> Floats:
            return np.fromiter(read(name), np.float64, count)[order]

        def bools(name: str) -> Bools:
            return np.fromiter(read(name), np.bool_, count)[order]

        def optional(name: str) -> Floats:
            """Return powers in mW, rounded down, and infinite ones where there is none."""
            values = list(read(name))
            if values.count(None) == count:
                return np.full(count, np.inf)
            kw = np.array(values, dtype=np.float64)[order]
            return np.where(np.isnan(kw), np.inf, milliwatts_down(np.nan_to_num(kw)))

        self._given, self._order, self._places = given, order, places
        self.evse_ids: list[uuid.UUID] = objects("evse_id")
        self.since_s = since_s[order]
        self.waiting_s = self.since_s.copy()
        if any(read("waiting_since")):
            waiting = {place: moment for place, moment in enumerate(objects("waiting_since")) if moment is not None}
            self.waiting_s[list(waiting)] = _seconds(waiting.values(), len(waiting))
        self.priority = priority[order]
        self.wiring = np.fromiter(read("lines"), np.int64, count)[order]
        self.is_online = bools("online")
        self.charging = bools("charging")
        self.current = milliwatts_up(floats("current_kw"))
        self.fallback = milliwatts_up(floats("fallback_kw"))
        self.wanted = milliwatts_down(floats("wanted_kw"))
        self.planned = optional("planned_kw")
        self.ramp = optional("ramp_kw")
        self.urgency = floats("urgency")
        self.weight = floats("weight")
        for place in np.flatnonzero(~(self.weight > 0) | ~(self.urgency >= 0))[:1]:
            demand = self.demand(place)
            raise ValueError(
                f"EVSE {demand.evse_id} has the weight {demand.weight:g} and the urgency {demand.urgency:g}; "
                "a weight must be more than 0, an urgency a number from 0 up."
            )
        self.set_points = SetPoints(list(read("steps")), step_kw, order)
        self.all = np.arange(count)
        # The lowest set-points they can charge with; infinite where a charger has none.
        self.minimum = self.set_points.up(self.all, milliwatts_up(floats("minimum_kw")))

    def demand(self, place: int) -> Demand:
        """Return the demand of a number."""
        return self._given[self._places[place]]

    def nodes_in(self, tree: Tree) -> Ints:
        """Return the number of the node in a tree on which each hangs.

        Raises:
            ValueError: the tree has no such node.
        """
        return tree.numbers_of([demand.node_id for demand in self._given])[self._order]

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


def _order(evse_ids: Sequence[uuid.UUID], priority: Ints, since_s: Floats) -> Ints:
    ids = [evse_id.int for evse_id in evse_ids]
    if len(set(ids)) < len(ids):
        twice = uuid.UUID(int=next(evse_id for place, evse_id in enumerate(ids) if evse_id in ids[:place]))
        raise ValueError(f"EVSE {twice} has two demands; give one.")
    order = np.lexsort((since_s, -priority))
    if not ((np.diff(priority[order]) == 0) & (np.diff(since_s[order]) == 0)).any():
        return order.astype(np.int64)
    high = np.array([evse_id >> 64 for evse_id in ids], dtype=np.uint64)
    low = np.array([evse_id & _LOW_HALF for evse_id in ids], dtype=np.uint64)
    return np.lexsort((low, high, since_s, -priority)).astype(np.int64)


def _seconds(moments: Iterable[datetime], count: int) -> Floats:
    return np.fromiter(map(datetime.timestamp, moments), np.float64, count)
