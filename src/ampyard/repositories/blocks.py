import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from sqlalchemy import ARRAY, ColumnElement, Integer, Text, and_, bindparam, false, func, literal, or_

from ampyard.domain.blocks import Block
from ampyard.domain.local_time import Weekday
from ampyard.domain.recurrence import mask_of
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class BlockFilter:
    """Which blocks to list; a field that is `None` does not narrow. What was removed is listed only where it is asked for.

    `depot_id` is where they leave from or return to; `day` keeps those that recur on it, enabled or not.
    """

    depot_id: uuid.UUID | None = None
    weekday: Weekday | None = None
    day: date | None = None
    enabled: bool | None = None
    contains: str | None = None
    external_id: str | None = None
    removed: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.block.c
        depot, day, text = self.depot_id, self.day, self.contains
        return [
            column.removed_at.is_not(None) if self.removed else column.removed_at.is_(None),
            *([or_(column.departure_depot_id == depot, column.return_depot_id == depot)] if depot is not None else []),
            *([_recurs_on(self.weekday)] if self.weekday is not None else []),
            *(_runs_through(day) if day is not None else []),
            *([column.enabled == self.enabled] if self.enabled is not None else []),
            *([or_(*(words.icontains(text, autoescape=True) for words in (column.name, column.external_id, column.note)))] if text else []),
            *([column.external_id == self.external_id] if self.external_id is not None else []),
        ]


def _runs_through(day: date) -> list[ColumnElement[bool]]:
    column = tables.block.c
    return [_recurs_on(Weekday.of(day)), column.first_day <= day, or_(column.last_day.is_(None), column.last_day >= day)]


def _recurs_on(weekday: Weekday) -> ColumnElement[bool]:
    return func.int4and(tables.block.c.weekdays, literal(mask_of([weekday]), Integer())) != 0


class Blocks(Repository[Block]):
    entity = Block
    table = tables.block
    orders = MappingProxyType(
        {"NAME": table.c.name, "DEPARTURE_TIME": table.c.departure_time, "CREATED_AT": table.c.created_at, "UPDATED_AT": table.c.updated_at}
    )

    async def leaving(self, days: Mapping[uuid.UUID, date]) -> dict[uuid.UUID, list[Block]]:
        """Return the blocks that leave depots on a day, which may be another for each, by depot."""
        of_day: dict[date, list[uuid.UUID]] = defaultdict(list)
        for depot_id, day in days.items():
            of_day[day].append(depot_id)
        from_depot = self.table.c.departure_depot_id
        runs = [and_(from_depot == func.any(array(ids)), *_runs_through(day)) for day, ids in of_day.items()]
        found = await self.where(or_(false(), *runs), *BlockFilter(enabled=True).conditions())
        by_depot: dict[uuid.UUID, list[Block]] = defaultdict(list)
        for block in found:
            by_depot[block.departure_depot_id].append(block)
        return by_depot

    async def by_external_ids(self, external_ids: Iterable[str]) -> dict[str, Block]:
        """Return the blocks that others know by these ids, but those that were removed."""
        wanted = bindparam(None, sorted(external_ids), type_=ARRAY(Text()), unique=True)
        found = await self.where(self.table.c.external_id == func.any(wanted), self.table.c.removed_at.is_(None))
        return {block.external_id: block for block in found if block.external_id is not None}
