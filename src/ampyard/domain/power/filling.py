"""Progressive filling: all rise at the pace of their weights until a node or line above them is full (max-min fairness).

Bertsekas and Gallager, Data Networks, 6.5.2; weighted, with a least and a highest power for each. Where only powers of nodes limit,
cutting from the leaves up does it in one pass, because of what a node refuses no ancestor gives anything back. The lines of
a node are not nested in each other, so there bottlenecks are found and settled in rounds, many of them in each.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from ampyard.domain.power.contenders import Bools, Floats, Ints
from ampyard.domain.power.loading import exceeds
from ampyard.domain.power.supply import Supply

# The pace is counted in 64ths, so that a level times a pace is a whole number that floats hold exactly.
WEIGHT_PARTS = 64.0
HEAVIEST = 64.0


@dataclass(frozen=True, slots=True)
class Rising:
    """Who rises together, a row each. Powers in whole mW.

    `weights` are whole, in 64ths. At a level, each has weight x level / 64 less what is `free` (counted for it already), but from
    `lower` to `upper`; what `lower` adds is not among what is taken from the supply.
    """

    paths: Ints
    wirings: Ints
    weights: Floats
    free: Floats
    lower: Floats
    upper: Floats

    def at(self, levels: Floats) -> Floats:
        """Return the power of each at a level of its own."""
        risen = np.floor(self.weights * levels / WEIGHT_PARTS) - self.free
        return np.minimum(np.maximum(risen, self.lower), self.upper)

    def top(self) -> Floats:
        """Return the level at which each is at its upper end."""
        return np.ceil((self.upper + self.free) * WEIGHT_PARTS / self.weights)

    def bottom(self) -> Floats:
        """Return the level up to which each stays at its lower end."""
        return np.floor((self.lower + self.free) * WEIGHT_PARTS / self.weights)

    def only(self, chosen: Bools | Ints) -> Self:
        """Return some of them."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))


def fill(supply: Supply, rising: Rising) -> Floats:
    """Return the power of each, in whole mW. At their lower ends, all fit into what the supply has left."""
    powers = rising.upper.copy()
    sums = supply.taken + supply.sums(rising.paths, supply.columns(rising.wirings, rising.upper))
    sums_measured = supply.loading.measure(sums)
    full = sums_measured > supply.limits
    limited = np.flatnonzero(exceeds(sums_measured, supply.limits)[rising.paths].any(axis=1))
    if limited.size:
        # All others are below nodes alone that can supply everybody's upper end.
        scarcity = _Scarcity(supply, rising.only(limited), full)
        powers[limited] = scarcity.in_rounds() if scarcity.full[:, 1:].any() else scarcity.from_the_leaves()
    return powers


