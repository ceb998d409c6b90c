"""A compiled operation, and the cache of them."""

import inspect
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import Any, cast

from graphql import (
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_object_type,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails, GroupedFieldSet, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from strawberry import Schema

from ampyard.engine.plans.branches import Branches
from ampyard.engine.plans.fields import FieldGroup, Position, Selected, Selection, source_of
from ampyard.engine.plans.generate import Deferred, Generator
from ampyard.engine.plans.run import Run

_logger = logging.getLogger(__name__)

_STEERING = {"skip", "include"}
_MAX_PLANS = 32  # of one operation, whatever its variables steer
# Of all plans of a schema, in characters of source: about a hundred megabytes.
_MAX_SIZE = 20_000_000
# What the executor gives a meaning that plans do not know.
_UNPLANNED = {"defer", "stream", "experimental_disableErrorPropagation"}


class UnplannableError(Exception):
    """The operation has something that a plan cannot express; the message names it, in a few words."""


class Plan:
    """One operation, with the values of the variables that steer `@skip` and `@include`, as generated code.

    `roots` are run one after another: a mutation has one for each field. `edges` are the batched fields met so far. `size` is what has been
    compiled so far, in characters.
    """

    def __init__(self, schema: Schema, document: DocumentNode, definition: OperationDefinitionNode, steering: Mapping[str, bool]) -> None:
        self.schema = schema
        self.core: GraphQLSchema = schema._schema  # noqa: SLF001 - Strawberry has no public name for it
        self.definition = definition
        self.fragment_definitions = {it.name.value: it for it in document.definitions if isinstance(it, FragmentDefinitionNode)}
        self.fragments = {name: FragmentDetails(it, None) for name, it in self.fragment_definitions.items()}
        self.edges: dict[int, Deferred] = {}
        self.branches: dict[int, Branches] = {}
        self._variables = VariableValues({}, dict(steering))
        self.size = self.counted = 0
        self._numbers = 0
        self._selections: dict[tuple[int, str], Selection] = {}
        self._generator = Generator(self)
        self.roots = self._roots()

    async def execute(self, context: Any, root_value: object, variables: VariableValues) -> ExecutionResult:
        """Run the operation once. `context` offers what `LoadingContext` says to edges, and is `info.context` to resolvers."""
        return await Run(self, context, root_value, variables).finish()

    def grow(self, characters: int) -> None:
        """Note that so much more source has been compiled for this plan."""
        self.size += characters

    def step(self, number: int) -> Callable[..., None]:
        """Return what completes the values of an edge."""
        deferred = self.edges[number]
        if deferred.step is None:
            deferred.step = self._generator.step(deferred.position, deferred.path)
        return deferred.step

    def number(self) -> int:
        """Return a number that nothing else in this plan has."""
        self._numbers += 1
        return self._numbers

    def below(self, field: Selected, type_: GraphQLObjectType) -> Selection:
        """Return what is selected of an object type below a field."""
        key = (field.number, type_.name)
        found = self._selections.get(key)
        if found is None:
            collected = collect_subfields(self.core, self.fragments, self._variables, self.definition, type_, field.details)
            found = self._selections[key] = self._selection(type_, collected.grouped_field_set)
        return found

    def reads(self, field: Selected, projects: tuple[str, ...]) -> frozenset[str] | None:
        """Return the attributes that will be read of the entities at these places below a field; None when that cannot be known."""
        if projects not in field.reads:
            found = [self._reads_at(field, place.split(".") if place else []) for place in projects]
            field.reads[projects] = None if None in found else frozenset().union(*cast("list[frozenset[str]]", found))
        return field.reads[projects]

    def late_step(self, position: Position) -> Callable[..., None]:
        """Return what completes values that had to be awaited at a position."""
        if position.late is None:
            position.late = self._generator.step(position, itemgetter(2), late=True)
        return position.late

    def _reads_at(self, field: Selected, place: list[str]) -> frozenset[str] | None:
        type_ = get_named_type(field.definition.type)
        if not is_object_type(type_):
            return None
        reads: frozenset[str] = frozenset()
        for child in self.below(field, type_).values():
            if child.name == "__typename":
                continue
            if place and child.python_name != place[0]:
                continue
            here = self._reads_at(child, place[1:]) if place else child.attributes
            if here is None:
                return None
            reads |= here
        return reads

    def _selection(self, type_: GraphQLObjectType, grouped: GroupedFieldSet) -> Selection:
        return {key: self._selected(type_, key, details) for key, details in grouped.items()}

    def _selected(self, type_: GraphQLObjectType, key: str, details: FieldGroup) -> Selected:
        definition = self.core.get_field(type_, details[0].node.name.value)
        assert definition is not None
        for possible in self._possible_types(definition.type):
            if inspect.iscoroutinefunction(possible):
                raise UnplannableError("a type that is told apart asynchronously")
        return Selected(self.number(), key, definition, type_, details, source_of(self.schema, definition))

    def _possible_types(self, type_: Any) -> list[Any]:
        named = get_named_type(type_)
        if is_object_type(named):
            return [named.is_type_of]
        if is_abstract_type(named):
            return [named.resolve_type, *(possible.is_type_of for possible in self.core.get_possible_types(named))]
        return []

    def _roots(self) -> list[Callable[[Run], None]]:
        type_ = self.core.get_root_type(self.definition.operation)
        assert type_ is not None
        collected = collect_fields(self.core, self.fragments, self._variables, type_, self.definition)
        selection = self._selection(type_, collected.grouped_field_set)
        if self.definition.operation is OperationType.MUTATION:
            return [self._generator.root(type_, {key: field}) for key, field in selection.items()]
        return [self._generator.root(type_, selection)]


class Plans:
    """Makes and keeps the plans of a schema's operations, and counts what was run: `counts["compiled"]`, and each reason against it."""

    def __init__(self, schema: Schema, *, max_size: int = _MAX_SIZE) -> None:
        self._schema = schema
        self._max_size = max_size
        self._recent: OrderedDict[Plan, Callable[[], object]] = OrderedDict()  # with what forgets it
        self.counts: Counter[str] = Counter()

    def plan(
        self, document: DocumentNode, definition: OperationDefinitionNode, variables: Mapping[str, Any], kept: dict[object, Any]
    ) -> Plan | None:
        """Return the plan for an operation and its coerced variables; None where there is none, which is then counted.

        `kept` is where an operation's plans are remembered, as long as the operation is.
        """
        known: _Known | None = kept.get(Plans)
        if known is None:
            known = kept[Plans] = _Known(_steering(document, definition))
        if isinstance(known.steering, str):
            self.counts[known.steering] += 1
            return None
        key = tuple(variables.get(name) for name in known.steering)
        plan = known.plans.get(key)
        if plan is None and len(known.plans) == _MAX_PLANS:
            plan = "too many selections of one operation"
        elif plan is None:
            plan = self._made(document, definition, {name: variables[name] for name in known.steering if name in variables})
            known.plans[key] = plan
            if isinstance(plan, Plan):
                self._recent[plan] = partial(known.plans.pop, key, None)
        if isinstance(plan, str):
            self.counts[plan] += 1
            return None
        self._used(plan)
        self.counts["compiled"] += 1
        return plan

    def _used(self, plan: Plan) -> None:
        """Forget the plans that have not been used for longest, where all together have become too large."""
        self._recent.move_to_end(plan)
        # Plans grow while they are used, so sizes are summed when they are asked for; a look at each is cheap beside compiling one.
        if plan.size != plan.counted:
            plan.counted = plan.size
            total = sum(one.size for one in self._recent)
            while total > self._max_size and len(self._recent) > 1:
                oldest, forget = self._recent.popitem(last=False)
                forget()
                total -= oldest.size

    def _made(self, document: DocumentNode, definition: OperationDefinitionNode, steering: Mapping[str, bool]) -> Plan | str:
        try:
            return Plan(self._schema, document, definition, steering)
        except UnplannableError as error:
            return str(error)
        except Exception:
            _logger.exception("An operation could not be planned; graphql-core runs it")
            return "failure"


@dataclass(slots=True)
class _Known:
    """Of one operation: the variables that steer what is selected, or why it has no plan; and plans, or why not, by their values."""

    steering: tuple[str, ...] | str
    plans: dict[tuple[Any, ...], Plan | str] = field(default_factory=dict)


def _steering(document: DocumentNode, definition: OperationDefinitionNode) -> tuple[str, ...] | str:
    """Return the names of the variables that steer what is selected; or why there can be no plan."""
    seen = _Directives()
    visit(definition, seen)
    for fragment in document.definitions:
        if isinstance(fragment, FragmentDefinitionNode):
            if fragment.variable_definitions:
                return "fragment variables"
            visit(fragment, seen)
    return seen.unplanned or tuple(sorted(seen.variables))


class _Directives(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.unplanned: str | None = None

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        name = node.name.value
        if name in _UNPLANNED:
            self.unplanned = f"@{name}"
        if name in _STEERING:
            values = [argument.value for argument in node.arguments or ()]
            self.variables.update(value.name.value for value in values if isinstance(value, VariableNode))
