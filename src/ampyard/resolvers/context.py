"""What the resolvers of one operation share: who asks, the read snapshot, and the loaders over it."""

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

import strawberry
from aiodataloader import DataLoader

from ampyard.domain.access import Principal
from ampyard.engine import Batch, Feed, Load, PublicError
from ampyard.repositories.database import Snapshot
from ampyard.repositories.streams import id_order
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.links import FileLinks
from ampyard.services.backend import Backend


@dataclass(slots=True)
class _Loaded:
    """What one batch has found so far, with these attributes (None: all)."""

    reads: frozenset[str] | None
    values: dict[Any, Any] = field(default_factory=dict)

    def has(self, reads: frozenset[str] | None) -> bool:
        return self.reads is None or (reads is not None and reads <= self.reads)


class Context:
    """The context of one operation. Never shared between operations.

    The snapshot is opened at the first load and closed when the operation, or a subscription's event, has been
    executed: what is loaded in between is one consistent state of the tenant.
    """

    def __init__(self, backend: Backend, principal: Principal, *, cursors: CursorCodec, links: FileLinks) -> None:
        self.backend = backend
        self.principal = principal
        self.cursors = cursors
        self.links = links
        self.feed = Feed()
        self._snapshot: Snapshot | None = None
        self._now: datetime | None = None
        self._loaders: dict[tuple[Batch, tuple[Any, ...]], DataLoader[Any, Any]] = {}
        self._loaded: dict[tuple[Batch, tuple[Any, ...]], _Loaded] = {}
        self._loading: set[asyncio.Task[Any] | None] = set()
        self._ended = False

    @property
    def snapshot(self) -> Snapshot:
        """The read snapshot of this operation or event."""
        if self._snapshot is None:
            if self._ended:
                raise RuntimeError("The operation has ended; nothing is loaded for it any more.")
            self._snapshot = self.backend.snapshot(self.principal)
        return self._snapshot

    @property
    def now(self) -> datetime:
        """One time for the whole operation or event, so that all of an answer speaks of the same moment."""
        if self._now is None:
            self._now = self.backend.clock()
        return self._now

    async def load(self, load: Load, key: Hashable) -> Any:
        """Return what one key finds, loaded together with all keys that are asked for meanwhile; None where it finds nothing."""
        loader = self._loaders.get((load.batch, load.arguments))
        if loader is None:

            async def load_all(keys: Sequence[Any]) -> list[Any]:
                # The dataloader runs this in a task of its own, which does not end with the operation that waits for it.
                self._loading.add(asyncio.current_task())
                try:
                    found = await self.load_many(load, keys, None)
                finally:
                    self._loading.discard(asyncio.current_task())
                return [found.get(one) for one in keys]

            loader = self._loaders[load.batch, load.arguments] = DataLoader(load_all)
        return await loader.load(key)

    async def load_many(self, load: Load, keys: Sequence[Any], reads: frozenset[str] | None) -> Mapping[Any, Any]:
        """Return what each key finds, None where it finds nothing; what this operation has loaded already is not loaded again.

        `reads` names the attributes of the entities that will be read, None for all; only a load that projects heeds it.
        """
        loaded = self._loaded.get((load.batch, load.arguments))
        if loaded is None or not loaded.has(reads):
            known = frozenset() if loaded is None else loaded.reads
            loaded = _Loaded(None if known is None or reads is None else known | reads)
            self._loaded[load.batch, load.arguments] = loaded
        missing = [key for key in dict.fromkeys(keys) if key not in loaded.values]
        if missing:
            projection = {} if load.projects is None else {"reads": loaded.reads}
            found = await load.batch(self.snapshot, missing, *load.arguments, **projection)
            loaded.values.update(zip(missing, map(found.get, missing), strict=True))
        return loaded.values

    async def end_event(self) -> None:
        """Let go of the snapshot and of what was loaded from it; the next load sees what is then committed."""
        snapshot, self._snapshot = self._snapshot, None
        self._now = None
        self._loaders.clear()
        self._loaded.clear()
        for task in self._loading:
            if task is not None:
                task.cancel()  # of an operation that was cut off: its statement would hold up the snapshot's end
        if snapshot is not None:
            await snapshot.close()

    async def end_operation(self) -> None:
        """Let go of everything."""
        self._ended = True
        await self.end_event()

    @property
    def group_key(self) -> Hashable:
        """What a subscription shows depends on the tenant and on what may be seen of it; not on who looks."""
        return self.principal.tenant_id, self.principal.kind, self.principal.scopes, self.principal.grants

    def share(self) -> None:
        """Stand for all with this `group_key`: an error that names the principal names nobody."""
        self.principal = replace(self.principal, subject="subscriber", expires_at=None)

    def event_order(self, event_id: str) -> tuple[int, int]:
        """Return what ids of events are compared by."""
        try:
            return id_order(event_id)
        except ValueError as error:
            raise PublicError(str(error), code="BAD_USER_INPUT") from error


Info: TypeAlias = strawberry.Info[Context, None]
