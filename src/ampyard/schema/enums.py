"""The domain's enumerations, registered as GraphQL enums with their descriptions. The schema imports them from here."""

import strawberry

from ampyard.domain.access import PrincipalKind, Role
from ampyard.domain.alerts import AlertChangeKind, AlertKind, AlertSeverity, AlertState
from ampyard.domain.allocation import BoundBy
from ampyard.domain.anomalies import AnomalyKind, NotBillable
from ampyard.domain.anomalies import Resolution as AnomalyResolution
from ampyard.domain.authorization import AuthorizedBy, VehicleResolution
from ampyard.domain.availability import Availability
from ampyard.domain.charge_points import ConnectorStatus, CurrentType, OcppVersion
from ampyard.domain.charging_limits import LimitOrigin
from ampyard.domain.charging_requests import PreconditioningKind
from ampyard.domain.charging_requests import RequestFlaw as ChargingRequestFlaw
from ampyard.domain.charging_requests import RequestSource as ChargingRequestSource
from ampyard.domain.charts import ChartBucket
from ampyard.domain.commands import CommandKind, CommandState
from ampyard.domain.depot_links import MessageDirection, PresystemKind
from ampyard.domain.energy import EnergyBucket
from ampyard.domain.equipment import PhaseRotation, SetPointKind
from ampyard.domain.faults import FaultSource
from ampyard.domain.grid_links import Circuit as GridCircuit
from ampyard.domain.grid_links import LinkKind as GridLinkKind
from ampyard.domain.grid_links import LinkState as GridLinkState
from ampyard.domain.grid_messages import MessageDirection as GridMessageDirection
from ampyard.domain.grid_signals import SignalKind as GridSignalKind
from ampyard.domain.grid_signals import SignalOrigin as GridSignalOrigin
from ampyard.domain.grid_signals import SignalState as GridSignalState
from ampyard.domain.id_tags import Authorization as AuthorizationStatus
from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.job_runs import JobRunState
from ampyard.domain.layouts import ConnectorFormat, ConnectorStandard, PowerType
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.local_time import Weekday
from ampyard.domain.notifications.channels import ChannelKind as NotificationChannelKind
from ampyard.domain.notifications.deliveries import DeliveryState as NotificationDeliveryState
from ampyard.domain.notifications.deliveries import NotedChange as NotifiedChange
from ampyard.domain.orders import ResetKind, TriggeredMessage
from ampyard.domain.planning import PlanStatus, RemedyKind, ShortfallCause
from ampyard.domain.plans import ArrivalSource, ChargeSource, DepartureSource
from ampyard.domain.power import Line
from ampyard.domain.pricing import CostUnknown
from ampyard.domain.priorities import PriorityLevel, PriorityOutcome, PriorityTarget
from ampyard.domain.readiness import Risk
from ampyard.domain.reports import ReportKind
from ampyard.domain.reservations import ReservationState
from ampyard.domain.schedule_checks import ScheduleVerdict
from ampyard.domain.settings import Language, UnknownTagPolicy
from ampyard.domain.state_of_charge import SocSource
from ampyard.domain.supply import LimitSource, PowerNodeKind, UnmanagedSource
from ampyard.domain.transactions import ChargingState, StopReason, TransactionState
from ampyard.domain.unknown_identifications import UnknownState
from ampyard.domain.vehicles import VehicleKind
from ampyard.repositories.depots import Archived

