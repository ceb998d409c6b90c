"""Location, EVSE and Connector of OCPI 2.2.1 (chapter 8): its lists of values are closed."""

from typing import Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.v2_2_1.types import TokenType
from ampyard.ocpi.wire import locations as shared
from ampyard.ocpi.wire.types import Many

Capability: TypeAlias = Literal[
    "CHARGING_PROFILE_CAPABLE",
    "CHARGING_PREFERENCES_CAPABLE",
    "CHIP_CARD_SUPPORT",
    "CONTACTLESS_CARD_SUPPORT",
    "CREDIT_CARD_PAYABLE",
    "DEBIT_CARD_PAYABLE",
    "PED_TERMINAL",
    "REMOTE_START_STOP_CAPABLE",
    "RESERVABLE",
    "RFID_READER",
    "START_SESSION_CONNECTOR_REQUIRED",
    "TOKEN_GROUP_CAPABLE",
    "UNLOCK_CAPABLE",
]
ConnectorType: TypeAlias = Literal[
    "CHADEMO",
    "CHAOJI",
    "DOMESTIC_A",
    "DOMESTIC_B",
    "DOMESTIC_C",
    "DOMESTIC_D",
    "DOMESTIC_E",
    "DOMESTIC_F",
    "DOMESTIC_G",
    "DOMESTIC_H",
    "DOMESTIC_I",
    "DOMESTIC_J",
    "DOMESTIC_K",
    "DOMESTIC_L",
    "DOMESTIC_M",
    "DOMESTIC_N",
    "DOMESTIC_O",
    "GBT_AC",
    "GBT_DC",
    "IEC_60309_2_single_16",
    "IEC_60309_2_three_16",
    "IEC_60309_2_three_32",
    "IEC_60309_2_three_64",
    "IEC_62196_T1",
    "IEC_62196_T1_COMBO",
    "IEC_62196_T2",
    "IEC_62196_T2_COMBO",
    "IEC_62196_T3A",
    "IEC_62196_T3C",
    "NEMA_5_20",
    "NEMA_6_30",
    "NEMA_6_50",
    "NEMA_10_30",
    "NEMA_10_50",
    "NEMA_14_30",
    "NEMA_14_50",
    "PANTOGRAPH_BOTTOM_UP",
    "PANTOGRAPH_TOP_DOWN",
    "TESLA_R",
    "TESLA_S",
]
EnvironmentalImpactCategory: TypeAlias = Literal["NUCLEAR_WASTE", "CARBON_DIOXIDE"]
Facility: TypeAlias = Literal[
    "HOTEL",
    "RESTAURANT",
    "CAFE",
    "MALL",
    "SUPERMARKET",
    "SPORT",
    "RECREATION_AREA",
    "NATURE",
    "MUSEUM",
    "BIKE_SHARING",
    "BUS_STOP",
    "TAXI_STAND",
    "TRAM_STOP",
    "METRO_STATION",
    "TRAIN_STATION",
    "AIRPORT",
    "PARKING_LOT",
    "CARPOOL_PARKING",
    "FUEL_STATION",
    "WIFI",
]
ImageCategory: TypeAlias = Literal["CHARGER", "ENTRANCE", "LOCATION", "NETWORK", "OPERATOR", "OTHER", "OWNER"]
ParkingRestriction: TypeAlias = Literal["EV_ONLY", "PLUGGED", "DISABLED", "CUSTOMERS", "MOTORCYCLES"]
ParkingType: TypeAlias = Literal["ALONG_MOTORWAY", "PARKING_GARAGE", "PARKING_LOT", "ON_DRIVEWAY", "ON_STREET", "UNDERGROUND_GARAGE"]


class Image(shared.Image):
    category: ImageCategory


class BusinessDetails(shared.BusinessDetails):
    logo: Image | None = None


class EnvironmentalImpact(shared.EnvironmentalImpact):
    category: EnvironmentalImpactCategory


class EnergyMix(shared.EnergyMix):
    environ_impact: Many[EnvironmentalImpact] | None = None


class PublishToken(shared.PublishToken):
    type: TokenType | None = None


class Connector(shared.Connector):
    standard: ConnectorType


class Evse(shared.Evse):
    capabilities: Many[Capability] | None = None
    connectors: Many[Connector] = Field(min_length=1)
    parking_restrictions: Many[ParkingRestriction] | None = None
    images: Many[Image] | None = None


class Location(shared.Location):
    publish_allowed_to: Many[PublishToken] | None = None
    parking_type: ParkingType | None = None
    evses: Many[Evse] | None = None
    operator: BusinessDetails | None = None
    suboperator: BusinessDetails | None = None
    owner: BusinessDetails | None = None
    facilities: Many[Facility] | None = None
    images: Many[Image] | None = None
    energy_mix: EnergyMix | None = None
