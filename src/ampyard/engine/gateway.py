from dataclasses import dataclass, field
from hmac import compare_digest

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode
from starlette.requests import HTTPConnection
from strawberry.types.execution import PreExecutionError

from ampyard.engine import wire
from ampyard.engine.errors import PublicError
from ampyard.engine.operation import Operation

_FEDERATION = frozenset({"_service", "_entities"})
_DERIVED = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The router in front of a subgraph: what is for it alone, and how it is known.

    Its credential is a secret that it sends in the header `Router-Authorization`, besides what it passes on of the user's (Apollo, "Secure
    subgraphs"). Without one whoever is signed in may ask for `_service` and `_entities`, as a gateway in the same network does; `traces`
    tells whether they may have traces, too.
    """

    credential: str | None = field(default=None, repr=False)
    traces: bool = False

    def __post_init__(self) -> None:
        if self.credential == "":
            raise ValueError("The credential is empty: whoever sends none would have it.")

    def is_behind(self, connection: HTTPConnection) -> bool:
        """Return whether a request comes with the credential; never, where there is none."""
        if self.credential is None:
            return False
        given = connection.headers.get("router-authorization", "")
        # As bytes, because text that is not ASCII cannot be compared in constant time; headers are decoded as Latin-1.
        return compare_digest(given.encode("latin-1"), self.credential.encode())

    def wants_trace(self, connection: HTTPConnection) -> bool:
        """Return whether a request asks for a federated trace and may have it."""
        asked = connection.headers.get("apollo-federation-include-trace") == "ftv1"
        return asked and (self.traces if self.credential is None else self.is_behind(connection))

    def refusal(self, operation: Operation, connection: HTTPConnection) -> PreExecutionError | None:
        """Return why an operation is not run for who asks; None where it may be."""
        if self.credential is None or not _asks_for_federation(operation) or self.is_behind(connection):
            return None
        message = "'_service' and '_entities' are for the gateway alone, which sends its credential as 'Router-Authorization'."
        return wire.refusal(PublicError(message, code="FORBIDDEN"))


def _asks_for_federation(operation: Operation) -> bool:
    if _DERIVED not in operation.derived:
        operation.derived[_DERIVED] = _selects(operation, _FEDERATION)
    return bool(operation.derived[_DERIVED])


def _selects(operation: Operation, names: frozenset[str]) -> bool:
    """Return whether a field of these names is selected, however deep: a type below may lead back to Query."""
    fragments = {
        definition.name.value: definition.selection_set
        for definition in operation.document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    waiting = [operation.definition.selection_set]
    while waiting:
        for selection in waiting.pop().selections:
            match selection:
                case FieldNode():
                    if selection.name.value in names:
                        return True
                    if selection.selection_set:
                        waiting.append(selection.selection_set)
                case InlineFragmentNode():
                    waiting.append(selection.selection_set)
                case FragmentSpreadNode():
                    spread = fragments.pop(selection.name.value, None)  # once is enough
                    if spread:
                        waiting.append(spread)
    return False
