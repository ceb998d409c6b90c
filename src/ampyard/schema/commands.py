from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.schema.enums import CommandKind, CommandState
from ampyard.schema.transactions import Transaction


@strawberry.federation.type(directives=[Authenticated()], description="An instruction to a charge point and what became of it.")
class Command:
    kind: CommandKind = strawberry.field(description="What was asked.")
    state: CommandState = strawberry.field(description="How far it has come; ACCEPTED, REJECTED, FAILED and EXPIRED are final.")
    outcome: str | None = strawberry.field(description="The charge point's answer in words.")
    author: str = strawberry.field(description="Who gave it.")
    created_at: datetime = strawberry.field(description="When it was given.")
    sent_at: datetime | None = strawberry.field(description="When it was sent to the charge point.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")


@strawberry.federation.type(directives=[Authenticated()], description="How a command ended, and the transaction it is about.")
class RemoteCommandPayload:
    command: Command = strawberry.field(description="The command with its outcome.")
    transaction: Transaction | None = strawberry.field(
        description="The transaction it started or stopped; null when nothing has started yet (the charge point waits for the cable)."
    )


@strawberry.input(description="Start a transaction for a vehicle or for an id tag: give exactly one of the two.")
class StartTransactionInput:
    evse_id: strawberry.ID = strawberry.field(description="The EVSE to start on.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle; one of its valid id tags is used.")
    id_tag: str | None = strawberry.field(default=None, description="The id tag.")


@strawberry.input(description="Stop a transaction.")
class StopTransactionInput:
    transaction_id: strawberry.ID = strawberry.field(description="The transaction to stop.")
