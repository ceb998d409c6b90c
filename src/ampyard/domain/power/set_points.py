"""Which powers a charger can be told: multiples of a step, or those of a list."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ampyard.domain.power.contenders import Bools, Floats, Ints
from ampyard.domain.power.units import milliwatts_up


class SetPoints:
    """The set-points of EVSEs, by their number, in mW.

    `steps` has, for each EVSE, the size of a step or a list, in kW, or `None` for multiples of `step_kw`. They are numbered in `order`,
    which has their places in `steps`.

    Raises:
        ValueError: a step is not above 0, or a list is empty, out of order, or not above 0.
    """

    def __init__(self, steps: Sequence[float | tuple[float, ...] | None], step_kw: float, order: Ints) -> None:
        kinds = list(set(steps))  # a few, however many EVSEs there are
        lists = [kind for kind in kinds if isinstance(kind, tuple)]
        for points in lists:
            if not points or points[0] <= 0 or any(low >= high for low, high in pairwise(points)):
                raise ValueError(f"The set-points {points} are no list; give powers above 0 kW, each higher than the one before.")
        sizes = [step_kw if kind is None or isinstance(kind, tuple) else kind for kind in kinds]
        for size in (step_kw, *sizes):
            if not size > 0:
                raise ValueError(f"The step is {size} kW; it must be more than 0.")
        number = {kind: place for place, kind in enumerate(kinds)}
        kind_of: Ints = np.fromiter(map(number.__getitem__, steps), np.int64, len(steps))[order]
        self._step = milliwatts_up(sizes)[kind_of]
        self._lists = [np.append(0.0, milliwatts_up(points)) for points in lists]
        self._list_of = np.array([lists.index(kind) if isinstance(kind, tuple) else -1 for kind in kinds], dtype=np.int64)[kind_of]
        self.are_own: Bools = np.array([kind is not None for kind in kinds], dtype=np.bool_)[kind_of]

    def down(self, evses: Ints, milliwatts: Floats) -> Floats:
        """Return the highest set-point of each that is not above a power."""
        step = self._step[evses]
        points = np.floor(milliwatts / step) * step
        for mine, known in self._listed(evses):
            points[mine] = known[np.searchsorted(known, milliwatts[mine], side="right") - 1]
        return points

    def up(self, evses: Ints, milliwatts: Floats) -> Floats:
        """Return the lowest set-point of each that is not below a power; infinite where there is none."""
        step = self._step[evses]
        points = np.ceil(milliwatts / step) * step
        for mine, known in self._listed(evses):
            points[mine] = np.append(known, np.inf)[np.searchsorted(known, milliwatts[mine], side="left")]
        return points

    def above(self, evses: Ints, milliwatts: Floats) -> Floats:
        """Return the next set-point of each above a power; infinite where there is none."""
        return self.up(evses, milliwatts + 1)

    def _listed(self, evses: Ints) -> list[tuple[Ints, Floats]]:
        """Return, for each list, the places in `evses` of those who have it, and its powers with 0."""
        if not self._lists:
            return []
        list_of = self._list_of[evses]
        return [(np.flatnonzero(list_of == number), known) for number, known in enumerate(self._lists)]
