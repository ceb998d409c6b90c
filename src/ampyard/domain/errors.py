"""The closed family of errors that may be told to a client as they are; everything else is masked at the edge."""

from collections.abc import Sequence


class DomainError(Exception):
    """A refusal that its receiver can act on.

    The message says what was wrong, where, and what would be right. `code` is stable and machine-readable. `path` leads to the part of the
    request that it is about, for example `("input", "limitKw")`; empty: the request as a whole.
    """

    code = "CONFLICT"

    def __init__(self, message: str, path: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.path = tuple(path)


class InvalidInputError(DomainError):
    """The request itself is wrong. `others` are further faults of the same request."""

    code = "BAD_USER_INPUT"

    def __init__(self, message: str, path: Sequence[str] = (), others: Sequence["InvalidInputError"] = ()) -> None:
        super().__init__(message, path)
        self.others = tuple(others)


class Problems:
    """Faults of one request, collected so that all are told at once."""

    def __init__(self) -> None:
        self.found: list[InvalidInputError] = []

    def add(self, message: str, *path: str) -> None:
        """Note a fault and where it is."""
        self.found.append(InvalidInputError(message, path))

    def check(self, ok: bool, message: str, *path: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Note a fault unless all is well."""
        if not ok:
            self.add(message, *path)

    def raise_any(self) -> None:
        """Raise `InvalidInputError` with all that was found, if anything was."""
        if self.found:
            first, *others = self.found
            raise InvalidInputError(str(first), first.path, others)


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
