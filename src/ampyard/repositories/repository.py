"""What every repository can do: fetch by id, and list in keyset pages, for one parent or for many in one statement."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Column,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    case,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from ampyard.domain.paging import Page, PageRequest
from ampyard.repositories.database import Session
from ampyard.repositories.entities import Builder, builder
from ampyard.repositories.statements import Query, recall, shape_of

E = TypeVar("E")


class UuidArray(TypeDecorator[list[uuid.UUID]]):
    """An array of ids, given to the driver as the list it is: SQLAlchemy's own type looks at each of them."""

    impl = ARRAY(Uuid())
    cache_ok = True

    def bind_processor(self, dialect: Any) -> None:
        del dialect


# The values are given to each statement when it is run, by this name.
ANY_OF_IDS: ColumnElement[Any] = func.any(bindparam("ids", type_=UuidArray()))


@dataclass(frozen=True, slots=True)
class _Reading:
    """A compiled statement of an entity's columns, and what makes entities of its records."""

    query: Query
    build: Builder


class Repository(Generic[E]):
    """Reads of one aggregate. Subclasses name the entity, its table and the orders it can be listed in.

    Column names equal the entity's fields, so a row becomes an entity by position.

    Where a method takes `reads`, these attributes of the entities will be read, and no others: only they are selected, with
    the id and what the list is ordered by. Reading another raises `AttributeError`. None selects all.
    """

    entity: ClassVar[type[Any]]
    table: ClassVar[Table]
    # By name: the column to order by, always followed by the id.
    orders: ClassVar[Mapping[str, Column[Any]]] = {}
    # Of those whose column may be null: the SQL constant that null is ordered as; an index over `present(column, constant)` serves it.
    absent: ClassVar[Mapping[str, str]] = {}

    def __init__(self, session: Session) -> None:
        self.session = session

    @classmethod
    def columns(cls) -> list[Column[Any]]:
        """The entity's columns, in the order of its fields."""
        return [cls.table.c[field.name] for field in fields(cls.entity)]

    async def by_ids(self, ids: Iterable[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, E]:
        """Return the entities with these ids; what does not exist, or not for this tenant, is absent."""
        reading = self._reading(("by_ids",), reads, lambda columns: select(*columns).where(self.table.c.id == ANY_OF_IDS))
        entities = reading.build(await self.session.records(reading.query, {"ids": list(ids)}))
        return {entity.id: entity for entity in entities}

    async def by_id(self, entity_id: uuid.UUID, *, reads: frozenset[str] | None = None) -> E | None:
        """Return one entity, or `None`."""
        return (await self.by_ids([entity_id], reads=reads)).get(entity_id)

    async def by_unique(self, attribute: str, values: Sequence[Any], *, reads: frozenset[str] | None = None) -> dict[Any, E]:
        """Return the entities that have one of these values in an attribute that is unique in the tenant, by the value."""
        column = self.table.c[attribute]
        found = await self.where(
            column == func.any(bindparam(None, list(values), type_=ARRAY(column.type), unique=True)),
            reads=None if reads is None else reads | {attribute},
        )
        return {getattr(entity, attribute): entity for entity in found}

    async def where(
        self, *conditions: ColumnElement[bool], order_by: Sequence[ColumnElement[Any]] = (), reads: frozenset[str] | None = None
    ) -> list[E]:
        """Return all entities that meet the conditions."""
        shape, parameters = shape_of([*conditions, *order_by])
        reading = self._reading(
            ("where", shape, len(order_by)),
            reads,
            lambda columns: select(*columns).where(*conditions).order_by(*order_by),
            parameters=parameters,
        )
        return reading.build(await self.session.records(reading.query, parameters=parameters))

    async def grouped(
        self, parent: Column[Any], parent_ids: Iterable[uuid.UUID], *order_by: Column[Any], reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[E]]:
        """Return all children of each parent, for edges that are short by nature (EVSEs of a charge point)."""
        reading = self._reading(
            ("grouped", parent, *order_by),
            reads,
            lambda columns: select(parent.label("of_parent"), *columns).where(parent == ANY_OF_IDS).order_by(*order_by),
            leading=1,
        )
        records = await self.session.records(reading.query, {"ids": list(parent_ids)})
        groups: dict[uuid.UUID, list[E]] = defaultdict(list)
        for record, entity in zip(records, reading.build(records), strict=True):
            groups[record[0]].append(entity)
        return groups

    async def linked(
        self,
        parent: Column[Any],
        child: Column[Any],
        parent_ids: Iterable[uuid.UUID],
        *order_by: Column[Any],
        reads: frozenset[str] | None = None,
    ) -> dict[uuid.UUID, list[E]]:
        """Return what each parent is linked to by a table that has the ids of both, `parent` and `child`; for edges that are short."""
        reading = self._reading(
            ("linked", parent, *order_by),
            reads,
            lambda columns: (
                select(parent.label("of_parent"), *columns)
                .join_from(self.table, parent.table, child == self.table.c.id)
                .where(parent == ANY_OF_IDS)
                .order_by(*order_by)
            ),
            leading=1,
        )
        records = await self.session.records(reading.query, {"ids": list(parent_ids)})
        groups: dict[uuid.UUID, list[E]] = defaultdict(list)
        for record, entity in zip(records, reading.build(records), strict=True):
            groups[record[0]].append(entity)
        return groups

    async def page(
        self, request: PageRequest, *conditions: ColumnElement[bool], reads: frozenset[str] | None = None, ends: bool = True
    ) -> Page[E]:
        """Return one page of the list of all entities that meet the conditions; `ends` as for `pages`."""
        shape, parameters = shape_of(conditions)
        reading = self._reading(
            ("page", _sides(request), shape),
            reads,
            lambda columns: self._slice(columns, request, *conditions),
            parameters=parameters,
            ordered_by=request.order,
        )
        records = await self.session.records(reading.query, _places(request, ends=ends), parameters)
        return self._page(request, reading.build(records), ends=ends)

    async def pages(
        self,
        parent: Column[Any],
        parent_ids: Sequence[uuid.UUID],
        request: PageRequest,
        *conditions: ColumnElement[bool],
        reads: frozenset[str] | None = None,
        ends: bool = True,
    ) -> dict[uuid.UUID, Page[E]]:
        """Return the same page of each parent's list, in one statement (top n per parent through LATERAL).

        Unless it is asked for the `ends`, the pages do not know whether there is more, which costs a row each to find out.
        """
        shape, parameters = shape_of(conditions)

        def statement(columns: list[Column[Any]]) -> Select[Any]:
            ids = func.unnest(bindparam("ids", type_=UuidArray()))
            # Rows name their parent by its number: a small integer costs less than an id to send, sort and group by.
            parents = ids.table_valued("id", with_ordinality="number", name="parent").render_derived()
            child = self._slice(columns, request, parent == parents.c.id, *conditions).lateral("child")
            ordering = self._ordering(request, child)
            return select(parents.c.number, *child.c).select_from(parents.join(child, true())).order_by(parents.c.number, *ordering)

        reading = self._reading(
            ("pages", parent, _sides(request), shape),
            reads,
            statement,
            parameters=parameters,
            ordered_by=request.order,
            leading=1,
        )
        records = await self.session.records(reading.query, {"ids": list(parent_ids), **_places(request, ends=ends)}, parameters)
        groups: list[list[E]] = [[] for _ in parent_ids]
        for record, entity in zip(records, reading.build(records), strict=True):
            groups[record[0] - 1].append(entity)
        return {parent_id: self._page(request, items, ends=ends) for parent_id, items in zip(parent_ids, groups, strict=True)}

    async def count(self, *conditions: ColumnElement[bool]) -> int:
        """Return how many entities meet the conditions."""
        shape, parameters = shape_of(conditions)
        counting = recall(
            (type(self), "count", shape), lambda: Query(select(func.count()).select_from(self.table).where(*conditions), parameters)
        )
        return int((await self.session.records(counting, parameters=parameters))[0][0])

    async def counts(self, parent: Column[Any], parent_ids: Sequence[uuid.UUID], *conditions: ColumnElement[bool]) -> dict[uuid.UUID, int]:
        """Return how many children of each parent meet the conditions; parents without any are absent."""
        shape, parameters = shape_of(conditions)
        counting = recall(
            (type(self), "counts", parent, shape),
            lambda: Query(select(parent, func.count()).where(parent == ANY_OF_IDS, *conditions).group_by(parent), parameters),
        )
        return {record[0]: record[1] for record in await self.session.records(counting, {"ids": list(parent_ids)}, parameters)}

    def _reading(
        self,
        kind: tuple[Hashable, ...],
        reads: frozenset[str] | None,
        statement: Callable[[list[Column[Any]]], Select[Any]],
        *,
        parameters: Sequence[BindParameter[Any]] = (),
        ordered_by: str | None = None,
        leading: int = 0,
    ) -> _Reading:
        """Return a statement of the columns that will be read, made and compiled once.

        Args:
            kind: what tells the statement from others of this repository, but for the values of its parameters.
            reads: see the class.
            statement: makes it of the columns.
            parameters: the unnamed ones of the conditions in it.
            ordered_by: the order whose column the entities must have.
            leading: how many columns there are before the entity's.
        """

        def make() -> _Reading:
            names = self._names(reads, ordered_by)
            columns = [self.table.c[name] for name in names]
            return _Reading(Query(statement(columns), parameters), builder(self.entity, self.table, names, leading))

        return recall((type(self), kind, reads), make)

    def _names(self, reads: frozenset[str] | None, ordered_by: str | None) -> tuple[str, ...]:
        known = [field.name for field in fields(self.entity)]
        if reads is None:
            return tuple(known)
        if unknown := reads.difference(known):
            raise TypeError(f"{self.entity.__name__} has no stored {', '.join(sorted(unknown))}.")
        needed = {"id"} if ordered_by is None else {"id", self.orders[ordered_by].name}
        return tuple(name for name in known if name in reads or name in needed)

    def _slice(self, columns: list[Column[Any]], request: PageRequest, *conditions: ColumnElement[bool]) -> Select[Any]:
        statement = select(*columns).where(*conditions)
        for name, position, later in (("after", request.after, True), ("before", request.before, False)):
            if position is not None:
                statement = statement.where(self._beyond(request, name, ascending=later != request.descending))
        return statement.order_by(*self._ordering(request, self.table)).limit(bindparam("limit", type_=Integer()))

    def _beyond(self, request: PageRequest, name: str, *, ascending: bool) -> ColumnElement[bool]:
        value = bindparam(f"{name}_value", type_=self.orders[request.order].type)
        here = tuple_(self._ordered(request, self.table.c[self.orders[request.order].name]), self.table.c.id)
        there = tuple_(self._ordered(request, value), bindparam(f"{name}_id", type_=Uuid()))
        return here > there if ascending else here < there

    def _ordering(self, request: PageRequest, source: Any) -> list[Any]:
        columns = [self._ordered(request, source.c[self.orders[request.order].name]), source.c.id]
        return [column.desc() if request.descending != request.backward else column.asc() for column in columns]

    def _ordered(self, request: PageRequest, value: ColumnElement[Any]) -> ColumnElement[Any]:
        constant = self.absent.get(request.order)
        return value if constant is None else present(value, constant)

    def _page(self, request: PageRequest, items: list[E], *, ends: bool) -> Page[E]:
        more = len(items) > request.size if ends else None
        items = items[: request.size]
        if request.backward:
            items.reverse()
        return Page(
            items=tuple(items),
            ordered_by=self.orders[request.order].name,
            has_next=request.before is not None if request.backward else more,
            has_previous=more if request.backward else request.after is not None,
        )


def _sides(request: PageRequest) -> Hashable:
    """Return what the statement of a slice depends on besides its columns and conditions."""
    return request.order, request.descending, request.backward, request.after is None, request.before is None


def _places(request: PageRequest, *, ends: bool) -> dict[str, Any]:
    """Return the values of the named parameters of a slice; of one more row where it is asked whether there is more."""
    values: dict[str, Any] = {"limit": request.size + ends}
    for name, position in (("after", request.after), ("before", request.before)):
        if position is not None:
            values |= {f"{name}_value": position.value, f"{name}_id": position.id}
    return values


def array(ids: Iterable[uuid.UUID]) -> ColumnElement[Any]:
    """Return ids as one array parameter: the statement's text stays the same whatever their number."""
    return bindparam(None, list(ids), type_=UuidArray(), unique=True)


def array_of_text(values: Iterable[str]) -> ColumnElement[Any]:
    """Return texts as one array parameter, as `array` does ids."""
    return given(values, Text)


def given(values: Iterable[Any], of: type[TypeEngine[Any]] | TypeEngine[Any]) -> ColumnElement[Any]:
    """Return values of one type as one array parameter, as `array` does ids."""
    return bindparam(None, list(values), type_=ARRAY(of), unique=True)


def present(value: ColumnElement[Any], constant: str) -> ColumnElement[Any]:
    """Return a value, or where it is null a constant given as SQL.

    Not as COALESCE: PostgreSQL takes that for something that might leak, and so for no index condition below row-level security.
    """
    return case((value.is_(None), literal_column(constant)), else_=value)
