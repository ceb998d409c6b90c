"""What operations of the OpenAPI documents share: parameters, headers, refusals and how one is let in."""

from typing import Any

from ampyard.ocpi.errors import Refusal
from ampyard.ocpi.paging import MAX_LIMIT

SECURITY = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token <credentials token in Base64>` (OCPI, section 4.1.2).",
    }
}

_DATE_TIME = {"type": "string", "maxLength": 25, "examples": ["2026-01-31T09:30:00Z"]}
_PARTY_CODE = {"type": "string", "minLength": 3, "maxLength": 3}
_COUNTRY_CODE = {"type": "string", "minLength": 2, "maxLength": 2}


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema}


LIST_PARAMETERS = {
    "date_from": _query("date_from", "Objects last updated at this time or later.", _DATE_TIME),
    "date_to": _query("date_to", "Objects last updated before this time.", _DATE_TIME),
    "offset": _query("offset", "How many objects to leave out at the start.", {"type": "integer", "minimum": 0, "default": 0}),
    "limit": _query(
        "limit",
        f"How many objects at most; of more than {MAX_LIMIT}, {MAX_LIMIT} are given.",
        {"type": "integer", "minimum": 1, "default": MAX_LIMIT},
    ),
}
PARAMETERS = LIST_PARAMETERS | {
    "X-Request-ID": _header("X-Request-ID", "Of this request; made here where it is missing.", {"type": "string"}),
    "X-Correlation-ID": _header("X-Correlation-ID", "Of this chain of requests; made here where it is missing.", {"type": "string"}),
    "OCPI-to-party-id": _header("OCPI-to-party-id", "The party of ours that is meant.", _PARTY_CODE),
    "OCPI-to-country-code": _header("OCPI-to-country-code", "The country of the party of ours that is meant.", _COUNTRY_CODE),
    "OCPI-from-party-id": _header("OCPI-from-party-id", "The party that asks.", _PARTY_CODE),
    "OCPI-from-country-code": _header("OCPI-from-country-code", "The country of the party that asks.", _COUNTRY_CODE),
}

LIST_HEADERS = {
    "Link": {"description": "The next page; missing on the last.", "schema": {"type": "string"}},
    "X-Total-Count": {"description": "How many objects there are in all pages.", "schema": {"type": "integer"}},
    "X-Limit": {"description": "How many objects a page has at most.", "schema": {"type": "integer"}},
}
HEADERS = {
    "X-Request-ID": {"description": "That of the request.", "schema": {"type": "string"}},
    "X-Correlation-ID": {"description": "That of the request.", "schema": {"type": "string"}},
} | LIST_HEADERS

_REFUSED = {
    "type": "object",
    "properties": {
        "status_code": {"type": "integer"},
        "status_message": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
    },
    "required": ["status_code", "status_message", "timestamp"],
}
_SAID = {
    Refusal.PARAMETER_UNREADABLE: "A parameter cannot be read, or the body is no JSON.",
    Refusal.NOT_AUTHENTICATED: "The token is missing, nobody's, or not good for this.",
    Refusal.NO_SUCH_OBJECT: "There is no such object, or not for this partner.",
    Refusal.NOT_REGISTERED: "Registration is in another state than this asks for.",
    Refusal.BODY_TOO_LARGE: "The body is too large.",
    Refusal.TOO_MANY_REQUESTS: "More requests a minute than are allowed.",
    Refusal.FAILED: "Something failed on our side.",
}
RESPONSES = {
    str(refusal.http.value): {"description": description, "content": {"application/json": {"schema": _REFUSED}}}
    for refusal, description in _SAID.items()
}

_PATH = {
    "country_code": ("Country of the party the object is of.", _COUNTRY_CODE),
    "party_id": ("Id of the party the object is of.", _PARTY_CODE),
}


def path_parameter(name: str) -> dict[str, Any]:
    """Return a part of a path that names something."""
    description, schema = _PATH.get(name, (f"{name} of the object.", {"type": "string", "minLength": 1, "maxLength": 39}))
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def query_parameter(name: str, description: str) -> dict[str, Any]:
    """Return a parameter of one route."""
    return _query(name, f"{description}.", {"type": "string"})
