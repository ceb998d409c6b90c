"""Location, EVSE and Connector of OCPI 2.3.0 (chapter 8): open lists of values, and what was added since 2.2.1."""

from typing import Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.wire import locations as shared
from ampyard.ocpi.wire.types import CiString, OpenEnum, String, WireModel

ParkingDirection: TypeAlias = Literal["PARALLEL", "PERPENDICULAR", "ANGLE"]
EvsePosition: TypeAlias = Literal["LEFT", "RIGHT", "CENTER"]


class Parking(WireModel):
    """Weights in kg, lengths in cm, `time_limit` in minutes."""

    id: CiString = Field(max_length=36)
    physical_reference: String | None = Field(default=None, max_length=12)
    vehicle_types: tuple[OpenEnum, ...] = Field(min_length=1)
    max_vehicle_weight: float | None = None
    max_vehicle_height: float | None = None
    max_vehicle_length: float | None = None
    max_vehicle_width: float | None = None
    parking_space_length: float | None = None
    parking_space_width: float | None = None
    dangerous_goods_allowed: bool | None = None
    direction: ParkingDirection | None = None
    drive_through: bool | None = None
    restricted_to_type: bool
    reservation_required: bool
    time_limit: float | None = None
    roofed: bool | None = None
    images: tuple[shared.Image, ...] | None = None
    lighting: bool | None = None
    refrigeration_outlet: bool | None = None
    standards: tuple[CiString, ...] | None = None
    apds_reference: CiString | None = None


class EvseParking(WireModel):
    """EVSEParking: which of the Location's parking places an EVSE serves, and from where."""

    parking_id: CiString = Field(max_length=36)
    evse_position: EvsePosition | None = None


class Connector(shared.Connector):
    capabilities: tuple[OpenEnum, ...] | None = None


class Evse(shared.Evse):
    connectors: tuple[Connector, ...] = Field(min_length=1)
    parking: tuple[EvseParking, ...] | None = None
    accepted_service_providers: tuple[String, ...] | None = None


class Location(shared.Location):
    evses: tuple[Evse, ...] | None = None
    parking_places: tuple[Parking, ...] | None = None
    help_phone: CiString | None = Field(default=None, max_length=25)
