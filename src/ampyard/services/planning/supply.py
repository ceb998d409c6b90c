"""What the nodes of a depot leave for planned vehicles, slot by slot."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ampyard.domain.charge_points import Evse
from ampyard.domain.equipment import ALL_LINES
from ampyard.domain.lines import wiring
from ampyard.domain.local_time import wall_clock
from ampyard.domain.planning import PlanNode, Slot
from ampyard.domain.power import Lines, Node, line_phasors, paths_to_root
from ampyard.domain.supply import NodeState
from ampyard.services.planning.outlook import Outlook
from ampyard.services.planning.stays import Guests

Floats: TypeAlias = npt.NDArray[np.float64]
Limit: TypeAlias = tuple[float, float | None]
"""In kW, and in A on each line where that is limited."""

# A vehicle that cannot be planned is taken to draw what it draws now for so long, and its EVSE's fall-back after that.
_UNPLANNED_FOR = timedelta(hours=4)
_MINUTE = timedelta(minutes=1)


def limits_of(state: NodeState, slots: Sequence[Slot]) -> list[Limit]:
    """Return what a node may supply in each slot, in kW and in A on each line: the lowest of all limits that count at some moment of it."""
    found: list[Limit] = []
    for slot in slots:
        limits = [state.limit(moment) for moment in _moments(state, slot)]
        currents = [limit.limit_a for limit in limits if limit.limit_a is not None]
        found.append((min(limit.limit_kw for limit in limits), min(currents, default=None)))
    return found


def _moments(state: NodeState, slot: Slot) -> Iterator[datetime]:
    """Yield the moments of a slot at which a node's limit may change, and its begin."""
    yield slot.begins_at
    if state.node.weekly_limits:
        weekday, minute = wall_clock(slot.begins_at, state.time_zone)
        length = slot.hours * 60
        for window in state.node.weekly_limits:
            if window.weekday is weekday and minute < window.begin_minute < minute + length:
                yield slot.begins_at + (window.begin_minute - minute) * _MINUTE
    changes = [(rule.valid_from, rule.valid_until) for rule in state.exceptions]
    changes += [(signal.begins_at, signal.counts_until) for signal in state.grid.signals]
    yield from (moment for change in changes for moment in change if slot.begins_at < moment < slot.ends_at)


def plan_nodes(outlook: Outlook, guests: Guests, slots: Sequence[Slot]) -> tuple[list[PlanNode], list[float], list[float]]:
    """Return the nodes with what they leave for planned vehicles; and what else flows at the roots, and what they may supply, in each slot.

    Left out are loads that are not ours, the fall-backs of EVSEs whenever no planned vehicle is on them, and what vehicles draw that cannot
    be planned.
    """
    paths = paths_to_root([Node(state.node.id, state.node.parent_id, None) for state in outlook.nodes])
    # Of each node: its power, and that of each line between it and neutral.
    taken = {node_id: np.zeros((1 + len(ALL_LINES), len(slots))) for node_id in paths}
    flowing = np.zeros(len(slots))
    for state in outlook.nodes:
        load = state.unmanaged(outlook.at)
        on_lines = [load.power_kw / len(ALL_LINES)] * len(ALL_LINES)
        if load.line_a is not None:
            on_lines = [current_a * state.node.voltage_v / 1000 for current_a in load.line_a]
        _take(taken, paths[state.node.id], np.array([load.power_kw, *on_lines])[:, None])
        flowing += load.power_kw
    for evse, reserved in _reserved(outlook, guests, slots):
        # Angles are left aside: what adds up to less than this may be more elsewhere.
        parts = np.append(1.0, np.abs(line_phasors([reserved.lines])[0]))
        _take(taken, paths[outlook.node_of(evse)], parts[:, None] * reserved.kw)
    for _, drawn in _unplanned(outlook, guests, slots):
        flowing += drawn.kw
    nodes, in_all = [], np.zeros(len(slots))
    for state in outlook.nodes:
        limits = [_supposed(outlook, state, slot, limit) for slot, limit in zip(slots, limits_of(state, slots), strict=True)]
        limits_kw = np.array([kw for kw, _ in limits])
        left = tuple(np.maximum(0.0, limits_kw - taken[state.node.id][0]).tolist())
        nodes.append(PlanNode(state.node.id, state.node.parent_id, left, _left_on_lines(state, limits, taken[state.node.id][1:])))
        if state.node.parent_id is None:
            in_all += limits_kw
    return nodes, flowing.tolist(), in_all.tolist()


def _left_on_lines(state: NodeState, limits: Sequence[Limit], taken: Floats) -> tuple[tuple[float | None, ...], ...]:
    """Return what is left on each line in each slot, as power between it and neutral; nothing where no line is ever limited."""
    if all(limit_a is None for _, limit_a in limits):
        return ()
    limits_kw = [None if limit_a is None else limit_a * state.node.voltage_v / 1000 for _, limit_a in limits]
    return tuple(
        tuple(None if limit is None else max(0.0, limit - used) for limit, used in zip(limits_kw, of_line, strict=True))
        for of_line in taken.tolist()
    )


def _supposed(outlook: Outlook, state: NodeState, slot: Slot, limit: Limit) -> Limit:
    """Return what is supposed in place of all limits of a node, or else these."""
    supposed = (it.limit_kw for it in outlook.supposed_limits if it.power_node_id == state.node.id and it.covers(slot.begins_at))
    kw = next(supposed, None)
    return limit if kw is None else (kw, None)


def _take(taken: dict[uuid.UUID, Floats], path: Iterable[Node], kw: Floats) -> None:
    for node in path:
        taken[node.id] += kw


@dataclass(frozen=True, slots=True)
class _Load:
    """What is kept for somebody in each slot, in kW, and on which lines."""

    kw: Floats
    lines: Lines


def _reserved(outlook: Outlook, guests: Guests, slots: Sequence[Slot]) -> Iterator[tuple[Evse, _Load]]:
    spans: dict[uuid.UUID, list[tuple[datetime, datetime]]] = {}
    for guest in guests.planned.values():
        spans.setdefault(guest.evse.id, []).append((guest.stay.arrives_at, guest.stay.departs_at or slots[-1].ends_at))
    unplanned = {evse.id for evse in guests.unplanned}
    for evse in outlook.evses.values():
        if evse.id not in unplanned:
            there = spans.get(evse.id, [])
            idle = [not any(begin <= slot.begins_at and slot.ends_at <= end for begin, end in there) for slot in slots]
            yield evse, _Load(np.where(idle, evse.fallback_kw, 0.0), wiring(evse))
    yield from _unplanned(outlook, guests, slots)


def _unplanned(outlook: Outlook, guests: Guests, slots: Sequence[Slot]) -> Iterator[tuple[Evse, _Load]]:
    for evse in guests.unplanned:
        transaction = outlook.transactions[evse.id]
        vehicle = outlook.vehicles.get(transaction.vehicle_id) if transaction.vehicle_id is not None else None
        now_kw = max(evse.fallback_kw, transaction.power_kw)
        is_soon = [slot.begins_at < outlook.at + _UNPLANNED_FOR for slot in slots]
        yield evse, _Load(np.where(is_soon, now_kw, evse.fallback_kw), outlook.coupling(evse, vehicle).lines)
