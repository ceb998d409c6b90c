"""Which limit of a power node counts at a moment, and why."""

import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import MINUTES_A_DAY, Weekday, time_of_day_text, wall_clock


class LimitSource(StrEnum):
    """Which of a node's limits counts."""

    CONSTANT = "CONSTANT"
    WEEKLY = "WEEKLY"
    EXCEPTION = "EXCEPTION"


@dataclass(frozen=True, slots=True)
class WeeklyLimit:
    """A limit on one weekday, in the depot's local time: from `begin_minute` to before `end_minute` after midnight, 1440 at most.

    `limit_kw` is of the whole node, `limit_a` of each phase; where both are given, the stricter counts.

    Raises:
        InvalidInputError: it ends before it begins, or limits nothing, or by what is no number from 0 up.
    """

    weekday: Weekday
    begin_minute: int
    end_minute: int
    limit_kw: float | None
    limit_a: float | None

    def __post_init__(self) -> None:
        if not 0 <= self.begin_minute < self.end_minute <= MINUTES_A_DAY:
            raise InvalidInputError(
                f"{self} ends before it begins; give a later end, and what goes on after midnight as another window of the next day."
            )
        _require_limit(str(self), self.limit_kw, self.limit_a)

    def __str__(self) -> str:
        return f"{self.weekday.name} {time_of_day_text(self.begin_minute)} to {time_of_day_text(self.end_minute)}"

    def is_in_force(self, weekday: Weekday, minute: int) -> bool:
        """Tell whether it counts when clocks at the depot show this."""
        return self.weekday is weekday and self.begin_minute <= minute < self.end_minute


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
        _require_limit(f"The limit {span}", self.limit_kw, self.limit_a)

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether it counts at a moment."""
        return self.valid_from <= at < self.valid_until


class Ratings(Protocol):
    """The constant limits of a power node, which are technical, and what its weekly ones are."""

    @property
    def limit_kw(self) -> float: ...
    @property
    def limit_a(self) -> float | None: ...
    @property
    def phases(self) -> int: ...
    @property
    def voltage_v(self) -> float: ...
    @property
    def weekly_limits(self) -> tuple[WeeklyLimit, ...]: ...


@dataclass(frozen=True, slots=True)
class EffectiveLimit:
    """What may flow through a power node at a moment, where it comes from, and that in a sentence for people.

    `exception_id` names the exception that counts, where one does.
    """

    limit_kw: float
    source: LimitSource
    explanation: str
    exception_id: uuid.UUID | None = None


def kw_of_current(limit_a: float, phases: int, voltage_v: float) -> float:
    """Return the power, in kW, that a current on each of `phases` phases makes: A x V x phases / 1000.

    The voltage is between phase and neutral, and the power factor is taken as 1, as chargers correct theirs.
    """
    return limit_a * voltage_v * phases / 1000


def effective_limit(node: Ratings, exceptions: Iterable[LimitException], at: datetime, time_zone: str) -> EffectiveLimit:
    """Return the limit of a node that counts at a moment; `exceptions` are its own, whether in force or not.

    A dated exception goes before the weekly windows, these before the constant limit. Of several that are in force at
    once, the strictest counts, whatever their order. None lifts the node above its constant limit, which is technical.
    """
    constant_kw = _strictest_kw(node, node.limit_kw, node.limit_a)
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
        window = min(windows, key=lambda it: (_strictest_kw(node, it.limit_kw, it.limit_a), it.begin_minute, it.end_minute))
        limit_kw = _strictest_kw(node, window.limit_kw, window.limit_a)
        if limit_kw <= constant_kw:
            what = f"{_as_text(node, window.limit_kw, window.limit_a)} on {window}"
            return EffectiveLimit(limit_kw, LimitSource.WEEKLY, f"Its weekly limit: {what}.")
    return constant


def lowest_limit_kw(node: Ratings, exceptions: Iterable[LimitException], at: datetime) -> float:
    """Return the lowest limit of a node, in kW, that can come into force from a moment on."""
    limits: list[tuple[float | None, float | None]] = [(node.limit_kw, node.limit_a)]
    limits += [(window.limit_kw, window.limit_a) for window in node.weekly_limits]
    limits += [(rule.limit_kw, rule.limit_a) for rule in exceptions if rule.valid_until > at]
    return min(_strictest_kw(node, limit_kw, limit_a) for limit_kw, limit_a in limits)


def _strictest_kw(node: Ratings, limit_kw: float | None, limit_a: float | None) -> float:
    limits = [limit_kw] if limit_kw is not None else []
    if limit_a is not None:
        limits.append(kw_of_current(limit_a, node.phases, node.voltage_v))
    return min(limits)


def _as_text(node: Ratings, limit_kw: float | None, limit_a: float | None) -> str:
    texts = [f"{limit_kw:g} kW"] if limit_kw is not None else []
    if limit_a is not None:
        texts.append(f"{limit_a:g} A a phase, {kw_of_current(limit_a, node.phases, node.voltage_v):g} kW")
    return " and ".join(texts)


def _require_limit(what: str, limit_kw: float | None, limit_a: float | None) -> None:
    limits = [limit for limit in (limit_kw, limit_a) if limit is not None]
    if not limits:
        raise InvalidInputError(f"{what} limits nothing; give limitKw, limitA, or both.")
    for limit in limits:
        if not 0 <= limit < math.inf:
            raise InvalidInputError(f"{what} has the limit {limit:g}; give a number from 0 up.")
