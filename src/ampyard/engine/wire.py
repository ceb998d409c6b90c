"""The JSON that all transports share: the parameters of a request, and the response map (GraphQL over HTTP, sections 5 and 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import orjson
from graphql import GraphQLError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine.errors import PublicError, internal_error

T = TypeVar("T")

MAX_BYTES_A_CHARACTER = 4  # in UTF-8


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request asks for: a document, sent (`query`) or named (`document_id`, `sha256_hash`), one of its operations, and variables.

    `received_bytes` is at least the size of the variables as they came. `last_event_id` is of the last event that the client of a
    subscription has seen.
    """

    query: str | None
    operation_name: str | None
    variables: Mapping[str, object] | None
    document_id: str | None = None
    sha256_hash: str | None = None
    received_bytes: int = 0
    last_event_id: str | None = None


@dataclass
class Written(ExecutionResult):
    """A result for many clients: its response map is made once."""

    payload: bytes = b""
    event_id: str | None = None


def parameters(request: object, received_bytes: int = 0) -> Parameters:
    """The parameters of a decoded request. Raises ValueError, saying what is wrong."""
    if not isinstance(request, dict):
        raise ValueError("A GraphQL request is a JSON object.")  # noqa: TRY004 - the value is wrong, not the program
    query = _parameter(request, "query", str, "a string")
    document_id = _parameter(request, "documentId", str, "a string")
    extensions = _parameter(request, "extensions", dict, "an object") or {}
    sha256_hash = _persisted_query(extensions)
    if query is None and document_id is None and sha256_hash is None:
        raise ValueError("The request has no 'query'.")
    if query is not None and document_id is not None:
        raise ValueError("Send 'query' or 'documentId', not both.")
    return Parameters(
        query,
        _parameter(request, "operationName", str, "a string"),
        _parameter(request, "variables", dict, "an object"),
        document_id,
        sha256_hash,
        received_bytes,
        _parameter(extensions, "lastEventId", str, "a string"),
    )


def _persisted_query(extensions: Mapping[str, object]) -> str | None:
    match extensions.get("persistedQuery"):
        case None:
            return None
        case {"version": 1, "sha256Hash": str(sha256_hash)}:
            return sha256_hash
    raise ValueError("'extensions.persistedQuery' must have the version 1 and a 'sha256Hash'.")


def _parameter(request: Mapping[str, object], name: str, type_: type[T], described: str) -> T | None:
    value = request.get(name)
    if value is None or isinstance(value, type_):
        return value
    raise ValueError(f"'{name}' must be {described}.")


def response(result: ExecutionResult, max_bytes: int | None = None) -> bytes:
    """The response map; `data` is absent when nothing was executed (GraphQL specification, section 7.1), null when there is too much."""
    if isinstance(result, Written):
        return result.payload
    entries: dict[str, object] = {}
    if not isinstance(result, PreExecutionError):
        entries["data"] = result.data
    if result.errors:
        entries["errors"] = formatted(result.errors)
    if result.extensions:
        entries["extensions"] = result.extensions
    try:
        encoded = orjson.dumps(entries)
    except TypeError as error:  # a custom scalar serialised to something that is not JSON
        return orjson.dumps({"errors": formatted([internal_error(error)])})
    if max_bytes is not None and len(encoded) > max_bytes:
        message = f"The response has {len(encoded)} bytes; at most {max_bytes} are allowed. Ask for less."
        return response(failure(PublicError(message, code="RESPONSE_TOO_LARGE"), result.extensions))
    return encoded


def formatted(errors: list[GraphQLError]) -> list[object]:
    return [error.formatted for error in errors]


def refusal(error: PublicError | GraphQLError) -> PreExecutionError:
    """A response that tells why a request was not even looked at."""
    if isinstance(error, PublicError):
        error = GraphQLError(str(error), extensions={"code": error.code, **error.extensions})
    return PreExecutionError(data=None, errors=[error])


def failure(error: PublicError, extensions: dict[str, object] | None = None) -> ExecutionResult:
    """A response that tells why what was executed has no data."""
    return ExecutionResult(data=None, errors=refusal(error).errors, extensions=extensions)
