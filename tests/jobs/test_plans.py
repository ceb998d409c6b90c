"""The loop that has plans made: of every depot again and again, soon after what changes one, and whatever one of them does."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from ampyard.domain.events import Event, EventKind
from ampyard.jobs import plans
from ampyard.jobs.plans import Plans
from ampyard.repositories.depots import Depots
from ampyard.services.backend import Backend
from ampyard.services.planning.solving import NoPlanError
from ampyard.services.seeding import seed
from ampyard.services.tasks import end
from tests.busy import two_depots
from tests.fleet import user
from tests.patience import until


class Made:
    """Plans of one tenant that were asked for; those of the first depot fail."""

    def __init__(self, tenant_id: uuid.UUID) -> None:
        self.tenant_id = tenant_id
        self.of: list[uuid.UUID] = []
        self.fails: uuid.UUID | None = None

    async def __call__(self, _backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> None:
        if tenant_id == self.tenant_id:
            self.of.append(depot_id)
            if depot_id == self.fails:
                raise NoPlanError("There is none.")


@asynccontextmanager
async def planning(backend: Backend, **options: float) -> AsyncIterator[None]:
    task = asyncio.create_task(Plans(backend, **options).run())
    try:
        yield
    finally:
        await end([task])


@pytest.fixture
async def made(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Made:
    seeded = await seed(backend, two_depots(f"t-{uuid.uuid4().hex[:12]}"), lambda _: None)
    found = Made(seeded.tenant_id)
    monkeypatch.setattr(plans, "make_plan", found)
    return found


async def depots(backend: Backend, tenant_id: uuid.UUID) -> list[uuid.UUID]:
    async with backend.database.snapshot(tenant_id) as snapshot:
        return sorted(depot.id for depot in await Depots(snapshot).where())


async def test_every_depot_is_planned_again_and_again_whatever_one_does(backend: Backend, made: Made) -> None:
    mine = await depots(backend, made.tenant_id)
    made.fails = mine[0]
    async with planning(backend, interval_s=0.2):
        await until(lambda: made.of.count(mine[0]) > 2 and made.of.count(mine[1]) > 2)
    assert set(made.of) == set(mine)


async def happens(backend: Backend, tenant_id: uuid.UUID, kind: EventKind, depot_id: uuid.UUID | None) -> None:
    async with backend.unit_of_work(user(tenant_id)) as work:
        work.publish(Event(kind, tenant_id, depot_id))
        await work.commit()


async def test_what_changes_a_plan_has_it_made_soon(backend: Backend, made: Made) -> None:
    first, second = await depots(backend, made.tenant_id)
    async with planning(replace(backend), interval_s=3600.0, at_most_every_s=0.0, pause_s=0.05):
        await until(lambda: sorted(made.of) == [first, second])
        # Until it listens, nothing is heard; once it does, all is planned again.
        await asyncio.sleep(0.5)
        made.of.clear()
        await happens(backend, made.tenant_id, EventKind.TRANSACTION_UPDATED, second)
        await happens(backend, made.tenant_id, EventKind.TRANSACTION_STARTED, first)
        await until(lambda: made.of == [first])
        made.of.clear()
        await happens(backend, made.tenant_id, EventKind.PRIORITY_CHANGED, None)
        await until(lambda: sorted(made.of) == [first, second])


async def test_a_depot_in_which_much_happens_is_not_planned_all_the_time(backend: Backend, made: Made) -> None:
    first, _ = await depots(backend, made.tenant_id)
    async with planning(backend, interval_s=3600.0, at_most_every_s=1.0, pause_s=0.0):
        await until(lambda: first in made.of)
        await asyncio.sleep(0.3)
        made.of.clear()
        for _ in range(5):
            await happens(backend, made.tenant_id, EventKind.TRANSACTION_STARTED, first)
        await until(lambda: first in made.of)
        await asyncio.sleep(0.5)
        assert made.of.count(first) == 1
