"""What a vehicle usually takes while it is plugged in, learnt from what it took before.

The upper quartile (by nearest rank) of what the stays of the last eight weeks took, where there were three at least: in one of four cases
it needs more. Who was plugged in and took next to nothing was full, moved, or could not charge; that tells nothing.
"""

import math
from collections.abc import Iterable

from ampyard.domain.departures import PastStay

_QUANTILE = 0.75
_LEAST_STAYS = 3
_NEXT_TO_NOTHING_KWH = 1.0


def typical_energy_kwh(stays: Iterable[PastStay]) -> float | None:
    """Return what a vehicle usually takes at its plug, in kWh; None where too little is known of it."""
    taken = sorted(stay.energy_kwh for stay in stays if stay.energy_kwh >= _NEXT_TO_NOTHING_KWH)
    if len(taken) < _LEAST_STAYS:
        return None
    return taken[math.ceil(_QUANTILE * len(taken)) - 1]
