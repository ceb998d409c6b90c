"""Execution alone, in this process: the product's engine against graphql-core and plain Strawberry over the same types and resolvers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeGuard, cast

import strawberry
from graphql import ExecutionResult, GraphQLSchema, execute, parse
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.execution import PreExecutionError

from ampyard.domain.transactions import Transaction
from ampyard.engine import Load, Schema
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.context import Context
from ampyard.resolvers.ids import encode_id
from ampyard.schema.internal import schema as internal_schema
from bench import measure
from bench.apps import plain_schema
from bench.fleet import Fleet
from bench.lab import Lab
from bench.measure import Result, Work, compare
from bench.served import NESTED_QUERY

_ITEMS = 1_000
_REPRESENTATIONS = 1_000


@strawberry.type
class Item:
    """Five fields without resolvers."""

    name: str
    model: str
    battery_kwh: float
    seats: int
    electric: bool


_items = [Item(name=f"Bus {n}", model="eCitaro", battery_kwh=300.0 + n, seats=40 + n % 10, electric=n % 3 > 0) for n in range(_ITEMS)]


@strawberry.type
class FlatQuery:
    """A list that is there already."""

    @strawberry.field
    def items(self) -> list[Item]:
        return _items


_FLAT = "{ items { name model batteryKwh seats electric } }"
_ENTITIES = """
query ($representations: [_Any!]!) {
    _entities(representations: $representations) { ... on Transaction { ocppTransactionId energyWh state } }
}
"""


class _Recorded(Context):
    """Remembers what batches find, the first time; from then on answers from memory, so that no time of the database counts."""

    memory: dict[tuple[object, tuple[Hashable, ...]], Mapping[Any, Any]]
    recording: bool

    async def load_many(self, load: Load, keys: Sequence[Any], reads: frozenset[str] | None) -> Mapping[Any, Any]:
        del reads  # whoever replays must find everything
        if self.recording:
            found = await super().load_many(load, keys, None)
            self.memory[load.batch, load.arguments] = dict(found)
        return self.memory[load.batch, load.arguments]


async def flat(lab: Lab) -> AsyncIterator[Result]:
    """Yield 1,000 items of five plain fields, against graphql-core's executor; parsed and validated before on both sides."""
    theirs = _by_graphql_core(strawberry.Schema(FlatQuery)._schema, _FLAT, lambda: None)  # noqa: SLF001 - it is what graphql-core executes
    yield await compare("execution-flat", _flat(), theirs, baseline="graphql-core", rounds=lab.rounds, target=20)


async def nested(lab: Lab) -> AsyncIterator[Result]:
    """Yield the nested fleet query with loaders that answer from memory, against graphql-core's executor; parsed and validated before."""
    context = await _recorded(await lab.fleet(), NESTED_QUERY)
    theirs = _by_graphql_core(plain_schema()._schema, NESTED_QUERY, context)  # noqa: SLF001 - it is what graphql-core executes
    yield await compare(
        "execution-nested", _by_engine(internal_schema, NESTED_QUERY, context), theirs, baseline="graphql-core", rounds=lab.rounds, target=8
    )


async def entities(lab: Lab) -> AsyncIterator[Result]:
    """Yield 1,000 representations of transactions, from text to data, against plain Strawberry: from memory, and from the database."""
    fleet = await lab.fleet()
    variables = await _representations(fleet)
    plain, in_memory = plain_schema(), await _recorded(fleet, _ENTITIES, variables)
    for context, source, target in ((in_memory, "loaded before", 8), (fleet.context, "from the database", None)):
        ours, theirs = _whole(internal_schema, context, variables), _whole(plain, context, variables)
        yield await compare("entities", ours, theirs, baseline=f"plain Strawberry, {source}", rounds=lab.rounds, target=target)


async def profile_flat(lab: Lab) -> str:
    """Return where the engine spends its time on plain fields."""
    del lab
    return await measure.profile(_flat())


async def profile_nested(lab: Lab) -> str:
    """Return where the engine spends its time on the nested query."""
    context = await _recorded(await lab.fleet(), NESTED_QUERY)
    return await measure.profile(_by_engine(internal_schema, NESTED_QUERY, context))


async def profile_entities(lab: Lab) -> str:
    """Return where the engine spends its time on representations."""
    fleet = await lab.fleet()
    variables = await _representations(fleet)
    return await measure.profile(_whole(internal_schema, await _recorded(fleet, _ENTITIES, variables), variables))


def _flat() -> Work:
    return _by_engine(Schema(FlatQuery), _FLAT, lambda: None)


def _by_engine(schema: Schema, query: str, context: Callable[[], Context | None]) -> Work:
    operation = schema.prepare(query)
    assert not isinstance(operation, PreExecutionError), operation.errors

    async def run() -> object:
        async with aclosing(schema.run(operation, context=context())) as results:
            return _data(await anext(results))

    return run


def _by_graphql_core(schema: GraphQLSchema, query: str, context: Callable[[], Context | None]) -> Work:
    document = parse(query)

    async def run() -> object:
        result = execute(
            schema,
            document,
            context_value=context(),
            # As Strawberry has it.
            executor_class=StrawberryGraphQLCoreExecutionContext,
            is_awaitable=cast("Callable[[object], TypeGuard[Awaitable[object]]]", optimized_is_awaitable),
        )
        return _data(result if isinstance(result, ExecutionResult) else await result)

    return run


def _whole(schema: strawberry.Schema, context: Callable[[], Context], variables: Callable[[], dict[str, Any]]) -> Work:
    async def run() -> object:
        shared = context()
        try:
            return _data(await schema.execute(_ENTITIES, variable_values=variables(), context_value=shared))
        finally:
            await shared.end_operation()

    return run


def _data(result: Any) -> object:
    assert not result.errors, result.errors[:3]
    return result.data


async def _recorded(fleet: Fleet, query: str, variables: Callable[[], dict[str, Any]] = dict) -> Callable[[], Context]:
    """Run a query once; return a function that makes contexts which answer what was loaded then from memory."""

    class Replaying(_Recorded):
        memory: dict[tuple[object, tuple[Hashable, ...]], Mapping[Any, Any]] = {}  # noqa: RUF012 - the class is made for one query
        recording = True

    first = fleet.context(Replaying)
    _data(await plain_schema().execute(query, variable_values=variables(), context_value=first))
    await first.end_operation()
    Replaying.recording = False
    return lambda: fleet.context(Replaying)


async def _representations(fleet: Fleet) -> Callable[[], dict[str, Any]]:
    """Return a function that makes the variables anew: plain Strawberry changes those it is given."""
    async with fleet.backend.database.snapshot(fleet.tenant_id) as snapshot:
        found = await Transactions(snapshot).where(order_by=[Transactions.table.c.id])
    ids = [encode_id(Transaction, transaction.id) for transaction in found[:_REPRESENTATIONS]]
    assert len(ids) == _REPRESENTATIONS
    return lambda: {"representations": [{"__typename": "Transaction", "id": one} for one in ids]}
