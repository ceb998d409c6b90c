"""Depots that meet with trouble, all at the same time: real services and sockets, simulated charge points, and what flows at each node."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ampyard.connect.options import ConnectOptions
from ampyard.domain.charge_points import CurrentType, OcppVersion
from ampyard.domain.supply import MeterReading, PowerNodeKind
from ampyard.domain.vehicles import VehicleKind
from ampyard.jobs.planner import Planner
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.services import commands, power
from ampyard.services.backend import Backend
from ampyard.services.power_nodes import NewLimitException, add_limit_exception, edit_power_node
from ampyard.services.seeding import ChargePointSpec, DepotSpec, EvseSpec, NodeSpec, TenantSpec, VehicleSpec, seed
from ampyard.services.site_meters import report_site_meter
from ampyard.simulator import fleet
from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.link import keep_connected
from ampyard.simulator.obedience import Obedience, Obeys
from ampyard.simulator.options import SimulatorOptions
from ampyard.simulator.run import DIALECTS
from ampyard.simulator.state import PluggedVehicle
from tests.connect.points import serving
from tests.fleet import user

# When the trouble begins, and when all is over; s after the vehicles have been plugged in.
TROUBLE_S = 18.0
END_S = 58.0
METER_INTERVAL_S = 2.0
METER_MAX_AGE_S = 8
LATE_S = 30.0
GRID_KW, FEEDER_KW, CUT_KW = 120.0, 80.0, 60.0
BUILDING_KW, BUILDING_FALLBACK_KW = 20.0, 60.0
_RATED_KW, _FALLBACK_KW = 50.0, 10.0
_STEP_S = 0.25
_PASSWORD = "correct horse battery"
_FEEDERS = ("Feeder 1", "Feeder 2")


@dataclass
class Site:
    """A depot of four direct-current charge points on two feeders, and what has flowed there: (s, kW) and (s, limit in kW) by node."""

    name: str
    depot_id: uuid.UUID
    nodes: dict[str, uuid.UUID]
    points: list[SimulatedChargePoint]
    links: list["asyncio.Task[None]"] = field(default_factory=list)
    building_kw: float = 0.0
    limits_kw: dict[str, float] = field(default_factory=lambda: {"Grid": GRID_KW, **dict.fromkeys(_FEEDERS, FEEDER_KW)})
    loads: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    limits: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    by_point: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    # What has happened of its trouble, and when the machine came to it: (s).
    happened: dict[str, float] = field(default_factory=dict)

    def is_due(self, what: str, at_s: float, after_s: float = 0.0) -> bool:
        """Tell once that something of the trouble is to happen now."""
        if what in self.happened or at_s < TROUBLE_S + after_s:
            return False
        self.happened[what] = at_s
        return True

    def look(self, at_s: float) -> None:
        """Take down what flows now."""
        powers = [sum(evse.power_kw for evse in point.evses) for point in self.points]
        flows = {"Grid": sum(powers) + self.building_kw, "Feeder 1": sum(powers[:2]), "Feeder 2": sum(powers[2:])}
        for name, kw in flows.items():
            self.loads.setdefault(name, []).append((at_s, kw))
            self.limits.setdefault(name, []).append((at_s, self.limits_kw[name]))
        for point, kw in zip(self.points, powers, strict=True):
            self.by_point.setdefault(point.spec.identity, []).append((at_s, kw))

    def over_s(self, since_s: float = 0.0, *, slack_kw: float = 0.5) -> list[float]:
        """Return when, from a time on, some node carried more than its limit."""
        return sorted(
            {
                at_s
                for name, flows in self.loads.items()
                for (at_s, kw), (_, limit_kw) in zip(flows, self.limits[name], strict=True)
                if at_s >= since_s and kw > limit_kw + slack_kw
            }
        )

    def reaction_s(self, what: str = "trouble") -> float:
        """Return how long after something happened every node was under its limit for good."""
        since_s = self.happened[what]
        over = self.over_s(since_s)
        return over[-1] + _STEP_S - since_s if over else 0.0

    def kw_of(self, number: int, begin_s: float, end_s: float) -> list[float]:
        """Return what a charge point drew from a time after the trouble to another."""
        since_s = self.happened["trouble"]
        return [kw for at_s, kw in list(self.by_point.values())[number] if begin_s <= at_s - since_s < end_s]

    def mean_kw(self, node: str, begin_s: float, end_s: float) -> float:
        """Return what flowed at a node on average."""
        flows = [kw for at_s, kw in self.loads[node] if begin_s <= at_s < end_s]
        return sum(flows) / len(flows)


class Sites:
    """All depots, with the planner that can be taken from each."""

    def __init__(self, backend: Backend, tenant_id: uuid.UUID, sites: dict[str, Site]) -> None:
        self.backend = backend
        self.tenant_id = tenant_id
        self.by_name = sites
        self.without_planner: set[uuid.UUID] = set()

    async def tick(self, backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> None:
        if depot_id not in self.without_planner:
            await power.tick(backend, tenant_id, depot_id)

    async def cut(self, site: Site, kw: float) -> None:
        """Have the grid operator's limit come into force."""
        now = self.backend.clock()
        limit = NewLimitException(site.nodes["Grid"], now, now + timedelta(hours=1), kw, None, "The grid operator asks for it")
        site.limits_kw["Grid"] = kw
        await add_limit_exception(self.backend, user(self.tenant_id), limit)

    async def meter(self, site: Site) -> None:
        """Have the site meter tell what the building takes."""
        await report_site_meter(
            self.backend, user(self.tenant_id), [(site.nodes["Grid"], MeterReading(self.backend.clock(), site.building_kw))]
        )


