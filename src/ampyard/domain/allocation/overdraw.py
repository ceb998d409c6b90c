"""Who draws more than it may."""

from datetime import timedelta

from ampyard.domain.allocation.inputs import EvseFacts

# A vehicle follows the pilot signal within 5 s (IEC 61851-1:2017, table A.6); a direct-current charger is faster.
SETTLE = timedelta(seconds=5)
# Below it lie the errors of meters and of current controllers.
_TOLERANCE = 0.05
_TOLERANCE_KW = 0.5


def overdraws(evse: EvseFacts) -> bool:
    """Tell whether an EVSE draws more than the highest limit that may be in force there, so that it cannot be relied on.

    What was measured counts once it was heard of so long after the last answer that the charger had time to follow. Who is known for
    it already stays so until something was measured that is within bounds.
    """
    charging = evse.charging
    if charging is None or charging.heard_at is None:
        return False
    permitted_kw = evse.permitted_kw
    if charging.power_kw <= permitted_kw + max(_TOLERANCE_KW, _TOLERANCE * permitted_kw):
        return False
    if evse.overdrawn_since is not None:
        return True
    told_at = charging.since if evse.limit_at is None else max(charging.since, evse.limit_at)
    return charging.heard_at >= told_at + SETTLE
