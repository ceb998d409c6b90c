from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import commands as domain
from ampyard.domain.access import Scope
from ampyard.repositories.charge_points import ChargePoints
from ampyard.resolvers import remote_control as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.schema.charge_points import ChargePoint
from ampyard.schema.enums import CommandKind, CommandState
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.transactions import Transaction


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="An instruction to a charge point, and its outcome.")
class Command(Node):
    kind: CommandKind = strawberry.field(description="What was asked.")
    state: CommandState = strawberry.field(description="How far it has come; ACCEPTED, REJECTED, FAILED and EXPIRED are final.")
    outcome: str | None = strawberry.field(description="The charge point's answer in words.")
    author: str = strawberry.field(description="Who gave it.")
    created_at: datetime = strawberry.field(description="When it was given.")
    sent_at: datetime | None = strawberry.field(description="When it was sent to the charge point.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    charge_point: ChargePoint = to_one(ChargePoints, "charge_point_id", description="The charge point that is asked.")
    is_type_of = staticmethod(shows(domain.Command))
    resolve_references = staticmethod(references_to(domain.Command))


@strawberry.federation.type(directives=[Authenticated()], description="How a command ended, and the transaction it is about.")
class RemoteCommandPayload(Payload):
    command: Command | None = strawberry.field(description="The command with its outcome; null where it was refused before it was given.")
    transaction: Transaction | None = strawberry.field(
        description="The transaction it started or stopped; null when nothing has started yet (the charge point waits for the cable)."
    )


@strawberry.input(description="Start a transaction for a vehicle or for an id tag: give exactly one of the two.")
class StartTransactionInput(Change):
    evse_id: strawberry.ID = strawberry.field(description="The EVSE to start on.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle; one of its valid id tags is used.")
    id_tag: str | None = strawberry.field(default=None, description="The id tag.")


@strawberry.input(description="Stop a transaction.")
class StopTransactionInput(Change):
    transaction_id: strawberry.ID = strawberry.field(description="The transaction to stop.")


@strawberry.type
class CommandQueries:
    command: Command | None = by_id(domain.Command, description="One command; null when it does not exist.")


@strawberry.type
class CommandMutations:
    start_transaction: RemoteCommandPayload = mutation(
        RemoteCommandPayload,
        resolvers.start_transaction,
        StartTransactionInput,
        Scope.TRANSACTIONS_CONTROL,
        description="Ask a charge point to start a transaction, and wait for its answer.",
    )
    stop_transaction: RemoteCommandPayload = mutation(
        RemoteCommandPayload,
        resolvers.stop_transaction,
        StopTransactionInput,
        Scope.TRANSACTIONS_CONTROL,
        description="Ask a charge point to stop a transaction, and wait for its answer.",
    )
