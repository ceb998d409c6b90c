"""Whose clock is right: an absolute schedule means there what it means here only then."""

from datetime import datetime, timedelta

from ampyard.domain.charge_points import ChargePoint

# By so much a clock may be off: a step of a plan then begins that late or early, which a fuse bears.
_TOLERANCE_S = 5.0
# Queued messages tell old times without being wrong; so only one that comes at once, or from ahead of our time, says anything.
_LATE_S = 60.0
_PROOF_AGE = timedelta(hours=24)
_PROOF_RENEWED = timedelta(hours=1)


def proven_offset_s(told_at: datetime, heard_at: datetime) -> float | None:
    """Return by how much a clock is ahead of ours by a time that it told, in s; `None` where that may be a message that waited."""
    offset_s = (told_at - heard_at).total_seconds()
    return None if offset_s < -_LATE_S else offset_s


def clock_is_right(charge_point: ChargePoint, now: datetime) -> bool:
    """Tell whether a charge point's clock is known to be right: it showed so within a day, and nothing else since."""
    if charge_point.clock_offset_s is None or charge_point.clock_at is None:
        return False
    return abs(charge_point.clock_offset_s) <= _TOLERANCE_S and now - charge_point.clock_at <= _PROOF_AGE


def is_worth_noting(charge_point: ChargePoint, offset_s: float, now: datetime) -> bool:
    """Tell whether a proof says something new: another verdict, or the same as an old one."""
    right = abs(offset_s) <= _TOLERANCE_S
    return right is not clock_is_right(charge_point, now) or (
        right and charge_point.clock_at is not None and now - charge_point.clock_at > _PROOF_RENEWED
    )
