"""The worker process: the outbox relay, the planner, the job queue and the sweeps. Any number of workers may run."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from ampyard.jobs.alerts import LookOut, reschedule_overdue
from ampyard.jobs.planner import Planner, Tick
from ampyard.jobs.plans import Plans
from ampyard.jobs.relay import run_relay
from ampyard.jobs.work_queue import run_work_queue
from ampyard.services import (
    charge_points,
    commands,
    depot_link_sockets,
    energy_prices,
    node_loads,
    readiness,
    reservation_states,
    retention,
    rollups,
)
from ampyard.services.backend import Backend
from ampyard.services.outages import Outage
from ampyard.services.tasks import end
from ampyard.services.transactions import anomalies, intervals

_log = logging.getLogger(__name__)

_SWEEP_S = 15.0
_EXPIRE_S = 2.0
_SPREAD_S = 5.0
_OVERDUE_S = 60.0
_SETTLE_S = 5.0
_PARTITIONS_S = 3600.0
_LOADS_S = node_loads.LOOK_EVERY.total_seconds()
_ROLL_UP_S = 60.0
_READINESS_S = 60.0
# A loop that has run this long is taken to work.
_SETTLED_S = 10.0
# Jobs that run when the worker is to stop may finish for so long; then all loops are given so long to let go.
_FINISH_S = 3.0
_LET_GO_S = 1.5
_NOTHING: Mapping[str, Callable[[], Awaitable[None]]] = MappingProxyType({})


async def run_worker(
    backend: Backend, database_url: str, *, tick: Tick, stop: asyncio.Event, also: Mapping[str, Callable[[], Awaitable[None]]] = _NOTHING
) -> None:
    """Run all loops until `stop` is set; returns at most 5 seconds after. A loop that fails is started again.

    Args:
        backend: the ports.
        database_url: SQLAlchemy URL; the job queue and the listeners use connections of their own.
        tick: shares the power of one depot, `services.power.tick`.
        stop: set by whoever wants the worker to end.
        also: loops of other rooms, by what they do.
    """
    queue = _kept_running("The job queue", lambda: run_work_queue(backend, database_url, stop), stop)
    others = [
        _kept_running("The outbox relay", lambda: run_relay(backend.database, backend.events.stream), stop),
        _kept_running("The planner", lambda: Planner(backend, tick).run(), stop),
        _kept_running("Planning", lambda: Plans(backend).run(), stop),
        _kept_running("Looking for silent charge points", lambda: _every(_SWEEP_S, charge_points.sweep_silent, backend), stop),
        _kept_running("Looking for silent depot links", lambda: _every(_SWEEP_S, depot_link_sockets.sweep_silent, backend), stop),
        _kept_running("Ending overdue commands", lambda: _every(_EXPIRE_S, commands.expire_overdue, backend), stop),
        _kept_running("Ending reservations", lambda: _every(_EXPIRE_S, reservation_states.expire_overdue, backend), stop),
        _kept_running("Spreading energy over intervals", lambda: _every(_SPREAD_S, intervals.spread_overdue, backend), stop),
        _kept_running("Looking for alerts", lambda: LookOut(backend).run(), stop),
        _kept_running("Looking for overdue notifications", lambda: _every(_OVERDUE_S, reschedule_overdue, backend), stop),
        _kept_running("Recording the load of power nodes", lambda: _every(_LOADS_S, node_loads.record_node_loads, backend), stop),
        _kept_running("Working out costs", lambda: _every(_SETTLE_S, energy_prices.settle_due, backend), stop),
        _kept_running("Looking for transactions that never end", lambda: _every(_SWEEP_S, anomalies.sweep_silent, backend), stop),
        _kept_running("Keeping readiness", lambda: _every(_READINESS_S, readiness.record_all, backend), stop),
        _kept_running("Rolling up what charts are drawn from", lambda: _every(_ROLL_UP_S, rollups.roll_up_all, backend), stop),
        *(_kept_running(name, loop, stop) for name, loop in also.items()),
        # Not by the queue's schedule: after a long stop they are missing now, and samples must not come first.
        _kept_running("Making partitions", lambda: _every(_PARTITIONS_S, retention.make_partitions, backend), stop),
    ]
    try:
        await stop.wait()
        await asyncio.gather(end(others, timeout_s=_FINISH_S), asyncio.wait([queue], timeout=_FINISH_S))
    finally:
        for task in await end([queue, *others], timeout_s=_LET_GO_S):
            _log.error("%s does not end; left behind.", task.get_name())


def _kept_running(name: str, loop: Callable[[], Awaitable[None]], stop: asyncio.Event) -> "asyncio.Task[None]":
    async def keep() -> None:
        outage = Outage(name, _log, longest_delay_s=30.0, unexpected=True)
        while not stop.is_set():
            settled = asyncio.get_running_loop().call_later(_SETTLED_S, outage.over)
            try:
                await loop()
            except Exception as error:  # noqa: BLE001 - whatever ended the loop, the process goes on
                settled.cancel()
                await asyncio.sleep(outage.failed(error))
            finally:
                settled.cancel()

    return asyncio.create_task(keep(), name=name)


async def _every(interval_s: float, act: Callable[[Backend], Awaitable[object]], backend: Backend) -> None:
    while True:
        await act(backend)
        await asyncio.sleep(interval_s)
