"""Changes of limits from outside, and orders about charging profiles."""

from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.resolvers import charging_profiles as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.schema.charge_point_control import CommandPayload
from ampyard.schema.charging_profiles import ChargingLimit, ScheduleCheck
from ampyard.schema.commands import Command
from ampyard.schema.errors import Change, Payload


@strawberry.input(description="Cap a transaction by hand.")
class LimitTransactionInput(Change):
    transaction_id: strawberry.ID = strawberry.field(description="The transaction; it must be running.")
    limit_kw: float = strawberry.field(description="What it may use at most, in kW.")
    valid_until: datetime | None = strawberry.field(default=None, description="Until when; until it ends unless told.")
    reason: str = strawberry.field(description="Why; 500 characters at most.")


@strawberry.input(description="Let a limit from outside count no more.")
class ClearChargingLimitInput(Change):
    charging_limit_id: strawberry.ID = strawberry.field(description="The limit.")


@strawberry.input(description="Ask an EVSE which limits it will obey.")
class CheckChargingScheduleInput(Change):
    evse_id: strawberry.ID = strawberry.field(description="The EVSE.")


@strawberry.input(description="Have an EVSE forget the limits of its transaction.")
class ClearChargingProfilesInput(Change):
    evse_id: strawberry.ID = strawberry.field(description="The EVSE.")


@strawberry.federation.type(directives=[Authenticated()], description="A limit from outside that was set or cleared.")
class ChargingLimitPayload(Payload):
    charging_limit: ChargingLimit | None = strawberry.field(description="The limit as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="What an EVSE says that it will obey.")
class ScheduleCheckPayload(Payload):
    command: Command | None = strawberry.field(description="The question, with how it ended; null where it was refused.")
    check: ScheduleCheck | None = strawberry.field(
        description="What came of it; null where the charge point did not tell, or the request was repeated."
    )


@strawberry.type
class ChargingProfileMutations:
    limit_transaction: ChargingLimitPayload = mutation(
        ChargingLimitPayload,
        resolvers.limit_transaction,
        LimitTransactionInput,
        Scope.TRANSACTIONS_CONTROL,
        description="Cap a transaction by hand, in place of an earlier cap by hand; the next step of power sharing obeys it.",
    )
    clear_charging_limit: ChargingLimitPayload = mutation(
        ChargingLimitPayload,
        resolvers.clear_charging_limit,
        ClearChargingLimitInput,
        Scope.TRANSACTIONS_CONTROL,
        description="Let a limit from outside count no more.",
    )
    check_charging_schedule: ScheduleCheckPayload = mutation(
        ScheduleCheckPayload,
        resolvers.check_schedule,
        CheckChargingScheduleInput,
        Scope.CHARGE_POINTS_CONTROL,
        description="Ask an EVSE which limits it will obey, and compare them with what it was told.",
    )
    clear_charging_profiles: CommandPayload = mutation(
        CommandPayload,
        resolvers.clear_profiles,
        ClearChargingProfilesInput,
        Scope.CHARGE_POINTS_CONTROL,
        description="Have an EVSE forget the limits of its transaction: its fall-back holds until it is told anew.",
    )
