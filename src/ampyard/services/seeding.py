"""Building a tenant with its fleet from a description: the demo, and the fleets of tests."""

import math
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ampyard.domain.access import Scope, system_principal
from ampyard.domain.charge_points import ChargePoint, Connector, ConnectorStatus, CurrentType, Evse, OcppVersion
from ampyard.domain.depots import Depot
from ampyard.domain.errors import ConflictError
from ampyard.domain.id_tags import IdTag, IdTagKind, canonical
from ampyard.domain.ids import new_id
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.locations import Party
from ampyard.domain.priorities import Priority, PriorityLevel
from ampyard.domain.supply import PowerNode, PowerNodeKind
from ampyard.domain.vehicles import Vehicle, VehicleKind
from ampyard.repositories import tenants
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.directory import Directory
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.alerts.rules import add_default_rules
from ampyard.services.backend import Backend
from ampyard.services.fallbacks import check_fallbacks
from ampyard.services.secrets import hash_key, hash_password, new_key


@dataclass(frozen=True, slots=True)
class EvseSpec:
    """One EVSE with one connector. `fallback_kw` is its default profile."""

    current_type: CurrentType
    max_power_kw: float
    min_power_kw: float
    fallback_kw: float
    phases: int = 3


@dataclass(frozen=True, slots=True)
class ChargePointSpec:
    """A charge point and the password it logs in with."""

    identity: str
    password: str
    ocpp_version: OcppVersion
    evses: tuple[EvseSpec, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A power node with what hangs below it."""

    name: str
    kind: PowerNodeKind
    limit_kw: float
    children: tuple["NodeSpec", ...] = ()
    charge_points: tuple[ChargePointSpec, ...] = ()

    def all_charge_points(self) -> Iterator[ChargePointSpec]:
        """Yield the charge points at and below this node."""
        yield from self.charge_points
        for child in self.children:
            yield from child.all_charge_points()


@dataclass(frozen=True, slots=True)
class VehicleSpec:
    """A vehicle with its RFID tag, and a priority where it has one."""

    name: str
    kind: VehicleKind
    vin: str
    license_plate: str
    id_tag: str
    battery_kwh: float
    max_ac_kw: float
    max_dc_kw: float
    priority: PriorityLevel | None = None
    priority_reason: str | None = None


@dataclass(frozen=True, slots=True)
class DepotSpec:
    """A depot with its supply tree and its vehicles."""

    name: str
    time_zone: str
    address: str
    postal_code: str
    city: str
    country_code: str
    latitude: float
    longitude: float
    supply: NodeSpec
    vehicles: tuple[VehicleSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class TenantSpec:
    """A tenant with its OCPI party (ISO 3166-1 alpha-2 country, three-letter party id), its depots, and alert rules (the default ones)."""

    slug: str
    name: str
    country_code: str
    party_id: str
    depots: tuple[DepotSpec, ...]
    alert_rules: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """The secrets of a tenant's partners; only their hashes are kept."""

    api_key: str
    ocpi_token: str


def new_access() -> Access:
    """Return new random secrets."""
    return Access(api_key=new_key("ampk"), ocpi_token=new_key("ocpi"))


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made, with the secrets that open it."""

    tenant_id: uuid.UUID
    api_key: str
    ocpi_token: str


async def seed(backend: Backend, spec: TenantSpec, progress: Callable[[str], None], access: Access | None = None) -> Seeded:
    """Make a tenant with everything in its description, in one unit of work.

    Raises:
        ConflictError: the slug is taken.
        InvalidInputError: the fall-back profiles of a depot's charge points do not fit one of its power nodes.
    """
    access = access or new_access()
    async with backend.database.system_snapshot() as snapshot:
        if await Directory(snapshot).tenant_id(spec.slug) is not None:
            raise ConflictError(f"There is a tenant {spec.slug!r} already.")
    principal = system_principal(new_id(), "seed")
    async with backend.unit_of_work(principal) as work:
        await tenants.add(work.session, work.tenant_id, slug=spec.slug, name=spec.name, at=work.now)
        for depot_spec in spec.depots:
            await _seed_depot(work, depot_spec)
            count = sum(1 for _ in depot_spec.supply.all_charge_points())
            progress(f"Depot {depot_spec.name}: {count} charge points, {len(depot_spec.vehicles)} vehicles.")
        if spec.alert_rules:
            await add_default_rules(work)
        await _seed_access(work, spec, access)
        await work.audit("tenant.seed", "tenant", work.tenant_id, slug=spec.slug)
        await work.commit()
    return Seeded(tenant_id=principal.tenant_id, api_key=access.api_key, ocpi_token=access.ocpi_token)


async def _seed_access(work: UnitOfWork, spec: TenantSpec, access: Access) -> None:
    await tenants.add_party(work.session, work.tenant_id, Party(spec.country_code, spec.party_id, spec.name))
    await tenants.add_ocpi_credential(
        work.session, work.tenant_id, partner_name="demo roaming partner", token_hash=hash_key(access.ocpi_token)
    )
    await tenants.add_api_key(
        work.session,
        work.tenant_id,
        name="demo integrator",
        prefix=access.api_key[:9],
        key_hash=hash_key(access.api_key),
        scopes=frozenset({Scope.FLEET_READ, Scope.PRIORITIES_WRITE}),
    )


async def _seed_depot(work: UnitOfWork, spec: DepotSpec) -> None:
    depot = Depot(
        id=new_id(),
        tenant_id=work.tenant_id,
        name=spec.name,
        time_zone=spec.time_zone,
        address=spec.address,
        postal_code=spec.postal_code,
        city=spec.city,
        country_code=spec.country_code,
        latitude=spec.latitude,
        longitude=spec.longitude,
        created_at=work.now,
        updated_at=work.now,
    )
    await work.add(Depots, depot)
    await _seed_node(work, depot, spec.supply, None)
    await check_fallbacks(work, depot.id)
    for vehicle in spec.vehicles:
        await _seed_vehicle(work, depot, vehicle)


async def _seed_node(work: UnitOfWork, depot: Depot, spec: NodeSpec, parent_id: uuid.UUID | None) -> None:
    node = PowerNode(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=depot.id,
        parent_id=parent_id,
        kind=spec.kind,
        name=spec.name,
        limit_kw=spec.limit_kw,
        created_at=work.now,
        updated_at=work.now,
    )
    await work.add(PowerNodes, node)
    for child in spec.children:
        await _seed_node(work, depot, child, node.id)
    for charge_point in spec.charge_points:
        await _seed_charge_point(work, node, charge_point)


async def _seed_charge_point(work: UnitOfWork, node: PowerNode, spec: ChargePointSpec) -> None:
    charge_point = ChargePoint(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=node.depot_id,
        power_node_id=node.id,
        identity=spec.identity,
        name=spec.name or spec.identity,
        state=ChargePointState.IN_SERVICE,
        state_at=work.now,
        state_reason=None,
        status=ConnectorStatus.UNKNOWN,
        ocpp_version=spec.ocpp_version,
        vendor=None,
        model=None,
        serial_number=None,
        firmware_version=None,
        iccid=None,
        imsi=None,
        meter_type=None,
        meter_serial_number=None,
        connected=False,
        connected_at=None,
        disconnected_at=None,
        last_seen_at=None,
        booted_at=None,
        created_at=work.now,
        updated_at=work.now,
    )
    await work.add(ChargePoints, charge_point, password_hash=hash_password(spec.password))
    for number, evse_spec in enumerate(spec.evses, start=1):
        evse = Evse(
            id=new_id(),
            tenant_id=work.tenant_id,
            charge_point_id=charge_point.id,
            evse_no=number,
            current_type=evse_spec.current_type,
            max_power_kw=evse_spec.max_power_kw,
            min_power_kw=evse_spec.min_power_kw,
            phases=evse_spec.phases,
            fallback_kw=evse_spec.fallback_kw,
            status=ConnectorStatus.UNKNOWN,
            limit_kw=None,
            limit_at=None,
            limit_reason=None,
            created_at=work.now,
            updated_at=work.now,
        )
        await work.add(Evses, evse)
        await work.add(Connectors, _connector(work, evse))


def _connector(work: UnitOfWork, evse: Evse) -> Connector:
    dc = evse.current_type is CurrentType.DC
    voltage = 920 if dc else 230
    return Connector(
        id=new_id(),
        tenant_id=work.tenant_id,
        evse_id=evse.id,
        connector_no=1,
        standard="IEC_62196_T2_COMBO" if dc else "IEC_62196_T2",
        format="CABLE" if dc else "SOCKET",
        power_type="DC" if dc else f"AC_{evse.phases}_PHASE",
        max_voltage_v=voltage,
        max_amperage_a=math.ceil(evse.max_power_kw * 1000 / (400 if dc else voltage * evse.phases)),
        status=ConnectorStatus.UNKNOWN,
        error_code=None,
        status_at=None,
        created_at=work.now,
        updated_at=work.now,
    )


async def _seed_vehicle(work: UnitOfWork, depot: Depot, spec: VehicleSpec) -> None:
    vehicle = Vehicle(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=depot.id,
        name=spec.name,
        kind=spec.kind,
        vin=spec.vin,
        license_plate=spec.license_plate,
        battery_kwh=spec.battery_kwh,
        max_ac_kw=spec.max_ac_kw,
        max_dc_kw=spec.max_dc_kw,
        soc_percent=None,
        soc_source=None,
        soc_at=None,
        created_at=work.now,
        updated_at=work.now,
    )
    tag = IdTag(
        id=new_id(),
        tenant_id=work.tenant_id,
        vehicle_id=vehicle.id,
        value=spec.id_tag,
        canonical=canonical(spec.id_tag),
        kind=IdTagKind.RFID,
        blocked=False,
        valid_from=None,
        valid_until=None,
        removed_at=None,
        created_at=work.now,
        updated_at=work.now,
    )
    await work.add(Vehicles, vehicle)
    await work.add(IdTags, tag)
    if spec.priority is not None:
        rule = Priority(
            id=new_id(),
            tenant_id=work.tenant_id,
            level=spec.priority,
            vehicle_id=vehicle.id,
            charge_point_id=None,
            transaction_id=None,
            reason=spec.priority_reason,
            author=work.principal.author,
            valid_from=work.now,
            valid_until=None,
            cleared_at=None,
            created_at=work.now,
        )
        await work.add(Priorities, rule)
