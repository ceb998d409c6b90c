"""Depots → charge points → latest transactions → vehicle: one statement a level against one statement an edge."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ampyard.domain.access import Principal, PrincipalKind, Scope, system_principal
from ampyard.domain.charge_points import CurrentType, OcppVersion
from ampyard.domain.depots import PowerNodeKind
from ampyard.domain.ids import new_id
from ampyard.domain.transactions import ChargingState, Transaction, TransactionState
from ampyard.domain.vehicles import VehicleKind
from ampyard.migrations import upgrade
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.database import Database
from ampyard.repositories.files import FolderFiles
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.context import Batch, Context
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.links import FileLinks
from ampyard.schema.internal import schema
from ampyard.server.embedded import EmbeddedServers
from ampyard.services.backend import Backend
from ampyard.services.events import EventHub
from ampyard.services.seeding import ChargePointSpec, DepotSpec, EvseSpec, NodeSpec, Seeded, TenantSpec, VehicleSpec, seed
from bench.measure import Result, compare

_DEPOTS, _CHARGE_POINTS, _TRANSACTIONS = 10, 20, 5
_QUERY = f"""
{{ depots(first: {_DEPOTS}) {{ nodes {{ name
    chargePoints(first: {_CHARGE_POINTS}) {{ nodes {{ identity connected
        transactions(first: {_TRANSACTIONS}) {{ nodes {{ startedAt energyWh vehicle {{ name }} }} }} }} }} }} }} }}
"""


class _OneByOne(Context):
    """The same resolvers without loaders: every edge asks for itself."""

    async def load(self, batch: Batch[Any, Any], key: Any, *arguments: object) -> Any:
        values: Mapping[Any, Any] = await batch(self.snapshot, [key], *arguments)
        return values.get(key)


async def run() -> AsyncIterator[Result]:
    """Yield the comparison."""
    with TemporaryDirectory(prefix="ampyard-bench-") as folder, EmbeddedServers(Path(folder) / "home", durable=False) as servers:
        servers.start(lambda _: None)
        await upgrade(servers.database_owner_url, lambda _: None)
        database = Database(servers.database_url)
        redis = connect_redis(servers.redis_url)
        backend = Backend(database, EventHub(EventStream(redis)), FolderFiles(Path(folder)))
        seeded = await _seed(backend)
        principal = Principal(seeded.tenant_id, "bench", PrincipalKind.USER, frozenset(Scope))

        def asking(kind: type[Context]) -> Awaitable[dict[str, Any]]:
            context = kind(backend, principal, cursors=CursorCodec(b"bench"), links=FileLinks(b"bench", ""))
            return _answer(context)

        yield await compare(
            "nested-fleet-1200", lambda: asking(Context), lambda: asking(_OneByOne), baseline="one statement an edge", rounds=5
        )
        await redis.aclose()
        await database.dispose()


async def _answer(context: Context) -> dict[str, Any]:
    result = await schema.execute(_QUERY, context_value=context)
    assert result.errors is None, result.errors
    assert result.data is not None
    return result.data


async def _seed(backend: Backend) -> Seeded:
    evse = EvseSpec(CurrentType.AC, max_power_kw=22.0, min_power_kw=4.14, fallback_kw=4.2)
    password = secrets.token_urlsafe(12)

    def depot(number: int) -> DepotSpec:
        points = tuple(ChargePointSpec(f"CP-{number:02d}-{n:02d}", password, OcppVersion.V16, (evse,)) for n in range(_CHARGE_POINTS))
        supply = NodeSpec("Grid", PowerNodeKind.GRID_CONNECTION, 1000.0, charge_points=points)
        vehicles = tuple(
            VehicleSpec(f"Bus {n}", VehicleKind.BUS, f"VIN{number:02d}{n:02d}", f"B {n}", f"TAG-{number:02d}-{n:02d}", 300.0, 22.0, 150.0)
            for n in range(_CHARGE_POINTS)
        )
        return DepotSpec(f"Depot {number:02d}", "Europe/Berlin", "Street 1", "10115", "Berlin", "DEU", 52.5, 13.4, supply, vehicles)

    spec = TenantSpec("bench", "Bench", "DE", "BEN", tuple(depot(number) for number in range(_DEPOTS)))
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
                started_at=work.now - timedelta(hours=number, seconds=index),
                ended_at=work.now,
                meter_start_wh=0.0,
                meter_wh=1000.0 * number,
                energy_wh=1000.0 * number,
                power_kw=0.0,
                soc_percent=None,
                measured_at=None,
                stop_reason="Local",
                last_seq_no=None,
                created_at=work.now,
                updated_at=work.now,
            )
            for index, point in enumerate(await ChargePoints(work.session).where())
            for number in range(_TRANSACTIONS * 4)
        ]
        await work.add(Transactions, *transactions)
        await work.commit()
    return seeded
