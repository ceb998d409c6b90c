"""How power is divided inside a class among those that are on: tiers, served one after the other, and weights inside a tier."""

import numpy as np

from ampyard.domain.power.contenders import Contenders, Floats, Ints

_MUST_CHARGE = 1.0


def tiers(contenders: Contenders) -> Ints:
    """Return the tier of each; a higher one is filled entirely before a lower one, once all that are on have their minimum."""
    return (contenders.urgency >= _MUST_CHARGE).astype(np.int64)


def filling_weights(contenders: Contenders) -> Floats:
    """Return at what pace each rises while its tier is filled; `share_power` counts them in 64ths, from 1/64 to 64."""
    return np.asarray(contenders.weight, dtype=np.float64)
