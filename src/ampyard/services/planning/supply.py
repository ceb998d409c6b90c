"""What the nodes of a depot leave for planned vehicles, slot by slot."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ampyard.domain.local_time import wall_clock
from ampyard.domain.planning import PlanNode, Slot
from ampyard.domain.power import Node, paths_to_root
from ampyard.domain.supply import NodeState
from ampyard.services.planning.outlook import Outlook
from ampyard.services.planning.stays import Guests

# A vehicle that cannot be planned is taken to draw what it draws now for so long, and its EVSE's fall-back after that.
_UNPLANNED_FOR = timedelta(hours=4)
_MINUTE = timedelta(minutes=1)


def limits_of(state: NodeState, slots: Sequence[Slot]) -> list[float]:
    """Return what a node may supply in each slot, in kW: the lowest of all limits that count at some moment of it."""
    return [min(state.limit(moment).limit_kw for moment in _moments(state, slot)) for slot in slots]


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
    taken: dict[uuid.UUID, list[float]] = {node_id: [0.0] * len(slots) for node_id in paths}
    flowing = [0.0] * len(slots)
    for state in outlook.nodes:
        kw = state.unmanaged(outlook.at).kw
        _add(taken[state.node.id], [kw] * len(slots))
        _add(flowing, [kw] * len(slots))
    for node_id, reserved in _reserved(outlook, guests, slots):
        _add(taken[node_id], reserved)
    for _, drawn in _unplanned(outlook, guests, slots):
        _add(flowing, drawn)
    below: dict[uuid.UUID, list[float]] = {node_id: [0.0] * len(slots) for node_id in paths}
    for path in paths.values():
        for node in path:
            _add(below[node.id], taken[path[0].id])
    nodes, in_all = [], [0.0] * len(slots)
    for state in outlook.nodes:
        limits = [_supposed(outlook, state, slot, limit) for slot, limit in zip(slots, limits_of(state, slots), strict=True)]
        left = tuple(max(0.0, limit - used) for limit, used in zip(limits, below[state.node.id], strict=True))
        nodes.append(PlanNode(state.node.id, state.node.parent_id, left))
        if state.node.parent_id is None:
            _add(in_all, limits)
    return nodes, flowing, in_all


def _supposed(outlook: Outlook, state: NodeState, slot: Slot, limit_kw: float) -> float:
    supposed = (it.limit_kw for it in outlook.supposed_limits if it.power_node_id == state.node.id and it.covers(slot.begins_at))
    return next(supposed, limit_kw)


def _add(to: list[float], values: Sequence[float]) -> None:
    for number, value in enumerate(values):
        to[number] += value


def _reserved(outlook: Outlook, guests: Guests, slots: Sequence[Slot]) -> Iterator[tuple[uuid.UUID, list[float]]]:
    spans: dict[uuid.UUID, list[tuple[datetime, datetime]]] = {}
    for guest in guests.planned.values():
        spans.setdefault(guest.evse.id, []).append((guest.stay.arrives_at, guest.stay.departs_at or slots[-1].ends_at))
    unplanned = {evse.id for evse in guests.unplanned}
    for evse in outlook.evses.values():
        if evse.id not in unplanned:
            there = spans.get(evse.id, [])
            idle = [not any(begin <= slot.begins_at and slot.ends_at <= end for begin, end in there) for slot in slots]
            yield outlook.node_of(evse), [evse.fallback_kw if is_idle else 0.0 for is_idle in idle]
    yield from _unplanned(outlook, guests, slots)


def _unplanned(outlook: Outlook, guests: Guests, slots: Sequence[Slot]) -> Iterator[tuple[uuid.UUID, list[float]]]:
    for evse in guests.unplanned:
        now_kw = max(evse.fallback_kw, outlook.transactions[evse.id].power_kw)
        drawn = [now_kw if slot.begins_at < outlook.at + _UNPLANNED_FOR else evse.fallback_kw for slot in slots]
        yield outlook.node_of(evse), drawn
