"""JSON in and out without a float on the way."""

from decimal import Decimal

import pytest

from ampyard.ocpi.json import parse, render


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"0.1", Decimal("0.1")),
        (b"1.10", Decimal("1.10")),
        (b"12345678901234567890123456.789", Decimal("12345678901234567890123456.789")),
        (b"-7", -7),
        (b"12345678901234567890", Decimal(12345678901234567890)),
    ],
)
def test_numbers_keep_their_digits_both_ways(body: bytes, value: object) -> None:
    assert parse(body) == value
    assert render(parse(body)) == body


def test_an_exponent_is_written_out() -> None:
    assert render(parse(b'{"a":1e2,"b":25E-3}')) == b'{"a":100,"b":0.025}'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"NaN", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e999999999", "too many digits"),
        (b"1e-999999999", "too many digits"),
        (b"9" * 41, "too many digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{", "Expecting"),
        (b'"\xff"', "utf-8"),
    ],
)
def test_what_is_no_json_or_would_cost_too_much_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(body)
