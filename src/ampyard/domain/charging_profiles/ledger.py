"""What has been promised to EVSEs for the hours ahead, and whether it fits: no lost link may overload a node, or a line of it."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ampyard.domain.charging_profiles.making import HORIZON
from ampyard.domain.limit_schedules import Schedule, Step, simplified
from ampyard.domain.power import Lines, Node, paths_to_root
from ampyard.domain.power.loading import SIXTHS, Loading
from ampyard.domain.power.units import MW_PER_KW, UNLIMITED_MW, milliwatts_down, milliwatts_up

_QUARTER = timedelta(minutes=15)
_MW_PER_WATT = 1e3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Supplied:
    """A node of the supply tree: what is left there for EVSEs over time; `None`: nothing limits it.

    `lines_left` is the same of L1, L2 and L3, each as power between it and neutral.
    """

    id: uuid.UUID
    parent_id: uuid.UUID | None
    left: Schedule | None
    lines_left: tuple[Schedule, Schedule, Schedule] | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """An EVSE at a node: the highest that may be in force there, and its fall-back. Without a transaction only the latter holds.

    `lines` says which lines these count on. Of what is in force no more than `most_kw` can flow. What is kept beside it, as the next
    vehicle may use other lines than this one, is `rest_kw`, and on each line `rest_line_kw`.
    """

    evse_id: uuid.UUID
    node_id: uuid.UUID
    fallback_kw: float
    in_force: Schedule | None
    lines: Lines = Lines.L1_L2_L3
    most_kw: float | None = None
    rest_kw: float = 0.0
    rest_line_kw: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Ledger:
    """The promises of a depot, over quarter-hours; powers in whole milliwatts.

    Each EVSE counts at the greater of what may be in force there and its fall-back: when a link is lost one or the other
    holds, and a transaction that ends without a link leaves the fall-back to the next. Fall-backs fit everywhere
    (`services.fallbacks`); whatever is promised beyond them is cut to what then fits (`fit`). So the sum of what EVSEs may draw by
    what they were told fits every node, and each of its lines, at every time ahead, whichever links are lost and whichever answers never
    come. The present is not the ledger's: what may be sent now is decided by `domain.power.stage`.

    Raises:
        ValueError: the nodes are no tree, or an EVSE hangs on none of them.
    """

    def __init__(self, nodes: Iterable[Supplied], promises: Iterable[Promise], *, now: datetime) -> None:
        nodes, promises = list(nodes), list(promises)
        self._bounds = _bounds(now)
        paths = paths_to_root(Node(node.id, node.parent_id, None) for node in nodes)
        rows = {node.id: n for n, node in enumerate(nodes)}
        self._paths = {node_id: np.array([rows[node.id] for node in path], dtype=np.intp) for node_id, path in paths.items()}
        wirings = np.array([int(promise.lines) for promise in promises], dtype=np.int64)
        self._loading = Loading.for_wirings(wirings, lines=any(node.lines_left is not None for node in nodes))
        self._units = np.array([1.0, SIXTHS, SIXTHS, SIXTHS])[: self._loading.dims]
        slots = len(self._bounds) - 1
        self._limits = np.array([self._limits_of(node) for node in nodes]).reshape(len(nodes), slots, self._loading.dims)
        self._sums = np.zeros((len(nodes), slots, self._loading.of.shape[1]))
        self._promises: dict[uuid.UUID, Promise] = {}
        self._counted: dict[uuid.UUID, Floats] = {}
        for promise in promises:
            if promise.node_id not in self._paths:
                raise ValueError(f"EVSE {promise.evse_id} hangs on {promise.node_id}, which is no node of the tree.")
            rest = milliwatts_up([promise.rest_kw, *promise.rest_line_kw])[: self._loading.dims]
            self._limits[self._paths[promise.node_id]] -= rest * self._units
            self._count(promise)

    def fit(self, evse_id: uuid.UUID, wanted: Schedule) -> Schedule:
        """Return a schedule cut to what fits: in each quarter-hour ahead the limit that was wanted, or what is left at every node above.

        Nothing is cut below the fall-back, which is promised to it in any case; nor is the present.
        """
        promise = self._promises[evse_id]
        spans = list(zip(self._bounds, self._bounds[1:], strict=False))
        highest = milliwatts_up([wanted.highest(since, until) for since, until in spans])
        left = self._left_for(promise, highest)
        steps = list(wanted.steps[:1])
        for n, (begins_at, ends_at) in enumerate(spans):
            within = [step for step in wanted.steps[n == 0 :] if begins_at < step.begins_at < ends_at]
            if n == 0:
                steps += within
            elif highest[n] <= max(left[n], milliwatts_up(promise.fallback_kw)):
                steps += [Step(begins_at, wanted.at(begins_at)), *within]
            else:
                cut_kw = float(np.floor(left[n] / _MW_PER_WATT) * _MW_PER_WATT / MW_PER_KW)
                steps.append(Step(begins_at, min(wanted.highest(begins_at, ends_at), max(cut_kw, promise.fallback_kw))))
        end = self._bounds[-1]
        steps += [Step(end, wanted.at(end)), *(step for step in wanted.steps if step.begins_at > end)]
        return simplified(steps)

    def promise(self, evse_id: uuid.UUID, in_force: Schedule) -> None:
        """Note what may be in force at an EVSE from now on."""
        self._count(replace(self._promises[evse_id], in_force=in_force))

    def overfull(self) -> frozenset[uuid.UUID]:
        """Return the EVSEs whose schedules have to be cut: they may draw more than their fall-back when a node ahead cannot bear it."""
        over = self._loading.measure(self._sums) > self._limits + _MW_PER_WATT * self._units
        over[:, 0] = False
        if not over.any():
            return frozenset()
        return frozenset(evse_id for evse_id in self._counted if self._is_over(self._promises[evse_id], over))

    def _is_over(self, promise: Promise, over: NDArray[np.bool_]) -> bool:
        here = (over[self._paths[promise.node_id]] & (self._loading.reach[promise.lines] > 0)).any(axis=(0, 2))
        beyond = self._counted[promise.evse_id] > milliwatts_up(promise.fallback_kw) + _MW_PER_WATT
        return bool((here & beyond).any())

    def _left_for(self, promise: Promise, most: Floats) -> Floats:
        """Return how much an EVSE may have in each quarter-hour beside all others, up to some power."""
        path, parts = self._paths[promise.node_id], self._loading.of[promise.lines]
        others = self._sums[path] - self._columns(promise)
        if not self._loading.pairs:
            rooms = (self._limits[path] - others)[..., parts > 0] / parts[parts > 0]
            room: Floats = np.clip(np.floor(rooms.min(axis=(0, 2))), 0.0, most)
            return room
        fits, beyond = np.zeros_like(most), most + 1
        while (beyond - fits > 1).any():
            middle = np.floor((fits + beyond) / 2)
            is_over = (self._loading.measure(others + middle[:, None] * parts) > self._limits[path]).any(axis=(0, 2))
            fits, beyond = np.where(is_over, fits, middle), np.where(is_over, middle, beyond)
        return fits

    def _count(self, promise: Promise) -> None:
        path = self._paths[promise.node_id]
        if promise.evse_id in self._counted:
            self._sums[path] -= self._columns(self._promises[promise.evse_id])
        self._promises[promise.evse_id] = promise
        self._counted[promise.evse_id] = self._highest(promise)
        self._sums[path] += self._columns(promise)

    def _columns(self, promise: Promise) -> Floats:
        columns: Floats = self._counted[promise.evse_id][:, None] * self._loading.of[promise.lines]
        return columns

    def _highest(self, promise: Promise) -> Floats:
        if promise.in_force is None:
            return np.full(len(self._bounds) - 1, milliwatts_up(promise.fallback_kw))
        spans = zip(self._bounds, self._bounds[1:], strict=False)
        highest = np.array([promise.in_force.highest(since, until) for since, until in spans])
        if promise.most_kw is not None:
            highest = np.minimum(highest, promise.most_kw)
        return milliwatts_up(np.maximum(highest, promise.fallback_kw))

    def _limits_of(self, node: Supplied) -> Floats:
        """Return the lowest limit in each quarter-hour, of power and of each line."""
        schedules = [node.left, *(node.lines_left or (None,) * 3)][: self._loading.dims]
        limits: Floats = np.array([self._lowest(left) for left in schedules]).T * self._units
        return limits

    def _lowest(self, left: Schedule | None) -> Floats:
        if left is None:
            return np.full(len(self._bounds) - 1, UNLIMITED_MW)
        spans = zip(self._bounds, self._bounds[1:], strict=False)
        return milliwatts_down(
            [min(left.at(since), *(step.kw for step in left.steps if since < step.begins_at < until), np.inf) for since, until in spans]
        )


def _bounds(now: datetime) -> list[datetime]:
    """Return now and the quarter-hours after it, up to the first that no schedule of ours reaches."""
    first = now - timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)
    return [now, *(first + _QUARTER * n for n in range(1, HORIZON // _QUARTER + 2))]


def left_for_evses(limits: Mapping[datetime, float], taken_kw: float) -> Schedule:
    """Return what limits over time (kW from each moment on) leave, of a node or a line, when so much is taken there by others."""
    return simplified(Step(moment, max(0.0, kw - taken_kw)) for moment, kw in sorted(limits.items()))
