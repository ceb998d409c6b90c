"""What a client is told when something goes wrong, and what only the log is told."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar
from uuid import uuid4

from graphql import FieldNode, GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.execution import ExecutionResult, PreExecutionError

_logger = logging.getLogger(__name__)

R = TypeVar("R", bound=ExecutionResult)

_SUGGESTION = " Did you mean "
_GUESSED = {"GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"}


class Coded(Protocol):
    """An exception whose text and `code` may be shown to clients as they are."""

    code: str


class PublicError(Exception):
    """An error that clients see: its message, and its `code` and further `extensions` as the GraphQL error's extensions."""

    def __init__(self, message: str, *, code: str, **extensions: object) -> None:
        super().__init__(message)
        self.code = code
        self.extensions = extensions


class UnauthenticatedError(PublicError):
    """The credential is missing, wrong or expired: HTTP 401, WebSocket close 4403."""

    def __init__(self, message: str = "A valid credential is required.") -> None:
        super().__init__(message, code="UNAUTHENTICATED")


def coded(errors: Sequence[GraphQLError], code: str) -> list[GraphQLError]:
    """GraphQL's own errors about a request, shown as they are, with `code`."""
    return [_like(error, error.message, code) for error in errors]


def refused(code: str, *errors: GraphQLError) -> PreExecutionError:
    """GraphQL's own errors about a request for which nothing was executed."""
    return PreExecutionError(data=None, errors=coded(errors, code))


def without_suggestions(result: R) -> R:
    """The result without graphql-core's guesses at what the client meant, which tell names of the schema.

    Cut from the text, because variables, arguments and documents are checked in many places and not all of them know of
    `hide_suggestions`. A guess always ends a message, and is introduced by the same words (`graphql.pyutils.did_you_mean`).
    """
    if not any(_SUGGESTION in error.message for error in result.errors or ()):
        return result
    return replace(result, errors=[_without_suggestion(error) for error in result.errors or ()])


def _without_suggestion(error: GraphQLError) -> GraphQLError:
    code = (error.extensions or {}).get("code")
    return _like(error, error.message.partition(_SUGGESTION)[0], code) if code in _GUESSED else error


def present(errors: Sequence[GraphQLError], public_errors: tuple[type[Coded], ...]) -> list[GraphQLError]:
    """The errors of an execution as a client may see them: public ones and bad arguments as they are, all others masked and logged.

    One exception behind many errors, as when a batch fails, is logged once, and they have one correlation id.
    """
    logged: dict[int, str] = {}
    return [_present(error, public_errors, logged) for error in errors]


def internal_error(cause: BaseException, at: GraphQLError | None = None, *, logged: dict[int, str] | None = None) -> GraphQLError:
    """Log `cause` with its traceback; return what the client sees instead: no text of it, and the correlation id of the log entry.

    `logged` is kept by the caller: the correlation ids of those logged already, by identity.
    """
    correlation_id = None if logged is None else logged.get(id(cause))
    if correlation_id is None:
        correlation_id = str(uuid4())
        path = at.path if at else None
        _logger.error("Internal error at %s, correlation id %s", path, correlation_id, exc_info=cause)
        if logged is not None:
            logged[id(cause)] = correlation_id
    return _like(at or GraphQLError(""), "Internal error", "INTERNAL_SERVER_ERROR", correlationId=correlation_id)


def _present(error: GraphQLError, public_errors: tuple[type[Coded], ...], logged: dict[int, str]) -> GraphQLError:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, PublicError):
        return _like(error, str(cause), cause.code, **cause.extensions)
    if isinstance(cause, public_errors):
        return _like(error, str(cause), cause.code)
    if isinstance(cause, GraphQLError) and _is_about_an_argument(cause):
        return _like(error, error.message, "BAD_USER_INPUT")
    return internal_error(cause, error, logged=logged)


def _is_about_an_argument(error: GraphQLError) -> bool:
    # Of the errors graphql-core itself raises while executing, those about a value a client sent point at that value's node.
    # The others point at a field, and their text may quote a server-side value (a result that cannot be serialised).
    if isinstance(error, StrawberryInputCoercionError):
        return True
    return bool(error.nodes) and not any(isinstance(node, FieldNode) for node in error.nodes or ())


def _like(error: GraphQLError, message: str, code: str, **extensions: object) -> GraphQLError:
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path, extensions={"code": code, **extensions})
