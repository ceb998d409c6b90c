"""Power nodes: the supply tree of a depot, and what its nodes can bear."""

import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import MINUTES_A_DAY, Weekday, time_of_day

# So deep may a supply tree be; a grid connection with transformers, distributions and panels below it takes five.
MAX_TREE_DEPTH = 10
MAX_WEEKLY_LIMITS = 200

_NAME_LENGTH = 200
_HIGHEST_VOLTAGE_V = 1000  # above it is no low voltage (IEC 60038), and no charge point hangs there
_LONGEST_SILENCE_S = 86_400


class PowerNodeKind(StrEnum):
    GRID_CONNECTION = "GRID_CONNECTION"
    FEEDER = "FEEDER"
    PANEL = "PANEL"


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
        require_limits(str(self), self.limit_kw, self.limit_a)

    def __str__(self) -> str:
        return f"{self.weekday.name} {time_of_day(self.begin_minute)} to {time_of_day(self.end_minute)}"

    @property
    def order(self) -> tuple[int, int, int, float, float]:
        """Its place among others: by day and time, then by limits, none after all; only equal ones have the same."""
        limit_kw, limit_a = (math.inf if limit is None else limit for limit in (self.limit_kw, self.limit_a))
        return (self.weekday, self.begin_minute, self.end_minute, limit_kw, limit_a)

    def is_in_force(self, weekday: Weekday, minute: int) -> bool:
        """Tell whether it counts when clocks at the depot show this."""
        return self.weekday is weekday and self.begin_minute <= minute < self.end_minute


@dataclass(frozen=True, slots=True)
class PowerNode:
    """A node of a depot's supply tree; the root has no parent. Charge points hang on its leaves.

    `limit_kw` and, where there is one, `limit_a` of each phase are what it can bear: no rule lifts it above them.
    `voltage_v` is between phase and neutral. `unmanaged_fallback_kw` counts for what flows there that is not ours while a
    site meter is silent, which it is once its last reading is older than `site_meter_max_age_s`.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    parent_id: uuid.UUID | None
    kind: PowerNodeKind
    name: str
    limit_kw: float
    created_at: datetime
    updated_at: datetime
    limit_a: float | None = None
    phases: int = 3
    voltage_v: float = 230.0
    weekly_limits: tuple[WeeklyLimit, ...] = ()
    unmanaged_fallback_kw: float | None = None
    site_meter_max_age_s: int = 300


def power_node_faults(node: PowerNode) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a power node: the field, and what would be right."""
    if not node.name.strip():
        yield "name", "It is empty; give one."
    if len(node.name) > _NAME_LENGTH:
        yield "name", f"It has {len(node.name)} characters; {_NAME_LENGTH} at most."
    for field, value, unit in (
        ("limit_kw", node.limit_kw, "kW"),
        ("limit_a", node.limit_a, "A"),
        ("unmanaged_fallback_kw", node.unmanaged_fallback_kw, "kW"),
    ):
        if value is not None and not 0 <= value < math.inf:
            yield field, f"{value:g} {unit} is out of range; give a number from 0 up."
    if node.phases not in {1, 2, 3}:
        yield "phases", f"{node.phases} is out of range; give 1, 2 or 3."
    if not 0 < node.voltage_v <= _HIGHEST_VOLTAGE_V:
        yield "voltage_v", f"{node.voltage_v:g} V is out of range; give the voltage between phase and neutral, such as 230."
    if not 1 <= node.site_meter_max_age_s <= _LONGEST_SILENCE_S:
        yield "site_meter_max_age_s", f"{node.site_meter_max_age_s} s is out of range; give 1 to {_LONGEST_SILENCE_S}."
    if len(node.weekly_limits) > MAX_WEEKLY_LIMITS:
        yield "weekly_limits", f"{len(node.weekly_limits)} windows are too many; {MAX_WEEKLY_LIMITS} at most."


def kw_of_current(limit_a: float, phases: int, voltage_v: float) -> float:
    """Return the power, in kW, that a current on each of `phases` phases makes: A x V x phases / 1000.

    The voltage is between phase and neutral, and the power factor is taken as 1, as chargers correct theirs.
    """
    return limit_a * voltage_v * phases / 1000


def require_limits(what: str, limit_kw: float | None, limit_a: float | None) -> None:
    """Raise `InvalidInputError`, naming `what` it is about, unless there is a limit and each is a number from 0 up."""
    limits = [limit for limit in (limit_kw, limit_a) if limit is not None]
    if not limits:
        raise InvalidInputError(f"{what} limits nothing; give limitKw, limitA, or both.")
    for limit in limits:
        if not 0 <= limit < math.inf:
            raise InvalidInputError(f"{what} has the limit {limit:g}; give a number from 0 up.")
