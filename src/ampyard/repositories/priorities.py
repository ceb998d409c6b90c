import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from sqlalchemy import ColumnElement, func, or_

from ampyard.domain.priorities import EffectivePriority, Priority, effective_priority
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class PriorityFilter:
    """Which priorities to list; a field that is `None` does not narrow."""

    in_force_at: datetime | None = None
    vehicle_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    transaction_id: uuid.UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.priority.c
        at = self.in_force_at
        return [
            *(
                [
                    column.valid_from <= at,
                    or_(column.valid_until.is_(None), column.valid_until > at),
                    or_(column.cleared_at.is_(None), column.cleared_at > at),
                ]
                if at is not None
                else []
            ),
            *([column.vehicle_id == self.vehicle_id] if self.vehicle_id is not None else []),
            *([column.charge_point_id == self.charge_point_id] if self.charge_point_id is not None else []),
            *([column.transaction_id == self.transaction_id] if self.transaction_id is not None else []),
        ]


class Ranked(Protocol):
    """What a priority may be about: a transaction with its vehicle and charge point."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def vehicle_id(self) -> uuid.UUID | None: ...
    @property
    def charge_point_id(self) -> uuid.UUID: ...


class Priorities(Repository[Priority]):
    entity = Priority
    table = tables.priority
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})

    async def effective(self, transactions: Iterable[Ranked], *, at: datetime) -> dict[uuid.UUID, EffectivePriority]:
        """Return the priority that counts for each transaction at a time, by transaction id."""
        wanted = list(transactions)
        column = self.table.c
        rules = await self.where(
            or_(
                column.transaction_id == func.any(array([t.id for t in wanted])),
                column.vehicle_id == func.any(array([t.vehicle_id for t in wanted if t.vehicle_id is not None])),
                column.charge_point_id == func.any(array([t.charge_point_id for t in wanted])),
            ),
            *PriorityFilter(in_force_at=at).conditions(),
        )
        by_target: dict[uuid.UUID, list[Priority]] = defaultdict(list)
        for rule in rules:
            by_target[rule.transaction_id or rule.vehicle_id or rule.charge_point_id or rule.id].append(rule)
        return {
            t.id: effective_priority(
                [*by_target[t.id], *(by_target[t.vehicle_id] if t.vehicle_id else ()), *by_target[t.charge_point_id]], at=at
            )
            for t in wanted
        }

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
