"""Tokens between the versions: but for their type they are the same in both."""

from collections.abc import Mapping
from typing import Any

from ampyard.ocpi.mapping.periods import token_type


def token_document(document: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    """Return a Token as a version takes it, from the JSON it was received in, whichever version that was in; all else stays as it came."""
    kind = document.get("type")
    told = token_type(kind, version) if isinstance(kind, str) else kind
    return document if told == kind else {**document, "type": told}
