"""Objects a partner sends: checked by their class, and kept as the JSON they came in."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from ampyard.ocpi.errors import OcpiError, Refusal
from ampyard.ocpi.wire.faults import faults
from ampyard.ocpi.wire.partial import partial
from ampyard.ocpi.wire.types import WireModel

_Model = TypeVar("_Model", bound=WireModel)


def received(model: type[_Model], value: Any) -> _Model:
    """Return what a body says as an object; raises `OcpiError` that names its faults where it is none."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise OcpiError(Refusal.OBJECT_INVALID, f"This is no {_name(model)}: {faults(error)}") from None


def patched(model: type[_Model], document: Mapping[str, Any], patch: Any) -> tuple[dict[str, Any], _Model]:
    """Return a document with a partial update in it, as JSON values and as an object.

    Fields that are told replace those that were there as a whole, lists and inner objects included; all others, unknown ones included,
    stay as they are (section 4.1.4, PATCH).

    Raises:
        OcpiError: a field of the patch is of another form, `last_updated` is missing, or the whole would be no such object any more.
    """
    if isinstance(patch, dict) and patch.get("last_updated") is None:
        message = "last_updated is missing; a PATCH has it, such as 2026-01-31T09:30:00Z, beside the fields that change."
        raise OcpiError(Refusal.LAST_UPDATED_MISSING, message)
    received(partial(model), patch)
    merged = {**document, **patch}
    return merged, received(model, merged)


def _name(model: type[WireModel]) -> str:
    return model.__name__.replace("Partial", "part of a ", 1)
