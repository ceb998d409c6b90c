"""What every repository can do: fetch by id, and list in keyset pages, for one parent or for many in one statement."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import ARRAY, Column, ColumnElement, Select, Table, Uuid, bindparam, func, literal, select, true, tuple_

from ampyard.domain.paging import Keyset, Page, PageRequest
from ampyard.repositories.database import Session

E = TypeVar("E")


class Repository(Generic[E]):
    """Reads of one aggregate. Subclasses name the entity, its table and the orders it can be listed in.

    Column names equal the entity's fields, so a row becomes an entity by position.
    """

    entity: ClassVar[type[Any]]
    table: ClassVar[Table]
    # By name: the column to order by (never null), always followed by the id.
    orders: ClassVar[Mapping[str, Column[Any]]] = {}

    def __init__(self, session: Session) -> None:
        self.session = session

    @classmethod
    def columns(cls) -> list[Column[Any]]:
        """The entity's columns, in the order of its fields."""
        return [cls.table.c[field.name] for field in fields(cls.entity)]

    async def by_ids(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, E]:
        """Return the entities with these ids; what does not exist, or not for this tenant, is absent."""
        rows = await self.session.fetch(select(*self.columns()).where(self.table.c.id == func.any(array(ids))))
        return {row.id: self.entity(*row) for row in rows}

    async def by_id(self, entity_id: uuid.UUID) -> E | None:
        """Return one entity, or `None`."""
        return (await self.by_ids([entity_id])).get(entity_id)

    async def where(self, *conditions: ColumnElement[bool], order_by: Sequence[Any] = ()) -> list[E]:
        """Return all entities that meet the conditions."""
        rows = await self.session.fetch(select(*self.columns()).where(*conditions).order_by(*order_by))
        return [self.entity(*row) for row in rows]

    async def grouped(self, parent: Column[Any], parent_ids: Iterable[uuid.UUID], *order_by: Column[Any]) -> dict[uuid.UUID, list[E]]:
        """Return all children of each parent, for edges that are short by nature (EVSEs of a charge point)."""
        rows = await self.session.fetch(select(*self.columns()).where(parent == func.any(array(parent_ids))).order_by(*order_by))
        index = [column.name for column in self.columns()].index(parent.name)
        groups: dict[uuid.UUID, list[E]] = defaultdict(list)
        for row in rows:
            groups[row[index]].append(self.entity(*row))
        return groups

    async def page(self, request: PageRequest, *conditions: ColumnElement[bool]) -> Page[E]:
        """Return one page of the list of all entities that meet the conditions."""
        rows = await self.session.fetch(self._slice(request, *conditions))
        return self._page(request, [tuple(row) for row in rows])

    async def pages(
        self, parent: Column[Any], parent_ids: Sequence[uuid.UUID], request: PageRequest, *conditions: ColumnElement[bool]
    ) -> dict[uuid.UUID, Page[E]]:
        """Return the same page of each parent's list, in one statement (top n per parent through LATERAL)."""
        parents = func.unnest(array(parent_ids)).table_valued("id", name="parent").render_derived()
        child = self._slice(request, parent == parents.c.id, *conditions).lateral("child")
        rows = await self.session.fetch(
            select(parents.c.id, *child.c).select_from(parents.join(child, true())).order_by(parents.c.id, *self._ordering(request, child))
        )
        groups: dict[uuid.UUID, list[tuple[Any, ...]]] = defaultdict(list)
        for parent_id, *row in rows:
            groups[parent_id].append(tuple(row))
        return {parent_id: self._page(request, groups.get(parent_id, [])) for parent_id in parent_ids}

    async def count(self, *conditions: ColumnElement[bool]) -> int:
        """Return how many entities meet the conditions."""
        rows = await self.session.fetch(select(func.count()).select_from(self.table).where(*conditions))
        return int(rows[0][0])

    async def counts(self, parent: Column[Any], parent_ids: Sequence[uuid.UUID], *conditions: ColumnElement[bool]) -> dict[uuid.UUID, int]:
        """Return how many children of each parent meet the conditions; parents without any are absent."""
        statement = select(parent, func.count()).where(parent == func.any(array(parent_ids)), *conditions).group_by(parent)
        return {row[0]: row[1] for row in await self.session.fetch(statement)}

    def _slice(self, request: PageRequest, *conditions: ColumnElement[bool]) -> Select[Any]:
        statement = select(*self.columns()).where(*conditions)
        for position, later in ((request.after, True), (request.before, False)):
            if position is not None:
                statement = statement.where(self._beyond(request, position, ascending=later != request.descending))
        return statement.order_by(*self._ordering(request, self.table)).limit(literal(request.size + 1))

    def _beyond(self, request: PageRequest, position: Keyset, *, ascending: bool) -> ColumnElement[bool]:
        column = self.orders[request.order]
        here = tuple_(column, self.table.c.id)
        there = tuple_(literal(position.value, column.type), literal(position.id, Uuid()))
        return here > there if ascending else here < there

    def _ordering(self, request: PageRequest, source: Any) -> list[Any]:
        columns = [source.c[self.orders[request.order].name], source.c.id]
        return [column.desc() if request.descending != request.backward else column.asc() for column in columns]

    def _page(self, request: PageRequest, rows: list[tuple[Any, ...]]) -> Page[E]:
        more = len(rows) > request.size
        rows = rows[: request.size]
        if request.backward:
            rows.reverse()
        names = [column.name for column in self.columns()]
        value_at, id_at = names.index(self.orders[request.order].name), names.index("id")
        return Page(
            items=tuple(self.entity(*row) for row in rows),
            positions=tuple(Keyset(row[value_at], row[id_at]) for row in rows),
            has_next=request.before is not None if request.backward else more,
            has_previous=more if request.backward else request.after is not None,
        )


def array(ids: Iterable[uuid.UUID]) -> ColumnElement[Any]:
    """Return ids as one array parameter: the statement's text stays the same whatever their number."""
    return bindparam(None, list(ids), type_=ARRAY(Uuid()), unique=True)
