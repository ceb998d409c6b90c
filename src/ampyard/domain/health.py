"""How the installation is doing, in numbers."""

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Answering:
    """Whether a server answers, and how long that took; the time is None where it did not answer in time."""

    name: str
    answers: bool
    took_ms: float | None


@dataclass(frozen=True, slots=True)
class RelayHealth:
    """Events that wait to be relayed, of all tenants: how many, and for how long the oldest has; 0 where none waits."""

    waiting: int
    lag_s: float


@dataclass(frozen=True, slots=True)
class PlannerHealth:
    """When a depot's power was last shared, by any worker; None: not within memory, which is an hour."""

    depot_id: uuid.UUID
    shared_at: datetime | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class ProcessHealth:
    """A process that has told within the last quarter of a minute that it runs."""

    role: str
    name: str
    version: str
    started_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """Background jobs of all tenants: those that could run now, those that run, and how long the oldest of the first has waited."""

    waiting: int
    running: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class SystemHealth:
    """The whole of it. A part is None where its server did not answer in time: nothing is known then, which is not zero."""

    at: datetime
    version: str
    database: Answering
    events: Answering
    relay: RelayHealth | None
    queue: QueueHealth | None
    partitions_ahead: int | None
    planners: list[PlannerHealth] | None
    processes: list[ProcessHealth] | None
