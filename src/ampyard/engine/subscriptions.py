"""Subscriptions: one evaluation for all who watch the same, bounded queues before slow clients, resumption after a reconnect.

Those who send the same operation with the same variables, and whose contexts have the same `group_key`, are one group: one run of
`Schema.run` serves them all, and each of its results is written once.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import orjson
import strawberry
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine import wire
from ampyard.engine.batching import strawberry_field
from ampyard.engine.errors import PublicError, internal_error
from ampyard.engine.operation import Operation, OperationContext
from ampyard.engine.schema import Schema

_DECLARATION: Final = "ampyard.engine.subscriptions"

# A value this old is shown to a new client as it is; an older one is evaluated again first.
_FRESH_S = 1.0
# Sending to so many clients takes about a millisecond; then other work has its turn.
_AT_ONCE = 128
_CANCEL_AGAIN_S = 0.5
# Clients choose from where they resume, and each replay may hold a thousand results.
_KEPT_REPLAYS = 8


class Delivery(Enum):
    """What a client gets that does not keep up, comes late, or comes back.

    EVENTS: each event counts. Those that wait for a slow client are queued, and a client with too many is dropped. Whoever comes back with
    the id of the last event it saw gets all that came since.

    GAUGE: the latest value counts. Of those that wait for a client only the newest is kept, and whoever comes, or comes back, gets the
    present value.
    """

    EVENTS = "events"
    GAUGE = "gauge"


def subscription(resolver: Callable[..., Any], delivery: Delivery, **options: Any) -> Any:
    """Return a subscription field that says how it is delivered; `options` are those of `strawberry.subscription`.

    The resolver of an EVENTS field heeds `info.context.feed`. The resolver of a GAUGE yields the present value before it waits.
    """
    return strawberry.subscription(resolver=resolver, metadata={_DECLARATION: delivery}, **options)


@dataclass(slots=True)
class Feed:
    """Which events one run of a subscription is to show, and how far it has come. Ids are opaque here, and without line breaks.

    With `until` set, the resolver shows the events after `after`, up to and including `until`, and ends. Without it, it calls `begin` as
    soon as it will miss nothing more, and goes on for ever. Either way it sets `position` to an event's id before it yields what the
    event shows.
    """

    after: str | None = None
    until: str | None = None
    position: str | None = None
    origin: str | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def begin(self, position: str) -> None:
        """Everything after this event will be shown."""
        self.position = self.origin = position
        self.begun.set()


@runtime_checkable
class SharedContext(OperationContext, Protocol):
    """The context of an operation that many clients may share, and resume.

    A client's context may be made for its `group_key` alone and be dropped unused, without `end_operation`.
    """

    feed: Feed

    @property
    def group_key(self) -> Hashable | None:
        """All that results may depend on, besides operation and variables: tenant, permissions. None: shared with nobody."""

    def share(self) -> None:
        """From here on the context stands for everybody with its `group_key`: nothing it shows may tell whose it was."""

    def event_order(self, event_id: str) -> Any:
        """What event ids are compared by: it grows from event to event. Raises `PublicError` for what is no id."""


Take: TypeAlias = Callable[[bytes], bool]
"""Sends a result's response map to the client at once, and tells whether it did; if not, the result waits. Never blocks."""


class SlowConsumerError(PublicError):
    """More events wait for a client than may."""

    def __init__(self, limit: int) -> None:
        message = f"More than {limit} events waited for this client; subscribe again, with the id of the last event that arrived."
        super().__init__(message, code="SLOW_CONSUMER")


