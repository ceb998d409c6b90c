"""Loading many rows at once."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository

_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects have no annotations


async def copy_entities(session: WriteSession, repository: type[Repository[Any]], entities: Sequence[Any], **extra: Any) -> None:
    """Insert entities through COPY; `extra` holds columns that no entity shows, the same for all."""
    names = [field.name for field in fields(repository.entity)]
    rows = ((*(getattr(entity, name) for name in names), *extra.values()) for entity in entities)
    await copy_rows(session, repository.table, [*names, *extra], rows)


async def copy_rows(session: WriteSession, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows through COPY and return how many; the columns are those named, in their order.

    COPY is closed to tables with row-level security, so the rows are copied into a temporary table and inserted from there, where
    the policies hold for them as for any other.
    """
    columns = [table.c[name] for name in names]
    binds = [column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT) for column in columns]
    records = [tuple(value if bind is None else bind(value) for value, bind in zip(row, binds, strict=True)) for row in rows]
    if not records:
        return 0
    staging, listed = f"staging_{table.name}", ", ".join(f'"{name}"' for name in names)
    async with session.driver() as connection:
        await connection.execute(f'CREATE TEMPORARY TABLE {staging} ON COMMIT DROP AS SELECT {listed} FROM "{table.name}" WITH NO DATA')  # noqa: S608 - the table's own names
        await connection.copy_records_to_table(staging, records=records, columns=list(names))
        await connection.execute(f'INSERT INTO "{table.name}" ({listed}) SELECT {listed} FROM {staging}')  # noqa: S608 - the same
        await connection.execute(f"DROP TABLE {staging}")
    return len(records)
