"""What plans do beyond giving the right answer: batches, levels, caching, projection, and what they leave to graphql-core."""

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import pytest
import strawberry

from ampyard.engine import Load, Schema, computed, edge
from ampyard.engine.batching import Edge, declaration, unbatched
from ampyard.engine.plans import Plans
from ampyard.engine.plans.fields import Selected
from tests.engine.plans.oracle import both, by_plan, prepared
from tests.engine.plans.zoo import Zoo, schema


async def test_every_load_of_a_level_is_one_batch() -> None:
    zoo = Zoo(1, trouble=0)
    asked = "{ a: people(first: 3) { boss { id } mentor { boss { id } } } b: strangers { boss { name } team { id } } }"

    await by_plan(schema, prepared(schema, asked), zoo, {})

    assert zoo.batches == [
        ("teams (3,)", [4]),
        ("people ()", [0, 1, 2, 1, 2, 3, 4, 5, 6]),
        ("teams (2,)", [4, 5, 6]),
        ("people ()", [1, 2, 3]),
    ]


async def test_loads_of_a_level_run_side_by_side() -> None:
    running = most = 0

    class Busy(Zoo):
        async def load_many(self, load: Load, keys: Sequence[Any], reads: frozenset[str] | None) -> Mapping[Any, Any]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1
            return await super().load_many(load, keys, reads)

    await by_plan(schema, prepared(schema, "{ person { boss { id } team { id } slow } }"), Busy(1, trouble=0), {})

    assert most == 2


async def test_what_is_cancelled_leaves_nothing_running() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    class Endless(Zoo):
        async def load_many(self, load: Load, keys: Sequence[Any], reads: frozenset[str] | None) -> Mapping[Any, Any]:
            del load, keys, reads
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            raise AssertionError

    running = asyncio.create_task(by_plan(schema, prepared(schema, "{ person { boss { id } slow } }"), Endless(1, trouble=0), {}))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert ended.is_set()


async def test_an_operation_has_a_plan_for_each_selection_that_its_variables_steer() -> None:
    operation = prepared(schema, "query Q($n: Int!, $more: Boolean!) { person(number: $n) { id email @include(if: $more) } }")

    results = [(await by_plan(schema, operation, Zoo(1, trouble=0), {"n": n, "more": more})).data for n in (1, 2) for more in (True, False)]

    assert results == [
        {"person": {"id": "p1", "email": "1@zoo"}},
        {"person": {"id": "p1"}},
        {"person": {"id": "p2", "email": "2@zoo"}},
        {"person": {"id": "p2"}},
    ]
    assert list(operation.derived[Plans].plans) == [(True,), (False,)]


async def test_an_operation_keeps_no_more_plans_than_it_should() -> None:
    names = [f"v{number}" for number in range(7)]
    declared, fields = ", ".join(f"${name}: Boolean!" for name in names), " ".join(f"{name}: id @skip(if: ${name})" for name in names)
    operation = prepared(schema, f"query Q({declared}) {{ person {{ {fields} }} }}")

    before = schema.plans.counts.copy()
    for bits in range(2**7):
        given = {name: bool(bits >> number & 1) for number, name in enumerate(names)}
        async with aclosing(schema.run(operation, context=Live(1, trouble=0), variables=given)) as results:
            assert (await anext(results)).data == {"person": {name: "p1" for name, skipped in given.items() if not skipped}}

    assert len(operation.derived[Plans].plans) == 32
    assert schema.plans.counts - before == {"compiled": 32, "too many selections of one operation": 96}


async def test_mutations_run_one_after_another_and_stop_where_nothing_is_left() -> None:
    zoo = Zoo(1, trouble=0)
    asked = 'mutation { a: add(word: "slow") { id } b: add(word: "quick") { boss { id } } words }'
    result = await by_plan(schema, prepared(schema, asked), zoo, {})
    assert (result.data, result.errors) == ({"a": {"id": "p1"}, "b": {"boss": {"id": "p2"}}, "words": ["slow", "quick"]}, None)

    zoo = Zoo(1, trouble=0)
    asked = 'mutation { a: add(word: "one") { id } b: add(word: "fail") { id } c: add(word: "never") { id } }'
    result = await by_plan(schema, prepared(schema, asked), zoo, {})
    assert (result.data, [error.path for error in result.errors or ()]) == (None, [["b"]])
    assert zoo.__dict__["written"] == ["one", "fail"]


