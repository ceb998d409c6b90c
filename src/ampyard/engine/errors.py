"""What a client is told when something goes wrong, and what only the log is told."""

import logging
from collections.abc import Sequence
from typing import Protocol
from uuid import uuid4

from graphql import FieldNode, GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

_logger = logging.getLogger(__name__)


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


def present(errors: Sequence[GraphQLError], public_errors: tuple[type[Coded], ...]) -> list[GraphQLError]:
    """The errors of an execution as a client may see them: public ones and bad arguments as they are, all others masked and logged."""
    return [_present(error, public_errors) for error in errors]


def internal_error(cause: BaseException, at: GraphQLError | None = None) -> GraphQLError:
    """Log `cause` with its traceback; return what the client sees instead: no text of it, and the correlation id of the log entry."""
    correlation_id = str(uuid4())
    path = at.path if at else None
    _logger.error("Internal error at %s, correlation id %s", path, correlation_id, exc_info=cause)
    return _like(at or GraphQLError(""), "Internal error", "INTERNAL_SERVER_ERROR", correlationId=correlation_id)


def _present(error: GraphQLError, public_errors: tuple[type[Coded], ...]) -> GraphQLError:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, PublicError):
        return _like(error, str(cause), cause.code, **cause.extensions)
    if isinstance(cause, public_errors):
        return _like(error, str(cause), cause.code)
    if isinstance(cause, GraphQLError) and _is_about_an_argument(cause):
        return _like(error, error.message, "BAD_USER_INPUT")
    return internal_error(cause, error)


def _is_about_an_argument(error: GraphQLError) -> bool:
    # Of the errors graphql-core itself raises while executing, those about a value a client sent point at that value's node.
    # The others point at a field, and their text may quote a server-side value (a result that cannot be serialised).
    if isinstance(error, StrawberryInputCoercionError):
        return True
    return bool(error.nodes) and not any(isinstance(node, FieldNode) for node in error.nodes or ())


def _like(error: GraphQLError, message: str, code: str, **extensions: object) -> GraphQLError:
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path, extensions={"code": code, **extensions})
