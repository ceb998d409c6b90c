"""What is answered with when a request is refused."""

from collections.abc import Mapping

from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, NotFoundError


class GridError(Exception):
    """A refusal, told to the other side as it is: an HTTP status and a message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def status_of(error: DomainError) -> int:
    """Return the HTTP status of a refusal by a use case."""
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, ForbiddenError):
        return 403
    return 409 if isinstance(error, ConflictError) else 400
