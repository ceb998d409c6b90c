"""What a revision does to tables that are in use (ADR 0018).

`CREATE INDEX` and a new constraint read a whole table while nobody may write to it. What is called here instead is only noted by the
revision, in the revision's own transaction, and carried out right after its commit, step by step, in ways that let readers and writers go
on. A run that is cut off goes on with the steps that are left. So nothing in `upgrade()` may rely on them; a constraint that needs a
unique index first is a later step, too.

Tables that the revision itself makes take `op.create_index` and constraints in `op.create_table`: nobody uses them yet.
"""

from collections.abc import Sequence

from alembic import op

from ampyard.migrations.steps import Step, StepKind


def create_index(
    name: str,
    table: str,
    columns: Sequence[str],
    *,
    unique: bool = False,
    where: str | None = None,
    using: str = "btree",
    include: Sequence[str] = (),
) -> None:
    """Index a table CONCURRENTLY; a partitioned one partition by partition, which are then attached to its index.

    An invalid index that an interrupted run left is dropped and made anew.

    Args:
        name: of the index.
        table: a table of an earlier revision.
        columns: column names, or expressions in parentheses.
        unique: whether no two rows may be equal in the columns.
        where: condition of a partial index.
        using: access method.
        include: columns that the index only carries.
    """
    carried = f" INCLUDE ({', '.join(include)})" if include else ""
    partial = f" WHERE {where}" if where else ""
    kind = StepKind.CREATE_UNIQUE_INDEX if unique else StepKind.CREATE_INDEX
    _note(Step(kind, name, table, f"USING {using} ({', '.join(columns)}){carried}{partial}"))


def drop_index(name: str, table: str) -> None:
    """Drop an index CONCURRENTLY, if it is there; that of a partitioned table at once, which only changes the catalogue."""
    _note(Step(StepKind.DROP_INDEX, name, table, ""))


def add_check(name: str, table: str, condition: str) -> None:
    """Add a check that new rows must pass at once; rows that are there are looked through afterwards, while writers go on."""
    _note(Step(StepKind.ADD_CONSTRAINT, name, table, f"CHECK ({condition})"))


def add_foreign_key(
    name: str,
    table: str,
    columns: Sequence[str],
    target: str,
    target_columns: Sequence[str],
    *,
    ondelete: str | None = None,
    onupdate: str | None = None,
) -> None:
    """Add a foreign key that new rows must obey at once; rows that are there are looked through afterwards, while writers go on."""
    action = (f" ON DELETE {ondelete}" if ondelete else "") + (f" ON UPDATE {onupdate}" if onupdate else "")
    definition = f"FOREIGN KEY ({', '.join(columns)}) REFERENCES {target} ({', '.join(target_columns)}){action}"
    _note(Step(StepKind.ADD_CONSTRAINT, name, table, definition))


def add_unique(name: str, table: str, columns: Sequence[str]) -> None:
    """Add a unique constraint, over an index that is made CONCURRENTLY."""
    _note(Step(StepKind.ADD_UNIQUE, name, table, f"({', '.join(columns)})"))


def _note(step: Step) -> None:
    config = op.get_context().config
    assert config is not None  # migrations/running.py hands one in
    config.attributes["steps"].append(step)
