import asyncio
import uuid
from collections.abc import Iterator
from contextlib import suppress

from ampyard.connect.link import Link

# RFC 6455, 7.4.1.
NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
POLICY_VIOLATION = 1008


class Sockets:
    """The charge points whose sockets this process holds."""

    def __init__(self) -> None:
        self._links: dict[uuid.UUID, Link] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.draining = False

    def __len__(self) -> int:
        return len(self._links)

    def __iter__(self) -> Iterator[Link]:
        return iter(tuple(self._links.values()))

    def get(self, charge_point_id: uuid.UUID) -> Link | None:
        """Return the socket of a charge point, if it is here."""
        return self._links.get(charge_point_id)

    def add(self, link: Link) -> None:
        """Hold a socket; an older one of the same charge point is closed."""
        older = self._links.get(link.station.charge_point_id)
        self._links[link.station.charge_point_id] = link
        self._empty.clear()
        if older is not None:
            older.close(NORMAL_CLOSURE, "replaced")
        if self.draining:
            link.close(GOING_AWAY, "going away")

    def remove(self, link: Link) -> None:
        """Let a socket go, unless a newer one has taken its place."""
        if self._links.get(link.station.charge_point_id) is link:
            del self._links[link.station.charge_point_id]
        if not self._links:
            self._empty.set()

    async def drain(self, timeout_s: float) -> None:
        """Close all sockets, take no new ones, and return once all are recorded as closed or the time is over."""
        self.draining = True
        for link in self:
            link.close(GOING_AWAY, "going away")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), timeout_s)
