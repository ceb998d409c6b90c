"""The document store: what a document's text means, worked out once and kept."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from graphql import GraphQLError, GraphQLSchema, GraphQLSyntaxError, parse, specified_rules
from strawberry.schema.schema import validate_document
from strawberry.types.execution import PreExecutionError

from ampyard.engine.errors import refused, without_suggestions
from ampyard.engine.limits import Limits, exceeded, measure
from ampyard.engine.operation import Operation

_MAX_DOCUMENTS: Final = 1_000
# A parsed document takes about a hundred bytes for each character of its text.
_MAX_CHARACTERS: Final = 1_000_000
MAX_CHARACTERS_EACH: Final = 50_000
"""A longer document is worked out anew each time, and not shared: a few of them would push all others out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document that was checked: its operations by name, or why it is refused."""

    text: str
    operations: Mapping[str | None, Operation] = field(default_factory=dict)
    refusal: PreExecutionError | None = None
    refusal_explained: PreExecutionError | None = None

    def operation(self, name: str | None, *, developer: bool) -> Operation | PreExecutionError:
        """The operation of this name, or the only one; else, with coded errors, why there is none.

        Developers alone may introspect and are told which names they may have meant.
        """
        operation = self.operations.get(name or None)
        if operation is not None:
            return _INTROSPECTS if operation.size.introspects and not developer else operation
        refusal = self.refusal_explained if developer else self.refusal
        if refusal is not None:
            return refusal
        message = f"Unknown operation named '{name}'." if name else "The document needs an operation name."
        return refused("OPERATION_RESOLUTION_FAILURE", GraphQLError(message))


@dataclass(slots=True)
class DocumentCounts:
    """What the store did so far, and what it holds."""

    hits: int = 0
    misses: int = 0
    documents: int = 0
    characters: int = 0


class DocumentStore:
    """The documents of one schema, by the SHA-256 of their text; those unused for longest are forgotten first.

    `get` gives the same `Document`, and so the same `Operation` objects, for the same text as long as the store holds it. What is refused
    is kept, too, so that sending it again costs no second validation. Nothing is held of who sent a document: what depends on the caller
    is decided by `Document.operation`.
    """

    def __init__(
        self, schema: GraphQLSchema, limits: Limits, *, max_documents: int = _MAX_DOCUMENTS, max_characters: int = _MAX_CHARACTERS
    ) -> None:
        self.counts = DocumentCounts()
        self._schema = schema
        self._limits = limits
        self._max_documents = max_documents
        self._max_characters = max_characters
        self._documents: OrderedDict[bytes, Document] = OrderedDict()

    def get(self, text: str) -> Document:
        """Parse, check against the limits and validate; or remember."""
        key = sha256(text.encode("utf-8", "surrogatepass")).digest()
        document = self._documents.get(key)
        if document is not None:
            self._documents.move_to_end(key)
            self.counts.hits += 1
            return document
        self.counts.misses += 1
        document = self._check(text)
        if len(text) <= MAX_CHARACTERS_EACH:
            self._keep(key, document)
        return document

    def valid_text(self, hash_: str) -> str | None:
        """The text of a valid document with this SHA-256 (64 hexadecimal digits), if the store holds it."""
        document = self._documents.get(bytes.fromhex(hash_))
        return document.text if document is not None and document.refusal is None else None

    def _keep(self, key: bytes, document: Document) -> None:
        counts = self.counts
        self._documents[key] = document
        counts.characters += len(document.text)
        while len(self._documents) > self._max_documents or counts.characters > self._max_characters:
            counts.characters -= len(self._documents.popitem(last=False)[1].text)
        counts.documents = len(self._documents)

    def _check(self, text: str) -> Document:
        try:
            parsed = parse(text, max_tokens=self._limits.max_tokens)
        except GraphQLSyntaxError as error:
            return _refused(text, "GRAPHQL_PARSE_FAILED", [error])
        try:
            measured = measure(parsed)
        except RecursionError:
            return _refused(text, "GRAPHQL_VALIDATION_FAILED", [GraphQLError("The document's fragments are nested too deeply.")])
        errors = exceeded(measured, self._limits) or validate_document(self._schema, parsed, specified_rules)
        if errors:
            return _refused(text, "GRAPHQL_VALIDATION_FAILED", errors)
        operations = {operation.name: operation for operation in (Operation(parsed, definition, size) for definition, size in measured)}
        if len(operations) == 1:
            operations[None] = next(iter(operations.values()))
        return Document(text=text, operations=operations)


def _refused(text: str, code: str, errors: list[GraphQLError]) -> Document:
    explained = refused(code, *errors)
    return Document(text=text, refusal=without_suggestions(explained), refusal_explained=explained)


_INTROSPECTS: Final = refused("INTROSPECTION_DISABLED", GraphQLError("Introspection is for developers: it needs a scope that allows it."))
