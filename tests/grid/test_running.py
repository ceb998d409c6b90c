"""The loop that calls links: those that are due, of all tenants, each by one process at a time; one that fails does not stop the others."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ampyard.domain.grid_links import LinkKind
from ampyard.grid.openadr.vtn import Tokens
from ampyard.grid.running import run_link, run_links
from ampyard.services.backend import Backend
from ampyard.services.grid_links import edit_grid_link
from ampyard.services.tasks import end
from tests.grid.openadr.top_node import CLIENT_ID, CLIENT_SECRET, TopNode, event, top_node
from tests.grid.sites import Connected, connected
from tests.patience import eventually
from tests.services.supplied import NOW


@pytest.fixture
async def vtn() -> AsyncIterator[TopNode]:
    async with top_node() as found:
        found.events.append(event("e-1", NOW, "PT1H", 90.0))
        yield found


@pytest.fixture
async def here(backend: Backend, vtn: TopNode) -> AsyncIterator[Connected]:
    wanted = {"url": vtn.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "ven_name": "depot-1"}
    async with connected(backend, LinkKind.OPENADR, **wanted) as found:
        yield found


async def test_two_workers_poll_each_link_once(here: Connected, vtn: TopNode) -> None:
    workers = [asyncio.create_task(run_links(here.backend, here.root)) for _ in range(2)]
    try:
        await eventually(here.its, lambda link: link.called_at is not None)
    finally:
        await end(workers)
    assert (await here.limit_kw(), len(vtn.asked("events"))) == (90.0, 1)


async def test_a_link_that_is_switched_off_is_not_called(here: Connected, vtn: TopNode) -> None:
    await edit_grid_link(here.backend, here.site.who, here.link.id, enabled=False)
    assert not await run_link(here.backend, here.site.tenant_id, here.link.id, here.root, Tokens())
    assert vtn.web.calls == []


async def test_what_is_unforeseen_is_told_as_little_of_as_of_any_error_and_leaves_the_other_side_alone(
    here: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> None:
        raise KeyError("a secret of ours")

    monkeypatch.setattr("ampyard.grid.running.run_openadr", breaks)
    with pytest.raises(KeyError):
        await run_link(here.backend, here.site.tenant_id, here.link.id, here.root, Tokens())
    link = await here.its()
    assert (link.error, link.failures, link.due_at > here.now) == ("KeyError; the worker's log tells more.", 1, True)
