"""Priorities: who is to be served first, for how long, why, and by whose decision."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from ampyard.domain.errors import InvalidInputError


class PriorityLevel(IntEnum):
    """Lexicographic classes of power sharing: a higher one is served entirely before a lower one."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Priority:
    """A rule that ranks one vehicle, charge point or transaction from `valid_from` until before `valid_until` (`None`: open).

    Raises:
        InvalidInputError: it has not exactly one target, or ends before it starts.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    level: PriorityLevel
    vehicle_id: uuid.UUID | None
    charge_point_id: uuid.UUID | None
    transaction_id: uuid.UUID | None
    reason: str | None
    author: str
    valid_from: datetime
    valid_until: datetime | None
    cleared_at: datetime | None
    created_at: datetime

    def __post_init__(self) -> None:
        targets = [target for target in (self.vehicle_id, self.charge_point_id, self.transaction_id) if target is not None]
        if len(targets) != 1:
            raise InvalidInputError(f"A priority has {len(targets)} targets; give exactly one: a vehicle, a charge point or a transaction.")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            span = f"from {self.valid_from.isoformat()} until {self.valid_until.isoformat()}"
            raise InvalidInputError(f"A priority {span} would never be in force; give an end after its start, or none.")

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether the rule counts at time `at`; it no longer does at the very time it ends or is cleared."""
        ends = [end for end in (self.valid_until, self.cleared_at) if end is not None]
        return self.valid_from <= at and all(at < end for end in ends)


@dataclass(frozen=True, slots=True)
class EffectivePriority:
    """The level that counts, and the rule it comes from; `None` where no rule is in force."""

    level: PriorityLevel
    rule: Priority | None


def effective_priority(rules: Iterable[Priority], *, at: datetime) -> EffectivePriority:
    """Return which of `rules`, all about the same charging process, counts at time `at`, whatever their order.

    The most specific target wins (transaction, then vehicle, then charge point), then the highest level, then the
    newest rule, then the greater id. So an order about one transaction can also lower what its vehicle has in general.
    """
    winner = max((rule for rule in rules if rule.is_in_force(at)), key=_precedence, default=None)
    return EffectivePriority(PriorityLevel.NORMAL if winner is None else winner.level, winner)


def _precedence(rule: Priority) -> tuple[bool, bool, PriorityLevel, datetime, uuid.UUID]:
    return rule.transaction_id is not None, rule.vehicle_id is not None, rule.level, rule.created_at, rule.id
