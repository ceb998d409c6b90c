"""What the database says of itself, and of the work that waits in it."""

from dataclasses import dataclass
from datetime import datetime

from pgqueuer.adapters.persistence.qb import DBSettings
from sqlalchemy import func, select, text

from ampyard.domain.health import QueueHealth, RelayHealth
from ampyard.repositories import tables
from ampyard.repositories.database import APPLICATION_ROLE, Session


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What the database says of the application role and of the tables with tenants' rows."""

    superuser: bool
    bypasses: bool
    owned_tables: int
    unforced_tables: tuple[str, ...]


async def role_facts(session: Session) -> RoleFacts:
    """Return what decides whether tenants are kept apart."""
    rows = await session.fetch(
        text(
            """
            SELECT r.rolsuper, r.rolbypassrls,
                   (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p')),
                   ARRAY(
                       SELECT c.relname::text FROM pg_class c
                       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
                       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                         AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
                       ORDER BY 1
                   )
            FROM pg_roles r WHERE r.rolname = :role
            """
        ),
        {"role": APPLICATION_ROLE},
    )
    superuser, bypasses, owned, unforced = rows[0]
    return RoleFacts(superuser, bypasses, owned, tuple(unforced))


async def relay_health(system: Session, *, at: datetime) -> RelayHealth:
    """Return how many events of all tenants wait to be relayed, and for how long the oldest has."""
    column = tables.outbox.c
    ((waiting, oldest),) = await system.fetch(select(func.count(), func.min(column.occurred_at)))
    return RelayHealth(waiting, 0.0 if oldest is None else max(0.0, (at - oldest).total_seconds()))


async def queue_health(session: Session) -> QueueHealth:
    """Return how many jobs of the queue could run now, how many run, and how long the oldest of the first has waited."""
    table = DBSettings().qualified.queue_table
    ((waiting, running, oldest_s),) = await session.fetch(
        text(
            "SELECT count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()),"  # noqa: S608 - the library's own name
            " count(*) FILTER (WHERE status = 'picked'),"
            " extract(epoch FROM now() - min(execute_after) FILTER (WHERE status = 'queued' AND execute_after <= now()))"
            f" FROM {table}"
        )
    )
    return QueueHealth(waiting, running, 0.0 if oldest_s is None else float(oldest_s))


async def partitions_ahead(session: Session) -> int:
    """Return for how many months after the present one, in UTC, meter samples have a partition."""
    rows = await session.fetch(
        text(
            "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'meter_sample'::regclass"
            " AND c.relname ~ '^meter_sample_[0-9]{4}_[0-9]{2}$'"
            " AND right(c.relname, 7) > to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')"
        )
    )
    return int(rows[0][0])
