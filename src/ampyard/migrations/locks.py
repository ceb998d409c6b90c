"""Which locks a statement of a revision takes on tables, and which table it goes through from end to end.

By PostgreSQL's documentation of explicit locking (section 13.3.1) and of each statement; for the forms that revisions are written in,
no others.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Lock modes that revisions take, weakest first. Writers wait from SHARE on, readers for ACCESS EXCLUSIVE."""

    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

    @property
    def strength(self) -> int:
        """The mode's place among the others."""
        return list(Mode).index(self)

    @property
    def stops_writers(self) -> bool:
        """Whether who wants to write has to wait."""
        return self.strength >= Mode.SHARE.strength


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement does to tables.

    Args:
        locks: by table.
        whole: tables that it reads or writes from end to end: it takes the longer, the larger they are.
        makes: the table that it makes.
        drops: the table that it drops.
    """

    locks: dict[str, Mode]
    whole: frozenset[str] = frozenset()
    makes: str | None = None
    drops: str | None = None


_NAME = r'(?:ONLY )?"?([\w.]+)"?'
_NOTHING = Effect({})


def effect_of(sql: str) -> Effect | None:
    """Return what a statement does to tables; None where this module does not know its form."""
    text = " ".join(sql.split()).rstrip(";")
    for pattern, effect in _FORMS:
        if found := pattern.match(text):
            return effect(found, text)
    return None


def _create_table(found: re.Match[str], text: str) -> Effect:
    referred = dict.fromkeys(re.findall(rf"REFERENCES {_NAME}", text), Mode.SHARE_ROW_EXCLUSIVE)
    parent = re.search(rf"PARTITION OF {_NAME}", text)
    locks = referred | ({parent[1]: Mode.ACCESS_EXCLUSIVE} if parent else {})
    locks.pop(found[1], None)
    return Effect(locks, makes=found[1])


def _alter_table(found: re.Match[str], text: str) -> Effect:
    table, change = found[1], found[2]
    if change.startswith("VALIDATE CONSTRAINT"):
        return Effect({table: Mode.SHARE_UPDATE_EXCLUSIVE}, frozenset({table}))
    if change.startswith("ADD CONSTRAINT") and (target := re.search(rf"REFERENCES {_NAME}", change)):
        whole = frozenset[str]() if text.endswith("NOT VALID") else frozenset({table})
        return Effect({table: Mode.SHARE_ROW_EXCLUSIVE, target[1]: Mode.SHARE_ROW_EXCLUSIVE}, whole)
    return Effect({table: Mode.ACCESS_EXCLUSIVE}, frozenset({table}) if _goes_through(change) else frozenset())


def _goes_through(change: str) -> bool:
    if change.startswith("ADD CONSTRAINT"):
        return not change.endswith("NOT VALID") and "USING INDEX" not in change
    if change.startswith("ADD COLUMN"):
        # A constant default is only noted in the catalogue; one that differs from row to row is written into each.
        return bool(
            re.search(r"DEFAULT (gen_random_uuid|clock_timestamp|random|nextval)|GENERATED|REFERENCES|UNIQUE|PRIMARY KEY|CHECK", change)
        )
    return bool(re.search(r"SET NOT NULL|ALTER COLUMN \S+ (SET DATA )?TYPE|SET LOGGED|SET UNLOGGED", change))


def _create_index(found: re.Match[str], text: str) -> Effect:
    if "CONCURRENTLY" in text.split(" ON ", maxsplit=1)[0]:
        return Effect({found[1]: Mode.SHARE_UPDATE_EXCLUSIVE}, frozenset({found[1]}))
    return Effect({found[1]: Mode.SHARE}, frozenset() if " ON ONLY " in text else frozenset({found[1]}))


def _drop_index(_found: re.Match[str], text: str) -> Effect:
    return _NOTHING if "CONCURRENTLY" in text else Effect({})


def _rows(found: re.Match[str], _text: str) -> Effect:
    return Effect({found[1]: Mode.ROW_EXCLUSIVE}, frozenset({found[1]}))


def _on(mode: Mode) -> Callable[[re.Match[str], str], Effect]:
    return lambda found, _text: Effect({found[1]: mode})


_FORMS: list[tuple[re.Pattern[str], Callable[[re.Match[str], str], Effect]]] = [
    (re.compile(pattern, re.IGNORECASE), effect)
    for pattern, effect in [
        (rf"CREATE TABLE (?:IF NOT EXISTS )?{_NAME}", _create_table),
        (rf"DROP TABLE (?:IF EXISTS )?{_NAME}", lambda found, _: Effect({found[1]: Mode.ACCESS_EXCLUSIVE}, drops=found[1])),
        (rf"ALTER TABLE (?:IF EXISTS )?{_NAME} (.*)", _alter_table),
        (rf"CREATE (?:UNIQUE )?INDEX .*? ON {_NAME}", _create_index),
        (r"DROP INDEX ", _drop_index),
        (rf"(?:CREATE|DROP|ALTER) POLICY (?:IF EXISTS )?\S+ ON {_NAME}", _on(Mode.ACCESS_EXCLUSIVE)),
        (rf"CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER .*? ON {_NAME}", _on(Mode.SHARE_ROW_EXCLUSIVE)),
        (rf"DROP TRIGGER (?:IF EXISTS )?\S+ ON {_NAME}", _on(Mode.ACCESS_EXCLUSIVE)),
        (rf"(?:UPDATE|INSERT INTO|DELETE FROM) {_NAME}", _rows),
        (r"ALTER INDEX \S+ ATTACH PARTITION ", lambda _found, _text: _NOTHING),
        (
            r"(?:CREATE|DROP|ALTER) (?:OR REPLACE )?(?:FUNCTION|SEQUENCE|TYPE|EXTENSION|VIEW|ROLE|AGGREGATE) ",
            lambda _found, _text: _NOTHING,
        ),
        (r"(?:GRANT|REVOKE|COMMENT ON|SELECT|SET LOCAL) ", lambda _found, _text: _NOTHING),
        (r"DO ", lambda _found, _text: _NOTHING),
    ]
]
