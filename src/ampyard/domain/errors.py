"""The closed family of errors that may be told to a client as they are; everything else is masked at the edge."""


class DomainError(Exception):
    """A refusal that its receiver can act on.

    The message says what was wrong, where, and what would be right. `code` is stable and machine-readable.
    """

    code = "CONFLICT"


class InvalidInputError(DomainError):
    """The request itself is wrong."""

    code = "BAD_USER_INPUT"


class NotFoundError(DomainError):
    """What the request names does not exist, or not for this tenant; the two are not told apart."""

    code = "NOT_FOUND"


class ConflictError(DomainError):
    """The request is well-formed but contradicts the present state."""

    code = "CONFLICT"


class ForbiddenError(DomainError):
    """The principal lacks a scope."""

    code = "FORBIDDEN"


class EventsGoneError(DomainError):
    """Not all of the events that are asked for are kept any more."""

    code = "EVENTS_GONE"
