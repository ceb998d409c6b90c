import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeGuard, cast

import strawberry
from graphql import ExecutionResult as GraphQLExecutionResult
from graphql import (
    GraphQLError,
    OperationType,
    VariableDefinitionNode,
    print_directive,
)
from graphql.execution import Executor, MiddlewareManager, create_source_event_stream, map_source_to_response_event
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.execution import optimized_is_awaitable
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext, StreamResult
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import StrawberrySchemaDirective
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType as StrawberryOperationType

from ampyard.engine.batching import unbatched
from ampyard.engine.cost import Costs
from ampyard.engine.deadline import Deadline, DeadlineExceededError
from ampyard.engine.documents import DocumentStore
from ampyard.engine.errors import Coded, present, refused
from ampyard.engine.limits import Limits
from ampyard.engine.operation import Operation, OperationContext
from ampyard.engine.plans import Plan, Plans
from ampyard.engine.tracing import Trace

_logger = logging.getLogger(__name__)

_DEFAULT_LIMITS = Limits()


class Schema(strawberry.Schema):
    """A schema whose operations have a life cycle, limits, and errors that tell clients nothing they should not know.

    `public_errors` are exception classes, besides `PublicError`, whose text and `code` clients may see.

    `batched` demands that every field below the roots that loads is an edge (`ampyard.engine.batching`).

    Operations do not pass through Strawberry's schema extensions; field extensions and permissions work as everywhere.
    """

    def __init__(
        self,
        query: type,
        mutation: type | None = None,
        subscription: type | None = None,
        *,
        types: Iterable[type] = (),
        config: StrawberryConfig | None = None,
        schema_directives: Iterable[object] = (),
        limits: Limits = _DEFAULT_LIMITS,
        public_errors: tuple[type[Coded], ...] = (),
        batched: bool = False,
    ) -> None:
        super().__init__(
            query=query,
            mutation=mutation,
            subscription=subscription,
            types=types,
            config=config,
            schema_directives=schema_directives,
        )
        self.limits = limits
        self._public_errors = public_errors
        self.costs = Costs(self._schema)
        self.documents = DocumentStore(self._schema, limits)
        self.plans = Plans(self)
        if batched and (fields := ", ".join(unbatched(self._schema))):
            raise TypeError(f"{fields}: its resolver may load for one parent at a time; make it an edge.")

    def as_str(self) -> str:
        """The SDL. Federation's directives, where it uses them, are defined in it: it has no @link that would import them."""
        definitions = (
            (directive, directive.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)) for directive in self._schema.directives
        )
        unprinted = [
            print_directive(directive)
            for directive, definition in definitions
            if isinstance(definition, StrawberrySchemaDirective) and not definition.print_definition
        ]
        return "\n\n".join([*unprinted, print_schema(self)])

    def _warn_for_federation_directives(self) -> None:
        """Nothing to warn of: `as_str` defines them."""

    def prepare(self, query: str, operation_name: str | None = None, *, developer: bool = True) -> Operation | PreExecutionError:
        """Parse, check against the limits and validate; pick the operation. Errors carry their code in `extensions`."""
        return self.documents.get(query).operation(operation_name, developer=developer)

    async def run(
        self,
        operation: Operation,
        *,
        context: OperationContext | None,
        variables: Mapping[str, object] | None = None,
        root_value: object = None,
        operation_extensions: Mapping[str, object] | None = None,
        event_deadline_s: float | None = None,
        trace: Trace | None = None,
        compiled: bool = True,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Execute; yield one result for a query or mutation, one per event for a subscription.

        A `PreExecutionError` is yielded, alone, when nothing could be executed (variables, source stream). The context's `end_event` is
        awaited before an event's result is yielded; its `end_operation` before a single result is, and when the generator ends, is closed
        or is cancelled. The evaluation of an event that takes longer than `event_deadline_s` is cancelled; the subscription goes on.

        With a `trace` the result of a query or mutation has it in its extensions; it is executed by graphql-core, resolver by resolver.
        So is everything that no plan can express, and everything where not `compiled`; `plans.counts` says how often and why.
        """
        result: ExecutionResult
        try:
            values = self._coerced(operation.definition.variable_definitions or (), variables or {})
            if isinstance(values, list):
                result = refused("BAD_USER_INPUT", *values)
            elif operation.type is not OperationType.SUBSCRIPTION:
                plan = self._plan(operation, values, compiled=compiled, trace=trace)
                if plan is None:
                    executed = await _execute(self._executor(operation, context, variables, root_value, operation_extensions, trace))
                else:
                    executed = await plan.execute(context, root_value, values)
                result = self._shown(executed, trace)
            else:
                executor = self._executor(operation, context, variables, root_value, operation_extensions)
                created = create_source_event_stream(executor)
                source = cast(
                    "AsyncIterable[object] | GraphQLExecutionResult", await created if executor.is_awaitable(created) else created
                )
                if not isinstance(source, GraphQLExecutionResult):

                    async def execute_event(event: Executor[Any]) -> GraphQLExecutionResult:
                        plan = self._plan(operation, event.variable_values, compiled=compiled)
                        try:
                            return await _in_time(
                                _execute(event) if plan is None else plan.execute(context, event.root_value, event.variable_values),
                                event_deadline_s,
                            )
                        finally:
                            if context is not None:
                                await context.end_event()

                    async with aclosing(map_source_to_response_event(executor, source, execute_event)) as events:
                        async for event in events:
                            yield self._shown(event)
                    return
                result = PreExecutionError(data=None, errors=self._shown(source).errors)
        except Exception as error:  # noqa: BLE001 - what a source stream raises arrives here; anything unforeseen must be masked, too
            result = self._shown(GraphQLExecutionResult(None, [GraphQLError(str(error), original_error=error)]))
        finally:
            if context is not None:
                await _end(context)
        yield result

    def _coerced(
        self, definitions: Sequence[VariableDefinitionNode], variables: Mapping[str, object]
    ) -> VariableValues | list[GraphQLError]:
        return get_variable_values(self._schema, definitions, dict(variables))

    def _plan(self, operation: Operation, values: VariableValues, *, compiled: bool, trace: Trace | None = None) -> Plan | None:
        if not compiled or trace is not None:
            self.plans.counts["switched off" if trace is None else "federated tracing"] += 1
            return None
        return self.plans.plan(operation.document, operation.definition, values.coerced, operation.derived)

    def _executor(
        self,
        operation: Operation,
        context: OperationContext | None,
        variables: Mapping[str, object] | None,
        root_value: object,
        operation_extensions: Mapping[str, object] | None,
        trace: Trace | None = None,
    ) -> StrawberryGraphQLCoreExecutionContext:
        executor = StrawberryGraphQLCoreExecutionContext.build(
            self._schema,
            operation.document,
            root_value,
            context,
            cast("dict[str, Any] | None", variables),
            operation.name,
            is_awaitable=cast("Callable[[object], TypeGuard[Awaitable[object]]]", optimized_is_awaitable),
            middleware=None if trace is None else MiddlewareManager(trace),
            operation_extensions=operation_extensions,
        )
        assert isinstance(executor, StrawberryGraphQLCoreExecutionContext), "The variables have been coerced before."
        return executor

    def _shown(self, result: GraphQLExecutionResult, trace: Trace | None = None) -> ExecutionResult:
        errors = present(result.errors, self._public_errors) if result.errors else None
        extensions = None if trace is None else {"ftv1": trace.encoded(errors or ())}
        return ExecutionResult(data=result.data, errors=errors, extensions=extensions)

    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: OperationContext | None = None,
        root_value: object = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[StrawberryOperationType] | None = None,
    ) -> StreamResult:
        """`prepare` and `run` under Strawberry's name and signature, for tests and scripts."""
        operation = self.prepare(query or "", operation_name)
        if isinstance(operation, PreExecutionError):
            return only(operation)
        if allowed_operation_types and operation.type.value not in {type_.value for type_ in allowed_operation_types}:
            return only(refused("BAD_USER_INPUT", GraphQLError(f"A {operation.type.value} is not allowed here.")))
        return self.run(
            operation,
            context=context_value,
            variables=variable_values,
            root_value=root_value,
            operation_extensions=operation_extensions,
        )

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: OperationContext | None = None,
        root_value: object = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[StrawberryOperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """The first result of `stream`."""
        results = await self.stream(
            query, variable_values, context_value, root_value, operation_name, operation_extensions, allowed_operation_types
        )
        async with aclosing(results):
            return cast("ExecutionResult", await anext(results))


async def _execute(executor: Executor[Any]) -> GraphQLExecutionResult:
    try:
        result = executor.execute_operation()
        return cast("GraphQLExecutionResult", await result if executor.is_awaitable(result) else result)
    finally:
        # A field that failed at once leaves its siblings running; they must not find the operation ended under them.
        while executor.background_futures:
            await asyncio.wait(executor.background_futures)


async def _in_time(execution: Awaitable[GraphQLExecutionResult], deadline_s: float | None) -> GraphQLExecutionResult:
    try:
        with Deadline(deadline_s):
            return await execution
    except DeadlineExceededError as error:
        return GraphQLExecutionResult(None, [GraphQLError(str(error), original_error=error)])


async def _end(context: OperationContext) -> None:
    try:
        # Shielded: whoever cancels an operation a second time must not cut short the release of what it holds.
        await asyncio.shield(context.end_operation())
    except Exception:
        _logger.exception("An operation did not end cleanly")  # its result is known and stands


async def only(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    """A stream of one result."""
    yield result
