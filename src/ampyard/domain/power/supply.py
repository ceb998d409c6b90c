"""A supply tree as arrays, with what its nodes may supply and what of it is taken."""

import math
import uuid
from collections.abc import Iterable, Sequence

import numpy as np

from ampyard.domain.power.contenders import Bools, Floats, Ints
from ampyard.domain.power.loading import SIXTHS, Loading, exceeds
from ampyard.domain.power.tree import Node, Reserved, line_limits_a, paths_to_root
from ampyard.domain.power.units import milliwatts_down, milliwatts_up


class Tree:
    """The nodes of a supply tree by number, in any order; made once, it can be used as long as the nodes are the same.

    `above` has, for each node, the nodes from the root (first column) down to itself, filled up with `nobody`, one more node
    that nothing limits.

    Raises:
        ValueError: as `paths_to_root`.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        paths = paths_to_root(nodes)
        self.ids: list[uuid.UUID] = list(paths)
        # By the whole number that an id is: its hash is found much faster than the id's own.
        self._number = {node_id.int: number for number, node_id in enumerate(self.ids)}
        self.nobody = len(self.ids)
        self.depth = max(map(len, paths.values()), default=0)
        self.above: Ints = np.full((self.nobody + 1, self.depth), self.nobody)
        for row, path in enumerate(paths.values()):
            self.above[row, : len(path)] = [self._number[node.id.int] for node in reversed(path)]
        own = [path[0] for path in paths.values()]
        self.limit_mw: Floats = milliwatts_down([*(math.inf if node.limit_kw is None else node.limit_kw for node in own), math.inf])
        self.voltage_v: Floats = np.array([*(node.voltage_v for node in own), 1.0])
        amperes = np.array([*map(line_limits_a, own), (math.inf,) * 3])
        self.line_limit_mw: Floats = milliwatts_down(amperes * self.voltage_v[:, None] / 1000)
        self.has_lines = any(node.limit_a is not None for node in own)

    def numbers_of(self, node_ids: Sequence[uuid.UUID]) -> Ints:
        """Return the numbers of nodes.

        Raises:
            ValueError: the tree has no such node.
        """
        try:
            return np.array([self._number[node_id.int] for node_id in node_ids], dtype=np.int64)
        except KeyError as error:
            raise ValueError(f"Power node {uuid.UUID(int=error.args[0])} is not in the supply tree; name one of its nodes.") from None


class Supply:
    """What the nodes of a tree may supply (`limits`, a row for each, `nobody` last), and the sums of what is taken there (`taken`).

    What is reserved beyond a limit leaves nothing there, but takes nothing that others have: the limit is what is reserved.
    `reserved_entirely` tells of each node and dimension whether reservations leave nothing.
    """

    def __init__(self, tree: Tree, loading: Loading, reserved: Iterable[Reserved]) -> None:
        self.tree, self.loading = tree, loading
        rows = len(tree.ids) + 1
        self.limits: Floats = np.empty((rows, loading.dims))
        self.limits[:, 0] = tree.limit_mw
        self.taken: Floats = np.zeros((rows, loading.of.shape[1]))
        loads = list(reserved)
        if loading.dims > 1:
            self.limits[:, 1:] = tree.line_limit_mw * SIXTHS
        unreserved = self.limits.copy()
        if loading.dims > 1:
            self._limit_lines_by_measured([load for load in loads if load.line_a is not None])
        self._reserve(loads)
        measured = loading.measure(self.taken)
        has_lost = (measured > 0) | (self.limits < unreserved)
        self.reserved_entirely: Bools = (measured >= self.limits) & has_lost
        self.limits = np.maximum(self.limits, measured)

    def paths(self, nodes: Ints) -> Ints:
        """Return the nodes above each of `nodes`, itself included: a column for each level, the root first."""
        return self.tree.above[nodes]

    def sums(self, paths: Ints, columns: Floats) -> Floats:
        """Return, for each node, the sums of the columns (a row for each path) of all below it."""
        sums = np.zeros_like(self.taken)
        for level in paths.T:
            for column in range(columns.shape[1]):
                sums[:, column] += np.bincount(level, columns[:, column], minlength=len(sums))
        return sums

    def columns(self, wirings: Ints, milliwatts: Floats) -> Floats:
        """Return what loads add to the columns of the nodes above them."""
        columns: Floats = self.loading.of[wirings] * milliwatts[:, None]
        return columns

    def take(self, paths: Ints, columns: Floats) -> None:
        """Take it from all nodes above."""
        self.taken += self.sums(paths, columns)

    def reserve(self, paths: Ints, columns: Floats) -> None:
        """Take it whether there is room or not."""
        self.take(paths, columns)
        self.limits = np.maximum(self.limits, self.loading.measure(self.taken))

    def over(self, sums: Floats) -> Bools:
        """Tell of each node whether such sums pass its limits."""
        return exceeds(self.loading.measure(sums), self.limits)

    def first_short_of(self, paths: Ints, columns: Floats) -> tuple[Ints, Ints]:
        """Return, for each path, the lowest node without room for its columns, and in which dimension; `nobody` where all have it."""
        nodes, dims = np.full(len(paths), self.tree.nobody), np.zeros(len(paths), dtype=np.int64)
        for level in paths.T:
            measured, limits = self.loading.measure(self.taken[level] + columns), self.limits[level]
            short = np.flatnonzero(exceeds(measured, limits))
            nodes[short] = level[short]
            dims[short] = (measured[short] > limits[short]).argmax(axis=1)
        return nodes, dims

    def room_for(self, path: Ints, wiring: int, most: float) -> float:
        """Return how many whole milliwatts more one load may have, up to `most`, below the nodes of a path."""
        if not self.loading.pairs:
            parts = self.loading.of[wiring]
            rooms = (self.limits[path] - self.taken[path])[:, parts > 0] / parts[parts > 0]
            return float(min(most, max(0.0, np.floor(rooms.min(initial=most)))))
        fits, beyond = 0.0, most + 1
        while beyond - fits > 1:
            middle = (fits + beyond) // 2
            if exceeds(self.loading.measure(self.taken[path] + self.loading.of[wiring] * middle), self.limits[path]).any():
                beyond = middle
            else:
                fits = middle
        return fits

    def _limit_lines_by_measured(self, loads: Sequence[Reserved]) -> None:
        """Lower the limits of lines by measured currents: their angles are not known, so their magnitudes count."""
        for load, row in zip(loads, self.tree.numbers_of([load.node_id for load in loads]), strict=True):
            assert load.line_a is not None
            milliwatts = milliwatts_up(np.array(load.line_a) * self.tree.voltage_v[row] / 1000)
            path = self.tree.above[row]
            self.limits[path, 1:] -= milliwatts * SIXTHS

    def _reserve(self, loads: Sequence[Reserved]) -> None:
        if not loads:
            return
        paths = self.paths(self.tree.numbers_of([load.node_id for load in loads]))
        columns = self.columns(np.array([load.lines for load in loads]), milliwatts_up([load.kw for load in loads]))
        columns[[load.line_a is not None for load in loads], 1:] = 0
        self.take(paths, columns)
