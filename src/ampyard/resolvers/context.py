"""What the resolvers of one operation share: who asks, the read snapshot, and the loaders over it."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, cast

import strawberry
from aiodataloader import DataLoader

from ampyard.domain.access import Principal
from ampyard.repositories.database import Snapshot
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.links import FileLinks
from ampyard.services.backend import Backend

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# A batch: for many keys, the value of each that has one, in one statement. Further arguments, hashable, are the same for all keys.
Batch: TypeAlias = Callable[..., Awaitable[Mapping[K, V]]]


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
        self._snapshot: Snapshot | None = None
        self._now: datetime | None = None
        self._loaders: dict[tuple[object, ...], DataLoader[Any, Any]] = {}

    @property
    def snapshot(self) -> Snapshot:
        """The read snapshot of this operation or event."""
        if self._snapshot is None:
            self._snapshot = self.backend.database.snapshot(self.principal.tenant_id)
        return self._snapshot

    @property
    def now(self) -> datetime:
        """One time for the whole operation or event, so that all of an answer speaks of the same moment."""
        if self._now is None:
            self._now = self.backend.clock()
        return self._now

    async def load(self, batch: Batch[K, V], key: K, *arguments: object) -> V | None:
        """Return the value of one key, loaded together with all other keys asked for at this level.

        There is one loader, hence one statement a level, for each batch function and arguments.
        """
        loader = self._loaders.get((batch, *arguments))
        if loader is None:

            async def load_many(keys: Sequence[K]) -> list[V | None]:
                values = await batch(self.snapshot, keys, *arguments)
                return [values.get(one) for one in keys]

            loader = self._loaders[(batch, *arguments)] = DataLoader(load_many)
        return cast("V | None", await loader.load(key))

    async def end_event(self) -> None:
        """Let go of the snapshot and of what was loaded from it; the next load sees what is then committed."""
        snapshot, self._snapshot = self._snapshot, None
        self._now = None
        self._loaders.clear()
        if snapshot is not None:
            await snapshot.close()

    async def end_operation(self) -> None:
        """Let go of everything."""
        await self.end_event()


Info: TypeAlias = strawberry.Info[Context, None]
