"""What the tables have in common. Column names equal the fields of the domain entities, so that a row becomes an entity by position."""

import json
from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from ampyard.domain.local_time import Weekday
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.recurrence import mask_of, weekdays_of

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class TextEnum(TypeDecorator[StrEnum]):
    """A `StrEnum` stored as its value in a text column: new members need no migration."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | None, dialect: Any) -> str | None:
        del dialect
        return None if value is None else self.enum(value).value

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        del dialect, coltype
        return _Members(self.enum).__getitem__


class Rank(TypeDecorator[IntEnum]):
    """An `IntEnum` stored as its number, so that the database orders by it."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, enum: type[IntEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: IntEnum | None, dialect: Any) -> int | None:
        del dialect
        return None if value is None else int(value)

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        del dialect, coltype
        return _Members(self.enum).__getitem__


Level = Rank(PriorityLevel)


class Weekdays(TypeDecorator[frozenset[Weekday]]):
    """Days of the week stored as one number: bit 0 is Monday."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: frozenset[Weekday] | None, dialect: Any) -> int | None:
        del dialect
        return None if value is None else mask_of(value)

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        del dialect, coltype
        return lambda mask: None if mask is None else weekdays_of(mask)


class Phases(TypeDecorator[frozenset[int]]):
    """Phases (1 to 3) stored as one number: bit 0 is the first."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: frozenset[int] | None, dialect: Any) -> int | None:
        del dialect
        return None if value is None else sum(1 << (phase - 1) for phase in value)

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        del dialect, coltype
        return _PHASES.get


_PHASES = {None: None} | {mask: frozenset(phase for phase in (1, 2, 3) if mask >> (phase - 1) & 1) for mask in range(8)}


class Stored(TypeDecorator[Any]):
    """A value of the domain that is read and written as a whole, stored as JSON; None stays None."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def __init__(self, to_json: Callable[[Any], Any], from_json: Callable[[Any], Any]) -> None:
        super().__init__()
        self.to_json = to_json
        self.from_json = from_json

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        del dialect
        return None if value is None else self.to_json(value)

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        del dialect, coltype
        return lambda text: None if text is None else self.from_json(json.loads(text))


class Amount(TypeDecorator[Decimal]):
    """An amount of money, stored as a whole number of ten-thousandths: no currency's smallest unit is smaller.

    Whole numbers are compared by operators that PostgreSQL knows to leak nothing, and so by index below row-level security; NUMERIC is not.
    """

    impl = BigInteger
    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        return Decimal

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> int | None:
        """Return the number; of what lies between two of them the higher, so that bounds from inclusive, to exclusive, stay true."""
        del dialect
        return None if value is None else int((value * _PER_UNIT).to_integral_value(ROUND_CEILING))

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        del dialect, coltype
        return _amount


_PER_UNIT = 10_000


def _amount(stored: int | None) -> Decimal | None:
    return None if stored is None else Decimal(stored) / _PER_UNIT


class _Members(dict[Any, Any]):
    """An enum's members by value: a look-up in it takes a fifth of the time of calling the enum. None stays None."""

    def __init__(self, enum: type[Enum]) -> None:
        super().__init__({None: None} | {member.value: member for member in enum})
        self._enum = enum

    def __missing__(self, value: object) -> Enum:
        return self._enum(value)  # raises ValueError: there is none


def tenant_table(name: str, *columns: Any, unique_id: bool = True) -> Table:
    """Return a table whose rows belong to one tenant.

    Other tables refer to `(tenant_id, id)`, so that the database itself refuses a reference into another tenant
    (foreign keys are checked without row-level security).
    """
    constraints = [UniqueConstraint("tenant_id", "id")] if unique_id else []
    return Table(
        name,
        metadata,
        *([Column("id", Uuid, primary_key=True)] if unique_id else []),
        Column("tenant_id", Uuid, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
        *columns,
        *constraints,
    )


def ref(column: str, target: str, *, ondelete: str = "RESTRICT") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], ondelete=ondelete)


def at(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def or_constant(column: str, constant: str) -> TextClause:
    """Return a column, or where it is null a constant, for an index (see `repository.present`); spelled as PostgreSQL spells it back."""
    return text(f"(\nCASE\nWHEN {column} IS NULL THEN {constant}\nELSE {column}\nEND)")


def created() -> Column[Any]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def updated() -> Column[Any]:
    return Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now())


tenant = Table(
    "tenant",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    created(),
    updated(),
    at("suspended_at"),
    Column("suspended_reason", Text),
    Index("ix_tenant_list", "created_at", "id"),
)
