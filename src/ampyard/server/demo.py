"""The demo: one tenant, two depots, and the file that tells the simulator who to be."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from ampyard.domain.charge_points import CurrentType, OcppVersion
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.supply import PowerNodeKind
from ampyard.domain.vehicles import VehicleKind
from ampyard.repositories.directory import Directory
from ampyard.server.demo_operation import set_up_operation
from ampyard.services.backend import Backend
from ampyard.services.seeding import (
    Access,
    ChargePointSpec,
    DepotSpec,
    EvseSpec,
    NodeSpec,
    TenantSpec,
    VehicleSpec,
    new_access,
    seed,
)

SLUG = "demo"

_AC = EvseSpec(CurrentType.AC, max_power_kw=22.0, min_power_kw=4.14, fallback_kw=4.2)
_DC = EvseSpec(CurrentType.DC, max_power_kw=150.0, min_power_kw=5.0, fallback_kw=10.0)


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the demo keeps what the database has only hashes of, readable by this user alone."""

    home: Path

    @property
    def fleet(self) -> Path:
        """The simulator's fleet file."""
        return self.home / "demo-fleet.json"

    @property
    def access(self) -> Path:
        """The integrator's API key and the roaming partner's token."""
        return self.home / "demo-access.json"

    def read_access(self) -> Access:
        """Return the demo's secrets. Raises `OSError` when they are gone."""
        return Access(**json.loads(self.access.read_text()))


async def seed_demo(backend: Backend, files: DemoFiles, progress: Callable[[str], None]) -> None:
    """Make the demo tenant unless it is there, and what its operation needs for the coming week."""
    async with backend.database.system_snapshot() as snapshot:
        known = await Directory(snapshot).tenant_id(SLUG)
    if known is None:
        spec = demo_spec()
        access = new_access()
        # Written first: a tenant whose passwords nobody knows would be of no use.
        _write_private(files.fleet, fleet_file(spec))
        _write_private(files.access, asdict(access))
        known = (await seed(backend, spec, progress, access)).tenant_id
    else:
        progress("The demo tenant is there already.")
    await set_up_operation(backend, known, progress)


def demo_spec() -> TenantSpec:
    """Return the demo tenant, with new passwords.

    Hafen can draw 926 kW but has a grid connection of 300 kW; Werk has enough for all. Of the 24 charge points 16 speak
    OCPP 1.6 and 8 speak 2.0.1; one of each has two EVSEs.
    """
    hafen = NodeSpec(
        "Hafen grid connection",
        PowerNodeKind.GRID_CONNECTION,
        300.0,
        children=(
            _feeder(
                "Hafen feeder DC",
                250.0,
                "HH-DC",
                [(OcppVersion.V16, (_DC, _DC)), *_points(1, OcppVersion.V16), *_points(2, OcppVersion.V201)],
            ),
            _feeder("Hafen feeder AC", 120.0, "HH-AC", [*_points(6, OcppVersion.V16, _AC), *_points(2, OcppVersion.V201, _AC)]),
        ),
    )
    werk = NodeSpec(
        "Werk grid connection",
        PowerNodeKind.GRID_CONNECTION,
        1250.0,
        children=(
            _feeder(
                "Werk feeder DC",
                1100.0,
                "M-DC",
                [(OcppVersion.V201, (_DC, _DC)), *_points(4, OcppVersion.V16), *_points(1, OcppVersion.V201)],
            ),
            _feeder("Werk feeder AC", 150.0, "M-AC", [*_points(4, OcppVersion.V16, _AC), *_points(2, OcppVersion.V201, _AC)]),
        ),
    )
    numbers = count(1)
    return TenantSpec(
        slug=SLUG,
        name="Demo Fleet",
        country_code="DE",
        party_id="AMP",
        alert_rules=True,
        depots=(
            DepotSpec(
                name="Hafen",
                time_zone="Europe/Berlin",
                address="Am Kaiserkai 1",
                postal_code="20457",
                city="Hamburg",
                country_code="DEU",
                latitude=53.5413,
                longitude=9.9841,
                supply=hafen,
                vehicles=(*_vans(10, numbers), *_trucks(12, numbers)),
            ),
            DepotSpec(
                name="Werk",
                time_zone="Europe/Berlin",
                address="Hanauer Straße 68",
                postal_code="80993",
                city="München",
                country_code="DEU",
                latitude=48.1807,
                longitude=11.5296,
                supply=werk,
                vehicles=tuple(_buses(18, numbers)),
            ),
        ),
    )


