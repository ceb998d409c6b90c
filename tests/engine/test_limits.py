import time

import pytest
from graphql import get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st
from strawberry.types.execution import PreExecutionError

from ampyard.engine import Limits, Subgraph
from ampyard.engine.limits import exceeded, measure
from tests.engine.toy import Caller, Context, Query, schema


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ thing { itself { itself { itself { itself { id } } } } } }", "The operation is 6 fields deep; at most 5 are allowed."),
        (
            "{ thing { ...A } } fragment A on Thing { itself { ...B } } fragment B on Thing { itself { itself { itself { id } } } }",
            "The operation is 6 fields deep; at most 5 are allowed.",
        ),
        ("{" + " ".join(f"a{n}: hello" for n in range(11)) + "}", "The operation has 11 aliases; at most 10 are allowed."),
        (
            "{ thing { ...A itself { ...A } } } fragment A on Thing {" + " ".join(f"a{n}: id" for n in range(6)) + "}",
            "The operation has 12 aliases; at most 10 are allowed.",
        ),
        ("{" + "hello " * 51 + "}", "The operation has 51 root fields; at most 50 are allowed."),
        (
            "{ ...A hello } fragment A on Query { ...B ...B } fragment B on Query {" + "hello " * 25 + "}",
            "The operation has 51 root fields; at most 50 are allowed.",
        ),
        ("mutation {" + 'rename(name: "x") ' * 51 + "}", "The operation has 51 root fields; at most 50 are allowed."),
        ("{" + "hello " * 500 + "}", "Syntax Error: Document contains more than 500 tokens. Parsing aborted."),
    ],
)
async def test_document_beyond_a_limit_is_refused(document: str, message: str) -> None:
    context = Context(Caller("alice"))
    result = await schema.execute(document, context_value=context)
    assert isinstance(result, PreExecutionError)
    assert [error.message for error in result.errors or []] == [message]
    assert context.number
    assert not context.operations_ended


async def test_document_at_the_limits_runs() -> None:
    aliases = " ".join(f"a{n}: hello" for n in range(10))
    root_fields = " hello" * 39
    result = await schema.execute(
        "{ thing { itself { itself { itself { id } } } } " + aliases + root_fields + " }", context_value=Context(Caller("alice"))
    )
    assert result.errors is None


async def test_introspection_by_tools_fits_the_default_limits() -> None:
    result = await Subgraph(Query).execute(get_introspection_query(input_value_deprecation=True))
    assert result.errors is None


@pytest.mark.parametrize(
    "document",
    [
        "{ thing { ...F0 } } " + " ".join(f"fragment F{n} on Thing {{ a: id ...F{n + 1} ...F{n + 1} }}" for n in range(35)),
        "{ thing { ...F0 } } " + " ".join(f"fragment F{n} on Thing {{ ...F{n + 1} }}" for n in range(600)),
        "{ thing { ...F } } fragment F on Thing { itself { ...F } }",
        "{ thing { ...Unknown } }",
        "{" + "thing {" * 250 + "id" + "}" * 251,
        "{" + "thing { id } " * 1_200 + "}",
    ],
    ids=["doubling fragments", "long chain", "cycle", "unknown fragment", "deep", "wide"],
)
def test_hostile_document_is_refused_in_little_time(document: str) -> None:
    began_s = time.process_time()
    result = Subgraph(Query).prepare(document)
    assert time.process_time() - began_s < 2
    assert isinstance(result, PreExecutionError)
    assert {(error.extensions or {})["code"] for error in result.errors or []} <= {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}


def test_cycle_of_fragments_is_told_as_such() -> None:
    result = Subgraph(Query).prepare("{ thing { ...F } } fragment F on Thing { itself { ...F } }")
    assert isinstance(result, PreExecutionError)
    assert [error.message for error in result.errors or []] == ["Cannot spread fragment 'F' within itself."]


# A fragment spreads only later ones, so that the document can be written out without fragments.
fragment_bodies = st.lists(st.lists(st.tuples(st.booleans(), st.integers(1, 3)), max_size=3), min_size=1, max_size=5)


@given(fragment_bodies)
def test_fragments_measure_as_if_written_out(bodies: list[list[tuple[bool, int]]]) -> None:
    def body(number: int, spread: "list[str]") -> str:
        return "id " + " ".join(
            f"a: itself {{ {target} }}" if nested else target for (nested, _), target in zip(bodies[number], spread, strict=True)
        )

    def later(number: int) -> list[int | None]:
        return [number + step if number + step < len(bodies) else None for _, step in bodies[number]]

    def written_out(number: int) -> str:
        return body(number, ["id" if target is None else written_out(target) for target in later(number)])

    fragments = " ".join(
        f"fragment F{number} on Thing {{ {body(number, ['id' if t is None else f'...F{t}' for t in later(number)])} }}"
        for number in range(len(bodies))
    )
    zero = Limits(max_depth=0, max_aliases=0, max_root_fields=0)
    by_fragments = exceeded(measure(parse(f"{{ ...F0 }} {fragments}")), zero)
    plain = exceeded(measure(parse(f"{{ {written_out(0)} }}")), zero)
    assert [error.message for error in by_fragments] == [error.message for error in plain]
