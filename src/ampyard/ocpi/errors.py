from enum import IntEnum
from http import HTTPStatus


class StatusCode(IntEnum):
    """OCPI status codes (chapter 5)."""

    SUCCESS = 1000
    CLIENT_ERROR = 2000
    INVALID_PARAMETERS = 2001
    UNKNOWN_LOCATION = 2003
    SERVER_ERROR = 3000
    UNSUPPORTED_VERSION = 3002


class OcpiError(Exception):
    """A refusal, told to the partner as it is: an HTTP status, and an OCPI status code with a message in the envelope."""

    def __init__(self, status: HTTPStatus, code: StatusCode, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


def invalid_parameter(name: str, value: str, expected: str) -> OcpiError:
    """Return the refusal of a parameter that cannot be read.

    HTTP 400: such a request was never understood, so it has not reached the OCPI layer, where no HTTP error may be
    answered (chapter 5).
    """
    return OcpiError(
        HTTPStatus.BAD_REQUEST, StatusCode.INVALID_PARAMETERS, f"Parameter {name} is {value[:100]!r}; it should be {expected}."
    )
