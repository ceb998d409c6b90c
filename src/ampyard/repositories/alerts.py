"""Alerts and their rules."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, delete, func, select, update

from ampyard.domain.alerts import Alert, AlertChange, AlertKind, AlertRule, AlertSeverity, AlertState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts to list; a field that is `None` does not narrow. Times bound `opened_at`: from inclusive, to exclusive."""

    states: frozenset[AlertState] | None = None
    kinds: frozenset[AlertKind] | None = None
    min_severity: AlertSeverity | None = None
    depot_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    vehicle_id: uuid.UUID | None = None
    transaction_id: uuid.UUID | None = None
    rule_id: uuid.UUID | None = None
    opened_from: datetime | None = None
    opened_to: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.alert.c
        equal = {
            column.depot_id: self.depot_id,
            column.charge_point_id: self.charge_point_id,
            column.vehicle_id: self.vehicle_id,
            column.transaction_id: self.transaction_id,
            column.rule_id: self.rule_id,
        }
        return [
            *([column.state == func.any(_texts(self.states))] if self.states is not None else []),
            *([column.kind == func.any(_texts(self.kinds))] if self.kinds is not None else []),
            *([column.severity >= self.min_severity] if self.min_severity is not None else []),
            *[name == value for name, value in equal.items() if value is not None],
            *([column.opened_at >= self.opened_from] if self.opened_from is not None else []),
            *([column.opened_at < self.opened_to] if self.opened_to is not None else []),
        ]


@dataclass(frozen=True, slots=True)
class AlertRuleFilter:
    """Which rules to list; a field that is `None` does not narrow."""

    kind: AlertKind | None = None
    enabled: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.alert_rule.c
        return [
            *([column.kind == self.kind] if self.kind is not None else []),
            *([column.enabled.is_(self.enabled)] if self.enabled is not None else []),
        ]


@dataclass(frozen=True, slots=True)
class AlertCount:
    """How many alerts there are of a kind, a severity and a state."""

    kind: AlertKind
    severity: AlertSeverity
    state: AlertState
    count: int


class Alerts(Repository[Alert]):
    entity = Alert
    table = tables.alert
    orders = MappingProxyType({"OPENED_AT": table.c.opened_at, "SEVERITY": table.c.severity, "UPDATED_AT": table.c.updated_at})


class AlertRules(Repository[AlertRule]):
    entity = AlertRule
    table = tables.alert_rule
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})


class AlertChanges(Repository[AlertChange]):
    entity = AlertChange
    table = tables.alert_change
    orders = MappingProxyType({"AT": table.c.at})

    async def of_alerts(self, alert_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[AlertChange]]:
        """Return what became of each alert, oldest first."""
        return await self.grouped(self.table.c.alert_id, alert_ids, self.table.c.at, self.table.c.id, reads=reads)


async def rules_by_tenant(session: Session) -> list[uuid.UUID]:
    """Return the tenants that have an enabled rule, as the system role."""
    column = tables.alert_rule.c
    rows = await session.fetch(select(column.tenant_id).where(column.enabled).distinct().order_by(column.tenant_id))
    return [row[0] for row in rows]


async def alert_counts(session: Session, narrowing: AlertFilter) -> list[AlertCount]:
    """Return how many alerts there are of each kind, severity and state."""
    column = tables.alert.c
    groups = (column.kind, column.severity, column.state)
    rows = await session.fetch(select(*groups, func.count()).where(*narrowing.conditions()).group_by(*groups).order_by(*groups))
    return [AlertCount(*row) for row in rows]


async def unresolved_counts(session: Session) -> dict[tuple[AlertKind, AlertSeverity], int]:
    """Return how many alerts are not resolved, by kind and severity, over all tenants; as the system role."""
    column = tables.alert.c
    rows = await session.fetch(
        select(column.kind, column.severity, func.count())
        .where(column.state != AlertState.RESOLVED)
        .group_by(column.kind, column.severity)
        .order_by(column.kind, column.severity)
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def remove_rule(session: WriteSession, rule_id: uuid.UUID) -> None:
    """Remove a rule; its alerts stay, without it."""
    await session.execute(delete(tables.alert_rule).where(tables.alert_rule.c.id == rule_id))


async def unresolved_of_rules(session: Session, rule_ids: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID, uuid.UUID], uuid.UUID]:
    """Return the alerts of rules that are not resolved, by rule and target."""
    column = tables.alert.c
    rows = await session.fetch(
        select(column.rule_id, column.target_id, column.id).where(
            column.rule_id == func.any(array(rule_ids)), column.state != AlertState.RESOLVED
        )
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def resolve_alerts(
    session: WriteSession, alert_ids: Collection[uuid.UUID], *, at: datetime, author: str | None = None
) -> list[Alert]:
    """Resolve those of some alerts that are not yet; returns them. Without an author they end by themselves."""
    if not alert_ids:
        return []
    column = tables.alert.c
    rows = await session.fetch(
        update(tables.alert)
        .where(column.id == func.any(array(alert_ids)), column.state != AlertState.RESOLVED)
        .values(state=AlertState.RESOLVED, resolved_at=at, resolved_by=author, updated_at=at)
        .returning(*Alerts.columns())
    )
    return [Alert(*row) for row in rows]


def _texts(values: frozenset[AlertState] | frozenset[AlertKind]) -> ColumnElement[Sequence[str]]:
    # One array, whatever its length: the text of the statement stays the same.
    return bindparam(None, sorted(value.value for value in values), type_=ARRAY(Text()), unique=True)