strawberry.enum(ChargingRequestSource, name="ChargingRequestSource", description="Who asks for a vehicle to be charged.")
strawberry.enum(ChargingRequestFlaw, name="ChargingRequestFlaw", description="What is wrong with a charging request.")
strawberry.enum(PreconditioningKind, name="PreconditioningKind", description="What a vehicle is prepared with, in the words of VDV 261.")
strawberry.enum(PresystemKind, name="PresystemKind", description="A depot management system, or an operations control system.")
strawberry.enum(MessageDirection, name="MessageDirection", description="Whether a message came in or went out.")
strawberry.enum(AlertChangeKind, name="AlertChangeKind", description="What happened to an alert.")
strawberry.enum(AlertKind, name="AlertKind", description="What an alert is about.")
strawberry.enum(BoundBy, name="BoundBy", description="What keeps an EVSE from more power than it gets.")
strawberry.enum(Line, name="Line", description="A live conductor of the supply.")
strawberry.enum(AlertSeverity, name="AlertSeverity", description="How serious an alert is.")
strawberry.enum(AlertState, name="AlertState", description="How far an alert has come.")
strawberry.enum(NotificationChannelKind, name="NotificationChannelKind", description="Which way people or systems are told of alerts.")
strawberry.enum(NotificationDeliveryState, name="NotificationDeliveryState", description="How far a delivery has come.")
strawberry.enum(NotifiedChange, name="NotifiedChange", description="What of an alert is told.")
strawberry.enum(ChartBucket, name="ChartBucket", description="How long the buckets of a chart are.")
strawberry.enum(Availability, name="Availability", description="Whether an EVSE can be used.")
strawberry.enum(ConnectorStatus, name="ConnectorStatus", description="The state of a connector or EVSE, in OCPP's words.")
strawberry.enum(CurrentType, name="CurrentType", description="Alternating or direct current.")
strawberry.enum(ConnectorStandard, name="ConnectorStandard", description="The standard of a plug, in OCPI's words.")
strawberry.enum(ConnectorFormat, name="ConnectorFormat", description="Whether a connector is a socket or a cable with a plug.")
strawberry.enum(PhaseRotation, name="PhaseRotation", description="Which lines (R, S, T) phases are connected to, in their order.")
strawberry.enum(SetPointKind, name="SetPointKind", description="Which limits a charger can regulate to: any, whole amperes, or some.")
strawberry.enum(LimitOrigin, name="LimitOrigin", description="Who limits a transaction from outside: a person, or a party by OCPI.")
strawberry.enum(ScheduleVerdict, name="ScheduleVerdict", description="Whether a charge point obeys what it was told.")
strawberry.enum(PowerType, name="PowerType", description="AC or DC and phases, in OCPI's words.")
strawberry.enum(FaultSource, name="FaultSource", description="How a charge point told that something is wrong.")
strawberry.enum(ResetKind, name="ResetKind", description="How a charge point starts anew: once its transactions have ended, or at once.")
strawberry.enum(TriggeredMessage, name="TriggeredMessage", description="What a charge point can be asked to send now.")
strawberry.enum(OcppVersion, name="OcppVersion", description="A version of the Open Charge Point Protocol.")
strawberry.enum(ChargePointState, name="ChargePointState", description="Where a charge point is in its life.")
strawberry.enum(CommandKind, name="CommandKind", description="What a charge point is asked to do.")
strawberry.enum(CommandState, name="CommandState", description="How far a command has come.")
strawberry.enum(Risk, name="Risk", description="Whether a vehicle will be ready for a run.")
strawberry.enum(Weekday, name="Weekday", description="A day of the week.")
strawberry.enum(LimitSource, name="LimitSource", description="Which of a power node's limits counts.")
strawberry.enum(GridCircuit, name="GridCircuit", description="Whether the other side of a grid link is called as planned.")
strawberry.enum(GridLinkKind, name="GridLinkKind", description="How a grid link speaks.")
strawberry.enum(GridLinkState, name="GridLinkState", description="Whether the other side of a grid link is heard.")
strawberry.enum(GridMessageDirection, name="GridMessageDirection", description="Who sent a message: the other side or we.")
strawberry.enum(GridSignalKind, name="GridSignalKind", description="What a signal from outside says, in OSCP's words.")
strawberry.enum(GridSignalOrigin, name="GridSignalOrigin", description="Where a signal from outside comes from.")
strawberry.enum(GridSignalState, name="GridSignalState", description="Where a signal from outside is in its life.")
strawberry.enum(UnmanagedSource, name="UnmanagedSource", description="Where the unmanaged load that counts comes from.")
strawberry.enum(Archived, name="Archived", description="Whether a list has what is archived in it.")
strawberry.enum(PowerNodeKind, name="PowerNodeKind", description="What a power node stands for.")
strawberry.enum(
    PriorityLevel, name="PriorityLevel", description="A class of power sharing: a higher one is served entirely before a lower one."
)
strawberry.enum(Language, name="Language", description="What people are written to in, by its code in ISO 639-1.")
strawberry.enum(UnknownTagPolicy, name="UnknownTagPolicy", description="What becomes of an id tag that nobody has told of.")
strawberry.enum(JobRunState, name="JobRunState", description="How far a background job has come.")
strawberry.enum(PrincipalKind, name="PrincipalKind", description="What kind of caller it is.")
strawberry.enum(Role, name="Role", description="A set of scopes that is granted to a user.")
strawberry.enum(ReservationState, name="ReservationState", description="How far a reservation has come.")
strawberry.enum(ReportKind, name="ReportKind", description="What a report is about.")
strawberry.enum(ChargingState, name="ChargingState", description="What the vehicle and the charge point are doing, in OCPP's words.")
strawberry.enum(TransactionState, name="TransactionState", description="Whether a transaction still runs.")
strawberry.enum(IdTagKind, name="IdTagKind", description="What kind of identification an id tag is.")
strawberry.enum(SocSource, name="SocSource", description="Who told the state of charge.")
strawberry.enum(
    PriorityTarget, name="PriorityTarget", description="What a priority is about, the most specific first: the order in which rules win."
)
strawberry.enum(PriorityOutcome, name="PriorityOutcome", description="What became of a rule when it was asked which one counts.")
strawberry.enum(UnknownState, name="UnknownIdentificationState", description="What has become of an identification that nobody knew.")
strawberry.enum(VehicleKind, name="VehicleKind", description="What kind of vehicle it is.")
strawberry.enum(AnomalyKind, name="AnomalyKind", description="What is odd about a transaction.")
strawberry.enum(AnomalyResolution, name="AnomalyResolution", description="What was decided on an anomaly.")
strawberry.enum(NotBillable, name="NotBillable", description="Why a transaction is not billed.")
strawberry.enum(CostUnknown, name="CostUnknown", description="Why it is not known what a transaction costs.")
strawberry.enum(AuthorizedBy, name="AuthorizedBy", description="What let a transaction begin.")
strawberry.enum(AuthorizationStatus, name="AuthorizationStatus", description="What became of an id tag, in OCPP's words.")
strawberry.enum(VehicleResolution, name="VehicleResolution", description="How the vehicle of a transaction became known.")
strawberry.enum(StopReason, name="StopReason", description="Why a transaction ended: OCPP's reasons, and two of our own.")
strawberry.enum(ArrivalSource, name="ArrivalSource", description="Where it is known from that a vehicle comes that is not plugged in yet.")
strawberry.enum(ChargeSource, name="ChargeSource", description="Where it is known from what is in a battery, from the best to the worst.")
strawberry.enum(DepartureSource, name="DepartureSource", description="Where it is known from when a vehicle leaves.")
strawberry.enum(PlanStatus, name="PlanStatus", description="How good a plan is.")
strawberry.enum(RemedyKind, name="RemedyKind", description="What would help a vehicle that will not be ready.")
strawberry.enum(ShortfallCause, name="ShortfallCause", description="What keeps a vehicle from being ready.")
strawberry.enum(EnergyBucket, name="EnergyBucket", description="How long an interval of energy is.")
strawberry.enum(Weekday, name="Weekday", description="A day of the week.")

