"""What can be changed of dispatch: inputs, payloads, and the fields of the mutation root."""

from datetime import date, time

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.resolvers import assignments, blocks
from ampyard.resolvers.changes import mutation
from ampyard.schema.assignments import Assignment
from ampyard.schema.blocks import Block
from ampyard.schema.enums import Weekday
from ampyard.schema.errors import Change, Payload
from ampyard.schema.imports import DRY_RUN, FILE_CONTENT, FILE_NAME, ImportReport

NAME = "Its name or number for people; 100 characters at most."
EXTERNAL_ID = "What others know it by; unique among those that were not removed, 100 characters at most."
NOTE = "What else there is to say of it; 500 characters at most."
DISTANCE = "How far it goes, in km; give this or its energy."
ENERGY = "The energy it needs, in kWh; give this or its distance."
DEPARTURE_DEPOT = "The depot it leaves from."
DEPARTURE_TIME = (
    "When it leaves, by that depot's clocks. A time that clocks jump over is as much later as they jump; of two it is the first."
)
RETURN_DEPOT = "The depot it returns to; the one it leaves from unless told."
RETURN_TIME = "When it returns, by that depot's clocks."
DAYS_LATER = "How many days after its departure day it returns, 7 at most; the same day unless told."
WEEKDAYS = "The days of the week it runs on."
FIRST_DAY = "The first day on which it may run."
LAST_DAY = "The last one; open unless told."
ENABLED = "Whether it runs at all; it does unless told."
RELEASE = "Remove assignments that would not fit any more, instead of refusing; not unless told."


@strawberry.input(description="A planned run of a vehicle.")
class CreateBlockInput(Change):
    name: str = strawberry.field(description=NAME)
    departure_depot_id: strawberry.ID = strawberry.field(description=DEPARTURE_DEPOT)
    departure_time: time = strawberry.field(description=DEPARTURE_TIME)
    return_time: time = strawberry.field(description=RETURN_TIME)
    weekdays: list[Weekday] = strawberry.field(description=WEEKDAYS)
    first_day: date = strawberry.field(description=FIRST_DAY)
    return_depot_id: strawberry.ID | None = strawberry.field(default=None, description=RETURN_DEPOT)
    return_days_later: int = strawberry.field(default=0, description=DAYS_LATER)
    last_day: date | None = strawberry.field(default=None, description=LAST_DAY)
    distance_km: float | None = strawberry.field(default=None, description=DISTANCE)
    energy_kwh: float | None = strawberry.field(default=None, description=ENERGY)
    external_id: str | None = strawberry.field(default=None, description=EXTERNAL_ID)
    note: str | None = strawberry.field(default=None, description=NOTE)
    enabled: bool = strawberry.field(default=True, description=ENABLED)


@strawberry.input(
    description="What to change of a block: what is left out stays, null clears. Assignments that have not left move with it."
)
class EditBlockInput(Change):
    block_id: strawberry.ID = strawberry.field(description="The block.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=NAME)
    departure_depot_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=DEPARTURE_DEPOT)
    departure_time: time | None = strawberry.field(default=strawberry.UNSET, description=DEPARTURE_TIME)
    return_depot_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The depot it returns to.")
    return_time: time | None = strawberry.field(default=strawberry.UNSET, description=RETURN_TIME)
    return_days_later: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many days after its departure day it returns, 7 at most."
    )
    weekdays: list[Weekday] | None = strawberry.field(default=strawberry.UNSET, description=WEEKDAYS)
    first_day: date | None = strawberry.field(default=strawberry.UNSET, description=FIRST_DAY)
    last_day: date | None = strawberry.field(default=strawberry.UNSET, description="The last one; null for open end.")
    distance_km: float | None = strawberry.field(default=strawberry.UNSET, description="How far it goes, in km; replaces its energy.")
    energy_kwh: float | None = strawberry.field(default=strawberry.UNSET, description="The energy it needs, in kWh; replaces its distance.")
    external_id: str | None = strawberry.field(default=strawberry.UNSET, description=EXTERNAL_ID)
    note: str | None = strawberry.field(default=strawberry.UNSET, description=NOTE)
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it runs at all.")
    release_assignments: bool = strawberry.field(default=False, description=RELEASE)


@strawberry.input(description="Take a block out of the plan; it stays in history.")
class RemoveBlockInput(Change):
    block_id: strawberry.ID = strawberry.field(description="The block.")
    release_assignments: bool = strawberry.field(
        default=False, description="Remove the assignments that have not left, instead of refusing; not unless told."
    )


@strawberry.input(description="A block by its external id: all of it, as it is to be.")
class UpsertBlock:
    external_id: str = strawberry.field(description=EXTERNAL_ID)
    name: str = strawberry.field(description=NAME)
    departure_depot_id: strawberry.ID = strawberry.field(description=DEPARTURE_DEPOT)
    departure_time: time = strawberry.field(description=DEPARTURE_TIME)
    return_time: time = strawberry.field(description=RETURN_TIME)
    weekdays: list[Weekday] = strawberry.field(description=WEEKDAYS)
    first_day: date = strawberry.field(description=FIRST_DAY)
    return_depot_id: strawberry.ID | None = strawberry.field(default=None, description=RETURN_DEPOT)
    return_days_later: int = strawberry.field(default=0, description=DAYS_LATER)
    last_day: date | None = strawberry.field(default=None, description=LAST_DAY)
    distance_km: float | None = strawberry.field(default=None, description=DISTANCE)
    energy_kwh: float | None = strawberry.field(default=None, description=ENERGY)
    note: str | None = strawberry.field(default=None, description=NOTE)
    enabled: bool = strawberry.field(default=True, description=ENABLED)


