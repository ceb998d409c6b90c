"""What integrators push of dispatch: blocks by their external ids, and which vehicle goes on which day."""

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated

import strawberry

from ampyard.domain import assignments as assignments_domain
from ampyard.domain import blocks as blocks_domain
from ampyard.domain.access import Scope
from ampyard.engine import computed, list_size
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.depots import Depots
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import assignments, blocks
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import to_one
from ampyard.schema.blocks import weekdays_in_order
from ampyard.schema.enums import Weekday
from ampyard.schema.node import Node, shows

if TYPE_CHECKING:
    from ampyard.schema.public import Depot, MutationError, Vehicle

_KEY = "Chosen by the client, 200 characters at most: sent again with it within a week, a change gets the first one's answer."
_ERRORS = "Why the change was refused; empty when it was made."


@strawberry.type(description="A planned run of a vehicle, which recurs on days of the week.")
class Block(Node):
    name: str = strawberry.field(description="Its name or number.")
    external_id: str | None = strawberry.field(description="What you know it by.")
    note: str | None = strawberry.field(description="What else there is to say of it.")
    distance_km: float | None = strawberry.field(description="How far it goes, in km; null where its energy is planned instead.")
    energy_kwh: float | None = strawberry.field(description="The energy it needs, in kWh; null where its distance is planned instead.")
    departure_time: time = strawberry.field(description="When it leaves, by the clocks of its departure depot.")
    return_time: time = strawberry.field(description="When it returns, by the clocks of its return depot.")
    return_days_later: int = strawberry.field(description="How many days after its departure day it returns; 0 for the same.")
    weekdays: list[Weekday] = computed(
        weekdays_in_order, reads=["weekdays"], description="The days of the week it runs on.", directives=[list_size(7)]
    )
    first_day: date = strawberry.field(description="The first day on which it may run.")
    last_day: date | None = strawberry.field(description="The last one; null for open end.")
    enabled: bool = strawberry.field(description="Whether it runs at all.")
    departure_depot: Annotated["Depot", strawberry.lazy("ampyard.schema.public")] | None = to_one(
        Depots, "departure_depot_id", description="The depot it leaves from."
    )
    return_depot: Annotated["Depot", strawberry.lazy("ampyard.schema.public")] | None = to_one(
        Depots, "return_depot_id", description="The depot it returns to."
    )
    is_type_of = staticmethod(shows(blocks_domain.Block))


@strawberry.type(description="A vehicle on a block's day.")
class Assignment(Node):
    day: date = strawberry.field(description="The day it leaves, by the calendar of its depot.")
    departs_at: datetime = strawberry.field(description="When it leaves.")
    returns_at: datetime = strawberry.field(description="When it returns.")
    block: Block | None = to_one(Blocks, "block_id", description="The block.")
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.public")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle."
    )
    is_type_of = staticmethod(shows(assignments_domain.Assignment))


@strawberry.input(description="A block by its external id: all of it, as it is to be.")
class UpsertBlock:
    external_id: str = strawberry.field(description="What you know it by; 100 characters at most.")
    name: str = strawberry.field(description="Its name or number for people; 100 characters at most.")
    departure_depot_id: strawberry.ID = strawberry.field(description="The depot it leaves from.")
    departure_time: time = strawberry.field(description="When it leaves, by that depot's clocks.")
    return_time: time = strawberry.field(description="When it returns, by its return depot's clocks.")
    weekdays: list[Weekday] = strawberry.field(description="The days of the week it runs on.")
    first_day: date = strawberry.field(description="The first day on which it may run.")
    return_depot_id: strawberry.ID | None = strawberry.field(
        default=None, description="The depot it returns to; the one it leaves from unless told."
    )
    return_days_later: int = strawberry.field(default=0, description="How many days after its departure day it returns, 7 at most.")
    last_day: date | None = strawberry.field(default=None, description="The last day; open unless told.")
    distance_km: float | None = strawberry.field(default=None, description="How far it goes, in km; give this or its energy.")
    energy_kwh: float | None = strawberry.field(default=None, description="The energy it needs, in kWh; give this or its distance.")
    note: str | None = strawberry.field(default=None, description="What else there is to say of it; 500 characters at most.")
    enabled: bool = strawberry.field(default=True, description="Whether it runs at all.")


@strawberry.input(description="Make blocks, or change those that have their external ids: all of them, or none.")
class UpsertBlocksInput:
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)
    blocks: list[UpsertBlock] = strawberry.field(description="The blocks, 500 at most, each external id once.")
    release_assignments: bool = strawberry.field(
        default=False, description="Remove assignments that would not fit any more, instead of refusing."
    )


@strawberry.input(description="Have a vehicle go on a block's day, whoever has been on it; both by the ids that you know them by.")
class ScheduleVehicleInput:
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)
    block_external_id: str = strawberry.field(description="The block's external id.")
    vin: str = strawberry.field(description="The vehicle's VIN.")
    day: date = strawberry.field(description="The day on which the block leaves, a week ahead at most.")


@strawberry.type(description="Blocks that were made or changed.")
class BlocksPayload:
    blocks: list[Block] | None = strawberry.field(
        description="The blocks as they now are, in the order in which they were given; null where the change was refused.",
        directives=[list_size(100)],
    )
    errors: list[Annotated["MutationError", strawberry.lazy("ampyard.schema.public")]] = strawberry.field(
        description=_ERRORS, directives=[list_size(1)]
    )


@strawberry.type(description="A vehicle that was scheduled.")
class AssignmentPayload:
    assignment: Assignment | None = strawberry.field(description="The assignment as it now is; null where the change was refused.")
    errors: list[Annotated["MutationError", strawberry.lazy("ampyard.schema.public")]] = strawberry.field(
        description=_ERRORS, directives=[list_size(1)]
    )


@strawberry.type
class DispatchMutations:
    upsert_blocks: BlocksPayload = mutation(
        BlocksPayload,
        blocks.upsert_blocks,
        UpsertBlocksInput,
        Scope.DISPATCH_WRITE,
        description="Make blocks, or change those that have their external ids.",
    )
    schedule_vehicle: AssignmentPayload = mutation(
        AssignmentPayload,
        assignments.schedule_vehicle,
        ScheduleVehicleInput,
        Scope.DISPATCH_WRITE,
        description="Have a vehicle go on a block's day; again, it changes nothing.",
    )
