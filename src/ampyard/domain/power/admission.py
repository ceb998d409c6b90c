"""Who of a class is on when not all minima fit: the order in which they are admitted.

`share_power` admits in this order, as long as the minimum fits at every node and line above, passing over who does not fit. The order
is a pure function of `Contenders`, so that it can be replaced without knowing the supply.
"""

from datetime import datetime, timedelta

import numpy as np

from ampyard.domain.power.contenders import Contenders, Ints

# How long who is charging keeps its bonus and its place while others wait: long against what starting costs a vehicle and its contactors.
_TURN = timedelta(minutes=15)

# How much more urgent another has to be before it takes the place of who is charging.
_STAYING_ON = 0.1


def admission_order(contenders: Contenders) -> Ints:
    """Return the places of `contenders` in order of admission: urgency, with a bonus for staying on; then who waits longest."""
    merit = contenders.urgency + _STAYING_ON * contenders.charging
    waiting_s = contenders.waiting_s
    # They come in order of `since`, so that those who wait since then are in order already.
    in_order = bool((waiting_s[1:] >= waiting_s[:-1]).all())
    return np.argsort(-merit, kind="stable") if in_order else np.lexsort((waiting_s, -merit))


def turn(charging_since: datetime | None, waiting_since: datetime, now: datetime) -> tuple[bool, datetime]:
    """Return what `Demand.charging` and `Demand.waiting_since` are to be of somebody who has power since a moment, or has none.

    Who has power has a turn of a quarter-hour. While it goes on after that, it counts as having waited since the last full quarter-hour
    of it: behind all who wait longer, of those that are no more and no less urgent. So of n who are as urgent, of whom not all can be on,
    everybody is within n turns, whenever it came; and who is alone stays on.
    """
    if charging_since is None:
        return False, waiting_since
    turns = max(0, (now - charging_since) // _TURN)
    return turns == 0, charging_since + turns * _TURN
