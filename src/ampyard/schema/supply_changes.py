"""Changes of a depot's supply: nodes, limits over time, readings of site meters."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.resolvers import supply as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.schema.enums import PowerNodeKind, Weekday
from ampyard.schema.errors import Change, Payload
from ampyard.schema.supply import LimitException, PowerNode

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot

_LIMIT_KW = "What it can bear at most, in kW."
_LIMIT_A = "What each phase can bear at most, in A; as power it is A x V x phases / 1000 kW, and the stricter counts."
_PHASES = "How many phases it has: 1 to 3."
_VOLTAGE = "The voltage between phase and neutral, in V."
_FALLBACK = "What counts for the load that no charge point takes while no site meter tells it, in kW."
_MAX_AGE = "How old the newest reading of the site meter may be to count, in s."


@strawberry.input(description="A new power node.")
class CreatePowerNodeInput(Change):
    depot_id: strawberry.ID = strawberry.field(description="Its depot.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The node that supplies it; none for the root, which each depot has one of."
    )
    kind: PowerNodeKind = strawberry.field(description="What it stands for.")
    name: str = strawberry.field(description="Its name; 200 characters at most.")
    limit_kw: float | None = strawberry.field(default=strawberry.UNSET, description=f"{_LIMIT_KW} What limitA makes, unless told.")
    limit_a: float | None = strawberry.field(default=strawberry.UNSET, description=_LIMIT_A)
    phases: int = strawberry.field(default=3, description=_PHASES)
    voltage_v: float = strawberry.field(default=230.0, description=_VOLTAGE)
    unmanaged_fallback_kw: float | None = strawberry.field(default=strawberry.UNSET, description=_FALLBACK)
    site_meter_max_age_s: int = strawberry.field(default=300, description=_MAX_AGE)


@strawberry.input(description="Changes of a power node; what is left out stays.")
class EditPowerNodeInput(Change):
    power_node_id: strawberry.ID = strawberry.field(description="The node.")
    kind: PowerNodeKind | None = strawberry.field(default=strawberry.UNSET, description="What it stands for.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name; 200 characters at most.")
    limit_kw: float | None = strawberry.field(default=strawberry.UNSET, description=_LIMIT_KW)
    limit_a: float | None = strawberry.field(default=strawberry.UNSET, description=f"{_LIMIT_A} Null: no such limit.")
    phases: int | None = strawberry.field(default=strawberry.UNSET, description=_PHASES)
    voltage_v: float | None = strawberry.field(default=strawberry.UNSET, description=_VOLTAGE)
    unmanaged_fallback_kw: float | None = strawberry.field(default=strawberry.UNSET, description=f"{_FALLBACK} Null: none.")
    site_meter_max_age_s: int | None = strawberry.field(default=strawberry.UNSET, description=_MAX_AGE)


@strawberry.input(description="Hang a power node, with all below it, on another of the same depot.")
class MovePowerNodeInput(Change):
    power_node_id: strawberry.ID = strawberry.field(description="The node to move.")
    parent_id: strawberry.ID = strawberry.field(description="The node that shall supply it.")


@strawberry.input(description="Remove a power node on which nothing hangs.")
class RemovePowerNodeInput(Change):
    power_node_id: strawberry.ID = strawberry.field(description="The node to remove.")


@strawberry.input(description="A limit at the same times of some weekdays. What goes on after midnight is another one, of the next day.")
class WeeklyLimitInput:
    weekdays: list[Weekday] = strawberry.field(description="The days of the week.")
    begin: str = strawberry.field(description="From when on it counts, by the clock of the depot, such as 06:30.")
    end: str = strawberry.field(description="Until when it counts, by the clock of the depot; 24:00 is the end of the day.")
    limit_kw: float | None = strawberry.field(default=None, description="In kW.")
    limit_a: float | None = strawberry.field(default=None, description="In A a phase; where both are given, the stricter counts.")


@strawberry.input(description="The weekly limits of a power node, in place of those it has.")
class SetWeeklyLimitsInput(Change):
    power_node_id: strawberry.ID = strawberry.field(description="The node.")
    weekly_limits: list[WeeklyLimitInput] = strawberry.field(
        description="All of them, 200 windows at most; where several cover a moment, the strictest counts."
    )


@strawberry.input(description="A limit of a power node for a time; of several at a time the strictest counts.")
class AddLimitExceptionInput(Change):
    power_node_id: strawberry.ID = strawberry.field(description="The node.")
    valid_from: datetime | None = strawberry.field(default=strawberry.UNSET, description="From when on it counts; now unless told.")
    valid_until: datetime = strawberry.field(description="Until when it counts.")
    limit_kw: float | None = strawberry.field(default=strawberry.UNSET, description="In kW.")
    limit_a: float | None = strawberry.field(
        default=strawberry.UNSET, description="In A a phase; where both are given, the stricter counts."
    )
    reason: str = strawberry.field(description="Why; 500 characters at most.")


@strawberry.input(description="Take a limit for a time back.")
class RemoveLimitExceptionInput(Change):
    limit_exception_id: strawberry.ID = strawberry.field(description="The exception to take back.")


@strawberry.input(description="A reading of a site meter: the load at a power node that no charge point takes.")
class SiteMeterReadingInput:
    power_node_id: strawberry.ID = strawberry.field(description="The node that the meter is at.")
    measured_at: datetime = strawberry.field(description="When it was taken.")
    kw: float = strawberry.field(description="The load, in kW; negative where power flows back, which counts as 0.")
    l1_a: float | None = strawberry.field(default=None, name="l1A", description="The current of phase 1, in A.")
    l2_a: float | None = strawberry.field(default=None, name="l2A", description="The current of phase 2, in A.")
    l3_a: float | None = strawberry.field(default=None, name="l3A", description="The current of phase 3, in A.")


@strawberry.input(description="Readings of site meters, in any order; late and repeated ones do no harm.")
class ReportSiteMeterInput(Change):
    readings: list[SiteMeterReadingInput] = strawberry.field(description="The readings; 1000 at most.")


@strawberry.federation.type(directives=[Authenticated()], description="A power node that was made or changed.")
class PowerNodePayload(Payload):
    power_node: PowerNode | None = strawberry.field(description="The node as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="A power node that was removed.")
class RemovePowerNodePayload(Payload):
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = strawberry.field(
        description="The depot it was in; null where the change was refused."
    )


@strawberry.federation.type(directives=[Authenticated()], description="A limit for a time that was set.")
class LimitExceptionPayload(Payload):
    limit_exception: LimitException | None = strawberry.field(description="The exception; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="Readings of site meters that were taken in.")
class ReportSiteMeterPayload(Payload):
    power_nodes: list[PowerNode] | None = strawberry.field(
        description="The nodes they are about; null where the readings were refused.", directives=[list_size(10)]
    )
    added: int | None = strawberry.field(description="How many of them were new; null where the readings were refused.")


@strawberry.type
class SupplyMutations:
    create_power_node: PowerNodePayload = mutation(
        PowerNodePayload,
        resolvers.create_power_node,
        CreatePowerNodeInput,
        Scope.DEPOTS_WRITE,
        description="Add a node to a depot's supply tree; the first is its root.",
    )
    edit_power_node: PowerNodePayload = mutation(
        PowerNodePayload,
        resolvers.edit_power_node,
        EditPowerNodeInput,
        Scope.DEPOTS_WRITE,
        description="Change a power node; power is shared anew at once. Refused where fall-backs would not fit any more.",
    )
    move_power_node: PowerNodePayload = mutation(
        PowerNodePayload,
        resolvers.move_power_node,
        MovePowerNodeInput,
        Scope.DEPOTS_WRITE,
        description="Hang a power node, with all below it, on another of the same depot.",
    )
    remove_power_node: RemovePowerNodePayload = mutation(
        RemovePowerNodePayload,
        resolvers.remove_power_node,
        RemovePowerNodeInput,
        Scope.DEPOTS_WRITE,
        description="Remove a power node on which nothing hangs.",
    )
    set_weekly_limits: PowerNodePayload = mutation(
        PowerNodePayload,
        resolvers.set_weekly_limits,
        SetWeeklyLimitsInput,
        Scope.DEPOTS_WRITE,
        description="Set what a power node may supply at times of the week, in place of what was set before.",
    )
    add_limit_exception: LimitExceptionPayload = mutation(
        LimitExceptionPayload,
        resolvers.add_limit_exception,
        AddLimitExceptionInput,
        Scope.DEPOTS_WRITE,
        description="Limit a power node otherwise for a time, such as for works or on the grid operator's word.",
    )
    remove_limit_exception: PowerNodePayload = mutation(
        PowerNodePayload,
        resolvers.remove_limit_exception,
        RemoveLimitExceptionInput,
        Scope.DEPOTS_WRITE,
        description="Take a limit for a time back.",
    )
    report_site_meter: ReportSiteMeterPayload = mutation(
        ReportSiteMeterPayload,
        resolvers.report_site_meter,
        ReportSiteMeterInput,
        Scope.TELEMETRY_WRITE,
        description="Tell the load at power nodes that no charge point takes; it is left out of what is shared.",
    )
