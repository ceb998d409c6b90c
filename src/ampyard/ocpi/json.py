"""JSON as OCPI needs it: what has a fraction is a `Decimal` on the way in and keeps its digits on the way out."""

import json
from decimal import Decimal
from typing import Any, NoReturn

import orjson

# No amount, energy or coordinate has more digits; written out, 1e999999999 would take a gigabyte.
_MOST_DIGITS = 40
_INT64_DIGITS = 18


def parse(body: bytes) -> Any:
    """Return the JSON values of a body; numbers with a fraction or an exponent are `Decimal`, never float.

    Raises:
        ValueError: it is not JSON in UTF-8, has NaN or an infinity, which JSON has not, or a number of more than 40 digits.
    """
    try:
        return json.loads(body.decode(), parse_float=_decimal, parse_int=_whole, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def render(value: Any) -> bytes:
    """Return JSON values as JSON; a `Decimal` is a number with the digits it has."""
    return orjson.dumps(value, default=_number)


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > _MOST_DIGITS or abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"{text[:_MOST_DIGITS]} has too many digits")
    return number


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _INT64_DIGITS else _decimal(text)


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        # Never with an exponent: some JSON readers take 1E+2 for an error where a decimal number is expected.
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} has no JSON")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
