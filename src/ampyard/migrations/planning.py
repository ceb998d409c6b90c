"""What migrating will do, found out without doing it: each revision is written down as SQL, and told with the locks that it takes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.script import Script
from sqlalchemy import Connection, text

from ampyard.migrations.errors import NoWayDownError
from ampyard.migrations.locks import Effect, Mode, effect_of
from ampyard.migrations.revisions import before
from ampyard.migrations.steps import Step

_SHOWN = 110


@dataclass(frozen=True, slots=True)
class Size:
    """How large a table is, with its partitions, as PostgreSQL last counted."""

    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Planned:
    """One statement, and what of it concerns tables that are in use.

    Args:
        sql: the statement.
        locks: those it takes on tables that are there already.
        whole: the sizes of those it goes through from end to end.
        known: False where nothing can be told of its locks.
    """

    sql: str
    locks: dict[str, Mode]
    whole: dict[str, Size]
    known: bool = True


@dataclass(frozen=True, slots=True)
class RevisionPlan:
    """What a revision does, up or down.

    Args:
        revision: its name.
        about: its first line.
        statements: in one transaction.
        afterwards: those of its steps, each in a transaction of its own, while writers go on.
        makes: new tables.
        drops: tables that go.
        way_down: whether it can be undone, and why not; nothing where it is being undone.
    """

    revision: str
    about: str
    statements: tuple[Planned, ...]
    afterwards: tuple[Planned, ...]
    makes: tuple[str, ...]
    drops: tuple[str, ...]
    way_down: str

    @property
    def locks(self) -> dict[str, Mode]:
        """The strongest lock that its transaction takes on each table that is there already, where that stops writers."""
        strongest: dict[str, Mode] = {}
        for planned in self.statements:
            for table, mode in planned.locks.items():
                if mode.stops_writers and mode.strength > strongest.get(table, Mode.ROW_EXCLUSIVE).strength:
                    strongest[table] = mode
        return strongest

    @property
    def title(self) -> str:
        """Its name, and what it is about."""
        return f"{self.revision}: {self.about}"

    def lines(self) -> Iterator[str]:
        """Tell the plan in words, below its title."""
        yield from (f"  {line}" for line in self._told())

    def _told(self) -> Iterator[str]:
        if self.makes:
            yield f"makes {', '.join(self.makes)}"
        if self.drops:
            yield f"drops {', '.join(self.drops)} with all that is in them"
        yield from told(self.statements)
        if self.afterwards:
            yield "afterwards, one by one, while writers go on:"
            yield from (f"  {line}" for line in told(self.afterwards))
        if self.way_down:
            yield self.way_down


def plan_up(connection: Connection, config: Config, revision: Script) -> RevisionPlan:
    """Return what upgrading to a revision from the one before it will do."""
    sql, steps = _written(config, revision, up=True)
    return _plan(connection, revision, sql, steps, _way_down(config, revision))


def plan_down(connection: Connection, config: Config, revision: Script) -> RevisionPlan:
    """Return what undoing a revision will do.

    Raises:
        NoWayDownError: it cannot be undone.
    """
    try:
        sql, steps = _written(config, revision, up=False)
    except NoWayDownError as refusal:
        raise NoWayDownError(f"Revision {revision.revision} has no way down: {refusal}.") from None
    return _plan(connection, revision, sql, steps, "")


def planned_steps(connection: Connection, steps: Iterable[Step], made: frozenset[str] = frozenset()) -> tuple[Planned, ...]:
    """Return the statements of steps, as far as they can be known before they are carried out."""
    return tuple(
        _planned(connection, sql, made)
        for step in steps
        if step.table not in made
        for sql in step.statements(_partitions(connection, step.table))
    )


def _written(config: Config, revision: Script, *, up: bool) -> tuple[list[str], list[Step]]:
    recorder = _Recorder()
    steps: list[Step] = []
    config.attributes.update(recorder=recorder, steps=steps)
    try:
        if up:
            command.upgrade(config, f"{before(revision)}:{revision.revision}", sql=True)
        else:
            command.downgrade(config, f"{revision.revision}:{before(revision)}", sql=True)
    finally:
        del config.attributes["recorder"]
    return recorder.statements, steps


def _way_down(config: Config, revision: Script) -> str:
    try:
        _written(config, revision, up=False)
    except NoWayDownError as refusal:
        return f"has no way down: {refusal}"
    return "has a way down"


class _Recorder:
    """Takes what Alembic writes when it is to write SQL: a statement at a time."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def write(self, written: str) -> None:
        sql = written.strip()
        if sql and sql not in {"BEGIN;", "COMMIT;"} and not sql.startswith("--") and "alembic_version" not in sql:
            self.statements.append(sql)

    def flush(self) -> None:
        """Nothing is held back."""