class Live(Zoo):
    async def end_event(self) -> None:
        self.batches.append(("event", []))

    async def end_operation(self) -> None:
        self.batches.append(("operation", []))


@pytest.mark.parametrize("compiled", [True, False])
async def test_a_plan_executes_each_event_of_a_subscription(*, compiled: bool) -> None:
    live = Live(1, trouble=0)
    before = schema.plans.counts.copy()
    operation = prepared(schema, "subscription { ticks(count: 2) { id boss { id } } }")

    async with aclosing(schema.run(operation, context=live, compiled=compiled)) as results:
        data = [result.data async for result in results]

    assert data == [{"ticks": {"id": "p0", "boss": {"id": "p0"}}}, {"ticks": {"id": "p1", "boss": {"id": "p1"}}}]
    assert [name for name, _ in live.batches] == ["people ()", "event", "people ()", "event", "operation"]
    assert schema.plans.counts - before == {"compiled" if compiled else "switched off": 2}


def told_apart_late() -> Schema:
    async def is_type_of(_value: object, _info: object) -> bool:
        return True

    @strawberry.type
    class Thing:
        name: str

    Thing.__strawberry_definition__.is_type_of = is_type_of  # type: ignore[attr-defined]  # Strawberry's types have it

    @strawberry.type
    class Root:
        @strawberry.field
        def thing(self) -> Thing:
            return Thing(name="late")

    return Schema(Root)


async def test_what_no_plan_can_express_is_left_to_graphql_core_and_counted() -> None:
    other = told_apart_late()
    assert (await other.execute("{ thing { name } }")).data == {"thing": {"name": "late"}}
    assert other.plans.counts == {"a type that is told apart asynchronously": 1}
    assert (await other.execute("{ __typename }")).data == {"__typename": "Root"}
    assert other.plans.counts == {"a type that is told apart asynchronously": 1, "compiled": 1}


@strawberry.type
class Deep:
    name: str
    below: "Deep | None"
    all: list["Deep"]


@strawberry.type
class DeepQuery:
    @strawberry.field
    def top(self) -> Deep:
        deep = Deep(name="bottom", below=None, all=[])
        for number in range(25):
            deep = Deep(name=str(number), below=deep, all=[deep, deep] if number < 4 else [])
        return deep


async def test_nesting_may_be_deeper_than_python_s_blocks() -> None:
    from ampyard.engine import Limits

    deep = Schema(DeepQuery, limits=Limits(max_depth=100))
    below = "name"
    for number in range(24):
        below = f"name {'all' if number < 3 else 'below'} {{ {below} }}"
    result = await both(deep, f"{{ top {{ {below} }} }}", lambda: None)
    assert result.errors is None
    lists = "name"
    for _ in range(12):
        lists = f"name all {{ {lists} }}"
    assert (await both(deep, f"{{ top {{ {lists} }} }}", lambda: None)).errors is None


async def test_the_same_object_behind_many_parents_is_completed_once() -> None:
    asked = 0

    def titled(root: Any) -> str:
        nonlocal asked
        asked += 1
        return f"title {root.name}"

    async def owners(_: object, keys: Sequence[Any]) -> Mapping[Any, Any]:
        return {key: Owner(name=key) for key in keys}

    @strawberry.type
    class Owner:
        name: str
        title: str = computed(titled)

    @strawberry.type
    class Thing:
        owner: Owner = edge(lambda info: Load(owners), key=lambda root: root.of)  # noqa: ARG005  # Strawberry's name
        of: strawberry.Private[str] = "x"

    @strawberry.type
    class Root:
        @strawberry.field
        def things(self) -> list[Thing]:
            return [Thing(of=of) for of in "aabab"]

    other = Schema(Root)
    result = await by_plan(other, prepared(other, "{ things { owner { name title } } }"), Zoo(1, 0), {})
    assert result.data == {"things": [{"owner": {"name": of, "title": f"title {of}"}} for of in "aabab"]}
    assert asked == 2


def selected(document: str, *keys: str) -> tuple[Any, Selected]:
    """Return a document's plan and the selected field at these response keys."""
    operation = prepared(schema, document)
    plan = schema.plans.plan(operation.document, operation.definition, {}, operation.derived)
    assert plan is not None
    found = {deferred.position.field.key: deferred.position.field for deferred in plan.edges.values()}
    return plan, found[keys[-1]]


