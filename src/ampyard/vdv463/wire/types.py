"""What all messages have in common: field names, identifiers, moments, shares."""

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel

_ID_LENGTH = 255


class WireModel(BaseModel):
    """A JSON object without other members than those it names, spelled as the standard does (`additionalProperties: false`)."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


def format_timestamp(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC, with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _storable(text: str) -> str:
    # PostgreSQL text holds no NUL.
    if "\0" in text:
        raise ValueError("has a NUL character")
    return text


# The standard leaves their length open.
Identifier: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=_ID_LENGTH), AfterValidator(_storable)]
Moment: TypeAlias = Annotated[AwareDatetime, PlainSerializer(format_timestamp, return_type=str)]
Percent: TypeAlias = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
