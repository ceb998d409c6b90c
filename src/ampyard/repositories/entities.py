"""Building entities from the driver's records: code made once for an entity and the columns that were selected."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import Table

from ampyard.repositories.statements import from_driver, recall

Builder: TypeAlias = Callable[[Sequence[asyncpg.Record]], list[Any]]


def builder(entity: type[Any], table: Table, names: tuple[str, ...], leading: int = 0) -> Builder:
    """Return a function that makes entities of records with these columns, after `leading` others, which it passes over.

    What was not selected is not set: reading it raises `AttributeError`. What the entity checks when one is made by hand is
    not checked again for what is stored.

    Names become code: they are the entity's own (the caller picks from its fields), never a client's.
    """
    converters = {f"convert_{name}": convert for name in names if (convert := from_driver(table.c[name].type)) is not None}
    passed = [f"_{n}" for n in range(leading)]
    lines = [
        "def build(records):",
        "    built = []",
        f"    for {', '.join((*passed, *names))}, in records:",
        "        made = Draft()",
        *(f"        made.{name} = {f'convert_{name}({name})' if f'convert_{name}' in converters else name}" for name in names),
        "        made.__class__ = Entity",
        "        built.append(made)",
        "    return built",
    ]
    scope: dict[str, Any] = {"Draft": recall((builder, entity), lambda: _draft(entity)), "Entity": entity, **converters}
    exec("\n".join(lines), scope)  # noqa: S102 - names of fields alone, see above
    build: Builder = scope["build"]
    return build


def _draft(entity: type[Any]) -> type[Any]:
    """Return a class with the entity's slots that lets them be set; an instance becomes the entity by a change of class.

    A frozen dataclass sets each of its fields through `object.__setattr__`, which takes eight times as long.
    """
    return type(f"{entity.__name__}Draft", (), {"__slots__": entity.__slots__})
