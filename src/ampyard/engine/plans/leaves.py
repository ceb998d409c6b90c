"""Leaf values: which Python types are on the wire as they are, and what is to be done with all others."""

import inspect
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from types import CoroutineType, GeneratorType
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)
from graphql.execution import Executor
from strawberry.execution import optimized_is_awaitable

from ampyard.engine.plans.fields import Position


class AwaitingError(Exception):
    """A value is there only after an await; not an error, but it leaves the straight line like one."""

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        super().__init__()
        self.awaitable = awaitable


class NothingError(Exception):
    """The value is graphql-core's Undefined, which means null."""


# What generated code asks of a value before it may go on the wire as it is, by the standard scalar that it is for.
UNCHANGED = {
    GraphQLString: "{v}.__class__ is str",
    GraphQLID: "{v}.__class__ is str",
    GraphQLBoolean: "({v} is True or {v} is False)",
    GraphQLInt: "{v}.__class__ is int and -2147483648 <= {v} <= 2147483647",
    GraphQLFloat: "{v}.__class__ is float and {v} - {v} == 0.0",
}


def vet(value: Any, *, awaited: bool) -> None:
    """Raise what a value stands for, where it is not a value itself: an exception, an awaitable, or Undefined.

    What an await has given is not awaited again.
    """
    if isinstance(value, Exception):
        raise value
    if value is Undefined:
        raise NothingError
    if not awaited and optimized_is_awaitable(value):
        raise AwaitingError(value)


def is_plain(class_: type[Any]) -> bool:
    """Return whether no instance of a class can be anything but a value: `vet` need not be asked again."""
    special = (Exception, CoroutineType, GeneratorType, AsyncIterable, type(Undefined))
    return not issubclass(class_, special) and not hasattr(class_, "__await__")


@dataclass(slots=True)
class Leaf:
    """How values of a leaf type at one position are serialised, one by one, when the straight line cannot."""

    position: Position
    of: GraphQLLeafType
    awaited: bool
    plain: set[type[Any]]  # classes whose instances need no vetting, learned as they come

    def __call__(self, value: Any) -> Any:
        """Return the serialised value, None for null where null may be.

        Raises:
            Exception: the value is one, or the type cannot serialise it, or it is null where it may not be; AwaitingError for an awaitable.
        """
        vet(value, awaited=self.awaited)
        if value is None:
            if self.position.nonnull:
                raise self.position.null_error()
            return None
        if is_plain(type(value)):
            self.plain.add(type(value))
        return self.serialised(value)

    def serialised(self, value: Any) -> Any:
        """Return what the type makes of a value; raises graphql-core's error when that is nothing."""
        return Executor.complete_leaf_value(self.of, value)


def enum_names(type_: GraphQLLeafType) -> tuple[type[Enum], dict[Any, str]] | None:
    """Return an enum's class and the name of each member, or None for other types and where a member has no name."""
    class_ = getattr(type_, "wrapped_cls", None)
    if not isinstance(type_, GraphQLEnumType) or not inspect.isclass(class_) or not issubclass(class_, Enum):
        return None
    try:
        return class_, {member: type_.coerce_output_value(member) for member in class_}
    except Exception:  # noqa: BLE001 - whatever it is, it is said when such a value is serialised
        return None


def serializer(type_: GraphQLLeafType) -> Callable[[Any], Any]:
    """Return the function that serialises a leaf type's values."""
    return type_.coerce_output_value
