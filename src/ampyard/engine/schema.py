import asyncio
import inspect
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import lru_cache
from typing import Any, TypeGuard, cast

import strawberry.federation
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    GraphQLUnionType,
    OperationType,
    get_operation_ast,
    parse,
    print_directive,
    specified_rules,
)
from graphql import ExecutionResult as GraphQLExecutionResult
from graphql.execution import Executor, create_source_event_stream, map_source_to_response_event
from strawberry.execution import optimized_is_awaitable
from strawberry.federation.schema import FederationAny
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext, StreamResult, validate_document
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import StrawberrySchemaDirective
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType as StrawberryOperationType
from strawberry.types.info import Info

from ampyard.engine.errors import Coded, PublicError, coded, present
from ampyard.engine.limits import Limits, exceeded
from ampyard.engine.operation import Operation, OperationContext

_logger = logging.getLogger(__name__)

_DEFAULT_LIMITS = Limits()
_CACHED_DOCUMENTS = 1_000
_CACHED_DOCUMENT_CHARACTERS = 20_000  # longer ones are rare, and a thousand of them would be a way to fill the memory


class Schema(strawberry.Schema):
    """A schema whose operations have a life cycle, limits, and errors that tell clients nothing they should not know.

    `public_errors` are exception classes, besides `PublicError`, whose text and `code` clients may see.

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
    ) -> None:
        super().__init__(
            query=query,
            mutation=mutation,
            subscription=subscription,
            types=types,
            config=config,
            schema_directives=schema_directives,
        )
        self._limits = limits
        self._public_errors = public_errors
        self._cached_document = lru_cache(maxsize=_CACHED_DOCUMENTS)(self._document)

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

    def prepare(self, query: str, operation_name: str | None = None) -> Operation | PreExecutionError:
        """Parse, check against the limits and validate; pick the operation. Errors carry their code in `extensions`."""
        document = (self._cached_document if len(query) <= _CACHED_DOCUMENT_CHARACTERS else self._document)(query)
        if isinstance(document, PreExecutionError):
            return document
        definition = get_operation_ast(document, operation_name)
        if definition is None:
            message = f"Unknown operation named '{operation_name}'." if operation_name else "The document needs an operation name."
            return _refused("OPERATION_RESOLUTION_FAILURE", GraphQLError(message))
        return Operation(document, definition)

    def _document(self, query: str) -> DocumentNode | PreExecutionError:
        try:
            document = parse(query, max_tokens=self._limits.max_tokens)
        except GraphQLSyntaxError as error:
            return _refused("GRAPHQL_PARSE_FAILED", error)
        errors = exceeded(document, self._limits) or validate_document(self._schema, document, specified_rules)
        return _refused("GRAPHQL_VALIDATION_FAILED", *errors) if errors else document

    async def run(
        self,
        operation: Operation,
        *,
        context: OperationContext | None,
        variables: Mapping[str, object] | None = None,
        root_value: object = None,
        operation_extensions: Mapping[str, object] | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Execute; yield one result for a query or mutation, one per event for a subscription.

        A `PreExecutionError` is yielded, alone, when nothing could be executed (variables, source stream). The context's `end_event` is
        awaited before an event's result is yielded; its `end_operation` before a single result is, and when the generator ends, is closed
        or is cancelled.
        """
        result: ExecutionResult
        try:
            executor = StrawberryGraphQLCoreExecutionContext.build(
                self._schema,
                operation.document,
                root_value,
                context,
                cast("dict[str, Any] | None", variables),
                operation.name,
                is_awaitable=cast("Callable[[object], TypeGuard[Awaitable[object]]]", optimized_is_awaitable),
                operation_extensions=operation_extensions,
            )
            if isinstance(executor, list):
                result = _refused("BAD_USER_INPUT", *executor)
            elif operation.type is not OperationType.SUBSCRIPTION:
                result = self._shown(await _execute(executor))
            else:
                created = create_source_event_stream(executor)
                source = cast(
                    "AsyncIterable[object] | GraphQLExecutionResult", await created if executor.is_awaitable(created) else created
                )
                if not isinstance(source, GraphQLExecutionResult):

                    async def execute_event(event: Executor[Any]) -> GraphQLExecutionResult:
                        try:
                            return await _execute(event)
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

    def _shown(self, result: GraphQLExecutionResult) -> ExecutionResult:
        return ExecutionResult(data=result.data, errors=present(result.errors, self._public_errors) if result.errors else None)

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
            return only(_refused("BAD_USER_INPUT", GraphQLError(f"A {operation.type.value} is not allowed here.")))
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


class Subgraph(Schema, strawberry.federation.Schema):
    """A schema that is an Apollo Federation 2.11 subgraph: with `_service`, `_entities` and what they need."""

    def as_str(self) -> str:
        """The SDL as `_service` gives it to a router: federation's directives are imported by @link."""
        return print_schema(self)

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> list[FederationAny]:
        """`Query._entities`: one entity, null or error per representation, in their order (Apollo Federation, subgraph specification).

        Strawberry's own fails the whole list when one representation has no or an unknown `__typename`, and changes the variables given.
        """
        return [cast("FederationAny", self._entity(info, representation)) for representation in representations]

    def _entity(self, info: Info, representation: object) -> object:
        fields = dict(representation) if isinstance(representation, Mapping) else {}
        type_name = fields.pop("__typename", None)
        union = cast("GraphQLUnionType", self._schema.type_map["_Entity"])
        if type_name not in {type_.name for type_ in union.types}:
            return PublicError(f"A representation needs the __typename of an entity; {type_name!r} is none.", code="BAD_USER_INPUT")
        definition = cast("StrawberryObjectDefinition", self.get_type_by_name(type_name))
        resolve_reference = getattr(definition.origin, "resolve_reference", None)
        if resolve_reference:
            signature = inspect.signature(resolve_reference)
            try:
                signature.bind(**fields, **({"info": info} if "info" in signature.parameters else {}))
            except TypeError as error:
                return PublicError(f"This is not a representation of {type_name}: {error}.", code="BAD_USER_INPUT")
        return super().entities_resolver(info, [cast("FederationAny", {"__typename": type_name, **fields})])[0]


async def _execute(executor: Executor[Any]) -> GraphQLExecutionResult:
    try:
        result = executor.execute_operation()
        return cast("GraphQLExecutionResult", await result if executor.is_awaitable(result) else result)
    finally:
        # A field that failed at once leaves its siblings running; they must not find the operation ended under them.
        while executor.background_futures:
            await asyncio.wait(executor.background_futures)


async def _end(context: OperationContext) -> None:
    try:
        # Shielded: whoever cancels an operation a second time must not cut short the release of what it holds.
        await asyncio.shield(context.end_operation())
    except Exception:
        _logger.exception("An operation did not end cleanly")  # its result is known and stands


async def only(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    """A stream of one result."""
    yield result


def _refused(code: str, *errors: GraphQLError) -> PreExecutionError:
    return PreExecutionError(data=None, errors=coded(errors, code))
