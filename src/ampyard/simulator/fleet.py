"""What a simulated fleet consists of, and the JSON file that describes one.

The file is an object with two lists. Units are in the names; every key is required unless a default is shown::

    {
      "charge_points": [
        {
          "identity": "YARD-01",            # OCPP identity, at most 48 characters, unique
          "password": "secret",             # optional: the fleet-wide password is used when absent
          "ocpp_version": "1.6",            # or "2.0.1"
          "vendor": "Alpina", "model": "AC22", "serial_number": "A-1", "firmware_version": "1.4.2",
          "current_type": "AC",             # or "DC"
          "fallback_kw": 4.2,               # what each EVSE may draw while no central profile is valid
          "obeys": "always",                # the default; or "never", or so many seconds late: it accepts limits all the same
          "depot": "North",
          "rate_units": ["A", "W"],         # optional: in which units it takes limits; both unless told
          "max_periods": 96,                # optional: how many periods a schedule may have
          "phase_rotation": "RST",          # optional: how its connectors are connected; Unknown unless told
          "evses": [{"evse_no": 1, "max_power_kw": 22.0, "phases": 3, "connector_type": "cType2"}]
        }
      ],
      "vehicles": [
        {
          "name": "Van 7", "depot": "North",
          "id_tag": "04A2B3C4D5E680", "id_tag_type": "ISO14443",   # type as in OCPP 2.0.1 IdTokenEnumType, optional
          "battery_kwh": 60.0, "max_ac_kw": 11.0, "max_dc_kw": 100.0,  # 0 where it cannot charge that way
          "initial_soc_percent": 30.0, "target_soc_percent": 90.0
        }
      ]
    }

Vehicles belong to a depot and take any free EVSE there. A ``fallback_kw`` below the physical minimum of the EVSE
(6 A on each phase: 4.14 kW on three phases; 3 kW for DC) pauses charging instead of slowing it.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ampyard.simulator.obedience import Obeys

RateUnit = Literal["A", "W"]
CurrentType = Literal["AC", "DC"]
OcppVersion = Literal["1.6", "2.0.1", "2.1"]
IdTagType = Literal["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress"]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EvseSpec(_Spec):
    evse_no: int = Field(ge=1)
    max_power_kw: float = Field(gt=0)
    phases: Literal[1, 3] = 3
    connector_type: str


class ChargePointSpec(_Spec):
    identity: str = Field(min_length=1, max_length=48)
    password: str | None = None
    ocpp_version: OcppVersion
    vendor: str = Field(max_length=20)
    model: str = Field(max_length=20)
    serial_number: str = Field(max_length=25)
    firmware_version: str = Field(max_length=50)
    current_type: CurrentType
    fallback_kw: float = Field(ge=0)
    obeys: Obeys = "always"
    depot: str
    evses: tuple[EvseSpec, ...] = Field(min_length=1)
    rate_units: tuple[RateUnit, ...] = Field(default=("A", "W"), min_length=1)
    max_periods: int = Field(default=96, ge=1)
    phase_rotation: str = "Unknown"

    @model_validator(mode="after")
    def _evses_are_numbered_from_one(self) -> Self:
        # OCPP 1.6 section 3.8 and 2.0.1 part 1: EVSE and connector numbers start at 1 and have no gaps
        if [evse.evse_no for evse in self.evses] != list(range(1, len(self.evses) + 1)):
            raise ValueError(f"{self.identity}: evse_no must count 1, 2, 3 in order")
        return self


class VehicleSpec(_Spec):
    name: str
    depot: str
    id_tag: str = Field(min_length=1, max_length=20)
    id_tag_type: IdTagType = "ISO14443"
    battery_kwh: float = Field(gt=0)
    max_ac_kw: float = Field(ge=0)
    max_dc_kw: float = Field(ge=0)
    initial_soc_percent: Percent
    target_soc_percent: Percent

    def max_kw(self, current_type: CurrentType) -> float:
        return self.max_ac_kw if current_type == "AC" else self.max_dc_kw


class Fleet(_Spec):
    charge_points: tuple[ChargePointSpec, ...] = Field(min_length=1)
    vehicles: tuple[VehicleSpec, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = Counter([point.identity for point in self.charge_points])
        vehicles = Counter([vehicle.name for vehicle in self.vehicles])
        repeated = sorted(name for name, count in (names.items() | vehicles.items()) if count > 1)
        if repeated:
            raise ValueError(f"listed more than once: {', '.join(repeated)}")
        strangers = sorted({vehicle.depot for vehicle in self.vehicles} - {point.depot for point in self.charge_points})
        if strangers:
            raise ValueError(f"vehicles of depots without a charge point: {', '.join(strangers)}")
        return self

    def first(self, count: int) -> "Fleet":
        """Return the fleet of the first ``count`` charge points, with as large a share of each depot's vehicles as of its EVSEs."""
        kept = self.charge_points[:count]
        evses = Counter(dict.fromkeys((point.depot for point in kept), 0))
        all_evses = evses.copy()
        for point in self.charge_points:
            all_evses[point.depot] += len(point.evses)
        for point in kept:
            evses[point.depot] += len(point.evses)
        vehicles: list[VehicleSpec] = []
        for depot in dict.fromkeys(point.depot for point in kept):
            local = [vehicle for vehicle in self.vehicles if vehicle.depot == depot]
            vehicles += local[: -(-len(local) * evses[depot] // all_evses[depot])]
        return Fleet(charge_points=kept, vehicles=tuple(vehicles))


def load_fleet(path: Path) -> Fleet:
    """Read a fleet file.

    Raises:
        OSError: The file cannot be read.
        pydantic.ValidationError: It is not of the documented shape.
    """
    return Fleet.model_validate_json(path.read_bytes())
