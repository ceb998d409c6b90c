from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import vehicles as domain
from ampyard.domain.access import Scope
from ampyard.domain.depots import Depot as DomainDepot
from ampyard.domain.vehicle_groups import VehicleGroup as DomainVehicleGroup
from ampyard.engine import computed
from ampyard.repositories import charts
from ampyard.repositories import vehicles as repository
from ampyard.repositories.depots import Depots
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.states_of_charge import SocReadings
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicle_groups import VehicleGroups
from ampyard.repositories.vehicles import Vehicles, VehicleTypes
from ampyard.resolvers import subscriptions
from ampyard.resolvers.charts import chart
from ampyard.resolvers.edges import by_id, references_to, to_many, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.resolvers.vehicles import own, resolve_soc_confidence
from ampyard.schema.alerts import Alert, alerts_about
from ampyard.schema.charging_requests import REQUESTS_OF_VEHICLE, ChargingRequest, ChargingRequestFilter, ChargingRequestOrder
from ampyard.schema.charts import EnergyChart
from ampyard.schema.enums import SocSource, VehicleKind
from ampyard.schema.id_tags import IdTag
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.priorities import Priority
from ampyard.schema.states_of_charge import SocReading, SocReadingFilter, SocReadingOrder
from ampyard.schema.transactions import Transaction, TransactionFilter, TransactionOrder

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot
    from ampyard.schema.vehicle_groups import VehicleGroup
    from ampyard.schema.vehicle_types import VehicleType

VEHICLES = Listing("vehicles", Vehicles, "NAME")


@strawberry.enum(description="What vehicles can be ordered by.")
class VehicleOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    VIN = "VIN"
    LICENSE_PLATE = "LICENSE_PLATE"


@strawberry.input(description="The order of a list of vehicles.")
class VehicleOrder:
    field: VehicleOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which vehicles to list.")
class VehicleFilter:
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those at home in this depot.")
    kind: VehicleKind | None = strawberry.field(default=None, description="Only those of this kind.")
    name_contains: str | None = strawberry.field(default=None, description="Only those whose name has this in it, in any case.")
    vehicle_type_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this type.")
    vehicle_group_id: strawberry.ID | None = strawberry.field(default=None, description="Only those in this vehicle group.")
    soc_below_percent: float | None = strawberry.field(
        default=None, description="Only those whose state of charge, as last known, is below this, in percent."
    )
    plugged_in: bool | None = strawberry.field(default=None, description="Only those with an open transaction, or without one.")
    archived: bool | None = strawberry.field(default=None, description="Only those that are archived, or that are not.")
    vin_contains: str | None = strawberry.field(default=None, description="Only those whose VIN has this in it, in any case.")
    license_plate_contains: str | None = strawberry.field(
        default=None, description="Only those whose licence plate has this in it, in any case."
    )

    def narrowing(self) -> repository.VehicleFilter:
        """Return the filter as the repository takes it."""
        return repository.VehicleFilter(
            depot_id=optional_id("filter.depotId", self.depot_id, DomainDepot),
            kind=self.kind,
            name_contains=self.name_contains,
            type_id=optional_id("filter.vehicleTypeId", self.vehicle_type_id, domain.VehicleType),
            vehicle_group_id=optional_id("filter.vehicleGroupId", self.vehicle_group_id, DomainVehicleGroup),
            soc_below_percent=self.soc_below_percent,
            plugged_in=self.plugged_in,
            archived=self.archived,
            vin_contains=self.vin_contains,
            license_plate_contains=self.license_plate_contains,
        )


