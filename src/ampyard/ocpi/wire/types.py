"""The base types of OCPI (2.2.1 and 2.3.0, chapter 16)."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?")


def parse_date_time(text: str) -> datetime:
    """Return an OCPI DateTime: RFC 3339 in UTC, with `Z` or no designator at all (chapter 16, DateTime).

    Raises `ValueError` for every other format, offsets included.
    """
    if not _DATE_TIME.fullmatch(text):
        raise ValueError(f"{text!r} is not a DateTime in UTC, such as 2026-01-31T09:30:00Z")
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def format_date_time(moment: datetime) -> str:
    """Return a moment as an OCPI DateTime. Milliseconds, if any: with microseconds it would exceed the type's 25 characters."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1000 else "seconds") + "Z"  # noqa: PLR2004 # µs in a ms


def _date_time(value: Any) -> Any:
    return parse_date_time(value) if isinstance(value, str) else value


DateTime: TypeAlias = Annotated[datetime, BeforeValidator(_date_time), PlainSerializer(format_date_time, return_type=str)]
# Both strings exclude control characters; CiString is ASCII besides.
CiString: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[ -~]*$")]
String: TypeAlias = Annotated[str, StringConstraints(pattern=r"^\P{Cc}*$")]
Url: TypeAlias = Annotated[str, StringConstraints(max_length=255, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$")]
# The values the standard knows are listed in it; any other may appear (2.3.0, chapter 16, OpenEnum).
OpenEnum: TypeAlias = Annotated[str, StringConstraints(min_length=1, pattern=r"^[ -~]*$")]


class WireModel(BaseModel):
    """An OCPI object. Fields the standard does not know are passed over, never refused (2.3.0, chapter 4, Non-specified JSON fields)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    def to_wire(self) -> dict[str, Any]:
        """Return the object as JSON values; an optional field without a value is absent."""
        return self.model_dump(mode="json", exclude_none=True)


class DisplayText(WireModel):
    language: String = Field(min_length=2, max_length=2)
    text: String = Field(max_length=512)
