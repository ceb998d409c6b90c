"""The base types of OCPI (2.2.1 and 2.3.0, types)."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict, StringConstraints, WithJsonSchema

_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?")
_DATE_TIME_LENGTH = 25
_EXAMPLE_TIME = "2026-01-31T09:30:00Z"


def parse_date_time(text: str) -> datetime:
    """Return an OCPI DateTime: RFC 3339 in UTC, with `Z` or no designator at all (types, DateTime).

    Raises:
        ValueError: it is of another format, such as one with an offset, or there is no such time.
    """
    try:
        if _DATE_TIME.fullmatch(text) and len(text) <= _DATE_TIME_LENGTH:
            return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise ValueError(f"{text[:50]!r} is not a DateTime in UTC, such as {_EXAMPLE_TIME}")


def format_date_time(moment: datetime) -> str:
    """Return a moment as an OCPI DateTime. Milliseconds, if any: with microseconds it would exceed the type's 25 characters."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1000 else "seconds") + "Z"  # noqa: PLR2004 # µs in a ms


def same_id(one: str, other: str) -> bool:
    """Tell whether two CiStrings are the same. They are kept as they were written, and only compared without case (types, CiString)."""
    return one.lower() == other.lower()


def _date_time(value: Any) -> Any:
    return parse_date_time(value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    # JSON has one type of numbers; what has neither fraction nor exponent is read as an int.
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


DateTime: TypeAlias = Annotated[
    datetime,
    BeforeValidator(_date_time),
    PlainSerializer(format_date_time, return_type=str),
    WithJsonSchema({"type": "string", "maxLength": _DATE_TIME_LENGTH, "pattern": f"^{_DATE_TIME.pattern}$", "examples": [_EXAMPLE_TIME]}),
]
# Never a float: amounts keep the digits they came with (types, number).
Number: TypeAlias = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
_ASCII = r"^[ -~]*$"
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_URL = r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f\x7f-\x9f]+$"
_CAPITALS = r"^[A-Z]*$"
# What the patterns mean, for people.
FORMS = {
    _ASCII: "of printable ASCII characters alone",
    _PRINTABLE: "of printable characters alone",
    _URL: "a URL, such as https://example.com/ocpi/versions",
    _CAPITALS: "of capitals alone, as in ISO 4217",
}

CiString: TypeAlias = Annotated[str, StringConstraints(pattern=_ASCII)]
String: TypeAlias = Annotated[str, StringConstraints(pattern=_PRINTABLE)]
Url: TypeAlias = Annotated[str, StringConstraints(max_length=255, pattern=_URL)]
# The values the standard knows are listed in it; any other may appear (2.3.0, types, OpenEnum).
OpenEnum: TypeAlias = Annotated[str, StringConstraints(min_length=1, pattern=_ASCII)]

# What an object is found by: an empty one could be in no URL.
Identifier: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=36, pattern=_ASCII)]
CountryCode: TypeAlias = Annotated[str, StringConstraints(min_length=2, max_length=2, pattern=_ASCII)]
PartyCode: TypeAlias = Annotated[str, StringConstraints(min_length=3, max_length=3, pattern=_ASCII)]
CurrencyCode: TypeAlias = Annotated[str, StringConstraints(min_length=3, max_length=3, pattern=_CAPITALS)]

_Item = TypeVar("_Item")
# A JSON array; strictly, only a tuple would be one.
Many: TypeAlias = Annotated[tuple[_Item, ...], Strict(False)]  # pydantic's own way to say it


class WireModel(BaseModel):
    """An OCPI object. Fields the standard does not know are passed over, never refused (2.3.0, section 4.1.8, Non-specified JSON fields).

    It checks what is received and says what it means; what is kept and returned is the JSON it came in.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    def to_wire(self) -> dict[str, Any]:
        """Return the object as JSON values, numbers as Decimal; an optional field without a value is absent."""
        listed: dict[str, Any] = _listed(self.model_dump(exclude_none=True))
        return listed


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _listed(inner) for name, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, tuple) else value


class DisplayText(WireModel):
    """Words for people, in a language of ISO 639-1."""

    language: String = Field(min_length=2, max_length=2)
    text: String = Field(max_length=512)
