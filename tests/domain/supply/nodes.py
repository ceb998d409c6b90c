"""Power nodes and what is said of them, for tests of the supply."""

import uuid
from datetime import UTC, datetime, timedelta

from ampyard.domain.local_time import Weekday
from ampyard.domain.supply import LimitException, PowerNode, PowerNodeKind, SiteMeter, WeeklyLimit

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)  # a Monday, 9:00 in Berlin
TENANT, DEPOT = uuid.UUID(int=1), uuid.UUID(int=2)


def node(number: int = 10, parent: int | None = None, *, limit_kw: float = 100.0, name: str | None = None, **more: object) -> PowerNode:
    return PowerNode(
        id=uuid.UUID(int=number),
        tenant_id=TENANT,
        depot_id=DEPOT,
        parent_id=None if parent is None else uuid.UUID(int=parent),
        kind=PowerNodeKind.FEEDER,
        name=name or f"Node {number}",
        limit_kw=limit_kw,
        created_at=T0,
        updated_at=T0,
        **more,  # type: ignore[arg-type]  # passed through
    )


def exception(
    number: int, limit_kw: float | None, limit_a: float | None = None, *, begin: datetime = T0, hours: float = 1.0, of: int = 10
) -> LimitException:
    return LimitException(
        id=uuid.UUID(int=number),
        tenant_id=TENANT,
        depot_id=DEPOT,
        power_node_id=uuid.UUID(int=of),
        valid_from=begin,
        valid_until=begin + timedelta(hours=hours),
        limit_kw=limit_kw,
        limit_a=limit_a,
        reason=f"Reason {number}",
        author="user:tester",
        created_at=T0,
    )


def meter(
    kw: float,
    *,
    age_s: float = 0.0,
    highest_kw: float | None = None,
    amperes: tuple[float | None, ...] = (None, None, None),
    highest_a: tuple[float | None, ...] = (None, None, None),
) -> SiteMeter:
    l1_a, l2_a, l3_a = amperes
    highest = kw if highest_kw is None else highest_kw
    return SiteMeter(uuid.UUID(int=10), TENANT, DEPOT, T0 - timedelta(seconds=age_s), kw, l1_a, l2_a, l3_a, highest, *highest_a)


def windows(weekday: int, *spans: tuple[int, int, float | None]) -> tuple[WeeklyLimit, ...]:
    """Return weekly limits in kW of one weekday, by hours of the day."""
    return tuple(WeeklyLimit(Weekday(weekday), begin * 60, end * 60, limit_kw, None) for begin, end, limit_kw in spans)
