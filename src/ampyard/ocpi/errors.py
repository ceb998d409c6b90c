"""The one table of which error where (OCPI 2.2.1 and 2.3.0, chapter 5): what is wrong, the HTTP status, and the envelope's status code."""

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from http import HTTPStatus

from ampyard.domain.errors import ConflictError, DomainError, InvalidInputError, NotFoundError


class StatusCode(IntEnum):
    """OCPI status codes (chapter 5)."""

    SUCCESS = 1000
    CLIENT_ERROR = 2000
    INVALID_PARAMETERS = 2001
    NOT_ENOUGH_INFORMATION = 2002
    UNKNOWN_LOCATION = 2003
    UNKNOWN_TOKEN = 2004
    SERVER_ERROR = 3000
    UNUSABLE_API = 3001
    UNSUPPORTED_VERSION = 3002
    NO_MATCHING_ENDPOINTS = 3003


class Refusal(StrEnum):
    """What may be wrong with a request.

    An HTTP error is answered to what has not reached the OCPI layer: it is not let in, addresses nothing, or cannot be read. To what
    has, HTTP 200 is answered, and the status code says what is wrong (chapter 5: an HTTP error MUST NOT be returned).
    """

    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    TOKEN_A_ELSEWHERE = "TOKEN_A_ELSEWHERE"  # noqa: S105
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    VERSION_NOT_SERVED = "VERSION_NOT_SERVED"
    NO_SUCH_PATH = "NO_SUCH_PATH"
    METHOD_NOT_SERVED = "METHOD_NOT_SERVED"
    PARAMETER_UNREADABLE = "PARAMETER_UNREADABLE"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    BODY_NOT_JSON = "BODY_NOT_JSON"
    NOT_THE_PARTNERS = "NOT_THE_PARTNERS"
    NO_SUCH_OBJECT = "NO_SUCH_OBJECT"
    NO_SUCH_LOCATION = "NO_SUCH_LOCATION"
    NO_SUCH_TOKEN = "NO_SUCH_TOKEN"  # noqa: S105
    ROUTING_WRONG = "ROUTING_WRONG"
    OBJECT_INVALID = "OBJECT_INVALID"
    ID_DIFFERS = "ID_DIFFERS"
    OWNER_DIFFERS = "OWNER_DIFFERS"
    LAST_UPDATED_MISSING = "LAST_UPDATED_MISSING"
    NOT_POSSIBLE_NOW = "NOT_POSSIBLE_NOW"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    NOT_REGISTERED = "NOT_REGISTERED"
    PARTNERS_API_UNUSABLE = "PARTNERS_API_UNUSABLE"
    NO_COMMON_VERSION = "NO_COMMON_VERSION"
    ENDPOINTS_MISSING = "ENDPOINTS_MISSING"
    FAILED = "FAILED"

    @property
    def http(self) -> HTTPStatus:
        """The HTTP status."""
        return _TABLE[self][0]

    @property
    def code(self) -> StatusCode:
        """The status code in the envelope."""
        return _TABLE[self][1]


