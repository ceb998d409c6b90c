from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charge_points, depots, vehicles
from ampyard.domain import transactions as domain
from ampyard.domain.access import Scope
from ampyard.domain.charts import ChartBucket
from ampyard.domain.vehicle_groups import VehicleGroup
from ampyard.engine import computed
from ampyard.repositories import charts
from ampyard.repositories import transactions as repository
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.charging_limits import ChargingLimits
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.depots import Depots
from ampyard.repositories.transactions import MeterSamples, Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import subscriptions
from ampyard.resolvers.billing import billable, not_billable_because
from ampyard.resolvers.charging_profiles import measured_phases
from ampyard.resolvers.charts import chart
from ampyard.resolvers.corrections import effective_transaction
from ampyard.resolvers.edges import by_id, effective_priority, references_to, to_many, to_one
from ampyard.resolvers.energy_intervals import intervals
from ampyard.resolvers.energy_prices import transaction_cost
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.plans import planned_stay
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.resolvers.transactions import bounded_amount, stop_reason_kind
from ampyard.schema.allocations import Allocation, allocations_of
from ampyard.schema.anomalies import Anomaly
from ampyard.schema.charging_profiles import ChargingLimit
from ampyard.schema.charts import PowerChart
from ampyard.schema.corrections import Correction, EffectiveTransaction
from ampyard.schema.energy_intervals import EnergyInterval
from ampyard.schema.energy_prices import TransactionCost
from ampyard.schema.enums import (
    AuthorizationStatus,
    AuthorizedBy,
    ChargingState,
    IdTagKind,
    NotBillable,
    StopReason,
    TransactionState,
    VehicleResolution,
)
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.plans import PlannedStay, Prediction
from ampyard.schema.priorities import EffectivePriority

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint, Connector, Evse
    from ampyard.schema.depots import Depot
    from ampyard.schema.vehicles import Vehicle

TRANSACTIONS = Listing("transactions", Transactions, "STARTED_AT", default_descending=True)


@strawberry.enum(description="What transactions can be ordered by.")
class TransactionOrderField(Enum):
    STARTED_AT = "STARTED_AT"
    ENDED_AT = strawberry.enum_value("ENDED_AT", description="When they ended; those that run come after all others.")
    ENERGY = "ENERGY"
    COST = strawberry.enum_value("COST", description="What they cost; those whose cost is not known come after all others.")


@strawberry.input(description="The order of a list of transactions.")
class TransactionOrder:
    field: TransactionOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which transactions to list.")
class TransactionFilter:
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those in this depot.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="Only those on this charge point.")
    evse_id: strawberry.ID | None = strawberry.field(default=None, description="Only those on this EVSE.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this vehicle, as measured.")
    vehicle_group_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only those of vehicles that are in this group now."
    )
    id_tag: str | None = strawberry.field(default=None, description="Only those started with this id tag, in capitals or small letters.")
    state: TransactionState | None = strawberry.field(default=None, description="Only those that run, or that have ended.")
    charging_state: ChargingState | None = strawberry.field(default=None, description="Only those in this charging state.")
    stop_reason: StopReason | None = strawberry.field(default=None, description="Only those that ended for this reason.")
    authorized_by: AuthorizedBy | None = strawberry.field(default=None, description="Only those that this let begin.")
    started_from: datetime | None = strawberry.field(default=None, description="Only those started at this time or later.")
    started_to: datetime | None = strawberry.field(default=None, description="Only those started before this time.")
    ended_from: datetime | None = strawberry.field(default=None, description="Only those ended at this time or later.")
    ended_to: datetime | None = strawberry.field(default=None, description="Only those ended before this time.")
    energy_from_wh: float | None = strawberry.field(default=None, description="Only those with this energy or more, in Wh, as measured.")
    energy_to_wh: float | None = strawberry.field(default=None, description="Only those with less energy than this, in Wh, as measured.")
    cost_from: Decimal | None = strawberry.field(default=None, description="Only those that cost this or more, whatever the currency.")
    cost_to: Decimal | None = strawberry.field(default=None, description="Only those that cost less than this, whatever the currency.")
    anomalous: bool | None = strawberry.field(default=None, description="Only those with an anomaly nobody has resolved, or without.")
    billable: bool | None = strawberry.field(default=None, description="Only those that are billed, or that are not.")
    corrected: bool | None = strawberry.field(default=None, description="Only those with a correction that counts, or without.")

    def narrowing(self) -> repository.TransactionFilter:
        """Return the filter as the repository takes it."""
        return repository.TransactionFilter(
            depot_id=optional_id("filter.depotId", self.depot_id, depots.Depot),
            charge_point_id=optional_id("filter.chargePointId", self.charge_point_id, charge_points.ChargePoint),
            evse_id=optional_id("filter.evseId", self.evse_id, charge_points.Evse),
            vehicle_id=optional_id("filter.vehicleId", self.vehicle_id, vehicles.Vehicle),
            vehicle_group_id=optional_id("filter.vehicleGroupId", self.vehicle_group_id, VehicleGroup),
            id_tag=self.id_tag,
            state=self.state,
            charging_state=self.charging_state,
            stop_reason=self.stop_reason,
            authorized_by=self.authorized_by,
            started_from=self.started_from,
            started_to=self.started_to,
            ended_from=self.ended_from,
            ended_to=self.ended_to,
            energy_from_wh=self.energy_from_wh,
            energy_to_wh=self.energy_to_wh,
            cost_from=bounded_amount("filter.costFrom", self.cost_from),
            cost_to=bounded_amount("filter.costTo", self.cost_to),
            anomalous=self.anomalous,
            billable=self.billable,
            corrected=self.corrected,
        )


