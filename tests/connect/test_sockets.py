"""Sockets that replace one another, are taken for lost, or are closed because the process stops."""

import asyncio
import json
import os
import signal
import socket
from datetime import timedelta
from types import SimpleNamespace

from ampyard.connect.options import ConnectOptions
from ampyard.connect.server import ConnectServer, run_connect
from ampyard.repositories.charge_points import ChargePoints
from ampyard.services import charge_points
from ampyard.services.backend import Backend
from tests.connect.points import closed_with, dial, eventually, new_point, serving, wired
from tests.fleet import user


async def test_a_newer_socket_replaces_an_older_one(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with dial(server, point) as older, wired(server, point) as newer:
        assert await closed_with(older) == (1000, "replaced")
        assert "currentTime" in await newer.call("Heartbeat")
        assert (await point.charge_point()).connected


async def test_a_newer_socket_at_another_process_replaces_an_older_one(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    elsewhere = serving(backend, ConnectOptions(poll_interval_s=3600, presence_interval_s=3600))
    async with elsewhere as other, dial(other, point) as older, wired(server, point) as newer:
        assert await closed_with(older) == (1000, "replaced")
        assert "currentTime" in await newer.call("Heartbeat")

        async def let_go() -> bool:
            return len(other.sockets) == 0

        await eventually(let_go)
        assert (await point.charge_point()).connected


async def test_an_old_notification_does_not_close_the_newest_socket(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        charge_point = await point.charge_point()
        async with backend.unit_of_work(user(point.tenant_id)) as work:
            work.notify("ampyard_sockets", f"{charge_point.id}:{point.tenant_id}")
            work.notify("ampyard_sockets", "nonsense")
            await work.commit()
        await asyncio.sleep(0.2)
        assert "currentTime" in await wire.call("Heartbeat")


async def test_a_charge_point_that_was_taken_for_lost_is_found_again(backend: Backend) -> None:
    point = await new_point(backend)
    async with serving(backend, ConnectOptions(presence_interval_s=0.1)) as server, wired(server, point):
        charge_point = await point.charge_point()
        async with backend.unit_of_work(user(point.tenant_id)) as work:
            await work.change(ChargePoints, charge_point.id, connected=False, socket_id=None)
            await work.commit()

        async def found() -> bool:
            return (await point.charge_point()).connected

        await eventually(found)


async def test_presence_is_recorded_while_the_socket_is_open(backend: Backend) -> None:
    point = await new_point(backend)
    async with serving(backend, ConnectOptions(presence_interval_s=0.1)) as server, wired(server, point):
        before = (await point.charge_point()).last_seen_at
        assert before is not None

        async def seen_later() -> bool:
            last_seen_at = (await point.charge_point()).last_seen_at
            return last_seen_at is not None and last_seen_at > before + timedelta(milliseconds=200)

        await eventually(seen_later)


async def test_a_stop_closes_the_sockets_and_records_it(backend: Backend) -> None:
    points = [await new_point(backend) for _ in range(3)]
    async with serving(backend, ConnectOptions()) as server:
        sockets = [await dial(server, point) for point in points]
        values = {"connectorId": 1, "meterValue": [{"timestamp": "2026-11-02T08:00:00Z", "sampledValue": [{"value": "1"}]}]}
        await sockets[0].send(json.dumps([2, "m-1", "MeterValues", values]))
        assert json.loads(await sockets[0].recv()) == [3, "m-1", {}]
        stop_begins = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - stop_begins < 5

    assert [await closed_with(each) for each in sockets] == [(1001, "going away")] * 3
    assert [(await point.charge_point()).connected for point in points] == [False] * 3
    assert len(await points[0].samples()) == 1


async def test_a_fast_socket_is_read_more_slowly(backend: Backend) -> None:
    point = await new_point(backend)
    options = ConnectOptions(messages_per_s=50, message_burst=10)
    async with serving(backend, options) as server, wired(server, point) as wire:
        began = asyncio.get_running_loop().time()
        for number in range(30):
            await wire.socket.send(json.dumps([2, str(number), "Heartbeat", {}]))
        answers = [await asyncio.wait_for(wire.answers.get(), 5) for _ in range(30)]
    assert [answer[1] for answer in answers] == [str(number) for number in range(30)]
    assert asyncio.get_running_loop().time() - began > 0.35


async def test_a_signal_ends_the_process_in_order(backend: Backend) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    point = await new_point(backend)
    running = asyncio.create_task(run_connect(backend, "127.0.0.1", port))

    async def listening() -> bool:
        assert not running.done()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(listening)
    client = await dial(SimpleNamespace(port=port), point)  # type: ignore[arg-type]  # its port is all that is needed
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 5)

    assert await closed_with(client) == (1001, "going away")
    assert not (await point.charge_point()).connected


async def test_an_unreachable_database_is_not_ready(backend: Backend) -> None:
    assert await backend.database.reachable()
    assert not await backend.database.reachable(timeout_s=0)


async def test_the_goodbye_of_an_older_socket_is_ignored(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point):
        charge_point = await point.charge_point()
        old = charge_points.Station(point.tenant_id, charge_point.id, point.identity, point.tenant_id)
        await charge_points.disconnected(backend, old)
        assert (await point.charge_point()).connected
