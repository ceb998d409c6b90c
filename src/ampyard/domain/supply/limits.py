"""Which limit of a power node counts at a moment, and why."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import wall_clock
from ampyard.domain.supply.nodes import PowerNode, kw_of_current, require_limits


class LimitSource(StrEnum):
    """Which of a node's limits counts."""

    CONSTANT = "CONSTANT"
    WEEKLY = "WEEKLY"
    EXCEPTION = "EXCEPTION"


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

    `exception_id` names the exception that counts, where one does.
    """

    limit_kw: float
    source: LimitSource
    explanation: str
    exception_id: uuid.UUID | None = None


def effective_limit(node: PowerNode, exceptions: Iterable[LimitException], at: datetime, time_zone: str) -> EffectiveLimit:
    """Return the limit of a node that counts at a moment; `exceptions` are its own, whether in force or not.

    A dated exception goes before the weekly windows, these before the constant limit. Of several that are in force at
    once, the strictest counts, whatever their order. None lifts the node above its constant limit, which is technical.
    """
    constant_kw = constant_limit_kw(node)
    constant = EffectiveLimit(constant_kw, LimitSource.CONSTANT, f"Its constant limit: {_as_text(node, node.limit_kw, node.limit_a)}.")
    in_force = [rule for rule in exceptions if rule.is_in_force(at)]
    if in_force:
        rule = min(in_force, key=lambda it: (_strictest_kw(node, it.limit_kw, it.limit_a), it.created_at, it.id))
        limit_kw = _strictest_kw(node, rule.limit_kw, rule.limit_a)
        if limit_kw > constant_kw:
            return constant
        what = f"{_as_text(node, rule.limit_kw, rule.limit_a)} until {rule.valid_until.isoformat()}"
        return EffectiveLimit(limit_kw, LimitSource.EXCEPTION, f"An exception: {what} ({rule.reason}).", rule.id)
    weekday, minute = wall_clock(at, time_zone)
    windows = [window for window in node.weekly_limits if window.is_in_force(weekday, minute)]
    if windows:
        window = min(windows, key=lambda it: (_strictest_kw(node, it.limit_kw, it.limit_a), *it.order))
        limit_kw = _strictest_kw(node, window.limit_kw, window.limit_a)
        if limit_kw <= constant_kw:
            what = f"{_as_text(node, window.limit_kw, window.limit_a)} on {window}"
            return EffectiveLimit(limit_kw, LimitSource.WEEKLY, f"Its weekly limit: {what}.")
    return constant


def constant_limit_kw(node: PowerNode) -> float:
    """Return what a node can bear, in kW: the stricter of its constant limits."""
    return _strictest_kw(node, node.limit_kw, node.limit_a)


def lowest_limit_kw(node: PowerNode, exceptions: Iterable[LimitException], at: datetime) -> float:
    """Return the lowest limit of a node, in kW, that can come into force from a moment on."""
    limits: list[tuple[float | None, float | None]] = [(node.limit_kw, node.limit_a)]
    limits += [(window.limit_kw, window.limit_a) for window in node.weekly_limits]
    limits += [(rule.limit_kw, rule.limit_a) for rule in exceptions if rule.valid_until > at]
    return min(_strictest_kw(node, limit_kw, limit_a) for limit_kw, limit_a in limits)


def _strictest_kw(node: PowerNode, limit_kw: float | None, limit_a: float | None) -> float:
    limits = [limit_kw] if limit_kw is not None else []
    if limit_a is not None:
        limits.append(kw_of_current(limit_a, node.phases, node.voltage_v))
    return min(limits)


def _as_text(node: PowerNode, limit_kw: float | None, limit_a: float | None) -> str:
    texts = [f"{limit_kw:g} kW"] if limit_kw is not None else []
    if limit_a is not None:
        texts.append(f"{limit_a:g} A a phase, {kw_of_current(limit_a, node.phases, node.voltage_v):g} kW")
    return " and ".join(texts)
