"""The cost of operations: compiled once, evaluated for each request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    VariableNode,
    Visitor,
    value_from_ast_untyped,
    visit,
)

from ampyard.engine.cost.actual import Objects, call_cost
from ampyard.engine.cost.directives import check_list_size
from ampyard.engine.cost.estimate import Compiler, Variant
from ampyard.engine.operation import Operation

_MAX_VARIANTS = 32


@dataclass(frozen=True, slots=True)
class OperationCost:
    """The cost of one operation with its variables."""

    requested: int
    _root: Objects
    _calls: Sequence[int]

    def actual(self, data: Mapping[str, object] | None) -> int:
        """The cost of the response's data. Takes time for the objects in it, not for their leaves."""
        if data is None:
            # A null went all the way up: nothing is shown, but what was called was called.
            return sum(call_cost(child.call, self._calls) for child in self._root.children)
        return self._root.count([data], self._calls)


class Costs:
    """The costs of a schema's operations. What can be known of an operation without its variables is worked out once, and kept with it."""

    def __init__(self, schema: GraphQLSchema) -> None:
        """Raise ValueError where a `@listSize` names an argument or field that is not there."""
        self._schema = schema
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
                for name, field in type_.fields.items():
                    check_list_size(f"{type_.name}.{name}", field)

    def of(self, operation: Operation, variables: Mapping[str, object] | None) -> OperationCost:
        """The cost of a valid operation. The variables are as the client sent them: what is wrong with them, execution will say.

        Raises:
            PublicError: a list needs exactly one slicing argument and has not got it; or the operation is too intricate to be estimated.
        """
        compiled = operation.derived.get(self)
        if compiled is None:
            compiled = operation.derived[self] = _Compiled(operation)
        cost: OperationCost = compiled.evaluate(self._schema, operation, variables or {})
        return cost


class _Compiled:
    """One operation, compiled for each combination of the variables that steer its @skip and @include."""

    def __init__(self, operation: Operation) -> None:
        self._defaults = {
            definition.variable.name.value: value_from_ast_untyped(definition.default_value)
            for definition in operation.definition.variable_definitions or ()
            if definition.default_value
        }
        steering = _Steering()
        visit(operation.document, steering)
        self._steering = tuple(steering.names)
        self._variants: dict[tuple[bool, ...] | None, Variant] = {}

    def evaluate(self, schema: GraphQLSchema, operation: Operation, variables: Mapping[str, object]) -> OperationCost:
        if self._defaults:
            variables = {**self._defaults, **variables}
        chosen: tuple[bool, ...] | None = tuple([bool(variables.get(name)) for name in self._steering])
        if chosen not in self._variants and len(self._variants) >= _MAX_VARIANTS:
            chosen = None  # whatever could be included is: dearer than what runs, which the refund mends
        variant = self._variants.get(chosen)
        if variant is None:
            steered = None if chosen is None else dict(zip(self._steering, chosen, strict=True))
            variant = self._variants[chosen] = Compiler(schema, operation, steered).variant()
        requested, calls = variant.estimate(variables)
        return OperationCost(requested, variant.root, calls)


class _Steering(Visitor):
    """Collects the names of the variables in @skip and @include."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        if node.name.value in {"skip", "include"}:
            self.names |= {argument.value.name.value: None for argument in node.arguments or () if isinstance(argument.value, VariableNode)}
