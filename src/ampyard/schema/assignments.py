from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import assignments as domain
from ampyard.domain import blocks, depots, vehicles
from ampyard.domain.access import Scope
from ampyard.engine import edge
from ampyard.repositories import assignments as repository
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.depots import Depots
from ampyard.repositories.readiness import ReadinessRecords
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.dispatch import Departure, departure, plan_departure_record, plan_plugged_into, plan_readiness
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.readiness import Readiness, ReadinessRecord, ReadinessRecordFilter, ReadinessRecordOrder

if TYPE_CHECKING:
    from ampyard.schema.blocks import Block
    from ampyard.schema.depots import Depot
    from ampyard.schema.transactions import Transaction
    from ampyard.schema.vehicles import Vehicle

ASSIGNMENTS = Listing("assignments", Assignments, "DEPARTS_AT", default_descending=True, unless_told=repository.AssignmentFilter())


@strawberry.enum(description="What assignments can be ordered by.")
class AssignmentOrderField(Enum):
    DEPARTS_AT = "DEPARTS_AT"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of assignments.")
class AssignmentOrder:
    field: AssignmentOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which assignments to list; those that were removed only where they are asked for.")
class AssignmentFilter:
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those that leave from this depot.")
    block_id: strawberry.ID | None = strawberry.field(default=None, description="Only those to this block.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this vehicle.")
    day: date | None = strawberry.field(default=None, description="Only those that leave on this day, by their depot's calendar.")
    departs_from: datetime | None = strawberry.field(default=None, description="Only those that leave at this time or later.")
    departs_to: datetime | None = strawberry.field(default=None, description="Only those that leave before this time.")
    removed: bool = strawberry.field(default=False, description="Those that were removed instead of those that are there.")

    def narrowing(self) -> repository.AssignmentFilter:
        """Return the filter as the repository takes it."""
        return repository.AssignmentFilter(
            depot_id=optional_id("filter.depotId", self.depot_id, depots.Depot),
            block_id=optional_id("filter.blockId", self.block_id, blocks.Block),
            vehicle_id=optional_id("filter.vehicleId", self.vehicle_id, vehicles.Vehicle),
            day=self.day,
            departs_from=self.departs_from,
            departs_to=self.departs_to,
            removed=self.removed,
        )


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A vehicle on a block's day.")
class Assignment(Node):
    day: date = strawberry.field(description="The day it leaves, by the calendar of its depot.")
    departs_at: datetime = strawberry.field(description="When it leaves.")
    returns_at: datetime = strawberry.field(description="When it returns.")
    author: str = strawberry.field(description="Who chose the vehicle.")
    block: Annotated["Block", strawberry.lazy("ampyard.schema.blocks")] | None = to_one(
        Blocks, "block_id", description="The block; null where the caller may not see it."
    )
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle; null where the caller may not see it."
    )
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="The depot it leaves from; null where the caller may not see it."
    )
    plugged_into: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = edge(
        plan_plugged_into, key="vehicle_id", description="The open transaction of its vehicle: where that is plugged in now, if it is."
    )
    readiness: Readiness | None = edge(
        plan_readiness,
        key=departure,
        reads=Departure._fields,
        description="Whether the vehicle will be ready; null once it has left or was taken off.",
    )
    departure_record: ReadinessRecord | None = edge(
        plan_departure_record, key="id", description="What was kept as it left: with which charge, and whether that was enough."
    )
    readiness_records: Connection[ReadinessRecord] = connection(
        Listing("assignment.readinessRecords", ReadinessRecords, "RECORDED_AT", parent=ReadinessRecords.table.c.assignment_id),
        description="Its readiness as it was kept, oldest first unless told.",
        filter_type=ReadinessRecordFilter,
        order_type=ReadinessRecordOrder,
    )
    removed_at: datetime | None = strawberry.field(description="When it was taken off.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    is_type_of = staticmethod(shows(domain.Assignment))
    resolve_references = staticmethod(references_to(domain.Assignment))


@strawberry.type
class AssignmentQueries:
    assignment: Assignment | None = by_id(domain.Assignment, description="One assignment; null when it does not exist.")
    assignments: Connection[Assignment] = connection(
        ASSIGNMENTS,
        description="All assignments, latest departure first unless told.",
        filter_type=AssignmentFilter,
        order_type=AssignmentOrder,
        scope=Scope.FLEET_READ,
    )