def fleet_file(spec: TenantSpec) -> dict[str, Any]:
    """Return a tenant as the simulator's fleet file has it (`simulator/fleet.py` documents the shape)."""
    charge_points = [(depot.name, point) for depot in spec.depots for point in depot.supply.all_charge_points()]
    vehicles = [(depot.name, vehicle) for depot in spec.depots for vehicle in depot.vehicles]
    return {
        "charge_points": [_simulated(depot, point, number) for number, (depot, point) in enumerate(charge_points, start=1)],
        "vehicles": [
            {
                "name": vehicle.name,
                "depot": depot,
                "id_tag": vehicle.id_tag,
                "battery_kwh": vehicle.battery_kwh,
                "max_ac_kw": vehicle.max_ac_kw,
                "max_dc_kw": vehicle.max_dc_kw,
                "initial_soc_percent": float(15 + number * 7 % 50),
                "target_soc_percent": 95.0,
            }
            for number, (depot, vehicle) in enumerate(vehicles)
        ],
    }


def _simulated(depot: str, spec: ChargePointSpec, number: int) -> dict[str, Any]:
    direct = spec.evses[0].current_type is CurrentType.DC
    return {
        "identity": spec.identity,
        "password": spec.password,
        "ocpp_version": spec.ocpp_version.value.removeprefix("ocpp"),
        "vendor": "Ampyard Labs",
        "model": "HPC-150" if direct else "Wall-22",
        "serial_number": f"AL-{number:05d}",
        "firmware_version": "1.4.2",
        "current_type": spec.evses[0].current_type.value,
        "fallback_kw": spec.evses[0].fallback_kw,
        "depot": depot,
        "evses": [
            {
                "evse_no": evse_no,
                "max_power_kw": evse.max_power_kw,
                "phases": evse.phases,
                "connector_type": "cCCS2" if direct else "sType2",
            }
            for evse_no, evse in enumerate(spec.evses, start=1)
        ],
    }


def _points(number: int, version: OcppVersion, evse: EvseSpec = _DC) -> list[tuple[OcppVersion, tuple[EvseSpec, ...]]]:
    return [(version, (evse,))] * number


def _feeder(name: str, limit_kw: float, prefix: str, points: list[tuple[OcppVersion, tuple[EvseSpec, ...]]]) -> NodeSpec:
    charge_points = tuple(
        ChargePointSpec(f"{prefix}-{number:02d}", secrets.token_urlsafe(18), version, evses)
        for number, (version, evses) in enumerate(points, start=1)
    )
    return NodeSpec(name, PowerNodeKind.FEEDER, limit_kw, charge_points=charge_points)


def _vans(number: int, numbers: Iterator[int]) -> Iterator[VehicleSpec]:
    for index in range(number):
        priority = (PriorityLevel.HIGH, "Early round") if index == 0 else (None, None)
        yield _vehicle("Van", VehicleKind.VAN, next(numbers), 75.0, 22.0, 115.0, *priority)


def _trucks(number: int, numbers: Iterator[int]) -> Iterator[VehicleSpec]:
    for index in range(number):
        priority = (PriorityLevel.LOW, "Reserve vehicle") if index == number - 1 else (None, None)
        yield _vehicle("Truck", VehicleKind.TRUCK, next(numbers), 320.0, 22.0, 150.0, *priority)


def _buses(number: int, numbers: Iterator[int]) -> Iterator[VehicleSpec]:
    for index in range(number):
        priority = (PriorityLevel.HIGH, "Line 20, first departure") if index in {0, 1} else (None, None)
        yield _vehicle("Bus", VehicleKind.BUS, next(numbers), 350.0, 22.0, 150.0, *priority)


def _vehicle(
    title: str,
    kind: VehicleKind,
    number: int,
    battery_kwh: float,
    max_ac_kw: float,
    max_dc_kw: float,
    priority: PriorityLevel | None,
    reason: str | None,
) -> VehicleSpec:
    return VehicleSpec(
        name=f"{title} {number:02d}",
        kind=kind,
        vin=f"WAMPYARDDEMO{number:05d}",
        license_plate=f"HH-AY {number:03d}E",
        id_tag=f"04A1B2C3{number:06d}",
        battery_kwh=battery_kwh,
        max_ac_kw=max_ac_kw,
        max_dc_kw=max_dc_kw,
        priority=priority,
        priority_reason=reason,
    )


def _write_private(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
