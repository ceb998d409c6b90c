"""What becomes of objects that partners send: accepted as they are, or refused with what is wrong about them."""

from decimal import Decimal
from typing import Any

import pytest

from ampyard.ocpi import json
from ampyard.ocpi.errors import OcpiError, Refusal
from ampyard.ocpi.models import CDR, LOCATION, SET_CHARGING_PROFILE, TARIFF, TERMINAL, TOKEN
from ampyard.ocpi.received import patched, received
from ampyard.ocpi.wire.types import same_id

TOKEN_DOCUMENT: dict[str, Any] = {
    "country_code": "de",
    "party_id": "TNM",
    "uid": "012345aB",
    "type": "RFID",
    "contract_id": "DE8ACC12E46L89",
    "issuer": "Straßen & Co",
    "valid": True,
    "whitelist": "ALLOWED_OFFLINE",
    "energy_contract": {"supplier_name": "Sun", "contract_id": "7"},
    "x_loyalty": {"level": Decimal("2.50")},
    "last_updated": "2026-03-01T10:00:00",
}


def refusal(kind: Any, value: Any) -> str:
    with pytest.raises(OcpiError) as refused:
        received(kind, value)
    assert refused.value.refusal is Refusal.OBJECT_INVALID
    return refused.value.message


def test_an_object_is_told_as_it_was_written() -> None:
    token = received(TOKEN["2.3.0"], TOKEN_DOCUMENT)
    assert (token.country_code, token.uid) == ("de", "012345aB")
    assert same_id(token.uid, "012345Ab")
    assert not same_id(token.uid, "012345A")


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_values_that_2_3_0_leaves_open_are_refused_by_2_2_1(version: str) -> None:
    document = TOKEN_DOCUMENT | {"type": "EMAID"}
    if version == "2.3.0":
        assert received(TOKEN[version], document).type == "EMAID"
    else:
        expected = "This is no Token: type is \"EMAID\"; it should be one of 'AD_HOC_USER', 'APP_USER', 'OTHER' or 'RFID'."
        assert refusal(TOKEN[version], document) == expected


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"uid": None}, "uid is null; it should be a string."),
        ({"uid": ""}, 'uid is ""; it should be of length 1 at least.'),
        ({"uid": 12345}, "uid is 12345; it should be a string."),
        ({"uid": "x" * 60}, f'uid is "{"x" * 50}…"; it should be of length 36 at most.'),
        ({"uid": "0\t1"}, 'uid is "0\ufffd1"; it should be of printable ASCII characters alone.'),
        ({"issuer": "a\nb"}, 'issuer is "a\ufffdb"; it should be of printable characters alone.'),
        ({"valid": "true"}, 'valid is "true"; it should be true or false.'),
        ({"valid": 1}, "valid is 1; it should be true or false."),
        ({"energy_contract": []}, "energy_contract is a list; it should be an object."),
        ({"energy_contract": {}}, "energy_contract.supplier_name is missing."),
        (
            {"last_updated": "2026-03-01T10:00:00+00:00"},
            'last_updated is "2026-03-01T10:00:00+00:00"; it should be a DateTime in UTC, such as 2026-01-31T09:30:00Z.',
        ),
        (
            {"last_updated": "2026-02-30T10:00:00Z"},
            'last_updated is "2026-02-30T10:00:00Z"; it should be a DateTime in UTC, such as 2026-01-31T09:30:00Z.',
        ),
        (
            {"last_updated": Decimal("1.5")},
            "last_updated is 1.5; it should be a DateTime in UTC, such as 2026-01-31T09:30:00Z.",
        ),
    ],
)
def test_a_fault_is_told_with_where_what_and_what_would_be_right(change: dict[str, Any], told: str) -> None:
    assert refusal(TOKEN["2.2.1"], TOKEN_DOCUMENT | change) == f"This is no Token: {told}"


