"""Limits of a transaction that others than power sharing set: a dispatcher, or a party that buys the energy. They only ever lower."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.limit_schedules import Schedule, Step, simplified


class LimitOrigin(StrEnum):
    """Who set a limit: a person, or a party through OCPI's charging profiles."""

    MANUAL = "MANUAL"
    OCPI = "OCPI"


@dataclass(frozen=True, slots=True)
class ChargingLimit:
    """What a transaction may use at most, over time, until `valid_until` (None: until it ends) or until it is cleared."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    transaction_id: uuid.UUID
    origin: LimitOrigin
    schedule: Schedule
    valid_until: datetime | None
    reason: str
    author: str
    created_at: datetime
    cleared_at: datetime | None = None

    def counts(self, at: datetime) -> bool:
        """Tell whether it holds at a moment."""
        return self.cleared_at is None and (self.valid_until is None or at < self.valid_until)


def capped(wanted: Schedule, limits: Iterable[ChargingLimit]) -> Schedule:
    """Return a schedule lowered to what the limits leave of it at each moment: the strictest counts."""
    limits = [limit for limit in limits if limit.cleared_at is None]
    start = wanted.steps[0].begins_at
    moments = {step.begins_at for step in wanted.steps}
    moments |= {step.begins_at for limit in limits for step in limit.schedule.steps}
    moments |= {limit.valid_until for limit in limits if limit.valid_until is not None}
    return simplified(Step(moment, min(wanted.at(moment), _lowest(limits, moment))) for moment in sorted(moments) if moment >= start)


def cap_kw(limits: Sequence[ChargingLimit], at: datetime) -> float | None:
    """Return the strictest of the limits that count at a moment, in kW; `None`: none does."""
    return min((limit.schedule.at(at) for limit in limits if limit.counts(at)), default=None)


def _lowest(limits: Iterable[ChargingLimit], at: datetime) -> float:
    return min((limit.schedule.at(at) for limit in limits if limit.counts(at)), default=float("inf"))
