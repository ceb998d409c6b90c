"""The official examples of the standard are accepted by our object classes and come back equal, digits of numbers included.

They are read from beside the repository and never copied into it. `AMPYARD_OCPI_EXAMPLES` may name another folder, laid out as
`2.2.1/examples/*.json`, `2.3.0/examples/*.json` and `2.3.0-payments/examples/*.json`, for all of them.
"""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ampyard.ocpi import json, models
from ampyard.ocpi.modules import Models, each
from ampyard.ocpi.v2_3_0.payments import TerminalActivation
from ampyard.ocpi.wire import locations as wire
from ampyard.ocpi.wire.envelope import Envelope
from ampyard.ocpi.wire.partial import partial
from ampyard.ocpi.wire.types import DisplayText, WireModel
from tests.ocpi.objects import exactly

REPOSITORY = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("AMPYARD_OCPI_EXAMPLES", REPOSITORY.parent / "shared" / "fixtures" / "ocpi"))

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the official OCPI examples (../shared/fixtures/ocpi) are not beside this repository"
)

HOURS = each(wire.Hours, wire.Hours)
ENERGY_MIX = each(wire.EnergyMix, wire.EnergyMix)
TEXT = each(DisplayText, DisplayText)
# What a file holds, by how its name begins; the longest beginning counts. Where it is inside something else, by which field.
OBJECTS: dict[str, tuple[Models, str | None]] = {
    "cdr_": (models.CDR, None),
    "credentials_": (models.CREDENTIALS, None),
    "location_": (models.LOCATION, None),
    "location_energymix_": (ENERGY_MIX, "energy_mix"),
    "location_hours_": (HOURS, None),
    "location_put_example_add_evse": (models.EVSE, None),
    "location_regularhours_": (HOURS, "opening_times"),
    "payment_financial_advice_": (models.FINANCIAL_ADVICE_CONFIRMATION, None),
    "payment_terminal_": (models.TERMINAL, None),
    "payment_terminal_activate": (each(TerminalActivation, TerminalActivation), None),
    "payment_terminal_create": (models.NEW_TERMINAL, None),
    "session_": (models.SESSION, None),
    "tariff": (models.TARIFF, None),
    "token_": (models.TOKEN, None),
    "transport_and_format_get_token_": (models.TOKEN, "data"),
    "transport_and_format_version_details_": (models.VERSION_DETAILS, "data"),
    "transport_and_format_version_info_": (models.VERSION, "data"),
    "type_displaytext_": (TEXT, None),
    "version_details_": (models.VERSION_DETAILS, None),
    "versions_info_": (models.VERSION, None),
}
# Partial updates.
PARTS: dict[str, Models] = {
    "location_patch_example_location": models.LOCATION,
    "location_patch_example_remove_evse": models.EVSE,
    "location_patch_example_status": models.EVSE,
    "location_patch_example_tariff": models.CONNECTOR,
    # Of all PATCHes, only that of terminals may be without `last_updated` (mod_payments does not ask for it).
    "payment_terminal_location_assignment": models.NEW_TERMINAL,
    "session_patch_example_charging_period": models.SESSION,
    "session_patch_example_total_cost": models.SESSION,
    "token_patch_example": models.TOKEN,
}
# Examples that contradict the text, why, and the fields at which they do.
_NO_WHOLE_CONNECTOR = {
    "connectors.0.power_type",
    "connectors.0.max_voltage",
    "connectors.0.max_amperage",
    "connectors.0.last_updated",
    "connectors",  # none that is whole, and at least one is needed
    "physical_reference",  # a number, where a string is asked for; and `floor` should be `floor_level`
}
ERRATA: dict[tuple[str, str], set[str]] = {
    ("2.2.1", "location_put_example_add_evse"): _NO_WHOLE_CONNECTOR,
    ("2.3.0", "location_put_example_add_evse"): _NO_WHOLE_CONNECTOR,
    # A Tariff has always had the time of its last change (11.3.1).
    ("2.2.1", "tariff_put_example"): {"last_updated"},
    ("2.3.0", "tariff_put_example"): {"last_updated"},
    # The tariff in it was not brought up to 2.3.0 (11.3.1, tax_included).
    ("2.3.0", "cdr_example"): {"tariffs.0.tax_included"},
    # Their price is that of 2.2.1 (16.5, Price of 2.3.0); and receipts are asked for whatever became of the capture (mod_payments).
    ("2.3.0", "payment_financial_advice_confirmation_create"): {"total_costs.before_taxes"},
    ("2.3.0", "payment_financial_advice_confirmation_example_success"): {"total_costs.before_taxes"},
    ("2.3.0", "payment_financial_advice_confirmation_example_failure"): {"total_costs.before_taxes", "eft_data"},
    # A PUT has the whole object, and its URL is none (mod_payments, PUT Terminal Method).
    ("2.3.0", "payment_terminal_put_update"): {"terminal_id", "invoice_base_url"},
}


def examples() -> list[Any]:
    paths = sorted(FOLDER.glob("*/examples/*.json"))
    return [pytest.param(path, id=f"{path.parts[-3]}-{path.stem}") for path in paths] or [pytest.param(FOLDER, id="absent")]


def version_of(path: Path) -> str:
    return path.parts[-3].partition("-")[0]


def found_in(path: Path) -> tuple[type[WireModel], list[Any]]:
    """Return the class of the objects in a file, and the objects."""
    document = json.parse(path.read_bytes())
    version = version_of(path)
    if path.stem in PARTS:
        return partial(PARTS[path.stem][version]), [document]
    beginning = max((one for one in OBJECTS if path.stem.startswith(one)), key=len)
    kinds, field = OBJECTS[beginning]
    if field == "data":
        Envelope.model_validate(document)
    content = document[field] if field else document
    return kinds[version], content if isinstance(content, list) else [content]


@pytest.mark.parametrize("path", examples())
def test_every_example_is_accepted_and_comes_back_equal(path: Path) -> None:
    kind, objects = found_in(path)
    wrong = ERRATA.get((version_of(path), path.stem))
    if wrong is not None:
        with pytest.raises(ValidationError) as refusal:
            [kind.model_validate(one) for one in objects]
        assert {".".join(map(str, error["loc"])) for error in refusal.value.errors()} == wrong
        return
    for one in objects:
        sent = json.parse(json.render(kind.model_validate(one).to_wire()))
        assert exactly(sent) == exactly(one)


def test_texts_are_compared_exactly() -> None:
    assert exactly({"a": Decimal("4.00"), "b": 1}) == exactly({"b": 1, "a": Decimal("4.00")})
    assert exactly(Decimal("4.00")) != exactly(Decimal("4.0"))
