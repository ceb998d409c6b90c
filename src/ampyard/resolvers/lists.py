"""Lists: what is listed, below which parent, in which orders; and what a client's paging arguments mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Column, ColumnElement

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.paging import MAX_PAGE_SIZE, Keyset, Page, PageRequest
from ampyard.repositories.repository import Repository
from ampyard.resolvers.cursors import CursorCodec

DEFAULT_PAGE_SIZE = 50


class Narrowing(Protocol):
    """A filter: hashable, and able to say itself in SQL."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""


@dataclass(frozen=True)
class Listing:
    """A list of entities: all of the tenant's, or those below a parent through its column.

    The column may be of another table; `through` then says how the entities' own hangs together with it.
    `unless_told` is the filter of whoever gives none; a list without one is whole.
    """

    name: str
    repository: type[Repository[Any]]
    default_order: str
    default_descending: bool = False
    parent: Column[Any] | None = None
    through: ColumnElement[bool] | None = None
    unless_told: Narrowing | None = None

    # Column is compared by SQL expression, so identity is what makes two listings the same.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def conditions(self, narrowing: Narrowing | None) -> list[ColumnElement[bool]]:
        """Return a filter as SQL conditions."""
        through = [] if self.through is None else [self.through]
        chosen = narrowing or self.unless_told
        return through if chosen is None else [*through, *chosen.conditions()]


@dataclass(frozen=True, slots=True)
class PageArguments:
    """What a client may say of a page (Relay Cursor Connections, section 4)."""

    first: int | None
    after: str | None
    last: int | None
    before: str | None
    order: str | None
    descending: bool | None


def page_request(arguments: PageArguments, listing: Listing, cursors: CursorCodec) -> PageRequest:
    """Return the slice that the arguments ask for.

    Raises:
        InvalidInputError: both first and last, a size out of range, or a cursor of another list or order.
    """
    if arguments.first is not None and arguments.last is not None:
        raise InvalidInputError("Give first or last, not both.")
    for name, size in (("first", arguments.first), ("last", arguments.last)):
        if size is not None and not 0 <= size <= MAX_PAGE_SIZE:
            raise InvalidInputError(f"{name}: {size} is out of range; give 0 to {MAX_PAGE_SIZE}.")
    order = arguments.order or listing.default_order
    descending = listing.default_descending if arguments.descending is None else arguments.descending
    made_for = order_name(order, descending=descending)
    value_type = listing.repository.orders[order].type.python_type
    size = arguments.last if arguments.last is not None else arguments.first
    return PageRequest(
        size=DEFAULT_PAGE_SIZE if size is None else size,
        order=order,
        descending=descending,
        after=cursors.decode("after", arguments.after, listing.name, made_for, value_type) if arguments.after else None,
        before=cursors.decode("before", arguments.before, listing.name, made_for, value_type) if arguments.before else None,
        backward=arguments.last is not None,
    )


def order_name(order: str, *, descending: bool) -> str:
    """Return an order with its direction, as cursors carry it."""
    return f"{order} {'DESC' if descending else 'ASC'}"


@dataclass(frozen=True, slots=True)
class ConnectionPageInfo:
    """Where a page lies in its list (Relay Cursor Connections, section 5). Cursors are made when they are asked for."""

    page: Page[Any]
    cursor_of: Callable[[Keyset], str]

    @property
    def has_next_page(self) -> bool | None:
        return self.page.has_next

    @property
    def has_previous_page(self) -> bool | None:
        return self.page.has_previous

    @property
    def start_cursor(self) -> str | None:
        return self.cursor_of(self.page.position(self.page.items[0])) if self.page.items else None

    @property
    def end_cursor(self) -> str | None:
        return self.cursor_of(self.page.position(self.page.items[-1])) if self.page.items else None


@dataclass(frozen=True, slots=True)
class ConnectionEdge:
    """An entity at its place in a list."""

    node: Any
    page: Page[Any]
    cursor_of: Callable[[Keyset], str]

    @property
    def cursor(self) -> str:
        """The place, as clients give it back."""
        return self.cursor_of(self.page.position(self.node))


@dataclass(frozen=True, slots=True)
class ConnectionResult:
    """One page of a list. `list_key` says which list it is of: (list, filter, parent); what it is counted by when that is asked for."""

    page: Page[Any]
    cursor_of: Callable[[Keyset], str]
    list_key: tuple[Listing, Narrowing | None, Any]

    @staticmethod
    def cursors(codec: CursorCodec, listing: Listing, request: PageRequest) -> Callable[[Keyset], str]:
        """Return how positions in a list, in the order of a request, become cursors."""
        made_for = order_name(request.order, descending=request.descending)
        return lambda position: codec.encode(listing.name, made_for, position)

    @property
    def nodes(self) -> Sequence[Any]:
        """The entities."""
        return self.page.items

    @property
    def edges(self) -> list[ConnectionEdge]:
        """The entities with their cursors."""
        return [ConnectionEdge(node, self.page, self.cursor_of) for node in self.page.items]

    @property
    def page_info(self) -> ConnectionPageInfo:
        """Where this page lies."""
        return ConnectionPageInfo(self.page, self.cursor_of)
