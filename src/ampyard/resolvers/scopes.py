"""Permissions, declared once beside a field: printed in the SDL and enforced before its resolver runs."""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import strawberry
from strawberry.federation.schema_directives import RequiresScopes, Tag

from ampyard.domain.access import SYSTEM_WIDE, TENANT_WIDE, Principal, Scope
from ampyard.engine import Delivery, list_size, subscription


def scoped(resolver: Callable[..., Any], scope: Scope, *, description: str, assumed_size: int | None = None) -> Any:
    """Return a field whose resolver runs only for principals that have `scope`; others get a `FORBIDDEN` error.

    The resolver takes `info`. Of a list, `assumed_size` is how many items there are at most, as a rule.
    """
    sized = [] if assumed_size is None else [list_size(assumed_size)]
    return strawberry.field(resolver=_guard(resolver, scope), description=description, directives=[*requires(scope), *sized])


def unscoped(resolver: Callable[..., Any], *, description: str) -> Any:
    """Return a field for whoever is signed in, whatever they may do. Its resolver takes `info`."""
    return strawberry.field(resolver=resolver, description=description)


def scoped_subscription(
    resolver: Callable[..., AsyncGenerator[Any, None]], scope: Scope, *, delivery: Delivery = Delivery.EVENTS, description: str
) -> Any:
    """Return a subscription field, checked at its start and again before each event is shown."""
    return subscription(_guard_stream(resolver, scope), delivery, description=description, directives=requires(scope))


# Composers make contracts by it: a graph for the fleet's own people leaves out what has this tag.
_ADMINISTRATION = Tag(name="administration")


def requires(scope: Scope) -> list[object]:
    """Return the directives that print a field's scope in the SDL; its resolver or planner enforces it.

    Fields that need a scope of the whole tenant or of the installation are tagged, too.
    """
    printed: list[object] = [RequiresScopes(scopes=[[scope.value]])]
    return [*printed, _ADMINISTRATION] if scope in TENANT_WIDE | SYSTEM_WIDE else printed


def _guard(resolver: Callable[..., Any], scope: Scope) -> Callable[..., Any]:
    if not inspect.iscoroutinefunction(resolver):
        raise TypeError(f"{resolver} must be a coroutine function to be scoped.")

    @functools.wraps(resolver)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        kwargs["info"].context.principal.require(scope)
        return await resolver(*args, **kwargs)

    return guarded


def _guard_stream(resolver: Callable[..., AsyncGenerator[Any, None]], scope: Scope) -> Callable[..., AsyncGenerator[Any, None]]:
    @functools.wraps(resolver)
    def guarded(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        principal = kwargs["info"].context.principal
        principal.require(scope)
        return _guarded_events(resolver(*args, **kwargs), principal, scope)

    return guarded


async def _guarded_events(events: AsyncGenerator[Any, None], principal: Principal, scope: Scope) -> AsyncGenerator[Any, None]:
    # Closed with this one, at once: it holds a place among the tenant's subscribers.
    async with aclosing(events):
        async for event in events:
            principal.require(scope)
            yield event
