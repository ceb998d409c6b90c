"""Plans against graphql-core, over a schema with a bit of everything and resolvers that fail as they like."""

import gc
from collections.abc import Iterator

import pytest
from graphql import get_introspection_query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.plans.operations import Drawn, operations
from tests.engine.plans.oracle import both, by_plan, prepared
from tests.engine.plans.zoo import Zoo, schema

INPUTS = {"Int": st.integers(-3, 7), "String": st.sampled_from(["", "slow", "ü\n"]), "Boolean": st.booleans()}

# graphql-core abandons what has begun beside a field that fails within a list that fails.
abandoning = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited:RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def swept() -> Iterator[None]:
    """Collect what a test has abandoned before the next one, which may abandon nothing, is blamed for it."""
    yield
    gc.collect()


drawn = given(operation=operations(schema._schema, INPUTS), seed=st.integers(0, 10_000), trouble=st.sampled_from([0.0, 0.05, 0.3]))
patient = settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.usefixtures("swept")
@abandoning
@drawn
@patient
async def test_a_plan_gives_what_graphql_core_gives(operation: Drawn, seed: int, trouble: float) -> None:
    await both(schema, operation.text, lambda: Zoo(seed, trouble), operation.variables)


@drawn
@patient
async def test_a_plan_abandons_nothing_and_gives_the_same_twice(operation: Drawn, seed: int, trouble: float) -> None:
    # Warnings are errors: so is a coroutine that is never awaited.
    prepared_operation = prepared(schema, operation.text)
    once = await by_plan(schema, prepared_operation, Zoo(seed, trouble), operation.variables)
    again = await by_plan(schema, prepared_operation, Zoo(seed, trouble), operation.variables)
    assert repr(once) == repr(again)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(get_introspection_query(), id="introspection"),
        pytest.param('{ __type(name: "Person") { name fields { name args { name defaultValue } } } __typename }', id="one type"),
        pytest.param("{ beings { __typename ... on Being { id } ... on Cat { id lives } } }", id="interface"),
        pytest.param("{ people(first: 6) { pets { ... on Dog { owner { pet { __typename } } } } } }", id="union below a list"),
        pytest.param("{ person(number: 1) { team(size: -1) { id } strictTeam(strict: true, size: 4) { id } } }", id="planner fails"),
        pytest.param("{ person { name } person { email team { id } team { name } } }", id="merged"),
        pytest.param("{ person { ...A } } fragment A on Person { boss { ...B } } fragment B on Person { id }", id="fragments"),
        pytest.param("{ person { initials matrix tags born height } strangers { bestFriend { slow steps } } }", id="late"),
        pytest.param("{ person @skip(if: true) { id } }", id="nothing"),
    ],
)
@pytest.mark.parametrize("trouble", [0.0, 0.2])
async def test_operations_of_every_kind(document: str, trouble: float) -> None:
    for seed in range(10):
        await both(schema, document, lambda at=seed: Zoo(at, trouble))  # type: ignore[misc]  # mypy cannot infer a default's type


@pytest.mark.parametrize("value", [-(2**31) - 1, -(2**31), 2**31 - 1, 2**31, 1.0, 1.5, "1", True, None, float("inf"), float("nan")])
async def test_numbers_at_their_edges(value: object) -> None:
    class Edge(Zoo):
        def fate(self, what: str, value_: object, *, lazily: bool = True) -> object:
            del lazily
            return value if what.endswith((" lives", " age", " weight", " height", " happy")) else value_

    asked = "{ beings { age ... on Cat { lives } ... on Dog { weight } } people { height happy } }"
    await both(schema, asked, lambda: Edge(1))
