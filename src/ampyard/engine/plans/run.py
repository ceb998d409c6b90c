"""One execution of a plan: what generated code calls when it leaves the straight line, and the levels between which loads happen."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, cast

from graphql import ExecutionResult as GraphQLExecutionResult
from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    default_field_resolver,
    default_type_resolver,
    located_error,
)
from graphql.execution.executor import invalid_return_type_error
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import is_iterable
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import get_arguments

from ampyard.engine.batching import Load
from ampyard.engine.plans.fields import Batched, Position, Selected
from ampyard.engine.plans.generate import GENERATED
from ampyard.engine.plans.leaves import AwaitingError, NothingError, is_plain, vet
from ampyard.engine.plans.loads import Group, keyed

if TYPE_CHECKING:
    from ampyard.engine.plans.plan import Plan

# What a field has deferred: the parent, the object of the response the value belongs in, where the parent's own entry was, and the list
# indices in between.
Entry = tuple[Any, ...]
Path = list[str | int]

_PLANS = (GENERATED, str(FilePath(__file__).parent))


class Run:
    """One execution: the response so far, its errors, and what waits for the next level."""

    __slots__ = (
        "_arguments",
        "_executor",
        "_failed_positions",
        "_infos",
        "_loads",
        "context",
        "data",
        "errors",
        "frontiers",
        "late",
        "plan",
        "root_value",
        "variables",
    )

    def __init__(self, plan: "Plan", context: Any, root_value: object, variables: VariableValues) -> None:
        self.plan = plan
        self.context = context
        self.root_value = root_value
        self.variables = variables
        self.data: dict[str, Any] | None = {}
        self.errors: list[GraphQLError] = []
        self.frontiers: dict[int, list[Entry]] = {}
        self.late: list[tuple[Awaitable[Any], Position, Path]] = []
        self._failed_positions: set[tuple[str | int, ...]] = set()
        self._infos: dict[int, Any] = {}
        self._loads: dict[int, Load | Exception] = {}
        self._arguments: dict[int, dict[str, Any]] = {}
        self._executor: StrawberryGraphQLCoreExecutionContext | None = None

    async def finish(self) -> GraphQLExecutionResult:
        """Run level after level until nothing waits; return the result."""
        root = self.plan.roots
        for step in root:
            step(self)
            while self.frontiers or self.late:
                await self._level()
            if self.data is None:
                break
        return GraphQLExecutionResult(self.data, self.errors or None)

    # What generated code calls.

    def frontier(self, number: int) -> Callable[[Entry], None]:
        """Return what adds to the entries that wait for an edge."""
        entries = self.frontiers.get(number)
        if entries is None:
            entries = self.frontiers[number] = []
        return entries.append

    def failed(self, error: Exception, position: Position, path: Path) -> None:
        """Note an error at a nullable position, whose value is then null; raise it, located, at any other.

        What is only awaited is noted, too; its value is put in place later.
        """
        if isinstance(error, AwaitingError):
            self.late.append((error.awaitable, position, path))
            return
        if isinstance(error, NothingError):
            if not position.nonnull:
                return
            error = position.null_error()
        _shorten(error)
        located = located_error(error, position.field.nodes, path)
        if position.nonnull:
            raise located
        self._note(located, path)

    def failed_here(self, error: Exception, position: Position, path: Path) -> None:
        """As `failed`, of a value whose surroundings are in the response already: where it may not be null, what it stands in is."""
        try:
            self.failed(error, position, path)
        except GraphQLError as located:
            self._null_above(located, position, path)

    def failed_root(self, error: Exception) -> None:
        """Note an error that leaves no data at all."""
        self.data = None
        self._note(located_error(error), [])

    def info(self, field: Selected, path: Path) -> GraphQLResolveInfo[Any]:
        """Return what graphql-core's resolvers are told."""
        return self._execution().build_resolve_info(field.definition, field.nodes, field.parent_type, field.path(path))

    def shared_info(self, field: Selected) -> Any:
        """Return Strawberry's info of a field, the same for all its parents: it names no list indices."""
        info = self._infos.get(field.number)
        if info is None:
            source_field = field.definition.extensions["strawberry-definition"]
            told = cast("GraphQLResolveInfo[Any]", _WhenAsked(self, field))
            info = self.plan.schema.config.info_class(_raw_info=told, _field=source_field)
            self._infos[field.number] = info
        return info

    def arguments(self, field: Selected) -> dict[str, Any]:
        """Return a field's arguments as graphql-core coerces them.

        Raises:
            GraphQLError: they cannot be coerced.
        """
        found = self._arguments.get(field.number)
        if found is None:
            details = field.details[0]
            found = get_argument_values(field.definition, details.node, self.variables, details.fragment_variable_values)
            self._arguments[field.number] = found
        return found

    def as_object(self, value: Any, position: Position, path: Path, known: set[type[Any]] | None, *, awaited: bool = False) -> Any:
        """Return a value that an object type's fields can be read from.

        `known` collects classes that need not be asked about again; None where the type tells its instances apart itself.

        Raises:
            Exception: the value is one, is null where it may not be, or is not of the type; AwaitingError for an awaitable.
        """
        vet(value, awaited=awaited)
        if value is None:
            raise position.null_error() if position.nonnull else NothingError
        type_ = cast("GraphQLObjectType", position.type)
        self._check_type(type_, value, position, path)
        if known is not None and type_.is_type_of is None and is_plain(type(value)):
            known.add(type(value))
        return value

    def as_list(self, value: Any, position: Position, *, awaited: bool = False) -> Sequence[Any]:
        """Return the items of a list's value.

        Raises:
            Exception: the value is one, is null where it may not be, or cannot be iterated; AwaitingError where it must be awaited.
        """
        vet(value, awaited=awaited)
        if value is None:
            raise position.null_error() if position.nonnull else NothingError
        if isinstance(value, AsyncIterable):
            raise AwaitingError(_collected(value))
        if not is_iterable(value):
            field = position.field
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{field.parent_type}.{field.name}'.")
        return list(value)

    def branch(self, number: int, value: Any, path: Path, *, awaited: bool = False) -> Callable[..., Any]:
        """Return the code for the object type that a value of an abstract type is of.

        Raises:
            Exception: as `as_object`, or the type cannot be told.
        """
        branches = self.plan.branches[number]
        position = branches.position
        vet(value, awaited=awaited)
        if value is None:
            raise position.null_error() if position.nonnull else NothingError
        abstract = cast("GraphQLAbstractType", position.type)
        info = self.info(position.field, path)
        name = _at_once((abstract.resolve_type or default_type_resolver)(value, info, abstract))
        type_ = self._execution().ensure_valid_runtime_type(name, abstract, position.field.details, info, value)
        self._check_type(type_, value, position, path)
        return branches.of(type_, type(value))

    # The levels.

    async def _level(self) -> None:
        frontiers, self.frontiers = self.frontiers, {}
        late, self.late = self.late, []
        plan = self.plan
        groups: dict[tuple[Any, ...], Group] = {}
        waiting = [
            (plan.step(number), entries, keyed(self, plan.edges[number].position.field, entries, groups))
            for number, entries in frontiers.items()
            if entries
        ]
        loads = list(groups.values())
        if len(loads) == 1 and not late:
            await loads[0].run(self.context)
        elif loads or late:
            awaited = await asyncio.gather(
                *(load.run(self.context) for load in loads), *(awaitable for awaitable, _, _ in late), return_exceptions=True
            )
            for found in awaited:
                if isinstance(found, BaseException) and not isinstance(found, Exception):
                    raise found
            for (_, position, path), value in zip(late, awaited[len(loads) :], strict=True):
                self._complete_late(position, path, value)
        for step, entries, values in waiting:
            step(self, entries, values())

    def _complete_late(self, position: Position, path: Path, value: Any) -> None:
        container = self._container(path)
        if container is not None:
            self.plan.late_step(position)(self, [(None, container, path)], [value])

    def _container(self, path: Path) -> Any:
        """Return what the last key of a path is a key of; None where something above has become null."""
        container: Any = self.data
        for key in path[:-1]:
            if container is None:
                return None
            container = container[key]
        return container

    def _null_above(self, located: GraphQLError, position: Position, path: Path) -> None:
        container = self._container(path)
        if container is None:
            return
        nullable: Position | None = position
        end = len(path)
        while nullable is not None and nullable.nonnull:
            nullable = nullable.parent
            end -= 1
        if nullable is None:
            self.data = None
            self._note(located, [])
            return
        nulled = path[:end]
        self._note(located, nulled)
        self._container(nulled)[nulled[-1]] = None

    def _note(self, located: GraphQLError, path: Path) -> None:
        # As graphql-core: nothing is said of what lies below a position that an error has made null already.
        key = tuple(path)
        failed = self._failed_positions
        if failed and any(key[:length] in failed for length in range(len(key) + 1)):
            return
        failed.add(key)
        self.errors.append(located)

    def _execution(self) -> StrawberryGraphQLCoreExecutionContext:
        if self._executor is None:
            plan = self.plan
            self._executor = StrawberryGraphQLCoreExecutionContext(
                plan.core,
                plan.fragment_definitions,
                plan.fragments,
                self.root_value,
                self.context,
                plan.definition,
                self.variables,
                default_field_resolver,
                default_type_resolver,
                default_field_resolver,
                is_awaitable=optimized_is_awaitable,
            )
        return self._executor

    def plan_load(self, field: Selected, source: Batched) -> Load:
        """Return how an edge loads; asked once a field.

        Raises:
            Exception: what the planner raised.
        """
        load = self._loads.get(field.number)
        if load is None:
            try:
                load = self._planned(field, source)
            except Exception as error:  # noqa: BLE001 - it is every parent's error, and located there
                load = error
            self._loads[field.number] = load
        if isinstance(load, Exception):
            raise load
        return load

    def _planned(self, field: Selected, source: Batched) -> Load:
        schema, info = self.plan.schema, self.shared_info(field)
        if not field.definition.args:
            return source.edge.plan(info=info)
        _, arguments = get_arguments(
            field=source.field,
            source=None,
            info=info,
            kwargs=self.arguments(field),
            config=schema.config,
            scalar_registry=schema.schema_converter.scalar_registry,
        )
        del arguments["root"]
        return source.edge.plan(**arguments)

    def _check_type(self, type_: GraphQLObjectType, value: Any, position: Position, path: Path) -> None:
        if type_.is_type_of is None:
            return
        if not _at_once(type_.is_type_of(value, self.info(position.field, path))):
            raise invalid_return_type_error(type_, value, position.field.details)


def _shorten(error: Exception) -> None:
    # One error may be that of thousands of parents, and each of them would add its way through the plan to the traceback.
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PLANS):
        trace = trace.tb_next
    error.__traceback__ = trace


class _WhenAsked:
    """graphql-core's info of a field, made when more than the context is asked for."""

    __slots__ = ("_field", "_info", "_run", "context")

    def __init__(self, run: Run, field: Selected) -> None:
        self._run, self._field = run, field
        self._info: GraphQLResolveInfo[Any] | None = None
        self.context = run.context

    def __getattr__(self, name: str) -> Any:
        if self._info is None:
            self._info = self._run.info(self._field, [self._field.key])
        return getattr(self._info, name)


def _at_once(answer: Any) -> Any:
    # Coroutine functions have been seen when the plan was made, which was then not made.
    if optimized_is_awaitable(answer):
        raise TypeError("A type's resolve_type or is_type_of that returns an awaitable must be a coroutine function.")
    return answer


async def _collected(items: AsyncIterable[Any]) -> list[Any]:
    return [item async for item in items]
