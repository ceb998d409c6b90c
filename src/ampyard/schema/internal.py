"""The internal schema: a federation subgraph for the web app and other services. Each domain brings its part of the roots."""

import strawberry

from ampyard.domain.access import Scope
from ampyard.domain.errors import DomainError
from ampyard.engine import Subgraph
from ampyard.resolvers.edges import node_among
from ampyard.resolvers.ids import NODES
from ampyard.resolvers.scopes import scoped
from ampyard.schema.alert_changes import AlertMutations
from ampyard.schema.alert_rules import AlertRule, AlertRuleMutations, AlertRuleQueries
from ampyard.schema.alerts import Alert, AlertQueries, AlertSubscriptions
from ampyard.schema.allocations import Allocation, AllocationSubscriptions
from ampyard.schema.anomalies import Anomaly, AnomalyMutations, AnomalyQueries, AnomalySubscriptions
from ampyard.schema.api_keys import ApiKey, ApiKeyMutations, ApiKeyQueries
from ampyard.schema.assignments import Assignment, AssignmentQueries
from ampyard.schema.audit import AuditQueries, AuditRecord
from ampyard.schema.availability import AvailabilityInterval, AvailabilityMutations, AvailabilityQueries, PlannedDowntime
from ampyard.schema.blocks import Block, BlockQueries
from ampyard.schema.charge_point_control import ChargePointControlMutations
from ampyard.schema.charge_point_setup import ChargePointMutations
from ampyard.schema.charge_points import ChargePoint, ChargePointQueries, ChargePointSubscriptions, Connector, Evse
from ampyard.schema.charging_profile_changes import ChargingProfileMutations
from ampyard.schema.charging_profiles import ChargingLimit
from ampyard.schema.charging_requests import (
    ChargingRequest,
    ChargingRequestMutations,
    ChargingRequestQueries,
    ChargingRequestSubscriptions,
)
from ampyard.schema.commands import Command, CommandMutations, CommandQueries, CommandSubscriptions
from ampyard.schema.corrections import Correction, CorrectionMutations, CorrectionQueries
from ampyard.schema.depot_links import DepotLink, DepotLinkMutations, DepotLinkQueries, LinkMessage
from ampyard.schema.depots import Depot, DepotMutations, DepotQueries, DepotSubscriptions
from ampyard.schema.dispatch import DispatchSubscriptions
from ampyard.schema.dispatch_changes import DispatchMutations
from ampyard.schema.energy_prices import EnergyPrice, EnergyPriceMutations, EnergyPriceQueries
from ampyard.schema.errors import ERRORS
from ampyard.schema.faults import Fault, FaultQueries, FaultSubscriptions
from ampyard.schema.grid_links import GridLink, GridLinkMutations, GridLinkQueries, GridMessage
from ampyard.schema.grid_signals import GridSignal, GridSignalMutations, GridSignalQueries
from ampyard.schema.health import HealthQueries
from ampyard.schema.id_tags import IdTag, IdTagMutations, IdTagQueries
from ampyard.schema.job_runs import JobRun, JobRunMutations, JobRunQueries, JobRunSubscriptions
from ampyard.schema.node import Node
from ampyard.schema.notification_changes import NotificationMutations
from ampyard.schema.notifications import NotificationChannel, NotificationDelivery, NotificationQueries, NotificationSubscriptions
from ampyard.schema.parties import OcpiCredential, OcpiParty, PartyMutations, PartyQueries
from ampyard.schema.plans import PlanSubscriptions
from ampyard.schema.priorities import Priority, PriorityMutations, PriorityQueries, PrioritySubscriptions
from ampyard.schema.readiness import ReadinessQueries, ReadinessRecord, ReadinessSubscriptions
from ampyard.schema.reports import Report, ReportQueries
from ampyard.schema.reservations import Reservation, ReservationMutations, ReservationQueries, ReservationSubscriptions
from ampyard.schema.resource_groups import ResourceGroup, ResourceGroupMutations, ResourceGroupQueries
from ampyard.schema.scalars import CONFIG
from ampyard.schema.settings import SettingsMutations, SettingsQueries
from ampyard.schema.states_of_charge import SocReading
from ampyard.schema.supply import LimitException, PowerNode, SupplyQueries
from ampyard.schema.supply_changes import SupplyMutations
from ampyard.schema.templates import ChargePointTemplate, TemplateMutations, TemplateQueries
from ampyard.schema.tenants import Impersonation, Tenant, TenantMutations, TenantQueries
from ampyard.schema.transactions import MeterSample, Transaction, TransactionQueries, TransactionSubscriptions
from ampyard.schema.unknown_identifications import (
    UnknownIdentification,
    UnknownIdentificationMutations,
    UnknownIdentificationQueries,
    UnknownIdentificationSubscriptions,
)
from ampyard.schema.users import RoleGrant, User, UserMutations, UserQueries
from ampyard.schema.variables import ConfigurationVariable, FirmwareStatus
from ampyard.schema.vehicle_changes import VehicleMutations
from ampyard.schema.vehicle_groups import VehicleGroup, VehicleGroupMutations, VehicleGroupQueries
from ampyard.schema.vehicle_types import VehicleType, VehicleTypeMutations, VehicleTypeQueries
from ampyard.schema.vehicles import Vehicle, VehicleQueries, VehicleSubscriptions
from ampyard.schema.viewer import ViewerQueries
from ampyard.schema.what_if import WhatIfQueries


