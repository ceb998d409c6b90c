"""Whether a schedule is worth a write: profiles are kept in flash, which wears out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.charging_profiles.making import HORIZON, RENEWAL
from ampyard.domain.limit_schedules import Schedule, difference_kw

# Changes below these are not worth one: of alternating current, and of direct current as a part of what is in force.
_LEAST_CHANGE_A = 1.0
_LEAST_CHANGE_PART = 0.05
# So many raises may follow each other at once; in the long run one comes each interval.
BURST = 6
# What changes later alone, and not now, can wait for so long.
_PLAN_INTERVAL = timedelta(minutes=15)
_SAME_KW = 1e-3


class Verdict(StrEnum):
    """Whether to send a schedule, or why not."""

    SEND = "SEND"
    SAME = "SAME"
    TOO_SMALL = "TOO_SMALL"
    TOO_OFTEN = "TOO_OFTEN"


@dataclass(frozen=True, slots=True)
class Writes:
    """The profiles written to an EVSE: how many, when last, and by when their rate will have been made up for (`paid_at`).

    The rate is a virtual scheduling algorithm (ITU-T I.371, annex A), as a leaky bucket is: each write puts off `paid_at` by one interval.
    """

    count: int = 0
    last_at: datetime | None = None
    paid_at: datetime | None = None

    def allows(self, now: datetime, interval: timedelta) -> bool:
        """Tell whether one more may follow now."""
        return self.paid_at is None or self.paid_at - now <= interval * (BURST - 1)

    def after(self, now: datetime, interval: timedelta) -> "Writes":
        """Return them with one more."""
        return Writes(self.count + 1, now, max(now, self.paid_at or now) + interval)


def least_change_kw(in_force_kw: float, kw_per_a: float | None) -> float:
    """Return the least change worth a write: one ampere of alternating current (`kw_per_a`), 5 % of direct current (None)."""
    return _LEAST_CHANGE_PART * in_force_kw if kw_per_a is None else _LEAST_CHANGE_A * kw_per_a


def judge(
    new: Schedule,
    told: Schedule | None,
    in_force: Schedule,
    writes: Writes,
    *,
    now: datetime,
    interval: timedelta,
    least_change_kw: float,
    minimum_kw: float,
    needed: bool = False,
    raised: bool = False,
) -> Verdict:
    """Decide whether a schedule is sent.

    A reduction of what may be in force now always is, and so is one that is `needed`, because what may be in force would
    overload a node later. A raise is where it is large enough, or lets a vehicle charge, at a limited rate, which does not hold back
    one that was just `raised` to a higher class. What changes only the plan, or renews a schedule before it runs out, waits its
    turn. Nothing else is sent: what is kept back is never below what is in force, hence no node is the worse for it.

    Args:
        new: the schedule as it would be told.
        told: the one that was confirmed last; `None`: not known.
        in_force: the highest that may be in force.
        writes: those before.
        now: the moment.
        interval: how often a schedule may be written in the long run; 0: as often as it comes.
        least_change_kw: the least change that is worth a write.
        minimum_kw: below it the vehicle cannot charge.
        needed: see above.
        raised: see above.
    """
    if needed or new.at(now) < in_force.at(now) - _SAME_KW:
        return Verdict.SEND
    if told is not None and new.at(now) - told.at(now) < least_change_kw and not told.at(now) < minimum_kw <= new.at(now):
        until = now + HORIZON
        end, new_end = told.steps[-1].begins_at, new.steps[-1].begins_at
        # A limit that never ends is renewed once there is one that does.
        runs_out = new_end - now > RENEWAL and end - now < RENEWAL
        change_kw = difference_kw(new, told, now, min(until, end) if end > now else until)
        if change_kw < _SAME_KW and not runs_out:
            return Verdict.SAME
        if change_kw < least_change_kw and not runs_out:
            return Verdict.TOO_SMALL
        if not runs_out and writes.last_at is not None and now - writes.last_at < _PLAN_INTERVAL:
            return Verdict.TOO_OFTEN
    elif raised:
        return Verdict.SEND
    return Verdict.SEND if writes.allows(now, interval) else Verdict.TOO_OFTEN
