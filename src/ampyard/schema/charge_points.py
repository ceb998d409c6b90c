from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charge_points as domain
from ampyard.domain.access import Scope
from ampyard.domain.charts import ChartBucket
from ampyard.domain.depots import Depot as DomainDepot
from ampyard.domain.supply import PowerNode as DomainPowerNode
from ampyard.engine import edge
from ampyard.repositories import charge_points as repository
from ampyard.repositories import charts
from ampyard.repositories.charge_points import NOT_RETIRED, ChargePoints, Connectors, Evses
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers import subscriptions
from ampyard.resolvers.charging_profiles import listed_set_points, set_point_kind, told_steps
from ampyard.resolvers.charts import chart
from ampyard.resolvers.edges import by_id, plan_active_transaction, references_to, to_many, to_one
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.resolvers.uptime import OF_CHARGE_POINT, OF_EVSE, plan_availability, uptime_of
from ampyard.schema.alerts import Alert, alerts_about
from ampyard.schema.allocations import Allocation, newest_allocation
from ampyard.schema.availability import (
    CHARGE_POINT_DOWNTIMES,
    EVSE_AVAILABILITY,
    AvailabilityInterval,
    AvailabilityOrder,
    PlannedDowntime,
    PlannedDowntimeFilter,
    PlannedDowntimeOrder,
    Uptime,
)
from ampyard.schema.charging_profiles import LimitStep
from ampyard.schema.charts import EnergyChart, PowerChart, UtilisationChart
from ampyard.schema.commands import CHARGE_POINT_COMMANDS, Command, CommandFilter, CommandOrder
from ampyard.schema.enums import ChargePointState, ConnectorStatus, CurrentType, OcppVersion, PhaseRotation, SetPointKind
from ampyard.schema.faults import CHARGE_POINT_FAULTS, Fault, FaultFilter, FaultOrder
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.priorities import Priority
from ampyard.schema.transactions import Transaction, TransactionFilter, TransactionOrder
from ampyard.schema.variables import (
    CHARGE_POINT_FIRMWARE,
    CHARGE_POINT_VARIABLES,
    ConfigurationVariable,
    FirmwareStatus,
    FirmwareStatusOrder,
    VariableFilter,
    VariableOrder,
)

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot
    from ampyard.schema.supply import PowerNode

CHARGE_POINTS = Listing("chargePoints", ChargePoints, "IDENTITY", unless_told=NOT_RETIRED)


@strawberry.enum(description="What charge points can be ordered by.")
class ChargePointOrderField(Enum):
    IDENTITY = "IDENTITY"
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of charge points.")
class ChargePointOrder:
    field: ChargePointOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which charge points to list.")
class ChargePointFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Only these.")
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this depot.")
    power_node_id: strawberry.ID | None = strawberry.field(default=None, description="Only those that hang on this power node directly.")
    states: list[ChargePointState] | None = strawberry.field(
        default=None, description="Only those in one of these states of their life; all but the retired ones unless told."
    )
    connected: bool | None = strawberry.field(default=None, description="Only those that are, or are not, on the line.")
    statuses: list[ConnectorStatus] | None = strawberry.field(
        default=None, description="Only those with an EVSE whose status is one of these."
    )
    faulted: bool | None = strawberry.field(default=None, description="Only those with, or without, an open fault.")
    vendor: str | None = strawberry.field(default=None, description="Only those of this vendor.")
    model: str | None = strawberry.field(default=None, description="Only those of this model.")
    firmware_version: str | None = strawberry.field(default=None, description="Only those with this firmware version.")
    identity_contains: str | None = strawberry.field(default=None, description="Only those whose identity has this in it, in any case.")
    name_contains: str | None = strawberry.field(default=None, description="Only those whose name has this in it, in any case.")

    def narrowing(self) -> repository.ChargePointFilter:
        """Return the filter as the repository takes it."""
        return repository.ChargePointFilter(
            depot_id=optional_id("filter.depotId", self.depot_id, DomainDepot),
            power_node_id=optional_id("filter.powerNodeId", self.power_node_id, DomainPowerNode),
            states=None if self.states is None else tuple(self.states),
            connected=self.connected,
            statuses=None if self.statuses is None else tuple(self.statuses),
            faulted=self.faulted,
            vendor=self.vendor,
            model=self.model,
            firmware_version=self.firmware_version,
            identity_contains=self.identity_contains,
            name_contains=self.name_contains,
            ids=None if self.ids is None else tuple(decode_id("filter.ids", one, domain.ChargePoint) for one in self.ids),
        )


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A connector of an EVSE.")
class Connector(Node):
    connector_no: int = strawberry.field(name="number", description="Its number within the EVSE, from 1.")
    standard: str = strawberry.field(description="The plug's standard, in OCPI's words.")
    format: str = strawberry.field(description="SOCKET or CABLE.")
    power_type: str = strawberry.field(description="AC or DC and phases, in OCPI's words.")
    max_voltage_v: int = strawberry.field(description="Highest voltage, in V.")
    max_amperage_a: int = strawberry.field(description="Highest current, in A.")
    status: ConnectorStatus = strawberry.field(description="Its state as last reported.")
    error_code: str | None = strawberry.field(description="The error last reported, in the charge point's words.")
    status_at: datetime | None = strawberry.field(description="When that state was reached.")
    evse: Annotated["Evse", strawberry.lazy("ampyard.schema.charge_points")] = to_one(Evses, "evse_id", description="Its EVSE.")
    is_type_of = staticmethod(shows(domain.Connector))
    resolve_references = staticmethod(references_to(domain.Connector))


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="An EVSE: charges one vehicle at a time.")
class Evse(Node):
    evse_no: int = strawberry.field(name="number", description="Its number within the charge point, from 1.")
    current_type: CurrentType = strawberry.field(description="AC or DC.")
    max_power_kw: float = strawberry.field(description="The most it can deliver, in kW.")
    min_power_kw: float = strawberry.field(description="The least it can charge with, in kW; below that it pauses.")
    phases: int = strawberry.field(description="Phases of its supply.")
    fallback_kw: float = strawberry.field(description="What it may draw when no limit of ours is in force, in kW.")
    phase_rotation: PhaseRotation = strawberry.field(description="Which lines of the supply its phases are connected to.")
    voltage_v: float = strawberry.field(description="Voltage of its supply, in V: between phase and neutral, unless lineToLine.")
    line_to_line: bool = strawberry.field(description="Whether it charges between two lines.")
    set_points: SetPointKind = set_point_kind()
    listed_set_points_a: list[float] = listed_set_points()
    charging_schedule: list[LimitStep] = told_steps()
    profile_writes: int = strawberry.field(description="How many charging profiles were written to its flash, which wears out.")
    profile_written_at: datetime | None = strawberry.field(description="When the last one was.")
    status: ConnectorStatus = strawberry.field(description="The most telling state of its connectors.")
    limit_kw: float | None = strawberry.field(description="The limit it last confirmed, in kW; null when its fall-back holds.")
    limit_at: datetime | None = strawberry.field(description="When it confirmed that limit.")
    limit_reason: str | None = strawberry.field(description="Why it gets what it gets.")
    fallback_in_force_kw: float | None = strawberry.field(
        description="The highest default profile that may be in force there, in kW; null where it has never confirmed one: all it can draw."
    )
    overdrawn_since: datetime | None = strawberry.field(description="Since when it is known to draw more than it may; null: it obeys.")
    allocation: Allocation | None = newest_allocation(description="What it got last, and why; null where nothing has charged there.")
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] = to_one(
        ChargePoints, "charge_point_id", description="Its charge point."
    )
    availability: AvailabilityInterval | None = edge(
        plan_availability, key="id", description="Whether it can be used now, and since when; null while its charge point is not operated."
    )
    availability_history: Connection[AvailabilityInterval] = connection(
        EVSE_AVAILABILITY,
        description="Whether it could be used, from when until when, latest first unless told.",
        filter_type=None,
        order_type=AvailabilityOrder,
    )
    uptime: Uptime = uptime_of(OF_EVSE, description="How long it was up in a period.")
    connectors: list[Connector] = to_many(Connectors, "of_evses", description="Its connectors, by number.")
    active_transaction: Transaction | None = edge(plan_active_transaction, key="id", description="The transaction that runs on it now.")
    transactions: Connection[Transaction] = connection(
        Listing("evse.transactions", Transactions, "STARTED_AT", default_descending=True, parent=Transactions.table.c.evse_id),
        description="The transactions on it, newest first unless told.",
        filter_type=TransactionFilter,
        order_type=TransactionOrder,
    )
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    is_type_of = staticmethod(shows(domain.Evse))
    resolve_references = staticmethod(references_to(domain.Evse))


