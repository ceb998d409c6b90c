"""The estimate: a function generated for an operation, in which all that does not depend on variables has been worked out already."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_leaf_type,
    value_from_ast_untyped,
    visit,
)
from strawberry.federation.schema_directives import ListSize

from ampyard.engine.cost.actual import AnyObjects, Child, Objects
from ampyard.engine.cost.directives import (
    DEFAULT_LIST_SIZE,
    INTROSPECTION_WEIGHT,
    MUTATION_WEIGHT,
    Cost,
    directive_of,
    input_cost,
    is_weighted,
    list_depth,
    list_size_of,
    weight_of,
)
from ampyard.engine.errors import PublicError
from ampyard.engine.operation import Operation

_MAX_PARTS = 10_000


class Variant(NamedTuple):
    estimate: Callable[[Mapping[str, object]], tuple[int, Sequence[int]]]
    root: Objects


_Term = int | str  # a number, or a Python expression


class Compiler:
    def __init__(self, schema: GraphQLSchema, operation: Operation, steered: Mapping[str, bool] | None) -> None:
        self._schema = schema
        self._operation = operation
        self._steered = steered
        self._fragments = {
            definition.name.value: definition
            for definition in operation.document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._names: dict[str, str] = {}  # of expressions, in the order in which they need each other
        self._constants: list[object] = []
        self._calls: list[str] = []
        self._parts = 0
        self._places: dict[object, tuple[_Term, Objects | None]] = {}
        self._interned: dict[object, Objects] = {}

    def variant(self) -> Variant:
        definition = self._operation.definition
        root_type = self._schema.get_root_type(definition.operation)
        assert root_type is not None
        total, root, _ = self._object(root_type, 0, (definition.selection_set,), {})
        if not self._names:
            known = (int(total), ())
            return Variant(lambda _: known, root)
        # Of clients' text only names reach the source, as literals; their values stay in `v` and `k`.
        calls = "".join(f"{call}, " for call in reversed(self._calls))
        lines = [*(f"{name} = {term}" for term, name in self._names.items()), f"return {total}, ({calls})"]
        body = "".join(f"    {line}\n" for line in lines)
        namespace: dict[str, Any] = {"k": self._constants, "size": _size, "inputs": input_cost, "untyped": value_from_ast_untyped}
        exec(f"def estimate(v):\n{body}", namespace)  # noqa: S102 - see above
        return Variant(namespace["estimate"], root)

    def _place(
        self, type_: GraphQLNamedType, weight: int | None, selections: tuple[SelectionSetNode, ...], sized: Mapping[str, _Term]
    ) -> tuple[_Term, Objects | None]:
        """What one object, or leaf, of this type costs with all below it; and how to count them."""
        key = (type_.name, weight, tuple([id(selection) for selection in selections]), tuple(sized.items()))
        place = self._places.get(key)
        if place is None:
            self._parts += 1
            if self._parts > _MAX_PARTS:
                raise PublicError("The operation is too intricate for its cost to be estimated.", code="MAX_COST_EXCEEDED")
            place = self._places[key] = self._new_place(type_, weight, selections, sized)
        return place

    def _new_place(
        self, type_: GraphQLNamedType, weight: int | None, selections: tuple[SelectionSetNode, ...], sized: Mapping[str, _Term]
    ) -> tuple[_Term, Objects | None]:
        if is_leaf_type(type_):
            each = weight_of(type_, 0) if weight is None else weight
            return each, self._objects(each, ()) if each else None
        types = self._schema.get_possible_types(type_) if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType) else [type_]
        alternatives = [self._object(cast("GraphQLObjectType", possible), weight, selections, sized) for possible in types]
        by_keys: defaultdict[frozenset[str], dict[int, Objects]] = defaultdict(dict)
        for _, objects, keys in alternatives:
            by_keys[keys][id(objects)] = objects
        different = {id(objects): objects for _, objects, _ in alternatives}
        objects = (
            next(iter(different.values()))
            if len(different) == 1
            else AnyObjects({keys: tuple(candidates.values()) for keys, candidates in by_keys.items()})
        )
        costless = all(not alternative.weight and not alternative.children for alternative in different.values())
        return self._named(_maximum([total for total, _, _ in alternatives])), None if costless else objects

    def _object(
        self, type_: GraphQLObjectType, weight: int | None, selections: tuple[SelectionSetNode, ...], sized: Mapping[str, _Term]
    ) -> tuple[_Term, Objects, frozenset[str]]:
        each = weight_of(type_, 1) if weight is None else weight
        terms: list[_Term] = [each]
        children = []
        fields: dict[str, list[FieldNode]] = {}
        self._collect(type_, selections, fields, set())
        for key, nodes in fields.items():
            total, child = self._field(type_, key, nodes, sized)
            terms.append(total)
            if child is not None:
                children.append(child)
        return _sum(terms), self._objects(each, tuple(children)), frozenset(fields)

    def _field(
        self, parent: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], sized: Mapping[str, _Term]
    ) -> tuple[_Term, Child | None]:
        name = nodes[0].name.value
        if name == "__typename":
            return 0, None
        if name in {"__schema", "__type"}:
            return INTROSPECTION_WEIGHT, Child(key, INTROSPECTION_WEIGHT, 0, None)
        field = parent.fields[name]
        weight = directive_of(field, Cost)
        call = self._arguments(field, nodes[0])
        if parent is self._schema.mutation_type:
            call.append(MUTATION_WEIGHT if weight is None else weight.weight)
            weight = None

        depth = list_depth(field.type)
        items: _Term = 1
        if depth:
            items = _product(sized.get(name, DEFAULT_LIST_SIZE), DEFAULT_LIST_SIZE ** (depth - 1))
        sized_below: dict[str, _Term] = {}
        directive = list_size_of(name, field)
        if directive is not None:
            size = self._size(f"{parent.name}.{name}", field, nodes[0], directive)
            if directive.sized_fields:
                sized_below = dict.fromkeys(directive.sized_fields, size)
            else:
                items = _product(size, DEFAULT_LIST_SIZE ** (depth - 1))

        selections = tuple([node.selection_set for node in nodes if node.selection_set])
        each, objects = self._place(get_named_type(field.type), None if weight is None else weight.weight, selections, sized_below)
        called = self._named(_sum(call))
        child = None
        if called or objects is not None:
            if isinstance(called, str):
                self._calls.append(called)
            child = Child(key, called if isinstance(called, int) else -len(self._calls), depth, objects)
        return _sum([called, _product(items, each)]), child

    def _collect(
        self, type_: GraphQLObjectType, selections: Iterable[SelectionSetNode], fields: dict[str, list[FieldNode]], visited: set[str]
    ) -> None:
        """CollectFields of the GraphQL specification, section 6.3.2."""
        for node in chain.from_iterable(selection_set.selections for selection_set in selections):
            if not self._included(node):
                continue
            match node:
                case FieldNode():
                    fields.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                case InlineFragmentNode():
                    if node.type_condition is None or self._applies(node.type_condition.name.value, type_):
                        self._collect(type_, (node.selection_set,), fields, visited)
                case FragmentSpreadNode() if node.name.value not in visited:
                    visited.add(node.name.value)
                    fragment = self._fragments[node.name.value]
                    if self._applies(fragment.type_condition.name.value, type_):
                        self._collect(type_, (fragment.selection_set,), fields, visited)

    def _applies(self, condition: str, type_: GraphQLObjectType) -> bool:
        conditional = self._schema.type_map[condition]
        return conditional is type_ or (
            isinstance(conditional, GraphQLInterfaceType | GraphQLUnionType) and self._schema.is_sub_type(conditional, type_)
        )

    def _included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"}:
                condition = next(argument.value for argument in directive.arguments or ())
                if isinstance(condition, VariableNode):
                    met = None if self._steered is None else self._steered[condition.name.value]
                else:
                    met = cast("BooleanValueNode", condition).value
                if met is not None and met is (directive.name.value == "skip"):
                    return False
        return True

    def _arguments(self, field: GraphQLField, node: FieldNode) -> list[_Term]:
        """What the weighted arguments that are given cost."""
        terms: list[_Term] = []
        for given in node.arguments or ():
            argument = field.args[given.name.value]
            if is_weighted(argument):
                value = self._value(given.value, None)
                if isinstance(value, _Known):
                    terms.append(input_cost(argument, value.value))
                else:
                    terms.append(f"inputs({self._constant(argument)}, {value})")
        return terms

    def _size(self, coordinates: str, field: GraphQLField, node: FieldNode, directive: ListSize) -> _Term:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        values = [
            self._value(given.get(name), getattr(field.args[name], "default_value", None)) for name in directive.slicing_arguments or ()
        ]
        assumed = directive.assumed_size if isinstance(directive.assumed_size, int) else DEFAULT_LIST_SIZE
        one_of = ""
        if directive.slicing_arguments and directive.require_one_slicing_argument is True:
            one_of = f"{coordinates}: give exactly one of {', '.join(directive.slicing_arguments)}."
        if all(isinstance(value, _Known) for value in values):
            return _size([cast("_Known", value).value for value in values], assumed, one_of)
        listed = ", ".join(self._constant(value.value) if isinstance(value, _Known) else value for value in values)
        return self._named(f"size([{listed}], {assumed}, {one_of!r})")

    def _value(self, node: ValueNode | None, default: object) -> "_Known | str":
        """An argument's value, or a Python expression of it."""
        if node is None:
            return _Known(default)
        if isinstance(node, VariableNode):
            return f"v.get({node.name.value!r}, {self._constant(default)})"
        variables = _Variables()
        visit(node, variables)
        return f"untyped({self._constant(node)}, v)" if variables.found else _Known(value_from_ast_untyped(node))

    def _constant(self, value: object) -> str:
        if value is None or isinstance(value, int):
            return repr(value)
        self._constants.append(value)
        return f"k[{len(self._constants) - 1}]"

    def _named(self, term: _Term) -> _Term:
        if isinstance(term, int):
            return term
        return self._names.setdefault(term, f"r{len(self._names)}")

    def _objects(self, weight: int, children: tuple[Child, ...]) -> Objects:
        # The same costs are the same object, so that types that cost the same need not be told apart.
        key = (weight, tuple([(child.key, child.call, child.list_depth, id(child.objects)) for child in children]))
        return self._interned.setdefault(key, Objects(weight, children))


