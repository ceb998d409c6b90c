"""Location, EVSE, Connector and their parts (OCPI, chapter 8), as 2.2.1 and 2.3.0 share them.

Where 2.2.1 closes a list of values that 2.3.0 leaves open, it is open here and narrowed in the package of 2.2.1.
"""

from typing import Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.wire.types import (
    CiString,
    CountryCode,
    DateTime,
    DisplayText,
    Identifier,
    Many,
    Number,
    OpenEnum,
    PartyCode,
    String,
    Url,
    WireModel,
)

Status: TypeAlias = Literal["AVAILABLE", "BLOCKED", "CHARGING", "INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED", "RESERVED", "UNKNOWN"]
ConnectorFormat: TypeAlias = Literal["SOCKET", "CABLE"]
PowerType: TypeAlias = Literal["AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"]
EnergySourceCategory: TypeAlias = Literal["NUCLEAR", "GENERAL_FOSSIL", "COAL", "GAS", "GENERAL_GREEN", "SOLAR", "WIND", "WATER"]

_LATITUDE = r"^-?[0-9]{1,2}\.[0-9]{5,7}$"
_LONGITUDE = r"^-?[0-9]{1,3}\.[0-9]{5,7}$"
TIME_OF_DAY = r"^([0-1][0-9]|2[0-3]):[0-5][0-9]$"


class GeoLocation(WireModel):
    latitude: str = Field(max_length=10, pattern=_LATITUDE)
    longitude: str = Field(max_length=11, pattern=_LONGITUDE)


class AdditionalGeoLocation(GeoLocation):
    name: DisplayText | None = None


class Image(WireModel):
    url: Url
    thumbnail: Url | None = None
    category: OpenEnum
    type: CiString = Field(max_length=4)
    width: int | None = Field(default=None, ge=0, le=99_999)
    height: int | None = Field(default=None, ge=0, le=99_999)


class BusinessDetails(WireModel):
    name: String = Field(max_length=100)
    website: Url | None = None
    logo: Image | None = None


class EnergySource(WireModel):
    source: EnergySourceCategory
    percentage: Number = Field(ge=0, le=100)


class EnvironmentalImpact(WireModel):
    category: OpenEnum
    amount: Number


class EnergyMix(WireModel):
    is_green_energy: bool
    energy_sources: Many[EnergySource] | None = None
    environ_impact: Many[EnvironmentalImpact] | None = None
    supplier_name: String | None = Field(default=None, max_length=64)
    energy_product_name: String | None = Field(default=None, max_length=64)


class RegularHours(WireModel):
    weekday: int = Field(ge=1, le=7)
    period_begin: str = Field(pattern=TIME_OF_DAY)
    period_end: str = Field(pattern=TIME_OF_DAY)


class ExceptionalPeriod(WireModel):
    period_begin: DateTime
    period_end: DateTime


class Hours(WireModel):
    twentyfourseven: bool
    regular_hours: Many[RegularHours] | None = None
    exceptional_openings: Many[ExceptionalPeriod] | None = None
    exceptional_closings: Many[ExceptionalPeriod] | None = None


class PublishToken(WireModel):
    """PublishTokenType."""

    uid: CiString | None = Field(default=None, max_length=36)
    type: OpenEnum | None = None
    visual_number: String | None = Field(default=None, max_length=64)
    issuer: String | None = Field(default=None, max_length=64)
    group_id: CiString | None = Field(default=None, max_length=36)


class StatusSchedule(WireModel):
    period_begin: DateTime
    period_end: DateTime | None = None
    status: Status


class Connector(WireModel):
    """`max_voltage` in V (line to neutral for AC), `max_amperage` in A, `max_electric_power` in W."""

    id: Identifier
    standard: OpenEnum
    format: ConnectorFormat
    power_type: PowerType
    max_voltage: int = Field(ge=0)
    max_amperage: int = Field(ge=0)
    max_electric_power: int | None = Field(default=None, ge=0)
    tariff_ids: Many[Identifier] | None = None
    terms_and_conditions: Url | None = None
    last_updated: DateTime


class Evse(WireModel):
    uid: Identifier
    evse_id: CiString | None = Field(default=None, max_length=48)
    status: Status
    status_schedule: Many[StatusSchedule] | None = None
    capabilities: Many[OpenEnum] | None = None
    connectors: Many[Connector] = Field(min_length=1)
    floor_level: String | None = Field(default=None, max_length=4)
    coordinates: GeoLocation | None = None
    physical_reference: String | None = Field(default=None, max_length=16)
    directions: Many[DisplayText] | None = None
    parking_restrictions: Many[OpenEnum] | None = None
    images: Many[Image] | None = None
    last_updated: DateTime


class Location(WireModel):
    country_code: CountryCode
    party_id: PartyCode
    id: Identifier
    publish: bool
    publish_allowed_to: Many[PublishToken] | None = None
    name: String | None = Field(default=None, max_length=255)
    address: String = Field(max_length=255)
    city: String = Field(max_length=45)
    postal_code: String | None = Field(default=None, max_length=10)
    state: String | None = Field(default=None, max_length=45)
    country: String = Field(min_length=3, max_length=3)
    coordinates: GeoLocation
    related_locations: Many[AdditionalGeoLocation] | None = None
    parking_type: OpenEnum | None = None
    evses: Many[Evse] | None = None
    directions: Many[DisplayText] | None = None
    operator: BusinessDetails | None = None
    suboperator: BusinessDetails | None = None
    owner: BusinessDetails | None = None
    facilities: Many[OpenEnum] | None = None
    time_zone: String = Field(max_length=255)
    opening_times: Hours | None = None
    charging_when_closed: bool | None = None
    images: Many[Image] | None = None
    energy_mix: EnergyMix | None = None
    last_updated: DateTime
