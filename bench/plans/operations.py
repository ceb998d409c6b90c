"""The operations that are looked at: made from the schema, so that a new list, order, filter, edge or chart is looked at by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

from ampyard.engine import Schema

_PARENTS = 50
_PAGE = 50
_SPANS = {"QUARTER_HOUR": timedelta(days=7), "HOUR": timedelta(days=30), "DAY": timedelta(days=365), "MONTH": timedelta(days=365)}


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation, by a name that says what it is about."""

    name: str
    document: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Samples:
    """What a tenant has that operations can name: global ids of some entities of each type, and until when there is something."""

    ids: Mapping[str, Sequence[str]]
    now: datetime


# What it takes is a solver's time, not the database's.
_ASKS_ELSEWHERE = {"whatIf"}


def operations(schema: Schema, samples: Samples) -> Iterator[Asked]:
    """Yield each list of the schema in each order, with each filter, counted, and from its end; each edge of 50 entities; each chart."""
    core = schema._schema  # noqa: SLF001 - the types of the schema, as other tools read them
    assert core.query_type is not None
    for name, field in core.query_type.fields.items():
        if not name.startswith("_") and name not in _ASKS_ELSEWHERE:
            yield from _root(name, field, samples)
    for type_name, ids in samples.ids.items():
        of = core.type_map.get(type_name)
        if isinstance(of, GraphQLObjectType) and ids:
            representations = [{"__typename": type_name, "id": one} for one in ids[:_PARENTS]]
            for name, field in of.fields.items():
                for label, selected in _edge(name, field, samples):
                    document = f"query Q($of: [_Any!]!) {{ _entities(representations: $of) {{ ... on {type_name} {{ {selected} }} }} }}"
                    yield Asked(f"{type_name}.{label}", document, {"of": representations})


def _root(name: str, field: GraphQLField, samples: Samples) -> Iterator[Asked]:
    of = get_named_type(field.type)
    if not isinstance(of, GraphQLObjectType):
        return
    given = {argument: _value(argument, it, samples) for argument, it in field.args.items() if is_required_argument(it)}
    if None in given.values():
        return
    fixed = [f"{argument}: {value}" for argument, value in given.items()]
    if not of.name.endswith("Connection"):
        yield Asked(name, _query(name, fixed, _leaves(of)), {})
        return
    page = f"nodes {{ {_leaves(get_named_type(of.fields['nodes'].type))} }} pageInfo {{ hasNextPage }}"
    yield Asked(name, _query(name, [*fixed, f"first: {_PAGE}"], page), {})
    yield Asked(f"{name}, from the end", _query(name, [*fixed, f"last: {_PAGE}"], page), {})
    yield Asked(f"{name}, counted", _query(name, fixed, "totalCount"), {})
    for order in _orders(field):
        yield Asked(f"{name} by {order}", _query(name, [*fixed, f"first: {_PAGE}", f"orderBy: {order}"], page), {})
    for condition in _conditions(field, samples):
        yield Asked(f"{name} where {condition}", _query(name, [*fixed, f"first: {_PAGE}", f"filter: {condition}"], page), {})
        yield Asked(f"{name} where {condition}, counted", _query(name, [*fixed, f"filter: {condition}"], "totalCount"), {})


def _edge(name: str, field: GraphQLField, samples: Samples) -> Iterator[tuple[str, str]]:
    of = get_named_type(field.type)
    if not isinstance(of, GraphQLObjectType) or any(is_required_argument(it) for it in field.args.values()):
        return
    if of.name.endswith("Connection"):
        node = _leaves(get_named_type(of.fields["nodes"].type))
        yield name, f"{name}(first: 5) {{ nodes {{ {node} }} pageInfo {{ hasNextPage }} }}"
        yield f"{name}, counted", f"{name} {{ totalCount }}"
    elif "bucket" in field.args and "points" in of.fields:
        points = _leaves(get_named_type(of.fields["points"].type))
        for bucket, length in _SPANS.items():
            span = f'from: "{(samples.now - length).isoformat()}", to: "{samples.now.isoformat()}", bucket: {bucket}'
            yield f"{name} of {length.days} days by {bucket}", f"{name}({span}) {{ timeZone points {{ {points} }} }}"
        elsewhere = f"{_SPANS['MONTH'].days} days by MONTH in another zone"
        span = f'from: "{(samples.now - _SPANS["MONTH"]).isoformat()}", to: "{samples.now.isoformat()}", bucket: MONTH'
        yield f"{name} of {elsewhere}", f'{name}({span}, timeZone: "Asia/Tokyo") {{ points {{ {points} }} }}'
    else:
        yield name, f"{name} {{ {_leaves(of)} }}"


def _query(name: str, arguments: Sequence[str], selected: str) -> str:
    listed = f"({', '.join(arguments)})" if arguments else ""
    return f"{{ {name}{listed} {{ {selected} }} }}"


def _leaves(of: Any) -> str:
    fields = of.fields if isinstance(of, GraphQLObjectType) else {}
    leaves = [
        name for name, field in fields.items() if is_leaf_type(get_named_type(field.type)) and not field.args and name != "downloadUrl"
    ]
    return " ".join(["__typename", *leaves])


def _orders(field: GraphQLField) -> Iterator[str]:
    order = get_named_type(field.args["orderBy"].type) if "orderBy" in field.args else None
    if isinstance(order, GraphQLInputObjectType):
        kind = get_named_type(order.fields["field"].type)
        if isinstance(kind, GraphQLEnumType):
            for value in kind.values:
                for direction in ("ASC", "DESC"):
                    yield f"{{field: {value}, direction: {direction}}}"


def _conditions(field: GraphQLField, samples: Samples) -> Iterator[str]:
    kind = get_named_type(field.args["filter"].type) if "filter" in field.args else None
    if isinstance(kind, GraphQLInputObjectType):
        for name, it in kind.fields.items():
            value = _value(name, it, samples)
            if value is not None:
                yield f"{{{name}: {value}}}"


def _value(name: str, given: GraphQLArgument | GraphQLInputField, samples: Samples) -> str | None:
    """Return a value for an argument or input field, as it is written in a document; None where there is none to give."""
    of = given.type.of_type if is_non_null_type(given.type) else given.type
    value = _single(name.removesuffix("s") if is_list_type(of) else name, get_named_type(of), samples)
    return f"[{value}]" if value is not None and is_list_type(of) else value


def _single(name: str, of: Any, samples: Samples) -> str | None:
    if isinstance(of, GraphQLEnumType):
        return str(next(iter(of.values)))
    if isinstance(of, GraphQLInputObjectType):
        fields = {key: _value(key, it, samples) for key, it in of.fields.items() if is_non_null_type(it.type)}
        return None if None in fields.values() else f"{{{', '.join(f'{key}: {value}' for key, value in fields.items())}}}"
    if of.name == "ID":
        named = name.removesuffix("Id")
        ids = samples.ids.get(named[:1].upper() + named[1:], ())
        return f'"{ids[len(ids) // 2]}"' if ids else None
    if of.name == "DateTime":
        # What is foreseen is asked for until a moment that comes; all else of what was.
        back = timedelta(days=-2 if name == "until" else 1 if name.lower().endswith(("to", "before")) else 30)
        return f'"{(samples.now - back).isoformat()}"'
    values = {"Date": f'"{samples.now.date().isoformat()}"', "Boolean": "true", "Int": "10", "Float": "10.0", "String": '"07"'}
    return values.get(of.name)
