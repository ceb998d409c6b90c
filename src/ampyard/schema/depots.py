from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import depots as domain
from ampyard.domain import supply
from ampyard.domain.access import Scope
from ampyard.domain.charts import ChartBucket
from ampyard.engine import Delivery, edge
from ampyard.repositories import charts
from ampyard.repositories.charge_points import NOT_RETIRED, ChargePoints
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.reports import Reports
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import subscriptions
from ampyard.resolvers.charts import chart
from ampyard.resolvers.edges import by_id, plan_node_power, references_to, to_many, to_one
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.charge_points import ChargePoint, ChargePointFilter, ChargePointOrder
from ampyard.schema.charts import EnergyChart, NodePowerChart, ReadinessChart, UtilisationChart
from ampyard.schema.enums import PowerNodeKind
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.reports import Report, ReportOrder
from ampyard.schema.transactions import Transaction, TransactionFilter, TransactionOrder
from ampyard.schema.vehicles import Vehicle, VehicleFilter, VehicleOrder

DEPOTS = Listing("depots", Depots, "NAME")


@strawberry.enum(description="What depots can be ordered by.")
class DepotOrderField(Enum):
    NAME = "NAME"
    UPDATED_AT = "UPDATED_AT"


@strawberry.input(description="The order of a list of depots.")
class DepotOrder:
    field: DepotOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.federation.type(directives=[Authenticated()], description="What flows through a power node now.")
class NodePower:
    measured_kw: float = strawberry.field(
        description="The sum of the latest power measured by the open transactions below the node, in kW."
    )
    allocated_kw: float = strawberry.field(description="The sum of the limits their charge points have confirmed, in kW.")
    measured_at: datetime | None = strawberry.field(description="When the newest of these measurements was taken.")


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A node of a depot's supply tree: grid connection, feeder or panel."
)
class PowerNode(Node):
    kind: PowerNodeKind = strawberry.field(description="What the node stands for.")
    name: str = strawberry.field(description="Its name.")
    limit_kw: float = strawberry.field(description="What may flow through it at most, in kW.")
    power: NodePower = edge(plan_node_power, key="id", description="What flows through it now.")
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] = to_one(Depots, "depot_id", description="Its depot.")
    parent: Annotated["PowerNode", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        PowerNodes, "parent_id", description="The node that supplies it; none at the root."
    )
    children: list[Annotated["PowerNode", strawberry.lazy("ampyard.schema.depots")]] = to_many(
        PowerNodes, "children_of", description="The nodes it supplies."
    )
    charge_points: Connection[ChargePoint] = connection(
        Listing(
            "powerNode.chargePoints",
            ChargePoints,
            "IDENTITY",
            parent=ChargePoints.table.c.power_node_id,
            unless_told=NOT_RETIRED,
        ),
        description="The charge points that hang on it directly.",
        filter_type=ChargePointFilter,
        order_type=ChargePointOrder,
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    power_chart: NodePowerChart = chart(charts.power_of_nodes, finest=ChartBucket.FIVE_MINUTES, description="Its load over time.")
    is_type_of = staticmethod(shows(supply.PowerNode))
    resolve_references = staticmethod(references_to(supply.PowerNode))


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A site where vehicles are charged.")
class Depot(Node):
    name: str = strawberry.field(description="Its name, unique in the tenant.")
    time_zone: str = strawberry.field(description="Its time zone (IANA name).")
    address: str = strawberry.field(description="Street and number.")
    postal_code: str = strawberry.field(description="Postal code.")
    city: str = strawberry.field(description="City.")
    country_code: str = strawberry.field(description="Country, ISO 3166-1 alpha-3.")
    latitude: float = strawberry.field(description="Latitude in degrees (WGS 84).")
    longitude: float = strawberry.field(description="Longitude in degrees (WGS 84).")
    power_nodes: list[PowerNode] = to_many(PowerNodes, "of_depots", assumed_size=30, description="All nodes of its supply tree, by name.")
    charge_points: Connection[ChargePoint] = connection(
        Listing("depot.chargePoints", ChargePoints, "IDENTITY", parent=ChargePoints.table.c.depot_id, unless_told=NOT_RETIRED),
        description="Its charge points.",
        filter_type=ChargePointFilter,
        order_type=ChargePointOrder,
    )
    vehicles: Connection[Vehicle] = connection(
        Listing("depot.vehicles", Vehicles, "NAME", parent=Vehicles.table.c.depot_id),
        description="The vehicles at home here.",
        filter_type=VehicleFilter,
        order_type=VehicleOrder,
    )
    transactions: Connection[Transaction] = connection(
        Listing("depot.transactions", Transactions, "STARTED_AT", default_descending=True, parent=Transactions.table.c.depot_id),
        description="The transactions at its charge points, newest first unless told.",
        filter_type=TransactionFilter,
        order_type=TransactionOrder,
    )
    reports: Connection[Report] = connection(
        Listing("depot.reports", Reports, "DAY", default_descending=True, parent=Reports.table.c.depot_id),
        description="The reports about it, newest first unless told.",
        filter_type=None,
        order_type=ReportOrder,
        scope=Scope.REPORTS_READ,
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    power_chart: NodePowerChart = chart(
        charts.power_of_depots,
        finest=ChartBucket.FIVE_MINUTES,
        description="The load of the node that supplies all of it, over time.",
    )
    energy_chart: EnergyChart = chart(charts.energy_of_depots, description="The energy charged here, over time.")
    utilisation_chart: UtilisationChart = chart(charts.utilisation_of_depots, description="How much its EVSEs were used, over time.")
    readiness_chart: ReadinessChart = chart(
        charts.readiness_of_depots, description="For how many of its departures the vehicle was ready, over time."
    )
    is_type_of = staticmethod(shows(domain.Depot))
    resolve_references = staticmethod(references_to(domain.Depot))


@strawberry.federation.type(directives=[Authenticated()], description="A depot's power at a moment.")
class DepotPower:
    at: datetime = strawberry.field(description="When it was so.")
    depot: Depot = to_one(Depots, "depot_id", description="The depot.")
    nodes: list[PowerNode] = to_many(
        PowerNodes, "of_depots", key="depot_id", assumed_size=30, description="Its power nodes, with limit and measured power."
    )


@strawberry.type
class DepotQueries:
    depot: Depot | None = by_id(domain.Depot, description="One depot; null when it does not exist.")
    depots: Connection[Depot] = connection(
        DEPOTS, description="All depots.", filter_type=None, order_type=DepotOrder, scope=Scope.FLEET_READ
    )


@strawberry.type
class DepotSubscriptions:
    depot_power: AsyncIterator[DepotPower] = scoped_subscription(
        subscriptions.depot_power,
        Scope.FLEET_READ,
        delivery=Delivery.GAUGE,
        description="A depot's power: at once, and then after each step of power sharing.",
    )
