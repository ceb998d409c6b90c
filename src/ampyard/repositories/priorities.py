import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy import Column, ColumnElement, DateTime, FromClause, Select, Uuid, bindparam, column, func, or_, select

from ampyard.domain.priorities import EffectivePriority, Priority, PriorityLevel, PriorityTarget, effective_priority
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository, UuidArray

_MOMENT = DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class PriorityFilter:
    """Which priorities to list; a field that is `None` does not narrow."""

    in_force_at: datetime | None = None
    vehicle_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    transaction_id: uuid.UUID | None = None
    vehicle_group_id: uuid.UUID | None = None
    resource_group_id: uuid.UUID | None = None
    target: PriorityTarget | None = None
    level: PriorityLevel | None = None
    recurring: bool | None = None
    cleared: bool | None = None
    author_contains: str | None = None
    reason_contains: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.priority.c
        targets = [(target.column, getattr(self, target.column)) for target in PriorityTarget]
        texts = ((column.author, self.author_contains), (column.reason, self.reason_contains))
        return [
            *(_in_force(self.in_force_at) if self.in_force_at is not None else []),
            *(column[name] == target_id for name, target_id in targets if target_id is not None),
            *([column[self.target.column].is_not(None)] if self.target is not None else []),
            *([column.level == self.level] if self.level is not None else []),
            *([_set(column.weekdays, self.recurring)] if self.recurring is not None else []),
            *([_set(column.cleared_at, self.cleared)] if self.cleared is not None else []),
            *(text.icontains(part, autoescape=True) for text, part in texts if part),
        ]


def _set(column: ColumnElement[object], is_set: bool) -> ColumnElement[bool]:  # noqa: FBT001 - reads as a sentence
    return column.is_not(None) if is_set else column.is_(None)


def _in_force(at: datetime) -> list[ColumnElement[bool]]:
    """Return `Priority.is_in_force` as SQL conditions."""
    column = tables.priority.c
    recurrence = (column.weekdays, column.starts_at, column.ends_at, column.time_zone, column.first_day, column.last_day)
    return [
        column.valid_from <= at,
        or_(column.valid_until.is_(None), column.valid_until > at),
        or_(column.cleared_at.is_(None), column.cleared_at > at),
        or_(column.weekdays.is_(None), func.ampyard_recurs(*recurrence, at)),
    ]


class Ranked(Protocol):
    """What a priority may be about: a transaction with its vehicle, charge point and depot."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def vehicle_id(self) -> uuid.UUID | None: ...
    @property
    def charge_point_id(self) -> uuid.UUID: ...
    @property
    def depot_id(self) -> uuid.UUID: ...


class Priorities(Repository[Priority]):
    entity = Priority
    table = tables.priority
    orders = MappingProxyType({"CREATED_AT": table.c.created_at, "VALID_FROM": table.c.valid_from, "LEVEL": table.c.level})

    async def effective(self, transactions: Iterable[Ranked], *, at: datetime) -> dict[uuid.UUID, EffectivePriority]:
        """Return the priority that counts for each transaction at a time, by transaction id; one statement for all.

        Looked at are the rules that have neither been cleared nor ended.
        """
        wanted = list(transactions)
        reading = self._reading(("effective",), None, _rules_about, leading=1)
        names = ("vehicle_id", "charge_point_id", "depot_id")
        subjects: dict[str, list[Any]] = {name: [getattr(t, name) for t in wanted] for name in names}
        records = await self.session.records(reading.query, {"id": [t.id for t in wanted], "at": at, **subjects})
        rules: list[list[Priority]] = [[] for _ in wanted]
        for record, rule in zip(records, reading.build(records), strict=True):
            rules[record[0] - 1].append(rule)
        return {t.id: effective_priority(about, at=at) for t, about in zip(wanted, rules, strict=True)}

    async def of_vehicles(
        self, vehicle_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[Priority]]:
        """Return the rules about each vehicle, newest last."""
        return await self.grouped(self.table.c.vehicle_id, vehicle_ids, self.table.c.created_at, self.table.c.id, reads=reads)

    async def of_charge_points(
        self, charge_point_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[Priority]]:
        """Return the rules about each charge point, newest last."""
        return await self.grouped(self.table.c.charge_point_id, charge_point_ids, self.table.c.created_at, self.table.c.id, reads=reads)

    async def of_vehicle_groups(
        self, group_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[Priority]]:
        """Return the rules about each vehicle group, newest last."""
        return await self.grouped(self.table.c.vehicle_group_id, group_ids, self.table.c.created_at, self.table.c.id, reads=reads)


def _rules_about(columns: list[Column[Any]]) -> Select[Any]:
    """Return the statement of all rules about some transactions, each with the number of the transaction.

    A rule is about a transaction by its vehicle, its charge point, a group that the vehicle is in, or a resource group that has its
    depot, its charge point, its vehicle or the vehicle's home in it, itself or in a group below.
    """
    names = ("id", "vehicle_id", "charge_point_id", "depot_id")
    given = func.unnest(*(bindparam(name, type_=UuidArray()) for name in names))
    given_row = given.table_valued(*(column(name, Uuid) for name in names), with_ordinality="number", name="given").render_derived()
    subject = select(given_row).cte("subject")
    rule, in_group, home = tables.priority.alias("rule"), tables.vehicle_group_member.c, tables.vehicle.c
    member, group = tables.resource_group_member.c, tables.resource_group.c

    def in_resource_group(condition: ColumnElement[bool]) -> Select[Any]:
        found = select(subject.c.number, member.resource_group_id.label("group_id"))
        return found.join_from(subject, tables.resource_group_member, condition)

    at_home = (
        select(subject.c.number, member.resource_group_id)
        .join_from(subject, tables.vehicle, home.id == subject.c.vehicle_id)
        .join(tables.resource_group_member, member.depot_id == home.depot_id)
    )
    direct = in_resource_group(member.vehicle_id == subject.c.vehicle_id).union(
        in_resource_group(member.charge_point_id == subject.c.charge_point_id),
        in_resource_group(member.depot_id == subject.c.depot_id),
        at_home,
    )
    members = direct.cte("member")
    below = select(members.c.number, members.c.group_id).cte("within", recursive=True)
    parents = select(below.c.number, group.parent_id).where(group.id == below.c.group_id, group.parent_id.is_not(None))
    within = below.union(parents)

    def about(condition: ColumnElement[bool], source: FromClause = subject) -> Select[Any]:
        alive = (rule.c.cleared_at.is_(None), or_(rule.c.valid_until.is_(None), rule.c.valid_until > bindparam("at", type_=_MOMENT)))
        return select(source.c.number, rule.c.id).join_from(source, rule, condition).where(*alive)

    of_vehicle_group = (
        select(subject.c.number, in_group.vehicle_group_id)
        .join_from(subject, tables.vehicle_group_member, in_group.vehicle_id == subject.c.vehicle_id)
        .subquery()
    )
    hits = (
        about(rule.c.transaction_id == subject.c.id)
        .union(
            about(rule.c.vehicle_id == subject.c.vehicle_id),
            about(rule.c.charge_point_id == subject.c.charge_point_id),
            about(rule.c.vehicle_group_id == of_vehicle_group.c.vehicle_group_id, of_vehicle_group),
            about(rule.c.resource_group_id == within.c.group_id, within),
        )
        .subquery("hit")
    )
    return select(hits.c.number, *columns).join_from(hits, tables.priority, tables.priority.c.id == hits.c.id)