@strawberry.federation.type(keys=["id", "vin"], directives=[Authenticated()], description="A vehicle of the fleet.")
class Vehicle(Node):
    name: str = strawberry.field(description="Its name or number for people.")
    kind: VehicleKind = strawberry.field(description="What kind of vehicle it is; its type's, if it has one.")
    vin: str = strawberry.field(description="Vehicle identification number; unique in the tenant.")
    license_plate: str = strawberry.field(description="Licence plate.")
    battery_kwh: float = strawberry.field(description="Usable battery capacity, in kWh.")
    max_ac_kw: float = strawberry.field(description="Highest AC charging power, in kW.")
    max_dc_kw: float = strawberry.field(description="Highest DC charging power, in kW.")
    soc_percent: float | None = strawberry.field(description="State of charge as last known, in percent.")
    soc_source: SocSource | None = strawberry.field(description="Who told it.")
    soc_at: datetime | None = strawberry.field(description="When it was so.")
    soc_confidence: float | None = computed(
        resolve_soc_confidence,
        reads=["soc_percent", "soc_source", "soc_at", "soc_confidence"],
        description="How far it is believed now, from 0 to 1: half as far every six hours.",
    )
    consumption_kwh_per_km: float | None = strawberry.field(description="What it takes on the road, in kWh/km; null where not known.")
    min_soc_percent: float | None = strawberry.field(
        description="What shall be left in its battery on return, in percent; null for what the tenant's settings say."
    )
    target_soc_percent: float | None = strawberry.field(description="What it is charged to, in percent; null for full.")
    ac_phases: int | None = strawberry.field(description="On how many phases it charges with alternating current; null where not known.")
    own_battery_kwh: float | None = own("battery_kwh", description="Its own battery capacity, in kWh; null: as its type has it.")
    own_max_ac_kw: float | None = own("max_ac_kw", description="Its own highest AC power, in kW; null: as its type has it.")
    own_max_dc_kw: float | None = own("max_dc_kw", description="Its own highest DC power, in kW; null: as its type has it.")
    own_consumption_kwh_per_km: float | None = own(
        "consumption_kwh_per_km", description="Its own consumption, in kWh/km; null: as its type has it."
    )
    own_min_soc_percent: float | None = own("min_soc_percent", description="Its own reserve, in percent; null: as its type has it.")
    own_target_soc_percent: float | None = own("target_soc_percent", description="Its own target, in percent; null: as its type has it.")
    own_ac_phases: int | None = own("ac_phases", description="Its own number of AC phases; null: as its type has it.")
    archived_at: datetime | None = strawberry.field(description="When it was taken out of the fleet; null while it is in it.")
    type: Annotated["VehicleType", strawberry.lazy("ampyard.schema.vehicle_types")] | None = to_one(
        VehicleTypes, "type_id", description="Its type, whose values it has unless it has its own; null without one."
    )
    groups: list[Annotated["VehicleGroup", strawberry.lazy("ampyard.schema.vehicle_groups")]] = to_many(
        VehicleGroups, "of_vehicles", description="The vehicle groups it is in, by name."
    )
    soc_readings: Connection[SocReading] = connection(
        Listing("vehicle.socReadings", SocReadings, "AT", default_descending=True, parent=SocReadings.table.c.vehicle_id),
        description="What was told of its state of charge, newest first unless told: of each source the newest of every five minutes.",
        filter_type=SocReadingFilter,
        order_type=SocReadingOrder,
    )
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="Its home depot; null where the caller's grants do not reach it."
    )
    alerts: Connection[Alert] = alerts_about("vehicle", "vehicle_id")
    id_tags: list[IdTag] = to_many(IdTags, "of_vehicles", description="The id tags it has, by value.")
    former_id_tags: list[IdTag] = to_many(IdTags, "formerly_of_vehicles", description="The id tags it had, the last removed first.")
    transactions: Connection[Transaction] = connection(
        Listing("vehicle.transactions", Transactions, "STARTED_AT", default_descending=True, parent=Transactions.table.c.vehicle_id),
        description="Its transactions, newest first unless told.",
        filter_type=TransactionFilter,
        order_type=TransactionOrder,
    )
    charging_requests: Connection[ChargingRequest] = connection(
        REQUESTS_OF_VEHICLE,
        description="What is asked for it, newest first unless told, withdrawn requests too.",
        filter_type=ChargingRequestFilter,
        order_type=ChargingRequestOrder,
    )
    priorities: list[Priority] = to_many(Priorities, "of_vehicles", description="The priority rules about it, oldest first.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    energy_chart: EnergyChart = chart(
        charts.energy_of_vehicles,
        description="The energy it charged over time, in whatever depot.",
    )
    is_type_of = staticmethod(shows(domain.Vehicle))
    resolve_references = staticmethod(references_to(domain.Vehicle, natural_key="vin"))


@strawberry.type
class VehicleQueries:
    vehicle: Vehicle | None = by_id(domain.Vehicle, description="One vehicle; null when it does not exist.")
    vehicles: Connection[Vehicle] = connection(
        VEHICLES, description="All vehicles.", filter_type=VehicleFilter, order_type=VehicleOrder, scope=Scope.FLEET_READ
    )


@strawberry.type
class VehicleSubscriptions:
    vehicle_updated: AsyncIterator[Vehicle] = scoped_subscription(
        subscriptions.vehicle_updated,
        Scope.FLEET_READ,
        description="Vehicles as they change, or their state of charge; of one depot or one vehicle where named.",
    )
