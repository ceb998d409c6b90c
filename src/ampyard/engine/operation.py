from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import DocumentNode, OperationDefinitionNode, OperationType

from ampyard.engine.limits import Size

_NO_SIZE = Size()


class OperationContext(Protocol):
    """What the resolvers of one operation share (`info.context`): principal, loaders, read snapshot. Never used for two operations."""

    async def end_event(self) -> None:
        """A subscription's event has been executed in full: release what it holds (snapshot, loaders); the next event starts anew.

        A subscription's resolver that loads in its own body, before or between its events, awaits this itself before it waits for the
        next one.
        """

    async def end_operation(self) -> None:
        """The operation is over: finished, failed, cancelled or its client gone. Called once, after the last resolver."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operation of a valid document, ready to run.

    The document store gives the same object for the same document and name as long as it holds the document. What is worked out once from
    an operation (a compiled plan, a cost function) is kept in `derived`, each under a key of its maker's, and goes when the operation goes.
    """

    document: DocumentNode
    definition: OperationDefinitionNode
    size: Size = _NO_SIZE
    derived: dict[object, Any] = field(default_factory=dict, repr=False)

    @property
    def type(self) -> OperationType:
        return self.definition.operation

    @property
    def name(self) -> str | None:
        return self.definition.name.value if self.definition.name else None
