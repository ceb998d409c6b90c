"""Fleets for tests: small, and the same for every tenant that asks for one."""

import itertools
import uuid

from ampyard.domain.access import Principal, PrincipalKind, Scope
from ampyard.domain.charge_points import CurrentType, OcppVersion
from ampyard.domain.supply import PowerNodeKind
from ampyard.domain.vehicles import VehicleKind
from ampyard.services.backend import Backend
from ampyard.services.seeding import ChargePointSpec, DepotSpec, EvseSpec, NodeSpec, Seeded, TenantSpec, VehicleSpec, seed

_party_numbers = itertools.count()
AC = EvseSpec(CurrentType.AC, max_power_kw=22.0, min_power_kw=4.14, fallback_kw=4.14)
DC = EvseSpec(CurrentType.DC, max_power_kw=150.0, min_power_kw=5.0, fallback_kw=10.0)


def fleet_spec(slug: str, *, password: str = "correct horse battery", grid_kw: float = 200.0) -> TenantSpec:
    """Return one depot: a grid connection of `grid_kw`, two feeders of 150 kW, four charge points with five EVSEs, six vehicles.

    Identities CP-1 (1.6, AC), CP-2 (1.6, DC), CP-3 (2.0.1, AC), CP-4 (2.0.1, DC with two EVSEs); tags TAG-1 … TAG-6.
    """
    feeder_1 = NodeSpec(
        "Feeder 1",
        PowerNodeKind.FEEDER,
        150.0,
        charge_points=(
            ChargePointSpec("CP-1", password, OcppVersion.V16, (AC,)),
            ChargePointSpec("CP-2", password, OcppVersion.V16, (DC,)),
        ),
    )
    feeder_2 = NodeSpec(
        "Feeder 2",
        PowerNodeKind.FEEDER,
        150.0,
        charge_points=(
            ChargePointSpec("CP-3", password, OcppVersion.V201, (AC,)),
            ChargePointSpec("CP-4", password, OcppVersion.V201, (DC, DC)),
        ),
    )
    vehicles = tuple(
        VehicleSpec(
            f"Bus {n}", VehicleKind.BUS, f"WAMPYARD00000000{n}", f"B-AY {n}", f"TAG-{n}", battery_kwh=300.0, max_ac_kw=22.0, max_dc_kw=120.0
        )
        for n in range(1, 7)
    )
    depot = DepotSpec(
        name="Central",
        time_zone="Europe/Berlin",
        address="Hauptstr. 1",
        postal_code="10115",
        city="Berlin",
        country_code="DEU",
        latitude=52.53,
        longitude=13.38,
        supply=NodeSpec("Grid", PowerNodeKind.GRID_CONNECTION, grid_kw, children=(feeder_1, feeder_2)),
        vehicles=vehicles,
    )
    return TenantSpec(slug=slug, name=slug.title(), country_code="DE", party_id=_party_id(), depots=(depot,))


async def new_fleet(backend: Backend, **options: object) -> Seeded:
    """Seed a tenant of its own for one test."""
    return await seed(backend, fleet_spec(f"t-{uuid.uuid4().hex[:12]}", **options), lambda _: None)  # type: ignore[arg-type]  # passed through


def user(tenant_id: uuid.UUID, *scopes: Scope) -> Principal:
    """Return a user of a tenant; without scopes named, one that has them all."""
    return Principal(tenant_id=tenant_id, subject="tester", kind=PrincipalKind.USER, scopes=frozenset(scopes or Scope))


def _party_id() -> str:
    # Party ids are unique over all tenants; drawn by lot, two of a few hundred would soon be the same.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    number = next(_party_numbers)
    return "".join(letters[number // 36**i % 36] for i in range(3))