@pytest.mark.parametrize(
    ("selection", "reads"),
    [
        ("id", {"id"}),
        ("__typename", set()),
        ("id a: born pets { __typename }", {"id", "born", "pets"}),
        ("id boss { name }", {"id", "number"}),
        ("id ...F", {"id", "email", "tags"}),
        ("id title", None),
        ("id slow", None),
        ("id mentor { id }", None),
    ],
)
def test_a_load_is_told_what_will_be_read(selection: str, reads: set[str] | None) -> None:
    fragment = " fragment F on Person { email tags }" if "...F" in selection else ""
    plan, field = selected(f"{{ strangers {{ {selection} }} }}{fragment}", "strangers")
    assert plan.reads(field, ("",)) == (None if reads is None else frozenset(reads))


def test_an_edge_is_declared_in_one_line_and_cannot_load_for_one_parent() -> None:
    async def load_it(root: object) -> str:
        raise AssertionError(root)

    with pytest.raises(TypeError, match="declare the field as an edge, so that it is loaded in batches"):
        computed(load_it)
    with pytest.raises(TypeError, match="must not load itself"):
        edge(load_it, key="id")  # type: ignore[arg-type]  # as wrong as it can be
    assert isinstance(declaration(schema._schema.type_map["Person"].fields["boss"]), Edge)  # type: ignore[attr-defined]  # an object type


def test_fields_that_load_one_by_one_are_found() -> None:
    assert set(unbatched(schema._schema)) == {"Person.slow", "Person.bestFriend", "Person.steps"}

    @strawberry.type
    class Thing:
        @strawberry.field
        async def slow(self) -> str:
            raise AssertionError

    @strawberry.type
    class Root:
        thing: Thing

    with pytest.raises(TypeError, match=r"Thing\.slow.*make it an edge"):
        Schema(Root, batched=True)


async def test_what_no_data_reaches_is_not_compiled() -> None:
    fragments = " ".join(f"fragment F{n} on Person {{ boss {{ ...F{n + 1} }} mentor {{ ...F{n + 1} }} }}" for n in range(15))
    asked = f"{{ person(number: 1) {{ ...F0 }} strangers {{ boss {{ ...F0 }} }} }} {fragments} fragment F15 on Person {{ id }}"

    class Nobody(Zoo):
        def fate(self, what: str, value: Any, *, lazily: bool = True) -> Any:
            return None if what.startswith(("root person", "team")) else super().fate(what, value, lazily=lazily)

    operation = prepared(schema, asked)
    result = await by_plan(schema, operation, Nobody(1, trouble=0), {})

    assert result.data is None  # strangers may not be null
    (plan,) = operation.derived[Plans].plans.values()
    assert plan.size < 20_000


async def test_all_plans_together_stay_within_bounds() -> None:
    plans = Plans(schema, max_size=20_000)
    kept: list[dict[object, Any]] = []
    for number in range(50):
        operation = prepared(schema, f"{{ a{number}: person {{ id name email tags }} }}")
        kept.append({})
        plan = plans.plan(operation.document, operation.definition, {}, kept[-1])
        assert plan is not None
        assert plan.size > 1_000

    alive = [plan for known in kept for plan in known[Plans].plans.values()]
    assert sum(plan.size for plan in alive) <= 20_000
    assert [bool(known[Plans].plans) for known in kept[-3:]] == [True, True, True]


async def test_one_error_of_many_parents_keeps_its_own_traceback() -> None:
    async def failing(_: object, keys: Sequence[Any]) -> Mapping[Any, Any]:
        raise RuntimeError(keys)

    @strawberry.type
    class Part:
        next: str | None = edge(lambda info: Load(failing), key="number")  # noqa: ARG005  # Strawberry's name
        number: int

    @strawberry.type
    class Root:
        @strawberry.field
        def parts(self) -> list[Part]:
            return [Part(number=number) for number in range(500)]

    other = Schema(Root)
    result = await by_plan(other, prepared(other, "{ parts { next } }"), Zoo(1, 0), {})

    assert result.errors is not None
    assert len(result.errors) == 500
    lines = traceback.format_exception(result.errors[-1].original_error)
    assert any("in failing" in line for line in lines)
    assert len(lines) < 20
