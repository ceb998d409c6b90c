"""What a vehicle can take, learnt from what it took when it was offered more: near a full battery it takes less and less."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# So long a charger and a vehicle may need to follow a new limit; what was measured before tells nothing.
_SETTLED = timedelta(seconds=10)
# Who takes less than this part of what it is offered has tapered: meters, losses and whole amperes explain the rest.
_TAPERED = 0.85
# What is left to it beyond what it took, so that it can show that it takes more again.
_HEADROOM = 1.25
_HEADROOM_KW = 1.0


@dataclass(frozen=True, slots=True)
class Taken:
    """One measurement: the power a vehicle took, what it was offered then, in kW, and since when it was offered that."""

    at: datetime
    taken_kw: float
    offered_kw: float
    offered_since: datetime


def learnt_ceiling_kw(measurements: Iterable[Taken], ability_kw: float, minimum_kw: float) -> float:
    """Return the most that it makes sense to offer, in kW: from the minimum up to the ability of EVSE, cable and vehicle.

    Of recent measurements, in order of time: one that is clearly less than what was offered lowers the ceiling to it, with headroom; one
    that used the ceiling up raises it by as much again; what is taken of an offer below the ceiling tells nothing of it, nor does taking
    nothing at all: a vehicle that has suspended charging says so. Without measurements it is the ability.
    """
    ceiling_kw = ability_kw
    for measured in sorted(measurements, key=lambda it: it.at):
        if measured.at < measured.offered_since + _SETTLED or measured.taken_kw <= 0:
            continue
        headroom_kw = max(minimum_kw, measured.taken_kw * _HEADROOM + _HEADROOM_KW)
        if measured.taken_kw < _TAPERED * measured.offered_kw:
            ceiling_kw = min(ability_kw, headroom_kw)
        elif measured.taken_kw >= _TAPERED * ceiling_kw:
            ceiling_kw = min(ability_kw, max(ceiling_kw, headroom_kw))
    return ceiling_kw
