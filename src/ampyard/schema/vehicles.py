from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import vehicles as domain
from ampyard.domain.access import Scope
from ampyard.domain.depots import Depot as DomainDepot
from ampyard.repositories import charts
from ampyard.repositories import vehicles as repository
from ampyard.repositories.depots import Depots
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import IdTags, Vehicles
from ampyard.resolvers.charts import chart
from ampyard.resolvers.edges import by_id, references_to, to_many, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.alerts import Alert, alerts_about
from ampyard.schema.charts import EnergyChart
from ampyard.schema.enums import IdTagKind, SocSource, VehicleKind
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.priorities import Priority
from ampyard.schema.transactions import Transaction, TransactionFilter, TransactionOrder

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot

VEHICLES = Listing("vehicles", Vehicles, "NAME")


@strawberry.enum(description="What vehicles can be ordered by.")
class VehicleOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of vehicles.")
class VehicleOrder:
    field: VehicleOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which vehicles to list.")
class VehicleFilter:
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those at home in this depot.")
    kind: VehicleKind | None = strawberry.field(default=None, description="Only those of this kind.")
    name_contains: str | None = strawberry.field(default=None, description="Only those whose name has this in it, in any case.")

    def narrowing(self) -> repository.VehicleFilter:
        """Return the filter as the repository takes it."""
        return repository.VehicleFilter(optional_id("filter.depotId", self.depot_id, DomainDepot), self.kind, self.name_contains)


@strawberry.federation.type(directives=[Authenticated()], description="What identifies a vehicle at a charge point.")
class IdTag:
    value: str = strawberry.field(description="The tag's value; its case does not count.")
    kind: IdTagKind = strawberry.field(description="RFID, MAC address (Autocharge) or app.")
    blocked: bool = strawberry.field(description="Whether it is refused.")
    valid_until: datetime | None = strawberry.field(description="When it stops being valid; null for never.")


@strawberry.federation.type(keys=["id", "vin"], directives=[Authenticated()], description="A vehicle of the fleet.")
class Vehicle(Node):
    name: str = strawberry.field(description="Its name or number for people.")
    kind: VehicleKind = strawberry.field(description="Bus, truck or van.")
    vin: str = strawberry.field(description="Vehicle identification number; unique in the tenant.")
    license_plate: str = strawberry.field(description="Licence plate.")
    battery_kwh: float = strawberry.field(description="Usable battery capacity, in kWh.")
    max_ac_kw: float = strawberry.field(description="Highest AC charging power, in kW.")
    max_dc_kw: float = strawberry.field(description="Highest DC charging power, in kW.")
    soc_percent: float | None = strawberry.field(description="State of charge as last known, in percent.")
    soc_source: SocSource | None = strawberry.field(description="Who told it.")
    soc_at: datetime | None = strawberry.field(description="When it was so.")
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="Its home depot; null where the caller's grants do not reach it."
    )
    id_tags: list[IdTag] = to_many(IdTags, "of_vehicles", description="Its id tags.")
    alerts: Connection[Alert] = alerts_about("vehicle", "vehicle_id")
    transactions: Connection[Transaction] = connection(
        Listing("vehicle.transactions", Transactions, "STARTED_AT", default_descending=True, parent=Transactions.table.c.vehicle_id),
        description="Its transactions, newest first unless told.",
        filter_type=TransactionFilter,
        order_type=TransactionOrder,
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
