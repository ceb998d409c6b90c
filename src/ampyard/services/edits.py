"""Edits of an entity's fields: which are named changes, which are not stays; and what is wrong with them, all at once."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ampyard.domain.errors import InvalidInputError, Problems


def require_not_null(changes: Mapping[str, object], *, may_be_null: frozenset[str] = frozenset()) -> None:
    """Raise `InvalidInputError` if a field that always has a value is to have none."""
    problems = Problems()
    for name, value in changes.items():
        problems.check(value is not None or name in may_be_null, "It cannot be null; leave it out to keep it as it is.", *input_path(name))
    problems.raise_any()


def require_sound(faults: Iterable[tuple[str, str]]) -> None:
    """Raise `InvalidInputError` with all faults, each a field and what would be right there, if there are any."""
    problems = Problems()
    for name, message in faults:
        problems.add(message, *input_path(name))
    problems.raise_any()


@contextmanager
def at_path(*path: str) -> Iterator[None]:
    """Name the part of the input in an `InvalidInputError` that does not say where it is."""
    try:
        yield
    except InvalidInputError as error:
        if error.path:
            raise
        raise InvalidInputError(str(error), path, error.others) from error


def input_path(name: str) -> tuple[str, str]:
    """Return the path of an entity's field in the input of a change, such as input, limitKw for `limit_kw`."""
    first, *others = name.split("_")
    return "input", first + "".join(word.capitalize() for word in others)


def changed(before: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an edit differs from what is."""
    return {name: value for name, value in wanted.items() if getattr(before, name) != value}
