"""Relay connections: pages of a list, with cursors, filters and order."""

from collections.abc import Callable
from enum import Enum
from inspect import Parameter, Signature
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from strawberry.federation.schema_directives import Authenticated, RequiresScopes, Shareable

from ampyard.domain.access import Scope
from ampyard.domain.paging import MAX_PAGE_SIZE
from ampyard.resolvers.context import Info
from ampyard.resolvers.edges import page_below, page_of_all
from ampyard.resolvers.lists import ConnectionResult, Listing, PageArguments

T = TypeVar("T")


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


async def resolve_total_count(root: ConnectionResult) -> int:
    """Resolve how many items a list has."""
    return await root.count()


@strawberry.federation.type(directives=[Authenticated()], description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The items with their cursors.")
    nodes: list[T] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")
    total_count: int = strawberry.field(
        resolver=resolve_total_count, description="How many items the list has in all; counted only when asked for."
    )


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
    directives = [RequiresScopes(scopes=[[scope.value]])] if scope else []
    return strawberry.field(resolver=_resolver(listing, filter_type, order_type, scope), description=description, directives=directives)


def _resolver(listing: Listing, filter_type: type[Any] | None, order_type: type[Any], scope: Scope | None) -> Callable[..., Any]:
    async def resolve(root: Any, info: Info, **given: Any) -> ConnectionResult:
        if scope is not None:
            info.context.principal.require(scope)
        order, narrowing = given.get("order_by"), given.get("filter")
        arguments = PageArguments(
            first=given["first"],
            after=given["after"],
            last=given["last"],
            before=given["before"],
            order=None if order is None else order.field.name,
            descending=None if order is None else order.direction is OrderDirection.DESC,
        )
        conditions = None if narrowing is None else narrowing.narrowing()
        if listing.parent is None:
            return await page_of_all(info.context, listing, arguments, conditions)
        return await page_below(info.context, listing, root, arguments, conditions)

    # The arguments differ from list to list; Strawberry reads them from the signature.
    parameters = [
        _parameter("first", int, f"The first so many of the list; 50 unless told, {MAX_PAGE_SIZE} at most."),
        _parameter("after", str, "Only what comes after this cursor."),
        _parameter("last", int, f"The last so many of the list; {MAX_PAGE_SIZE} at most."),
        _parameter("before", str, "Only what comes before this cursor."),
        _parameter("order_by", order_type, f"The order; by {listing.default_order} unless told."),
    ]
    if filter_type is not None:
        parameters.append(_parameter("filter", filter_type, "Only what meets all of these."))
    positional = Parameter.POSITIONAL_OR_KEYWORD
    start = [Parameter("root", positional, annotation=Any), Parameter("info", positional, annotation=Info)]
    resolve.__signature__ = Signature([*start, *parameters])  # type: ignore[attr-defined]  # functions may carry one
    return resolve


def _parameter(name: str, kind: Any, description: str) -> Parameter:
    annotation = Annotated[kind | None, strawberry.argument(description=description)]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
