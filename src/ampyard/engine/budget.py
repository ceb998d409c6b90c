"""What a principal may spend on operations: a bucket of points that fills at a steady rate; told as Shopify's API does."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from math import ceil
from typing import Protocol, TypeVar

from graphql import GraphQLError, OperationType
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine import wire
from ampyard.engine.cost import Costs, OperationCost
from ampyard.engine.errors import PublicError
from ampyard.engine.observing import outcome_of
from ampyard.engine.operation import Operation

# A list of 1e300 items in a list of as many is beyond what JSON can say; up to here every client reads the very number.
_MOST_TOLD = 2**53 - 1

P = TypeVar("P", contravariant=True)  # noqa: PLC0105 - named after the principal


class Admission(Protocol):
    """Whether an operation may run. `available` is what the principal has left; None where the budget cannot be asked."""

    @property
    def allowed(self) -> bool: ...

    @property
    def available(self) -> int | None: ...

    @property
    def retry_after_s(self) -> float: ...


class Budget(Protocol[P]):
    """Where the points of principals are kept. Whatever happens to it, `take` answers soon, and admits when it does not know."""

    @property
    def capacity(self) -> int: ...

    @property
    def restore_per_s(self) -> int: ...

    @property
    def unasked(self) -> int:
        """How many operations were admitted because the budget could not be asked."""

    async def take(self, principal: P, points: int) -> Admission:
        """Take `points`, at most the capacity, or none where there are too few; `retry_after_s` then tells when there will be enough."""

    def refund(self, principal: P, points: int) -> int:
        """Give back what was taken too much (a negative number: take what was too little); return what is available now. Does not wait."""


@dataclass
class Throttled(ExecutionResult):
    """The principal has spent its points: the operation may run in `retry_after_s` seconds."""

    retry_after_s: int = 0


async def metered(
    budget: Budget[P],
    principal: P,
    costs: Costs,
    operation: Operation,
    variables: Mapping[str, object] | None,
    run: Callable[[], AsyncGenerator[ExecutionResult, None]],
) -> AsyncGenerator[ExecutionResult, None]:
    """Run an operation within its principal's budget.

    The estimate is taken before anything runs. A query or mutation gets the difference to its actual cost back, and is told both; events of
    a subscription pass as they are, for the estimate of one is paid when it begins. What is cut off gets nothing back.
    """
    try:
        cost = _affordable(costs.of(operation, variables), budget.capacity)
    except PublicError as error:
        yield wire.refusal(error)
        return
    admission = await budget.take(principal, cost.requested)
    if not admission.allowed:
        yield _throttled(budget, cost.requested, admission)
        return
    async with aclosing(run()) as results:
        if operation.type is OperationType.SUBSCRIPTION:
            async for result in results:
                yield result
            return
        result = await anext(results)
    refused = isinstance(result, PreExecutionError)
    if refused:
        actual = 0
    elif outcome_of(result) == "DEADLINE_EXCEEDED":  # there is no telling what it did all that time
        actual = cost.requested
    else:
        actual = cost.actual(result.data)
    available = admission.available
    if available is not None:
        available = budget.refund(principal, cost.requested - actual)
    if not refused:
        result.extensions = {**(result.extensions or {}), "cost": _told(budget, cost.requested, actual, available)}
    yield result


def _affordable(cost: OperationCost, capacity: int) -> OperationCost:
    if cost.requested > capacity:
        told = min(cost.requested, _MOST_TOLD)
        message = f"The operation may cost {told} points; at most {capacity} are allowed. Ask for less."
        raise PublicError(message, code="MAX_COST_EXCEEDED", cost=told, maxCost=capacity)
    return cost


def _throttled(budget: Budget[P], requested: int, admission: Admission) -> Throttled:
    # Not a PreExecutionError: with `data: null` the status 200 is what GraphQL over HTTP asks for, under either media type.
    retry_after_s = max(1, ceil(admission.retry_after_s))
    message = f"The operation may cost {requested} points; {admission.available} are available. Try again in {retry_after_s} s."
    error = GraphQLError(message, extensions={"code": "THROTTLED", "retryAfter": retry_after_s})
    extensions = {"cost": _told(budget, requested, None, admission.available)}
    return Throttled(data=None, errors=[error], extensions=extensions, retry_after_s=retry_after_s)


def _told(budget: Budget[P], requested: int, actual: int | None, available: int | None) -> dict[str, object]:
    status = {"maximumAvailable": budget.capacity, "currentlyAvailable": available, "restoreRate": budget.restore_per_s}
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": None if available is None else status}
