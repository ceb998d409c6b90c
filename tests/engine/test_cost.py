"""What operations cost: estimates by example, actual costs by example, and that the one bounds the other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, execute_sync, get_named_type, is_leaf_type
from hypothesis import assume, given
from hypothesis import strategies as st
from strawberry.federation.schema_directives import ListSize

from ampyard.engine import Limits, PublicError, Schema, Subgraph, cost, list_size
from ampyard.engine.cost import OperationCost, estimate
from ampyard.engine.operation import Operation
from tests.engine import toy


@dataclass(frozen=True)
class World:
    """How resolvers answer: how long a list that may have so many items is, whether a value is null, which class an object is of."""

    length: Callable[[int], int]
    is_null: Callable[[], bool]
    kind: Callable[[], type]


Info = strawberry.Info[World, None]


def _some(info: Info, size: int) -> list[Any]:
    return [info.context.kind()() for _ in range(info.context.length(size))]


def _items(info: Info, size: int) -> list["Item"]:
    return [Item() for _ in range(info.context.length(size))]


def _children(info: Info) -> list["Item"]:
    return _items(info, 3)


def _related(info: Info) -> list["Thing"]:
    return _some(info, 4)


def _parent(info: Info) -> "Item | None":
    return None if info.context.is_null() else Item()


def _anything(info: Info) -> "Thing | None":
    return None if info.context.is_null() else info.context.kind()()


def _page(info: Info, first: int | None = None, last: int | None = None) -> "Page":
    sizes = [size for size in (first, last) if size is not None]
    return Page(size=max(sizes, default=5))


def _by_ids(info: Info, ids: list[int]) -> list["Item | None"]:
    return [None if info.context.is_null() else Item() for _ in ids]


def _strict(info: Info, first: int | None = None, last: int | None = None) -> list["Item"]:
    return _items(info, first or last or 0)


def _ten(info: Info, first: int = 10) -> list["Item"]:
    return _items(info, first)


def _heavy() -> int:
    return 1


def _price(info: Info) -> int | None:
    return None if info.context.is_null() else 7


@strawberry.input
class Cut:
    deep: int | None = strawberry.field(default=None, directives=[cost(3)])
    plain: int | None = None
    more: list["Cut"] | None = None


@strawberry.interface
class Thing:
    name: str = "thing"
    related: list["Thing"] = strawberry.field(resolver=_related, directives=[list_size(4)])


@strawberry.type
class Item(Thing):
    price: int | None = strawberry.field(resolver=_price, directives=[cost(2)])
    children: list["Item"] = strawberry.field(resolver=_children, directives=[list_size(3)])
    parent: "Item | None" = strawberry.field(resolver=_parent)
    page: "Page" = strawberry.field(resolver=_page, directives=[list_size(5, slicing=["first", "last"], sized=["nodes"])])


@strawberry.type(directives=[cost(4)])
class Machine(Thing):
    origin: "Item | None" = strawberry.field(resolver=_parent, directives=[cost(6)])


@strawberry.type
class Page:
    size: strawberry.Private[int]
    total: int = strawberry.field(default=1, directives=[cost(5)])

    @strawberry.field
    def nodes(self, info: Info) -> list[Item | None]:
        return [None if info.context.is_null() else item for item in _items(info, self.size)]


@strawberry.type
class Query:
    item: Item | None = strawberry.field(resolver=_parent)
    thing: Thing | None = strawberry.field(resolver=_anything)
    page: Page = strawberry.field(resolver=_page, directives=[list_size(5, slicing=["first", "last"], sized=["nodes"])])

    by_ids: list[Item | None] = strawberry.field(resolver=_by_ids, directives=[list_size(slicing=["ids"])])
    strict: list[Item] = strawberry.field(resolver=_strict, directives=[list_size(slicing=["first", "last"], require_one=True)])
    ten: list[Item] = strawberry.field(resolver=_ten, directives=[list_size(slicing=["first"])])

    @strawberry.field
    def unsized(self, info: Info) -> list[Item]:
        return _items(info, 10)

    @strawberry.field
    def cut(self, cut: Cut | None = None) -> str:
        del cut
        return ""


@strawberry.type
class Mutation:
    @strawberry.mutation
    def plain(self, info: Info) -> Item | None:
        return None if info.context.is_null() else Item()

    heavy: int = strawberry.mutation(resolver=_heavy, directives=[cost(30)])

    @strawberry.mutation
    def failing(self) -> int:
        raise PublicError("No.", code="NO")


schema = Schema(Query, Mutation, types=[Item, Machine])
FULL = World(length=lambda size: size, is_null=lambda: False, kind=lambda: Item)


def prepared(document: str) -> Operation:
    operation = schema.prepare(document)
    assert isinstance(operation, Operation), operation
    return operation


def cost_of(document: str, variables: dict[str, Any] | None = None) -> OperationCost:
    return schema.costs.of(prepared(document), variables)


def requested(document: str, **variables: Any) -> int:
    return cost_of(document, variables).requested


def answered(document: str, world: World, variables: dict[str, Any] | None = None) -> dict[str, Any] | None:
    result = execute_sync(schema._schema, prepared(document).document, context_value=world, variable_values=variables)
    return result.data


@pytest.mark.parametrize(
    ("document", "points"),
    [
        ("{ __typename }", 0),
        ("{ item { name } }", 1),
        ("{ item { name parent { name __typename } } }", 2),
        ("{ item { price } }", 1 + 2),
        ("{ item { children { name } } }", 1 + 3),
        ("{ item { children { children { price } } } }", 1 + 3 * (1 + 3 * (1 + 2))),
        ("{ a: item { name } b: item { name } }", 2),
        ("{ item { name } item { price parent { name } } }", 1 + 2 + 1),
        ("{ page { nodes { name } } }", 1 + 5),
        ("{ page { total nodes { name } } }", 1 + 5 + 5),
        ("{ page(first: 0) { nodes { name } } }", 1),
        ("{ page(first: -3) { nodes { name } } }", 1),
        ("{ page(first: 7) { nodes { name page(last: 2) { n: nodes { name } } } } }", 1 + 7 * (1 + 1 + 2)),
        ("{ page(first: 7, last: 9) { nodes { name } } }", 1 + 9),
        ("{ page(first: null) { nodes { name } } }", 1 + 5),
        ("{ byIds(ids: [4, 5, 6]) { name } }", 3),
        ("{ strict(first: 2, last: null) { name } }", 2),
        ("{ ten { name } }", 10),
        ("{ ten(first: 4) { name } }", 4),
        ("{ unsized { name } }", 10),
        ("{ item { ...A ...A } } fragment A on Item { name parent { ...B } } fragment B on Thing { name }", 2),
        ("{ item { ... on Item { parent { name } } ... { parent { name } } } }", 2),
        ("{ item @skip(if: true) { name } page @include(if: false) { total } }", 0),
        ("{ thing { name } }", 4),
        ("{ thing { ... on Item { name } } }", 4),
        ("{ thing { ... on Machine { origin { name } } } }", 4 + 6),
        ("{ thing { ... on Item { children { children { name } } } ... on Machine { origin { name } } } }", 1 + 3 * (1 + 3)),
        ("{ thing { related { name } } }", 4 + 4 * 4),
        ("mutation { plain { name } }", 10 + 1),
        ("mutation { heavy }", 30),
        ("mutation { a: heavy b: failing }", 40),
        ("{ __schema { types { name fields { name } } } }", 50),
        ('{ __type(name: "Item") { name } }', 50),
        ("{ cut(cut: {plain: 1}) }", 0),
        ("{ cut(cut: {deep: 1, more: [{deep: 2}, {plain: 1, more: {deep: 3}}]}) }", 9),
    ],
)
def test_an_estimate(document: str, points: int) -> None:
    assert requested(document) == points


@pytest.mark.parametrize(
    ("variables", "points"),
    [
        ({}, 1 + 5),
        ({"n": 3}, 1 + 3),
        ({"n": 3.0}, 1 + 3),
        ({"n": None}, 1 + 5),
        ({"n": -1}, 1),
        # What no Int can be made of bounds nothing: execution refuses it.
        ({"n": "3"}, 1 + 5),
        ({"n": True}, 1 + 5),
        ({"n": 1e400}, 1 + 5),
        ({"n": {"m": 1}}, 1 + 5),
    ],
)
def test_a_variable_bounds_a_list(variables: dict[str, Any], points: int) -> None:
    assert requested("query Q($n: Int) { page(first: $n) { nodes { name } } }", **variables) == points


def test_defaults_of_variables_and_arguments_count() -> None:
    assert requested("query Q($n: Int = 8) { ten(first: $n) { name } }") == 8
    assert requested("query Q($n: Int = 8) { ten(first: $n) { name } }", n=2) == 2
    assert requested("query Q($n: Int!) { ten(first: $n) { name } }") == 10


def test_a_list_variable_bounds_by_its_length() -> None:
    document = "query Q($ids: [Int!]!, $one: Int!) { all: byIds(ids: $ids) { name } byIds(ids: [1, $one]) { name } }"
    assert requested(document, ids=[1, 2, 3], one=4) == 3 + 2


def test_representations_bound_entities() -> None:
    assert isinstance(toy.schema, Subgraph)
    operation = toy.schema.prepare("query Q($r: [_Any!]!) { _entities(representations: $r) { ... on Thing { name itself { id } } } }")
    assert isinstance(operation, Operation)
    counted = toy.schema.costs.of(operation, {"r": [{"__typename": "Thing", "id": n} for n in range(7)]})
    assert counted.requested == 7 * 2
    assert counted.actual({"_entities": [{"name": "a", "itself": {"id": 1}}, None]}) == 2


@pytest.mark.parametrize(("a", "b", "points"), [(True, True, 2), (True, False, 1), (False, True, 1), (False, False, 0)])
def test_what_is_left_out_costs_nothing(a: bool, b: bool, points: int) -> None:  # noqa: FBT001 - the two variables
    document = "query Q($a: Boolean!, $b: Boolean = true) { item @include(if: $a) { name } page @skip(if: $b) { size: __typename } }"
    assert requested(document, a=a, b=not b) == points


def test_many_combinations_of_conditions_cost_at_most_everything() -> None:
    names = [f"v{number}" for number in range(8)]
    declared = " ".join(f"${name}: Boolean!" for name in names)
    document = f"query Q({declared}) {{ {' '.join(f'{name}: item @include(if: ${name}) {{ name }}' for name in names)} }}"
    estimates = [requested(document, **{name: bool(chosen >> bit & 1) for bit, name in enumerate(names)}) for chosen in range(256)]
    exact = [chosen.bit_count() for chosen in range(256)]
    # The first are compiled each for itself; so many are not kept.
    assert estimates[:32] == exact[:32]
    assert set(estimates[32:]) == {8}
    assert cost_of(document, dict.fromkeys(names, False)).actual({}) == 0


@pytest.mark.parametrize("arguments", ["", "(first: 1, last: 1)", "(first: $n)"])
def test_exactly_one_slicing_argument_where_it_is_required(arguments: str) -> None:
    document = f"query Q($n: Int) {{ page(first: $n) {{ total }} strict{arguments} {{ name }} }}"
    with pytest.raises(PublicError, match=r"Query\.strict: give exactly one of first, last\.") as raised:
        requested(document)
    assert raised.value.code == "BAD_USER_INPUT"


def test_weighted_input_in_variables() -> None:
    document = "query Q($cut: Cut, $deep: Int) { a: cut(cut: $cut) b: cut(cut: {deep: $deep}) }"
    assert requested(document) == 0
    assert requested(document, cut={"deep": 1, "more": [{"deep": 1}]}, deep=2) == 9
    counted = cost_of(document, {"cut": {"deep": 1}, "deep": None})
    assert (counted.requested, counted.actual({"a": "", "b": ""})) == (3, 3)


@pytest.mark.parametrize(
    ("document", "data", "points"),
    [
        ("{ item { name } }", {"item": None}, 0),
        ("{ item { name } }", {"item": {"name": "a"}}, 1),
        ("{ item { price } }", {"item": {"price": None}}, 1),
        ("{ item { price } }", {"item": {"price": 3}}, 3),
        ("{ item { name } }", None, 0),
        ("{ page { total nodes { name } } }", {"page": {"total": 9, "nodes": [{"name": "a"}, None, {"name": "b"}]}}, 1 + 5 + 2),
        ("{ page { nodes { parent { name } } } }", {"page": {"nodes": [{"parent": {"name": "a"}}, {"parent": None}]}}, 1 + 2 + 1),
        # The types have different keys, which tells them apart; or the same, and the cheaper counts.
        ("{ thing { ... on Machine { origin { name } } } }", {"thing": {"origin": {"name": "a"}}}, 4 + 6),
        ("{ thing { ... on Machine { origin { name } } } }", {"thing": {}}, 1),
        ("{ thing { name } }", {"thing": {"name": "a"}}, 1),
        ("{ thing { ... on Item { a: price } ... on Machine { b: origin { name } } } }", {"thing": {"a": 4}}, 3),
        # A mutation's fields cost their call, whatever comes of it.
        ("mutation { plain { name } }", {"plain": None}, 10),
        ("mutation { a: heavy b: failing }", None, 40),
        ("{ __schema { types { name } } }", {"__schema": {"types": [{"name": "a"}] * 90}}, 50),
    ],
)
def test_an_actual_cost(document: str, data: dict[str, Any] | None, points: int) -> None:
    assert cost_of(document).actual(data) == points


def test_what_is_spread_again_and_again_is_worked_out_once() -> None:
    # Written out, the operation would have 3 ** 12 places.
    fragments = [
        f"fragment F{n} on Item {{ parent {{ ...F{n + 1} }} a: parent {{ ...F{n + 1} }} children {{ ...F{n + 1} }} }}" for n in range(12)
    ]
    text = " ".join(["{ item { ...F0 } }", *fragments, "fragment F12 on Item { name }"])
    operation = Schema(Query, Mutation, types=[Item, Machine], limits=Limits(max_aliases=10**9)).prepare(text)
    assert isinstance(operation, Operation)
    assert schema.costs.of(operation, None).requested == sum(5**depth for depth in range(13))


def test_what_is_too_intricate_to_be_estimated_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_MAX_PARTS", 3)
    assert requested("{ item { parent { name } } }") == 2
    with pytest.raises(PublicError, match="too intricate") as raised:
        requested("{ item { parent { parent { parent { price } } } } }")
    assert raised.value.code == "MAX_COST_EXCEEDED"


def test_a_declaration_that_names_nothing_is_refused() -> None:
    def broken(directive: ListSize) -> type:
        @strawberry.type(name="Query")
        class Broken:
            page: Page = strawberry.field(resolver=_page, directives=[directive])
            alone: int = 1

        return Broken

    for directive, message in [
        (list_size(slicing=["frist"], sized=["nodes"]), "argument 'frist'"),
        (list_size(slicing=["first"], sized=["node"]), "field 'node'"),
        (list_size(3), "Query.page, which is no list"),
    ]:
        with pytest.raises(ValueError, match=message):
            Schema(broken(directive))


# The estimate bounds the actual cost, for any operation and any answer; it is the actual cost where all there may be is there.


def composite_fields(type_: Any) -> list[str]:
    return list(type_.fields) if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else []


@st.composite
def selections(draw: st.DrawFn, type_: Any, depth: int) -> str:
    core = schema._schema
    parts = []
    for number in range(draw(st.integers(1, 3))):
        choices = [name for name in composite_fields(type_) if depth > 0 or is_leaf_type(get_named_type(type_.fields[name].type))]
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType) and depth > 0 and draw(st.booleans()):
            possible = draw(st.sampled_from(core.get_possible_types(type_)))
            parts.append(f"... on {possible.name} {{ {draw(selections(possible, depth - 1))} }}")
            continue
        name = draw(st.sampled_from([*choices, "__typename"]))
        condition = draw(st.sampled_from(["", "", " @include(if: $yes)", " @skip(if: $no)"]))
        # Aliases that tell everything that could differ keep the fields mergeable.
        if name == "__typename":
            parts.append(f"{name}{condition}")
            continue
        field = type_.fields[name]
        arguments, label = draw(arguments_of(field))
        below = get_named_type(field.type)
        selected = "" if is_leaf_type(below) else f" {{ {draw(selections(below, depth - 1))} }}"
        alias = f"{name}{label}{number if draw(st.booleans()) else ''}_{below.name}{'n' if name in {'nodes', 'byIds'} else ''}"
        parts.append(f"{alias}: {name}{arguments}{condition}{selected}")
    return " ".join(parts)


@st.composite
def arguments_of(draw: st.DrawFn, field: Any) -> tuple[str, str]:
    if "ids" in field.args:
        return draw(st.sampled_from([("(ids: [1, 2])", "A"), ("(ids: $ids)", "B"), ("(ids: [])", "C")]))
    if "last" in field.args and not composite_fields(get_named_type(field.type)).count("total"):
        return draw(st.sampled_from([("(first: 2, last: null)", "A"), ("(last: 1)", "B")]))
    if "first" in field.args:
        return draw(st.sampled_from([("", ""), ("(first: 2)", "A"), ("(first: $n)", "B"), ("(first: 0)", "C")]))
    if "cut" in field.args:
        return draw(st.sampled_from([("", ""), ("(cut: {deep: $n})", "A"), ("(cut: $cut)", "B")]))
    return "", ""


@st.composite
def operations(draw: st.DrawFn) -> str:
    core = schema._schema
    root = draw(st.sampled_from(["query", "query", "query", "mutation"]))
    selected = draw(selections(core.query_type if root == "query" else core.mutation_type, 4))
    return f"{root} Q($n: Int, $yes: Boolean!, $no: Boolean!, $ids: [Int!]!, $cut: Cut) {{ {selected} }}"


VARIABLES = st.fixed_dictionaries(
    {"n": st.none() | st.integers(0, 3), "yes": st.booleans(), "no": st.booleans(), "ids": st.lists(st.integers(0, 9), max_size=3)},
    optional={"cut": st.just({"deep": 1, "more": [{"deep": 2}]})},
)


def unused_variables_allowed(document: str) -> Operation | None:
    """The operation with the declarations of variables it does not use left out; None where its fields cannot be merged."""
    head, body = document.split("{", 1)
    name, declared = head.split("(", 1)
    used = [one for one in declared.rstrip(") ").split(", ") if one.split(":")[0] in body]
    operation = schema.prepare(f"{name}({', '.join(used)}) {{{body}" if used else f"{name} {{{body}")
    return operation if isinstance(operation, Operation) else None


@given(operations(), VARIABLES, st.randoms(use_true_random=False))
def test_the_estimate_bounds_the_actual_cost(document: str, variables: dict[str, Any], random: Any) -> None:
    operation = unused_variables_allowed(document)
    assume(operation is not None)
    assert operation is not None
    world = World(
        length=lambda size: random.randint(0, size), is_null=lambda: random.random() < 0.2, kind=lambda: random.choice([Item, Machine])
    )
    given_variables = {name: value for name, value in variables.items() if f"${name}" in document}
    result = execute_sync(schema._schema, operation.document, context_value=world, variable_values=given_variables)
    counted = schema.costs.of(operation, given_variables)
    assert 0 <= counted.actual(result.data) <= counted.requested


@given(operations(), VARIABLES)
def test_the_estimate_is_the_actual_cost_of_all_there_may_be(document: str, variables: dict[str, Any]) -> None:
    operation = unused_variables_allowed(document)
    # Which type is dearest differs from place to place, and what fails is not there.
    assume(operation is not None and not any(name in document for name in ("Thing", "thing", "related")))
    assert operation is not None
    given_variables = {name: value for name, value in variables.items() if f"${name}" in document}
    result = execute_sync(schema._schema, operation.document, context_value=FULL, variable_values=given_variables)
    assume(not result.errors)
    counted = schema.costs.of(operation, given_variables)
    assert counted.actual(result.data) == counted.requested