def test_faults_inside_lists_say_which() -> None:
    body = b"""{"response_url": "https://emsp.example/1", "charging_profile": {"charging_rate_unit": "A", "charging_profile_period": [
        {"start_period": 0, "limit": 8.10}, {"start_period": 0.5, "limit": 8.15}, {"start_period": -1, "limit": "8"}]}}"""
    periods = "charging_profile.charging_profile_period"
    assert refusal(SET_CHARGING_PROFILE["2.3.0"], json.parse(body)) == (
        f"This is no SetChargingProfile: {periods}[1].start_period is 0.5; it should be a whole number."
        f" {periods}[1].limit is 8.15; it should be a number with no more than 1 behind the decimal point."
        f" {periods}[2].start_period is -1; it should be 0 at least."
        f' {periods}[2].limit is "8"; it should be a number.'
    )


def test_what_is_no_object_is_refused_as_a_whole() -> None:
    assert refusal(TOKEN["2.3.0"], [TOKEN_DOCUMENT]) == "This is no Token: The body is a list; it should be an object."
    assert refusal(TOKEN["2.3.0"], None) == "This is no Token: The body is null; it should be an object."


def test_not_every_fault_is_told() -> None:
    assert refusal(LOCATION["2.3.0"], {}) == (
        "This is no Location: country_code is missing. party_id is missing. id is missing. publish is missing. address is missing."
        " 5 more faults follow."
    )


def test_a_price_is_a_number_and_keeps_its_digits() -> None:
    body = b"""{"country_code": "DE", "party_id": "ALL", "id": "1", "currency": "EUR", "tax_included": "N/A",
        "last_updated": "2026-01-01T00:00:00Z",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.30000000000000000001, "step_size": 1}]}]}"""
    tariff = received(TARIFF["2.3.0"], json.parse(body))
    assert json.render(tariff.to_wire()["elements"][0]["price_components"][0]) == (
        b'{"type":"ENERGY","price":0.30000000000000000001,"step_size":1}'
    )
    assert refusal(TARIFF["2.3.0"], json.parse(body.replace(b"0.30000000000000000001", b'"0.30"'))) == (
        'This is no Tariff: elements[0].price_components[0].price is "0.30"; it should be a number.'
    )


def test_a_patch_replaces_what_it_names_and_leaves_the_rest() -> None:
    patch = {"valid": False, "energy_contract": {"supplier_name": "Wind"}, "y_new": [1], "last_updated": "2026-03-02T00:00:00Z"}
    document, token = patched(TOKEN["2.3.0"], TOKEN_DOCUMENT, patch)
    assert document == TOKEN_DOCUMENT | patch
    assert document["x_loyalty"] == {"level": Decimal("2.50")}
    assert (token.valid, token.issuer, token.energy_contract.contract_id) == (False, "Straßen & Co", None)


@pytest.mark.parametrize("patch", [{}, {"valid": False}, {"valid": False, "last_updated": None}])
def test_a_patch_has_last_updated(patch: dict[str, Any]) -> None:
    with pytest.raises(OcpiError, match="last_updated is missing; a PATCH has it") as refused:
        patched(TOKEN["2.3.0"], TOKEN_DOCUMENT, patch)
    assert refused.value.refusal is Refusal.LAST_UPDATED_MISSING


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ([], "This is no part of a Token: The body is a list; it should be an object."),
        ({"whitelist": "SOMETIMES"}, "This is no part of a Token: whitelist is \"SOMETIMES\"; it should be one of 'ALWAYS',"),
        ({"issuer": None}, "This is no Token: issuer is null; it should be a string."),
    ],
)
def test_a_patch_that_would_spoil_the_object_is_refused(patch: Any, told: str) -> None:
    with pytest.raises(OcpiError) as refused:
        patched(TOKEN["2.3.0"], TOKEN_DOCUMENT, patch if isinstance(patch, list) else patch | {"last_updated": "2026-03-02T00:00:00Z"})
    assert refused.value.refusal is Refusal.OBJECT_INVALID
    assert refused.value.message.startswith(told)


def test_a_patch_may_take_an_optional_field_away() -> None:
    document, token = patched(TOKEN["2.3.0"], TOKEN_DOCUMENT, {"energy_contract": None, "last_updated": "2026-03-02T00:00:00Z"})
    assert document["energy_contract"] is None
    assert token.energy_contract is None


def test_payments_are_of_2_3_0_alone() -> None:
    assert "2.2.1" not in TERMINAL
    assert "2.2.1" in CDR
