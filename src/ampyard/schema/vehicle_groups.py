from datetime import datetime
from enum import Enum

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import vehicle_groups as domain
from ampyard.domain.access import Scope
from ampyard.repositories import charts
from ampyard.repositories import vehicle_groups as repository
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.vehicle_groups import VehicleGroups
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import vehicle_groups as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.charts import chart
from ampyard.resolvers.edges import by_id, references_to, to_many
from ampyard.resolvers.lists import Listing
from ampyard.schema.charts import EnergyChart
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.priorities import Priority
from ampyard.schema.vehicles import Vehicle


@strawberry.enum(description="What vehicle groups can be ordered by.")
class VehicleGroupOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of vehicle groups.")
class VehicleGroupOrder:
    field: VehicleGroupOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which vehicle groups to list.")
class VehicleGroupFilter:
    name_contains: str | None = strawberry.field(default=None, description="Only those whose name has this in it, in any case.")

    def narrowing(self) -> repository.VehicleGroupFilter:
        """Return the filter as the repository takes it."""
        return repository.VehicleGroupFilter(self.name_contains)


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A named set of vehicles, for priorities and filters.")
class VehicleGroup(Node):
    name: str = strawberry.field(description="Its name, unique in the tenant.")
    description: str | None = strawberry.field(description="What it is for.")
    vehicles: list[Vehicle] = to_many(Vehicles, "of_groups", description="The vehicles in it, by name.", assumed_size=20)
    priorities: list[Priority] = to_many(Priorities, "of_vehicle_groups", description="The priority rules about it, oldest first.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    energy_chart: EnergyChart = chart(charts.energy_of_vehicle_groups, description="The energy its vehicles charged over time.")
    is_type_of = staticmethod(shows(domain.VehicleGroup))
    resolve_references = staticmethod(references_to(domain.VehicleGroup))


@strawberry.input(description="Make a vehicle group.")
class CreateVehicleGroupInput(Change):
    name: str = strawberry.field(description="Its name, unique in the tenant; 100 characters at most.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for; 500 characters at most.")
    vehicle_ids: list[strawberry.ID] | None = strawberry.field(default=strawberry.UNSET, description="The vehicles to put into it.")


@strawberry.input(description="Change a vehicle group; what is left out stays.")
class EditVehicleGroupInput(Change):
    vehicle_group_id: strawberry.ID = strawberry.field(description="The group.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name, unique in the tenant; 100 characters at most.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for; 500 characters at most.")


@strawberry.input(description="Remove a vehicle group.")
class RemoveVehicleGroupInput(Change):
    vehicle_group_id: strawberry.ID = strawberry.field(description="The group.")


@strawberry.input(description="Put vehicles into a group, or take them out of it.")
class VehicleGroupMembersInput(Change):
    vehicle_group_id: strawberry.ID = strawberry.field(description="The group.")
    vehicle_ids: list[strawberry.ID] = strawberry.field(description="The vehicles.")


@strawberry.federation.type(directives=[Authenticated()], description="A vehicle group that was changed.")
class VehicleGroupPayload(Payload):
    vehicle_group: VehicleGroup | None = strawberry.field(
        description="The group as it now is; null where it was removed, or the change refused."
    )


@strawberry.type
class VehicleGroupQueries:
    vehicle_group: VehicleGroup | None = by_id(domain.VehicleGroup, description="One vehicle group; null when it does not exist.")
    vehicle_groups: Connection[VehicleGroup] = connection(
        Listing("vehicleGroups", VehicleGroups, "NAME"),
        description="All vehicle groups.",
        filter_type=VehicleGroupFilter,
        order_type=VehicleGroupOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class VehicleGroupMutations:
    create_vehicle_group: VehicleGroupPayload = mutation(
        VehicleGroupPayload,
        resolvers.create_vehicle_group,
        CreateVehicleGroupInput,
        Scope.VEHICLES_WRITE,
        description="Make a vehicle group; needs the scope for the whole tenant.",
    )
    edit_vehicle_group: VehicleGroupPayload = mutation(
        VehicleGroupPayload,
        resolvers.edit_vehicle_group,
        EditVehicleGroupInput,
        Scope.VEHICLES_WRITE,
        description="Change name or description of a vehicle group; needs the scope for the whole tenant.",
    )
    remove_vehicle_group: VehicleGroupPayload = mutation(
        VehicleGroupPayload,
        resolvers.remove_vehicle_group,
        RemoveVehicleGroupInput,
        Scope.VEHICLES_WRITE,
        description="Remove a vehicle group that no uncleared priority is about; needs the scope for the whole tenant.",
    )
    add_vehicles_to_group: VehicleGroupPayload = mutation(
        VehicleGroupPayload,
        resolvers.add_vehicles_to_group,
        VehicleGroupMembersInput,
        Scope.VEHICLES_WRITE,
        description="Put vehicles into a group.",
    )
    take_vehicles_from_group: VehicleGroupPayload = mutation(
        VehicleGroupPayload,
        resolvers.take_vehicles_from_group,
        VehicleGroupMembersInput,
        Scope.VEHICLES_WRITE,
        description="Take vehicles out of a group.",
    )
