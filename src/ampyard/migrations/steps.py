"""Steps that follow a revision: each may be repeated, and finds what an interrupted run has left."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg

_MAX_NAME = 63  # NAMEDATALEN - 1


class StepKind(StrEnum):
    CREATE_INDEX = "CREATE_INDEX"
    CREATE_UNIQUE_INDEX = "CREATE_UNIQUE_INDEX"
    DROP_INDEX = "DROP_INDEX"
    ADD_CONSTRAINT = "ADD_CONSTRAINT"
    ADD_UNIQUE = "ADD_UNIQUE"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do to a table in use: what `name` is to become there. `definition` is the SQL that follows its name and table."""

    kind: StepKind
    name: str
    table: str
    definition: str

    def __str__(self) -> str:
        what = f"{self.kind.value.replace('_', ' ').lower()} {self.name}"
        return f"{what} on {self.table}"

    def statements(self, partitions: Sequence[str] | None = None) -> list[str]:
        """Return the SQL of the step where nothing of it has been done; `partitions` of its table, None where it has none."""
        match self.kind:
            case StepKind.CREATE_INDEX | StepKind.CREATE_UNIQUE_INDEX if partitions is None:
                return [self.index(self.name, self.table)]
            case StepKind.CREATE_INDEX | StepKind.CREATE_UNIQUE_INDEX:
                names = {partition: partition_index(self.name, partition) for partition in partitions or ()}
                return [
                    *(self.index(name, partition) for partition, name in names.items()),
                    self.index_on_only(),
                    *(f"ALTER INDEX {self.name} ATTACH PARTITION {name}" for name in names.values()),
                ]
            case StepKind.DROP_INDEX:
                return [f"DROP INDEX {'CONCURRENTLY ' if partitions is None else ''}IF EXISTS {self.name}"]
            case StepKind.ADD_CONSTRAINT:
                return [
                    f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} {self.definition} NOT VALID",
                    f"ALTER TABLE {self.table} VALIDATE CONSTRAINT {self.name}",
                ]
            case StepKind.ADD_UNIQUE:
                return [
                    f"CREATE UNIQUE INDEX CONCURRENTLY {self.name} ON {self.table} {self.definition}",
                    f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} UNIQUE USING INDEX {self.name}",
                ]

    def index(self, name: str, table: str) -> str:
        """Return the statement that makes the step's index on one table."""
        return f"CREATE {self._unique}INDEX CONCURRENTLY {name} ON {table} {self.definition}"

    def index_on_only(self) -> str:
        """Return the statement that makes the index of a partitioned table, without those of its partitions."""
        return f"CREATE {self._unique}INDEX {self.name} ON ONLY {self.table} {self.definition}"

    @property
    def _unique(self) -> str:
        return "UNIQUE " if self.kind is StepKind.CREATE_UNIQUE_INDEX else ""


def partition_index(name: str, partition: str) -> str:
    """Return the name of a partition's index that will be attached to index `name`."""
    full = f"{partition}_{name}"
    return full if len(full) <= _MAX_NAME else f"{full[: _MAX_NAME - 9]}_{sha256(full.encode()).hexdigest()[:8]}"


class Workshop:
    """Carries out steps on one connection, each statement in a transaction of its own.

    Args:
        connection: of the owner.
        run: runs one statement, waiting for its locks as long as is right for it.
    """

    def __init__(self, connection: "asyncpg.Connection[Any]", run: Callable[[str], Awaitable[None]]) -> None:
        self._connection = connection
        self._run = run

    async def carry_out(self, step: Step) -> None:
        """Do what is left of a step; nothing where it is done, or its table is gone."""
        if not await self._exists(step.table):
            return
        match step.kind:
            case StepKind.CREATE_INDEX | StepKind.CREATE_UNIQUE_INDEX:
                await self._create_index(step)
            case StepKind.DROP_INDEX:
                for statement in step.statements(await partitions_of(self._connection, step.table)):
                    await self._run(statement)
            case StepKind.ADD_CONSTRAINT:
                await self._add_constraint(step)
            case StepKind.ADD_UNIQUE:
                await self._add_unique(step)

    async def _create_index(self, step: Step) -> None:
        partitions = await partitions_of(self._connection, step.table)
        if partitions is None:
            await self._index(step.index(step.name, step.table), step.name)
            return
        if not await self._exists(step.name):
            for partition in partitions:
                name = partition_index(step.name, partition)
                await self._index(step.index(name, partition), name)
            await self._run(step.index_on_only())
        # Partitions that came meanwhile bring no index, if they came before that of the whole table.
        while missing := await self._unattached(step):
            for partition in missing:
                name = partition_index(step.name, partition)
                await self._index(step.index(name, partition), name)
                await self._run(f"ALTER INDEX {step.name} ATTACH PARTITION {name}")

    async def _index(self, statement: str, name: str) -> None:
        valid = await self._connection.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)", name)
        if valid:
            return
        if valid is False:  # an interrupted run left it: it is kept up to date, and used by no query
            await self._run(f"DROP INDEX CONCURRENTLY {name}")
        await self._run(statement)

    async def _unattached(self, step: Step) -> list[str]:
        rows = await self._connection.fetch(
            """
            SELECT partition.inhrelid::regclass::text AS name FROM pg_inherits partition
            WHERE partition.inhparent = to_regclass($1) AND NOT EXISTS (
                SELECT FROM pg_inherits part JOIN pg_index ON pg_index.indexrelid = part.inhrelid
                WHERE part.inhparent = to_regclass($2) AND pg_index.indrelid = partition.inhrelid
            ) ORDER BY 1
            """,
            step.table,
            step.name,
        )
        return [row["name"] for row in rows]

    async def _add_constraint(self, step: Step) -> None:
        add, validate = step.statements()
        validated = await self._constraint(step)
        if validated is None:
            await self._run(add)
        if not validated:
            await self._run(validate)

    async def _add_unique(self, step: Step) -> None:
        index, constraint = step.statements()
        if await self._constraint(step) is None:
            await self._index(index, step.name)
            await self._run(constraint)

    async def _constraint(self, step: Step) -> bool | None:
        """Return whether the step's constraint has been validated; None where there is none."""
        query = "SELECT convalidated FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname = $2"
        found: bool | None = await self._connection.fetchval(query, step.table, step.name)
        return found

    async def _exists(self, relation: str) -> bool:
        return await self._connection.fetchval("SELECT to_regclass($1)", relation) is not None


async def partitions_of(connection: "asyncpg.Connection[Any]", table: str) -> list[str] | None:
    """Return the names of a table's partitions; None where it is not partitioned, or not there."""
    if await connection.fetchval("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass($1)", table) is not True:
        return None
    rows = await connection.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = to_regclass($1) ORDER BY 1", table
    )
    return [row["name"] for row in rows]
