"""The domain's enumerations, registered as GraphQL enums with their descriptions. The schema imports them from here."""

import strawberry

from ampyard.domain.charge_points import ConnectorStatus, CurrentType, OcppVersion
from ampyard.domain.charts import ChartBucket
from ampyard.domain.commands import CommandKind, CommandState
from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.local_time import Weekday
from ampyard.domain.priorities import PriorityLevel, PriorityOutcome, PriorityTarget
from ampyard.domain.reports import ReportKind
from ampyard.domain.state_of_charge import SocSource
from ampyard.domain.supply import PowerNodeKind
from ampyard.domain.transactions import ChargingState, TransactionState
from ampyard.domain.unknown_identifications import UnknownState
from ampyard.domain.vehicles import VehicleKind

strawberry.enum(ChartBucket, name="ChartBucket", description="How long the buckets of a chart are.")
strawberry.enum(ConnectorStatus, name="ConnectorStatus", description="The state of a connector or EVSE, in OCPP's words.")
strawberry.enum(CurrentType, name="CurrentType", description="Alternating or direct current.")
strawberry.enum(OcppVersion, name="OcppVersion", description="A version of the Open Charge Point Protocol.")
strawberry.enum(ChargePointState, name="ChargePointState", description="Where a charge point is in its life.")
strawberry.enum(CommandKind, name="CommandKind", description="What a charge point is asked to do.")
strawberry.enum(CommandState, name="CommandState", description="How far a command has come.")
strawberry.enum(PowerNodeKind, name="PowerNodeKind", description="What a power node stands for.")
strawberry.enum(
    PriorityLevel, name="PriorityLevel", description="A class of power sharing: a higher one is served entirely before a lower one."
)
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
strawberry.enum(Weekday, name="Weekday", description="A day of the week.")
strawberry.enum(VehicleKind, name="VehicleKind", description="What kind of vehicle it is.")

__all__ = [
    "ChargePointState",
    "ChargingState",
    "ChartBucket",
    "CommandKind",
    "CommandState",
    "ConnectorStatus",
    "CurrentType",
    "IdTagKind",
    "OcppVersion",
    "PowerNodeKind",
    "PriorityLevel",
    "PriorityOutcome",
    "PriorityTarget",
    "ReportKind",
    "SocSource",
    "TransactionState",
    "UnknownState",
    "VehicleKind",
    "Weekday",
]
