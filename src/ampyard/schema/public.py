"""The public schema, for integrators: its own, smaller types. What is not meant for them is not here at all."""

from datetime import datetime
from typing import Generic, TypeVar

import strawberry

from ampyard.domain import assignments, blocks, charge_points, charging_requests, depots, priorities, transactions, vehicles
from ampyard.domain.access import Scope
from ampyard.domain.errors import DomainError
from ampyard.engine import Schema, list_size
from ampyard.repositories.charge_points import NOT_RETIRED, ChargePoints, Connectors, Evses
from ampyard.repositories.depots import DepotFilter, Depots
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import priorities as priority_changes
from ampyard.resolvers import vehicles as vehicle_changes
from ampyard.resolvers.changes import ConflictFault, NotAllowedFault, NotFoundFault, ValidationFault, mutation
from ampyard.resolvers.edges import by_id, effective_priority, node_among, to_many, to_one
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.plans import planned_stay
from ampyard.resolvers.scopes import scoped
from ampyard.schema.enums import ConnectorStatus, CurrentType, PriorityLevel, TransactionState, VehicleKind
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import connection, counted
from ampyard.schema.public_charging import ChargingRequestMutations
from ampyard.schema.public_dispatch import Assignment, Block, DispatchMutations
from ampyard.schema.public_grid import GridMutations
from ampyard.schema.public_orders import ChargePointOrder, DepotOrder, PriorityOrder, TransactionFilter, TransactionOrder, VehicleOrder
from ampyard.schema.public_plans import Prediction
from ampyard.schema.scalars import CONFIG

T = TypeVar("T")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge.")


