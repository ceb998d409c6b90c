"""Those of one class who want power now, as arrays: what the rules of order inside a class are computed from."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Contenders:
    """Online EVSEs of one class that want power; an entry of each array is one of them. They come in order of `since`, then of id.

    `urgency`, `weight`, `charging`: as in `Demand`. `minimum_kw`, `ceiling_kw`: the lowest and the highest set-point that each could
    get. `since_s`, `waiting_s`: `Demand.since` and `Demand.waiting_since` (the former, where it has power) in seconds since 1970.
    """

    urgency: Floats
    weight: Floats
    minimum_kw: Floats
    ceiling_kw: Floats
    charging: Bools
    since_s: Floats
    waiting_s: Floats
