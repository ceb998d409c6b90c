"""Statements as the driver takes them: SQL compiled once for all with the same shape, arguments in order, rows in the columns' types.

SQLAlchemy says what a statement is and asyncpg runs it; nothing of SQLAlchemy stands between them while it runs.
"""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import asyncpg
from sqlalchemy import JSON, BindParameter, ClauseElement, Double, Executable, Row
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.cache_key import CacheKey
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import LRUCache

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
T = TypeVar("T")

_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects have no annotations
_NUMERIC_OID = 1700
_CAPACITY = 500
_compiled: LRUCache[Hashable, Any] = LRUCache(_CAPACITY)


class Cacheable(Protocol):
    """What SQLAlchemy can name the shape of: statements and the expressions they are made of."""

    def _generate_cache_key(self) -> CacheKey | None: ...


class Query:
    """One compiled statement.

    Args:
        statement: the SQLAlchemy construct.
        parameters: those without a name, whose values differ from one statement of this shape to the next.
        columns: of an INSERT without values of its own, the columns of its rows.
    """

    def __init__(self, statement: Executable, parameters: Sequence[BindParameter[Any]] = (), columns: Sequence[str] | None = None) -> None:
        key = CacheKey((), parameters, None)
        element = cast("ClauseElement", statement)
        self._compiled = cast("SQLCompiler", element.compile(dialect=_DIALECT, cache_key=key, column_keys=columns))
        self._order = self._compiled.positiontup or ()
        processors: Mapping[str, Any] = self._compiled._bind_processors  # noqa: SLF001 - has no public name
        self._binds = [processors.get(name) for name in self._order]

    def call(self, values: Mapping[str, Any] | None = None, parameters: Sequence[BindParameter[Any]] = ()) -> tuple[str, list[Any]]:
        """Return SQL and arguments.

        Args:
            values: of the parameters that have names.
            parameters: the unnamed ones of the statement to be run, which only has the same shape as the compiled one.
        """
        found = self._compiled.construct_params(values, parameters, escape_names=False)
        if self._compiled.post_compile_params:
            # An IN with a list: the SQL depends on its length.
            state = self._compiled.construct_expanded_state(found, escape_names=False)
            processors: Mapping[str, Any] = state.processors
            return state.statement, [_bound(processors.get(name), state.parameters[name]) for name in state.positiontup or ()]
        return self._compiled.string, [_bound(bind, found[name]) for name, bind in zip(self._order, self._binds, strict=True)]

    def rows(self, records: Sequence[asyncpg.Record]) -> Sequence[AnyRow]:
        """Return the driver's records as rows, with the values that the columns' types make of them."""
        metadata = self._metadata
        if metadata is None:
            metadata = SimpleResultMetaData(list(records[0].keys()) if records else [])
        return IteratorResult(metadata, iter(records)).all()

    @cached_property
    def _metadata(self) -> SimpleResultMetaData | None:
        columns = self._compiled._result_columns  # noqa: SLF001 - has no public name
        if not columns:
            return None  # SQL as text: only the driver knows the columns
        processors: list[Any] = [from_driver(column.type) for column in columns]
        return SimpleResultMetaData([column.keyname for column in columns], _processors=processors)


def _bound(processor: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if processor is None else processor(value)


def from_driver(column_type: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """Return what makes a column's value out of the driver's; `None` where it is the driver's own."""
    if isinstance(column_type, Double):
        return None
    if isinstance(column_type, JSON):
        return _from_json
    # The driver gives NUMERIC as Decimal; types that want a float make it one, and leave what is one.
    return column_type._cached_result_processor(_DIALECT, _NUMERIC_OID)  # noqa: SLF001 - has no public name


def _from_json(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def query(statement: Executable, columns: Sequence[str] | None = None) -> tuple[Query, Sequence[BindParameter[Any]]]:
    """Return the compiled form of any statement, and the parameters to call it with; those of the same shape are compiled once."""
    key = cast("Cacheable", statement)._generate_cache_key()  # noqa: SLF001 - has no public name
    if key is None:
        return Query(statement, columns=columns), ()
    return recall((key.key, tuple(columns or ())), lambda: Query(statement, key.bindparams, columns)), key.bindparams


def recall(key: Hashable, make: Callable[[], T]) -> T:
    """Return what was made under this key before, or make it."""
    found: T | None = _compiled.get(key)
    if found is None:
        found = _compiled[key] = make()
    return found


def shape_of(parts: Iterable[Cacheable]) -> tuple[Hashable, Sequence[BindParameter[Any]]]:
    """Return what is the same for all parts of a statement of this shape, and the parameters in which they differ.

    Raises:
        TypeError: a part has no shape that could be told.
    """
    shape: list[Hashable] = []
    parameters: list[BindParameter[Any]] = []
    for part in parts:
        key = part._generate_cache_key()  # noqa: SLF001 - has no public name
        if key is None:
            raise TypeError(f"{part} has no shape under which a statement could be kept.")
        shape.append(key.key)
        parameters += key.bindparams
    return tuple(shape), parameters