Trouble = Callable[[Sites, Site, float], Awaitable[None]]


async def _grid_cut(sites: Sites, site: Site, at_s: float) -> None:
    if site.is_due("trouble", at_s):
        await sites.cut(site, CUT_KW)


async def _planner_dies(sites: Sites, site: Site, at_s: float) -> None:
    if site.is_due("trouble", at_s):
        sites.without_planner.add(site.depot_id)
    if site.is_due("plugged in", at_s, 5):
        plug_in(site.points[3])  # nobody tells it anything
    if site.is_due("planner back", at_s, 22):
        sites.without_planner.discard(site.depot_id)


async def _meter_silent(sites: Sites, site: Site, at_s: float) -> None:
    if at_s < TROUBLE_S:
        await sites.meter(site)
    site.is_due("trouble", at_s)
    if at_s >= TROUBLE_S + METER_MAX_AGE_S + 8:
        # The building takes as much as was said that it might, and no meter tells of it.
        site.building_kw = min(BUILDING_FALLBACK_KW, site.building_kw + 5 * _STEP_S)


async def _links_cut(_sites: Sites, site: Site, at_s: float) -> None:
    if site.is_due("trouble", at_s):
        for link in site.links:
            link.cancel()
        for point in site.points:
            point.link_down()
    if site.is_due("links back", at_s, 18):
        site.links[:] = [connected(point) for point in site.points]


async def _one_ignores(sites: Sites, site: Site, at_s: float) -> None:
    if site.is_due("trouble", at_s):
        await sites.cut(site, 90.0)


async def _one_is_late(sites: Sites, site: Site, at_s: float) -> None:
    if site.is_due("trouble", at_s):
        site.points[0].evses[0].obedience = Obedience(LATE_S)
        site.points[0].advance(site.points[0].clock())
        await sites.cut(site, CUT_KW)


# By name: what happens, whose charge point obeys how, and how many vehicles are there from the begin.
TROUBLES: dict[str, tuple[Trouble, Obeys, int]] = {
    "grid-cut": (_grid_cut, "always", 4),
    "planner-killed": (_planner_dies, "always", 3),
    "site-meter-lost": (_meter_silent, "always", 4),
    "links-cut": (_links_cut, "always", 4),
    "limits-ignored": (_one_ignores, "never", 4),
    "late-to-obey": (_one_is_late, "always", 4),
}


def plug_in(point: SimulatedChargePoint) -> None:
    vehicle = fleet.VehicleSpec(
        name=f"Bus of {point.spec.identity}",
        depot=point.spec.depot,
        id_tag=f"T-{point.spec.identity}"[:20],
        battery_kwh=400.0,
        max_ac_kw=0.0,
        max_dc_kw=150.0,
        initial_soc_percent=10.0,
        target_soc_percent=80.0,
    )
    now = point.clock()
    point.plug_in(point.evses[0], PluggedVehicle(vehicle, 10.0, 0, now + timedelta(hours=5)), now)


def connected(point: SimulatedChargePoint) -> "asyncio.Task[None]":
    return asyncio.create_task(keep_connected(point, random.Random(point.spec.identity)))


async def run(backend: Backend) -> dict[str, Site]:
    """Let all troubles happen, each to a depot of its own; returns what flowed there."""
    async with serving(backend, ConnectOptions(boot_grace_s=0.3)) as server:
        options = SimulatorOptions(
            url=f"ws://127.0.0.1:{server.port}/ocpp", meter_interval_s=METER_INTERVAL_S, step_s=_STEP_S, backoff_s=(0.2, 0.5)
        )
        sites = await _made(backend, options)
        async with _running(sites):
            await _until_all_are_there(sites)
            await asyncio.sleep(1.0)
            for name, (_, _, present) in TROUBLES.items():
                for point in sites.by_name[name].points[:present]:
                    plug_in(point)
            await _happen(sites)
    return sites.by_name


