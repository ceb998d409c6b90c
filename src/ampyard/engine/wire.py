"""The JSON that all transports share: the parameters of a request, and the response map (GraphQL over HTTP, sections 5 and 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import orjson
from graphql import GraphQLError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine.errors import PublicError, internal_error

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parameters:
    query: str
    operation_name: str | None
    variables: Mapping[str, object] | None


def parameters(request: object) -> Parameters:
    """The parameters of a decoded request. Raises ValueError, saying what is wrong."""
    if isinstance(request, list):
        raise ValueError("Batches are not supported; send one request object.")  # noqa: TRY004 - the value is wrong, not the program
    if not isinstance(request, dict):
        raise ValueError("A GraphQL request is a JSON object.")  # noqa: TRY004 - as above
    query = _parameter(request, "query", str, "a string")
    if query is None:
        raise ValueError("The request has no 'query'.")
    _parameter(request, "extensions", dict, "an object")
    return Parameters(
        query,
        _parameter(request, "operationName", str, "a string"),
        _parameter(request, "variables", dict, "an object"),
    )


def _parameter(request: Mapping[str, object], name: str, type_: type[T], described: str) -> T | None:
    value = request.get(name)
    if value is None or isinstance(value, type_):
        return value
    raise ValueError(f"'{name}' must be {described}.")


def response(result: ExecutionResult) -> bytes:
    """The response map; `data` is absent when nothing was executed (GraphQL specification, section 7.1)."""
    entries: dict[str, object] = {}
    if not isinstance(result, PreExecutionError):
        entries["data"] = result.data
    if result.errors:
        entries["errors"] = formatted(result.errors)
    try:
        return orjson.dumps(entries)
    except TypeError as error:  # a custom scalar serialised to something that is not JSON
        return orjson.dumps({"errors": formatted([internal_error(error)])})


def formatted(errors: list[GraphQLError]) -> list[object]:
    return [error.formatted for error in errors]


def refusal(error: PublicError | GraphQLError) -> PreExecutionError:
    """A response that tells why a request was not even looked at."""
    if isinstance(error, PublicError):
        error = GraphQLError(str(error), extensions={"code": error.code, **error.extensions})
    return PreExecutionError(data=None, errors=[error])
