from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar, cast

import orjson
from graphql import OperationType
from starlette.requests import HTTPConnection
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine import wire
from ampyard.engine.budget import Budget, metered
from ampyard.engine.deadline import Deadline, DeadlineExceededError
from ampyard.engine.errors import PublicError, without_suggestions
from ampyard.engine.gateway import Gateway
from ampyard.engine.observing import Activity, Client, Observe, OperationReport, observed, outcome_of
from ampyard.engine.operation import Operation, OperationContext
from ampyard.engine.persisted import PersistedDocuments
from ampyard.engine.schema import Schema
from ampyard.engine.standing import Standing
from ampyard.engine.subscriptions import SharedContext, Subscriptions, Take, delivery_of, same
from ampyard.engine.tracing import Trace


class Principal(Protocol):
    """Who is asking; the engine only needs to know until when the credential holds."""

    @property
    def expires_at(self) -> datetime | None: ...


P = TypeVar("P", bound=Principal)

_ANY_GATEWAY = Gateway()
_NO_MANIFEST = PersistedDocuments()


def _everybody(_principal: object) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[P]):
    """A schema and how it is served.

    `authenticate` gets the connection and, on a WebSocket, the `authorization` of the `connection_init` payload (None where there is none;
    the HTTP header is then the credential), and raises `UnauthenticatedError`. A credential must never be ambient (a cookie): there is no
    other protection against cross-site WebSockets and GET requests.

    `context` makes the context of one operation; it is called for every operation, also on the same socket.

    `persisted` says which documents may be named instead of sent, and whether others are refused; `developer` who may introspect and gets
    hints at the schema's names; `gateway` who may compose this subgraph with others; `observe` is told of every operation when it is over.

    An operation longer than `deadline_s`, a mutation longer than `mutation_deadline_s`, or the evaluation of a subscription's event longer
    than `deadline_s`, is cancelled. Of a subscription's events no more than `max_waiting_events` wait for a client.

    `compiled` executes by plans what they can express; without, graphql-core executes everything.

    `budget` is what principals may spend on operations; without one they may have all they want.

    `standing` asks again whether those who watch may still see what they could; without `rights` in it, what a credential stood for when a
    socket was opened holds until it ends.
    """

    schema: Schema
    authenticate: Callable[[HTTPConnection, str | None], Awaitable[P]]
    context: Callable[[P, HTTPConnection], OperationContext]
    ide: bool = False
    compiled: bool = True
    persisted: PersistedDocuments = _NO_MANIFEST
    developer: Callable[[P], bool] = _everybody
    gateway: Gateway = _ANY_GATEWAY
    observe: Observe | None = None
    budget: Budget[P] | None = None
    standing: Standing[P] = field(default_factory=Standing)
    activity: Activity = field(default_factory=Activity)
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    max_body_bytes: int = 1_048_576
    max_variables_bytes: int = 262_144
    max_response_bytes: int = 20_971_520
    max_batch: int = 10
    deadline_s: float = 30.0
    mutation_deadline_s: float = 60.0
    max_operations_per_socket: int = 100
    connection_init_timeout_s: float = 10.0
    ping_interval_s: float = 12.0
    send_timeout_s: float = 30.0
    max_waiting_events: int = 100

    async def prepare(self, parameters: wire.Parameters, principal: P, connection: HTTPConnection) -> Operation | PreExecutionError:
        """Find the operation that a request sends or names; or say, with coded errors, why there is none."""
        operation = await self._found(parameters, principal, connection)
        if isinstance(operation, Operation):
            operation = self.gateway.refusal(operation, connection) or operation
        if self.observe is not None and isinstance(operation, PreExecutionError):
            client, outcome = Client.of(connection), outcome_of(operation)
            self.observe(OperationReport(name=None, type=None, client=client, outcome=outcome, duration_s=0.0))
        return operation

    async def _found(self, parameters: wire.Parameters, principal: P, connection: HTTPConnection) -> Operation | PreExecutionError:
        allowed = self.max_variables_bytes
        if parameters.received_bytes > allowed and (size := len(orjson.dumps(parameters.variables))) > allowed:
            message = f"The variables have {size} bytes; at most {allowed} are allowed."
            return wire.refusal(PublicError(message, code="VARIABLES_TOO_LARGE"))
        any_document = not self.persisted.trusted_only or self.gateway.is_behind(connection)
        try:
            text = await self.persisted.text(parameters, self.schema.documents, any_document=any_document)
        except PublicError as error:
            return wire.refusal(error)
        developer = self.developer(principal) or self.gateway.is_behind(connection)
        return self.schema.prepare(text, parameters.operation_name, developer=developer)

    def run(
        self, operation: Operation, parameters: wire.Parameters, principal: P, connection: HTTPConnection, take: Take | None = None
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Execute a prepared operation: one result, or one for each event of a subscription (see `Schema.run`) that `take` did not send."""

        def make_context() -> OperationContext:
            return self.context(principal, connection)

        def run(context: OperationContext) -> AsyncGenerator[ExecutionResult, None]:
            results = self.schema.run(
                operation,
                context=context,
                variables=parameters.variables,
                trace=Trace() if self.gateway.wants_trace(connection) else None,
                event_deadline_s=self.deadline_s,
                compiled=self.compiled,
            )
            return self._bounded(results, operation, principal)

        def start() -> AsyncGenerator[ExecutionResult, None]:
            context = make_context()
            if operation.type is not OperationType.SUBSCRIPTION or not isinstance(context, SharedContext):
                return run(context)
            return self.subscriptions.results(
                run,
                context,
                cast("Callable[[], SharedContext]", make_context),
                same=(same(operation, parameters.variables), self.developer(principal)),
                delivery=delivery_of(self.schema, operation),
                last_event_id=parameters.last_event_id,
                take=take,
                max_waiting=self.max_waiting_events,
                max_bytes=self.max_response_bytes,
            )

        if self.budget is None:
            results = start()
        else:
            results = metered(self.budget, principal, self.schema.costs, operation, parameters.variables, start)
        return results if self.observe is None else observed(results, operation, connection, self.activity, self.observe)

    async def _bounded(
        self, results: AsyncGenerator[ExecutionResult, None], operation: Operation, principal: P
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Pass results on: in time, and without what only developers see."""
        developer = self.developer(principal)
        deadline_s = {OperationType.QUERY: self.deadline_s, OperationType.MUTATION: self.mutation_deadline_s}.get(operation.type)
        async with aclosing(results):
            while True:
                try:
                    with Deadline(deadline_s) as deadline:
                        result = await anext(results)
                    deadline.check(result.errors)
                except StopAsyncIteration:
                    return
                except DeadlineExceededError as error:
                    result = wire.failure(error)
                yield result if developer else without_suggestions(result)


def remaining_s(principal: Principal) -> float | None:
    """Seconds until the principal's credential expires, negative when it has; None when it never does."""
    return None if principal.expires_at is None else (principal.expires_at - datetime.now(UTC)).total_seconds()