@strawberry.input(description="Make blocks, or change those that have their external ids: all of them, or none.")
class UpsertBlocksInput(Change):
    blocks: list[UpsertBlock] = strawberry.field(description="The blocks, 500 at most, each external id once.")
    release_assignments: bool = strawberry.field(default=False, description=RELEASE)


@strawberry.input(
    description="Make or change blocks by a file with the columns external id, name, departure depot, departure time, return depot, return "
    "time, return days later, weekdays, first day, last day, distance km, energy kWh, enabled, note."
)
class ImportBlocksInput(Change):
    file_name: str = strawberry.field(description=FILE_NAME)
    content: str = strawberry.field(description=FILE_CONTENT)
    dry_run: bool = strawberry.field(description=DRY_RUN)


@strawberry.input(
    description="Put a vehicle on a block's day: a week ahead at most, until the day is over or it is back, also when it has left already."
)
class AssignVehicleInput(Change):
    block_id: strawberry.ID = strawberry.field(description="The block.")
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")
    day: date = strawberry.field(description="The day on which the block leaves, by its depot's calendar.")


@strawberry.input(description="Put another vehicle on what is assigned already.")
class ChangeAssignmentInput(Change):
    assignment_id: strawberry.ID = strawberry.field(description="The assignment.")
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle that is to go.")


@strawberry.input(description="Take a vehicle off a block's day.")
class RemoveAssignmentInput(Change):
    assignment_id: strawberry.ID = strawberry.field(description="The assignment.")


@strawberry.input(description="Have a vehicle go on a block's day, whoever has been on it; both by the ids that others know them by.")
class ScheduleVehicleInput(Change):
    block_external_id: str = strawberry.field(description="The block's external id.")
    vin: str = strawberry.field(description="The vehicle's VIN.")
    day: date = strawberry.field(description="The day on which the block leaves, by its depot's calendar.")


@strawberry.input(
    description="Put vehicles on blocks by a file with the columns block (external id or name), day, vehicle (VIN or name); whoever has "
    "been on a run makes way."
)
class ImportAssignmentsInput(Change):
    file_name: str = strawberry.field(description=FILE_NAME)
    content: str = strawberry.field(description=FILE_CONTENT)
    dry_run: bool = strawberry.field(description=DRY_RUN)


@strawberry.federation.type(directives=[Authenticated()], description="A block that was made, changed or removed.")
class BlockPayload(Payload):
    block: Block | None = strawberry.field(description="The block as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="Blocks that were made or changed.")
class BlocksPayload(Payload):
    blocks: list[Block] | None = strawberry.field(
        description="The blocks as they now are, in the order in which they were given; null where the change was refused.",
        directives=[list_size(100)],
    )


@strawberry.federation.type(directives=[Authenticated()], description="An assignment that was made, changed or removed.")
class AssignmentPayload(Payload):
    assignment: Assignment | None = strawberry.field(description="The assignment as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="What became of an imported file.")
class DispatchImportPayload(Payload):
    report: ImportReport | None = strawberry.field(
        description="What was or would be done, and everything wrong with the file; null where it cannot be read at all."
    )


@strawberry.type
class DispatchMutations:
    create_block: BlockPayload = mutation(
        BlockPayload, blocks.create_block, CreateBlockInput, Scope.DISPATCH_WRITE, description="Plan a block."
    )
    edit_block: BlockPayload = mutation(
        BlockPayload, blocks.edit_block, EditBlockInput, Scope.DISPATCH_WRITE, description="Change a block, or enable or disable it."
    )
    remove_block: BlockPayload = mutation(
        BlockPayload, blocks.remove_block, RemoveBlockInput, Scope.DISPATCH_WRITE, description="Take a block out of the plan."
    )
    upsert_blocks: BlocksPayload = mutation(
        BlocksPayload,
        blocks.upsert_blocks,
        UpsertBlocksInput,
        Scope.DISPATCH_WRITE,
        description="Make blocks, or change those that have their external ids.",
    )
    import_blocks: DispatchImportPayload = mutation(
        DispatchImportPayload, blocks.import_blocks, ImportBlocksInput, Scope.DISPATCH_WRITE, description="Make or change blocks by a file."
    )
    assign_vehicle: AssignmentPayload = mutation(
        AssignmentPayload,
        assignments.assign_vehicle,
        AssignVehicleInput,
        Scope.DISPATCH_WRITE,
        description="Put a vehicle on a block's day.",
    )
    change_assignment: AssignmentPayload = mutation(
        AssignmentPayload,
        assignments.change_assignment,
        ChangeAssignmentInput,
        Scope.DISPATCH_WRITE,
        description="Put another vehicle on what is assigned already.",
    )
    remove_assignment: AssignmentPayload = mutation(
        AssignmentPayload,
        assignments.remove_assignment,
        RemoveAssignmentInput,
        Scope.DISPATCH_WRITE,
        description="Take a vehicle off a block's day.",
    )
    schedule_vehicle: AssignmentPayload = mutation(
        AssignmentPayload,
        assignments.schedule_vehicle,
        ScheduleVehicleInput,
        Scope.DISPATCH_WRITE,
        description="Have a vehicle go on a block's day, by external id and VIN; again, it changes nothing.",
    )
    import_assignments: DispatchImportPayload = mutation(
        DispatchImportPayload,
        assignments.import_assignments,
        ImportAssignmentsInput,
        Scope.DISPATCH_WRITE,
        description="Put vehicles on blocks by a file.",
    )
