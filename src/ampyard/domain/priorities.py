"""Priorities: who is to be served first, when, why, and by whose decision (ADR 0016)."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import IntEnum, StrEnum

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import Weekday
from ampyard.domain.recurrence import Recurrence


class PriorityLevel(IntEnum):
    """Lexicographic classes of power sharing: a higher one is served entirely before a lower one."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


class PriorityTarget(StrEnum):
    """What a rule is about, the most specific first: the order in which rules win."""

    TRANSACTION = "TRANSACTION"
    VEHICLE = "VEHICLE"
    CHARGE_POINT = "CHARGE_POINT"
    VEHICLE_GROUP = "VEHICLE_GROUP"
    RESOURCE_GROUP = "RESOURCE_GROUP"

    @property
    def column(self) -> str:
        """The field of a rule that holds the target's id."""
        return f"{self.value.lower()}_id"

    @property
    def words(self) -> str:
        """What to call it in a sentence."""
        return self.value.lower().replace("_", " ")


_SPECIFICITY = {target: -place for place, target in enumerate(PriorityTarget)}


@dataclass(frozen=True, slots=True)
class Priority:
    """A rule that ranks one target from `valid_from` until before `valid_until` (None: open), or in windows that come again.

    Of a recurrence, all of `weekdays`, `starts_at`, `ends_at` and `time_zone` are there, and `valid_until` is not.

    Raises:
        InvalidInputError: it has not exactly one target, ends before it starts, or its recurrence never comes.
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
    vehicle_group_id: uuid.UUID | None = None
    resource_group_id: uuid.UUID | None = None
    weekdays: frozenset[Weekday] | None = None
    starts_at: time | None = None
    ends_at: time | None = None
    time_zone: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    updated_at: datetime | None = None

    def __post_init__(self) -> None:
        targets = [target for target in PriorityTarget if getattr(self, target.column) is not None]
        if len(targets) != 1:
            allowed = "a transaction, a vehicle, a charge point, a vehicle group or a resource group"
            raise InvalidInputError(f"A priority has {len(targets)} targets; give exactly one: {allowed}.", ("input",))
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            span = f"from {self.valid_from.isoformat()} until {self.valid_until.isoformat()}"
            message = f"A priority {span} would never be in force; give an end after its start, or none."
            raise InvalidInputError(message, ("input", "validUntil"))
        if self.recurrence is not None and self.valid_until is not None:
            message = "A priority has either an end or a recurrence, whose last day ends it; give one of the two."
            raise InvalidInputError(message, ("input", "validUntil"))

    @property
    def target(self) -> PriorityTarget:
        """What it is about."""
        return next(target for target in PriorityTarget if getattr(self, target.column) is not None)

    @property
    def target_id(self) -> uuid.UUID:
        """The id of what it is about."""
        found: uuid.UUID = getattr(self, self.target.column)
        return found

    @property
    def recurrence(self) -> Recurrence | None:
        """The windows it is in force in; None where it has none, and is in force throughout.

        Raises:
            InvalidInputError: they never come.
        """
        if self.weekdays is None or self.starts_at is None or self.ends_at is None or self.time_zone is None:
            return None
        return Recurrence(self.weekdays, self.starts_at, self.ends_at, self.time_zone, self.first_day, self.last_day)

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether the rule counts at time `at`; it no longer does at the very time it ends or is cleared."""
        return self.absence(at) is None

    def absence(self, at: datetime) -> "PriorityOutcome | None":
        """Return why the rule is not in force at time `at`; None where it is."""
        if self.cleared_at is not None and self.cleared_at <= at:
            return PriorityOutcome.CLEARED
        if at < self.valid_from:
            return PriorityOutcome.NOT_YET
        if self.valid_until is not None and self.valid_until <= at:
            return PriorityOutcome.OVER
        recurrence = self.recurrence
        return None if recurrence is None or recurrence.covers(at) else PriorityOutcome.OUTSIDE_WINDOW


