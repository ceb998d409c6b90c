"""How power is divided inside a class among those that are on: tiers, served one after the other, and weights inside a tier."""

import numpy as np

from ampyard.domain.power.contenders import Contenders, Floats, Ints

_MUST_CHARGE = 1.0
# Who lacks ten times what it could take will not be ready whatever happens, and is no more urgent than that.
_HOPELESS = 10.0


def urgency(needed_kwh: float, could_take_kwh: float) -> float:
    """Return how urgent a vehicle is: what it still needs for its minimum, as a part of what it could take until it leaves.

    From 0, where it needs nothing, to 10; at 1 it must charge with all it can from now on. It is the laxity of scheduling theory as a
    share: 1 - urgency is the part of its time that it can do without power. Both energies are measured at the same place.
    """
    if needed_kwh <= 0:
        return 0.0
    if could_take_kwh <= 0:
        return _HOPELESS
    return min(_HOPELESS, needed_kwh / could_take_kwh)


def tiers(contenders: Contenders) -> Ints:
    """Return the tier of each; a higher one is filled entirely before a lower one, once all that are on have their minimum."""
    return (contenders.urgency >= _MUST_CHARGE).astype(np.int64)


def filling_weights(contenders: Contenders) -> Floats:
    """Return at what pace each rises while its tier is filled; `share_power` counts them in 64ths, from 1/64 to 64."""
    return np.asarray(contenders.weight, dtype=np.float64)
