"""The planner's loop: every depot in its turn, at once when woken, never twice at a time, and no failure stops the others."""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete

from ampyard.domain.supply import PowerNodeKind
from ampyard.jobs import planner
from ampyard.jobs.planner import DepotKey, Planner
from ampyard.repositories import tables
from ampyard.repositories.depots import Depots
from ampyard.repositories.unit_of_work import PLANNER_CHANNEL
from ampyard.services.backend import Backend
from ampyard.services.seeding import DepotSpec, NodeSpec, seed
from ampyard.services.tasks import end
from tests.fleet import fleet_spec, user
from tests.patience import eventually, until


class Ticks:
    """Counts the ticks of each depot and what runs side by side; `act` is what a tick does besides."""

    def __init__(self) -> None:
        self.count: Counter[DepotKey] = Counter()
        self.running: Counter[DepotKey] = Counter()
        self.most_of_one_depot = 0
        self.most_at_a_time = 0
        self.act: Callable[[DepotKey], Awaitable[None]] = self._nothing

    async def __call__(self, _: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> None:
        key = tenant_id, depot_id
        self.count[key] += 1
        self.running[key] += 1
        self.most_of_one_depot = max(self.most_of_one_depot, self.running[key])
        self.most_at_a_time = max(self.most_at_a_time, self.running.total())
        try:
            await self.act(key)
        finally:
            self.running[key] -= 1

    async def _nothing(self, _: DepotKey) -> None:
        await asyncio.sleep(0)


Start = Callable[[float], Awaitable["asyncio.Task[None]"]]


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
async def start(backend: Backend, ticks: Ticks) -> AsyncIterator[Start]:
    """Start a planner with an interval in seconds; returns once it listens and all first ticks are over."""
    tasks: list[asyncio.Task[None]] = []

    async def begin(interval_s: float) -> "asyncio.Task[None]":
        tasks.append(asyncio.create_task(Planner(backend, ticks, interval_s=interval_s).run()))
        probe = (await depots_of(backend, 1))[0]
        while not ticks.count[probe]:
            await wake(backend, probe)
            await asyncio.sleep(0.02)
        if interval_s > 1:
            await eventually(_ticked_meanwhile, lambda number: number == 0)
        return tasks[-1]

    async def _ticked_meanwhile() -> int:
        before = ticks.count.total()
        await asyncio.sleep(0.1)
        return ticks.count.total() - before

    yield begin
    assert [task for task in tasks if task.done()] == []
    assert await end(tasks, timeout_s=2) == set()
    assert ticks.running.total() == 0


async def depots_of(backend: Backend, number: int) -> list[DepotKey]:
    """Make a tenant with some depots, nothing in them."""
    spec = fleet_spec(f"t-{uuid.uuid4().hex[:12]}")
    depots = tuple(
        DepotSpec(f"Depot {n}", "Europe/Berlin", "Weg 1", "10115", "Berlin", "DEU", 52.5, 13.4, NodeSpec("Grid", PowerNodeKind.PANEL, 50.0))
        for n in range(number)
    )
    seeded = await seed(backend, replace(spec, depots=depots), lambda _: None)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        return [(seeded.tenant_id, depot.id) for depot in await Depots(snapshot).where(order_by=[Depots.table.c.name])]


async def wake(backend: Backend, *depots: DepotKey) -> None:
    for tenant_id, depot_id in depots:
        async with backend.unit_of_work(user(tenant_id)) as work:
            work.wake_planner(depot_id)
            await work.commit()


async def test_every_depot_is_ticked_again_and_again(backend: Backend, ticks: Ticks, start: Start) -> None:
    depots = await depots_of(backend, 3)
    begun = asyncio.get_running_loop().time()
    await start(0.1)

    await until(lambda: all(ticks.count[depot] >= 5 for depot in depots))

    assert asyncio.get_running_loop().time() - begun >= 0.4 - 0.1  # a wake-up at the connection may come for one of them
    assert ticks.most_of_one_depot == 1


async def test_a_change_has_its_depot_ticked_at_once_and_no_other(backend: Backend, ticks: Ticks, start: Start) -> None:
    woken, other = await depots_of(backend, 2)
    await start(60.0)
    before = Counter(ticks.count)

    await wake(backend, woken)

    await until(lambda: ticks.count[woken] == before[woken] + 1, timeout_s=1.0)
    await asyncio.sleep(0.1)
    assert ticks.count - before == Counter({woken: 1})
    assert ticks.count[other] == before[other]


async def test_wake_ups_during_a_tick_cause_exactly_one_more(backend: Backend, ticks: Ticks, start: Start) -> None:
    (depot,) = await depots_of(backend, 1)
    await start(60.0)
    go_on = asyncio.Event()

    async def hold(_: DepotKey) -> None:
        await go_on.wait()

    ticks.act = hold
    before = ticks.count[depot]
    await wake(backend, depot)
    await until(lambda: ticks.running[depot] == 1)
    await wake(backend, *[depot] * 5)
    await asyncio.sleep(0.1)
    assert ticks.count[depot] == before + 1

    go_on.set()
    await until(lambda: ticks.count[depot] == before + 2)
    await asyncio.sleep(0.1)
    assert ticks.count[depot] == before + 2
    assert ticks.most_of_one_depot == 1


async def test_depots_are_ticked_side_by_side_four_at_a_time(backend: Backend, ticks: Ticks, start: Start) -> None:
    depots = await depots_of(backend, 6)
    await start(60.0)
    go_on = asyncio.Event()

    async def hold(_: DepotKey) -> None:
        await go_on.wait()

    ticks.act = hold
    ticks.most_at_a_time = 0
    await wake(backend, *depots)
    await until(lambda: ticks.running.total() == 4)
    await asyncio.sleep(0.1)
    assert ticks.most_at_a_time == 4

    before = Counter(ticks.count)
    go_on.set()
    await until(lambda: (ticks.count - before).total() == 2)
    assert ticks.most_at_a_time == 4


async def test_a_failing_tick_is_told_of_once_and_tried_again_while_the_others_go_on(
    backend: Backend, ticks: Ticks, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ampyard.jobs")
    failing, other = await depots_of(backend, 2)
    broken = True

    async def act(depot: DepotKey) -> None:
        if depot == failing and broken:
            raise RuntimeError("The tree has no root.")

    ticks.act = act
    await start(0.05)
    await until(lambda: min(ticks.count[failing], ticks.count[other]) >= 4)
    broken = False
    tries = ticks.count[failing]
    await until(lambda: ticks.count[failing] >= tries + 2)

    told = [record for record in caplog.records if "Depot 0" in record.getMessage()]
    assert [record.levelname for record in told] == ["WARNING", "INFO"]
    assert f"Sharing the power of depot Depot 0 ({failing[1]}) fails (The tree has no root.)" in told[0].getMessage()
    assert told[0].exc_info is not None


async def test_a_tick_that_hangs_is_ended(
    backend: Backend, ticks: Ticks, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (depot,) = await depots_of(backend, 1)
    monkeypatch.setattr(planner, "_TICK_S", 0.1)

    async def act(key: DepotKey) -> None:
        if key == depot:
            await asyncio.Event().wait()

    ticks.act = act
    await start(0.1)

    await until(lambda: ticks.count[depot] >= 3)
    assert ticks.most_of_one_depot == 1
    assert "fails (TimeoutError)" in caplog.text


async def test_a_new_depot_is_ticked_when_it_is_first_heard_of(backend: Backend, ticks: Ticks, start: Start) -> None:
    await start(60.0)
    (depot,) = await depots_of(backend, 1)
    await asyncio.sleep(0.1)
    assert ticks.count[depot] == 0

    await wake(backend, depot)

    await until(lambda: ticks.count[depot] == 1, timeout_s=1.0)


async def test_a_depot_that_is_gone_is_ticked_no_more(
    backend: Backend, ticks: Ticks, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "_REFRESH_S", 0.05)
    gone, stays = await depots_of(backend, 2)
    await start(0.05)
    await until(lambda: ticks.count[gone] >= 2)

    async with backend.unit_of_work(user(gone[0])) as work:
        await work.session.execute(delete(tables.depot).where(tables.depot.c.id == gone[1]))
        await work.commit()
    await asyncio.sleep(0.3)
    before = Counter(ticks.count)
    await until(lambda: ticks.count[stays] >= before[stays] + 3)

    assert ticks.count[gone] == before[gone]


async def test_a_wake_up_that_names_no_depot_is_ignored(
    backend: Backend, ticks: Ticks, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    (depot,) = await depots_of(backend, 1)
    await start(60.0)
    before = ticks.count[depot]

    async with backend.unit_of_work(user(depot[0])) as work:
        work.notify(PLANNER_CHANNEL, "rubbish")
        await work.commit()
    await wake(backend, depot)

    await until(lambda: ticks.count[depot] == before + 1)
    assert "'rubbish' is not <tenant id>:<depot id>; ignored." in caplog.text