@strawberry.federation.type(
    keys=["id", "identity"], directives=[Authenticated()], description="A charge point (OCPP 2.0.1: charging station)."
)
class ChargePoint(Node):
    identity: str = strawberry.field(description="Its OCPP identity: the last part of its WebSocket address; unique in the tenant.")
    name: str = strawberry.field(description="Its name for people.")
    state: ChargePointState = strawberry.field(description="Where it is in its life.")
    state_at: datetime | None = strawberry.field(description="Since when it is there, where that is known.")
    state_reason: str | None = strawberry.field(description="Why it is there.")
    status: ConnectorStatus = strawberry.field(description="The state of the charge point as a whole, as last reported.")
    ocpp_version: OcppVersion | None = strawberry.field(description="The protocol version it last spoke.")
    vendor: str | None = strawberry.field(description="Vendor, as it said when it booted.")
    model: str | None = strawberry.field(description="Model, as it said when it booted.")
    serial_number: str | None = strawberry.field(description="Serial number, as it said when it booted.")
    firmware_version: str | None = strawberry.field(description="Firmware version, as it said when it booted.")
    iccid: str | None = strawberry.field(description="The number of its SIM card, as it said when it booted.")
    imsi: str | None = strawberry.field(description="The subscriber of its SIM card, as it said when it booted.")
    meter_type: str | None = strawberry.field(description="The type of its meter, as it said when it booted.")
    meter_serial_number: str | None = strawberry.field(description="The serial number of its meter, as it said when it booted.")
    connected: bool = strawberry.field(description="Whether it is on the line.")
    connected_at: datetime | None = strawberry.field(description="When it last came on the line.")
    disconnected_at: datetime | None = strawberry.field(description="When it last went off the line.")
    last_seen_at: datetime | None = strawberry.field(description="When it was last heard of.")
    booted_at: datetime | None = strawberry.field(description="When it last booted.")
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="Its depot; null where the caller's grants do not reach it."
    )
    power_node: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] | None = to_one(
        PowerNodes, "power_node_id", description="The power node that supplies it; null where the caller's grants do not reach it."
    )
    evses: list[Evse] = to_many(Evses, "of_charge_points", description="Its EVSEs, by number.")
    alerts: Connection[Alert] = alerts_about("chargePoint", "charge_point_id")
    transactions: Connection[Transaction] = connection(
        Listing(
            "chargePoint.transactions", Transactions, "STARTED_AT", default_descending=True, parent=Transactions.table.c.charge_point_id
        ),
        description="The transactions on it, newest first unless told.",
        filter_type=TransactionFilter,
        order_type=TransactionOrder,
    )
    faults: Connection[Fault] = connection(
        CHARGE_POINT_FAULTS,
        description="What is or was wrong with it, newest first unless told.",
        filter_type=FaultFilter,
        order_type=FaultOrder,
    )
    commands: Connection[Command] = connection(
        CHARGE_POINT_COMMANDS,
        description="What it was asked to do in the last week, newest first unless told.",
        filter_type=CommandFilter,
        order_type=CommandOrder,
    )
    variables: Connection[ConfigurationVariable] = connection(
        CHARGE_POINT_VARIABLES,
        description="Its configuration variables, as it has told them.",
        filter_type=VariableFilter,
        order_type=VariableOrder,
    )
    firmware_statuses: Connection[FirmwareStatus] = connection(
        CHARGE_POINT_FIRMWARE,
        description="The steps of its firmware updates, newest first unless told.",
        filter_type=None,
        order_type=FirmwareStatusOrder,
    )
    planned_downtimes: Connection[PlannedDowntime] = connection(
        CHARGE_POINT_DOWNTIMES,
        description="When it is expected not to work, latest first unless told.",
        filter_type=PlannedDowntimeFilter,
        order_type=PlannedDowntimeOrder,
    )
    uptime: Uptime = uptime_of(OF_CHARGE_POINT, description="How long its EVSEs were up in a period.")
    priorities: list[Priority] = to_many(Priorities, "of_charge_points", description="The priority rules about it, oldest first.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    power_chart: PowerChart = chart(charts.power_of_charge_points, finest=ChartBucket.FIVE_MINUTES, description="Its power over time.")
    energy_chart: EnergyChart = chart(charts.energy_of_charge_points, description="The energy charged at it, over time.")
    utilisation_chart: UtilisationChart = chart(charts.utilisation_of_charge_points, description="How much its EVSEs were used, over time.")
    is_type_of = staticmethod(shows(domain.ChargePoint))
    resolve_references = staticmethod(references_to(domain.ChargePoint, natural_key="identity"))


@strawberry.type
class ChargePointQueries:
    charge_point: ChargePoint | None = by_id(domain.ChargePoint, description="One charge point; null when it does not exist.")
    charge_points: Connection[ChargePoint] = connection(
        CHARGE_POINTS,
        description="All charge points that are not retired, unless told.",
        filter_type=ChargePointFilter,
        order_type=ChargePointOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class ChargePointSubscriptions:
    charge_point_updated: AsyncIterator[ChargePoint] = scoped_subscription(
        subscriptions.charge_point_updated,
        Scope.FLEET_READ,
        description="Charge points as they connect, report a status or disconnect; of one depot or one charge point where named.",
    )
