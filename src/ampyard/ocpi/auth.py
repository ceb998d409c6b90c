import base64
from http import HTTPStatus

from starlette.requests import Request

from ampyard.domain.access import Principal
from ampyard.ocpi.errors import OcpiError, StatusCode
from ampyard.services import ocpi
from ampyard.services.backend import Backend


async def authenticate(backend: Backend, request: Request) -> Principal:
    """Return the partner that sends this request; raises `OcpiError` with HTTP 401 otherwise.

    `Authorization: Token <credentials token in Base64>` (chapter 4, Authorization header).
    """
    header = request.headers.get("Authorization")
    if header is None:
        raise _unauthorized("The Authorization header is missing")
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "token":
        raise _unauthorized("The Authorization header is of another scheme")
    token = _decode(encoded.strip())
    partner = await ocpi.authenticate(backend, token) if token is not None else None
    if partner is None:
        raise _unauthorized("The credentials token is not known here")
    return partner


def _decode(encoded: str) -> str | None:
    try:
        # The standard's own examples encode a line feed behind the token; no token of ours has white space.
        return base64.b64decode(encoded, validate=True).decode().strip()
    except UnicodeDecodeError:
        return None
    except ValueError:
        # Implementations of earlier versions do not encode. Nothing is guessed: our tokens have an underscore, which Base64 has not.
        return encoded


def _unauthorized(reason: str) -> OcpiError:
    message = f"{reason}; it should be: Authorization: Token <your credentials token in Base64>."
    return OcpiError(HTTPStatus.UNAUTHORIZED, StatusCode.INVALID_PARAMETERS, message, {"WWW-Authenticate": "Token"})
