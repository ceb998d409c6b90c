"""Charging profiles, what is answered at once, and what became of them (OCPI, chapter 14): the same in 2.2.1 and 2.3.0."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.wire.types import DateTime, Many, Number, Url, WireModel

ChargingRateUnit: TypeAlias = Literal["W", "A"]
ChargingProfileResponseType: TypeAlias = Literal["ACCEPTED", "NOT_SUPPORTED", "REJECTED", "TOO_OFTEN", "UNKNOWN_SESSION"]
ChargingProfileResultType: TypeAlias = Literal["ACCEPTED", "REJECTED", "UNKNOWN"]

# "Accepts at most one digit fraction (e.g. 8.1)" (14.6.3 and 14.6.4).
ChargingRate: TypeAlias = Annotated[Number, Field(decimal_places=1)]


class ChargingProfilePeriod(WireModel):
    """A limit in W, or A of each phase, from `start_period` seconds after the start of the profile on."""

    start_period: int = Field(ge=0)
    limit: ChargingRate


class ChargingProfile(WireModel):
    """Limits over time: from `start_date_time`, else from the start of charging, for `duration` seconds, else until it ends."""

    start_date_time: DateTime | None = None
    duration: int | None = Field(default=None, ge=0)
    charging_rate_unit: ChargingRateUnit
    min_charging_rate: ChargingRate | None = None
    charging_profile_period: Many[ChargingProfilePeriod] | None = None


class ActiveChargingProfile(WireModel):
    """The limits that hold, counted from `start_date_time`."""

    start_date_time: DateTime
    charging_profile: ChargingProfile


class SetChargingProfile(WireModel):
    """A profile to set, and where its result is to be sent."""

    charging_profile: ChargingProfile
    response_url: Url


class ChargingProfileResponse(WireModel):
    """What is answered at once; the result comes within `timeout` seconds, or never."""

    result: ChargingProfileResponseType
    timeout: int = Field(ge=0)


class ActiveChargingProfileResult(WireModel):
    """What was asked for by GET."""

    result: ChargingProfileResultType
    profile: ActiveChargingProfile | None = None


class ChargingProfileResult(WireModel):
    """What became of a PUT."""

    result: ChargingProfileResultType


class ClearProfileResult(WireModel):
    """What became of a DELETE."""

    result: ChargingProfileResultType
