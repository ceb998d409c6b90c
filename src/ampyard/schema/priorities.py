from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charge_points, transactions, vehicles
from ampyard.domain import priorities as domain
from ampyard.domain.access import Scope
from ampyard.repositories import priorities as repository
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import priorities as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import PriorityLevel
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint
    from ampyard.schema.transactions import Transaction
    from ampyard.schema.vehicles import Vehicle

PRIORITIES = Listing("priorities", Priorities, "CREATED_AT", default_descending=True)


@strawberry.enum(description="What priorities can be ordered by.")
class PriorityOrderField(Enum):
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of priorities.")
class PriorityOrder:
    field: PriorityOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which priorities to list.")
class PriorityFilter:
    in_force_at: datetime | None = strawberry.field(default=None, description="Only those that count at this time.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this vehicle.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this charge point.")
    transaction_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this transaction.")

    def narrowing(self) -> repository.PriorityFilter:
        """Return the filter as the repository takes it."""
        return repository.PriorityFilter(
            self.in_force_at,
            optional_id("filter.vehicleId", self.vehicle_id, vehicles.Vehicle),
            optional_id("filter.chargePointId", self.charge_point_id, charge_points.ChargePoint),
            optional_id("filter.transactionId", self.transaction_id, transactions.Transaction),
        )


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A rule that ranks one vehicle, charge point or transaction for a time."
)
class Priority(Node):
    level: PriorityLevel = strawberry.field(description="The class it puts its target in.")
    reason: str | None = strawberry.field(description="Why.")
    author: str = strawberry.field(description="Who set it.")
    valid_from: datetime = strawberry.field(description="From when it counts.")
    valid_until: datetime | None = strawberry.field(description="Until when it counts; null for open end.")
    cleared_at: datetime | None = strawberry.field(description="When it was ended by hand.")
    created_at: datetime = strawberry.field(description="When it was set.")
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle it is about, if it is about one."
    )
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        ChargePoints, "charge_point_id", description="The charge point it is about, if it is about one."
    )
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = to_one(
        Transactions, "transaction_id", description="The transaction it is about, if it is about one."
    )
    is_type_of = staticmethod(shows(domain.Priority))
    resolve_references = staticmethod(references_to(domain.Priority))


@strawberry.federation.type(directives=[Authenticated()], description="The priority that counts, and the rule it comes from.")
class EffectivePriority:
    level: PriorityLevel = strawberry.field(description="The class that counts; NORMAL without a rule.")
    rule: Priority | None = strawberry.field(
        description="The rule that won: the most specific target, then the highest level, then the newest."
    )


@strawberry.input(description="A priority for exactly one vehicle, charge point or transaction.")
class SetPriorityInput(Change):
    level: PriorityLevel = strawberry.field(description="The class to put it in.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle it is about.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="The charge point it is about.")
    transaction_id: strawberry.ID | None = strawberry.field(default=None, description="The transaction it is about.")
    reason: str | None = strawberry.field(default=None, description="Why; 500 characters at most.")
    valid_from: datetime | None = strawberry.field(default=None, description="From when it counts; now unless told.")
    valid_until: datetime | None = strawberry.field(default=None, description="Until when it counts; open unless told.")


@strawberry.input(description="End a priority rule.")
class ClearPriorityInput(Change):
    priority_id: strawberry.ID = strawberry.field(description="The rule to end.")


@strawberry.federation.type(directives=[Authenticated()], description="A priority rule that was set or cleared.")
class PriorityPayload(Payload):
    priority: Priority | None = strawberry.field(description="The rule as it now is; null where the change was refused.")


@strawberry.type
class PriorityQueries:
    priority: Priority | None = by_id(domain.Priority, description="One priority rule; null when it does not exist.")
    priorities: Connection[Priority] = connection(
        PRIORITIES,
        description="All priority rules, newest first unless told.",
        filter_type=PriorityFilter,
        order_type=PriorityOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class PriorityMutations:
    set_priority: PriorityPayload = mutation(
        PriorityPayload,
        resolvers.set_priority,
        SetPriorityInput,
        Scope.PRIORITIES_WRITE,
        description="Set a priority; power is shared anew at once.",
    )
    clear_priority: PriorityPayload = mutation(
        PriorityPayload,
        resolvers.clear_priority,
        ClearPriorityInput,
        Scope.PRIORITIES_WRITE,
        description="End a priority rule; power is shared anew at once.",
    )
