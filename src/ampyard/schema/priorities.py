from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charge_points, transactions, vehicles
from ampyard.domain import priorities as domain
from ampyard.repositories import priorities as repository
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.edges import references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import PriorityLevel
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import OrderDirection

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
