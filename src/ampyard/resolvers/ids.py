"""Opaque global ids: which type, and which of it (Relay, Global Object Identification)."""

import base64
import binascii
import uuid
from collections.abc import Iterable
from typing import Any

import strawberry
from asyncpg.pgproto.pgproto import UUID  # the driver's: a uuid.UUID, read from text seven times as fast

from ampyard.domain.access import Scope
from ampyard.domain.alerts import Alert, AlertChange, AlertRule
from ampyard.domain.allocation import Allocation
from ampyard.domain.anomalies import Anomaly
from ampyard.domain.api_keys import ApiKey
from ampyard.domain.assignments import Assignment
from ampyard.domain.audit import AuditRecord
from ampyard.domain.availability import AvailabilityInterval, PlannedDowntime
from ampyard.domain.blocks import Block
from ampyard.domain.charge_points import ChargePoint, Connector, Evse
from ampyard.domain.charging_limits import ChargingLimit
from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.commands import Command
from ampyard.domain.corrections import Correction
from ampyard.domain.depot_links import DepotLink, LinkMessage
from ampyard.domain.depots import Depot
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.faults import Fault
from ampyard.domain.firmware import FirmwareStatus
from ampyard.domain.grid_links import GridLink
from ampyard.domain.grid_messages import GridMessage
from ampyard.domain.grid_signals import GridSignal
from ampyard.domain.id_tags import IdTag
from ampyard.domain.impersonations import Impersonation
from ampyard.domain.job_runs import JobRun
from ampyard.domain.layouts import ChargePointTemplate
from ampyard.domain.notifications.channels import NotificationChannel, NotificationRoute
from ampyard.domain.notifications.deliveries import NotificationDelivery, NotificationItem
from ampyard.domain.parties import OcpiCredential, OcpiParty
from ampyard.domain.plans import DepotPlan, PlannedStay
from ampyard.domain.pricing import EnergyPrice
from ampyard.domain.priorities import Priority
from ampyard.domain.readiness_records import ReadinessRecord
from ampyard.domain.reports import Report
from ampyard.domain.reservations import Reservation
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.domain.state_of_charge import SocReading
from ampyard.domain.supply import LimitException, PowerNode
from ampyard.domain.tenants import Tenant, TenantUser
from ampyard.domain.transactions import MeterSample, Transaction
from ampyard.domain.unknown_identifications import UnknownIdentification
from ampyard.domain.users import RoleGrant, User
from ampyard.domain.variables import ConfigurationVariable
from ampyard.domain.vehicle_groups import VehicleGroup
from ampyard.domain.vehicles import Vehicle, VehicleType
from ampyard.repositories.access import ResourceGroups, RoleGrants, Users
from ampyard.repositories.alerts import AlertRules, Alerts
from ampyard.repositories.allocations import Allocations
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.api_keys import ApiKeyRecords
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.audit import AuditRecords
from ampyard.repositories.availability import AvailabilityIntervals, PlannedDowntimes
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.charging_limits import ChargingLimits
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.commands import Commands
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.depot_links import DepotLinks, LinkMessages
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.energy_prices import EnergyPrices
from ampyard.repositories.faults import Faults
from ampyard.repositories.firmware import FirmwareStatuses
from ampyard.repositories.grid_links import GridLinks, GridMessages
from ampyard.repositories.grid_signals import GridSignals
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.impersonations import Impersonations
from ampyard.repositories.job_runs import JobRuns
from ampyard.repositories.notifications import Channels, Deliveries
from ampyard.repositories.parties import OcpiCredentials, OcpiParties
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.readiness import ReadinessRecords
from ampyard.repositories.reports import Reports
from ampyard.repositories.repository import Repository
from ampyard.repositories.reservations import Reservations
from ampyard.repositories.states_of_charge import SocReadings
from ampyard.repositories.supply import LimitExceptions
from ampyard.repositories.templates import Templates
from ampyard.repositories.tenants import Tenants
from ampyard.repositories.transactions import MeterSamples, Transactions
from ampyard.repositories.unknown_identifications import UnknownIdentifications
from ampyard.repositories.variables import Variables
from ampyard.repositories.vehicle_groups import VehicleGroups
from ampyard.repositories.vehicles import Vehicles, VehicleTypes