__all__ = [
    "AlertChangeKind",
    "AlertKind",
    "AlertSeverity",
    "AlertState",
    "AnomalyKind",
    "AnomalyResolution",
    "Archived",
    "ArrivalSource",
    "AuthorizationStatus",
    "AuthorizedBy",
    "Availability",
    "BoundBy",
    "ChargePointState",
    "ChargeSource",
    "ChargingRequestFlaw",
    "ChargingRequestSource",
    "ChargingState",
    "ChartBucket",
    "CommandKind",
    "CommandState",
    "ConnectorFormat",
    "ConnectorStandard",
    "ConnectorStatus",
    "CostUnknown",
    "CurrentType",
    "DepartureSource",
    "EnergyBucket",
    "FaultSource",
    "GridCircuit",
    "GridLinkKind",
    "GridLinkState",
    "GridMessageDirection",
    "GridSignalKind",
    "GridSignalOrigin",
    "GridSignalState",
    "IdTagKind",
    "JobRunState",
    "Language",
    "LimitOrigin",
    "LimitSource",
    "Line",
    "MessageDirection",
    "NotBillable",
    "NotificationChannelKind",
    "NotificationDeliveryState",
    "NotifiedChange",
    "OcppVersion",
    "PhaseRotation",
    "PlanStatus",
    "PowerNodeKind",
    "PowerType",
    "PreconditioningKind",
    "PresystemKind",
    "PrincipalKind",
    "PriorityLevel",
    "PriorityOutcome",
    "PriorityTarget",
    "RemedyKind",
    "ReportKind",
    "ReservationState",
    "ResetKind",
    "Risk",
    "Role",
    "ScheduleVerdict",
    "SetPointKind",
    "ShortfallCause",
    "SocSource",
    "StopReason",
    "TransactionState",
    "TriggeredMessage",
    "UnknownState",
    "UnknownTagPolicy",
    "UnmanagedSource",
    "VehicleKind",
    "VehicleResolution",
    "Weekday",
]
