"""What a change would do to a depot's plan, before anybody makes it."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.engine import list_size
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.edges import to_one
from ampyard.resolvers.what_if import what_if_field
from ampyard.schema.enums import PriorityLevel
from ampyard.schema.node import shows
from ampyard.schema.plans import PlannedStay
from ampyard.services.planning import whatif

if TYPE_CHECKING:
    from ampyard.schema.vehicles import Vehicle


@strawberry.input(description="A vehicle on a block's day.")
class ProposedAssignment:
    block_id: strawberry.ID = strawberry.field(description="The block.")
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")
    day: date = strawberry.field(description="The day on which the block leaves.")


@strawberry.input(description="Another vehicle on what is assigned already.")
class ProposedMove:
    assignment_id: strawberry.ID = strawberry.field(description="The assignment.")
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle that is to go instead.")


@strawberry.input(description="Another departure of a vehicle that is plugged in.")
class ProposedDeparture:
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")
    departs_at: datetime = strawberry.field(description="When it is to leave.")


@strawberry.input(description="Another class of a vehicle.")
class ProposedPriority:
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")
    level: PriorityLevel = strawberry.field(description="The class.")


@strawberry.input(description="Another limit of a power node for a time, higher or lower.")
class ProposedLimit:
    power_node_id: strawberry.ID = strawberry.field(description="The power node.")
    limit_kw: float = strawberry.field(description="What it may supply, in kW.")
    valid_from: datetime | None = strawberry.field(default=None, description="From when; now unless told.")
    valid_until: datetime | None = strawberry.field(default=None, description="Until when; throughout unless told.")


@strawberry.input(description="What may be changed, all of it together.")
class Proposal:
    assign: ProposedAssignment | None = strawberry.field(default=None, description="A vehicle on a block's day.")
    unassign: strawberry.ID | None = strawberry.field(default=None, description="An assignment that is taken off.")
    move: ProposedMove | None = strawberry.field(default=None, description="Another vehicle on an assignment.")
    departure: ProposedDeparture | None = strawberry.field(default=None, description="A vehicle leaves at another time.")
    priority: ProposedPriority | None = strawberry.field(default=None, description="A vehicle gets another class.")
    limit: ProposedLimit | None = strawberry.field(default=None, description="A power node gets another limit.")


@strawberry.federation.type(directives=[Authenticated()], description="What one of two plans comes to.")
class PlanOutcome:
    stays: list[PlannedStay] = strawberry.field(description="The vehicles it is about.", directives=[list_size(50)])
    shortfalls: list[PlannedStay] = strawberry.field(description="Those of them that will not be ready.", directives=[list_size(5)])
    is_type_of = staticmethod(shows(whatif.Outcome))


@strawberry.federation.type(directives=[Authenticated()], description="What becomes otherwise for one vehicle.")
class PlanDifference:
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle."
    )
    becomes_ready: bool = strawberry.field(description="Whether it would be ready only with the change.")
    becomes_short: bool = strawberry.field(description="Whether it would be ready only without the change.")
    minimum_at_before: datetime | None = strawberry.field(description="When it holds what it needs without the change.")
    minimum_at_after: datetime | None = strawberry.field(description="When it would with it.")
    lacks_before_kwh: float = strawberry.field(description="What it lacks of that as it leaves without the change, in kWh.")
    lacks_after_kwh: float = strawberry.field(description="What it would lack with it, in kWh.")
    final_before_kwh: float | None = strawberry.field(description="What it leaves with without the change, in kWh; null: it is not there.")
    final_after_kwh: float | None = strawberry.field(description="What it would with it, in kWh; null: it would not be there.")
    is_type_of = staticmethod(shows(whatif.StayChange))


@strawberry.federation.type(directives=[Authenticated()], description="A depot's plan without and with a proposed change.")
class WhatIf:
    before: PlanOutcome = strawberry.field(description="The plan as things are.")
    after: PlanOutcome = strawberry.field(description="The plan with the change.")
    changes: list[PlanDifference] = strawberry.field(description="What is different, vehicle by vehicle.", directives=[list_size(20)])
    energy_cost: float | None = strawberry.field(description="How much more energy costs; negative: less; null where there is no price.")
    demand_cost: float | None = strawberry.field(description="How much more the rise of the peak costs; null where there is no price.")
    peak_kw: float = strawberry.field(description="By how much the peak is higher, in kW; negative: lower.")
    is_type_of = staticmethod(shows(whatif.WhatIf))


@strawberry.type
class WhatIfQueries:
    what_if: WhatIf = what_if_field(
        Proposal, description="What a change would do to a depot's plan: both plans are made and compared, and nothing is changed."
    )
