from datetime import datetime
from enum import Enum

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import vehicles as domain
from ampyard.domain.access import Scope
from ampyard.repositories import vehicles as repository
from ampyard.repositories.vehicles import Vehicles, VehicleTypes
from ampyard.resolvers import vehicles as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import VehicleKind
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.vehicles import Vehicle, VehicleFilter, VehicleOrder


@strawberry.enum(description="What vehicle types can be ordered by.")
class VehicleTypeOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of vehicle types.")
class VehicleTypeOrder:
    field: VehicleTypeOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which vehicle types to list.")
class VehicleTypeFilter:
    kind: VehicleKind | None = strawberry.field(default=None, description="Only those of this kind.")
    archived: bool | None = strawberry.field(default=None, description="Only those that are archived, or that are not.")
    name_contains: str | None = strawberry.field(default=None, description="Only those whose name has this in it, in any case.")

    def narrowing(self) -> repository.VehicleTypeFilter:
        """Return the filter as the repository takes it."""
        return repository.VehicleTypeFilter(self.kind, self.archived, self.name_contains)


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A model of vehicle, whose values its vehicles have unless they have their own."
)
class VehicleType(Node):
    name: str = strawberry.field(description="Its name, unique in the tenant.")
    kind: VehicleKind = strawberry.field(description="What kind of vehicle it is.")
    manufacturer: str | None = strawberry.field(description="Who makes it.")
    battery_kwh: float = strawberry.field(description="Usable battery capacity, in kWh.")
    max_ac_kw: float = strawberry.field(description="Highest AC charging power, in kW; 0 where it cannot.")
    max_dc_kw: float = strawberry.field(description="Highest DC charging power, in kW; 0 where it cannot.")
    consumption_kwh_per_km: float | None = strawberry.field(description="What it takes on the road, in kWh/km; null where not known.")
    min_soc_percent: float | None = strawberry.field(
        description="What shall be left in the battery on return, in percent; null for what the tenant's settings say."
    )
    target_soc_percent: float | None = strawberry.field(description="What it is charged to, in percent; null for full.")
    ac_phases: int | None = strawberry.field(description="On how many phases it charges with alternating current; null where not known.")
    archived_at: datetime | None = strawberry.field(description="When it was taken out of use; null while vehicles may be given it.")
    vehicles: Connection[Vehicle] = connection(
        Listing("vehicleType.vehicles", Vehicles, "NAME", parent=Vehicles.table.c.type_id),
        description="The vehicles of this type.",
        filter_type=VehicleFilter,
        order_type=VehicleOrder,
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    is_type_of = staticmethod(shows(domain.VehicleType))
    resolve_references = staticmethod(references_to(domain.VehicleType))


@strawberry.input(description="Add a vehicle type.")
class CreateVehicleTypeInput(Change):
    name: str = strawberry.field(description="Its name, unique in the tenant; 100 characters at most.")
    kind: VehicleKind = strawberry.field(description="What kind of vehicle it is.")
    manufacturer: str | None = strawberry.field(default=strawberry.UNSET, description="Who makes it.")
    battery_kwh: float = strawberry.field(description="Usable battery capacity, in kWh.")
    max_ac_kw: float = strawberry.field(description="Highest AC charging power, in kW; 0 where it cannot.")
    max_dc_kw: float = strawberry.field(description="Highest DC charging power, in kW; 0 where it cannot.")
    consumption_kwh_per_km: float | None = strawberry.field(
        default=strawberry.UNSET, description="What it takes on the road, in kWh/km; not known unless told."
    )
    min_soc_percent: float | None = strawberry.field(
        default=strawberry.UNSET, description="What shall be left in the battery on return, in percent; as the settings say unless told."
    )
    target_soc_percent: float | None = strawberry.field(
        default=strawberry.UNSET, description="What it is charged to, in percent; full unless told."
    )
    ac_phases: int | None = strawberry.field(
        default=strawberry.UNSET, description="On how many phases it charges with alternating current, 1 to 3; not known unless told."
    )


@strawberry.input(description="Change a type, and every vehicle of it wherever that has no value of its own; what is left out stays.")
class EditVehicleTypeInput(Change):
    vehicle_type_id: strawberry.ID = strawberry.field(description="The type.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name, unique in the tenant; 100 characters at most.")
    kind: VehicleKind | None = strawberry.field(default=strawberry.UNSET, description="What kind of vehicle it is.")
    manufacturer: str | None = strawberry.field(default=strawberry.UNSET, description="Who makes it.")
    battery_kwh: float | None = strawberry.field(default=strawberry.UNSET, description="Usable battery capacity, in kWh.")
    max_ac_kw: float | None = strawberry.field(default=strawberry.UNSET, description="Highest AC charging power, in kW.")
    max_dc_kw: float | None = strawberry.field(default=strawberry.UNSET, description="Highest DC charging power, in kW.")
    consumption_kwh_per_km: float | None = strawberry.field(
        default=strawberry.UNSET, description="What it takes on the road, in kWh/km; null for not known."
    )
    min_soc_percent: float | None = strawberry.field(
        default=strawberry.UNSET, description="What shall be left on return, in percent; null for what the settings say."
    )
    target_soc_percent: float | None = strawberry.field(
        default=strawberry.UNSET, description="What it is charged to, in percent; null for full."
    )
    ac_phases: int | None = strawberry.field(
        default=strawberry.UNSET, description="On how many phases it charges with alternating current, 1 to 3; null for not known."
    )


@strawberry.input(description="Take a vehicle type out of use, or back into it.")
class VehicleTypeInput(Change):
    vehicle_type_id: strawberry.ID = strawberry.field(description="The type.")


@strawberry.federation.type(directives=[Authenticated()], description="A vehicle type that was changed.")
class VehicleTypePayload(Payload):
    vehicle_type: VehicleType | None = strawberry.field(description="The type as it now is; null where the change was refused.")


@strawberry.type
class VehicleTypeQueries:
    vehicle_type: VehicleType | None = by_id(domain.VehicleType, description="One vehicle type; null when it does not exist.")
    vehicle_types: Connection[VehicleType] = connection(
        Listing("vehicleTypes", VehicleTypes, "NAME"),
        description="All vehicle types.",
        filter_type=VehicleTypeFilter,
        order_type=VehicleTypeOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class VehicleTypeMutations:
    create_vehicle_type: VehicleTypePayload = mutation(
        VehicleTypePayload,
        resolvers.create_vehicle_type,
        CreateVehicleTypeInput,
        Scope.VEHICLES_WRITE,
        description="Add a vehicle type; needs the scope for the whole tenant.",
    )
    edit_vehicle_type: VehicleTypePayload = mutation(
        VehicleTypePayload,
        resolvers.edit_vehicle_type,
        EditVehicleTypeInput,
        Scope.VEHICLES_WRITE,
        description="Change a vehicle type and its vehicles; needs the scope for the whole tenant.",
    )
    archive_vehicle_type: VehicleTypePayload = mutation(
        VehicleTypePayload,
        resolvers.archive_vehicle_type(archived=True),
        VehicleTypeInput,
        Scope.VEHICLES_WRITE,
        description="Take a vehicle type out of use: no vehicle can be given it. Needs the scope for the whole tenant.",
    )
    restore_vehicle_type: VehicleTypePayload = mutation(
        VehicleTypePayload,
        resolvers.archive_vehicle_type(archived=False),
        VehicleTypeInput,
        Scope.VEHICLES_WRITE,
        description="Take a vehicle type back into use; needs the scope for the whole tenant.",
    )
