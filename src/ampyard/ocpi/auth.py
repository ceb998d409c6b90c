import base64

from starlette.requests import Request

from ampyard.domain.access import Principal
from ampyard.domain.roaming.partners import OcpiPartner, TokenKind
from ampyard.ocpi.errors import OcpiError, Refusal
from ampyard.services import ocpi
from ampyard.services.backend import Backend


async def authenticate(backend: Backend, request: Request) -> tuple[OcpiPartner, TokenKind, Principal]:
    """Return the partner that sends this request, and which of its tokens it comes with.

    `Authorization: Token <credentials token in Base64>` (section 4.1, Authorization header).

    Raises:
        OcpiError: HTTP 401; the header is missing or wrong, or nobody's.
    """
    header = request.headers.get("Authorization")
    if header is None:
        raise _unauthorized("The Authorization header is missing")
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "token":
        raise _unauthorized("The Authorization header is of another scheme")
    token, plain = _decode(encoded.strip())
    login = await ocpi.authenticate(backend, token) if token is not None else None
    if login is None:
        raise _unauthorized("The credentials token is not known here")
    if plain and not login[0].switches.accept_plain_tokens:
        raise _unauthorized("The credentials token is not in Base64")
    return login


def _decode(encoded: str) -> tuple[str | None, bool]:
    """Return the token, and whether it came without Base64, as from implementations of earlier versions."""
    try:
        # The standard's own examples encode a line feed behind the token; no token of ours has white space.
        return base64.b64decode(encoded, validate=True).decode().strip(), False
    except UnicodeDecodeError:
        return None, False
    except ValueError:
        # Nothing is guessed: our tokens have an underscore, which Base64 has not.
        return encoded, True


def _unauthorized(reason: str) -> OcpiError:
    message = f"{reason}; it should be: Authorization: Token <your credentials token in Base64>."
    return OcpiError(Refusal.NOT_AUTHENTICATED, message, {"WWW-Authenticate": "Token"})
