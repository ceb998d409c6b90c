"""Bounds of what one request may ask for, checked before validation or execution spends time on it.

Strawberry's own depth and alias limiters expand every fragment spread anew, which is exponential in the document's length, and stumble
over unknown fragments; here each fragment is measured once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

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

# The fields that show the schema. Names with two underscores are GraphQL's own (section 2.1.9); the other is federation's.
_INTROSPECTION = frozenset({"__schema", "__type", "_service"})  # a subgraph's document tells the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a document may hold.

    `max_tokens` counts lexical tokens; `max_depth` the fields on the longest path from the root to a leaf, through fragments; `max_aliases`
    the aliases of one operation, `max_root_fields` its fields at the root, those in a fragment once for every place the fragment is spread;
    `max_representations` what one field may ask for of a subgraph's entities.

    Tokens, aliases and root fields are also what the operations of a batch may hold together.
    """

    max_tokens: int = 5_000
    max_depth: int = 20
    max_aliases: int = 100
    max_root_fields: int = 50
    max_representations: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much one operation holds; `tokens` are those of its whole document, and `introspects` tells whether it asks for the schema."""

    tokens: int = 0
    depth: int = 0
    aliases: int = 0
    root_fields: int = 0
    introspects: bool = False


Measured: TypeAlias = tuple[OperationDefinitionNode, Size]


def measure(document: DocumentNode) -> list[Measured]:
    """Measure the operations of a document. Raises RecursionError when its fragments are nested too deeply."""
    size = _Measure(document)
    return [
        (definition, replace(size(definition.selection_set), tokens=document.token_count or 0))
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    ]


def exceeded(measured: Iterable[Measured], limits: Limits) -> list[GraphQLError]:
    """One error for each limit that one of a document's operations exceeds."""
    return [error for definition, size in measured for error in _exceeded(definition, size, limits)]


def _exceeded(operation: OperationDefinitionNode, size: Size, limits: Limits) -> Iterator[GraphQLError]:
    if size.depth > limits.max_depth:
        yield GraphQLError(f"The operation is {size.depth} fields deep; at most {limits.max_depth} are allowed.", operation)
    if size.aliases > limits.max_aliases:
        yield GraphQLError(f"The operation has {size.aliases} aliases; at most {limits.max_aliases} are allowed.", operation)
    if size.root_fields > limits.max_root_fields:
        yield GraphQLError(f"The operation has {size.root_fields} root fields; at most {limits.max_root_fields} are allowed.", operation)


def exceeded_together(batch: Iterable[Size], limits: Limits) -> list[GraphQLError]:
    """One error for each limit that the operations of a batch exceed in sum."""
    together = list(batch)
    sums = {
        "tokens": (sum(size.tokens for size in together), limits.max_tokens),
        "aliases": (sum(size.aliases for size in together), limits.max_aliases),
        "root fields": (sum(size.root_fields for size in together), limits.max_root_fields),
    }
    return [
        GraphQLError(f"The operations of the batch have {held} {what} together; at most {allowed} are allowed.")
        for what, (held, allowed) in sums.items()
        if held > allowed
    ]


class _Measure:
    def __init__(self, document: DocumentNode) -> None:
        self._definitions = {
            definition.name.value: definition for definition in document.definitions if isinstance(definition, FragmentDefinitionNode)
        }
        self._fragments: dict[str, Size] = {}

    def __call__(self, selection_set: SelectionSetNode | None) -> Size:
        depth = aliases = root_fields = 0
        introspects = False
        for selection in selection_set.selections if selection_set else ():
            match selection:
                case FieldNode():
                    below = self(selection.selection_set)
                    size = Size(
                        depth=below.depth + 1,
                        aliases=below.aliases + (selection.alias is not None),
                        root_fields=1,
                        introspects=below.introspects or selection.name.value in _INTROSPECTION,
                    )
                case InlineFragmentNode():
                    size = self(selection.selection_set)
                case FragmentSpreadNode():
                    size = self._fragment(selection.name.value)
                case _:
                    continue
            depth = max(depth, size.depth)
            aliases += size.aliases
            root_fields += size.root_fields
            introspects = introspects or size.introspects
        return Size(depth=depth, aliases=aliases, root_fields=root_fields, introspects=introspects)

    def _fragment(self, name: str) -> Size:
        if name not in self._fragments:
            self._fragments[name] = Size()  # what a fragment counts inside itself; validation refuses the cycle
            definition = self._definitions.get(name)
            self._fragments[name] = self(definition.selection_set if definition else None)
        return self._fragments[name]
