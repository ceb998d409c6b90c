"""Keyset pages: which slice of an ordered list, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

E = TypeVar("E")

MAX_PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class Keyset:
    """A position in a list: the order value and the id of the row it stands at."""

    value: Any
    id: Any


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A slice of a list: `size` rows after (or, backward, before) a position, ordered by `order` and then by id.

    `after` and `before` may both be given; `backward` takes the last `size` rows instead of the first.
    """

    size: int
    order: str
    descending: bool = False
    after: Keyset | None = None
    before: Keyset | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[E]):
    """Rows of one slice in list order, which is by `ordered_by` and then by id, and whether there is more on either side.

    Where nobody asked whether there is more beyond the rows, that is `None`.
    """

    items: tuple[E, ...]
    ordered_by: str
    has_next: bool | None
    has_previous: bool | None

    def position(self, item: E) -> Keyset:
        """Return the position of one of the rows."""
        row: Any = item
        return Keyset(getattr(row, self.ordered_by), row.id)

    @property
    def positions(self) -> tuple[Keyset, ...]:
        """The position of each row, made when asked for."""
        return tuple(map(self.position, self.items))


@dataclass(frozen=True, slots=True)
class ChangedRequest:
    """A slice of what changed in a period, oldest change first and then by id.

    `since` is inclusive and `until` exclusive. `after`, where given, replaces `offset`: unlike a count of rows, a position
    does not slip when a row that was passed already changes and moves to the end.
    """

    limit: int
    offset: int = 0
    since: datetime | None = None
    until: datetime | None = None
    after: Keyset | None = None


@dataclass(frozen=True, slots=True)
class ChangedPage(Generic[E]):
    """One slice; `total` counts the whole period, and `next_after` is where the next slice begins, if there is one."""

    items: tuple[E, ...]
    total: int
    next_after: Keyset | None
