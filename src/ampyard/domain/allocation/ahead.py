"""A look ahead where a node is short: what those take now whose departures are known, and whom no fresh plan tells.

Inside a class it says who waits, and at what pace the others rise; it hands out nothing. What everybody else gets without it counts as
taken, so that it moves power only between those it looks at.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ampyard.domain.allocation.ability import ceiling_kw, hours_left
from ampyard.domain.allocation.inputs import ChargingFacts, EvseFacts
from ampyard.domain.planning import Bounds, UnsolvedError, Visits, look_ahead
from ampyard.domain.power import Demand, Node, Reason, Reserved, Share, Tree, room_for_loads

# For how long it decides at a time: what the measurements of ADR 0030 were made with. A step comes again much sooner.
_SLOT_HOURS = 1 / 12
# A class has at most so many of them, whom it takes a step tens of milliseconds to look ahead for; beyond, each step would be late.
_MOST = 200
# A kWh beyond the minimum counts so much of one below it.
_BEYOND_MINIMUM = 0.1
_HEAVIEST, _LIGHTEST = 64.0, 1 / 64
_SHORT = frozenset({Reason.LIMITED_BY_NODE, Reason.BELOW_MINIMUM})


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Who is looked ahead for; `free_kw` is reserved for it, whether it takes it or not."""

    demand: Demand
    needed_kwh: float
    hours: float
    free_kw: float
    weight: float


def with_look_ahead(
    nodes: Sequence[Node],
    demands: Mapping[uuid.UUID, Demand],
    shares: Mapping[uuid.UUID, Share],
    reserved: Sequence[Reserved],
    evses: Mapping[uuid.UUID, EvseFacts],
    at: datetime,
) -> dict[uuid.UUID, Demand]:
    """Return the demands as the look-ahead has them; as they are where no node is short, or nobody can be looked ahead for.

    `shares` are what they get without it. Where it finds no answer, the class goes on without.
    """
    found = dict(demands)
    for priority in sorted({shares[it].priority for it in shares if shares[it].reason in _SHORT}, reverse=True):
        members = {evse_id: demand for evse_id, demand in demands.items() if demand.priority == priority and demand.online}
        visitors = [visitor for evse_id, demand in members.items() if (visitor := _visitor(demand, evses[evse_id], at)) is not None]
        is_short = any(shares[it.demand.evse_id].reason in _SHORT for it in visitors)
        if is_short and 1 < len(visitors) <= _MOST:
            found |= _ordered(nodes, demands, shares, reserved, members, visitors)
    return found


def _visitor(demand: Demand, evse: EvseFacts, at: datetime) -> _Visitor | None:
    """Return somebody as looked ahead for; None where a plan counts, its departure or need is not known, or all it wants is reserved."""
    charging = evse.charging
    assert charging is not None
    hours = hours_left(charging, at)
    needed_kwh, weight = _needed(charging)
    free_kw = min(demand.fallback_kw, demand.wanted_kw)
    is_known = 0 < hours < np.inf and needed_kwh > 0
    if not is_known or ceiling_kw(charging) is not None or demand.wanted_kw <= free_kw:
        return None
    return _Visitor(demand, max(0.0, needed_kwh - free_kw * hours), hours, free_kw, weight)


def _needed(charging: ChargingFacts) -> tuple[float, float]:
    """Return what it needs next, and what a kWh of that weighs: up to its minimum, then up to its target."""
    if charging.needed_kwh > 0:
        return charging.needed_kwh, charging.weight
    return charging.wanted_kwh, charging.weight * _BEYOND_MINIMUM


def _ordered(
    nodes: Sequence[Node],
    demands: Mapping[uuid.UUID, Demand],
    shares: Mapping[uuid.UUID, Share],
    reserved: Sequence[Reserved],
    members: Mapping[uuid.UUID, Demand],
    visitors: Sequence[_Visitor],
) -> dict[uuid.UUID, Demand]:
    """Return the members of a class: who is to wait is planned nothing, everybody else rises in proportion to what it is to take."""
    looked_at = {it.demand.evse_id: it for it in visitors}
    counted = {evse_id: looked_at[evse_id].free_kw if evse_id in looked_at else shares[evse_id].target_kw for evse_id in demands}
    others = [Reserved(it.node_id, max(counted[it.evse_id], it.fallback_kw), it.lines) for it in demands.values()]
    loads = [(it.demand.node_id, it.demand.lines) for it in visitors]
    parts, most = room_for_loads(Tree(nodes), [*reserved, *others], loads)
    try:
        beyond_kw = look_ahead(_visits(visitors), Bounds(parts, most), step_hours=_SLOT_HOURS)
    except UnsolvedError:
        return {}
    power_kw = {it.demand.evse_id: it.free_kw + float(kw) for it, kw in zip(visitors, beyond_kw, strict=True)}
    power_kw |= {evse_id: shares[evse_id].target_kw for evse_id in members if evse_id not in looked_at}
    highest = max(power_kw.values())
    if highest <= 0:
        return {}
    return {
        evse_id: replace(
            demand,
            weight=max(_LIGHTEST, _HEAVIEST * power_kw[evse_id] / highest),
            planned_kw=0.0 if evse_id in looked_at and _waits(demand, power_kw[evse_id]) else demand.planned_kw,
        )
        for evse_id, demand in members.items()
    }


def _waits(demand: Demand, power_kw: float) -> bool:
    """Tell whether it is to wait: all that it is to take is what is reserved for it anyway, with which it cannot charge."""
    return power_kw <= demand.fallback_kw < demand.minimum_kw


def _visits(visitors: Sequence[_Visitor]) -> Visits:
    least_kw = np.array([max(0.0, it.demand.minimum_kw - it.free_kw) for it in visitors])
    # Who was given enough to charge with a moment ago is on, though it may not draw any yet.
    charging = np.array([it.demand.charging or it.demand.current_kw >= it.demand.minimum_kw > 0 for it in visitors])
    return Visits(
        needed_kwh=np.array([it.needed_kwh for it in visitors]),
        hours=np.array([it.hours for it in visitors]),
        most_kw=np.array([it.demand.wanted_kw - it.free_kw for it in visitors]),
        least_kw=least_kw,
        charging=charging & (least_kw > 0),
        weight=np.array([it.weight for it in visitors]),
    )
