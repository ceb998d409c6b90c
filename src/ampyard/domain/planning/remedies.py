"""What would help who is short. Each remedy is proven: by a plan in which it does, or by what the present plan leaves over."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from ampyard.domain.planning.layout import TOLERANCE, Floats, hours_within, lay_out
from ampyard.domain.planning.matrix import model_of
from ampyard.domain.planning.model import PlanNode, Remedy, RemedyKind, Shortfall, ShortfallCause
from ampyard.domain.planning.program import Program
from ampyard.domain.planning.shortfalls import Situation, cause_of, ready_at, tight_slots, tightest

_MINUTE = timedelta(minutes=1)
# Powers of remedies are told in these steps, rounded up: nobody raises a limit by a watt.
_STEP_KW = 0.1


@dataclass(frozen=True, slots=True)
class Raised:
    """By how much which node has to be raised, in kW, in which slots."""

    node: int
    kw: float
    first: int
    last: int


def raises(plan: Situation, short: Sequence[int], *, deadline: float) -> dict[int, Raised]:
    """Return, for stays that a node keeps short, the least raise of one node by which they, and all of their class and above, are ready.

    It is for the whole class because the order of aims counts a class: with a raise that is enough for only some of it, others than
    the one it was meant for may be those that profit. When all of a class and above are ready, nobody is left to take it away.
    When the deadline has passed, those that were not looked at have none.
    """
    found: dict[int, Raised] = {}
    by_node = [number for number in short if cause_of(plan, number) is ShortfallCause.NODE]
    for priority in sorted({plan.layout.stays[number].priority for number in by_node}, reverse=True):
        members = [number for number in by_node if plan.layout.stays[number].priority == priority]
        for node in _candidates(plan, members):
            if time.monotonic() >= deadline:
                return found
            helped = [number for number in members if plan.layout.below[node, number]]
            raised = _least_raise(plan, node, helped, priority, deadline=deadline)
            for number in helped:
                if raised is not None and (number not in found or raised.kw < found[number].kw):
                    found[number] = raised
    return found


def remedies(plan: Situation, number: int, raised: Raised | None) -> tuple[Remedy, ...]:
    """Return what would help one stay, each by itself, in the order in which a dispatcher would try it."""
    slots, found = plan.layout.problem.slots, []
    if raised is not None:
        found.append(
            Remedy(
                RemedyKind.RAISE_LIMIT,
                node_id=plan.layout.nodes[raised.node].id,
                kw=raised.kw,
                begins_at=slots[raised.first].begins_at,
                ends_at=slots[raised.last].ends_at,
            )
        )
    if (other := _swap(plan, number)) is not None:
        found.append(Remedy(RemedyKind.SWAP_VEHICLE, stay_id=plan.layout.stays[other].id))
    if (kw := _stronger(plan, number)) is not None:
        found.append(Remedy(RemedyKind.STRONGER_PLUG, kw=kw))
    if (at := ready_at(plan, number)) is not None:
        whole = at.replace(second=0, microsecond=0)
        found.append(Remedy(RemedyKind.DEPART_LATER, ends_at=whole if whole == at else whole + _MINUTE))
    return tuple(found)


def shortfall(plan: Situation, number: int, raised: Raised | None) -> Shortfall:
    """Return what is to be said of one stay that is short. Of the nodes above it that one binds whose raise helps, or else the tightest."""
    stay, cause = plan.layout.stays[number], cause_of(plan, number)
    node = None
    if cause is ShortfallCause.NODE:
        node = tightest(plan, number) if raised is None else raised.node
    return Shortfall(
        stay_id=stay.id,
        lacks_minimum_kwh=float(plan.lacks_minimum[number]),
        lacks_target_kwh=float(plan.lacks_target[number]),
        cause=cause,
        node_id=None if node is None else plan.layout.nodes[node].id,
        ready_at=ready_at(plan, number),
        remedies=remedies(plan, number, raised),
    )


def _candidates(plan: Situation, members: Sequence[int]) -> list[int]:
    """Return the nodes that leave nothing to some of these stays, those above most of them first."""
    count = {
        node: sum(bool(plan.layout.below[node, number] and tight_slots(plan, node, number)) for number in members)
        for node in range(len(plan.layout.nodes))
    }
    return sorted((node for node in count if count[node]), key=lambda node: (-count[node], node))


def _least_raise(plan: Situation, node: int, helped: Sequence[int], priority: int, *, deadline: float) -> Raised | None:
    """Return the least raise of a node, while it binds, or else while they are there; None: it does not help."""
    tight = sorted({slot for number in helped for slot in tight_slots(plan, node, number)})
    there = np.flatnonzero(plan.layout.present[list(helped)].any(axis=0)).tolist()
    for first, last in dict.fromkeys([(tight[0], tight[-1]), (there[0], there[-1])]):
        kw = _needed_kw(plan, node, priority, first, last, deadline=deadline)
        if kw is not None:
            return Raised(node, kw, first, last)
    return None


def _needed_kw(plan: Situation, node: int, priority: int, first: int, last: int, *, deadline: float) -> float | None:
    """Return how many kW more at a node make everyone of a class and above ready, by a linear programme whose aim is that power."""
    problem = plan.layout.problem
    window = range(first, last + 1)
    given = plan.layout.nodes[node]
    # Without its limits, what can bind above the node is found anew; with it, raised, they come back as rows of their own.
    nodes = tuple(_without_limits(given, window) if one.id == given.id else one for one in problem.nodes)
    layout = lay_out(replace(problem, nodes=nodes, demand_charge_per_kw=0.0))
    model = model_of(layout)
    columns = model.columns
    all_stay = np.concatenate([layout.flows.stay, layout.preconditioning.stay])
    all_slot = np.concatenate([layout.flows.slot, layout.preconditioning.slot])
    power = len(model.lower)
    model = model.with_columns(np.array([np.inf]), integer=False)
    for bound in plan.layout.bounds_of[node].tolist():
        limits = plan.layout.limits[bound]
        limited = np.array([slot for slot in window if np.isfinite(limits[slot])], dtype=np.int64)
        row_of = np.full(len(layout.hours), -1)
        row_of[limited] = np.arange(len(limited))
        part = plan.layout.parts[bound, all_stay]
        here = np.flatnonzero((part > 0) & (row_of[all_slot] >= 0))
        model = model.with_rows(
            np.full(len(limited), -np.inf),
            limits[limited],
            np.concatenate([row_of[all_slot[here]], np.arange(len(limited))]),
            np.concatenate([here, np.full(len(limited), power)]),
            np.concatenate([part[here], -plan.layout.gains[bound] * layout.hours[limited]]),
        )
    minimum = slice(columns.lacks_minimum, columns.lacks_target)
    ready = layout.class_of >= priority
    model.upper[minimum] = np.where(ready, np.minimum(layout.lacks_minimum_least, layout.lacks_minimum_most), model.upper[minimum])
    aim = np.zeros(len(model.lower))
    aim[power] = 1.0
    program = Program(model, deadline=deadline)
    if not program.solve(aim) or program.found is None:
        return None
    return max(_STEP_KW, _rounded_up(program.found.values[power]))


def _without_limits(node: PlanNode, window: range) -> PlanNode:
    def without(limits_kw: Sequence[float | None]) -> tuple[float | None, ...]:
        return tuple(None if slot in window else kw for slot, kw in enumerate(limits_kw))

    return replace(node, limits_kw=without(node.limits_kw), line_limits_kw=tuple(without(limits) for limits in node.line_limits_kw))


def _stronger(plan: Situation, number: int) -> float | None:
    """Return what the plug and all behind it would have to give for a stay to be ready, where it is they that are too weak."""
    if cause_of(plan, number) is not ShortfallCause.POWER:
        return None
    stay, hours = plan.layout.stays[number], plan.layout.present[number]
    most = plan.flowing[number] + plan.path_room(number)
    needed = plan.flowing[number].sum() + plan.lacks_minimum[number] / stay.efficiency
    if np.where(hours > 0, most, 0.0).sum() < needed:
        return None
    low, high = stay.max_kw, max(stay.max_kw, float(needed / hours[hours > 0].min()))
    while high - low > TOLERANCE:
        middle = (low + high) / 2
        low, high = (low, middle) if np.minimum(middle * hours, most).sum() >= needed else (middle, high)
    return _rounded_up(high)


def _swap(plan: Situation, number: int) -> int | None:
    """Return the stay whose vehicle could take over this one's run and be replaced on its own by this one's: whoever leaves next."""
    layout, stay = plan.layout, plan.layout.stays[number]
    linked = {other for chain in layout.chains if len(chain) > 1 for other in chain}
    if number in linked or stay.departs_at is None:
        return None
    until = hours_within(layout.problem.now, stay.departs_at, layout.problem) / layout.hours
    before = plan.flowing * until
    for other in _leaving_later(plan, number):
        if other in linked:
            continue
        theirs = layout.stays[other]
        has_then = theirs.energy_kwh + before[other].sum() * theirs.efficiency
        if has_then < stay.minimum_kwh - TOLERANCE or plan.lacks_minimum[other] > TOLERANCE:
            continue
        if stay.energy_kwh + before[number].sum() * stay.efficiency + _afterwards(plan, number, other) >= theirs.minimum_kwh:
            return other
    return None


def _leaving_later(plan: Situation, number: int) -> list[int]:
    leaves = plan.layout.stays[number].departs_at
    known = [
        (stay.departs_at, stay.id, other) for other, stay in enumerate(plan.layout.stays) if stay.departs_at and plan.layout.counts[other]
    ]
    return [other for at, _, other in sorted(known) if leaves and plan.layout.stays[other].arrives_at < leaves < at]


def _afterwards(plan: Situation, number: int, other: int) -> float:
    """Return what a vehicle could take between its own departure and another's, with what the other would have taken there left over."""
    layout, stay, theirs = plan.layout, plan.layout.stays[number], plan.layout.stays[other]
    assert stay.departs_at is not None
    assert theirs.departs_at is not None
    hours = hours_within(max(stay.departs_at, layout.problem.now), theirs.departs_at, layout.problem)
    part, freed = layout.parts[:, number], layout.parts[:, [other]] * (plan.flowing[other] * (hours / layout.hours))
    room: Floats = np.maximum(((plan.room + freed)[part > 0] / part[part > 0, None]).min(axis=0), 0.0)
    return float(np.minimum(hours * stay.max_kw, room).sum() * stay.efficiency)


def _rounded_up(kw: float) -> float:
    return round(math.ceil(kw / _STEP_KW - 1e-4) * _STEP_KW, 1)
