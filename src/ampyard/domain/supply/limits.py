"""Which limit of a power node counts at a moment, and why."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.grid_signals import NO_GRID_LIMITS, GridLimit, GridLimits
from ampyard.domain.local_time import wall_clock
from ampyard.domain.supply.nodes import PowerNode, kw_of_current, require_limits


class LimitSource(StrEnum):
    """Which of a node's limits counts."""

    CONSTANT = "CONSTANT"
    WEEKLY = "WEEKLY"
    EXCEPTION = "EXCEPTION"
    GRID_SIGNAL = "GRID_SIGNAL"
    GRID_FALLBACK = "GRID_FALLBACK"


@dataclass(frozen=True, slots=True)
class LimitException:
    """A limit of a power node for a time, with its reason and author: from `valid_from` to before `valid_until`.

    Raises:
        InvalidInputError: it ends before it begins, or limits nothing, or by what is no number from 0 up.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    power_node_id: uuid.UUID
    valid_from: datetime
    valid_until: datetime
    limit_kw: float | None
    limit_a: float | None
    reason: str
    author: str
    created_at: datetime

    def __post_init__(self) -> None:
        span = f"from {self.valid_from.isoformat()} to {self.valid_until.isoformat()}"
        if self.valid_until <= self.valid_from:
            raise InvalidInputError(f"A limit {span} would never be in force; give an end after its begin.")
        require_limits(f"The limit {span}", self.limit_kw, self.limit_a)

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether it counts at a moment."""
        return self.valid_from <= at < self.valid_until


@dataclass(frozen=True, slots=True)
class EffectiveLimit:
    """What may flow through a power node at a moment, where it comes from, and that in a sentence for people.

    `limit_kw` is of the whole node. `limit_a` is what counts of each phase, where anything limits that: not always of the same source.
    `exception_id` names the exception that counts, where one does; `signal_id` the signal from outside, `link_id` the link that it came by
    or whose fall-back counts.
    """

    limit_kw: float
    source: LimitSource
    explanation: str
    exception_id: uuid.UUID | None = None
    signal_id: uuid.UUID | None = None
    link_id: uuid.UUID | None = None
    limit_a: float | None = None


def effective_limit(
    node: PowerNode, exceptions: Iterable[LimitException], at: datetime, time_zone: str, grid: GridLimits = NO_GRID_LIMITS
) -> EffectiveLimit:
    """Return the limit of a node that counts at a moment; `exceptions` and `grid` are its own, whether in force or not.

    A dated exception goes before the weekly windows, these before the constant limit. Of several that are in force at
    once, the strictest counts, whatever their order. None lifts the node above its constant limit, which is technical. What
    comes from outside counts where it is stricter than all of these.
    """
    exceptions, from_outside = list(exceptions), grid.at(at)
    counts = _own_limit(node, exceptions, at, time_zone)
    if from_outside:
        limits = [(strictest_kw(node, it.limit_kw, it.limit_a), it) for it in from_outside]
        limit_kw, strictest = min(limits, key=lambda it: (it[0], str(it[1].signal_id or it[1].link_id)))
        if limit_kw < counts.limit_kw:
            counts = _of_outside(node, limit_kw, strictest)
    currents = [node.limit_a, *_rule_currents(node, exceptions, at, time_zone), *(it.limit_a for it in from_outside)]
    return replace(counts, limit_a=min((current for current in currents if current is not None), default=None))


def _rule_currents(node: PowerNode, exceptions: Iterable[LimitException], at: datetime, time_zone: str) -> list[float | None]:
    """Return the currents of the exceptions in force, and where there are none, of the weekly windows."""
    in_force = [rule.limit_a for rule in exceptions if rule.is_in_force(at)]
    if in_force:
        return in_force
    weekday, minute = wall_clock(at, time_zone)
    return [window.limit_a for window in node.weekly_limits if window.is_in_force(weekday, minute)]


def _of_outside(node: PowerNode, limit_kw: float, it: GridLimit) -> EffectiveLimit:
    source = LimitSource.GRID_FALLBACK if it.is_fallback else LimitSource.GRID_SIGNAL
    because = it.explained(_as_text(node, it.limit_kw, it.limit_a))
    return EffectiveLimit(limit_kw, source, because, signal_id=it.signal_id, link_id=it.link_id)


