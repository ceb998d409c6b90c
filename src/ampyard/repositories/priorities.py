import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, func, or_, select

from ampyard.domain.priorities import EffectivePriority, Priority, PriorityLevel, PriorityTarget, effective_priority
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository, array


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
        """Return the priority that counts for each transaction at a time, by transaction id.

        Looked at are the rules that have neither been cleared nor ended; one statement, and one more for each kind of group there are rules
        about, whatever the number of transactions.
        """
        wanted = list(transactions)
        rules = await self._rules(wanted, at)
        by_target: dict[uuid.UUID, list[Priority]] = defaultdict(list)
        for rule in rules:
            by_target[rule.target_id].append(rule)
        groups: Mapping[uuid.UUID, Iterable[uuid.UUID]] = {}
        vehicle_groups: Mapping[uuid.UUID, Iterable[uuid.UUID]] = {}
        if any(rule.resource_group_id is not None for rule in rules):
            groups = await self._resource_groups(wanted)
        if any(rule.vehicle_group_id is not None for rule in rules):
            vehicle_groups = await self._vehicle_groups(wanted)
        found: dict[uuid.UUID, EffectivePriority] = {}
        for t in wanted:
            members = [member for member in (t.vehicle_id, t.charge_point_id, t.depot_id) if member is not None]
            targets = {t.id, *members}.union(*(groups.get(member, ()) for member in members))
            targets |= set(vehicle_groups.get(t.vehicle_id, ())) if t.vehicle_id is not None else set()
            found[t.id] = effective_priority([rule for target in targets for rule in by_target.get(target, ())], at=at)
        return found

    async def _rules(self, transactions: Sequence[Ranked], at: datetime) -> list[Priority]:
        column = self.table.c
        return await self.where(
            or_(
                column.transaction_id == func.any(array([t.id for t in transactions])),
                column.vehicle_id == func.any(array({t.vehicle_id for t in transactions if t.vehicle_id is not None})),
                column.charge_point_id == func.any(array({t.charge_point_id for t in transactions})),
                column.vehicle_group_id.is_not(None),
                column.resource_group_id.is_not(None),
            ),
            column.cleared_at.is_(None),
            or_(column.valid_until.is_(None), column.valid_until > at),
        )

    async def _vehicle_groups(self, transactions: Sequence[Ranked]) -> dict[uuid.UUID, list[uuid.UUID]]:
        """Return the vehicle groups that each vehicle is in."""
        member = tables.vehicle_group_member.c
        vehicles = array({t.vehicle_id for t in transactions if t.vehicle_id is not None})
        return await self._collected(select(member.vehicle_id, member.vehicle_group_id).where(member.vehicle_id == func.any(vehicles)))

    async def _resource_groups(self, transactions: Sequence[Ranked]) -> dict[uuid.UUID, list[uuid.UUID]]:
        """Return the resource groups that each vehicle, charge point and depot is in, and those above them.

        A vehicle is also where its home depot is.
        """
        member, vehicle, group = tables.resource_group_member.c, tables.vehicle.c, tables.resource_group.c
        vehicles = array({t.vehicle_id for t in transactions if t.vehicle_id is not None})
        charge_points = array({t.charge_point_id for t in transactions})
        depots = array({t.depot_id for t in transactions})
        of_home = select(vehicle.id, member.resource_group_id).join(tables.resource_group_member, member.depot_id == vehicle.depot_id)
        direct = (
            select(member.vehicle_id.label("member_id"), member.resource_group_id.label("group_id"))
            .where(member.vehicle_id == func.any(vehicles))
            .union(
                of_home.where(vehicle.id == func.any(vehicles)),
                select(member.charge_point_id, member.resource_group_id).where(member.charge_point_id == func.any(charge_points)),
                select(member.depot_id, member.resource_group_id).where(member.depot_id == func.any(depots)),
            )
            .cte("direct")
        )
        above = select(direct.c.member_id, direct.c.group_id).cte("above", recursive=True)
        parents = select(above.c.member_id, group.parent_id).where(group.id == above.c.group_id, group.parent_id.is_not(None))
        return await self._collected(select(above.union(parents)))

    async def _collected(self, statement: Select[Any]) -> dict[uuid.UUID, list[uuid.UUID]]:
        found: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
        for member_id, group_id in await self.session.fetch(statement):
            found[member_id].append(group_id)
        return found

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
