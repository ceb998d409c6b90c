"""Operations that are valid in a schema, drawn by hypothesis: fields, aliases, arguments, variables, fragments, `@skip` and `@include`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import assume
from hypothesis import strategies as st

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType

_MAX_ALIASES = 80  # what is above the engine's limit is not run at all


@dataclass(frozen=True)
class Drawn:
    """An operation and its variables."""

    text: str
    variables: dict[str, Any]


@dataclass
class _Draft:
    draw: st.DrawFn
    schema: GraphQLSchema
    inputs: Mapping[str, st.SearchStrategy[Any]]
    fields_left: int
    aliases: int = 0
    declared: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)

    def selection(self, type_: Composite, depth: int) -> str:
        parts = []
        fields = {} if isinstance(type_, GraphQLUnionType) else type_.fields
        names = [name for name, it in fields.items() if depth > 0 or is_leaf_type(get_named_type(it.type))]
        if names:
            parts += [self.field(name, fields[name], depth) for name in self.draw(st.lists(st.sampled_from(names), max_size=4))]
        if not isinstance(type_, GraphQLObjectType):
            possible = self.draw(st.lists(st.sampled_from(self.schema.get_possible_types(type_)), max_size=3))
            parts += [self.fragment(of, depth) for of in possible]
        elif depth > 0 and self.draw(st.integers(0, 5)) == 5:
            parts.append(self.fragment(type_, depth - 1))
        if not parts or self.draw(st.integers(0, 4)) == 4:
            parts.append("__typename")
        return " ".join(parts)

    def field(self, name: str, it: GraphQLField, depth: int) -> str:
        self.fields_left -= 1
        arguments = [self.argument(key, argument) for key, argument in it.args.items()]
        given = ", ".join(argument for argument in arguments if argument)
        named = get_named_type(it.type)
        # Fields of different types, or with different arguments, must not meet under one key.
        alias = ""
        if given or not is_leaf_type(named) or self.draw(st.booleans()):
            self.aliases += 1
            alias = f"a{self.aliases}: "
        call = f"{alias}{name}{f'({given})' if given else ''}{self.condition()}"
        if is_leaf_type(named):
            return call if alias else f"f{self._alias()}: {call}"
        assert isinstance(named, Composite)
        below = self.selection(named, depth - 1 if self.fields_left > 0 else 0)
        if alias and self.draw(st.integers(0, 5)) == 5:
            again = self.selection(named, 0)
            return f"{call} {{ {below} }} {alias}{name}{f'({given})' if given else ''} {{ {again} }}"
        return f"{call} {{ {below} }}"

    def _alias(self) -> int:
        self.aliases += 1
        return self.aliases

    def fragment(self, of: GraphQLObjectType, depth: int) -> str:
        body = self.selection(of, depth)
        if self.draw(st.booleans()):
            return f"... on {of.name}{self.condition()} {{ {body} }}"
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {of.name} {{ {body} }}")
        return f"...{name}{self.condition()}"

    def condition(self) -> str:
        if self.draw(st.integers(0, 9)) < 9:
            return ""
        directive, value = self.draw(st.sampled_from(["skip", "include"])), self.draw(st.booleans())
        if self.draw(st.booleans()):
            return f" @{directive}(if: {str(value).lower()})"
        return f" @{directive}(if: ${self.variable('Boolean!', value)})"

    def variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self.declared)}"
        self.declared.append(f"${name}: {type_}")
        self.variables[name] = value
        return name

    def argument(self, name: str, it: GraphQLArgument) -> str | None:
        if not is_required_argument(it) and self.draw(st.integers(0, 4)) < 4:
            return None
        value = self.value(it.type)
        if self.draw(st.booleans()):
            return f"{name}: ${self.variable(str(it.type), value)}"
        return f"{name}: {literal(it.type, value)}"

    def value(self, type_: GraphQLInputType) -> Any:
        """Draw a value as JSON has it."""
        if is_non_null_type(type_):
            return self.value(type_.of_type)
        if is_list_type(type_):
            return [self.value(type_.of_type) for _ in range(self.draw(st.integers(0, 2)))]
        if isinstance(type_, GraphQLEnumType):
            return self.draw(st.sampled_from(list(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            names = [key for key, it in type_.fields.items() if is_required_input_field(it) or self.draw(st.booleans())]
            return {key: self.value(type_.fields[key].type) for key in names}
        assert isinstance(type_, GraphQLScalarType)
        return self.draw(self.inputs[type_.name])


def literal(type_: GraphQLInputType, value: Any) -> str:
    """Return a value as GraphQL writes it."""
    if is_non_null_type(type_):
        return literal(type_.of_type, value)
    if value is None:
        return "null"
    if is_list_type(type_):
        return f"[{', '.join(literal(type_.of_type, item) for item in value)}]"
    if isinstance(type_, GraphQLInputObjectType):
        return f"{{{', '.join(f'{key}: {literal(type_.fields[key].type, item)}' for key, item in value.items())}}}"
    return str(value) if isinstance(type_, GraphQLEnumType) else _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_scalar(item)}' for key, item in value.items())}}}"
    return orjson.dumps(value).decode()


@st.composite
def operations(
    draw: st.DrawFn, schema: GraphQLSchema, inputs: Mapping[str, st.SearchStrategy[Any]], *, depth: int = 4, fields: int = 25
) -> Drawn:
    """Draw a query. `inputs` draws the values of each scalar type that is used as an input."""
    assert schema.query_type is not None
    draft = _Draft(draw, schema, inputs, fields)
    body = draft.selection(schema.query_type, depth)
    assume(draft.aliases <= _MAX_ALIASES)
    head = f"query Q({', '.join(draft.declared)})" if draft.declared else "query Q"
    return Drawn("\n".join([f"{head} {{ {body} }}", *draft.fragments]), draft.variables)