# What has a global id and where it is found; and which scope shows each entity.
NODES: dict[type[Any], type[Repository[Any]]] = {
    Assignment: Assignments,
    Block: Blocks,
    ApiKey: ApiKeyRecords,
    AuditRecord: AuditRecords,
    AvailabilityInterval: AvailabilityIntervals,
    Alert: Alerts,
    AlertRule: AlertRules,
    Allocation: Allocations,
    Anomaly: Anomalies,
    ChargePoint: ChargePoints,
    ChargePointTemplate: Templates,
    ChargingRequest: ChargingRequests,
    ChargingLimit: ChargingLimits,
    Command: Commands,
    ConfigurationVariable: Variables,
    Connector: Connectors,
    Correction: Corrections,
    Depot: Depots,
    DepotLink: DepotLinks,
    LinkMessage: LinkMessages,
    EnergyPrice: EnergyPrices,
    Evse: Evses,
    IdTag: IdTags,
    Fault: Faults,
    FirmwareStatus: FirmwareStatuses,
    GridLink: GridLinks,
    GridMessage: GridMessages,
    GridSignal: GridSignals,
    Impersonation: Impersonations,
    JobRun: JobRuns,
    LimitException: LimitExceptions,
    MeterSample: MeterSamples,
    OcpiCredential: OcpiCredentials,
    OcpiParty: OcpiParties,
    PlannedDowntime: PlannedDowntimes,
    NotificationChannel: Channels,
    NotificationDelivery: Deliveries,
    PowerNode: PowerNodes,
    Priority: Priorities,
    ReadinessRecord: ReadinessRecords,
    Report: Reports,
    Reservation: Reservations,
    SocReading: SocReadings,
    Transaction: Transactions,
    UnknownIdentification: UnknownIdentifications,
    ResourceGroup: ResourceGroups,
    RoleGrant: RoleGrants,
    Tenant: Tenants,
    User: Users,
    Vehicle: Vehicles,
    VehicleGroup: VehicleGroups,
    VehicleType: VehicleTypes,
}
# Besides those, what has no global id.
_WITHOUT_ID = (DepotPlan, PlannedStay, AlertChange, NotificationItem, NotificationRoute)
SCOPES: dict[type[Any], Scope] = dict.fromkeys([*NODES, *_WITHOUT_ID], Scope.FLEET_READ) | {
    ApiKey: Scope.ACCESS_READ,
    AuditRecord: Scope.AUDIT_READ,
    Impersonation: Scope.ACCESS_READ,
    JobRun: Scope.JOBS_READ,
    OcpiCredential: Scope.SETTINGS_READ,
    OcpiParty: Scope.SETTINGS_READ,
    Report: Scope.REPORTS_READ,
    ResourceGroup: Scope.ACCESS_READ,
    RoleGrant: Scope.ACCESS_READ,
    Tenant: Scope.TENANTS_READ,
    TenantUser: Scope.TENANTS_READ,
    User: Scope.ACCESS_READ,
}
_BY_NAME = {entity.__name__: entity for entity in NODES}


def encode_id(entity: type[Any], entity_id: uuid.UUID) -> strawberry.ID:
    """Return the global id of an entity."""
    raw = f"{entity.__name__}:{entity_id}".encode()
    return strawberry.ID(base64.urlsafe_b64encode(raw).decode().rstrip("="))


def decode_any(argument: str, global_id: str) -> tuple[type[Any], uuid.UUID]:
    """Return the entity type and id behind a global id; `argument` names where it came from in the error.

    Raises:
        InvalidInputError: it is not a global id of this graph.
    """
    try:
        raw = base64.urlsafe_b64decode(global_id + "=" * (-len(global_id) % 4)).decode()
        name, _, identifier = raw.partition(":")
        return _BY_NAME[name], UUID(identifier)
    except (binascii.Error, ValueError, KeyError) as error:
        message = f"{argument}: {global_id[:80]!r} is not an id of this graph; give an `id` that it returned."
        raise InvalidInputError(message, argument.split(".")) from error


def decode_id(argument: str, global_id: str, entity: type[Any]) -> uuid.UUID:
    """Return the id behind a global id that must be of one type.

    Raises:
        InvalidInputError: it is not a global id, or of another type.
    """
    found, identifier = decode_any(argument, global_id)
    if found is not entity:
        message = f"{argument}: this is the id of a {found.__name__}, not of a {entity.__name__}."
        raise InvalidInputError(message, argument.split("."))
    return identifier


def decode_ids(argument: str, global_ids: Iterable[str], entity: type[Any]) -> list[uuid.UUID]:
    """Return `decode_id`'s answers, each error with its place in the list."""
    return [decode_id(f"{argument}.{n}", global_id, entity) for n, global_id in enumerate(global_ids)]


def optional_id(argument: str, global_id: str | None, entity: type[Any]) -> uuid.UUID | None:
    """Return `decode_id`'s answer, or `None` where no id is given."""
    return None if global_id is None else decode_id(argument, global_id, entity)


def entity_by_name(name: str) -> type[Repository[Any]]:
    """Return where the entities of a type are found."""
    return NODES[_BY_NAME[name]]