@strawberry.type(description="What can be read.")
class Query(
    DepotQueries,
    SupplyQueries,
    GridSignalQueries,
    GridLinkQueries,
    ChargePointQueries,
    FaultQueries,
    AvailabilityQueries,
    TemplateQueries,
    VehicleQueries,
    VehicleTypeQueries,
    VehicleGroupQueries,
    IdTagQueries,
    UnknownIdentificationQueries,
    TransactionQueries,
    AnomalyQueries,
    CorrectionQueries,
    EnergyPriceQueries,
    PriorityQueries,
    CommandQueries,
    ReservationQueries,
    ReportQueries,
    AlertQueries,
    AlertRuleQueries,
    NotificationQueries,
    BlockQueries,
    AssignmentQueries,
    ReadinessQueries,
    ChargingRequestQueries,
    DepotLinkQueries,
    WhatIfQueries,
    ViewerQueries,
    UserQueries,
    ResourceGroupQueries,
    ApiKeyQueries,
    PartyQueries,
    SettingsQueries,
    AuditQueries,
    JobRunQueries,
    HealthQueries,
    TenantQueries,
):
    node: Node | None = scoped(node_among(NODES), Scope.FLEET_READ, description="Anything by its global id; null when it does not exist.")


@strawberry.type(description="What can be changed.")
class Mutation(
    VehicleMutations,
    VehicleTypeMutations,
    VehicleGroupMutations,
    IdTagMutations,
    UnknownIdentificationMutations,
    DepotMutations,
    SupplyMutations,
    GridSignalMutations,
    GridLinkMutations,
    PriorityMutations,
    AnomalyMutations,
    CorrectionMutations,
    EnergyPriceMutations,
    CommandMutations,
    ReservationMutations,
    ChargingProfileMutations,
    AlertMutations,
    AlertRuleMutations,
    NotificationMutations,
    DispatchMutations,
    ChargingRequestMutations,
    DepotLinkMutations,
    UserMutations,
    ResourceGroupMutations,
    ApiKeyMutations,
    PartyMutations,
    SettingsMutations,
    JobRunMutations,
    TenantMutations,
    ChargePointMutations,
    ChargePointControlMutations,
    TemplateMutations,
    AvailabilityMutations,
):
    pass


@strawberry.type(description="What can be watched as it happens.")
class Subscription(
    VehicleSubscriptions,
    UnknownIdentificationSubscriptions,
    PrioritySubscriptions,
    TransactionSubscriptions,
    AnomalySubscriptions,
    AlertSubscriptions,
    AllocationSubscriptions,
    NotificationSubscriptions,
    ChargePointSubscriptions,
    FaultSubscriptions,
    CommandSubscriptions,
    ReservationSubscriptions,
    DepotSubscriptions,
    DispatchSubscriptions,
    ReadinessSubscriptions,
    ChargingRequestSubscriptions,
    PlanSubscriptions,
    JobRunSubscriptions,
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
        AvailabilityInterval,
        ChargePointTemplate,
        ConfigurationVariable,
        Fault,
        FirmwareStatus,
        PlannedDowntime,
        GridLink,
        GridMessage,
        GridSignal,
        LimitException,
        ChargePoint,
        Evse,
        Connector,
        Vehicle,
        Transaction,
        MeterSample,
        Anomaly,
        ChargingLimit,
        Correction,
        EnergyPrice,
        Priority,
        Command,
        Reservation,
        Report,
        Alert,
        AlertRule,
        Allocation,
        NotificationChannel,
        NotificationDelivery,
        Block,
        Assignment,
        ReadinessRecord,
        ChargingRequest,
        DepotLink,
        LinkMessage,
        User,
        RoleGrant,
        ResourceGroup,
        ApiKey,
        OcpiParty,
        OcpiCredential,
        AuditRecord,
        JobRun,
        Tenant,
        Impersonation,
        *ERRORS,
    ],
    public_errors=(DomainError,),
    batched=True,
    config=CONFIG,
)
