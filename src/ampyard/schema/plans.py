"""Plans: what power the vehicles of a depot are to get, what becomes of them, and who will be short of what."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import planning, plans, shortfalls
from ampyard.domain.access import Scope
from ampyard.engine import Delivery, computed, edge, list_size
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import plans as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.edges import to_one
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.enums import ArrivalSource, ChargeSource, DepartureSource, PlanStatus, PriorityLevel, RemedyKind, ShortfallCause
from ampyard.schema.node import shows

if TYPE_CHECKING:
    from ampyard.schema.assignments import Assignment
    from ampyard.schema.charge_points import ChargePoint
    from ampyard.schema.charging_requests import ChargingRequest
    from ampyard.schema.depots import Depot
    from ampyard.schema.supply import PowerNode
    from ampyard.schema.transactions import Transaction
    from ampyard.schema.vehicles import Vehicle


@strawberry.federation.type(directives=[Authenticated()], description="What becomes of a vehicle at its plug, by the plan.")
class Prediction:
    made_at: datetime = strawberry.field(description="When it was foreseen.")
    fresh_until: datetime = strawberry.field(description="Until when it counts.")
    departs_at: datetime | None = strawberry.field(description="When it leaves; null where that is not known.")
    departure_source: DepartureSource | None = strawberry.field(description="Where that is known from.")
    departure_confidence: float | None = strawberry.field(description="How far a learnt departure can be believed, 0 to 1.")
    minimum_at: datetime | None = strawberry.field(
        description="When it holds what it needs; null where it will not, within the plan's horizon."
    )
    target_at: datetime | None = strawberry.field(description="When it holds what is wanted; null where it will not.")
    final_kwh: float = strawberry.field(description="What is in its battery as it leaves, or at the end of the plan, in kWh.")
    final_soc_percent: float = strawberry.field(description="The same as state of charge, in percent.")
    final_at: datetime = strawberry.field(description="When it stops charging.")
    expected_kwh: float = strawberry.field(description="What will flow at its plug until then, in kWh.")
    lacks_minimum_kwh: float = strawberry.field(description="What it will lack of what it needs as it leaves, in kWh.")
    is_type_of = staticmethod(shows(plans.PlannedStay))


@strawberry.federation.type(directives=[Authenticated()], description="One thing that would, by itself, make a vehicle ready.")
class Remedy:
    kind: RemedyKind = strawberry.field(description="What to do.")
    kw: float | None = strawberry.field(description="By how much to raise the limit, or how powerful the plug has to be, in kW.")
    begins_at: datetime | None = strawberry.field(description="From when the limit has to be higher.")
    ends_at: datetime | None = strawberry.field(description="Until when it has to be, or when to leave.")
    power_node: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] | None = to_one(
        PowerNodes, "node_id", description="The power node whose limit to raise; null where it is another remedy, or may not be seen."
    )
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = edge(
        resolvers.plan_vehicle_of_stay,
        key="stay_id",
        description="The vehicle to send instead; null where it is another remedy, or may not be seen.",
    )
    words: str = computed(resolvers.remedy_words, description="What to do, in words.")
    is_type_of = staticmethod(shows(planning.Remedy))


@strawberry.federation.type(directives=[Authenticated()], description="That a vehicle will not be ready, by the plan.")
class PlannedShortfall:
    lacks_minimum_kwh: float = strawberry.field(description="What it will lack of what it needs, in kWh.")
    is_assumed: bool = strawberry.field(description="Whether nobody has told its charge, and it is assumed to be low: it may lack less.")
    lacks_target_kwh: float = strawberry.field(description="What it will lack of what is wanted, in kWh.")
    departs_at: datetime | None = strawberry.field(description="When it leaves.")
    ready_at: datetime | None = strawberry.field(description="When it would hold what it needs if it stayed; null: not within the horizon.")
    cause: ShortfallCause = strawberry.field(description="What keeps it from being ready.")
    power_node: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] | None = to_one(
        PowerNodes, "node_id", description="The power node whose limit does; null where none does, or it may not be seen."
    )
    remedies: list[Remedy] = strawberry.field(description="What would help, each by itself.", directives=[list_size(4)])
    sentence: str = strawberry.field(description="All of it in one sentence.")
    is_type_of = staticmethod(shows(shortfalls.PlannedShortfall))


@strawberry.federation.type(directives=[Authenticated()], description="A power from a moment on, until the next step.")
class PlanStep:
    begins_at: datetime = strawberry.field(description="From when.")
    kw: float = strawberry.field(description="The power at the plug, in kW.")


@strawberry.federation.type(directives=[Authenticated()], description="A vehicle at a plug, as the plan has it.")
class PlannedStay:
    arrives_at: datetime = strawberry.field(description="When it arrived, or is expected to.")
    is_expected: bool = strawberry.field(description="Whether it has yet to be plugged in: power is kept for it, nobody is told a limit.")
    arrival_source: ArrivalSource | None = strawberry.field(description="Where it is known from that it comes; null: it is plugged in.")
    departs_at: datetime | None = strawberry.field(description="When it leaves; null where that is not known.")
    priority: PriorityLevel = strawberry.field(description="Its class: a higher one is served entirely before a lower one.")
    energy_kwh: float | None = strawberry.field(
        description="What is in its battery when it arrives, or was as the plan was made, in kWh; null: that depends on the stay before."
    )
    energy_source: ChargeSource | None = strawberry.field(description="Where that is known from; null where that is.")
    minimum_kwh: float = strawberry.field(description="What it needs as it leaves: for its run, and the reserve, in kWh.")
    target_kwh: float = strawberry.field(description="What is wanted as it leaves, in kWh.")
    capacity_kwh: float = strawberry.field(description="What its battery holds, in kWh.")
    max_kw: float = strawberry.field(description="The most it can get, by its plug and by itself, in kW.")
    steps: list[PlanStep] = strawberry.field(description="What it is to get, step by step; the last is 0.", directives=[list_size(10)])
    prediction: Prediction = strawberry.field(description="What becomes of it.")
    shortfall: PlannedShortfall | None = strawberry.field(description="What it will be short of; null where it will be ready.")
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle; null where the caller may not see it."
    )
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = to_one(
        Transactions, "transaction_id", description="Its transaction; null where it has yet to come."
    )
    assignment: Annotated["Assignment", strawberry.lazy("ampyard.schema.assignments")] | None = to_one(
        Assignments, "assignment_id", description="The run it leaves on; null where it is on none that is known."
    )
    charging_request: Annotated["ChargingRequest", strawberry.lazy("ampyard.schema.charging_requests")] | None = to_one(
        ChargingRequests, "request_id", description="What is asked for it; null where nothing is."
    )
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        ChargePoints, "charge_point_id", description="Where it is plugged in, or is supposed to be; null where the caller may not see it."
    )
    power_node: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] | None = to_one(
        PowerNodes, "power_node_id", description="The power node that supplies it; null where the caller may not see it."
    )
    is_type_of = staticmethod(shows(plans.PlannedStay))


@strawberry.federation.type(directives=[Authenticated()], description="One stretch of time of a plan.")
class PlanSlot:
    begins_at: datetime = strawberry.field(description="When it begins.")
    ends_at: datetime = strawberry.field(description="When it ends.")
    power_kw: float = strawberry.field(description="The mean power of all vehicles, in kW.")
    unmanaged_kw: float = strawberry.field(description="What else is expected to flow, in kW.")
    limit_kw: float | None = strawberry.field(description="What the depot may draw in all, in kW; null for no limit.")
    price_per_kwh: float | None = strawberry.field(description="What a kWh costs; null where that is not known.")


@strawberry.federation.type(directives=[Authenticated()], description="What power a depot's vehicles are to get, for a day and a half.")
class Plan:
    made_at: datetime = strawberry.field(description="When it was made.")
    fresh_until: datetime = strawberry.field(description="Until when it counts; then it is ignored.")
    is_fresh: bool = computed(resolvers.is_fresh, description="Whether it counts now.")
    age_s: float = computed(resolvers.age_s, description="How old it is, in s.")
    status: PlanStatus = strawberry.field(description="How good it is.")
    gap: float = strawberry.field(description="How far it may be from the best, as a share of it.")
    solve_s: float = strawberry.field(description="How long it took to find, in s.")
    slots: list[PlanSlot] = strawberry.field(description="What is planned, slot by slot.", directives=[list_size(110)])
    stays: list[PlannedStay] = edge(
        resolvers.plan_stays, key="id", description="The vehicles it is about, as they arrive.", directives=[list_size(50)]
    )
    shortfalls: list[PlannedStay] = edge(
        resolvers.plan_short_stays, key="id", description="Those of them that will not be ready.", directives=[list_size(5)]
    )
    peak_kw: float = strawberry.field(description="The highest mean power of a slot, of all that flows, in kW.")
    peak_so_far_kw: float = strawberry.field(description="The highest mean quarter-hour of the billing month before, in kW.")
    energy_cost: float | None = strawberry.field(description="What the energy costs that vehicles take; null where there is no price.")
    demand_cost: float | None = strawberry.field(description="What it costs by how much the peak rises; null where there is no price.")
    currency: str | None = strawberry.field(description="The currency of prices and costs, ISO 4217.")
    is_type_of = staticmethod(shows(plans.DepotPlan))


@strawberry.federation.type(directives=[Authenticated()], description="That a depot has a new plan.")
class PlanChange:
    at: datetime = strawberry.field(description="When it has.")
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] = to_one(
        Depots, "depot_id", description="The depot, with its plan as it then is."
    )


@strawberry.type
class PlanSubscriptions:
    plan_made: AsyncIterator[PlanChange] = scoped_subscription(
        subscriptions.plan_made,
        Scope.FLEET_READ,
        delivery=Delivery.GAUGE,
        description="The plan of a depot: at once, and then whenever a new one is made.",
    )