def _plan(connection: Connection, revision: Script, sql: list[str], steps: list[Step], way_down: str) -> RevisionPlan:
    effects = [effect_of(statement) for statement in sql]
    makes = [effect.makes for effect in effects if effect and effect.makes]
    made = frozenset(makes)
    return RevisionPlan(
        revision=revision.revision,
        about=revision.doc,
        statements=tuple(_planned(connection, statement, made) for statement in sql),
        afterwards=planned_steps(connection, steps, made),
        makes=tuple(makes),
        drops=tuple(effect.drops for effect in effects if effect and effect.drops),
        way_down=way_down,
    )


def _planned(connection: Connection, sql: str, made: frozenset[str]) -> Planned:
    effect = effect_of(sql)
    if effect is None:
        return Planned(sql, {}, {}, known=False)
    locks = {table: mode for table, mode in _all_locks(connection, sql, effect).items() if table not in made and _exists(connection, table)}
    return Planned(sql, locks, {table: _size(connection, table) for table in effect.whole if table in locks})


def _all_locks(connection: Connection, sql: str, effect: Effect) -> dict[str, Mode]:
    if effect.drops:
        # Its foreign keys are held by triggers of the tables that they lead to.
        query = "SELECT DISTINCT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conrelid = to_regclass(:table)"
        targets = connection.execute(text(query), {"table": effect.drops}).scalars()
        return dict.fromkeys(targets, Mode.ACCESS_EXCLUSIVE) | effect.locks
    if sql.startswith("DROP INDEX"):
        index = sql.rstrip(";").split()[-1]
        query = "SELECT indrelid::regclass::text FROM pg_index WHERE indexrelid = to_regclass(:index)"
        mode = Mode.SHARE_UPDATE_EXCLUSIVE if "CONCURRENTLY" in sql else Mode.ACCESS_EXCLUSIVE
        return dict.fromkeys(connection.execute(text(query), {"index": index}).scalars(), mode)
    return effect.locks


def _exists(connection: Connection, table: str) -> bool:
    return connection.execute(text("SELECT to_regclass(:table)"), {"table": table}).scalar() is not None


def _partitions(connection: Connection, table: str) -> list[str] | None:
    partitioned = connection.execute(text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:table)"), {"table": table}).scalar()
    if not partitioned:
        return None
    query = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:table) ORDER BY 1")
    return list(connection.execute(query, {"table": table}).scalars())


def _size(connection: Connection, table: str) -> Size:
    query = text(
        """
        SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint, coalesce(sum(pg_table_size(pg_class.oid)), 0)::bigint
        FROM pg_partition_tree(to_regclass(:table)) JOIN pg_class ON pg_class.oid = relid WHERE isleaf
        """
    )
    rows, size_bytes = connection.execute(query, {"table": table}).one()
    if not size_bytes:  # a table without partitions is no tree
        query = text("SELECT greatest(reltuples, 0)::bigint, pg_table_size(oid) FROM pg_class WHERE oid = to_regclass(:table)")
        rows, size_bytes = connection.execute(query, {"table": table}).one()
    return Size(rows, size_bytes)


def told(statements: Iterable[Planned]) -> Iterator[str]:
    for planned in statements:
        sql = " ".join(planned.sql.split()).rstrip(";")
        shown = sql if len(sql) <= _SHOWN else f"{sql[:_SHOWN]}…"
        if not planned.known:
            yield f"locks unknown: {shown}"
        elif planned.locks:
            yield f"{_locking(planned)}: {shown}"


def _locking(planned: Planned) -> str:
    by_mode: dict[Mode, list[str]] = {}
    for table, mode in planned.locks.items():
        by_mode.setdefault(mode, []).append(table)
    locks = ", ".join(f"{mode} on {', '.join(tables)}" for mode, tables in by_mode.items())
    if not planned.whole:
        return f"{locks}, for a moment"
    sizes = ", ".join(f"{table} of {size.rows:,} rows, {size.size_bytes / 2**20:,.0f} MiB" for table, size in planned.whole.items())
    return f"{locks}, while it goes through {sizes}"
