from dataclasses import dataclass
from typing import Protocol

from graphql import DocumentNode, OperationDefinitionNode, OperationType


class OperationContext(Protocol):
    """What the resolvers of one operation share (`info.context`): principal, loaders, read snapshot. Never used for two operations."""

    async def end_event(self) -> None:
        """A subscription's event has been executed in full: release what it holds (snapshot, loaders); the next event starts anew.

        A subscription's resolver that loads in its own body, before or between its events, awaits this itself before it waits for the
        next one.
        """

    async def end_operation(self) -> None:
        """The operation is over: finished, failed, cancelled or its client gone. Called once, after the last resolver."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a valid document, ready to run."""

    document: DocumentNode
    definition: OperationDefinitionNode

    @property
    def type(self) -> OperationType:
        return self.definition.operation

    @property
    def name(self) -> str | None:
        return self.definition.name.value if self.definition.name else None
