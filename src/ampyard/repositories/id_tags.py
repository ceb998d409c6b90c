import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, Text, func, update

from ampyard.domain.id_tags import IdTag, IdTagKind, canonical
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository, given


@dataclass(frozen=True, slots=True)
class IdTagFilter:
    """Which id tags to list; a field that is `None` does not narrow."""

    kind: IdTagKind | None = None
    blocked: bool | None = None
    removed: bool | None = None
    value_contains: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.id_tag.c
        return [
            *([column.removed_at.is_not(None) if self.removed else column.removed_at.is_(None)] if self.removed is not None else []),
            *([column.kind == self.kind] if self.kind is not None else []),
            *([column.blocked == self.blocked] if self.blocked is not None else []),
            *([column.value.icontains(self.value_contains, autoescape=True)] if self.value_contains else []),
        ]


class IdTags(Repository[IdTag]):
    """Id tags. Those that were removed are there for history, and found only by their ids and where they are asked for."""

    entity = IdTag
    table = tables.id_tag
    orders = MappingProxyType({"VALUE": table.c.value, "CREATED_AT": table.c.created_at})

    async def by_value(self, value: str) -> IdTag | None:
        """Return the tag with this value, however it is written."""
        return (await self.by_values([value])).get(value)

    async def by_values(self, values: Iterable[str]) -> dict[str, IdTag]:
        """Return the tags with these values, however they are written, by value; what is unknown is absent."""
        wanted = {value: canonical(value) for value in values}
        column = self.table.c
        has = column.removed_at.is_(None)
        found = await self.where(column.canonical == func.any(given(sorted(set(wanted.values())), Text)), has)
        by_key = {tag.canonical: tag for tag in found}
        tags = {value: by_key[key] for value, key in wanted.items() if key in by_key}
        missing = [value for value in wanted if value not in tags]
        if missing:
            # Those of release 0.1.0. Apart, as an index of an expression is not used below row-level security.
            written = sorted({value.strip().upper() for value in missing})
            old = await self.where(column.canonical.is_(None), func.upper(column.value).in_(written), has)
            by_value = {tag.value.upper(): tag for tag in old}
            tags |= {value: by_value[value.strip().upper()] for value in missing if value.strip().upper() in by_value}
        return tags

    async def of_vehicles(self, vehicle_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[IdTag]]:
        """Return the tags that each vehicle has, by value."""
        needed = None if reads is None else reads | {"removed_at"}
        found = await self.grouped(self.table.c.vehicle_id, vehicle_ids, self.table.c.value, reads=needed)
        return {vehicle_id: [tag for tag in tags if tag.removed_at is None] for vehicle_id, tags in found.items()}

    async def formerly_of_vehicles(
        self, vehicle_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[IdTag]]:
        """Return the tags that each vehicle had, the last removed first."""
        needed = None if reads is None else reads | {"removed_at"}
        found = await self.grouped(self.table.c.vehicle_id, vehicle_ids, self.table.c.id, reads=needed)
        gone = {vehicle_id: [(tag.removed_at, tag) for tag in tags if tag.removed_at is not None] for vehicle_id, tags in found.items()}
        return {vehicle_id: [tag for _, tag in sorted(some, key=lambda one: one[0], reverse=True)] for vehicle_id, some in gone.items()}


async def block_tags(session: WriteSession, vehicle_id: uuid.UUID, *, at: datetime) -> int:
    """Block all tags of a vehicle; returns how many were not blocked yet."""
    column = tables.id_tag.c
    unblocked = (column.vehicle_id == vehicle_id, column.removed_at.is_(None), column.blocked.is_(False))
    return await session.execute(update(tables.id_tag).where(*unblocked).values(blocked=True, updated_at=at))
