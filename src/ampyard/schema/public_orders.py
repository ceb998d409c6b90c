"""In which order integrators list things, and which of them."""

from datetime import datetime
from enum import Enum

import strawberry

from ampyard.domain import depots, vehicles
from ampyard.repositories import transactions as repository
from ampyard.resolvers.ids import optional_id
from ampyard.schema.enums import TransactionState
from ampyard.schema.paging import OrderDirection


@strawberry.enum(description="What depots can be ordered by.")
class DepotOrderField(Enum):
    NAME = "NAME"


@strawberry.enum(description="What charge points can be ordered by.")
class ChargePointOrderField(Enum):
    IDENTITY = "IDENTITY"


@strawberry.enum(description="What vehicles can be ordered by.")
class VehicleOrderField(Enum):
    NAME = "NAME"


@strawberry.enum(description="What transactions can be ordered by.")
class TransactionOrderField(Enum):
    STARTED_AT = "STARTED_AT"


@strawberry.enum(description="What priorities can be ordered by.")
class PriorityOrderField(Enum):
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of depots.")
class DepotOrder:
    field: DepotOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="The order of a list of charge points.")
class ChargePointOrder:
    field: ChargePointOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="The order of a list of vehicles.")
class VehicleOrder:
    field: VehicleOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="The order of a list of transactions.")
class TransactionOrder:
    field: TransactionOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="The order of a list of priorities.")
class PriorityOrder:
    field: PriorityOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which transactions to list.")
class TransactionFilter:
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those in this depot.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this vehicle.")
    state: TransactionState | None = strawberry.field(default=None, description="Only those that run, or that have ended.")
    started_from: datetime | None = strawberry.field(default=None, description="Only those started at this time or later.")
    started_to: datetime | None = strawberry.field(default=None, description="Only those started before this time.")

    def narrowing(self) -> repository.TransactionFilter:
        """Return the filter as the repository takes it."""
        return repository.TransactionFilter(
            depot_id=optional_id("filter.depotId", self.depot_id, depots.Depot),
            vehicle_id=optional_id("filter.vehicleId", self.vehicle_id, vehicles.Vehicle),
            state=self.state,
            started_from=self.started_from,
            started_to=self.started_to,
        )
