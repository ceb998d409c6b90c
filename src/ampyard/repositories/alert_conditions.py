"""What is remembered of conditions from one look to the next."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.alerts import Condition
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import array

_table = tables.alert_condition


async def try_lock_alerts(session: WriteSession, tenant_id: uuid.UUID) -> bool:
    """Take the lock of looking at a tenant until the end of the transaction; returns False, at once, when another holds it."""
    key = func.hashtextextended(f"alerts {tenant_id}", 0)
    return bool((await session.fetch(select(func.pg_try_advisory_xact_lock(key))))[0][0])


async def remembered(session: WriteSession) -> dict[tuple[uuid.UUID, uuid.UUID], Condition]:
    """Return the tenant's conditions, by rule and target."""
    column = _table.c
    rows = await session.fetch(select(column.rule_id, column.target_id, column.since, column.over_since, column.alert_id))
    return {(row[0], row[1]): Condition(*row) for row in rows}


async def remember(session: WriteSession, tenant_id: uuid.UUID, conditions: Sequence[Condition]) -> None:
    """Keep conditions as they are now."""
    if conditions:
        statement = insert(_table)
        changed = {name: statement.excluded[name] for name in ("since", "over_since", "alert_id")}
        statement = statement.on_conflict_do_update(index_elements=[_table.c.rule_id, _table.c.target_id], set_=changed)
        await session.execute(statement, [{"tenant_id": tenant_id, **asdict(condition)} for condition in conditions])


async def forget(session: WriteSession, conditions: Sequence[Condition]) -> None:
    """Remove conditions that are over."""
    by_rule: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for condition in conditions:
        by_rule[condition.rule_id].append(condition.target_id)
    for rule_id, target_ids in by_rule.items():
        await session.execute(delete(_table).where(_table.c.rule_id == rule_id, _table.c.target_id == func.any(array(target_ids))))


async def forget_rule(session: WriteSession, rule_id: uuid.UUID) -> None:
    """Remove all conditions of a rule."""
    await session.execute(delete(_table).where(_table.c.rule_id == rule_id))
