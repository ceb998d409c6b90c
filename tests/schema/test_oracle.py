"""Both schemas by plans and by graphql-core: the same answers, also where entities are gone, wrong or fail to load."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ampyard.domain.paging import Page
from ampyard.engine import Load, Schema
from ampyard.resolvers.context import Context
from ampyard.resolvers.ids import NODES, encode_id
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from ampyard.services.backend import Backend
from tests.busy import Busy
from tests.engine.plans.operations import Drawn, operations
from tests.engine.plans.oracle import both
from tests.engine.plans.test_oracle import abandoning, swept
from tests.schema.graph import CURSORS, LINKS, Graph

# Filled with the busy tenant's ids; hypothesis needs them before there are fixtures, so it draws numbers.
IDS: list[str] = ["not an id"]
_ID_NUMBERS = st.integers(0, 10_000).map(lambda number: f"#{number}")

INPUTS: Mapping[str, st.SearchStrategy[Any]] = MappingProxyType(
    {
        "Int": st.sampled_from([2, 1, 3, 2, 50, 0, 201]),
        "Float": st.sampled_from([0.0, 1.5]),
        "String": st.sampled_from(["", "", "", "CP"]),
        "ID": _ID_NUMBERS,
        "Boolean": st.booleans(),
        "DateTime": st.sampled_from(["2026-11-02T08:00:00Z", "2026-11-02T10:00:00+01:00"]),
        "Date": st.sampled_from(["2026-11-02", "2026-11-03"]),
        "Decimal": st.sampled_from(["0", "12.5"]),
        "_Any": st.builds(
            lambda number, name: {"__typename": name, "id": number}, _ID_NUMBERS, st.sampled_from(["Depot", "Vehicle", "Nothing"])
        ),
    }
)
patient = settings(max_examples=100, suppress_health_check=list(HealthCheck))


class Spoiled(Context):
    """The context of an operation whose loads bring what no database would, the same for the same seed."""

    def __init__(self, backend: Backend, graph: Graph, seed: int, trouble: float) -> None:
        super().__init__(backend, graph.principal, cursors=CURSORS, links=LINKS)
        self._seed, self._trouble = seed, trouble

    async def load_many(self, load: Load, keys: Sequence[Any], reads: frozenset[str] | None) -> Mapping[Any, Any]:
        name = f"{getattr(load.batch, '__name__', '')} {getattr(load.arguments[0], '__name__', '') if load.arguments else ''}"
        if self._strikes(name):
            raise RuntimeError(f"no {name}")
        found = await super().load_many(load, keys, reads)
        return {key: self._spoil(f"{name} {key!r:.60}", found.get(key)) for key in keys}

    def _strikes(self, what: str) -> bool:
        return random.Random(f"{self._seed} {what}").random() < self._trouble

    def _spoil(self, what: str, value: Any) -> Any:
        if self._strikes(what):
            return random.Random(f"{self._seed} {what} how").choice([None, RuntimeError(f"no {what}"), "text", 3])
        if isinstance(value, list):
            return [self._spoil(f"{what} {number}", item) for number, item in enumerate(value)]
        if isinstance(value, Page):
            items = tuple(self._spoil(f"{what} {number}", item) for number, item in enumerate(value.items))
            return Page(items, value.ordered_by, value.has_next, value.has_previous)
        return self._spoiled_entity(what, value) if is_dataclass(value) and type(value) in NODES else value

    def _spoiled_entity(self, what: str, entity: Any) -> Any:
        spoiled = object.__new__(type(entity))
        for it in fields(entity):
            # Only what has been read from the database is there.
            if hasattr(entity, it.name):
                value = getattr(entity, it.name)
                if it.name not in {"id", "tenant_id"} and not isinstance(value, uuid.UUID) and self._strikes(f"{what} {it.name}"):
                    odd = [
                        None,
                        RuntimeError(f"no {it.name}"),
                        "text",
                        2**40,
                        float("inf"),
                        date(2026, 1, 1),
                        datetime(1, 1, 1, tzinfo=UTC),
                    ]
                    value = random.Random(f"{self._seed} {what} {it.name} how").choice(odd)
                object.__setattr__(spoiled, it.name, value)
        return spoiled


async def ids_of(busy: Busy) -> list[str]:
    """Return the global ids of some entities of each type, and two that are none."""
    if len(IDS) == 1:
        for entity, repository in NODES.items():
            IDS.extend(encode_id(entity, it.id) for it in (await busy.all(repository))[:3])
        IDS.append(encode_id(next(iter(NODES)), uuid.UUID(int=7)))
    return IDS


def with_ids(value: Any, ids: list[str]) -> Any:
    """Return a drawn value with ids in the place of their numbers."""
    if isinstance(value, dict):
        return {key: with_ids(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [with_ids(item, ids) for item in value]
    if isinstance(value, str) and value.startswith("#"):
        return ids[int(value[1:]) % len(ids)]
    return value


async def compare(graph: Graph, busy: Busy, schema: Schema, operation: Drawn, seed: int, trouble: float) -> None:
    ids = await ids_of(busy)
    text = operation.text
    for number in range(text.count('"#')):
        del number
        before, _, after = text.partition('"#')
        digits, _, rest = after.partition('"')
        text = f'{before}"{with_ids(f"#{digits}", ids)}"{rest}'
    contexts: list[Context] = []

    def context() -> Context:
        contexts.append(Spoiled(busy.backend, graph, seed, trouble))
        return contexts[-1]

    try:
        await both(schema, text, context, with_ids(operation.variables, ids))
    finally:
        for one in contexts:
            await one.end_operation()


drawing = {"seed": st.integers(0, 10_000), "trouble": st.sampled_from([0.0, 0.03, 0.2])}


@pytest.mark.usefixtures("swept")
@abandoning
@given(operation=operations(internal._schema, INPUTS, depth=6, fields=15), **drawing)
@patient
async def test_the_internal_schema(graph: Graph, busy: Busy, operation: Drawn, seed: int, trouble: float) -> None:
    await compare(graph, busy, internal, operation, seed, trouble)


@pytest.mark.usefixtures("swept")
@abandoning
@given(operation=operations(public._schema, INPUTS, depth=6, fields=15), **drawing)
@patient
async def test_the_public_schema(graph: Graph, busy: Busy, operation: Drawn, seed: int, trouble: float) -> None:
    await compare(graph, busy, public, operation, seed, trouble)


__all__ = ["swept"]