class Subscriptions:
    """The groups of one endpoint."""

    def __init__(self) -> None:
        self.groups: dict[Hashable, Group] = {}

    async def results(
        self,
        run: Callable[[SharedContext], AsyncGenerator[ExecutionResult, None]],
        context: SharedContext,
        contexts: Callable[[], SharedContext],
        *,
        same: Hashable,
        delivery: Delivery | None,
        last_event_id: str | None = None,
        take: Take | None = None,
        max_waiting: int = 100,
        max_bytes: int | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Run a subscription for one client, together with all who watch the same.

        Yields `Written` results, and a `PreExecutionError` alone or last. A result that `take` sends is not yielded.

        Args:
            run: evaluates the subscription with a context of somebody of its `group_key`.
            context: the client's own.
            contexts: makes more of them.
            same: what clients must have in common to be a group, besides the context's `group_key`: operation, variables.
            delivery: as the subscription's field declares it.
            last_event_id: what came after this event is shown first.
            take: sends results that need not wait.
            max_waiting: how many events may wait for the client.
            max_bytes: of a response.
        """
        key: Hashable = object() if context.group_key is None else (same, context.group_key)
        group = self.groups.get(key)
        came_late = group is not None
        if group is None:
            group = self.groups[key] = Group(_Run(run, max_bytes), delivery, context, lambda: self.groups.pop(key, None))
        client = Client(take, gauge=group.delivery is Delivery.GAUGE, max_waiting=max_waiting)
        group.holders += 1
        try:
            if last_event_id is not None and group.delivery is not Delivery.GAUGE:
                async for result in group.missed(last_event_id, context.event_order, contexts):
                    yield result
                    if isinstance(result, PreExecutionError):
                        return
                client.skip_to(last_event_id, context.event_order)
            # Nothing may happen between the end of `missed` and this.
            group.join(client)
            if came_late and group.delivery is Delivery.GAUGE:
                await group.show_present(client, contexts)
            async for result in client.results():
                yield result
        finally:
            await group.leave(client)


class Client:
    """What one client has yet to take."""

    __slots__ = ("_end", "_ended", "_gauge", "_known", "_max_waiting", "_take", "_waiting", "_wanting")

    def __init__(self, take: Take | None, *, gauge: bool, max_waiting: int) -> None:
        self._take = take
        self._gauge = gauge
        self._max_waiting = max_waiting
        self._waiting: list[wire.Written] = []
        self._wanting: asyncio.Future[None] | None = None
        self._known: Callable[[wire.Written], bool] | None = None
        self._ended = False
        self._end: PreExecutionError | None = None

    def skip_to(self, event_id: str, order: Callable[[str], Any]) -> None:
        """Leave out what the client has seen: another process may have shown it more than this one has come to yet."""
        seen = order(event_id)
        self._known = lambda result: result.event_id is not None and bool(order(result.event_id) <= seen)

    def deliver(self, result: wire.Written) -> None:
        """Send a result, or let it wait; never blocks."""
        if self._ended:
            return
        if self._known is not None:
            if self._known(result):
                return
            self._known = None
        if self._take is not None and self._wanting is not None and not self._wanting.done() and self._take(result.payload):
            return
        if self._gauge:
            self._waiting.clear()
        elif len(self._waiting) >= self._max_waiting:
            self._waiting.clear()
            self.end(wire.refusal(SlowConsumerError(self._max_waiting)))
            return
        self._waiting.append(result)
        self._wake()

    def end(self, error: PreExecutionError | None) -> None:
        """There is nothing more, because of `error` where there is one; what waits is still taken."""
        if not self._ended:
            self._ended, self._end = True, error
            self._wake()

    async def results(self) -> AsyncIterator[ExecutionResult]:
        """Yield what waits, as it comes, to the end."""
        while True:
            while self._waiting:
                yield self._waiting.pop(0)
            if self._ended:
                if self._end is not None:
                    yield self._end
                return
            self._wanting = asyncio.get_running_loop().create_future()
            try:
                await self._wanting
            finally:
                self._wanting = None

    def _wake(self) -> None:
        if self._wanting is not None and not self._wanting.done():
            self._wanting.set_result(None)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a group evaluates."""

    run: Callable[[SharedContext], AsyncGenerator[ExecutionResult, None]]
    max_bytes: int | None

    async def results(self, context: SharedContext, feed: Feed) -> AsyncGenerator[wire.Written | PreExecutionError, None]:
        context.feed = feed
        context.share()
        async with aclosing(self.run(context)) as results:
            async for result in results:
                if isinstance(result, PreExecutionError):
                    yield result
                    return
                yield self._written(result, feed.position)

    def _written(self, result: ExecutionResult, event_id: str | None) -> wire.Written:
        if event_id is not None:
            result.extensions = {**(result.extensions or {}), "eventId": event_id}
        return wire.Written(result.data, result.errors, result.extensions, wire.response(result, self.max_bytes), event_id)


class Group:
    """Those who watch the same, and the run that serves them. It ends when the last of them leaves, or with its source.

    `holders` counts them, and with them those who are still shown what they missed.
    """

    def __init__(self, run: _Run, delivery: Delivery | None, context: SharedContext, on_end: Callable[[], object]) -> None:
        self.delivery = delivery
        self.holders = 0
        self._run = run
        self._on_end = on_end
        self._feed = Feed()
        self._position: str | None = None
        self._clients: dict[Client, None] = {}
        self._end: PreExecutionError | None = None
        self._ended = False
        self._last: wire.Written | None = None
        self._last_at = 0.0
        self._refresh: asyncio.Task[None] | None = None
        self._replays: dict[str, asyncio.Task[list[wire.Written | PreExecutionError]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._started(self._serve(context))

    def join(self, client: Client) -> None:
        """Let a client have every result from now on."""
        if self._ended:
            client.end(self._end)
        else:
            self._clients[client] = None

    async def leave(self, client: Client) -> None:
        """Let a client go; after the last one nothing runs any more."""
        self._clients.pop(client, None)
        self.holders -= 1
        if not self.holders:
            self._over(None)
            while running := {task for task in self._tasks if not task.done()}:
                for task in running:
                    task.cancel()
                # Again and again: up to Python 3.11 `asyncio.wait_for`, which clients use inside, may swallow a cancellation.
                await asyncio.wait(running, timeout=_CANCEL_AGAIN_S)

    async def missed(
        self, last_event_id: str, order: Callable[[str], Any], contexts: Callable[[], SharedContext]
    ) -> AsyncIterator[ExecutionResult]:
        """Yield what came after an event, until there is no more that the group has been shown already.

        When it ends, and as long as nothing is awaited, the client lacks nothing of what the group has been shown.
        """
        if self.delivery is None:
            yield wire.refusal(PublicError("This subscription cannot be resumed; leave out the last event id.", code="BAD_USER_INPUT"))
            return
        try:
            reached = order(last_event_id)
        except PublicError as error:
            yield wire.refusal(error)
            return
        await self._feed.begun.wait()
        after, checked = last_event_id, False
        while not self._ended:
            until = self._position or self._feed.origin
            # Even if there is nothing after it, an id is looked up once: it may be none of ours.
            if until is None or (checked and order(until) <= reached) or until == after:
                return
            for result in await self._replay(after, until, contexts):
                yield result
                if isinstance(result, PreExecutionError):
                    return
            checked = True
            if order(until) > reached:
                after, reached = until, order(until)

    async def show_present(self, client: Client, contexts: Callable[[], SharedContext]) -> None:
        """Let a client that came late have the present value, before it takes anything."""
        if self._last is None:
            return  # the first is still to come, and comes to everybody
        if asyncio.get_running_loop().time() - self._last_at > _FRESH_S:
            if self._refresh is None:
                self._refresh = self._started(self._evaluate_again(contexts()))
            await asyncio.wait([self._refresh])
        client.deliver(self._last)

    async def _evaluate_again(self, context: SharedContext) -> None:
        before = self._last
        try:
            async with aclosing(self._run.results(context, Feed())) as results:
                result = await anext(results, None)
            if isinstance(result, wire.Written) and self._last is before:
                self._keep(result)
        finally:
            self._refresh = None

    async def _replay(self, after: str, until: str, contexts: Callable[[], SharedContext]) -> list[wire.Written | PreExecutionError]:
        # After a restart thousands come back with the same id at once; one evaluation serves those who come before the next event.
        task = self._replays.get(after)
        if task is None:
            task = self._replays[after] = self._started(self._evaluate_missed(contexts(), Feed(after, until, after)))
            if len(self._replays) > _KEPT_REPLAYS:
                del self._replays[next(iter(self._replays))]  # who waits for it still gets it
        await asyncio.wait([task])
        return task.result()

    async def _evaluate_missed(self, context: SharedContext, feed: Feed) -> list[wire.Written | PreExecutionError]:
        shown: list[wire.Written | PreExecutionError] = []
        async with aclosing(self._run.results(context, feed)) as results:
            before = feed.position
            async for result in results:
                if result.data is None and feed.position == before:
                    # Not an event but the source has failed: there is nothing to go on from.
                    shown.append(PreExecutionError(data=None, errors=result.errors))
                    break
                shown.append(result)
                before = feed.position
        return shown

    async def _serve(self, context: SharedContext) -> None:
        end: PreExecutionError | None = None
        try:
            async with aclosing(self._run.results(context, self._feed)) as results:
                async for result in results:
                    if isinstance(result, PreExecutionError):
                        end = result
                        break
                    await self._publish(result)
        except Exception as unforeseen:  # noqa: BLE001 - the outermost edge of this task: logged here, and masked
            end = wire.refusal(internal_error(unforeseen))
        finally:
            self._over(end)

    async def _publish(self, result: wire.Written) -> None:
        # With these the group has moved on: who joins from here on is not in the list below, and does not want to be.
        self._keep(result)
        self._position = result.event_id
        self._replays.clear()
        for number, client in enumerate(list(self._clients), start=1):
            client.deliver(result)
            if not number % _AT_ONCE:
                await asyncio.sleep(0)

    def _keep(self, result: wire.Written) -> None:
        if self.delivery is Delivery.GAUGE:
            self._last, self._last_at = result, asyncio.get_running_loop().time()

    def _over(self, end: PreExecutionError | None) -> None:
        if not self._ended:
            self._ended, self._end = True, end
            self._on_end()
            self._feed.begun.set()
            for client in self._clients:
                client.end(end)

    def _started(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def delivery_of(schema: Schema, operation: Operation) -> Delivery | None:
    """How a subscription's field says it is delivered; None where it does not say."""
    if _DECLARATION not in operation.derived:
        root = schema._schema.subscription_type  # noqa: SLF001 - our own superclass, which has no other way to it
        node = _root_field(operation, operation.definition.selection_set)
        definition = strawberry_field(root.fields[node.name.value]) if root is not None and node is not None else None
        operation.derived[_DECLARATION] = None if definition is None else definition.metadata.get(_DECLARATION)
    found: Delivery | None = operation.derived[_DECLARATION]
    return found


def same(operation: Operation, variables: Mapping[str, object] | None) -> Hashable:
    """Equal for equal requests."""
    return operation, orjson.dumps(variables or None, option=orjson.OPT_SORT_KEYS)


def _root_field(operation: Operation, selection_set: SelectionSetNode) -> FieldNode | None:
    # A subscription has one root field (GraphQL specification, section 5.2.4.1), maybe inside fragments.
    for selection in selection_set.selections:
        match selection:
            case FieldNode():
                return selection
            case InlineFragmentNode():
                return _root_field(operation, selection.selection_set)
            case FragmentSpreadNode():
                for definition in operation.document.definitions:
                    if isinstance(definition, FragmentDefinitionNode) and definition.name.value == selection.name.value:
                        return _root_field(operation, definition.selection_set)
    return None
