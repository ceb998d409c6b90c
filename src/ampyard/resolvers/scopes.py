"""Permissions, declared once beside a field: printed in the SDL and enforced before its resolver runs."""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import strawberry
from strawberry.federation.schema_directives import RequiresScopes

from ampyard.domain.access import Principal, Scope
from ampyard.engine import Delivery, subscription


def scoped(resolver: Callable[..., Any], scope: Scope, *, description: str) -> Any:
    """Return a field whose resolver runs only for principals that have `scope`; others get a `FORBIDDEN` error.

    The resolver takes `info`.
    """
    return strawberry.field(resolver=_guard(resolver, scope), description=description, directives=requires(scope))


def scoped_subscription(
    resolver: Callable[..., AsyncGenerator[Any, None]], scope: Scope, *, delivery: Delivery = Delivery.EVENTS, description: str
) -> Any:
    """Return a subscription field, checked at its start and again before each event is shown."""
    return subscription(_guard_stream(resolver, scope), delivery, description=description, directives=requires(scope))


def requires(scope: Scope) -> list[object]:
    """Return the directives that print a field's scope in the SDL; its resolver or planner enforces it."""
    return [RequiresScopes(scopes=[[scope.value]])]


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
