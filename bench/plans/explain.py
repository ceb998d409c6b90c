"""Running operations through the engine while PostgreSQL explains each statement that they send."""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from sqlalchemy import BindParameter

from ampyard.domain.access import Principal
from ampyard.engine import Schema
from ampyard.repositories.database import Database, Snapshot
from ampyard.repositories.statements import Query
from ampyard.resolvers.context import Context
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.links import FileLinks
from ampyard.services.backend import Backend
from bench.plans.operations import Asked

SLOW_MS = 100.0
"""So long may all statements of an operation take in the database."""
LARGE_ROWS = 10_000
"""A table with more rows than this is not to be read from one end to the other."""

_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "


@dataclass(frozen=True, slots=True)
class Explained:
    """A statement: planning and execution in ms (the median of the rounds), and the plan as PostgreSQL tells it."""

    sql: str
    ms: float
    plan: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """How many rows it returned."""
        return int(self.plan["Plan"]["Actual Rows"])

    def nodes(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield the nodes of the plan that were run, with their depth, from the top."""
        waiting = [(0, self.plan["Plan"])]
        while waiting:
            depth, node = waiting.pop()
            if node["Actual Loops"]:
                yield depth, node
            waiting += [(depth + 1, child) for child in reversed(node.get("Plans", []))]

    def read_whole(self, sizes: Mapping[str, float]) -> list[str]:
        """Return the large tables that it read from one end to the other; `sizes` are the rows of each table."""
        scanned = (node["Relation Name"] for _, node in self.nodes() if node["Node Type"] == "Seq Scan")
        return sorted({name for name in scanned if sizes.get(name, 0) > LARGE_ROWS})


@dataclass(slots=True)
class Observed:
    """What an operation did, asked by somebody."""

    asked: Asked
    caller: str
    statements: list[Explained] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def ms(self) -> float:
        """How long its statements took together."""
        return sum(statement.ms for statement in self.statements)

    def faults(self, sizes: Mapping[str, float]) -> list[str]:
        """Return what is wrong with it: errors, too long, or large tables read whole."""
        slow = [f"{self.ms:.0f} ms"] if self.ms > SLOW_MS else []
        whole = [f"reads all of {name}" for statement in self.statements for name in statement.read_whole(sizes)]
        return [*self.errors, *slow, *whole]


class _Snapshot(Snapshot):
    """A snapshot that has each of its statements explained."""

    def __init__(self, database: Database, begin: str, rounds: int, into: list[Explained]) -> None:
        super().__init__(database, begin)
        self._rounds, self._into = rounds, into

    async def records(
        self, compiled: Query, values: dict[str, Any] | None = None, parameters: Sequence[BindParameter[Any]] = ()
    ) -> list[asyncpg.Record]:
        found = await super().records(compiled, values, parameters)
        sql, arguments = compiled.call(values, parameters)
        async with self._open() as connection:
            plans = [json.loads(await connection.fetchval(_EXPLAIN + sql, *arguments))[0] for _ in range(self._rounds)]
        times = [plan["Planning Time"] + plan["Execution Time"] for plan in plans]
        self._into.append(Explained(sql, statistics.median(times), plans[-1]))
        return found


@dataclass(frozen=True, slots=True)
class _Backend(Backend):
    """A backend whose snapshots have their statements explained."""

    rounds: int = 1
    into: list[Explained] = field(default_factory=list)

    def snapshot(self, principal: Principal) -> Snapshot:
        begin = Backend.snapshot(self, principal)._begin  # noqa: SLF001 - the same transaction, in another class
        return _Snapshot(self.database, begin, self.rounds, self.into)


async def observe(schema: Schema, backend: Backend, principal: Principal, caller: str, asked: Asked, *, rounds: int) -> Observed:
    """Run an operation and return what it did; each of its statements is run `rounds` times more to time it."""
    observed = Observed(asked, caller)
    watched = _Backend(backend.database, backend.events, backend.files, clock=backend.clock, rounds=rounds, into=observed.statements)
    context = Context(watched, principal, cursors=CursorCodec(b"plans"), links=FileLinks(b"plans", ""))
    result = await schema.execute(asked.document, dict(asked.variables), context)
    observed.errors += [error.message for error in result.errors or ()]
    return observed
