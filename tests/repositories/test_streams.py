"""Event streams: in order, per tenant, from any position on, and quiet when there is nothing to tell."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from ampyard.domain.errors import EventsGoneError
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.repositories import streams
from ampyard.repositories.outbox import OutboxEntry
from ampyard.repositories.streams import EventStream, connect_redis, id_order
from ampyard.server.embedded import EmbeddedServers
from tests.gate import gate_to
from tests.published import arrived

NOW = datetime(2026, 11, 2, 8, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
async def stream(servers: EmbeddedServers) -> AsyncIterator[EventStream]:
    redis = connect_redis(servers.redis_url)
    yield EventStream(redis)
    await redis.aclose()


def entry(tenant_id: uuid.UUID, number: int, *, depot_id: uuid.UUID | None = None, kind: str = "depot.power") -> OutboxEntry:
    return OutboxEntry(number, tenant_id, kind, uuid.UUID(int=number), depot_id, {"n": number}, NOW)


async def test_an_event_arrives_as_it_was_published(stream: EventStream) -> None:
    tenant_id, depot_id = uuid.uuid4(), uuid.uuid4()
    await stream.publish([entry(tenant_id, 7, depot_id=depot_id)])

    (event,) = await arrived(stream, tenant_id, 1)

    assert event == PublishedEvent(
        tenant_id=tenant_id,
        stream_id=await stream.newest_id(tenant_id),
        kind=EventKind.DEPOT_POWER,
        aggregate_id=uuid.UUID(int=7),
        depot_id=depot_id,
        payload={"n": 7},
        occurred_at=NOW,
    )


async def test_each_tenant_gets_its_own_in_order(stream: EventStream) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    await stream.publish([entry(tenant, number) for number in range(700) for tenant in (one, other)])

    events = await arrived(stream, one, 700)

    assert [event.payload["n"] for event in events] == list(range(700))
    assert {event.tenant_id for event in events} == {one}


async def test_reading_after_the_newest_gives_what_comes_from_then_on(stream: EventStream) -> None:
    tenant_id = uuid.uuid4()
    assert await stream.newest_id(tenant_id) == "0-0"
    await stream.publish([entry(tenant_id, 1)])
    reader = stream.read(tenant_id, await stream.newest_id(tenant_id))
    following = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0.05)
    assert not following.done()

    await stream.publish([entry(tenant_id, 2)])

    assert (await asyncio.wait_for(following, 5)).payload == {"n": 2}


async def test_an_event_of_a_newer_version_is_passed_over(stream: EventStream) -> None:
    tenant_id = uuid.uuid4()
    await stream.publish([entry(tenant_id, 1), entry(tenant_id, 2, kind="moon.phase"), entry(tenant_id, 3)])

    assert [event.payload["n"] for event in await arrived(stream, tenant_id, 2)] == [1, 3]


@pytest.mark.parametrize(
    "fields",
    [{"event": "moon"}, {"event": "[]"}, {"event": "{}"}, {"event": '{"kind": "depot.power", "aggregate_id": null}'}, {"moon": "full"}],
)
async def test_an_event_that_cannot_be_read_does_not_end_the_stream(stream: EventStream, fields: dict[str, str]) -> None:
    tenant_id = uuid.uuid4()
    await stream.publish([entry(tenant_id, 1)])
    await stream._redis.xadd(streams._key(tenant_id), fields)  # type: ignore[arg-type]  # the client's dict is invariant
    await stream.publish([entry(tenant_id, 3)])

    assert [event.payload["n"] for event in await arrived(stream, tenant_id, 2)] == [1, 3]


async def test_a_stream_keeps_its_newest_events(stream: EventStream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_KEPT", 200)
    tenant_id = uuid.uuid4()
    await stream.publish([entry(tenant_id, number) for number in range(1000)])

    (oldest,) = await arrived(stream, tenant_id, 1)

    # Trimmed by whole nodes of a hundred entries.
    assert 600 < oldest.payload["n"] <= 800
    assert (await arrived(stream, tenant_id, 1000 - oldest.payload["n"]))[-1].payload == {"n": 999}


async def test_waiting_for_events_is_not_taken_for_a_dead_connection(servers: EmbeddedServers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with gate_to(servers.redis_url) as gate:
        redis = connect_redis(f"redis://127.0.0.1:{gate.port}")
        timeout_s = redis.connection_pool.connection_kwargs["socket_timeout"]
        assert timeout_s * 1000 > streams._BLOCK_MS + 1000
        monkeypatch.setattr(streams, "_BLOCK_MS", 50)
        with pytest.raises(TimeoutError):
            await arrived(EventStream(redis), uuid.uuid4(), 1, timeout_s=0.5)
        # Some ten reads, one connection.
        assert gate.passed == 1
        await redis.aclose()


async def test_events_between_two_ids(stream: EventStream) -> None:
    tenant_id = uuid.uuid4()
    ids = []
    for number in range(5):
        await stream.publish([entry(tenant_id, number)])
        ids.append(await stream.newest_id(tenant_id))

    assert [event.payload["n"] for event in await stream.between(tenant_id, ids[1], ids[3])] == [2, 3]
    assert await stream.between(tenant_id, ids[4], ids[4]) == []
    assert await stream.between(tenant_id, ids[3], ids[1]) == []


async def test_events_that_are_not_kept_any_more_are_not_passed_over(stream: EventStream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_KEPT", 100)
    tenant_id = uuid.uuid4()
    await stream.publish([entry(tenant_id, 0)])
    first = await stream.newest_id(tenant_id)
    await stream.publish([entry(tenant_id, number) for number in range(1, 500)])
    newest = await stream.newest_id(tenant_id)

    with pytest.raises(EventsGoneError, match=f"The events after {first} are not kept any more"):
        await stream.between(tenant_id, first, newest)


@pytest.mark.parametrize("after", ["0-0", "18446744073709551615-0"])
async def test_an_id_from_another_time_is_no_place_to_go_on_from(stream: EventStream, after: str) -> None:
    tenant_id = uuid.uuid4()
    with pytest.raises(EventsGoneError):
        await stream.between(tenant_id, after, after)
    await stream.publish([entry(tenant_id, 1)])
    with pytest.raises(EventsGoneError):
        await stream.between(tenant_id, after, await stream.newest_id(tenant_id))


def test_ids_are_compared_by_time_then_number() -> None:
    ids = ["0-0", "9-10", "10-9", "10-10", "18446744073709551615-18446744073709551615"]
    assert sorted([ids[3], *ids[:3], ids[4]], key=id_order) == ids


@pytest.mark.parametrize(
    "wrong",
    ["", "1", "1-", "-1", "1-2-3", " 1-2", "1-2\n", "\N{ARABIC-INDIC DIGIT ONE}-2", "+", "$", "18446744073709551616-0", "1-" + "9" * 20],
)
def test_what_is_no_id_is_told(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not the id of an event"):
        id_order(wrong)