class _Scarcity:
    """The nodes and lines that cannot supply all at their upper ends (`full`), and who is below them.

    Where all below a node are wired alike, what limits a line limits their power.
    """

    def __init__(self, supply: Supply, rising: Rising, full: Bools) -> None:
        self._loading = supply.loading
        self._rising = rising
        self._taken = supply.taken
        self._limits = supply.limits.copy()
        self.full = full.copy()
        if full[:, 1:].any() and not self._loading.pairs:
            self._limit_power_where_all_are_wired_alike()

    def from_the_leaves(self) -> Floats:
        """Return the powers, cut from level to level upwards. Lines must not limit."""
        rising = self._rising
        for nodes in rising.paths.T[::-1]:
            below = np.flatnonzero(self.full[nodes, 0])
            if below.size:
                some = rising.only(below)
                levels = self._highest_levels(some, nodes[below], 0)
                rising.upper[below] = some.at(levels[nodes[below]])
        return rising.upper

    def in_rounds(self) -> Floats:
        """Return the powers, settled in rounds.

        A bottleneck is a node, or a line of it, all of whose risers reach no other limit before. They stay at its level. Then
        others have what these leave.
        """
        powers = self._rising.lower.copy()
        left = np.arange(len(powers))
        self._taken = self._taken.copy()
        while left.size:
            rising = self._rising.only(left)
            limits = [limit for limit in self._limits_of(rising) if limit[0].size]
            levels = np.full(left.size, np.inf)
            reached = [self._highest_levels(rising.only(below), nodes, dim)[nodes] for below, nodes, dim in limits]
            for (below, _, _), level in zip(limits, reached, strict=True):
                levels[below] = np.minimum(levels[below], level)
            risen = rising.at(levels)
            settled = risen >= rising.upper
            for (below, nodes, _), level in zip(limits, reached, strict=True):
                stopped_before = risen[below] < rising.only(below).at(level)
                disturbed = np.bincount(nodes, stopped_before, minlength=len(self.full)) > 0
                settled[below[~disturbed[nodes] & np.isfinite(level)]] = True
            powers[left[settled]] = risen[settled]
            columns = self._loading.of[rising.wirings[settled]] * risen[settled][:, None]
            for nodes in rising.paths[settled].T:
                for column in range(columns.shape[1]):
                    self._taken[:, column] += np.bincount(nodes, columns[:, column], minlength=len(self._taken))
            left = left[~settled]
        return powers

    def _limits_of(self, rising: Rising) -> list[tuple[Ints, Ints, int]]:
        """Return, for each level of the tree and each dimension, who is limited there (their places) and by which node."""
        limits = []
        for nodes in rising.paths.T[::-1]:
            for dim in range(self._loading.dims):
                below = np.flatnonzero(self.full[nodes, dim] & (self._loading.reach[rising.wirings, dim] > 0))
                limits.append((below, nodes[below], dim))
        return limits

    def _highest_levels(self, rising: Rising, nodes: Ints, dim: int) -> Floats:
        """Return for each node the highest whole level of those below it that fits in one dimension; infinite where all fit at their tops.

        What is drawn grows with the level, in pieces of straight lines: Newton's steps from below, and halving where one went too far.
        """
        count, limit = len(self.full), self._limits[:, dim]
        columns = self._loading.columns_of(dim)
        taken = [self._taken[:, column] for column in columns]
        parts = [self._loading.of[rising.wirings, column] for column in columns]
        pace = rising.weights / WEIGHT_PARTS * self._loading.reach[rising.wirings, dim]

        def drawn(levels: Floats) -> tuple[Floats, Floats]:
            """Return what is drawn at each node, and by how much more for each further level."""
            at = levels[nodes]
            powers = rising.at(at)
            is_moving = (powers < rising.upper) & (rising.weights * at >= (rising.lower + rising.free) * WEIGHT_PARTS)
            sums = [base + np.bincount(nodes, powers * part, minlength=count) for base, part in zip(taken, parts, strict=True)]
            return self._loading.measure_dim(sums), np.asarray(np.bincount(nodes, pace * is_moving, minlength=count), dtype=np.float64)

        low, high = np.full(count, rising.bottom().min()), np.full(count, rising.top().max())
        is_full = drawn(high)[0] > limit
        value, slope = drawn(low)
        is_open = is_full & (high - low > 1)
        while is_open.any():
            with np.errstate(divide="ignore", invalid="ignore"):
                step = np.floor((limit - value) / slope)
            further = low + np.maximum(step, 1.0)
            further = np.where(is_open, np.where(further < high, further, np.floor((low + high) / 2)), low)
            value_there, slope_there = drawn(further)
            fits = value_there <= limit
            low, value, slope = np.where(fits, further, low), np.where(fits, value_there, value), np.where(fits, slope_there, slope)
            high = np.where(is_open & ~fits, further, high)
            is_open &= high - low > 1
        return np.where(is_full, low, np.inf)

    def _limit_power_where_all_are_wired_alike(self) -> None:
        wirings = self._rising.wirings
        least, most = np.full(len(self.full), len(self._loading.of)), np.full(len(self.full), -1)
        for nodes in self._rising.paths.T:
            np.minimum.at(least, nodes, wirings)
            np.maximum.at(most, nodes, wirings)
        alike = np.flatnonzero(self.full[:, 1:].any(axis=1) & (least == most))
        for line in range(1, self._loading.dims):
            part = self._loading.of[least[alike], line]
            nodes, part = alike[part > 0], part[part > 0]
            room = np.floor((self._limits[nodes, line] - self._taken[nodes, line]) / part)
            self._limits[nodes, 0] = np.minimum(self._limits[nodes, 0], self._taken[nodes, 0] + room)
        self.full[alike, 0] = True
        self.full[alike, 1:] = False