async def _happen(sites: Sites) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (at_s := loop.time() - began) < END_S:
        await asyncio.sleep(_STEP_S)
        for name, (trouble, _, _) in TROUBLES.items():
            site = sites.by_name[name]
            for point in site.points:
                point.advance(point.clock())
            site.look(at_s)
            await trouble(sites, site, at_s)


async def _until_all_are_there(sites: Sites) -> None:
    async with asyncio.timeout(20):
        while not all(point.online for site in sites.by_name.values() for point in site.points):  # noqa: ASYNC110 - the simulator has no event
            await asyncio.sleep(0.1)


@asynccontextmanager
async def _running(sites: Sites) -> AsyncIterator[None]:
    planner = Planner(sites.backend, sites.tick)
    tasks = [asyncio.create_task(planner.run()), asyncio.create_task(_expire(sites.backend))]
    for site in sites.by_name.values():
        site.links[:] = [connected(point) for point in site.points]
    try:
        yield
    finally:
        tasks += [link for site in sites.by_name.values() for link in site.links]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _expire(backend: Backend) -> None:
    while True:
        await commands.expire_overdue(backend)
        await asyncio.sleep(1.0)


async def _made(backend: Backend, options: SimulatorOptions) -> Sites:
    slug = f"failsafe-{uuid.uuid4().hex[:12]}"
    mark = slug[-6:]
    depots = tuple(_depot(name, f"{mark}-{number}") for number, name in enumerate(TROUBLES))
    seeded = await seed(backend, TenantSpec(slug, "Fail-safe", "DE", uuid.uuid4().hex[:3].upper(), depots), lambda _: None)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        found = {depot.name: depot.id for depot in await Depots(snapshot).where()}
        of_depots = await PowerNodes(snapshot).of_depots(list(found.values()))
    sites = {}
    for number, (name, (_, obeys, _)) in enumerate(TROUBLES.items()):
        points = [
            SimulatedChargePoint(
                _simulated(f"{mark}-{number}-{n}", name, "2.0.1" if n % 2 else "1.6", obeys if n == 0 else "always"),
                DIALECTS["2.0.1" if n % 2 else "1.6"],
                options,
                lambda: datetime.now(UTC),
                None,
            )
            for n in range(4)
        ]
        nodes = {node.name: node.id for node in of_depots[found[name]]}
        sites[name] = Site(name, found[name], nodes, points)
    metered = sites["site-meter-lost"]
    metered.building_kw = BUILDING_KW
    await edit_power_node(
        backend,
        user(seeded.tenant_id),
        metered.nodes["Grid"],
        unmanaged_fallback_kw=BUILDING_FALLBACK_KW,
        site_meter_max_age_s=METER_MAX_AGE_S,
    )
    return Sites(backend, seeded.tenant_id, sites)


def _depot(name: str, mark: str) -> DepotSpec:
    def feeder(number: int) -> NodeSpec:
        specs = tuple(
            ChargePointSpec(
                f"{mark}-{n}",
                _PASSWORD,
                OcppVersion.V201 if n % 2 else OcppVersion.V16,
                (EvseSpec(CurrentType.DC, max_power_kw=_RATED_KW, min_power_kw=3.0, fallback_kw=_FALLBACK_KW),),
            )
            for n in (2 * number, 2 * number + 1)
        )
        return NodeSpec(_FEEDERS[number], PowerNodeKind.FEEDER, FEEDER_KW, charge_points=specs)

    vehicles = tuple(
        VehicleSpec(f"Bus of {mark}-{n}", VehicleKind.BUS, _vin(mark, n), f"P {mark}-{n}", f"T-{mark}-{n}"[:20], 400.0, 0.0, 150.0)
        for n in range(4)
    )
    supply = NodeSpec("Grid", PowerNodeKind.GRID_CONNECTION, GRID_KW, children=(feeder(0), feeder(1)))
    return DepotSpec(name, "Europe/Berlin", "Hauptstr. 1", "10115", "Berlin", "DEU", 52.53, 13.38, supply, vehicles)


def _vin(mark: str, number: int) -> str:
    return f"WAMP{mark.replace('-', '').upper():0>11}{number}A".replace("I", "1").replace("O", "0").replace("Q", "0")[:17]


def _simulated(identity: str, depot: str, version: fleet.OcppVersion, obeys: Obeys) -> fleet.ChargePointSpec:
    return fleet.ChargePointSpec(
        identity=identity,
        password=_PASSWORD,
        ocpp_version=version,
        vendor="Ampyard",
        model="DC50",
        serial_number=identity,
        firmware_version="1.0",
        current_type="DC",
        fallback_kw=_FALLBACK_KW,
        obeys=obeys,
        depot=depot,
        evses=(fleet.EvseSpec(evse_no=1, max_power_kw=_RATED_KW, connector_type="cCCS2"),),
    )
