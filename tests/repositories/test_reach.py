"""What grants on resource groups reach: of every table exactly what the rules say, and for writing no more than for reading."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Table, select, update

from ampyard.domain.access import Reach, Role, Scope
from ampyard.domain.errors import ForbiddenError, NotFoundError
from ampyard.repositories import tables
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.database import APPLICATION_ROLE, connect_asyncpg
from ampyard.repositories.depots import Depots
from ampyard.repositories.tables import metadata
from ampyard.repositories.vehicles import Vehicles
from ampyard.server.embedded import EmbeddedServers
from tests.busy import Busy
from tests.grants import confined, group_of

# Tables whose rows a grant on a group does not confine: they are read by those who may do so in the whole tenant
# (domain.access.TENANT_WIDE), by nobody through a graph, or hold what all of the tenant have in common.
UNCONFINED = {
    "answered_request",
    "feature_flag",
    "impersonation",
    "job_run",
    "rollup_change",
    "tenant_settings",
    "api_key",
    "app_user",
    "audit_record",
    "charge_point_template",
    "ocpi_credential",
    "ocpi_party",
    "outbox",
    "resource_group_member",
    "role_grant",
    "vehicle_type",
}


@dataclass(frozen=True)
class Rows:
    """All rows of the tenant, by table, as mappings."""

    of: Mapping[str, list[Mapping[str, Any]]]

    def ids(self, table: str, **where: Any) -> set[uuid.UUID]:
        return {row["id"] for row in self.of[table] if all(row[name] in wanted for name, wanted in where.items())}


async def seen(busy: Busy, reach: Reach = Reach()) -> Rows:  # noqa: B008 - frozen
    async with busy.backend.database.snapshot(busy.tenant_id, reach) as snapshot:
        return Rows(
            {
                table.name: [dict(row._mapping) for row in await snapshot.fetch(select(table))]
                for table in metadata.sorted_tables
                if "tenant_id" in table.c
            }
        )


async def test_a_group_with_a_depot_reaches_what_is_in_it(busy: Busy) -> None:
    north = next(depot.id for depot in await busy.all(Depots) if depot.name == "North")
    group = await group_of(busy.backend, busy.tenant_id, depot_id=north)
    everything = await seen(busy)

    mine = await seen(busy, Reach(frozenset({group}), frozenset({group})))

    points, vehicles = everything.ids("charge_point", depot_id={north}), everything.ids("vehicle", depot_id={north})
    evses = everything.ids("evse", charge_point_id=points)
    transactions = everything.ids("transaction", depot_id={north})
    expected = {
        "depot": {north},
        "power_node": everything.ids("power_node", depot_id={north}),
        "charge_point": points,
        "evse": evses,
        "connector": everything.ids("connector", evse_id=evses),
        "command": everything.ids("command", charge_point_id=points),
        "vehicle": vehicles,
        "id_tag": everything.ids("id_tag", vehicle_id=vehicles),
        "transaction": transactions,
        "meter_sample": everything.ids("meter_sample", charge_point_id=points),
        "report": everything.ids("report", depot_id={north}),
        "depot_link": everything.ids("depot_link", depot_id={north}),
        "depot_link_message": everything.ids("depot_link_message", link_id=everything.ids("depot_link", depot_id={north})),
        "charging_request": everything.ids("charging_request", depot_id={north}),
        "resource_group": {group},
    }
    assert {name: mine.ids(name) for name in expected} == expected
    for name, ids in expected.items():
        assert ids, f"{name}: there is nothing of it in North, so that this would prove nothing"
        assert ids < everything.ids(name), f"{name}: there is nothing of it outside North"


async def test_a_group_with_a_vehicle_reaches_its_transactions_and_not_where_they_were(busy: Busy) -> None:
    everything = await seen(busy)
    vehicle = next(vehicle.id for vehicle in await busy.all(Vehicles) if vehicle.name == "Bus 1")
    group = await group_of(busy.backend, busy.tenant_id, vehicle_id=vehicle)

    mine = await seen(busy, Reach(frozenset({group}), frozenset({group})))

    transactions = everything.ids("transaction", vehicle_id={vehicle})
    assert len(transactions) == 2
    assert mine.ids("transaction") == transactions
    assert mine.ids("meter_sample") == everything.ids("meter_sample", transaction_id=transactions)
    assert mine.ids("vehicle") == {vehicle}
    assert mine.ids("id_tag") == everything.ids("id_tag", vehicle_id={vehicle})
    assert len(mine.ids("charging_request")) == 1
    assert mine.ids("charging_request") == everything.ids("charging_request", vehicle_id={vehicle})
    assert [mine.ids(name) for name in ("depot", "power_node", "charge_point", "evse", "connector", "command", "report")] == [set()] * 7


async def test_a_group_with_a_charge_point_reaches_it_and_not_its_depot(busy: Busy) -> None:
    everything = await seen(busy)
    point = next(point.id for point in await busy.all(ChargePoints) if point.identity == "CP-4")
    group = await group_of(busy.backend, busy.tenant_id, charge_point_id=point)

    mine = await seen(busy, Reach(frozenset({group}), frozenset({group})))

    assert mine.ids("charge_point") == {point}
    assert len(mine.ids("evse")) == 2
    assert mine.ids("transaction") == everything.ids("transaction", charge_point_id={point})
    assert mine.ids("priority") == everything.ids("priority", charge_point_id={point}) | everything.ids(
        "priority", transaction_id=mine.ids("transaction")
    )
    assert [mine.ids(name) for name in ("depot", "power_node", "vehicle", "report")] == [set()] * 4


async def test_a_vehicle_group_is_seen_with_any_of_its_vehicles(busy: Busy) -> None:
    everything = await seen(busy)
    assert len(everything.ids("vehicle_group")) > 1
    for group in everything.ids("vehicle_group"):
        vehicle = next(row["vehicle_id"] for row in everything.of["vehicle_group_member"] if row["vehicle_group_id"] == group)
        of_it = {row["vehicle_group_id"] for row in everything.of["vehicle_group_member"] if row["vehicle_id"] == vehicle}
        reached = await group_of(busy.backend, busy.tenant_id, vehicle_id=vehicle)

        mine = await seen(busy, Reach(frozenset({reached}), frozenset({reached})))

        assert mine.ids("vehicle_group") == of_it
        assert {row["vehicle_id"] for row in mine.of["vehicle_group_member"]} == {vehicle}


async def test_no_group_reaches_nothing(busy: Busy) -> None:
    mine = await seen(busy, Reach(frozenset(), frozenset()))
    assert {name for name, rows in mine.of.items() if rows} <= UNCONFINED


async def test_every_table_is_confined_or_known_not_to_be(servers: EmbeddedServers, busy: Busy) -> None:
    connection = await connect_asyncpg(servers.database_url, role=APPLICATION_ROLE)
    try:
        found = await connection.fetch("SELECT tablename FROM pg_policies WHERE policyname = 'reach' AND permissive = 'RESTRICTIVE'")
    finally:
        await connection.close()
    names = {table.name for table in metadata.sorted_tables if "tenant_id" in table.c}
    # A new table is confined by its revision (`protect(table, reach=…)`), or named above with its reason.
    assert {row["tablename"] for row in found} & names == names - UNCONFINED


async def test_reports_reach_no_further_than_their_own_scope(busy: Busy) -> None:
    everything = await seen(busy)
    depots = {depot.name: depot.id for depot in await busy.all(Depots)}
    central = await group_of(busy.backend, busy.tenant_id, depot_id=depots["Central"])
    north = await group_of(busy.backend, busy.tenant_id, depot_id=depots["North"])

    mine = await seen(busy, Reach(frozenset({central, north}), frozenset({north})))

    assert mine.ids("depot") == set(depots.values())
    assert mine.ids("report") == everything.ids("report", depot_id={depots["North"]})


@pytest.mark.parametrize("table", [tables.depot, tables.charge_point, tables.vehicle, tables.transaction], ids=lambda table: table.name)
async def test_nothing_out_of_reach_is_changed(busy: Busy, table: Table) -> None:
    north = next(depot.id for depot in await busy.all(Depots) if depot.name == "North")
    group = await group_of(busy.backend, busy.tenant_id, depot_id=north)
    within = await seen(busy, Reach(frozenset({group})))
    async with busy.backend.database.session(busy.tenant_id, Reach(frozenset({group}))) as session:
        touched = await session.execute(update(table).values(updated_at=table.c.updated_at))
    assert touched == len(within.of[table.name]) > 0


async def test_nothing_is_moved_out_of_reach(busy: Busy) -> None:
    depots = {depot.name: depot.id for depot in await busy.all(Depots)}
    group = await group_of(busy.backend, busy.tenant_id, depot_id=depots["North"])
    vehicle = next(vehicle for vehicle in await busy.all(Vehicles) if vehicle.depot_id == depots["North"])
    async with busy.backend.database.session(busy.tenant_id, Reach(frozenset({group}))) as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await session.execute(update(tables.vehicle).where(tables.vehicle.c.id == vehicle.id).values(depot_id=depots["Central"]))


async def test_what_may_be_seen_but_not_changed_is_told_apart_from_what_is_not_there(busy: Busy) -> None:
    depots = {depot.name: depot.id for depot in await busy.all(Depots)}
    north = await group_of(busy.backend, busy.tenant_id, depot_id=depots["North"])
    central = await group_of(busy.backend, busy.tenant_id, depot_id=depots["Central"])
    viewer, dispatcher = confined(busy.tenant_id, central, role=Role.VIEWER), confined(busy.tenant_id, north, role=Role.DISPATCHER)
    both = type(viewer)(viewer.tenant_id, "both", viewer.kind, frozenset(), None, viewer.grants + dispatcher.grants)
    of = {vehicle.name: vehicle.id for vehicle in await busy.all(Vehicles)}

    async with busy.backend.unit_of_work(both, Scope.PRIORITIES_WRITE) as work:
        assert (await work.require(Vehicles, of["North Bus 1"], "vehicle")).name == "North Bus 1"
        with pytest.raises(ForbiddenError, match="user:both may see this vehicle, but not do this to it"):
            await work.require(Vehicles, of["Bus 1"], "vehicle")
        # ... and its reach is what it was before that was looked at.
        assert [v.name for v in await Vehicles(work.session).where() if not v.name.startswith("North")] == []
    async with busy.backend.unit_of_work(dispatcher, Scope.PRIORITIES_WRITE) as work:
        with pytest.raises(NotFoundError, match="There is no such vehicle"):
            await work.require(Vehicles, of["Bus 1"], "vehicle")


async def test_a_confined_principal_must_say_by_which_scope_it_changes(busy: Busy) -> None:
    with pytest.raises(TypeError, match="name the scope"):
        busy.backend.unit_of_work(confined(busy.tenant_id, uuid.uuid4()))


async def test_who_says_nothing_of_reach_sees_nothing(servers: EmbeddedServers, busy: Busy) -> None:
    connection = await connect_asyncpg(servers.database_url, role=APPLICATION_ROLE)
    try:
        await connection.execute(f"SET ampyard.tenant = '{busy.tenant_id}'")
        assert await connection.fetchval("SELECT count(*) FROM depot") == 0
        await connection.execute("SET ampyard.reach = '*'")
        assert await connection.fetchval("SELECT count(*) FROM depot") == 2
    finally:
        await connection.close()