class PriorityOutcome(StrEnum):
    """What became of a rule when it was asked which one counts."""

    WON = "WON"
    LESS_SPECIFIC = "LESS_SPECIFIC"
    LOWER_LEVEL = "LOWER_LEVEL"
    OLDER = "OLDER"
    NOT_YET = "NOT_YET"
    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    OVER = "OVER"
    CLEARED = "CLEARED"


@dataclass(frozen=True, slots=True)
class PriorityVerdict:
    """What became of one rule, and why."""

    rule: Priority
    outcome: PriorityOutcome
    why: str


@dataclass(frozen=True, slots=True)
class EffectivePriority:
    """The level that counts at a moment, and the rule it comes from (None: no rule is in force, which is as good as `NORMAL`).

    `considered` are all rules that were looked at: those in force by precedence, then the others.
    """

    level: PriorityLevel
    rule: Priority | None
    at: datetime
    considered: tuple[Priority, ...]

    @property
    def raised_at(self) -> datetime | None:
        """When it was raised above NORMAL; None where it was not, or by a rule that comes back at certain hours."""
        rule = self.rule
        if rule is None or rule.level <= PriorityLevel.NORMAL or rule.recurrence is not None:
            return None
        return max(rule.created_at, rule.valid_from)

    @property
    def explanation(self) -> list[PriorityVerdict]:
        """Why the winner won and every other rule did not."""
        return [_verdict(rule, self.rule, self.at) for rule in self.considered]


def effective_priority(rules: Iterable[Priority], *, at: datetime) -> EffectivePriority:
    """Return which of `rules`, all about the same charging process, counts at time `at`, whatever their order.

    The most specific target wins (`PriorityTarget`), then the highest level, then the newest rule, then the greater id. So an
    order about one transaction can also lower what its vehicle has in general.
    """
    found = sorted(rules, key=lambda rule: (rule.is_in_force(at), *_precedence(rule)), reverse=True)
    winner = found[0] if found and found[0].is_in_force(at) else None
    return EffectivePriority(PriorityLevel.NORMAL if winner is None else winner.level, winner, at, tuple(found))


def _precedence(rule: Priority) -> tuple[int, PriorityLevel, datetime, uuid.UUID]:
    return _SPECIFICITY[rule.target], rule.level, rule.created_at, rule.id


def _verdict(rule: Priority, winner: Priority | None, at: datetime) -> PriorityVerdict:
    absence = rule.absence(at)
    if absence is not None:
        return PriorityVerdict(rule, absence, _why_absent(rule, absence))
    if winner is None or rule is winner:
        return PriorityVerdict(rule, PriorityOutcome.WON, f"It is about the {rule.target.words}, and no rule in force comes before it.")
    if rule.target is not winner.target:
        why = f"It is about the {rule.target.words}; the winner is about the {winner.target.words}, which is more specific."
        return PriorityVerdict(rule, PriorityOutcome.LESS_SPECIFIC, why)
    if rule.level is not winner.level:
        why = f"It says {rule.level.name}; the winner, as specific, says {winner.level.name}, which is higher."
        return PriorityVerdict(rule, PriorityOutcome.LOWER_LEVEL, why)
    return PriorityVerdict(rule, PriorityOutcome.OLDER, f"It says {rule.level.name} as the winner does, which is newer.")


def _why_absent(rule: Priority, absence: PriorityOutcome) -> str:
    recurrence = rule.recurrence
    if absence is PriorityOutcome.OUTSIDE_WINDOW and recurrence is not None:
        return f"It counts {recurrence.words}; that is not now."
    began = {
        PriorityOutcome.CLEARED: ("It was cleared at", rule.cleared_at),
        PriorityOutcome.OVER: ("It ended at", rule.valid_until),
        PriorityOutcome.NOT_YET: ("It begins at", rule.valid_from),
    }
    what, moment = began[absence]
    return f"{what} {moment.isoformat() if moment else ''}."
