"""Bounds of one GraphQL document, checked before validation spends time on it.

Strawberry's own depth and alias limiters expand every fragment spread anew, which is exponential in the document's length, and stumble
over unknown fragments; here each fragment is measured once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a document may hold.

    `max_tokens` counts lexical tokens; `max_depth` the fields on the longest path from the root to a leaf, through fragments; `max_aliases`
    the aliases of one operation, those in a fragment once for every place the fragment is spread.
    """

    max_tokens: int = 5_000
    max_depth: int = 20
    max_aliases: int = 100


@dataclass(frozen=True, slots=True)
class _Size:
    depth: int = 0
    aliases: int = 0


def exceeded(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """One error for each limit an operation of the document exceeds."""
    measure = _Measure(document)
    try:
        return [
            error
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
            for error in _exceeded(definition, measure(definition.selection_set), limits)
        ]
    except RecursionError:
        return [GraphQLError("The document's fragments are nested too deeply.")]


def _exceeded(operation: OperationDefinitionNode, size: _Size, limits: Limits) -> Iterator[GraphQLError]:
    if size.depth > limits.max_depth:
        yield GraphQLError(f"The operation is {size.depth} fields deep; at most {limits.max_depth} are allowed.", operation)
    if size.aliases > limits.max_aliases:
        yield GraphQLError(f"The operation has {size.aliases} aliases; at most {limits.max_aliases} are allowed.", operation)


class _Measure:
    def __init__(self, document: DocumentNode) -> None:
        self._definitions = {
            definition.name.value: definition for definition in document.definitions if isinstance(definition, FragmentDefinitionNode)
        }
        self._fragments: dict[str, _Size] = {}

    def __call__(self, selection_set: SelectionSetNode | None) -> _Size:
        depth = aliases = 0
        for selection in selection_set.selections if selection_set else ():
            match selection:
                case FieldNode():
                    below = self(selection.selection_set)
                    size = _Size(below.depth + 1, below.aliases + (selection.alias is not None))
                case InlineFragmentNode():
                    size = self(selection.selection_set)
                case FragmentSpreadNode():
                    size = self._fragment(selection.name.value)
                case _:
                    continue
            depth = max(depth, size.depth)
            aliases += size.aliases
        return _Size(depth, aliases)

    def _fragment(self, name: str) -> _Size:
        if name not in self._fragments:
            self._fragments[name] = _Size()  # what a fragment counts inside itself; validation refuses the cycle
            definition = self._definitions.get(name)
            self._fragments[name] = self(definition.selection_set if definition else None)
        return self._fragments[name]
