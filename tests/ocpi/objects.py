"""Any object of OCPI: JSON values that a class accepts, made from what the class says of its fields."""

import json
import types
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import StringConstraints
from pydantic.fields import FieldInfo

from ampyard.ocpi.wire.types import FORMS, WireModel, format_date_time

_ASCII = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
_VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
_ALPHABETS = {
    r"^[ -~]*$": _ASCII,
    r"^[!-~]*$": _VISIBLE,
    r"^[A-Z]*$": st.characters(min_codepoint=0x41, max_codepoint=0x5A),
    r"^[^\x00-\x1f\x7f-\x9f]*$": st.characters(exclude_categories=["Cc", "Cs"]),
}
_LONGEST = 12
_MOST = 2
_FEW = 3

# Whole numbers and up to 15 decimals, zeros at the end included.
numbers = st.tuples(st.integers(-(10**18), 10**18), st.integers(0, 15)).map(lambda parts: Decimal(parts[0]).scaleb(-parts[1]))
moments = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2199, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 # hypothesis wants it so
    format_date_time
)


def documents(kind: type[WireModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Return JSON values that are an object of a class; optional fields are there or not."""
    needed = {name: _field(field) for name, field in kind.model_fields.items() if field.is_required()}
    optional = {name: _field(field) for name, field in kind.model_fields.items() if not field.is_required()}
    return st.fixed_dictionaries(needed, optional=optional)


def _field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return _values(field.annotation, list(field.metadata))


def _values(kind: Any, constraints: list[Any]) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        inner = [part for one in arguments[1:] for part in (one.metadata if isinstance(one, FieldInfo) else [one])]
        return _values(arguments[0], [*inner, *constraints])
    if origin in {Union, types.UnionType}:
        (of,) = (one for one in arguments if one is not types.NoneType)
        return _values(of, constraints)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(_values(arguments[0], []), min_size=_limits(constraints)[0], max_size=_MOST)
    return documents(kind) if issubclass(kind, WireModel) else _SIMPLE[kind](constraints)


def _decimals(constraints: list[Any]) -> st.SearchStrategy[Decimal]:
    places = next((one.decimal_places for one in constraints if getattr(one, "decimal_places", None) is not None), None)
    bounds = _bounds(constraints)
    if places is None and not bounds:
        return numbers
    return st.decimals(bounds.get("ge", -100), bounds.get("le", 10_000), places=_FEW if places is None else places)


def _integers(constraints: list[Any]) -> st.SearchStrategy[int]:
    bounds = _bounds(constraints)
    return st.integers(bounds.get("ge", -(10**6)), bounds.get("le", 10**6))


def _bounds(constraints: list[Any]) -> dict[str, int]:
    return {name: value for one in constraints for name in ("ge", "le") if (value := getattr(one, name, None)) is not None}


def _texts(constraints: list[Any]) -> st.SearchStrategy[str]:
    pattern = next((value for one in constraints if (value := _pattern(one)) is not None), None)
    least, most = _limits(constraints)
    if pattern in _ALPHABETS:
        return st.text(_ALPHABETS[pattern], min_size=least, max_size=min(most, max(_LONGEST, least)))
    assert pattern is not None
    if FORMS.get(pattern, "").startswith("a URL"):
        return st.text(_VISIBLE, min_size=1, max_size=_LONGEST).map(lambda text: f"https://{text}")
    written = st.from_regex(pattern.removeprefix("^").removesuffix("$"), fullmatch=True, alphabet=_ASCII)
    return written.filter(lambda text: len(text) <= most)


_SIMPLE: dict[type, Any] = {
    bool: lambda _: st.booleans(),
    datetime: lambda _: moments,
    Decimal: _decimals,
    int: _integers,
    str: _texts,
}


def _pattern(constraint: Any) -> str | None:
    found = constraint.pattern if isinstance(constraint, StringConstraints) else getattr(constraint, "pattern", None)
    return str(found) if found is not None else None


def _limits(constraints: list[Any]) -> tuple[int, int]:
    least, most = 0, 1_000
    for one in constraints:
        least = max(least, getattr(one, "min_length", None) or 0)
        most = min(most, getattr(one, "max_length", None) or most)
    return least, most


def exactly(value: Any) -> str:
    """Return JSON values as text that is the same only for the same values, with the same digits, in whatever order of fields."""
    return json.dumps(value, sort_keys=True, default=lambda number: f"number {number}")
