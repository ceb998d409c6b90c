"""Relay connections: pages of a list, with cursors, filters and order."""

from collections.abc import Callable
from enum import Enum
from inspect import Parameter, Signature
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from strawberry.federation.schema_directives import Authenticated, Shareable

from ampyard.domain.access import Scope
from ampyard.domain.paging import MAX_PAGE_SIZE
from ampyard.engine import Load, cost, edge, list_size
from ampyard.resolvers.context import Info
from ampyard.resolvers.edges import page_load, plan_total_count
from ampyard.resolvers.lists import DEFAULT_PAGE_SIZE, Listing, PageArguments
from ampyard.resolvers.scopes import requires

T = TypeVar("T")

_COUNT_WEIGHT = 5  # counting reads the whole list, not a page of it


@strawberry.federation.type(directives=[Shareable()], description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge.")


@strawberry.federation.type(directives=[Authenticated()], description="An item at its place in a list.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="Its place, for `after` and `before`.")


def counted() -> Any:
    """Return the field that counts a connection's list."""
    description = "How many items the list has in all; counted only when asked for."
    return edge(plan_total_count, key="list_key", description=description, directives=[cost(_COUNT_WEIGHT)])


@strawberry.federation.type(directives=[Authenticated()], description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The items with their cursors.")
    nodes: list[T] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")
    total_count: int = counted()


@strawberry.enum(description="Which way a list is ordered.")
class OrderDirection(Enum):
    ASC = "ASC"
    DESC = "DESC"


def connection(
    listing: Listing, *, description: str, filter_type: type[Any] | None, order_type: type[Any], scope: Scope | None = None
) -> Any:
    """Return a connection field: of all entities where the listing has no parent, else of the parent's children.

    `scope`, where given, is printed and enforced as `resolvers.scopes.scoped` does.
    """
    return edge(
        _planner(listing, filter_type, order_type, scope),
        key=None if listing.parent is None else "id",
        description=description,
        directives=[
            *(requires(scope) if scope else []),
            list_size(DEFAULT_PAGE_SIZE, slicing=["first", "last"], sized=["nodes", "edges"]),
        ],
    )


def _planner(listing: Listing, filter_type: type[Any] | None, order_type: type[Any], scope: Scope | None) -> Callable[..., Load]:
    def plan(info: Info, **given: Any) -> Load:
        if scope is not None:
            info.context.principal.require(scope)
        order, narrowing = given.get("order_by"), given.get("filter")
        arguments = PageArguments(
            first=given.get("first"),
            after=given.get("after"),
            last=given.get("last"),
            before=given.get("before"),
            order=None if order is None else order.field.name,
            descending=None if order is None else order.direction is OrderDirection.DESC,
        )
        return page_load(info, listing, arguments, None if narrowing is None else narrowing.narrowing())

    # The arguments differ from list to list; Strawberry reads them from the signature.
    parameters = [
        _parameter("first", int, f"The first so many of the list; {DEFAULT_PAGE_SIZE} unless told, {MAX_PAGE_SIZE} at most."),
        _parameter("after", str, "Only what comes after this cursor."),
        _parameter("last", int, f"The last so many of the list; {MAX_PAGE_SIZE} at most."),
        _parameter("before", str, "Only what comes before this cursor."),
        _parameter("order_by", order_type, f"The order; by {listing.default_order} unless told."),
    ]
    if filter_type is not None:
        parameters.append(_parameter("filter", filter_type, "Only what meets all of these."))
    info = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
    plan.__signature__ = Signature([info, *parameters])  # type: ignore[attr-defined]  # functions may carry one
    return plan


def _parameter(name: str, kind: Any, description: str) -> Parameter:
    annotation = Annotated[kind | None, strawberry.argument(description=description)]
    # Not even null as a default: composers take that for one, and then no assumed size.
    return Parameter(name, Parameter.KEYWORD_ONLY, default=strawberry.UNSET, annotation=annotation)
