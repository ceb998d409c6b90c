import asyncio
import logging
from contextlib import aclosing

import pytest
import strawberry
from graphql import build_schema
from strawberry.federation.schema_directives import RequiresScopes
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine import Schema
from tests.engine.conftest import eventually
from tests.engine.toy import SECRET, Caller, Context, schema


def codes(result: ExecutionResult) -> list[object]:
    return [(error.extensions or {})["code"] for error in result.errors or []]


@pytest.fixture
def context() -> Context:
    return Context(Caller("alice"))


# Life cycle


@pytest.mark.parametrize("document", ["{ thing { name } }", "{ broken thing { name } }", 'mutation { rename(name: "x") }'])
async def test_operation_ends_once_when_it_has_run(context: Context, document: str) -> None:
    await schema.execute(document, context_value=context)
    assert (context.operations_ended, context.events_ended, context.holds_snapshot) == (1, 0, False)


async def test_operation_ends_when_its_variables_are_wrong(context: Context) -> None:
    result = await schema.execute("query ($x: Int!) { thing(id: $x) { name } }", {"x": "one"}, context)
    assert isinstance(result, PreExecutionError)
    assert codes(result) == ["BAD_USER_INPUT"]
    assert context.operations_ended == 1


async def test_operation_ends_before_its_result_is_handed_on(context: Context) -> None:
    results = await schema.stream("{ thing { name } }", context_value=context)
    async with aclosing(results):
        await anext(results)
        assert context.operations_ended == 1


async def test_operation_ends_after_the_last_resolver_even_if_the_result_is_known_earlier(context: Context) -> None:
    result = await schema.execute("{ slowAndFailing { slow failing } }", context_value=context)
    assert result.data is None
    assert codes(result) == ["INTERNAL_SERVER_ERROR"]
    assert (context.operations_ended, context.holds_snapshot) == (1, False)
    await asyncio.sleep(0.1)
    assert not context.holds_snapshot


async def test_event_ends_before_each_result_and_the_operation_at_the_end(context: Context) -> None:
    results = await schema.subscribe("subscription { countUp(to: 3) { name } }", context_value=context)
    seen = []
    async for result in results:
        assert result.data is not None
        seen.append((result.data["countUp"]["name"], context.events_ended, context.holds_snapshot, context.operations_ended))
    assert seen == [("thing 1", 1, False, 0), ("thing 2", 2, False, 0), ("thing 3", 3, False, 0)]
    assert (context.events_ended, context.operations_ended, context.stream_closed) == (3, 1, True)


async def test_closing_the_results_ends_the_operation(context: Context) -> None:
    results = await schema.subscribe("subscription { countUp(to: 3) { name } }", context_value=context)
    await anext(results)
    await results.aclose()
    assert (context.events_ended, context.operations_ended, context.stream_closed) == (1, 1, True)


async def test_cancelling_the_consumer_ends_the_operation(context: Context) -> None:
    async def consume() -> None:
        async for _ in await schema.subscribe("subscription { countUp(to: 3, intervalS: 60) { name } }", context_value=context):
            pass

    task = asyncio.create_task(consume())
    await eventually(lambda: context.events_ended == 1)
    task.cancel()
    await asyncio.wait([task])
    assert (context.operations_ended, context.stream_closed) == (1, True)


async def test_cancelling_again_does_not_cut_the_end_short() -> None:
    class Slow(Context):
        async def end_operation(self) -> None:
            self.events_ended = -1
            await asyncio.sleep(0.05)
            await super().end_operation()

    context = Slow(Caller("alice"))
    task = asyncio.create_task(schema.execute("{ hello }", context_value=context))
    await eventually(lambda: context.events_ended == -1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await eventually(lambda: context.operations_ended == 1)


async def test_failure_to_end_is_logged_and_the_result_stands(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(Context):
        async def end_operation(self) -> None:
            raise ConnectionError("the snapshot is gone")

    result = await schema.execute("{ hello }", context_value=Stuck(Caller("alice")))
    assert (result.data, result.errors) == ({"hello": "Hello, you!"}, None)
    assert "the snapshot is gone" in caplog.text


# Errors


async def test_unexpected_error_is_masked_and_logged_under_the_same_correlation_id(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "ampyard.engine"):
        result = await schema.execute("{ broken }", context_value=context)
    [error] = result.errors or []
    correlation_id = (error.extensions or {})["correlationId"]
    assert error.formatted == {
        "message": "Internal error",
        "locations": [{"line": 1, "column": 3}],
        "path": ["broken"],
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "correlationId": correlation_id},
    }
    [record] = caplog.records
    assert correlation_id in record.getMessage()
    assert SECRET in caplog.text
    assert "Traceback" in caplog.text
    assert "in broken\n    raise RuntimeError(SECRET)" in caplog.text


@pytest.mark.parametrize(
    ("field", "message", "extensions"),
    [
        ("refused", "Not on Sundays.", {"code": "CLOSED", "opens": "Monday"}),
        ("coded", "There is no such thing.", {"code": "NOT_FOUND"}),
    ],
)
async def test_public_error_is_shown(context: Context, field: str, message: str, extensions: dict[str, str]) -> None:
    result = await schema.execute(f"{{ {field} }}", context_value=context)
    [error] = result.errors or []
    assert (error.message, error.path, error.extensions) == (message, [field], extensions)


async def test_text_of_graphql_about_a_servers_value_is_masked(context: Context) -> None:
    result = await schema.execute("{ unserialisable }", context_value=context)
    assert codes(result) == ["INTERNAL_SERVER_ERROR"]
    assert SECRET not in str(result.errors)


@pytest.mark.parametrize(
    ("document", "variables", "code", "message"),
    [
        ("{ hello", {}, "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found <EOF>."),
        ("{ helo }", {}, "GRAPHQL_VALIDATION_FAILED", "Cannot query field 'helo' on type 'Query'. Did you mean 'hello'?"),
        ("query A { hello } query B { hello }", {}, "OPERATION_RESOLUTION_FAILURE", "The document needs an operation name."),
        (
            "query ($n: String!) { hello(name: $n) }",
            {},
            "BAD_USER_INPUT",
            "Variable '$n' has invalid value: Expected a value of non-null type",
        ),
        ('query ($n: String = "a") { hello(name: $n) }', {"n": None}, "BAD_USER_INPUT", "Argument 'name' has invalid value"),
    ],
)
async def test_errors_of_graphql_itself_are_shown(
    context: Context, document: str, variables: dict[str, object], code: str, message: str
) -> None:
    result = await schema.execute(document, variables, context)
    [error] = result.errors or []
    assert codes(result) == [code]
    assert error.message.startswith(message)


# Federation


async def test_a_schema_that_is_no_subgraph_has_nothing_of_federation_but_defines_the_directives_it_uses() -> None:
    @strawberry.type
    class Query:
        guarded: int = strawberry.field(resolver=lambda: 1, directives=[RequiresScopes(scopes=[["a:read"]])])

    plain = Schema(Query)
    document = build_schema(plain.as_str())
    assert 'guarded: Int! @requiresScopes(scopes: [["a:read"]])' in plain.as_str()
    assert document.get_directive("requiresScopes") is not None
    assert [name for name in document.type_map if not name.startswith("__")] == ["Query", "Int", "String", "Boolean"]
    assert document.query_type is not None
    assert list(document.query_type.fields) == ["guarded"]
    assert (await plain.execute("{ guarded }")).data == {"guarded": 1}
    result = await plain.execute("{ _service { sdl } }")
    assert codes(result) == ["GRAPHQL_VALIDATION_FAILED"]
