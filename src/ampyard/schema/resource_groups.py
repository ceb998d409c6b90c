from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import resource_groups as domain
from ampyard.domain.access import Scope
from ampyard.domain.resource_groups import MemberKind
from ampyard.repositories import access as repository
from ampyard.repositories import charts
from ampyard.repositories.access import ResourceGroups, RoleGrants
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.repositories.resource_groups import group_column, is_member
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import resource_groups as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.charts import chart
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.lists import Listing
from ampyard.schema.charge_points import ChargePoint, ChargePointFilter, ChargePointOrder
from ampyard.schema.charts import EnergyChart
from ampyard.schema.depots import Depot, DepotOrder
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.users import RoleGrantFilter, RoleGrantOrder
from ampyard.schema.vehicles import Vehicle, VehicleFilter, VehicleOrder

if TYPE_CHECKING:
    from ampyard.schema.users import RoleGrant

GROUPS = Listing("resourceGroups", ResourceGroups, "NAME")
_CHILDREN = Listing("groupsOfGroup", ResourceGroups, "NAME", parent=ResourceGroups.table.c.parent_id)
_GRANTS = Listing("grantsOfGroup", RoleGrants, "CREATED_AT", default_descending=True, parent=RoleGrants.table.c.resource_group_id)
_DEPOTS = Listing("depotsOfGroup", Depots, "NAME", parent=group_column(), through=is_member(MemberKind.DEPOT, Depots.table.c.id))
_CHARGE_POINTS = Listing(
    "chargePointsOfGroup",
    ChargePoints,
    "IDENTITY",
    parent=group_column(),
    through=is_member(MemberKind.CHARGE_POINT, ChargePoints.table.c.id),
)
_VEHICLES = Listing("vehiclesOfGroup", Vehicles, "NAME", parent=group_column(), through=is_member(MemberKind.VEHICLE, Vehicles.table.c.id))


@strawberry.enum(description="What resource groups can be ordered by.")
class ResourceGroupOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of resource groups.")
class ResourceGroupOrder:
    field: ResourceGroupOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which resource groups to list.")
class ResourceGroupFilter:
    name_contains: str | None = strawberry.field(default=None, description="Only those with this in their name.")
    at_the_top: bool | None = strawberry.field(default=None, description="Only those that are, or are not, at the top of the tree.")

    def narrowing(self) -> repository.ResourceGroupFilter:
        """Return the filter as the repository takes it."""
        return repository.ResourceGroupFilter(self.name_contains, self.at_the_top)


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A named part of the fleet, in a tree; roles are granted on it."
)
class ResourceGroup(Node):
    name: str = strawberry.field(description="Its name, once below the same parent.")
    description: str | None = strawberry.field(description="What it is for.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    parent: Annotated["ResourceGroup", strawberry.lazy("ampyard.schema.resource_groups")] | None = to_one(
        ResourceGroups, "parent_id", description="The group it is below; null at the top."
    )
    children: Connection[Annotated["ResourceGroup", strawberry.lazy("ampyard.schema.resource_groups")]] = connection(
        _CHILDREN, description="The groups right below it, by name unless told.", filter_type=None, order_type=ResourceGroupOrder
    )
    depots: Connection[Depot] = connection(
        _DEPOTS, description="Its depots, with which their charge points and vehicles are in it.", filter_type=None, order_type=DepotOrder
    )
    charge_points: Connection[ChargePoint] = connection(
        _CHARGE_POINTS,
        description="The charge points that are in it by themselves, whatever depot they are of.",
        filter_type=ChargePointFilter,
        order_type=ChargePointOrder,
    )
    vehicles: Connection[Vehicle] = connection(
        _VEHICLES,
        description="The vehicles that are in it by themselves, wherever they are at home.",
        filter_type=VehicleFilter,
        order_type=VehicleOrder,
    )
    grants: Connection[Annotated["RoleGrant", strawberry.lazy("ampyard.schema.users")]] = connection(
        _GRANTS,
        description="What was ever granted on this very group, newest first unless told.",
        filter_type=RoleGrantFilter,
        order_type=RoleGrantOrder,
    )
    energy_chart: EnergyChart = chart(
        charts.energy_of_resource_groups,
        description="The energy charged at the depots and charge points in it and below it, over time.",
    )
    is_type_of = staticmethod(shows(domain.ResourceGroup))
    resolve_references = staticmethod(references_to(domain.ResourceGroup))


