"""The internal schema: a federation subgraph for the web app and other services. Each domain brings its part of the roots."""

import strawberry

from ampyard.domain.access import Scope
from ampyard.domain.errors import DomainError
from ampyard.engine import Subgraph
from ampyard.resolvers.edges import node_among
from ampyard.resolvers.ids import NODES
from ampyard.resolvers.scopes import scoped
from ampyard.schema.charge_points import ChargePoint, ChargePointQueries, ChargePointSubscriptions, Connector, Evse
from ampyard.schema.commands import Command, CommandMutations, CommandQueries
from ampyard.schema.depots import Depot, DepotQueries, DepotSubscriptions, PowerNode
from ampyard.schema.errors import ERRORS
from ampyard.schema.id_tags import IdTag, IdTagMutations, IdTagQueries
from ampyard.schema.node import Node
from ampyard.schema.priorities import Priority, PriorityMutations, PriorityQueries, PrioritySubscriptions
from ampyard.schema.reports import Report, ReportQueries
from ampyard.schema.scalars import CONFIG
from ampyard.schema.states_of_charge import SocReading
from ampyard.schema.transactions import MeterSample, Transaction, TransactionQueries, TransactionSubscriptions
from ampyard.schema.unknown_identifications import (
    UnknownIdentification,
    UnknownIdentificationMutations,
    UnknownIdentificationQueries,
    UnknownIdentificationSubscriptions,
)
from ampyard.schema.vehicle_changes import VehicleMutations
from ampyard.schema.vehicle_groups import VehicleGroup, VehicleGroupMutations, VehicleGroupQueries
from ampyard.schema.vehicle_types import VehicleType, VehicleTypeMutations, VehicleTypeQueries
from ampyard.schema.vehicles import Vehicle, VehicleQueries, VehicleSubscriptions


@strawberry.type(description="What can be read.")
class Query(
    DepotQueries,
    ChargePointQueries,
    VehicleQueries,
    VehicleTypeQueries,
    VehicleGroupQueries,
    IdTagQueries,
    UnknownIdentificationQueries,
    TransactionQueries,
    PriorityQueries,
    CommandQueries,
    ReportQueries,
):
    node: Node | None = scoped(node_among(NODES), Scope.FLEET_READ, description="Anything by its global id; null when it does not exist.")


@strawberry.type(description="What can be changed.")
class Mutation(
    VehicleMutations,
    VehicleTypeMutations,
    VehicleGroupMutations,
    IdTagMutations,
    UnknownIdentificationMutations,
    PriorityMutations,
    CommandMutations,
):
    pass


@strawberry.type(description="What can be watched as it happens.")
class Subscription(
    VehicleSubscriptions,
    UnknownIdentificationSubscriptions,
    PrioritySubscriptions,
    TransactionSubscriptions,
    ChargePointSubscriptions,
    DepotSubscriptions,
):
    pass


schema = Subgraph(
    Query,
    Mutation,
    Subscription,
    types=[
        IdTag,
        SocReading,
        UnknownIdentification,
        VehicleGroup,
        VehicleType,
        Depot,
        PowerNode,
        ChargePoint,
        Evse,
        Connector,
        Vehicle,
        Transaction,
        MeterSample,
        Priority,
        Command,
        Report,
        *ERRORS,
    ],
    public_errors=(DomainError,),
    batched=True,
    config=CONFIG,
)