class _Known(NamedTuple):
    value: object


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_variable(self, *_: object) -> None:
        self.found = True


def _sum(terms: Iterable[_Term]) -> _Term:
    terms = list(terms)
    known = sum(term for term in terms if isinstance(term, int))
    expressions = [term for term in terms if isinstance(term, str)]
    if len(expressions) + bool(known) <= 1:
        return expressions[0] if expressions else known
    return f"sum(({', '.join([*expressions, str(known)])}))"  # a long chain of + would be too deep for Python's compiler


def _product(one: _Term, other: _Term) -> _Term:
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    if 0 in {one, other}:
        return 0
    return next((term for unit, term in ((one, other), (other, one)) if unit == 1), f"{one} * {other}")


def _maximum(terms: Iterable[_Term]) -> _Term:
    different = list(dict.fromkeys(terms))
    if len(different) == 1:
        return different[0]
    known = max((term for term in different if isinstance(term, int)), default=0)
    expressions = [term for term in different if isinstance(term, str)]
    return f"max({known}, {', '.join(expressions)})" if expressions else known


def _size(values: Sequence[object], assumed: int, one_of: str) -> int:
    """How long a list is at most, by its slicing arguments. Values of a wrong type bound nothing; execution refuses them."""
    given = [value for value in values if value is not None and value is not Undefined]
    if one_of and len(given) != 1:
        raise PublicError(one_of, code="BAD_USER_INPUT")
    sizes = []
    for value in given:
        if isinstance(value, list | tuple):
            sizes.append(len(value))
        elif (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer()):
            sizes.append(max(0, int(value)))
    return max(sizes, default=assumed)
