"""The load of power nodes, kept in buckets of five minutes."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BUCKET = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """The load of a power node over the five minutes from `bucket_at` on; powers in kW, averages over `samples` looks at it.

    `limit_kw` is the strictest limit that counted meanwhile.
    """

    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    power_node_id: uuid.UUID
    bucket_at: datetime
    samples: int
    measured_avg_kw: float
    measured_max_kw: float
    unmanaged_avg_kw: float
    allocated_avg_kw: float
    limit_kw: float


def bucket_of(at: datetime, size: timedelta = BUCKET) -> datetime:
    """Return when the bucket began that a moment falls into; buckets of a size that divides the hour begin with it."""
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return begin + (at - begin) // size * size
