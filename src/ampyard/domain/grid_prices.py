"""Prices of energy that the outside tells ahead, for planning. What energy is billed at is `domain.pricing`."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class GridPrice:
    """What a kWh costs in a depot from `begins_at` to before `ends_at`, in `currency`; it may be negative. The newest counts."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    link_id: uuid.UUID
    external_id: str
    begins_at: datetime
    ends_at: datetime
    price_per_kwh: float
    currency: str
    received_at: datetime


def mean_prices(prices: Iterable[GridPrice], spans: Sequence[tuple[datetime, datetime]]) -> list[float | None]:
    """Return the mean price a kWh over each span, weighted by time; None where some of it has no price.

    Raises:
        ValueError: a span ends before it begins, or not after.
    """
    newest_first = sorted(prices, key=lambda it: (it.received_at, it.begins_at, it.id), reverse=True)
    return [_mean(newest_first, begin, end) for begin, end in spans]


def _mean(newest_first: Sequence[GridPrice], begin: datetime, end: datetime) -> float | None:
    if end <= begin:
        raise ValueError(f"The span from {begin.isoformat()} to {end.isoformat()} has no length.")
    known = [it for it in newest_first if it.begins_at < end and it.ends_at > begin]
    edges = sorted({begin, end, *(max(it.begins_at, begin) for it in known), *(min(it.ends_at, end) for it in known)})
    total = 0.0
    for start, stop in pairwise(edges):
        price = next((it.price_per_kwh for it in known if it.begins_at <= start and it.ends_at >= stop), None)
        if price is None:
            return None
        total += price * (stop - start).total_seconds()
    return total / (end - begin).total_seconds()
