"""What the nodes of a tree have left for a few loads, as limits of sums of their powers."""

import uuid
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ampyard.domain.power.contenders import Floats
from ampyard.domain.power.lines import Lines
from ampyard.domain.power.loading import SIXTHS, Loading
from ampyard.domain.power.supply import Supply, Tree
from ampyard.domain.power.tree import Reserved
from ampyard.domain.power.units import MW_PER_KW, UNLIMITED_MW


def room_for_loads(
    tree: Tree, reserved: Iterable[Reserved], loads: Sequence[tuple[uuid.UUID, Lines]]
) -> tuple[NDArray[np.complex128], Floats]:
    """Return limits that loads (their node and wiring) keep together beside what is reserved: |parts @ kW| ≤ most, a row for each.

    A row is the power of a node, or a line of it as power between it and neutral, where loads between two lines are phasors (`Loading`).
    Angles that nobody knows count as in phase, which is what they are at least: these rows tell what is worth trying, and
    `share_power` what is allowed.

    Raises:
        ValueError: a load or a reservation is at an unknown node.
    """
    taken = list(reserved)
    wirings = np.array([int(lines) for _, lines in loads] + [int(it.lines) for it in taken], dtype=np.int64)
    loading = Loading.for_wirings(wirings, lines=tree.has_lines)
    supply = Supply(tree, loading, taken)
    left = (supply.limits - loading.measure(supply.taken)) / MW_PER_KW
    paths = tree.above[tree.numbers_of([node_id for node_id, _ in loads])]
    columns = loading.of[wirings[: len(loads)]]
    is_below = (paths[:, :, None] == np.arange(tree.nobody)).any(axis=1).T
    is_limited = np.column_stack([tree.limit_mw, tree.line_limit_mw])[: tree.nobody] < UNLIMITED_MW
    parts, most = [], []
    for dim in range(loading.dims):
        share = _share(columns[:, loading.columns_of(dim)], 1.0 if dim == 0 else SIXTHS)
        for node in np.flatnonzero(is_limited[:, dim] & is_below.any(axis=1)).tolist():
            parts.append(np.where(is_below[node], share, 0.0))
            most.append(max(0.0, float(left[node, dim])) / (1.0 if dim == 0 else SIXTHS))
    return np.array(parts, dtype=np.complex128).reshape(-1, len(loads)), np.array(most)


def line_phasors(lines: Sequence[Lines]) -> NDArray[np.complex128]:
    """Return what each kW of loads counts on L1, L2 and L3, as power between the line and neutral: a row for each load.

    What is on lines that nobody knows counts in phase on each, as in `room_for_loads`.
    """
    loading = Loading(lines=True, pairs=True)
    columns = loading.of[np.array(lines, dtype=np.int64)]
    return np.stack([_share(columns[:, loading.columns_of(dim)], SIXTHS) for dim in range(1, loading.dims)], axis=1)


def _share(columns: Floats, unit: float) -> NDArray[np.complex128]:
    """Return what a kW counts: its power, what is in phase, or that with what is across and unknown."""
    if columns.shape[1] == 1:
        return columns[:, 0].astype(np.complex128) / unit
    in_phase, across, unknown = columns.T
    return np.asarray(in_phase + unknown + 1j * 3**0.5 * across, dtype=np.complex128) / unit