_TABLE = {
    Refusal.NOT_AUTHENTICATED: (HTTPStatus.UNAUTHORIZED, StatusCode.INVALID_PARAMETERS),
    Refusal.TOKEN_A_ELSEWHERE: (HTTPStatus.UNAUTHORIZED, StatusCode.INVALID_PARAMETERS),
    Refusal.TOO_MANY_REQUESTS: (HTTPStatus.TOO_MANY_REQUESTS, StatusCode.CLIENT_ERROR),
    Refusal.VERSION_NOT_SERVED: (HTTPStatus.NOT_FOUND, StatusCode.UNSUPPORTED_VERSION),
    Refusal.NO_SUCH_PATH: (HTTPStatus.NOT_FOUND, StatusCode.CLIENT_ERROR),
    Refusal.METHOD_NOT_SERVED: (HTTPStatus.METHOD_NOT_ALLOWED, StatusCode.CLIENT_ERROR),
    Refusal.PARAMETER_UNREADABLE: (HTTPStatus.BAD_REQUEST, StatusCode.INVALID_PARAMETERS),
    Refusal.BODY_TOO_LARGE: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, StatusCode.CLIENT_ERROR),
    Refusal.BODY_NOT_JSON: (HTTPStatus.BAD_REQUEST, StatusCode.INVALID_PARAMETERS),
    Refusal.NOT_THE_PARTNERS: (HTTPStatus.NOT_FOUND, StatusCode.INVALID_PARAMETERS),
    Refusal.NO_SUCH_OBJECT: (HTTPStatus.NOT_FOUND, StatusCode.CLIENT_ERROR),
    Refusal.NO_SUCH_LOCATION: (HTTPStatus.NOT_FOUND, StatusCode.UNKNOWN_LOCATION),
    Refusal.NO_SUCH_TOKEN: (HTTPStatus.NOT_FOUND, StatusCode.UNKNOWN_TOKEN),
    Refusal.ROUTING_WRONG: (HTTPStatus.OK, StatusCode.INVALID_PARAMETERS),
    Refusal.OBJECT_INVALID: (HTTPStatus.OK, StatusCode.INVALID_PARAMETERS),
    Refusal.ID_DIFFERS: (HTTPStatus.OK, StatusCode.INVALID_PARAMETERS),
    Refusal.OWNER_DIFFERS: (HTTPStatus.OK, StatusCode.INVALID_PARAMETERS),
    Refusal.LAST_UPDATED_MISSING: (HTTPStatus.OK, StatusCode.INVALID_PARAMETERS),
    Refusal.NOT_POSSIBLE_NOW: (HTTPStatus.OK, StatusCode.CLIENT_ERROR),
    Refusal.ALREADY_REGISTERED: (HTTPStatus.METHOD_NOT_ALLOWED, StatusCode.CLIENT_ERROR),
    Refusal.NOT_REGISTERED: (HTTPStatus.METHOD_NOT_ALLOWED, StatusCode.CLIENT_ERROR),
    Refusal.PARTNERS_API_UNUSABLE: (HTTPStatus.OK, StatusCode.UNUSABLE_API),
    Refusal.NO_COMMON_VERSION: (HTTPStatus.OK, StatusCode.UNSUPPORTED_VERSION),
    Refusal.ENDPOINTS_MISSING: (HTTPStatus.OK, StatusCode.NO_MATCHING_ENDPOINTS),
    Refusal.FAILED: (HTTPStatus.INTERNAL_SERVER_ERROR, StatusCode.SERVER_ERROR),
}


class OcpiError(Exception):
    """A refusal, told to the partner as it is: the message says what was wrong, where, and what would be right."""

    def __init__(self, refusal: Refusal, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.message = message
        self.headers = headers


def invalid_parameter(name: str, value: str, expected: str) -> OcpiError:
    """Return the refusal of a parameter that cannot be read."""
    return OcpiError(Refusal.PARAMETER_UNREADABLE, f"Parameter {name} is {value[:100]!r}; it should be {expected}.")


def refusal_of(error: DomainError) -> Refusal:
    """Return which refusal an error of a use case is."""
    if isinstance(error, InvalidInputError):
        return Refusal.OBJECT_INVALID
    if isinstance(error, ConflictError):
        return Refusal.NOT_POSSIBLE_NOW
    # What a partner may not have is not there for it.
    return Refusal.NO_SUCH_OBJECT if isinstance(error, NotFoundError) else Refusal.NOT_THE_PARTNERS


def message_of(error: DomainError) -> str:
    """Return what an error of a use case says, with the further faults it carries."""
    others: Sequence[DomainError] = error.others if isinstance(error, InvalidInputError) else ()
    return " ".join(str(one) for one in (error, *others))
