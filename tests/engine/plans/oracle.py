"""graphql-core is right: the same operation, run by a plan and by graphql-core's executor, gives equal data, errors and paths."""

from collections.abc import Callable
from typing import Any

import orjson
from graphql import ExecutionResult as Executed
from graphql import GraphQLError
from graphql.execution.values import get_variable_values
from hypothesis import currently_in_test_context, note
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine import Schema
from ampyard.engine.operation import Operation
from ampyard.engine.schema import _execute


def prepared(schema: Schema, document: str) -> Operation:
    """Return a document's operation."""
    operation = schema.prepare(document)
    assert not isinstance(operation, PreExecutionError), (operation.errors, document)
    return operation


async def by_plan(schema: Schema, operation: Operation, context: Any, variables: dict[str, Any], root: object = None) -> Executed:
    """Run an operation by its plan; there must be one."""
    values = get_variable_values(schema._schema, operation.definition.variable_definitions or (), variables)
    assert not isinstance(values, list), values
    plan = schema.plans.plan(operation.document, operation.definition, values.coerced, operation.derived)
    assert plan is not None, schema.plans.counts
    return await plan.execute(context, root, values)


async def by_graphql_core(schema: Schema, operation: Operation, context: Any, variables: dict[str, Any], root: object = None) -> Executed:
    """Run an operation by graphql-core's executor."""
    return await _execute(schema._executor(operation, context, variables, root, None))


async def both(schema: Schema, document: str, context: Callable[[], Any], variables: dict[str, Any] | None = None) -> Executed:
    """Run a query both ways, each with a context of its own; return the result, which is the same."""
    operation = prepared(schema, document)
    ours = await by_plan(schema, operation, context(), variables or {})
    theirs = await by_graphql_core(schema, operation, context(), variables or {})
    if currently_in_test_context():
        note(f"{document}\n{variables}\nby plan: {ours}\nby graphql-core: {theirs}")
    assert_same(ours, theirs)
    return ours


def assert_same(ours: Executed, theirs: Executed) -> None:
    """Assert that data are equal byte by byte, order included, and so are errors.

    Where several errors make the same place null, graphql-core tells the one that happens first, which without a common clock is any of
    them: there one error must be told by both, and none of what lies below.
    """
    assert _bytes(ours.data) == _bytes(theirs.data), "By the plan, and by graphql-core."
    assert _errors(ours) == _errors(theirs)


def assert_shown_alike(ours: ExecutionResult, theirs: ExecutionResult) -> None:
    """Assert that clients see the same; internal errors differ in nothing but their correlation ids."""
    assert _bytes(ours.data) == _bytes(theirs.data)
    assert _shown(ours) == _shown(theirs)


def _shown(result: ExecutionResult) -> list[str]:
    errors = [error.formatted for error in result.errors or ()]
    for error in errors:
        error["extensions"] = {key: value for key, value in error.get("extensions", {}).items() if key != "correlationId"}
    return sorted(repr(error) for error in errors)


def _bytes(data: Any) -> bytes:
    return orjson.dumps(data, default=repr)


def _errors(result: Executed) -> tuple[list[Any], list[str]]:
    exact, nulled = [], set()
    for error in result.errors or ():
        null = _null_at(result.data, error)
        if len(null) == len(error.path or ()):
            exact.append((repr(error.path), error.message, repr(error.locations), type(error.original_error)))
        else:
            nulled.add(repr(null))
    assert len(exact) == len(set(map(repr, exact))), exact
    return sorted(exact, key=repr), sorted(nulled)


def _null_at(data: Any, error: GraphQLError) -> list[str | int]:
    """Return the part of an error's path that leads to the null that it caused."""
    at: list[str | int] = []
    for key in error.path or ():
        if data is None:
            return at
        data = data[key]
        at.append(key)
    assert data is None, f"{error} has left a value behind."
    return at
