"""Who fits when loads are admitted one after the other, each whole or not at all."""

import numpy as np

from ampyard.domain.power.contenders import Bools, Floats, Ints
from ampyard.domain.power.loading import exceeds
from ampyard.domain.power.runs import by_number, runs
from ampyard.domain.power.supply import Supply


def first_fit(supply: Supply, paths: Ints, columns: Floats) -> Bools:
    """Return who is admitted of loads that come in this order: each that fits at every node above beside those admitted before.

    The same as asking one after the other, but in a few rounds over arrays. Who would fit even if all before it were admitted is
    admitted for certain; who does not fit beside those that were for certain is refused; the first of the others is always one of both.
    """
    admitted = np.ones(len(paths), dtype=np.bool_)
    tight = supply.over(supply.taken + supply.sums(paths, columns))
    open_ = np.flatnonzero(tight[paths].any(axis=1))
    levels = [level for level in range(paths.shape[1]) if tight[paths[open_, level]].any()]
    queues = [_Queue(supply, paths[open_, level], columns[open_]) for level in levels]
    while open_.size:
        admits = np.ones(open_.size, dtype=np.bool_)
        for queue in queues:
            admits &= queue.fits_behind_all()
        refuses = np.zeros(open_.size, dtype=np.bool_)
        for queue in queues:
            queue.admit(admits)
            refuses |= ~queue.fits()
        refuses &= ~admits
        admitted[open_[refuses]] = False
        left = ~(admits | refuses)
        open_ = open_[left]
        for queue in queues:
            queue.keep(left)
    return admitted


class _Queue:
    """Who waits for room at the nodes of one level, sorted by node and then in order of coming.

    `before` is what is taken at the node before each one's turn, as far as it is certain.
    """

    def __init__(self, supply: Supply, nodes: Ints, columns: Floats) -> None:
        self._supply = supply
        self._order = by_number(nodes)
        self._nodes, self._columns = nodes[self._order], columns[self._order]
        self._before = supply.taken[self._nodes]
        self._note_groups()

    def fits_behind_all(self) -> Bools:
        """Tell who fits even if all that came before are admitted."""
        return self._back(self._fit(self._before + self._columns_before(self._columns)))

    def admit(self, admits: Bools) -> None:
        """Let these in."""
        mine = admits[self._order]
        self._before = self._before + self._columns_before(np.where(mine[:, None], self._columns, 0.0))

    def fits(self) -> Bools:
        """Tell who fits beside those that were let in before it."""
        return self._back(self._fit(self._before))

    def keep(self, left: Bools) -> None:
        """Go on with those that are left."""
        mine = left[self._order]
        place = np.cumsum(left) - 1
        self._order = place[self._order[mine]]
        self._nodes, self._columns, self._before = self._nodes[mine], self._columns[mine], self._before[mine]
        self._note_groups()

    def _note_groups(self) -> None:
        self._first, self._lengths = runs(self._nodes)

    def _fit(self, before: Floats) -> Bools:
        return ~exceeds(self._supply.loading.measure(before + self._columns), self._supply.limits[self._nodes])

    def _columns_before(self, columns: Floats) -> Floats:
        """Return the sums of those before each at the same node."""
        before = np.cumsum(columns, axis=0) - columns
        return before - np.repeat(before[self._first], self._lengths, axis=0)

    def _back(self, sorted_: Bools) -> Bools:
        unsorted = np.empty_like(sorted_)
        unsorted[self._order] = sorted_
        return unsorted
