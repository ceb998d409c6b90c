"""Calling the other sides of links when they are due, each by one process at a time. Any number of workers may run."""

import asyncio
import logging
import uuid

from ampyard.domain.grid_links import LinkKind
from ampyard.grid.openadr.run import run_openadr
from ampyard.grid.openadr.vtn import Tokens
from ampyard.grid.oscp.app import PATH
from ampyard.grid.oscp.run import run_oscp
from ampyard.services.backend import Backend
from ampyard.services.grid_traffic import due_links, failed, take
from ampyard.services.tasks import end

_log = logging.getLogger(__name__)

_LOOK_S = 1.0
_AT_A_TIME = 8
_CALLED = frozenset({LinkKind.OSCP, LinkKind.OPENADR})


async def run_links(backend: Backend, root_url: str) -> None:
    """Call links that are due for ever; `root_url` is where the grid's root is reached from outside."""
    slots, tokens = asyncio.Semaphore(_AT_A_TIME), Tokens()
    running: dict[uuid.UUID, asyncio.Task[None]] = {}
    try:
        while True:
            running = {link_id: task for link_id, task in running.items() if not task.done()}
            for tenant_id, link_id in await due_links(backend, _CALLED):
                if link_id not in running:
                    calling = _call(backend, tenant_id, link_id, root_url, tokens, slots)
                    running[link_id] = asyncio.create_task(calling, name=f"grid link {link_id}")
            await asyncio.sleep(_LOOK_S)
    finally:
        await end(list(running.values()))


async def _call(
    backend: Backend, tenant_id: uuid.UUID, link_id: uuid.UUID, root_url: str, tokens: Tokens, slots: asyncio.Semaphore
) -> None:
    async with slots:
        try:
            await run_link(backend, tenant_id, link_id, root_url, tokens)
        except Exception:  # noqa: BLE001 - one link, whatever is wrong with it, must not stop the others
            # The link is not called again before its lease is over; the others go on.
            _log.exception("Calling grid link %s failed.", link_id)


async def run_link(backend: Backend, tenant_id: uuid.UUID, link_id: uuid.UUID, root_url: str, tokens: Tokens) -> bool:
    """Do what is due on one link; returns False, having done nothing, where it is not due or another process is at it."""
    taken = await take(backend, tenant_id, link_id)
    if taken is None:
        return False
    link, secret = taken
    try:
        if link.kind is LinkKind.OSCP:
            await run_oscp(backend, link, secret, f"{root_url}{PATH}")
        else:
            await run_openadr(backend, link, secret, tokens)
    except Exception as error:
        # What is unforeseen is no reason to call again and again.
        await failed(backend, link, f"{type(error).__name__}; the worker's log tells more.")
        raise
    return True
