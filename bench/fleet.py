"""The one fleet that all benchmarks read: seeded once a run into embedded servers that end with it."""

import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from ampyard.domain.access import Principal, PrincipalKind, Role, Scope, system_principal
from ampyard.domain.charge_points import CurrentType, OcppVersion
from ampyard.domain.ids import new_id
from ampyard.domain.supply import PowerNodeKind
from ampyard.domain.transactions import ChargingState, Transaction, TransactionState
from ampyard.domain.vehicles import VehicleKind
from ampyard.migrations import upgrade
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.database import Database, connect_asyncpg
from ampyard.repositories.files import FolderFiles
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.context import Context
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.links import FileLinks
from ampyard.server.embedded import EmbeddedServers
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer
from ampyard.services.backend import Backend
from ampyard.services.events import EventHub
from ampyard.services.seeding import ChargePointSpec, DepotSpec, EvseSpec, NodeSpec, TenantSpec, VehicleSpec, seed

DEPOTS = 12
CHARGE_POINTS, VEHICLES = 20, 25  # of each depot
TRANSACTIONS = 20  # of each charge point


@dataclass(frozen=True, slots=True)
class Fleet:
    """A tenant of 12 depots, 240 charge points, 300 vehicles and 4,800 ended transactions, and where it is."""

    servers: EmbeddedServers
    backend: Backend
    tenant_id: uuid.UUID

    @property
    def postgres_pid(self) -> int:
        """The process whose children serve connections."""
        return int((self.servers.home / "postgres" / "data" / "postmaster.pid").read_text().split(maxsplit=1)[0])

    @property
    def environment(self) -> dict[str, str]:
        """Settings for a process of the product that serves this fleet, but for its port."""
        return {
            "AMPYARD_HOME": str(self.servers.home),
            "AMPYARD_DATABASE_URL": self.servers.database_url,
            "AMPYARD_REDIS_URL": self.servers.redis_url,
            # Every operation is still charged for, but no load uses the budget up.
            "AMPYARD_COST_CAPACITY": str(10**12),
            "AMPYARD_COST_RESTORE_PER_S": str(10**9),
        }

    def token(self) -> str:
        """Return a bearer token that outlives the run."""
        issuer = EmbeddedIssuer(Settings(home=self.servers.home))
        return issuer.mint(self.tenant_id, "bench", Role.ADMINISTRATOR, lifetime=timedelta(hours=12), now=datetime.now(UTC))

    def context(self, kind: type[Context] = Context) -> Context:
        """Return a context for one operation in this process."""
        principal = Principal(self.tenant_id, "bench", PrincipalKind.USER, frozenset(Scope))
        return kind(self.backend, principal, cursors=CursorCodec(b"bench"), links=FileLinks(b"bench", ""))


@asynccontextmanager
async def open_fleet() -> AsyncIterator[Fleet]:
    """Start PostgreSQL and Valkey, migrate, seed; yield the fleet; stop them."""
    with TemporaryDirectory(prefix="ampyard-bench-") as folder, EmbeddedServers(Path(folder) / "home", durable=False) as servers:
        servers.start(lambda _: None)
        await upgrade(servers.database_owner_url, lambda _: None)
        database = Database(servers.database_url)
        redis = connect_redis(servers.redis_url)
        hub = EventHub(EventStream(redis))
        try:
            backend = Backend(database, hub, FolderFiles(Path(folder)))
            fleet = Fleet(servers, backend, await _seed(backend))
            await _settle(servers)
            yield fleet
        finally:
            await hub.close()
            await redis.aclose()
            await database.dispose()


async def _settle(servers: EmbeddedServers) -> None:
    """Give the planner its statistics, and no side the delay of compiling statements, which ours turns off for itself."""
    owner = await connect_asyncpg(servers.database_owner_url)
    await owner.execute("VACUUM ANALYZE")
    await owner.execute("ALTER SYSTEM SET jit = off")
    await owner.execute("SELECT pg_reload_conf()")
    await owner.close()


async def _seed(backend: Backend) -> uuid.UUID:
    evse = EvseSpec(CurrentType.AC, max_power_kw=22.0, min_power_kw=4.14, fallback_kw=4.2)
    password = secrets.token_urlsafe(12)

    def depot(number: int) -> DepotSpec:
        points = tuple(ChargePointSpec(f"CP-{number:02d}-{n:02d}", password, OcppVersion.V16, (evse,)) for n in range(CHARGE_POINTS))
        supply = NodeSpec("Grid", PowerNodeKind.GRID_CONNECTION, 1000.0, charge_points=points)
        vehicles = tuple(
            VehicleSpec(
                f"Bus {number:02d}-{n:02d}",
                VehicleKind.BUS,
                f"VIN{number:02d}{n:02d}",
                f"B {n}",
                f"TAG-{number:02d}-{n:02d}",
                300.0,
                22.0,
                150.0,
            )
            for n in range(VEHICLES)
        )
        return DepotSpec(f"Depot {number:02d}", "Europe/Berlin", "Street 1", "10115", "Berlin", "DEU", 52.5, 13.4, supply, vehicles)

    spec = TenantSpec("bench", "Bench", "DE", "BEN", tuple(depot(number) for number in range(DEPOTS)))
    seeded = await seed(backend, spec, lambda _: None)
    async with backend.unit_of_work(system_principal(seeded.tenant_id, "bench")) as work:
        evses = {evse.charge_point_id: evse.id for evse in await Evses(work.session).where()}
        vehicles = await Vehicles(work.session).where()
        transactions = [
            Transaction(
                id=new_id(),
                tenant_id=work.tenant_id,
                depot_id=point.depot_id,
                charge_point_id=point.id,
                evse_id=evses[point.id],
                connector_id=None,
                vehicle_id=vehicles[(index + number) % len(vehicles)].id,
                id_tag=None,
                ocpp_transaction_id=f"{index}-{number}",
                state=TransactionState.ENDED,
                charging_state=ChargingState.IDLE,
                started_at=work.now - timedelta(hours=number + 1, seconds=index),
                ended_at=work.now - timedelta(hours=number, seconds=index),
                meter_start_wh=0.0,
                meter_wh=1000.5 * number,
                energy_wh=1000.5 * number,
                power_kw=0.0,
                soc_percent=None,
                measured_at=None,
                stop_reason="Local",
                last_seq_no=None,
                created_at=work.now,
                updated_at=work.now,
            )
            for index, point in enumerate(await ChargePoints(work.session).where())
            for number in range(TRANSACTIONS)
        ]
        await work.add(Transactions, *transactions)
        await work.commit()
    return seeded.tenant_id
