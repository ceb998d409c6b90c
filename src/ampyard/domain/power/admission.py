"""Who of a class is on when not all minima fit: the order in which they are admitted.

`share_power` admits in this order, as long as the minimum fits at every node and line above, passing over who does not fit. The order
is a pure function of `Contenders`, so that it can be replaced without knowing the supply.
"""

import numpy as np

from ampyard.domain.power.contenders import Contenders, Ints

# How much more urgent another has to be before it takes the place of who is charging.
_STAYING_ON = 0.1


def admission_order(contenders: Contenders) -> Ints:
    """Return the places of `contenders` in order of admission: urgency, with a bonus for staying on; then who waits longest."""
    merit = contenders.urgency + _STAYING_ON * contenders.charging
    return np.lexsort((contenders.waiting_s, -merit)).astype(np.int64)