@strawberry.input(description="A new resource group.")
class CreateResourceGroupInput(Change):
    name: str = strawberry.field(description="Its name; 100 characters at most.")
    description: str | None = strawberry.field(default=None, description="What it is for; 500 characters at most.")
    parent_id: strawberry.ID | None = strawberry.field(default=None, description="The group it comes below; at the top unless told.")


@strawberry.input(description="Change a resource group; what is left out stays.")
class EditResourceGroupInput(Change):
    resource_group_id: strawberry.ID = strawberry.field(description="The group.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name; not null.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for; null for nothing.")


@strawberry.input(description="Move a resource group, with all below it.")
class MoveResourceGroupInput(Change):
    resource_group_id: strawberry.ID = strawberry.field(description="The group.")
    parent_id: strawberry.ID | None = strawberry.field(default=None, description="The group it comes below; without one, to the top.")


@strawberry.input(description="Remove a resource group.")
class RemoveResourceGroupInput(Change):
    resource_group_id: strawberry.ID = strawberry.field(description="The group; it has no grants or keys.")
    move_content_up: bool = strawberry.field(
        default=False, description="Whether its members and groups move to the group above it; else it must be empty."
    )


@strawberry.input(description="Depots, charge points and vehicles of a resource group.")
class ResourceGroupMembersInput(Change):
    resource_group_id: strawberry.ID = strawberry.field(description="The group.")
    member_ids: list[strawberry.ID] = strawberry.field(description="Depots, charge points and vehicles; 1 to 1,000.")


@strawberry.federation.type(directives=[Authenticated()], description="A resource group that was changed.")
class ResourceGroupPayload(Payload):
    resource_group: ResourceGroup | None = strawberry.field(description="The group as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="What was removed.")
class RemoveResourceGroupPayload(Payload):
    removed_id: strawberry.ID | None = strawberry.field(description="The group that is no more; null where the change was refused.")


@strawberry.type
class ResourceGroupQueries:
    resource_group: ResourceGroup | None = by_id(domain.ResourceGroup, description="One resource group; null when it does not exist.")
    resource_groups: Connection[ResourceGroup] = connection(
        GROUPS,
        description="All resource groups, by name unless told.",
        filter_type=ResourceGroupFilter,
        order_type=ResourceGroupOrder,
        scope=Scope.ACCESS_READ,
    )


@strawberry.type
class ResourceGroupMutations:
    create_resource_group: ResourceGroupPayload = mutation(
        ResourceGroupPayload, resolvers.create_group, CreateResourceGroupInput, Scope.ACCESS_WRITE, description="Make a resource group."
    )
    edit_resource_group: ResourceGroupPayload = mutation(
        ResourceGroupPayload,
        resolvers.edit_group,
        EditResourceGroupInput,
        Scope.ACCESS_WRITE,
        description="Change a resource group's name or description.",
    )
    move_resource_group: ResourceGroupPayload = mutation(
        ResourceGroupPayload,
        resolvers.move_group,
        MoveResourceGroupInput,
        Scope.ACCESS_WRITE,
        description="Move a resource group, with all below it; who has something granted above its new place then reaches it.",
    )
    remove_resource_group: RemoveResourceGroupPayload = mutation(
        RemoveResourceGroupPayload,
        resolvers.remove_group,
        RemoveResourceGroupInput,
        Scope.ACCESS_WRITE,
        description="Remove a resource group that is empty, or whose content moves up.",
    )
    add_to_resource_group: ResourceGroupPayload = mutation(
        ResourceGroupPayload,
        resolvers.add_to_group,
        ResourceGroupMembersInput,
        Scope.ACCESS_WRITE,
        description="Put depots, charge points and vehicles into a resource group; what is in it already stays.",
    )
    remove_from_resource_group: ResourceGroupPayload = mutation(
        ResourceGroupPayload,
        resolvers.remove_from_group,
        ResourceGroupMembersInput,
        Scope.ACCESS_WRITE,
        description="Take depots, charge points and vehicles out of a resource group; what is not in it stays so.",
    )
