"""The internal schema: a federation subgraph for the web app and the operator's other services."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charge_points, depots, priorities, reports, transactions, vehicles
from ampyard.domain.access import Scope
from ampyard.domain.errors import DomainError
from ampyard.engine import Delivery, Subgraph
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.resolvers import mutations, subscriptions
from ampyard.resolvers.context import Info
from ampyard.resolvers.edges import by_id, node_among, to_many, to_one
from ampyard.resolvers.ids import NODES
from ampyard.resolvers.mutations import PriorityChange
from ampyard.resolvers.scopes import scoped, scoped_mutation, scoped_subscription
from ampyard.schema.charge_points import CHARGE_POINTS, ChargePoint, ChargePointFilter, ChargePointOrder, Connector, Evse
from ampyard.schema.commands import RemoteCommandPayload, StartTransactionInput, StopTransactionInput
from ampyard.schema.depots import DEPOTS, Depot, DepotOrder, PowerNode
from ampyard.schema.enums import PriorityLevel
from ampyard.schema.node import Node
from ampyard.schema.paging import Connection, connection
from ampyard.schema.priorities import PRIORITIES, Priority, PriorityFilter, PriorityOrder
from ampyard.schema.reports import REPORTS, Report, ReportOrder
from ampyard.schema.scalars import CONFIG
from ampyard.schema.transactions import TRANSACTIONS, MeterSample, Transaction, TransactionFilter, TransactionOrder
from ampyard.schema.vehicles import VEHICLES, Vehicle, VehicleFilter, VehicleOrder


@strawberry.type(description="What can be read.")
class Query:
    node: Node | None = scoped(node_among(NODES), Scope.FLEET_READ, description="Anything by its global id; null when it does not exist.")
    depot: Depot | None = by_id(depots.Depot, description="One depot; null when it does not exist.")
    charge_point: ChargePoint | None = by_id(charge_points.ChargePoint, description="One charge point; null when it does not exist.")
    vehicle: Vehicle | None = by_id(vehicles.Vehicle, description="One vehicle; null when it does not exist.")
    transaction: Transaction | None = by_id(transactions.Transaction, description="One transaction; null when it does not exist.")
    priority: Priority | None = by_id(priorities.Priority, description="One priority rule; null when it does not exist.")
    report: Report | None = by_id(reports.Report, description="One report; null when it does not exist.")
    depots: Connection[Depot] = connection(
        DEPOTS, description="All depots.", filter_type=None, order_type=DepotOrder, scope=Scope.FLEET_READ
    )
    charge_points: Connection[ChargePoint] = connection(
        CHARGE_POINTS,
        description="All charge points.",
        filter_type=ChargePointFilter,
        order_type=ChargePointOrder,
        scope=Scope.FLEET_READ,
    )
    vehicles: Connection[Vehicle] = connection(
        VEHICLES, description="All vehicles.", filter_type=VehicleFilter, order_type=VehicleOrder, scope=Scope.FLEET_READ
    )
    transactions: Connection[Transaction] = connection(
        TRANSACTIONS,
        description="All transactions, newest first unless told.",
        filter_type=TransactionFilter,
        order_type=TransactionOrder,
        scope=Scope.FLEET_READ,
    )
    priorities: Connection[Priority] = connection(
        PRIORITIES,
        description="All priority rules, newest first unless told.",
        filter_type=PriorityFilter,
        order_type=PriorityOrder,
        scope=Scope.FLEET_READ,
    )
    reports: Connection[Report] = connection(
        REPORTS,
        description="All reports, newest first unless told.",
        filter_type=None,
        order_type=ReportOrder,
        scope=Scope.REPORTS_READ,
    )


@strawberry.input(description="A priority for exactly one vehicle, charge point or transaction.")
class SetPriorityInput:
    level: PriorityLevel = strawberry.field(description="The class to put it in.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle it is about.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="The charge point it is about.")
    transaction_id: strawberry.ID | None = strawberry.field(default=None, description="The transaction it is about.")
    reason: str | None = strawberry.field(default=None, description="Why; 500 characters at most.")
    valid_from: datetime | None = strawberry.field(default=None, description="From when it counts; now unless told.")
    valid_until: datetime | None = strawberry.field(default=None, description="Until when it counts; open unless told.")


@strawberry.input(description="End a priority rule.")
class ClearPriorityInput:
    priority_id: strawberry.ID = strawberry.field(description="The rule to end.")


@strawberry.federation.type(directives=[Authenticated()], description="A priority rule that was set or cleared.")
class PriorityPayload:
    priority: Priority = strawberry.field(description="The rule as it now is.")


_INPUT = strawberry.argument(description="What is wanted.")


async def _set_priority(info: Info, input: Annotated[SetPriorityInput, _INPUT]) -> Any:  # noqa: A002  # Relay names the argument so
    return PriorityChange(await mutations.set_priority(info.context, **vars(input)))


async def _clear_priority(info: Info, input: Annotated[ClearPriorityInput, _INPUT]) -> Any:  # noqa: A002  # Relay names the argument so
    return PriorityChange(await mutations.clear_priority(info.context, input.priority_id))


async def _start_transaction(info: Info, input: Annotated[StartTransactionInput, _INPUT]) -> Any:  # noqa: A002  # Relay names the argument so
    return await mutations.start_transaction(info.context, **vars(input))


async def _stop_transaction(info: Info, input: Annotated[StopTransactionInput, _INPUT]) -> Any:  # noqa: A002  # Relay names the argument so
    return await mutations.stop_transaction(info.context, input.transaction_id)


@strawberry.type(description="What can be changed.")
class Mutation:
    set_priority: PriorityPayload = scoped_mutation(
        _set_priority, Scope.PRIORITIES_WRITE, description="Set a priority; power is shared anew at once."
    )
    clear_priority: PriorityPayload = scoped_mutation(
        _clear_priority, Scope.PRIORITIES_WRITE, description="End a priority rule; power is shared anew at once."
    )
    start_transaction: RemoteCommandPayload = scoped_mutation(
        _start_transaction,
        Scope.TRANSACTIONS_CONTROL,
        description="Ask a charge point to start a transaction, and wait for its answer.",
    )
    stop_transaction: RemoteCommandPayload = scoped_mutation(
        _stop_transaction,
        Scope.TRANSACTIONS_CONTROL,
        description="Ask a charge point to stop a transaction, and wait for its answer.",
    )


@strawberry.federation.type(directives=[Authenticated()], description="A depot's power at a moment.")
class DepotPower:
    at: datetime = strawberry.field(description="When it was so.")
    depot: Depot = to_one(Depots, "depot_id", description="The depot.")
    nodes: list[PowerNode] = to_many(
        PowerNodes, "of_depots", key="depot_id", assumed_size=30, description="Its power nodes, with limit and measured power."
    )


@strawberry.type(description="What can be watched as it happens.")
class Subscription:
    transaction_updated: AsyncIterator[Transaction] = scoped_subscription(
        subscriptions.transaction_updated,
        Scope.FLEET_READ,
        description="Transactions as they start, are measured, change and end; of one depot or one transaction where named.",
    )
    charge_point_updated: AsyncIterator[ChargePoint] = scoped_subscription(
        subscriptions.charge_point_updated,
        Scope.FLEET_READ,
        description="Charge points as they connect, report a status or disconnect; of one depot or one charge point where named.",
    )
    depot_power: AsyncIterator[DepotPower] = scoped_subscription(
        subscriptions.depot_power,
        Scope.FLEET_READ,
        delivery=Delivery.GAUGE,
        description="A depot's power: at once, and then after each step of power sharing.",
    )


schema = Subgraph(
    Query,
    Mutation,
    Subscription,
    types=[Depot, PowerNode, ChargePoint, Evse, Connector, Vehicle, Transaction, MeterSample, Priority, Report],
    public_errors=(DomainError,),
    batched=True,
    config=CONFIG,
)
