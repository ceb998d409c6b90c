"""Location, EVSE and Connector of OCPI 2.3.0 (chapter 8): open lists of values, and what was added since 2.2.1."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.wire import locations as shared
from ampyard.ocpi.wire.types import CiString, Identifier, Many, Number, OpenEnum, String, WireModel

ParkingDirection: TypeAlias = Literal["PARALLEL", "PERPENDICULAR", "ANGLE"]
EvsePosition: TypeAlias = Literal["LEFT", "RIGHT", "CENTER"]
ServiceProvider: TypeAlias = Annotated[String, Field(max_length=50)]


class Parking(WireModel):
    """Weights in kg, lengths in cm, `time_limit` in minutes."""

    id: Identifier
    physical_reference: String | None = Field(default=None, max_length=12)
    vehicle_types: Many[OpenEnum] = Field(min_length=1)
    max_vehicle_weight: Number | None = None
    max_vehicle_height: Number | None = None
    max_vehicle_length: Number | None = None
    max_vehicle_width: Number | None = None
    parking_space_length: Number | None = None
    parking_space_width: Number | None = None
    dangerous_goods_allowed: bool | None = None
    direction: ParkingDirection | None = None
    drive_through: bool | None = None
    restricted_to_type: bool
    reservation_required: bool
    time_limit: Number | None = None
    roofed: bool | None = None
    images: Many[shared.Image] | None = None
    lighting: bool | None = None
    refrigeration_outlet: bool | None = None
    standards: Many[Identifier] | None = None
    apds_reference: CiString | None = None


class EvseParking(WireModel):
    """EVSEParking: which of the Location's parking places an EVSE serves, and from where."""

    parking_id: Identifier
    evse_position: EvsePosition | None = None


class Connector(shared.Connector):
    capabilities: Many[OpenEnum] | None = None


class Evse(shared.Evse):
    connectors: Many[Connector] = Field(min_length=1)
    parking: Many[EvseParking] | None = None
    accepted_service_providers: Many[ServiceProvider] | None = None


class Location(shared.Location):
    evses: Many[Evse] | None = None
    parking_places: Many[Parking] | None = None
    help_phone: CiString | None = Field(default=None, max_length=25)
