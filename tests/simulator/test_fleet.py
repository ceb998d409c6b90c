import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from ampyard.simulator.fleet import Fleet, load_fleet
from ampyard.simulator.generated import generate_fleet


def test_made_up_fleet_depends_on_the_seed_alone() -> None:
    assert generate_fleet(12, seed=5) == generate_fleet(12, seed=5)
    assert generate_fleet(12, seed=5) != generate_fleet(12, seed=6)


def test_made_up_fleet_mixes_versions_and_currents() -> None:
    fleet = generate_fleet(24, seed=1)

    versions = [point.ocpp_version for point in fleet.charge_points]
    assert (versions.count("1.6"), versions.count("2.0.1")) == (16, 8)
    assert [point.current_type for point in fleet.charge_points].count("DC") == 6
    assert fleet.charge_points[0].identity == "SIM-0001"
    assert sum(len(point.evses) for point in fleet.charge_points) == 30
    assert len(fleet.vehicles) == 45


def test_first_charge_points_bring_their_share_of_vehicles() -> None:
    fleet = generate_fleet(24, seed=1).first(8)

    assert [point.identity for point in fleet.charge_points] == [f"SIM-{number:04d}" for number in range(1, 9)]
    assert len(fleet.vehicles) == 15


def test_fleet_file_is_read(fleet_file: Callable[..., Path]) -> None:
    fleet = load_fleet(fleet_file("2.0.1"))

    assert fleet.charge_points[0].evses[0].max_power_kw == 22.0
    assert fleet.vehicles[0].id_tag_type == "ISO14443"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda spec: spec["charge_points"].append(spec["charge_points"][0]), "listed more than once: CP 1"),
        (lambda spec: spec["vehicles"].append(spec["vehicles"][0]), "listed more than once: Van"),
        (lambda spec: spec["vehicles"][0].update(depot="Elsewhere"), "depots without a charge point: Elsewhere"),
        (lambda spec: spec["charge_points"][0]["evses"][0].update(evse_no=2), "evse_no must count 1, 2, 3"),
        (lambda spec: spec["charge_points"][0].update(colour="red"), "colour"),
    ],
)
def test_senseless_fleet_file_is_refused(
    fleet_file: Callable[..., Path], change: Callable[[dict[str, list[dict[str, object]]]], None], message: str
) -> None:
    spec = json.loads(fleet_file("1.6").read_text())
    change(spec)

    with pytest.raises(ValidationError, match=message):
        Fleet.model_validate(spec)