def _own_limit(node: PowerNode, exceptions: Iterable[LimitException], at: datetime, time_zone: str) -> EffectiveLimit:
    constant_kw = constant_limit_kw(node)
    constant = EffectiveLimit(constant_kw, LimitSource.CONSTANT, f"Its constant limit: {_as_text(node, node.limit_kw, node.limit_a)}.")
    in_force = [rule for rule in exceptions if rule.is_in_force(at)]
    if in_force:
        rule = min(in_force, key=lambda it: (strictest_kw(node, it.limit_kw, it.limit_a), it.created_at, it.id))
        limit_kw = strictest_kw(node, rule.limit_kw, rule.limit_a)
        if limit_kw > constant_kw:
            return constant
        what = f"{_as_text(node, rule.limit_kw, rule.limit_a)} until {rule.valid_until.isoformat()}"
        return EffectiveLimit(limit_kw, LimitSource.EXCEPTION, f"An exception: {what} ({rule.reason}).", rule.id)
    weekday, minute = wall_clock(at, time_zone)
    windows = [window for window in node.weekly_limits if window.is_in_force(weekday, minute)]
    if windows:
        window = min(windows, key=lambda it: (strictest_kw(node, it.limit_kw, it.limit_a), *it.order))
        limit_kw = strictest_kw(node, window.limit_kw, window.limit_a)
        if limit_kw <= constant_kw:
            what = f"{_as_text(node, window.limit_kw, window.limit_a)} on {window}"
            return EffectiveLimit(limit_kw, LimitSource.WEEKLY, f"Its weekly limit: {what}.")
    return constant


def constant_limit_kw(node: PowerNode) -> float:
    """Return what a node can bear, in kW: the stricter of its constant limits."""
    return strictest_kw(node, node.limit_kw, node.limit_a)


Limit = tuple[float | None, float | None]
"""In kW, and in A a phase."""


def lowest_limit_kw(node: PowerNode, exceptions: Iterable[LimitException], at: datetime, fallbacks: Iterable[Limit] = ()) -> float:
    """Return the lowest limit of a node, in kW, that can come into force from a moment on and that is ours to set.

    `fallbacks` are what counts while a link to the outside is lost. What the outside sends is not ours to set.
    """
    return min(strictest_kw(node, limit_kw, limit_a) for limit_kw, limit_a in _limits_from(node, exceptions, at, fallbacks))


def lowest_limit_a(node: PowerNode, exceptions: Iterable[LimitException], at: datetime, fallbacks: Iterable[Limit] = ()) -> float | None:
    """Return the lowest limit of each phase of a node, in A, that can come into force, as `lowest_limit_kw`; None: there is none."""
    currents = [limit_a for _, limit_a in _limits_from(node, exceptions, at, fallbacks) if limit_a is not None]
    return min(currents, default=None)


def _limits_from(node: PowerNode, exceptions: Iterable[LimitException], at: datetime, fallbacks: Iterable[Limit]) -> list[Limit]:
    limits: list[Limit] = [(node.limit_kw, node.limit_a)]
    limits += [(window.limit_kw, window.limit_a) for window in node.weekly_limits]
    limits += [(rule.limit_kw, rule.limit_a) for rule in exceptions if rule.valid_until > at]
    return [*limits, *fallbacks]


def strictest_kw(node: PowerNode, limit_kw: float | None, limit_a: float | None) -> float:
    """Return the stricter of a limit in kW and one in A a phase, in kW; one of them there is."""
    limits = [limit_kw] if limit_kw is not None else []
    if limit_a is not None:
        limits.append(kw_of_current(limit_a, node.phases, node.voltage_v))
    return min(limits)


def _as_text(node: PowerNode, limit_kw: float | None, limit_a: float | None) -> str:
    texts = [f"{limit_kw:g} kW"] if limit_kw is not None else []
    if limit_a is not None:
        texts.append(f"{limit_a:g} A a phase, {kw_of_current(limit_a, node.phases, node.voltage_v):g} kW")
    return " and ".join(texts)
