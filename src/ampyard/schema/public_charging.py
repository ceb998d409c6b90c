"""What integrators ask for vehicles: how much they shall hold by when."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from ampyard.domain import charging_requests as domain
from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import charging_requests as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import to_one
from ampyard.schema.enums import ChargingRequestSource, PriorityLevel
from ampyard.schema.node import Node, shows

if TYPE_CHECKING:
    from ampyard.schema.public import MutationError, Vehicle

_KEY = "Chosen by the client, 200 characters at most: sent again with it within a week, a change gets the first one's answer."
_ERRORS = "Why the change was refused; empty when it was made."


@strawberry.type(description="That a vehicle shall hold so much by when.")
class ChargingRequest(Node):
    source: ChargingRequestSource = strawberry.field(description="Who asks.")
    level: PriorityLevel = strawberry.field(description="The class that it is served in.")
    min_soc_percent: float = strawberry.field(description="What it shall hold at least, in percent.")
    max_soc_percent: float = strawberry.field(description="What it shall hold at best, in percent.")
    departs_at: datetime | None = strawberry.field(description="When it leaves; null where that is not told.")
    ad_hoc: bool = strawberry.field(description="Whether it is to be charged at once.")
    reason: str | None = strawberry.field(description="Why.")
    withdrawn_at: datetime | None = strawberry.field(description="When it was withdrawn.")
    created_at: datetime = strawberry.field(description="When it was first asked for.")
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.public")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle; null where it is not known."
    )
    is_type_of = staticmethod(shows(domain.ChargingRequest))


@strawberry.input(description="Ask for a vehicle to be charged, in place of what was asked for it through a graph before.")
class RequestChargingInput:
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")
    min_soc_percent: float | None = strawberry.field(default=None, description="What it shall hold at least; the maximum unless told.")
    max_soc_percent: float | None = strawberry.field(
        default=None, description="What it shall hold at best; unless told what the vehicle is usually charged to."
    )
    departs_at: datetime | None = strawberry.field(default=None, description="When it leaves, not in the past.")
    level: PriorityLevel = strawberry.field(default=PriorityLevel.NORMAL, description="The class to serve it in.")
    ad_hoc: bool = strawberry.field(default=False, description="Whether to charge at once; the class is HIGH at least then.")
    preconditioning_at: datetime | None = strawberry.field(default=None, description="From when it is prepared, before it leaves.")
    preconditioning_kw: float | None = strawberry.field(default=None, description="What that takes, in kW; 100 at most.")
    reason: str | None = strawberry.field(default=None, description="Why; 500 characters at most.")


@strawberry.input(description="Take back what was asked for through a graph.")
class WithdrawChargingRequestInput:
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)
    charging_request_id: strawberry.ID = strawberry.field(description="The request; not one of a depot management system.")


@strawberry.type(description="A charging request that was made or withdrawn.")
class ChargingRequestPayload:
    charging_request: ChargingRequest | None = strawberry.field(description="The request as it now is; null where the change was refused.")
    errors: list[Annotated["MutationError", strawberry.lazy("ampyard.schema.public")]] = strawberry.field(
        description=_ERRORS, directives=[list_size(1)]
    )


@strawberry.type
class ChargingRequestMutations:
    request_charging: ChargingRequestPayload = mutation(
        ChargingRequestPayload,
        resolvers.request_charging,
        RequestChargingInput,
        Scope.DISPATCH_WRITE,
        description="Ask for a vehicle to be charged; it counts before what a depot management system asks for the same stay.",
    )
    withdraw_charging_request: ChargingRequestPayload = mutation(
        ChargingRequestPayload,
        resolvers.withdraw_request,
        WithdrawChargingRequestInput,
        Scope.DISPATCH_WRITE,
        description="Take back what was asked for; what a depot management system asks for counts again.",
    )
