"""Building a tenant from its description: all of it or nothing, safe when every link is lost, and with secrets as hashes."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select

from ampyard.domain.access import PrincipalKind, Scope
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.priorities import PriorityLevel
from ampyard.repositories import tables
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.directory import Directory
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import charge_points
from ampyard.services.access import ApiKeys
from ampyard.services.backend import Backend
from ampyard.services.seeding import TenantSpec, seed
from tests.busy import two_depots
from tests.fleet import fleet_spec

PASSWORD = "correct horse battery"


def new_slug() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


async def slugs(backend: Backend) -> list[str]:
    async with backend.database.system_snapshot() as system:
        return await Directory(system).tenant_slugs()


async def logins(backend: Backend, identity: str) -> set[uuid.UUID]:
    async with backend.database.system_snapshot() as system:
        return {login.charge_point_id for login in await Directory(system).charge_point_logins(identity)}


async def test_a_tenant_is_made_as_described(backend: Backend) -> None:
    spec = two_depots(new_slug())
    told: list[str] = []

    seeded = await seed(backend, spec, told.append)

    assert told == ["Depot Central: 4 charge points, 6 vehicles.", "Depot North: 4 charge points, 6 vehicles."]
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        depots = await Depots(snapshot).where(order_by=[Depots.table.c.name])
        nodes = {node.id: node for node in await PowerNodes(snapshot).where()}
        points = await ChargePoints(snapshot).where(order_by=[ChargePoints.table.c.id])
        evses = await Evses(snapshot).where()
        connectors = await Connectors(snapshot).where()
        vehicles = {v.id: v for v in await Vehicles(snapshot).where()}
        tags = await IdTags(snapshot).where()
        audit = await snapshot.fetch(select(tables.audit_record.c.author, tables.audit_record.c.action, tables.audit_record.c.detail))

    assert [(d.name, d.time_zone, d.country_code) for d in depots] == [
        ("Central", "Europe/Berlin", "DEU"),
        ("North", "Europe/Berlin", "DEU"),
    ]
    parents = {node.name: nodes[node.parent_id].name if node.parent_id else None for node in nodes.values()}
    assert parents == {
        "Grid": None,
        "Feeder 1": "Grid",
        "Feeder 2": "Grid",
        "North Grid": None,
        "North Feeder 1": "North Grid",
        "North Feeder 2": "North Grid",
    }
    assert [(p.identity, nodes[p.power_node_id].name, p.connected) for p in points[:4]] == [
        ("CP-1", "Feeder 1", False),
        ("CP-2", "Feeder 1", False),
        ("CP-3", "Feeder 2", False),
        ("CP-4", "Feeder 2", False),
    ]
    identity = {point.id: point.identity for point in points}
    assert sorted(
        (identity[e.charge_point_id], e.evse_no, e.max_power_kw, e.fallback_kw) for e in evses if "N-" not in identity[e.charge_point_id]
    ) == [
        ("CP-1", 1, 22.0, 4.14),
        ("CP-2", 1, 150.0, 10.0),
        ("CP-3", 1, 22.0, 4.14),
        ("CP-4", 1, 150.0, 10.0),
        ("CP-4", 2, 150.0, 10.0),
    ]
    assert {c.evse_id for c in connectors} == {e.id for e in evses}
    assert {(c.standard, c.format, c.power_type, c.max_voltage_v, c.max_amperage_a) for c in connectors} == {
        ("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 32),
        ("IEC_62196_T2_COMBO", "CABLE", "DC", 920, 375),
    }
    assert sorted((vehicles[tag.vehicle_id].name, tag.value) for tag in tags) == sorted(
        (v.name, v.id_tag) for depot in spec.depots for v in depot.vehicles
    )
    assert [tuple(row) for row in audit] == [("system:seed", "tenant.seed", {"slug": spec.slug})]


async def test_what_opens_the_tenant_is_returned_and_kept_as_hashes(backend: Backend) -> None:
    seeded = await seed(backend, fleet_spec(new_slug()), lambda _: None)

    principal = await ApiKeys(backend).principal(seeded.api_key)
    assert principal is not None
    assert (principal.tenant_id, principal.kind) == (seeded.tenant_id, PrincipalKind.KEY)
    assert principal.scopes == {Scope.FLEET_READ, Scope.PRIORITIES_WRITE}
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        for table in (tables.api_key, tables.ocpi_credential, tables.charge_point):
            kept = repr([tuple(row) for row in await snapshot.fetch(select(table))])
            assert not [secret for secret in (seeded.api_key, seeded.ocpi_token, PASSWORD) if secret in kept]


async def test_charge_points_log_in_with_the_passwords_described(backend: Backend) -> None:
    # An identity of its own: where many tenants have the same one, each of their passwords is tried.
    spec, identity = fleet_spec(new_slug()), f"CP-{uuid.uuid4()}"
    (depot,) = spec.depots
    point = replace(depot.supply.children[0].charge_points[0], identity=identity)
    supply = replace(depot.supply, children=(replace(depot.supply.children[0], charge_points=(point,)),))
    seeded = await seed(backend, replace(spec, depots=(replace(depot, supply=supply),)), lambda _: None)

    login = await charge_points.log_in(backend, identity, PASSWORD)

    assert login is not None
    assert (login.tenant_id, await logins(backend, identity)) == (seeded.tenant_id, {login.charge_point_id})
    assert await charge_points.log_in(backend, identity, f"{PASSWORD}!") is None


async def test_a_vehicle_may_come_with_a_priority(backend: Backend) -> None:
    spec = fleet_spec(new_slug())
    (depot,) = spec.depots
    first = replace(depot.vehicles[0], priority=PriorityLevel.CRITICAL, priority_reason="Night line")
    seeded = await seed(backend, replace(spec, depots=(replace(depot, vehicles=(first, *depot.vehicles[1:])),)), lambda _: None)

    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        (rule,) = await Priorities(snapshot).where()
        (vehicle,) = await Vehicles(snapshot).where(Vehicles.table.c.name == first.name)
    assert (rule.level, rule.vehicle_id, rule.reason, rule.author) == (PriorityLevel.CRITICAL, vehicle.id, "Night line", "system:seed")


def with_feeder(spec: TenantSpec, limit_kw: float) -> TenantSpec:
    """Return the description with another limit of its second feeder, where fall-backs of 24.14 kW are."""
    (depot,) = spec.depots
    feeder_1, feeder_2 = depot.supply.children
    supply = replace(depot.supply, children=(feeder_1, replace(feeder_2, limit_kw=limit_kw)))
    return replace(spec, depots=(replace(depot, supply=supply),))


@pytest.mark.parametrize(
    ("grid_kw", "feeder_kw", "message"),
    [
        (38.0, 150.0, "Central: the fall-back profiles below Grid add up to 38.28 kW, but it can supply 38 kW."),
        (200.0, 24.0, "Central: the fall-back profiles below Feeder 2 add up to 24.14 kW, but it can supply 24 kW."),
    ],
)
async def test_fall_backs_that_could_overload_a_node_are_refused_and_nothing_is_kept(
    backend: Backend, grid_kw: float, feeder_kw: float, message: str
) -> None:
    spec = with_feeder(fleet_spec(new_slug(), grid_kw=grid_kw), feeder_kw)
    slugs_before, logins_before = await slugs(backend), await logins(backend, "CP-1")

    with pytest.raises(InvalidInputError) as refused:
        await seed(backend, spec, lambda _: None)

    assert str(refused.value).startswith(message)
    assert "Lower the fall-backs or raise the limit." in str(refused.value)
    assert (await slugs(backend), await logins(backend, "CP-1")) == (slugs_before, logins_before)


async def test_one_bad_depot_among_good_ones_keeps_the_whole_tenant_out(backend: Backend) -> None:
    spec = two_depots(new_slug())
    north = replace(spec.depots[1], supply=replace(spec.depots[1].supply, limit_kw=1.0))
    before = await logins(backend, "CP-1")

    with pytest.raises(InvalidInputError, match="North: the fall-back profiles below North Grid"):
        await seed(backend, replace(spec, depots=(spec.depots[0], north)), lambda _: None)

    assert spec.slug not in await slugs(backend)
    assert await logins(backend, "CP-1") == before


async def test_fall_backs_that_just_fit_are_taken(backend: Backend) -> None:
    seeded = await seed(backend, with_feeder(fleet_spec(new_slug(), grid_kw=38.28), 24.14), lambda _: None)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        assert await ChargePoints(snapshot).count() == 4


async def test_a_slug_is_given_once(backend: Backend) -> None:
    spec = fleet_spec(new_slug())
    await seed(backend, spec, lambda _: None)
    before = await logins(backend, "CP-1")

    with pytest.raises(ConflictError, match=f"There is a tenant '{spec.slug}' already"):
        await seed(backend, replace(spec, party_id="ZZZ"), lambda _: None)

    assert await logins(backend, "CP-1") == before
    assert (await slugs(backend)).count(spec.slug) == 1
