"""Partial updates: an object of which some fields are told (OCPI, section 4.1.4, PATCH)."""

from copy import copy
from functools import cache
from typing import Any, Optional

from pydantic import create_model

from ampyard.ocpi.wire.types import WireModel

# Modules that have a PATCH ask for it.
_NEEDED = "last_updated"


@cache
def partial(model: type[WireModel]) -> type[WireModel]:
    """Return the class of a part of an object: a field is of its type where it is there; `last_updated` is there if the whole needs it."""
    fields: dict[str, Any] = {}
    for name, known in model.model_fields.items():
        field = copy(known)
        if name != _NEEDED:
            field.annotation = Optional[known.annotation]  # type: ignore[assignment]  # noqa: UP045 # a class made while it runs
            field.default = None
        fields[name] = (field.annotation, field)
    part: type[WireModel] = create_model(f"Partial{model.__name__}", __base__=WireModel, __doc__=f"A part of a {model.__name__}.", **fields)
    return part