@strawberry.type(description="An item at its place in a list.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="Its place, for `after` and `before`.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The items with their cursors.")
    nodes: list[T] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")
    total_count: int = counted()


@strawberry.type(description="A site where vehicles are charged.")
class Depot(Node):
    name: str = strawberry.field(description="Its name.")
    time_zone: str = strawberry.field(description="Its time zone (IANA name).")
    address: str = strawberry.field(description="Street and number.")
    postal_code: str = strawberry.field(description="Postal code.")
    city: str = strawberry.field(description="City.")
    country_code: str = strawberry.field(description="Country, ISO 3166-1 alpha-3.")
    latitude: float = strawberry.field(description="Latitude in degrees (WGS 84).")
    longitude: float = strawberry.field(description="Longitude in degrees (WGS 84).")
    is_type_of = staticmethod(shows(depots.Depot))


@strawberry.type(description="A connector of an EVSE.")
class Connector:
    connector_no: int = strawberry.field(name="number", description="Its number within the EVSE, from 1.")
    standard: str = strawberry.field(description="The plug's standard, in OCPI's words.")
    status: ConnectorStatus = strawberry.field(description="Its state as last reported.")
    status_at: datetime | None = strawberry.field(description="When that state was reached.")


@strawberry.type(description="An EVSE: charges one vehicle at a time.")
class Evse:
    evse_no: int = strawberry.field(name="number", description="Its number within the charge point, from 1.")
    current_type: CurrentType = strawberry.field(description="AC or DC.")
    max_power_kw: float = strawberry.field(description="The most it can deliver, in kW.")
    status: ConnectorStatus = strawberry.field(description="The most telling state of its connectors.")
    connectors: list[Connector] = to_many(Connectors, "of_evses", description="Its connectors, by number.")


@strawberry.type(description="A charge point.")
class ChargePoint(Node):
    identity: str = strawberry.field(description="Its identity, unique in the fleet.")
    name: str = strawberry.field(description="Its name for people.")
    connected: bool = strawberry.field(description="Whether it is on the line.")
    last_seen_at: datetime | None = strawberry.field(description="When it was last heard of.")
    depot: Depot | None = to_one(Depots, "depot_id", description="Its depot; null where the key does not reach it.")
    evses: list[Evse] = to_many(Evses, "of_charge_points", description="Its EVSEs, by number.")
    is_type_of = staticmethod(shows(charge_points.ChargePoint))


@strawberry.type(description="A vehicle of the fleet.")
class Vehicle(Node):
    name: str = strawberry.field(description="Its name or number.")
    kind: VehicleKind = strawberry.field(description="Bus, truck or van.")
    vin: str = strawberry.field(description="Vehicle identification number.")
    license_plate: str = strawberry.field(description="Licence plate.")
    battery_kwh: float = strawberry.field(description="Usable battery capacity, in kWh.")
    soc_percent: float | None = strawberry.field(description="State of charge as last known, in percent.")
    soc_at: datetime | None = strawberry.field(description="When it was so.")
    depot: Depot | None = to_one(Depots, "depot_id", description="Its home depot; null where the key does not reach it.")
    is_type_of = staticmethod(shows(vehicles.Vehicle))


@strawberry.type(description="A rule that ranks one vehicle, charge point or transaction for a time.")
class Priority(Node):
    level: PriorityLevel = strawberry.field(description="The class it puts its target in.")
    reason: str | None = strawberry.field(description="Why.")
    valid_from: datetime = strawberry.field(description="From when it counts.")
    valid_until: datetime | None = strawberry.field(description="Until when it counts; null for open end.")
    cleared_at: datetime | None = strawberry.field(description="When it was ended by hand.")
    vehicle: Vehicle | None = to_one(Vehicles, "vehicle_id", description="The vehicle it is about, if any.")
    charge_point: ChargePoint | None = to_one(ChargePoints, "charge_point_id", description="The charge point it is about, if any.")
    is_type_of = staticmethod(shows(priorities.Priority))


@strawberry.type(description="The priority that counts, and the rule it comes from.")
class EffectivePriority:
    level: PriorityLevel = strawberry.field(description="The class that counts; NORMAL without a rule.")
    rule: Priority | None = strawberry.field(description="The rule that won.")


@strawberry.type(description="One charging process.")
class Transaction(Node):
    state: TransactionState = strawberry.field(description="Whether it still runs.")
    started_at: datetime = strawberry.field(description="When it began.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    energy_wh: float = strawberry.field(description="The energy delivered so far, in Wh.")
    power_kw: float = strawberry.field(description="The power last measured, in kW.")
    soc_percent: float | None = strawberry.field(description="The state of charge last reported, in percent.")
    measured_at: datetime | None = strawberry.field(description="When power and energy were last measured.")
    priority: EffectivePriority = effective_priority(description="The priority that counts for it now.")
    prediction: Prediction | None = planned_stay(description="What becomes of it, by the newest plan that counts; null where none has it.")
    depot: Depot | None = to_one(Depots, "depot_id", description="The depot it is in; null where the key does not reach it.")
    charge_point: ChargePoint | None = to_one(
        ChargePoints, "charge_point_id", description="The charge point it is on; null where the key does not reach it."
    )
    vehicle: Vehicle | None = to_one(Vehicles, "vehicle_id", description="The vehicle, if its id tag is known.")
    is_type_of = staticmethod(shows(transactions.Transaction))


_PUBLIC_NODES = (
    depots.Depot,
    charge_points.ChargePoint,
    vehicles.Vehicle,
    transactions.Transaction,
    priorities.Priority,
    blocks.Block,
    assignments.Assignment,
    charging_requests.ChargingRequest,
)


@strawberry.type(description="What can be read.")
class Query:
    node: Node | None = scoped(
        node_among(_PUBLIC_NODES), Scope.FLEET_READ, description="Anything by its global id; null when it does not exist."
    )
    depot: Depot | None = by_id(depots.Depot, description="One depot; null when it does not exist.")
    charge_point: ChargePoint | None = by_id(charge_points.ChargePoint, description="One charge point; null when it does not exist.")
    vehicle: Vehicle | None = by_id(vehicles.Vehicle, description="One vehicle; null when it does not exist.")
    transaction: Transaction | None = by_id(transactions.Transaction, description="One transaction; null when it does not exist.")
    priority: Priority | None = by_id(priorities.Priority, description="One priority rule; null when it does not exist.")
    depots: Connection[Depot] = connection(
        Listing("public.depots", Depots, "NAME", unless_told=DepotFilter()),
        description="All depots.",
        filter_type=None,
        order_type=DepotOrder,
        scope=Scope.FLEET_READ,
    )
    charge_points: Connection[ChargePoint] = connection(
        Listing("public.chargePoints", ChargePoints, "IDENTITY", unless_told=NOT_RETIRED),
        description="All charge points with their status.",
        filter_type=None,
        order_type=ChargePointOrder,
        scope=Scope.FLEET_READ,
    )
    vehicles: Connection[Vehicle] = connection(
        Listing("public.vehicles", Vehicles, "NAME"),
        description="All vehicles.",
        filter_type=None,
        order_type=VehicleOrder,
        scope=Scope.FLEET_READ,
    )
    transactions: Connection[Transaction] = connection(
        Listing("public.transactions", Transactions, "STARTED_AT", default_descending=True),
        description="All transactions, newest first unless told.",
        filter_type=TransactionFilter,
        order_type=TransactionOrder,
        scope=Scope.FLEET_READ,
    )
    priorities: Connection[Priority] = connection(
        Listing("public.priorities", Priorities, "CREATED_AT", default_descending=True),
        description="All priority rules, newest first unless told.",
        filter_type=None,
        order_type=PriorityOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.interface(description="Why a change was refused; nothing of it was kept.")
class MutationError:
    message: str = strawberry.field(description="What was wrong, where, and what would be right, for people.")
    code: str = strawberry.field(description="BAD_USER_INPUT, NOT_FOUND, CONFLICT or FORBIDDEN.")
    path: list[str] = strawberry.field(
        description='The part of the input that it is about, such as ["input", "level"]; empty: all of it.',
        directives=[list_size(2)],
    )


@strawberry.type(description="The input is wrong.")
class ValidationError(MutationError):
    is_type_of = staticmethod(shows(ValidationFault))


@strawberry.type(description="What the input names does not exist.")
class NotFoundError(MutationError):
    is_type_of = staticmethod(shows(NotFoundFault))


@strawberry.type(description="The change contradicts the present state.")
class ConflictError(MutationError):
    is_type_of = staticmethod(shows(ConflictFault))


@strawberry.type(description="The key may not do this.")
class NotAllowedError(MutationError):
    is_type_of = staticmethod(shows(NotAllowedFault))


@strawberry.input(description="A priority for exactly one vehicle, charge point or transaction.")
class SetPriorityInput:
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Chosen by the client, 200 characters at most: sent again with it within a week, a change gets the first one's answer.",
    )
    level: PriorityLevel = strawberry.field(description="The class to put it in.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle it is about.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="The charge point it is about.")
    transaction_id: strawberry.ID | None = strawberry.field(default=None, description="The transaction it is about.")
    reason: str | None = strawberry.field(default=None, description="Why; 500 characters at most.")
    valid_from: datetime | None = strawberry.field(default=None, description="From when it counts; now unless told.")
    valid_until: datetime | None = strawberry.field(default=None, description="Until when it counts; open unless told.")


@strawberry.type(description="A priority rule that was set.")
class PriorityPayload:
    priority: Priority | None = strawberry.field(description="The rule as it now is; null where the change was refused.")
    errors: list[MutationError] = strawberry.field(
        description="Why the change was refused; empty when it was made.", directives=[list_size(1)]
    )


@strawberry.input(description="What telematics tells of one vehicle, named by its id or by its VIN.")
class SocReadingInput:
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle.")
    vin: str | None = strawberry.field(default=None, description="The vehicle's VIN.")
    percent: float = strawberry.field(description="Its state of charge, 0 to 100 percent.")
    at: datetime = strawberry.field(description="When it was so: not to come, and no older than 30 days.")
    confidence: float | None = strawberry.field(default=None, description="How far it can be believed, 0 to 1; 0.94 unless told.")


@strawberry.input(description="What telematics tells.")
class ReportStateOfChargeInput:
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Chosen by the client, 200 characters at most: the same change sent again with it gets the first one's answer.",
    )
    readings: list[SocReadingInput] = strawberry.field(description="Of each vehicle what is told; 1,000 at most.")


@strawberry.type(description="Vehicles that were reported on.")
class ReportStateOfChargePayload:
    vehicles: list[Vehicle] | None = strawberry.field(
        description="The vehicles as they now are, in the order of the readings; null where these were refused.",
        directives=[list_size(50)],
    )
    errors: list[MutationError] = strawberry.field(
        description="Why the change was refused; empty when it was made.", directives=[list_size(1)]
    )


@strawberry.type(description="What can be changed.")
class Mutation(DispatchMutations, ChargingRequestMutations, GridMutations):
    report_state_of_charge: ReportStateOfChargePayload = mutation(
        ReportStateOfChargePayload,
        vehicle_changes.report_state_of_charge,
        ReportStateOfChargeInput,
        Scope.TELEMETRY_WRITE,
        description="Tell the states of charge of vehicles, all of them or none. What is older than what is known changes nothing.",
    )
    set_priority: PriorityPayload = mutation(
        PriorityPayload,
        priority_changes.set_priority,
        SetPriorityInput,
        Scope.PRIORITIES_WRITE,
        description="Set a priority; power is shared anew at once.",
    )


schema = Schema(
    Query,
    Mutation,
    types=[
        Depot,
        ChargePoint,
        Vehicle,
        Transaction,
        Priority,
        Block,
        Assignment,
        ValidationError,
        NotFoundError,
        ConflictError,
        NotAllowedError,
    ],
    public_errors=(DomainError,),
    batched=True,
    config=CONFIG,
)
