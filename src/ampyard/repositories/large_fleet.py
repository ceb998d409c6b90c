"""What the transactions of a large fleet leave behind, worked out inside the database: so many rows would take longer to send than to make.

A transaction charges evenly for the first part of its time; `share` says for which.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession

MADE = "tenant.seed_large"
"""The audit record by which a tenant is known to have been made so, and of what."""

# Each transaction that began in the time, with when it ends or was last measured, when it is full, and its power in kW until then.
_CHARGED = """
    SELECT t.*, u.until, u.full_at, t.energy_wh / extract(epoch FROM u.full_at - t.started_at) * 3.6 AS kw
    FROM transaction t
    CROSS JOIN LATERAL (
        SELECT coalesce(t.ended_at, t.measured_at) AS until,
               CASE WHEN t.ended_at IS NULL THEN t.measured_at ELSE t.started_at + (t.ended_at - t.started_at) * :share END AS full_at
    ) u
    WHERE t.started_at >= :from_at AND t.started_at < :to_at AND u.full_at > t.started_at
"""

_INTERVALS = text(
    f"""
    INSERT INTO energy_interval
        (tenant_id, transaction_id, depot_id, charge_point_id, evse_id, vehicle_id, starts_at, energy_wh, peak_kw, gap)
    SELECT c.tenant_id, c.id, c.depot_id, c.charge_point_id, c.evse_id, c.vehicle_id, q.at, c.kw / 3.6 * s.charging_s,
           CASE WHEN s.charging_s > 0 THEN c.kw ELSE 0 END, false
    FROM ({_CHARGED}) c
    CROSS JOIN LATERAL generate_series(
        date_bin('15 minutes', c.started_at, 'epoch'), c.until - interval '1 microsecond', interval '15 minutes'
    ) q(at)
    CROSS JOIN LATERAL (
        SELECT GREATEST(extract(epoch FROM LEAST(q.at + interval '15 minutes', c.full_at) - GREATEST(q.at, c.started_at)), 0) AS charging_s
    ) s
    """  # noqa: S608 - composed of constants
)

# Ids as UUIDv7 has them, of what the sample is of: so that the same sample has the same id.
_SAMPLES = text(
    f"""
    INSERT INTO meter_sample
        (id, tenant_id, charge_point_id, evse_id, transaction_id, sampled_at, measurand, phase, location, context, unit, value)
    SELECT (lpad(to_hex((extract(epoch FROM q.at) * 1000)::bigint), 12, '0') || '7' || substr(h.hex, 1, 3)
            || '8' || substr(h.hex, 4, 15))::uuid,
           c.tenant_id, c.charge_point_id, c.evse_id, c.id, q.at, m.measurand, NULL, NULL, 'Sample.Periodic', m.unit, m.value
    FROM ({_CHARGED}) c
    CROSS JOIN LATERAL generate_series(
        date_bin(CAST(:step AS interval), c.started_at, 'epoch') + CAST(:step AS interval), c.until, CAST(:step AS interval)
    ) q(at)
    CROSS JOIN LATERAL (
        VALUES ('Energy.Active.Import.Register', 'Wh',
                c.meter_start_wh + c.kw / 3.6 * extract(epoch FROM LEAST(q.at, c.full_at) - c.started_at)),
               ('Power.Active.Import', 'W', CASE WHEN q.at < c.full_at THEN c.kw * 1000 ELSE 0 END)
    ) m(measurand, unit, value)
    CROSS JOIN LATERAL (SELECT md5(c.id::text || q.at::text || m.measurand) AS hex) h
    """  # noqa: S608 - composed of constants
)

# The load of each node of a depot by quarter-hour: what charges below it, and by day what is not ours.
_LOADS = """
    SELECT n.tenant_id, n.depot_id, n.id AS power_node_id, q.at, n.limit_kw, coalesce(sum(l.kw), 0) AS kw,
           CASE WHEN n.parent_id IS NULL THEN 20 + 15 * (extract(hour FROM q.at) BETWEEN 6 AND 16)::int ELSE 0 END AS unmanaged_kw
    FROM power_node n
    CROSS JOIN generate_series(
        CAST(:from_at AS timestamptz), CAST(:to_at AS timestamptz) - interval '1 microsecond', interval '15 minutes'
    ) q(at)
    LEFT JOIN (
        SELECT p.power_node_id, i.starts_at, sum(i.energy_wh) / 250 AS kw
        FROM energy_interval i JOIN charge_point p ON p.id = i.charge_point_id
        WHERE i.depot_id = :depot_id AND i.starts_at >= :from_at AND i.starts_at < :to_at
        GROUP BY p.power_node_id, i.starts_at
    ) l ON l.starts_at = q.at AND (l.power_node_id = n.id OR n.parent_id IS NULL)
    WHERE n.depot_id = :depot_id
    GROUP BY n.id, q.at
"""

_NODE_QUARTERS = text(
    f"""
    INSERT INTO node_rollup
        (tenant_id, depot_id, power_node_id, of_day, starts_at, ends_at, samples, measured_avg_kw, measured_max_kw, unmanaged_avg_kw,
         allocated_avg_kw, limit_kw)
    SELECT tenant_id, depot_id, power_node_id, false, at, at + interval '15 minutes', 300, kw, kw * 1.05, unmanaged_kw, kw * 1.1, limit_kw
    FROM ({_LOADS}) load
    """  # noqa: S608 - composed of constants
)

_NODE_LOADS = text(
    f"""
    INSERT INTO node_load
        (tenant_id, depot_id, power_node_id, bucket_at, samples, measured_avg_kw, measured_max_kw, unmanaged_avg_kw, allocated_avg_kw,
         limit_kw, sampled_at)
    SELECT tenant_id, depot_id, power_node_id, at + n.past, 100, kw, kw * 1.05, unmanaged_kw, kw * 1.1, limit_kw, at + n.past
    FROM ({_LOADS}) load
    CROSS JOIN (VALUES (interval '0'), (interval '5 minutes'), (interval '10 minutes')) n(past)
    """  # noqa: S608 - composed of constants
)


async def made_of(session: Session) -> dict[str, Any] | None:
    """Return what the tenant was made of, None where it was not made as a large fleet."""
    record = tables.audit_record
    rows = await session.fetch(select(record.c.detail).where(record.c.action == MADE).order_by(record.c.at.desc()).limit(1))
    return dict(rows[0][0]) if rows else None


async def add_intervals(session: WriteSession, from_at: datetime, to_at: datetime, *, share: float) -> int:
    """Insert the energy intervals of the transactions that began in a time, and return how many."""
    return await session.execute(_INTERVALS, {"from_at": from_at, "to_at": to_at, "share": share})


async def add_samples(session: WriteSession, from_at: datetime, to_at: datetime, step: timedelta, *, share: float) -> int:
    """Insert samples of register and power of the transactions that began in a time, and return how many."""
    return await session.execute(_SAMPLES, {"from_at": from_at, "to_at": to_at, "step": step, "share": share})


async def add_loads(session: WriteSession, depot_id: uuid.UUID, from_at: datetime, recent_at: datetime, to_at: datetime) -> int:
    """Insert the loads of a depot's nodes, and return how many: rolled up until `recent_at`, from then on as the planner leaves them."""
    rolled_up = await session.execute(_NODE_QUARTERS, {"depot_id": depot_id, "from_at": from_at, "to_at": recent_at})
    return rolled_up + await session.execute(_NODE_LOADS, {"depot_id": depot_id, "from_at": recent_at, "to_at": to_at})
