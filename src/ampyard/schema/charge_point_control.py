"""Orders to charge points. Each waits for the charge point's answer, which is the outcome of the command it gives."""

from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.domain.variables import VariableName
from ampyard.resolvers import charge_point_control as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.schema.commands import Command
from ampyard.schema.enums import ResetKind, TriggeredMessage
from ampyard.schema.errors import Change, Payload


@strawberry.input(description="Which variable of a charge point is meant.")
class VariableInput:
    variable: str = strawberry.field(description="Its name; in OCPP 1.6 a configuration key, such as HeartbeatInterval.")
    component: str = strawberry.field(default="", description="Its component, such as OCPPCommCtrlr; empty in OCPP 1.6.")
    component_instance: str = strawberry.field(default="", description="Which of several such components.")
    evse_number: int = strawberry.field(default=0, description="The EVSE its component is of; 0: the whole charge point.")
    connector_number: int = strawberry.field(default=0, description="The connector its component is of; 0: none.")
    variable_instance: str = strawberry.field(default="", description="Which of several such variables.")

    def name(self) -> VariableName:
        """Return it as the domain has it."""
        return VariableName(
            component=self.component,
            variable=self.variable,
            component_instance=self.component_instance,
            evse_no=self.evse_number,
            connector_no=self.connector_number,
            variable_instance=self.variable_instance,
        )


@strawberry.input(description="Have a charge point start anew.")
class ResetChargePointInput(Change):
    charge_point_id: strawberry.ID = strawberry.field(description="The charge point.")
    kind: ResetKind = strawberry.field(description="SOFT: once its transactions have ended or were stopped. HARD: at once.")
    evse_id: strawberry.ID | None = strawberry.field(default=None, description="One EVSE alone; not in OCPP 1.6.")


@strawberry.input(description="Have a charge point take vehicles, or take none.")
class ChangeAvailabilityInput(Change):
    charge_point_id: strawberry.ID = strawberry.field(description="The charge point.")
    operative: bool = strawberry.field(description="Whether it is to take vehicles. A transaction that runs goes on first.")
    evse_id: strawberry.ID | None = strawberry.field(default=None, description="One EVSE alone.")


@strawberry.input(description="Have a plug let go.")
class UnlockConnectorInput(Change):
    connector_id: strawberry.ID = strawberry.field(description="The connector.")


@strawberry.input(description="Have a charge point tell its configuration variables anew.")
class RefreshConfigurationInput(Change):
    charge_point_id: strawberry.ID = strawberry.field(description="The charge point.")
    variables: list[VariableInput] = strawberry.field(default_factory=list, description="These alone, 50 at most; all unless told.")


@strawberry.input(description="Have a charge point change a configuration variable.")
class SetVariableInput(Change):
    charge_point_id: strawberry.ID = strawberry.field(description="The charge point.")
    variable: VariableInput = strawberry.field(description="Which; not the one that holds its password.")
    value: str = strawberry.field(description="The value, as text; 1000 characters at most, 500 in OCPP 1.6.")


@strawberry.input(description="Have a charge point fetch firmware and install it.")
class UpdateFirmwareInput(Change):
    charge_point_id: strawberry.ID = strawberry.field(description="The charge point.")
    location: str = strawberry.field(description="Where it is: an address with https, http, ftps, ftp or sftp.")
    retrieve_at: datetime | None = strawberry.field(default=None, description="When it is to be fetched; now unless told.")
    retries: int | None = strawberry.field(default=None, description="How often to try again, 10 at most.")


@strawberry.input(description="Have a charge point send a message now.")
class TriggerMessageInput(Change):
    charge_point_id: strawberry.ID = strawberry.field(description="The charge point.")
    message: TriggeredMessage = strawberry.field(description="The message.")
    evse_id: strawberry.ID | None = strawberry.field(default=None, description="Of one EVSE alone.")


@strawberry.federation.type(directives=[Authenticated()], description="A command, and how it ended.")
class CommandPayload(Payload):
    command: Command | None = strawberry.field(
        description="The command with the charge point's answer as its outcome; null where it was refused before it was given."
    )


@strawberry.type
class ChargePointControlMutations:
    reset_charge_point: CommandPayload = mutation(
        CommandPayload,
        resolvers.reset_charge_point,
        ResetChargePointInput,
        Scope.CHARGE_POINTS_CONTROL,
        description="Have a charge point start anew, and wait for its answer.",
    )
    change_availability: CommandPayload = mutation(
        CommandPayload,
        resolvers.change_availability,
        ChangeAvailabilityInput,
        Scope.CHARGE_POINTS_CONTROL,
        description="Have a charge point take vehicles, or take none, and wait for its answer.",
    )
    unlock_connector: CommandPayload = mutation(
        CommandPayload,
        resolvers.unlock_connector,
        UnlockConnectorInput,
        Scope.CHARGE_POINTS_CONTROL,
        description="Have a plug let go, and wait for the charge point's answer.",
    )
    refresh_configuration: CommandPayload = mutation(
        CommandPayload,
        resolvers.refresh_configuration,
        RefreshConfigurationInput,
        Scope.CHARGE_POINTS_CONTROL,
        description="Have a charge point tell its variables anew. In OCPP 2.0.1 all of them come after its answer, part by part.",
    )
    set_variable: CommandPayload = mutation(
        CommandPayload,
        resolvers.set_variable,
        SetVariableInput,
        Scope.CHARGE_POINTS_CONTROL,
        description="Have a charge point change a variable. Outcomes: Accepted, RebootRequired, Rejected, NotSupported or what is unknown.",
    )
    update_firmware: CommandPayload = mutation(
        CommandPayload,
        resolvers.update_firmware,
        UpdateFirmwareInput,
        Scope.CHARGE_POINTS_CONTROL,
        description="Have a charge point fetch and install firmware; its steps are listed in firmwareStatuses.",
    )
    trigger_message: CommandPayload = mutation(
        CommandPayload,
        resolvers.trigger_message,
        TriggerMessageInput,
        Scope.CHARGE_POINTS_CONTROL,
        description="Have a charge point send a message now, and wait for its answer.",
    )
