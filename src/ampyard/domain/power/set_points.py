"""Which powers a charger can be told: multiples of a step, or those of a list."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ampyard.domain.power.contenders import Bools, Floats, Ints
from ampyard.domain.power.units import milliwatts_up


class SetPoints:
    """The set-points of EVSEs, by their number, in mW.

    `steps` has, for each EVSE, the size of a step or a list, in kW, or `None` for multiples of `step_kw`.

    Raises:
        ValueError: a step is not above 0, or a list is empty, out of order, or not above 0.
    """

    def __init__(self, steps: Sequence[float | tuple[float, ...] | None], step_kw: float) -> None:
        lists = {given: None for given in steps if isinstance(given, tuple)}
        for given in lists:
            if not given or given[0] <= 0 or any(low >= high for low, high in pairwise(given)):
                raise ValueError(f"The set-points {given} are no list; give powers above 0 kW, each higher than the one before.")
        sizes = [step_kw if given is None or isinstance(given, tuple) else given for given in steps]
        for size in {step_kw, *sizes}:
            if not size > 0:
                raise ValueError(f"The step is {size} kW; it must be more than 0.")
        self._step: Floats = milliwatts_up(sizes)
        self._lists = [np.append(0.0, milliwatts_up(given)) for given in lists]
        place = {given: number for number, given in enumerate(lists)}
        list_of = [place[given] if isinstance(given, tuple) else -1 for given in steps] if lists else []
        self._list_of: Ints = np.array(list_of, dtype=np.int64)
        self.are_own: Bools = np.array([given is not None for given in steps], dtype=np.bool_)

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
