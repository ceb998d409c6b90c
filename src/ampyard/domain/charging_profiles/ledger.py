"""What has been promised to EVSEs for the hours ahead, and whether it fits: no lost link may overload a node."""

import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ampyard.domain.charging_profiles.making import HORIZON
from ampyard.domain.limit_schedules import Schedule, Step, simplified
from ampyard.domain.power import Node, paths_to_root

_QUARTER = timedelta(minutes=15)
_WATT = 1e-3
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Supplied:
    """A node of the supply tree: what is left there for EVSEs over time; `None`: nothing limits it."""

    id: uuid.UUID
    parent_id: uuid.UUID | None
    left: Schedule | None


@dataclass(frozen=True, slots=True)
class Promise:
    """An EVSE at a node: the highest that may be in force there, and its fall-back. Without a transaction only the latter holds."""

    evse_id: uuid.UUID
    node_id: uuid.UUID
    fallback_kw: float
    in_force: Schedule | None


class Ledger:
    """The promises of a depot, over quarter-hours.

    Each EVSE counts at the greater of what may be in force there and its fall-back: when a link is lost one or the other
    holds, and a transaction that ends without a link leaves the fall-back to the next. Fall-backs fit everywhere
    (`services.fallbacks`); whatever is promised beyond them is cut to what then fits (`fit`). So the sum of what EVSEs may draw by
    what they were told fits every node at every time ahead, whichever links are lost and whichever answers never come. The
    present is not the ledger's: what may be sent now is decided by `domain.power.stage`.

    Raises:
        ValueError: the nodes are no tree, or an EVSE hangs on none of them.
    """

    def __init__(self, nodes: Iterable[Supplied], promises: Iterable[Promise], *, now: datetime) -> None:
        nodes = list(nodes)
        self._bounds = _bounds(now)
        paths = paths_to_root(Node(node.id, node.parent_id, None) for node in nodes)
        rows = {node.id: n for n, node in enumerate(nodes)}
        self._paths = {node_id: np.array([rows[node.id] for node in path], dtype=np.intp) for node_id, path in paths.items()}
        self._room = np.array([self._lowest(node.left) for node in nodes]).reshape(len(nodes), len(self._bounds) - 1)
        self._promises: dict[uuid.UUID, Promise] = {}
        self._counted: dict[uuid.UUID, NDArray[np.float64]] = {}
        for promise in promises:
            if promise.node_id not in self._paths:
                raise ValueError(f"EVSE {promise.evse_id} hangs on {promise.node_id}, which is no node of the tree.")
            self._promises[promise.evse_id] = promise
            self._count(promise, self._highest(promise))

    def fit(self, evse_id: uuid.UUID, wanted: Schedule) -> Schedule:
        """Return a schedule cut to what fits: in each quarter-hour ahead the limit that was wanted, or what is left at every node above.

        Nothing is cut below the fall-back, which is promised to it in any case; nor is the present.
        """
        promise = self._promises[evse_id]
        counted = self._counted[evse_id]
        left = counted + self._room[self._paths[promise.node_id]].min(axis=0)
        steps = list(wanted.steps[:1])
        for n, (begins_at, ends_at) in enumerate(zip(self._bounds, self._bounds[1:], strict=False)):
            if n == 0:
                steps += [step for step in wanted.steps[1:] if step.begins_at < ends_at]
            elif (highest := wanted.highest(begins_at, ends_at)) <= max(left[n] + _SLACK, promise.fallback_kw):
                steps.append(Step(begins_at, wanted.at(begins_at)))
                steps += [step for step in wanted.steps if begins_at < step.begins_at < ends_at]
            else:
                cut = math.floor(max(float(left[n]), 0.0) / _WATT + _SLACK) * _WATT
                steps.append(Step(begins_at, min(highest, max(cut, promise.fallback_kw))))
        end = self._bounds[-1]
        steps += [Step(end, wanted.at(end)), *(step for step in wanted.steps if step.begins_at > end)]
        return simplified(steps)

    def promise(self, evse_id: uuid.UUID, in_force: Schedule) -> None:
        """Note what may be in force at an EVSE from now on."""
        before = self._promises[evse_id]
        promise = Promise(evse_id, before.node_id, before.fallback_kw, in_force)
        self._promises[evse_id] = promise
        self._count(promise, self._highest(promise))

    def overfull(self) -> frozenset[uuid.UUID]:
        """Return the EVSEs whose schedules have to be cut: they may draw more than their fall-back when a node ahead cannot bear it."""
        over = self._room < -_WATT
        over[:, 0] = False
        if not over.any():
            return frozenset()
        return frozenset(
            evse_id
            for evse_id, counted in self._counted.items()
            if (
                over[self._paths[self._promises[evse_id].node_id]].any(axis=0) & (counted > self._promises[evse_id].fallback_kw + _WATT)
            ).any()
        )

    def excess_kw(self) -> float:
        """Return by how much the fullest node is over in the quarter-hours ahead, in kW; 0 where everything fits."""
        return max(0.0, float(-self._room[:, 1:].min(initial=0.0)))

    def _highest(self, promise: Promise) -> NDArray[np.float64]:
        if promise.in_force is None:
            return np.full(len(self._bounds) - 1, promise.fallback_kw)
        spans = zip(self._bounds, self._bounds[1:], strict=False)
        return np.array([max(promise.fallback_kw, promise.in_force.highest(since, until)) for since, until in spans])

    def _count(self, promise: Promise, counted: NDArray[np.float64]) -> None:
        path = self._paths[promise.node_id]
        self._room[path] -= counted - self._counted.get(promise.evse_id, 0.0)
        self._counted[promise.evse_id] = counted

    def _lowest(self, left: Schedule | None) -> list[float]:
        if left is None:
            return [math.inf] * (len(self._bounds) - 1)
        spans = zip(self._bounds, self._bounds[1:], strict=False)
        return [
            min(left.at(since), *(step.kw for step in left.steps if since < step.begins_at < until), math.inf) for since, until in spans
        ]


def _bounds(now: datetime) -> list[datetime]:
    """Return now and the quarter-hours after it, up to the first that no schedule of ours reaches."""
    first = now - timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)
    return [now, *(first + _QUARTER * n for n in range(1, HORIZON // _QUARTER + 2))]


def left_for_evses(limits: Mapping[datetime, float], taken_kw: float) -> Schedule:
    """Return what a node's limits over time (kW from each moment on) leave, when so much is taken there by others."""
    return simplified(Step(moment, max(0.0, kw - taken_kw)) for moment, kw in sorted(limits.items()))
