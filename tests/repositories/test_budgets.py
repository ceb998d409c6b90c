"""Budgets on a real server: never more given out than there was, by however many processes; and operations that go on without it."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from ampyard.domain.access import Principal, PrincipalKind
from ampyard.repositories import budgets
from ampyard.repositories.budgets import Admission, Buckets, Budgets
from ampyard.repositories.streams import connect_redis
from ampyard.server.embedded import EmbeddedServers
from tests.gate import gate_to
from tests.patience import until

Process = Callable[..., Buckets]


@pytest.fixture(scope="module", autouse=True)
def _patience() -> Iterator[None]:
    """Machines that run many things at once are slow now and then; here that is no reason to go on without the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budgets, "_PATIENCE_S", 30.0)
        yield


@asynccontextmanager
async def processes(url: str) -> AsyncIterator[Process]:
    """Yield what starts processes: each with connections and a memory of its own."""
    clients: list[Redis] = []
    started: list[Budgets] = []

    def start(capacity: int = 1_000, restore_per_s: int = 1) -> Buckets:
        clients.append(connect_redis(url))
        started.append(Budgets(clients[-1]))
        return started[-1].buckets(capacity=capacity, restore_per_s=restore_per_s)

    yield start
    for budget in started:
        await budget.close()
    for client in clients:
        await client.aclose()


@pytest.fixture
async def process(servers: EmbeddedServers) -> AsyncIterator[Process]:
    async with processes(servers.redis_url) as start:
        yield start


def anna() -> Principal:
    """Return somebody new, of a tenant of her own."""
    return Principal(uuid.uuid4(), "anna", PrincipalKind.USER, frozenset())


async def left(process: Process, principal: Principal, **size: int) -> int:
    """Return what a process that has just started finds in the bucket."""
    admission = await process(**size).take(principal, 0)
    assert admission.available is not None
    return admission.available


async def test_a_new_principal_has_all_there_is(process: Process) -> None:
    buckets, principal = process(), anna()
    assert await buckets.take(principal, 300) == Admission(allowed=True, available=700)
    assert await buckets.take(principal, 700) == Admission(allowed=True, available=0)


async def test_too_few_points_are_not_taken_and_the_wait_is_told(process: Process) -> None:
    buckets, principal = process(restore_per_s=10), anna()
    await buckets.take(principal, 900)

    refused = await buckets.take(principal, 200)

    assert not refused.allowed
    assert refused.available is not None
    assert 100 <= refused.available < 110
    assert refused.retry_after_s == pytest.approx((200 - refused.available) / 10)
    assert (await buckets.take(principal, 100)).allowed


async def test_points_come_back_with_time_by_the_servers_clock(process: Process) -> None:
    buckets, principal = process(capacity=1_000, restore_per_s=2_000), anna()
    assert (await buckets.take(principal, 1_000)).available == 0
    refused = await buckets.take(principal, 400)
    assert not refused.allowed

    await asyncio.sleep(refused.retry_after_s + 0.01)

    assert (await buckets.take(principal, 400)).allowed


async def test_a_bucket_holds_no_more_than_its_capacity(process: Process) -> None:
    buckets, principal = process(restore_per_s=100_000), anna()
    await buckets.take(principal, 500)
    await asyncio.sleep(0.05)
    assert await left(process, principal, restore_per_s=100_000) == 1_000


async def test_principals_and_tenants_have_buckets_of_their_own(process: Process) -> None:
    buckets, principal = process(), anna()
    await buckets.take(principal, 1_000)
    for other in (
        replace(principal, subject="ben"),
        replace(principal, kind=PrincipalKind.KEY),
        replace(principal, tenant_id=uuid.uuid4()),
    ):
        assert (await buckets.take(other, 1_000)).allowed
    assert not (await buckets.take(replace(principal, scopes=frozenset()), 1_000)).allowed


async def test_all_processes_share_one_bucket(process: Process) -> None:
    principal = anna()
    assert (await process().take(principal, 600)).available == 400
    refused = await process().take(principal, 600)
    assert (refused.allowed, refused.available) == (False, 400)


async def test_a_refund_can_be_spent_at_once(process: Process) -> None:
    buckets, principal = process(), anna()
    await buckets.take(principal, 1_000)
    assert buckets.refund(principal, 990) == 990
    assert await buckets.take(principal, 990) == Admission(allowed=True, available=0)


async def test_a_refund_reaches_other_processes(process: Process) -> None:
    one, principal = process(), anna()
    await one.take(principal, 1_000)
    one.refund(principal, 990)
    other = process()

    # Most of it at once, the rest when it has lain about.
    await until(lambda: not one._tasks)
    assert (await other.take(principal, 950)).allowed
    await asyncio.sleep(budgets._IDLE_S * 2.2)
    assert (await other.take(principal, 40)).allowed


async def test_a_process_that_ends_leaves_nothing_behind(servers: EmbeddedServers, process: Process) -> None:
    principal = anna()
    async with processes(servers.redis_url) as start:
        buckets = start()
        await buckets.take(principal, 100)
        assert await left(process, principal) < 900  # some has been taken ahead
    assert await left(process, principal) == 900


