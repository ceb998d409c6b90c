"""What a partner is told of an object that is not one: where, what was there, and what would be right, in one line."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ampyard.ocpi.wire.types import FORMS

# The others follow from the same mistake as a rule; the whole line stays readable.
_MOST_TOLD = 5
_SHOWN_LENGTH = 50


def faults(error: ValidationError) -> str:
    """Return what is wrong with an object: `elements[0].step_size is missing. elements[0].vat is "19%"; it should be a number.`, say."""
    found = error.errors(include_url=False)
    # A list whose elements are faulty is too short besides, for pydantic; that is no fault of its own.
    inside = {detail["loc"][:depth] for detail in found for depth in range(len(detail["loc"]))}
    details = [detail for detail in found if not (detail["type"] == "too_short" and detail["loc"] in inside)]
    told = " ".join(_fault(detail) for detail in details[:_MOST_TOLD])
    return told if len(details) <= _MOST_TOLD else f"{told} {len(details) - _MOST_TOLD} more faults follow."


def _fault(detail: ErrorDetails) -> str:
    where = path(detail["loc"]) or "The body"
    if detail["type"] == "missing":
        return f"{where} is missing."
    return f"{where} is {_shown(detail['input'])}; it should be {_expected(detail['type'], detail.get('ctx', {}), detail['msg'])}."


def path(parts: Iterable[str | int]) -> str:
    """Return where something is, such as `evses[0].uid`."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return f"{value}"
    if isinstance(value, str):
        printable = "".join(character if character.isprintable() else "\ufffd" for character in value[:_SHOWN_LENGTH])
        return f'"{printable}"' if len(value) <= _SHOWN_LENGTH else f'"{printable}…"'
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "something else"


def _expected(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind == "string_pattern_mismatch":
        return FORMS.get(context["pattern"], "of the form {pattern}".format(**context))
    template = _EXPECTED.get(kind)
    if template is None:
        return message[:1].lower() + message[1:]
    return template.format(**context)


_EXPECTED = {
    "bool_type": "true or false",
    "datetime_type": "a DateTime in UTC, such as 2026-01-31T09:30:00Z",
    "decimal_max_places": "a number with no more than {decimal_places} behind the decimal point",
    "greater_than_equal": "{ge} at least",
    "int_type": "a whole number",
    "is_instance_of": "a number",
    "less_than_equal": "{le} at most",
    "literal_error": "one of {expected}",
    "model_type": "an object",
    "string_too_long": "of length {max_length} at most",
    "string_too_short": "of length {min_length} at least",
    "string_type": "a string",
    "too_short": "a list of length {min_length} at least",
    "tuple_type": "a list",
    # Only DateTime has a check of its own.
    "value_error": "a DateTime in UTC, such as 2026-01-31T09:30:00Z",
}
