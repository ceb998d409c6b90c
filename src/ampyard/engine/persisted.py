"""Documents that requests name instead of sending them: automatic persisted queries and trusted documents."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

import orjson

from ampyard.engine.documents import MAX_CHARACTERS_EACH, DocumentStore
from ampyard.engine.errors import PublicError
from ampyard.engine.wire import Parameters

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SHA256_PREFIX: Final = "sha256:"


class ManifestError(ValueError):
    """A file is not a manifest of trusted documents."""


class SharedDocuments(Protocol):
    """Texts of documents that the processes of a service share, by the SHA-256 of the text in hexadecimal.

    It only ever helps: an implementation that cannot reach its store finds nothing and keeps nothing, soon, and raises nothing.
    """

    async def get(self, hash_: str) -> str | None: ...

    async def put(self, hash_: str, text: str) -> None: ...


class TrustedDocuments:
    """The documents that were known when the clients were built, by the ids of their manifest and by the SHA-256 of their text."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._manifest = dict(texts)
        self._texts = {_sha256(text): text for text in texts.values()} | self._manifest

    @classmethod
    def read(cls, path: Path) -> "TrustedDocuments":
        """Read a manifest: Apollo's `apollo-persisted-query-manifest` of version 1, or Relay's object of ids and texts.

        Raises:
            ManifestError: it is neither.
            OSError: it cannot be read.
        """
        try:
            return cls(_texts(orjson.loads(path.read_bytes())))
        except ValueError as error:
            raise ManifestError(f"{path} is not a manifest of trusted documents: {error}") from error

    def find(self, named: str | None, query: str | None) -> str | None:
        """The text that a request names, by an id of the manifest or `sha256:` and a hash, or sends word for word."""
        if named is None:
            return query if query is not None and _sha256(query) in self._texts else None
        text = self._texts.get(named.removeprefix(_SHA256_PREFIX))
        return text if query in {None, text} else None

    def refused_by(self, documents: DocumentStore) -> list[str]:
        """The ids of those documents that are not valid in a schema."""
        return [id_ for id_, text in self._manifest.items() if documents.get(text).refusal is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistedDocuments:
    """Which documents requests may name, and whether they may send others.

    Attributes:
        shared: where automatic persisted queries are shared with other processes; without it each process knows its own.
        trusted: documents of a manifest.
        trusted_only: refuse all others, whether they are sent or named.
    """

    shared: SharedDocuments | None = None
    trusted: TrustedDocuments | None = None
    trusted_only: bool = False

    def __post_init__(self) -> None:
        if self.trusted_only and self.trusted is None:
            raise ValueError("Where only trusted documents are served there must be some.")

    async def text(self, parameters: Parameters, documents: DocumentStore, *, any_document: bool) -> str:
        """Return the text that a request sends or names. Raises `PublicError` when there is none, or it is not allowed.

        `any_document` serves others than trusted ones: always so without `trusted_only`, and with it for a gateway, which writes its own.

        A document sent with its hash (Apollo's automatic persisted queries) is shared if it is valid; looked for are first the local ones.
        """
        query, hash_ = parameters.query, parameters.sha256_hash
        named = parameters.document_id or hash_
        if self.trusted is not None:
            trusted = self.trusted.find(named, query)
            if trusted is not None:
                return trusted
            if not any_document:
                if query is None:
                    raise PublicError("The document is not in the list of trusted documents.", code="PERSISTED_QUERY_NOT_IN_LIST")
                raise PublicError("Only trusted documents are served here: send the id of one.", code="PERSISTED_QUERY_ID_REQUIRED")
        if query is None:
            return await self._found(named or "", documents)
        if hash_ is not None:
            if hash_ != _sha256(query):
                raise PublicError("provided sha does not match query", code="PERSISTED_QUERY_HASH_MISMATCH")
            if self.shared is not None and len(query) <= MAX_CHARACTERS_EACH and documents.get(query).refusal is None:
                await self.shared.put(hash_, query)
        return query

    async def _found(self, named: str, documents: DocumentStore) -> str:
        hash_ = named.removeprefix(_SHA256_PREFIX)
        if _SHA256.fullmatch(hash_):
            text = documents.valid_text(hash_)
            if text is not None:
                return text
            text = None if self.shared is None else await self.shared.get(hash_)
            if text is not None and _sha256(text) == hash_:  # what is stored elsewhere is believed only where it can be checked
                return text
        raise PublicError("PersistedQueryNotFound", code="PERSISTED_QUERY_NOT_FOUND")


def _texts(manifest: object) -> dict[str, str]:
    match manifest:
        case {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [*operations]}:
            texts = dict(map(_operation, operations))
        case {"format": str(), **_others}:
            raise ValueError("its format is not 'apollo-persisted-query-manifest' of version 1.")
        case dict():
            texts = manifest
        case _:
            raise ValueError("it is not a JSON object.")
    if not texts or not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("it must give at least one document, and for each id a text.")
    return texts


def _operation(operation: object) -> tuple[str, str]:
    match operation:
        case {"id": str(id_), "body": str(body)}:
            return id_, body
    raise ValueError("an operation without 'id' or 'body'.")


def _sha256(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