async def test_what_cost_more_than_was_taken_is_a_debt(process: Process) -> None:
    buckets, principal = process(), anna()
    await buckets.take(principal, 1_000)
    assert buckets.refund(principal, -50) == 0
    await until(lambda: not buckets._tasks)
    refused = await process().take(principal, 10)
    assert (refused.allowed, refused.available) == (False, 0)
    assert refused.retry_after_s >= 10


async def test_small_operations_of_one_who_has_plenty_need_no_round_trip(
    servers: EmbeddedServers, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    buckets, principal = process(), anna()
    asked: list[int] = []
    ask = buckets._ask

    async def note(account: Any, wanted: int, ahead: int, **keep: int) -> int | None:
        asked.append(wanted)
        return await ask(account, wanted, ahead, **keep)

    monkeypatch.setattr(buckets, "_ask", note)
    for _ in range(40):
        assert (await buckets.take(principal, 2)).allowed
    assert asked == [2, 2, 2, 2]  # twenty points ahead each time

    # Near its end every point is asked for.
    await buckets.take(principal, 700)
    asked.clear()
    for _ in range(10):
        assert (await buckets.take(principal, 2)).allowed
    assert len(asked) >= 9


async def test_concurrent_takes_of_one_process_are_each_paid(process: Process) -> None:
    buckets, principal = process(), anna()
    admissions = await asyncio.gather(*(buckets.take(principal, 90) for _ in range(30)))
    assert sum(admission.allowed for admission in admissions) == 11  # of 1000, 990


@given(
    capacity=st.integers(1, 5_000),
    takes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2_000), st.integers(0, 100)), min_size=1, max_size=40),
)
async def test_processes_together_never_give_out_more_than_there_was(
    servers: EmbeddedServers, capacity: int, takes: list[tuple[int, int, int]]
) -> None:
    """Whatever is taken and refunded, where, and at the same time: the sum of what was kept is at most what there was."""
    async with processes(servers.redis_url) as start:
        running = [start(capacity=capacity, restore_per_s=1) for _ in range(4)]
        principal = anna()
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def operate(process: int, points: int, refunded_percent: int) -> int:
            points = min(points, capacity)
            admission = await running[process].take(principal, points)
            if not admission.allowed:
                assert admission.retry_after_s > 0
                return 0
            await asyncio.sleep(0)
            refunded = points * refunded_percent // 100
            running[process].refund(principal, refunded)
            return points - refunded

        spent = sum(await asyncio.gather(*(operate(*take) for take in takes)))

        elapsed_s = loop.time() - began
        assert spent <= capacity + elapsed_s * 1 + 1
        for buckets in running:
            await buckets.close()
        there = await left(start, principal, capacity=capacity)
        assert capacity - spent <= there <= capacity - spent + elapsed_s + 2


async def test_without_the_server_operations_go_on(servers: EmbeddedServers, caplog: pytest.LogCaptureFixture) -> None:
    async with gate_to(servers.redis_url) as gate, processes(f"redis://127.0.0.1:{gate.port}") as start:
        buckets, principal = start(), anna()
        await buckets.take(principal, 900)
        await gate.shut()
        loop = asyncio.get_running_loop()

        with caplog.at_level(logging.WARNING):
            began = loop.time()
            admissions = [await buckets.take(principal, 900) for _ in range(50)]
            took_s = loop.time() - began

        assert set(admissions) == {Admission(allowed=True, available=None)}
        assert buckets.unasked == 50
        assert took_s < 5  # it is not tried for every operation
        assert len([record for record in caplog.records if record.name == budgets.__name__]) == 1

        await gate.open()
        await asyncio.sleep(budgets._PAUSE_S)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert not (await buckets.take(principal, 900)).allowed
        assert "50 operations have gone on without" in caplog.text


async def test_a_server_that_does_not_answer_is_not_waited_for(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "_PATIENCE_S", 0.1)
    held: list[asyncio.StreamWriter] = []

    def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    silent = await asyncio.start_server(hold, "127.0.0.1")
    async with processes(f"redis://127.0.0.1:{silent.sockets[0].getsockname()[1]}") as start:
        buckets = start()
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await buckets.take(anna(), 10) == Admission(allowed=True, available=None)
        assert loop.time() - began < 5
        assert await buckets.take(anna(), 10) == Admission(allowed=True, available=None)
        assert buckets.unasked == 2
    for writer in held:
        writer.transport.abort()
    silent.close()
    assert "Operations go on" in caplog.text


async def test_a_lost_bucket_is_a_full_one(servers: EmbeddedServers, process: Process) -> None:
    principal = anna()
    await process().take(principal, 1_000)
    redis = connect_redis(servers.redis_url)
    await redis.delete(f"ampyard:budget:{principal.tenant_id}:{principal.author}")
    await redis.script_flush()
    await redis.aclose()
    assert (await process().take(principal, 1_000)).allowed


async def test_a_full_bucket_is_forgotten(servers: EmbeddedServers, process: Process) -> None:
    principal = anna()
    await process(capacity=1_000, restore_per_s=500).take(principal, 1_000)
    redis = connect_redis(servers.redis_url)
    expires_in_ms = await redis.pttl(f"ampyard:budget:{principal.tenant_id}:{principal.author}")
    await redis.aclose()
    assert 2_000 < expires_in_ms <= 3_000
