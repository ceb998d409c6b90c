"""The official examples of the standard go through our object classes and come back equal.

They are read from beside the repository and never copied into it.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ampyard.ocpi.v2_2_1 import locations as locations_2_2_1
from ampyard.ocpi.v2_3_0 import locations as locations_2_3_0
from ampyard.ocpi.wire import locations as wire
from ampyard.ocpi.wire.types import WireModel
from ampyard.ocpi.wire.versions import Version, VersionDetails

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY.parent / "shared" / "fixtures" / "ocpi"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the official OCPI examples (../shared/fixtures/ocpi) are not beside this repository"
)

MODULES = {"2.2.1": locations_2_2_1, "2.3.0": locations_2_3_0}
# What each file holds: the field it is found in (None: the whole file) and its class.
WHOLE = (None, "Location")
CONTENT: dict[str, tuple[str | None, str]] = {
    "location_example": WHOLE,
    "location_example_parking_garage_opening_hours": WHOLE,
    "location_example_uc2_destination_charger": WHOLE,
    "location_example_uc4_limited_visibility": WHOLE,
    "location_example_uc5_home_charge_point": WHOLE,
    "location_energymix_example_complete": ("energy_mix", "EnergyMix"),
    "location_energymix_example_energy_provider": ("energy_mix", "EnergyMix"),
    "location_hours_247_open_exception_closing": (None, "Hours"),
    "location_hours_opening_hours_with_exceptional_opening": (None, "Hours"),
    "location_regularhours_example": ("opening_times", "Hours"),
}
# Partial updates, which say something only on a whole object of their class.
PATCHES = {
    "location_patch_example_location": "Location",
    "location_patch_example_remove_evse": "Evse",
    "location_patch_example_tariff": "Connector",
}
# Examples that contradict the text (chapter 8): the fields at which they do.
ERRATA = {
    "location_put_example_add_evse": {
        ("connectors",),  # none that is whole, and at least one is needed
        ("connectors", 0, "power_type"),
        ("connectors", 0, "max_voltage"),
        ("connectors", 0, "max_amperage"),
        ("connectors", 0, "last_updated"),
        ("physical_reference",),
    },
}
BASE = {"2.2.1": "location_example_parking_garage_opening_hours", "2.3.0": "location_example"}


def examples(*patterns: str) -> list[Any]:
    paths = sorted(path for pattern in patterns for path in FOLDER.glob(f"*/examples/{pattern}.json"))
    return [pytest.param(path, id=f"{path.parts[-3]}-{path.stem}") for path in paths] or [pytest.param(FOLDER, id="absent")]


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def model(path: Path, name: str) -> type[WireModel]:
    found: type[WireModel] = getattr(MODULES[path.parts[-3]], name, None) or getattr(wire, name)
    return found


def round_trip(kind: type[WireModel], data: Any) -> Any:
    return kind.model_validate_json(json.dumps(data)).to_wire()


@pytest.mark.parametrize("path", examples("location_*"))
def test_every_locations_example_comes_back_equal(path: Path) -> None:
    if path.stem in ERRATA:
        with pytest.raises(ValidationError) as refusal:
            round_trip(model(path, "Evse"), read(path))
        assert {error["loc"] for error in refusal.value.errors()} == ERRATA[path.stem]
    elif path.stem in PATCHES:
        whole = read(path.with_stem(BASE[path.parts[-3]]))
        part = {"Location": whole, "Evse": whole["evses"][0], "Connector": whole["evses"][0]["connectors"][0]}[PATCHES[path.stem]]
        patched = part | read(path)
        assert round_trip(model(path, PATCHES[path.stem]), patched) == patched
    else:
        field, name = CONTENT[path.stem]
        data = read(path)[field] if field else read(path)
        assert round_trip(model(path, name), data) == data


@pytest.mark.parametrize("path", examples("version*", "transport_and_format_version*"))
def test_every_versions_example_comes_back_equal(path: Path) -> None:
    content = read(path)
    data = content["data"] if isinstance(content, dict) and "data" in content else content
    if isinstance(data, list):
        assert [round_trip(Version, version) for version in data] == data
    else:
        assert round_trip(VersionDetails, data) == data
