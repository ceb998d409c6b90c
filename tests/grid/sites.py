"""A depot with grid links, served on a real socket, for tests of the grid's protocols."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from ampyard.domain.grid_links import GridLink, LinkKind
from ampyard.domain.grid_messages import GridMessage
from ampyard.domain.grid_signals import GridSignal
from ampyard.grid.app import grid_app
from ampyard.repositories.grid_links import GridLinks, GridMessages
from ampyard.repositories.grid_signals import GridSignals
from ampyard.repositories.webhooks import WebhookSender
from ampyard.services.backend import Backend
from ampyard.services.grid_links import NewGridLink, create_grid_link
from tests.services.supplied import Site, new_site


@dataclass
class Connected:
    """A depot whose grid connection (200 kW) is linked; its clock stands still at `now` until it is moved."""

    site: Site
    link: GridLink
    token: str | None
    root: str
    http: httpx.AsyncClient
    now: datetime

    @property
    def backend(self) -> Backend:
        return self.site.backend

    async def limit_kw(self) -> float:
        """Return what counts for the node now."""
        return (await self.site.power("Grid")).limit_kw

    async def its(self) -> GridLink:
        """Return the link as it is now."""
        async with self.backend.database.snapshot(self.site.tenant_id) as snapshot:
            found = await GridLinks(snapshot).by_id(self.link.id)
        assert found is not None
        return found

    async def signals(self) -> list[GridSignal]:
        """Return all that came by the link, in order of their begin."""
        async with self.backend.database.snapshot(self.site.tenant_id) as snapshot:
            column = GridSignals.table.c
            return await GridSignals(snapshot).where(
                column.link_id == self.link.id, order_by=[column.begins_at, column.received_at, column.id]
            )

    async def messages(self) -> list[GridMessage]:
        """Return what was said, oldest first."""
        async with self.backend.database.snapshot(self.site.tenant_id) as snapshot:
            column = GridMessages.table.c
            return await GridMessages(snapshot).where(column.link_id == self.link.id, order_by=[column.at, column.id])

    def later(self, **by: float) -> None:
        """Move the clock on."""
        self.now += timedelta(**by)


@asynccontextmanager
async def connected(backend: Backend, kind: LinkKind, **wanted: Any) -> AsyncIterator[Connected]:
    """Run the grid's root on this machine, in front of a new depot with one link; other sides on this machine may be called."""
    assert backend.notifier is not None
    notifier = replace(backend.notifier, webhooks=WebhookSender(private_allowed=True))
    site = await new_site(replace(backend, notifier=notifier))
    node = await site.node("Grid")
    link, token = await create_grid_link(
        site.backend, site.who, NewGridLink(node.id, kind, "The other side", **{"fallback_kw": 60.0, **wanted})
    )
    here = Connected(site, link, token, "", httpx.AsyncClient(), site.backend.clock())
    here.site = replace(site, backend=replace(site.backend, clock=lambda: here.now))
    app = Starlette(routes=[Mount("/grid", grid_app(here.backend))])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, ws="none", log_level="critical", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 # uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    here.root = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/grid"
    async with here.http:
        yield here
    server.should_exit = True
    await task