@strawberry.enum(description="What meter samples can be ordered by.")
class MeterSampleOrderField(Enum):
    SAMPLED_AT = "SAMPLED_AT"


@strawberry.input(description="The order of a list of meter samples.")
class MeterSampleOrder:
    field: MeterSampleOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which meter samples to list.")
class MeterSampleFilter:
    measurands: list[str] | None = strawberry.field(default=None, description="Only these measurands, spelled as OCPP does.")
    sampled_from: datetime | None = strawberry.field(default=None, description="Only those taken at this time or later.")
    sampled_to: datetime | None = strawberry.field(default=None, description="Only those taken before this time.")

    def narrowing(self) -> repository.MeterSampleFilter:
        """Return the filter as the repository takes it."""
        measurands = None if self.measurands is None else frozenset(self.measurands)
        return repository.MeterSampleFilter(measurands, self.sampled_from, self.sampled_to)


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="One measured value.")
class MeterSample(Node):
    sampled_at: datetime = strawberry.field(description="When it was measured, by the charge point's clock.")
    measurand: str = strawberry.field(description="What was measured, spelled as OCPP does.")
    value: float = strawberry.field(description="The value, in `unit`.")
    unit: str | None = strawberry.field(description="The unit; energy is in Wh and power in W whatever the charge point sent.")
    phase: str | None = strawberry.field(description="The phase; null for the total.")
    location: str | None = strawberry.field(description="Where it was measured; null for the outlet.")
    context: str | None = strawberry.field(description="Why it was measured, in OCPP's words.")
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        ChargePoints, "charge_point_id", description="The charge point that measured it; null where the caller's grants do not reach it."
    )
    evse: Annotated["Evse", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        Evses, "evse_id", description="The EVSE it was measured at; null where the caller's grants do not reach it."
    )
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = to_one(
        Transactions, "transaction_id", description="The transaction it belongs to, if any ran."
    )
    is_type_of = staticmethod(shows(domain.MeterSample))
    resolve_references = staticmethod(references_to(domain.MeterSample))


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="One charging process.")
class Transaction(Node):
    ocpp_transaction_id: str = strawberry.field(description="The id that it has between us and the charge point.")
    state: TransactionState = strawberry.field(description="Whether it still runs.")
    charging_state: ChargingState = strawberry.field(description="What vehicle and charge point are doing.")
    id_tag: str | None = strawberry.field(description="The id tag it was started with.")
    started_at: datetime = strawberry.field(description="When it began.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    meter_start_wh: float | None = strawberry.field(description="The meter register at its begin, in Wh.")
    meter_wh: float | None = strawberry.field(description="The meter register as last reported, in Wh.")
    energy_wh: float = strawberry.field(description="The energy delivered so far, in Wh: the difference of the registers.")
    power_kw: float = strawberry.field(description="The power last measured, in kW; 0 once it has ended.")
    soc_percent: float | None = strawberry.field(description="The state of charge last reported, in percent.")
    measured_at: datetime | None = strawberry.field(description="When power and register were last measured.")
    stop_reason: str | None = strawberry.field(description="Why it ended, in OCPP's words.")
    stop_reason_kind: StopReason | None = computed(
        stop_reason_kind,
        reads=["stop_reason"],
        description="Why it ended, typed; null while it runs, and for a word that no version of OCPP has.",
    )
    authorized_by: AuthorizedBy | None = strawberry.field(description="What let it begin; null where nothing has (yet).")
    authorization: AuthorizationStatus | None = strawberry.field(description="What became of its id tag; null where it has none.")
    authorized_at: datetime | None = strawberry.field(description="When it was let begin.")
    id_tag_kind: IdTagKind | None = strawberry.field(description="What kind of identification its id tag is, as far as it is known.")
    started_by: str | None = strawberry.field(description="Who asked for its start through this system; null where nobody did.")
    started_offline: bool = strawberry.field(description="Whether its charge point was off the line when it began.")
    begin_register_missing: bool = strawberry.field(
        description="Whether the register at its begin is not known, because its start was told late or never; the first one known counts."
    )
    vehicle_resolved_by: VehicleResolution | None = strawberry.field(description="How its vehicle became known.")
    vehicle_resolved_at: datetime | None = strawberry.field(description="When its vehicle became known.")
    reservation_id: int | None = strawberry.field(description="The reservation it used, by the charge point's number.")
    effective: EffectiveTransaction = effective_transaction(description="What counts of it: as measured, or as corrected.")
    corrections: list[Correction] = to_many(
        Corrections, "of_transactions", description="All its corrections, oldest first.", assumed_size=2
    )
    charging_limits: list[ChargingLimit] = to_many(
        ChargingLimits, "of_transactions", description="What others than power sharing have limited it to, oldest first.", assumed_size=2
    )
    measured_phases: list[int] = measured_phases()
    anomalies: list[Anomaly] = to_many(Anomalies, "of_transactions", description="All its anomalies, oldest first.", assumed_size=2)
    billable: bool = billable(description="Whether it is billed: all its anomalies are resolved, none as not billed.")
    not_billable_because: NotBillable | None = not_billable_because(description="Why it is not billed; null where it is.")
    cost: TransactionCost = transaction_cost(description="What it costs at the prices of its depot; of one that runs, until now.")
    energy_intervals: list[EnergyInterval] = intervals(description="When its energy flowed, as measured, by quarter-hour or hour in UTC.")
    priority: EffectivePriority = effective_priority(description="The priority that counts for it now.")
    prediction: Prediction | None = planned_stay(description="What becomes of it, by the newest plan that counts; null where none has it.")
    planned: PlannedStay | None = planned_stay(description="What that plan has of it, with what it will be short of.")
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="The depot it is in; null where the caller's grants do not reach it."
    )
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        ChargePoints, "charge_point_id", description="The charge point it is on; null where the caller's grants do not reach it."
    )
    evse: Annotated["Evse", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        Evses, "evse_id", description="The EVSE it is on; null where the caller's grants do not reach it."
    )
    connector: Annotated["Connector", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        Connectors, "connector_id", description="The connector it is on, if known and within the caller's reach."
    )
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle, if its id tag is known and it is within the caller's reach."
    )
    meter_samples: Connection[MeterSample] = connection(
        Listing("transaction.meterSamples", MeterSamples, "SAMPLED_AT", parent=MeterSamples.table.c.transaction_id),
        description="What was measured during it, oldest first unless told.",
        filter_type=MeterSampleFilter,
        order_type=MeterSampleOrder,
    )
    allocations: Connection[Allocation] = allocations_of(
        "transaction", "transaction_id", description="How much it got and why, newest first unless told."
    )
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    power_chart: PowerChart = chart(charts.power_of_transactions, finest=ChartBucket.FIVE_MINUTES, description="Its power over time.")
    is_type_of = staticmethod(shows(domain.Transaction))
    resolve_references = staticmethod(references_to(domain.Transaction))


@strawberry.type
class TransactionQueries:
    transaction: Transaction | None = by_id(domain.Transaction, description="One transaction; null when it does not exist.")
    transactions: Connection[Transaction] = connection(
        TRANSACTIONS,
        description="All transactions, newest first unless told.",
        filter_type=TransactionFilter,
        order_type=TransactionOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class TransactionSubscriptions:
    transaction_updated: AsyncIterator[Transaction] = scoped_subscription(
        subscriptions.transaction_updated,
        Scope.FLEET_READ,
        description="Transactions as they start, are measured, change and end; of one depot or one transaction where named.",
    )
