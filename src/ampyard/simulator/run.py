"""A whole fleet in one process: one task for each charge point's link, and one that moves the simulated world."""

import asyncio
import logging
import random
from datetime import UTC, datetime
from itertools import chain

from ampyard.simulator.charge_point import Clock, SimulatedChargePoint
from ampyard.simulator.dialect import Dialect
from ampyard.simulator.fleet import Fleet, load_fleet
from ampyard.simulator.generated import generate_fleet
from ampyard.simulator.link import keep_connected
from ampyard.simulator.options import SimulatorOptions
from ampyard.simulator.state import Flash
from ampyard.simulator.v16.messages import Dialect16
from ampyard.simulator.v21.messages import Dialect21
from ampyard.simulator.v201.messages import Dialect201
from ampyard.simulator.yard import Yard

LOG = logging.getLogger(__name__)
DEFAULT_CHARGE_POINTS = 24
CONNECTS_PER_S = 50.0
PROGRESS_S = 60.0

DIALECTS: dict[str, Dialect] = {"1.6": Dialect16(), "2.0.1": Dialect201(), "2.1": Dialect21()}


class World:
    """Charge points and yards of a fleet, moved together. Nothing here touches the network."""

    def __init__(self, fleet: Fleet, options: SimulatorOptions, clock: Clock) -> None:
        flash = None if options.state is None else Flash(options.state)
        self._flash = flash
        self.points = [SimulatedChargePoint(spec, DIALECTS[spec.ocpp_version], options, clock, flash) for spec in fleet.charge_points]
        away = [] if flash is None else flash.load_away()
        depots = dict.fromkeys(spec.depot for spec in fleet.charge_points)
        self.yards = [
            Yard(
                [vehicle for vehicle in fleet.vehicles if vehicle.depot == depot],
                [point for point in self.points if point.spec.depot == depot],
                away,
                seed=options.seed,
                speed=options.speed,
                arrival_window_s=options.arrival_window_s,
                started_at=clock(),
                away_changed=self._save_away,
            )
            for depot in depots
        ]

    def step(self, now: datetime) -> None:
        for yard in self.yards:
            yard.step(now)
        for point in self.points:
            point.advance(now)

    def save(self) -> None:
        for point in self.points:
            point.save()
        self._save_away()

    def _save_away(self) -> None:
        if self._flash is not None:
            self._flash.save_away(list(chain.from_iterable(yard.away for yard in self.yards)))

    def summary(self) -> str:
        evses = [evse for point in self.points for evse in point.evses]
        online = sum(point.online for point in self.points)
        transactions = sum(evse.state.transaction is not None for evse in evses)
        power_kw = sum(evse.power_kw for evse in evses)
        return f"{online} of {len(self.points)} charge points online, {transactions} transactions on {len(evses)} EVSEs, {power_kw:.0f} kW"


async def run_fleet(options: SimulatorOptions) -> None:
    """Run the fleet until cancelled.

    Cancelling is a power-off: sockets are closed, transactions stay open and go on at the next start with the same state folder.

    Raises:
        OSError: The fleet file or the state folder cannot be used.
        pydantic.ValidationError: The fleet file, or a state file, is not of the documented shape.
    """
    world = World(_fleet(options), options, _utc_now)
    LOG.info("%d charge points connect to %s at speed %g, seed %d", len(world.points), options.url, options.speed, options.seed)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_move(world, options.step_s))
            for index, point in enumerate(world.points):
                tasks.create_task(_connect_later(point, index / CONNECTS_PER_S, options.seed))
    finally:
        world.save()


def _fleet(options: SimulatorOptions) -> Fleet:
    if options.fleet is None:
        return generate_fleet(options.charge_points or DEFAULT_CHARGE_POINTS, options.seed)
    fleet = load_fleet(options.fleet)
    return fleet if options.charge_points is None else fleet.first(options.charge_points)


async def _connect_later(point: SimulatedChargePoint, delay_s: float, seed: int) -> None:
    await asyncio.sleep(delay_s)
    await keep_connected(point, random.Random(f"{seed}:{point.spec.identity}:link"))


async def _move(world: World, step_s: float) -> None:
    loop = asyncio.get_running_loop()
    next_progress_s = loop.time() + PROGRESS_S
    while True:
        world.step(_utc_now())
        if loop.time() >= next_progress_s:
            next_progress_s += PROGRESS_S
            LOG.info("%s", world.summary())
        await asyncio.sleep(step_s)


def _utc_now() -> datetime:
    return datetime.now(UTC)
