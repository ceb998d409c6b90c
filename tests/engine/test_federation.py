"""Entities: from representations to what they stand for."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest
import strawberry
from hypothesis import given
from hypothesis import strategies as st
from strawberry import ID, federation
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet
from strawberry.types.execution import ExecutionResult

from ampyard.engine import InstanceCheck, Limits, PublicError, Subgraph, computed
from ampyard.engine.operation import Operation
from tests.engine import toy
from tests.engine.toy import SECRET, Caller, Context

THINGS = "query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Thing { id name } } }"


calls: list[object] = []  # what resolvers were called with


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


@strawberry.enum
class Region(Enum):
    NORTH = "N"
    SOUTH = "S"


@strawberry.type
class Maker:
    country: str
    number: int


@federation.interface(keys=["id"])
class Node:
    id: ID

    @classmethod
    def resolve_reference(cls, id: ID) -> "Part":  # noqa: A002 - the key's name
        return part(id)


@federation.type(keys=["id", "sku maker { country number }", "region sku"])
class Part(Node):
    sku: str | None
    maker: Maker
    region: Region

    @classmethod
    async def resolve_references(cls, info: strawberry.Info, representations: Sequence[Mapping[str, Any]]) -> list[object]:
        assert info.field_name == "_entities"
        calls.append(list(representations))
        return [found(one) for one in representations]


def part(id_: object) -> Part:
    return Part(id=ID(str(id_)), sku="s", maker=Maker(country="DE", number=1), region=Region.NORTH)


def found(fields: Mapping[str, Any]) -> object:
    """Part 0 is not there, part 1 not to be shown, part 2 broken."""
    match fields.get("id"):
        case "0":
            return None
        case "1":
            return PublicError("Not this one.", code="FORBIDDEN")
        case "2":
            return RuntimeError(SECRET)
    return part(fields.get("id", "by another key"))


@federation.type(keys=["serialNo"])
class Device:
    serial_no: int
    load_kw: float = 0.0
    spare: str = ""

    @classmethod
    def resolve_reference(cls, serial_no: int, load_kw: float = 0.0, *, spare: str = "none") -> "Device":
        calls.append((serial_no, load_kw, spare))
        return Device(serial_no=serial_no, load_kw=load_kw, spare=spare)


@federation.type(keys=["id"])
class Bag:
    id: ID
    content: str

    @classmethod
    async def resolve_reference(cls, info: strawberry.Info, **fields: object) -> "Bag":
        assert info.field_name == "_entities"
        return Bag(id=ID(str(fields.pop("id"))), content=repr(fields))


@federation.type(keys=["id"])
class Stub:
    id: ID


@federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class Elsewhere:
    id: ID


@federation.type(keys=["id"])
class Short:
    id: ID

    @classmethod
    def resolve_references(cls, _info: strawberry.Info, representations: Sequence[object]) -> list[object]:
        return list(representations)[1:]


@federation.type(keys=["id"])
class Down:
    id: ID

    @classmethod
    def resolve_references(cls, _info: strawberry.Info, _representations: Sequence[object]) -> list[object]:
        raise ConnectionError(SECRET)


@dataclass
class Pump:
    """What the graph shows as PumpType."""

    id: str
    power_kw: float = 1.5


@federation.type(name="Pump", keys=["id"])
class PumpType:
    id: ID
    power_kw: float
    power_w: float = computed(lambda root: root.power_kw * 1000, reads=["power_kw"])
    unsaid: str = computed(lambda root: root.id)
    is_type_of = staticmethod(InstanceCheck(Pump))

    @classmethod
    def resolve_references(
        cls, _info: strawberry.Info, representations: Sequence[Mapping[str, Any]], reads: frozenset[str] | None
    ) -> list[object]:
        calls.append(reads)
        return [Pump(one["id"]) for one in representations]


@strawberry.type
class Query:
    @strawberry.field
    def elsewhere(self) -> Elsewhere:
        return Elsewhere(id=ID("1"))


schema = Subgraph(Query, types=[Part, Device, Bag, Stub, Short, Down, PumpType], limits=Limits(max_representations=100))
FRAGMENTS = "... on Part { id sku } ... on Device { serialNo loadKw spare } ... on Bag { id content } ... on Stub { id } ... on Down { id }"
ENTITIES = f"query Q($of: [_Any!]!) {{ _entities(representations: $of) {{ __typename {FRAGMENTS} }} }}"


async def ask(*of: object) -> ExecutionResult:
    return await schema.execute(ENTITIES, {"of": list(of)}, Context(Caller("alice")))


def told(result: ExecutionResult) -> list[tuple[object, object, str]]:
    """Path, code and message of each error, by path."""
    return sorted([(error.path, (error.extensions or {})["code"], error.message) for error in result.errors or []], key=repr)


def entities(result: ExecutionResult) -> list[Any]:
    assert result.data is not None
    return list(result.data["_entities"])


# Each in its own place


async def test_bad_representation_nulls_itself_alone_and_order_is_kept() -> None:
    representations: list[object] = [
        {"__typename": "Thing", "id": 3},
        {"__typename": "Thing", "id": -1},
        {"__typename": "Thing"},
        {"__typename": "Nothing", "id": 1},
        {"__typename": "Query"},
        {"id": 1},
        7,
        {"__typename": "Thing", "id": 0},
        {"__typename": "Thing", "id": 666},
        {"__typename": ["Thing"], "id": 1},
        {"__typename": "Thing", "id": 1},
    ]
    given_before = repr(representations)
    result = await toy.schema.execute(THINGS, {"representations": representations}, Context(Caller("alice")))
    assert result.data == {"_entities": [{"id": 3, "name": "thing 3"}, *[None] * 9, {"id": 1, "name": "thing 1"}]}
    errors = sorted(result.errors or [], key=lambda error: error.path or [])
    assert [(error.path, (error.extensions or {})["code"]) for error in errors] == [
        (["_entities", 1], "NOT_FOUND"),
        (["_entities", 2], "BAD_USER_INPUT"),
        (["_entities", 3], "BAD_USER_INPUT"),
        (["_entities", 4], "BAD_USER_INPUT"),
        (["_entities", 5], "BAD_USER_INPUT"),
        (["_entities", 6], "BAD_USER_INPUT"),
        (["_entities", 8], "INTERNAL_SERVER_ERROR"),
        (["_entities", 9], "BAD_USER_INPUT"),
    ]
    assert repr(representations) == given_before


async def test_equal_representations_are_resolved_once_in_one_batch_of_their_type() -> None:
    of = [
        {"__typename": "Part", "id": "7"},
        {"__typename": "Bag", "id": "b"},
        {"id": "7", "__typename": "Part"},
        {"__typename": "Part", "id": "1"},
        {"__typename": "Part", "id": "8"},
        {"__typename": "Part", "id": "0"},
        {"__typename": "Part", "id": "2"},
        {"__typename": "Part", "id": "1"},
        {"__typename": "Part", "id": "2"},
    ]
    result = await ask(*of)
    assert [one and one["id"] for one in entities(result)] == ["7", "b", "7", None, "8", None, None, None, None]
    assert calls == [[{"id": "7"}, {"id": "1"}, {"id": "8"}, {"id": "0"}, {"id": "2"}]]
    assert told(result) == [
        (["_entities", 3], "FORBIDDEN", "Not this one."),
        (["_entities", 6], "INTERNAL_SERVER_ERROR", "Internal error"),
        (["_entities", 7], "FORBIDDEN", "Not this one."),
        (["_entities", 8], "INTERNAL_SERVER_ERROR", "Internal error"),
    ]


async def test_a_batch_that_fails_fails_its_own_type_alone_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    of = [{"__typename": "Down", "id": "1"}, {"__typename": "Stub", "id": "2"}, {"__typename": "Down", "id": "3"}]
    with caplog.at_level(logging.ERROR, "ampyard.engine"):
        result = await ask(*of)
    assert entities(result) == [None, {"__typename": "Stub", "id": "2"}, None]
    assert told(result) == [(["_entities", place], "INTERNAL_SERVER_ERROR", "Internal error") for place in (0, 2)]
    [correlation_id] = {(error.extensions or {})["correlationId"] for error in result.errors or []}
    [record] = caplog.records
    assert correlation_id in record.getMessage()
    assert "raise ConnectionError(SECRET)" in caplog.text


async def test_a_batch_that_loses_some_is_an_error_and_not_a_mixture(caplog: pytest.LogCaptureFixture) -> None:
    result = await ask({"__typename": "Short", "id": "1"}, {"__typename": "Short", "id": "2"})
    assert entities(result) == [None, None]
    assert "The references of Short resolve to 1 entities, not 2." in caplog.text


async def test_too_many_representations_are_refused_before_any_is_looked_at() -> None:
    at_the_limit = await ask(*[{"__typename": "Part", "id": "1"}] * 100)
    beyond = await ask(*[{"__typename": "Part", "id": "1"}] * 101)
    assert (len(entities(at_the_limit)), len(calls)) == (100, 1)
    assert beyond.data is None
    assert told(beyond) == [
        (["_entities"], "BAD_USER_INPUT", "At most 100 representations may be asked for at once, not 101."),
    ]


STUB = {"__typename": "Stub", "id": "1"}
STUB_LITERAL = '{__typename: "Stub", id: "1"}'


@pytest.mark.parametrize(
    ("declared", "argument", "variables", "data", "message"),
    [
        ("$r: [_Any!]!", "$r", {"r": [STUB]}, [STUB], None),
        ("$r: [_Any!]!", "$r", {"r": STUB}, [STUB], None),
        ("$r: _Any!", "[$r]", {"r": STUB}, [STUB], None),
        (f"$r: [_Any!]! = [{STUB_LITERAL}]", "$r", {}, [STUB], None),
        (f"$r: [_Any!] = [{STUB_LITERAL}]", "$r", {}, [STUB], None),
        (
            "$r: [_Any!]!",
            '[{__typename: "Bag", id: "1", more: $r}]',
            {"r": [1, None]},
            None,
            "Variable '$r' has invalid value at [1]: Expected value of non-null type '_Any!' not to be None.",
        ),
        (
            "$r: [_Any!]!",
            '[{__typename: "Bag", id: "1", more: $r}]',
            {"r": [1, {"a": 2}]},
            [{"__typename": "Bag", "id": "1", "content": "{'more': [1, {'a': 2}]}"}],
            None,
        ),
        ("$r: [_Any!]!", "$r", {}, None, "Variable '$r' has invalid value: Expected a value of non-null type '[_Any!]!' to be provided."),
        (
            "$r: [_Any!]!, $n: Int!",
            '[{__typename: "Bag", id: "1", more: [$n, $r]}]',
            {"r": [STUB], "n": "x"},
            None,
            "Variable '$n' has invalid value: Int cannot represent",
        ),
    ],
)
async def test_representations_come_as_any_list_may(
    declared: str, argument: str, variables: dict[str, object], data: object, message: str | None
) -> None:
    document = f"query Q({declared}) {{ _entities(representations: {argument}) {{ __typename {FRAGMENTS} }} }}"
    result = await schema.execute(document, variables, Context(Caller("alice")))
    if message is None:
        assert (result.errors, result.data) == (None, {"_entities": data})
    else:
        [error] = result.errors or []
        assert result.data is None
        assert error.message.startswith(message)


@given(st.lists(st.tuples(st.sampled_from(["Part", "Bag", "Stub", "Nothing"]), st.integers(0, 5), st.booleans())))
async def test_together_they_are_what_each_is_alone(drawn: list[tuple[str, int, bool]]) -> None:
    of = [{"__typename": name, "id" if has_id else "ID": str(number)} for name, number, has_id in drawn]
    together = await ask(*of)
    alone = [await ask(one) for one in of]
    assert entities(together) == [entities(one)[0] for one in alone]
    expected = [(["_entities", place], *error[1:]) for place, one in enumerate(alone) for error in told(one)]
    assert told(together) == sorted(expected, key=repr)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("selected", "reads"),
    [
        ("__typename", frozenset()),
        ("... on Pump { id __typename }", frozenset({"id"})),
        ("... on Node { id } ...P", frozenset({"power_kw"})),
        ("... on Pump { watt: powerW } ...P ... on Bag { content }", frozenset({"power_kw"})),
        ("... on Pump { id powerW @include(if: $no) }", frozenset({"id"})),
        ("... on Pump { id unsaid }", None),
    ],
)
async def test_a_batch_is_told_what_will_be_read(compiled: bool, selected: str, reads: frozenset[str] | None) -> None:  # noqa: FBT001 - a parameter
    fragment = "fragment P on Pump { powerKw }" if "...P" in selected else ""
    no = "($no: Boolean = false)" if "$no" in selected else ""
    document = f'query Q{no} {{ _entities(representations: [{{__typename: "Pump", id: "1"}}]) {{ {selected} }} }} {fragment}'
    operation = schema.prepare(document)
    assert isinstance(operation, Operation)
    async with aclosing(schema.run(operation, context=Context(Caller("alice")), compiled=compiled)) as results:
        result = await anext(results)
    assert (result.errors, calls) == (None, [reads])


# Keys


@pytest.mark.parametrize(
    ("fields", "passed"),
    [
        ({"id": "7"}, {"id": "7"}),
        ({"id": 7}, {"id": "7"}),
        ({"id": "7", "weight": {"kg": 1}}, {"id": "7", "weight": {"kg": 1}}),
        ({"sku": None, "maker": {"country": "DE", "number": 1}}, {"sku": None, "maker": {"country": "DE", "number": 1}}),
        (
            {"sku": "s", "maker": {"country": "DE", "number": 1, "name": "x"}},
            {"sku": "s", "maker": {"country": "DE", "number": 1, "name": "x"}},
        ),
        ({"region": "SOUTH", "sku": "s"}, {"region": Region.SOUTH, "sku": "s"}),
        (
            {"region": "SOUTH", "sku": "s", "id": 7, "maker": {"country": "DE", "number": 1}},
            {"region": Region.SOUTH, "sku": "s", "id": "7", "maker": {"country": "DE", "number": 1}},
        ),
        ({"id": "7", "region": "WEST"}, {"id": "7", "region": "WEST"}),
    ],
)
async def test_any_whole_key_is_enough_its_fields_are_read_as_input_and_others_passed_as_they_come(
    fields: dict[str, object], passed: dict[str, object]
) -> None:
    given_before = repr(fields)
    result = await ask({"__typename": "Part", **fields})
    assert result.errors is None
    assert calls == [[passed]]
    assert repr(fields) == given_before


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "This is not a representation of Part, which is known by 'id' or 'sku maker { country number }' or 'region sku'."),
        ({"sku": "s", "maker": {"country": "DE"}}, "This is not a representation of Part, which is known by "),
        ({"sku": "s", "maker": None}, "This is not a representation of Part, which is known by "),
        ({"sku": "s", "maker": [{"country": "DE", "number": 1}]}, "This is not a representation of Part, which is known by "),
        ({"id": None}, "The key field 'id' must not be null."),
        ({"id": ["7"]}, "The key field 'id' cannot be read: ID cannot represent value: ['7']"),
        ({"id": "7", "region": "WEST", "sku": "s"}, "The key field 'region' cannot be read: Value 'WEST' does not exist in 'Region' enum."),
        ({"sku": "s", "maker": {"country": "DE", "number": "one"}}, "The key field 'number' cannot be read: Int cannot represent"),
    ],
)
async def test_what_no_key_identifies_is_refused_and_nothing_is_resolved(fields: dict[str, object], message: str) -> None:
    result = await ask({"__typename": "Part", **fields})
    [(path, code, text)] = told(result)
    assert (path, code, entities(result), calls) == (["_entities", 0], "BAD_USER_INPUT", [None], [])
    assert text.startswith(message)


async def test_a_number_that_only_json_can_hold_is_no_reason_to_fail() -> None:
    beyond = 2**70
    result = await ask({"__typename": "Part", "id": beyond}, {"__typename": "Part", "id": beyond})
    assert (result.errors, [one["id"] for one in entities(result)]) == (None, [str(beyond)] * 2)


async def test_a_type_that_only_refers_elsewhere_is_no_entity_here() -> None:
    result = await ask({"__typename": "Elsewhere", "id": "1"})
    assert told(result) == [
        (["_entities", 0], "BAD_USER_INPUT", "A representation needs the __typename of an entity; 'Elsewhere' is none."),
    ]


async def test_of_an_interface_with_a_key_the_type_is_found() -> None:
    result = await ask({"__typename": "Node", "id": "7"})
    assert (result.errors, entities(result)) == (None, [{"__typename": "Part", "id": "7", "sku": "s"}])


@pytest.mark.parametrize(("key", "message"), [("maker", "which no key may have"), ("... on Bad { id }", "keys have fields alone")])
def test_a_key_that_cannot_be_one_is_refused_when_the_schema_is_made(key: str, message: str) -> None:
    @federation.type(keys=[key])
    class Bad:
        id: ID
        maker: Maker

    @strawberry.type
    class Root:
        bad: Bad | None = None

    with pytest.raises(TypeError, match=message):
        Subgraph(Root)


# One at a time


@pytest.mark.parametrize(
    ("fields", "called"),
    [
        ({"serialNo": 5}, (5, 0.0, "none")),
        ({"serialNo": 5, "loadKw": 2.5, "more": 1}, (5, 2.5, "none")),
        ({"serialNo": 5, "spare": "s", "load_kw": 3.5}, (5, 3.5, "s")),
    ],
)
async def test_a_resolver_of_one_is_given_what_it_has_parameters_for(fields: dict[str, object], called: tuple[object, ...]) -> None:
    result = await ask({"__typename": "Device", **fields}, {"__typename": "Device", **fields})
    assert (result.errors, calls) == (None, [called])
    assert entities(result) == [{"__typename": "Device", "serialNo": 5, "loadKw": called[1], "spare": called[2]}] * 2


async def test_a_resolver_of_one_that_takes_everything_gets_everything() -> None:
    result = await ask({"__typename": "Bag", "id": 1, "loadKw": 2.5, "more": [1]})
    assert entities(result) == [{"__typename": "Bag", "id": "1", "content": "{'loadKw': 2.5, 'more': [1]}"}]


async def test_what_a_resolver_of_one_cannot_do_without_is_asked_for() -> None:
    @federation.type(keys=["id"])
    class Wanting:
        id: ID
        load_kw: float

        @classmethod
        def resolve_reference(cls, id: ID, load_kw: float) -> "Wanting":  # noqa: A002 - the key's name
            return Wanting(id=id, load_kw=load_kw)

    @strawberry.type
    class Root:
        wanting: Wanting | None = None

    document = (
        '{ _entities(representations: [{__typename: "Wanting", id: "1"}, {__typename: "Wanting", id: "2", loadKw: 3}]) { __typename } }'
    )
    result = await Subgraph(Root).execute(document)
    assert entities(result) == [None, {"__typename": "Wanting"}]
    assert told(result) == [(["_entities", 0], "BAD_USER_INPUT", "This is not a representation of Wanting: it has no 'loadKw'.")]


async def test_without_a_resolver_the_representation_makes_the_instance() -> None:
    result = await ask({"__typename": "Stub", "id": "1"})
    assert entities(result) == [{"__typename": "Stub", "id": "1"}]


# The document


async def test_two_schemas_in_one_process_keep_their_own_entities() -> None:
    @federation.type(keys=["id"])
    class Other:
        id: int

        @classmethod
        def resolve_reference(cls, id: int) -> "Other":  # noqa: A002 - the key's name
            return Other(id=id)

    @strawberry.type
    class Root:
        other: Other | None = None

    other = Subgraph(Root)
    assert "union _Entity = Other" in other.as_str()
    assert "union _Entity = Thing" in toy.schema.as_str()
    result = await other.execute('{ _entities(representations: [{__typename: "Other", id: 1}]) { ... on Other { id } } }')
    assert result.data == {"_entities": [{"id": 1}]}
    assert "https://specs.apollo.dev/federation/v2.11" in other.as_str()


async def test_the_document_is_what_the_service_says() -> None:
    result = await schema.execute("{ _service { sdl } }")
    assert result.data == {"_service": {"sdl": schema.as_str()}}


async def test_a_subgraph_without_entities_has_a_document_alone() -> None:
    @strawberry.type
    class Root:
        one: int = strawberry.field(resolver=lambda: 1)

    bare = Subgraph(Root)
    assert (await bare.execute("{ one _service { sdl } }")).data == {"one": 1, "_service": {"sdl": bare.as_str()}}
    assert "_entities" not in bare.as_str()
