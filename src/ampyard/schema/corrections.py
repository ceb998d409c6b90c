from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import corrections as domain
from ampyard.domain.access import Scope
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import corrections as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows

if TYPE_CHECKING:
    from ampyard.schema.transactions import Transaction
    from ampyard.schema.vehicles import Vehicle


@strawberry.federation.type(
    keys=["id"],
    directives=[Authenticated()],
    description="What counts of a transaction instead of what was measured. It is never changed: another one takes it back.",
)
class Correction(Node):
    energy_wh: float | None = strawberry.field(description="The energy that counts, in Wh; null: as measured.")
    started_at: datetime | None = strawberry.field(description="The begin that counts; null: as measured.")
    ended_at: datetime | None = strawberry.field(description="The end that counts; null: as measured.")
    reason: str = strawberry.field(description="Why.")
    author: str = strawberry.field(description="Who made it.")
    created_at: datetime = strawberry.field(description="When it was made.")
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle that counts; null: as measured."
    )
    voids: Annotated["Correction", strawberry.lazy("ampyard.schema.corrections")] | None = to_one(
        Corrections, "voids_id", description="The correction that this one takes back, and it does nothing else; null for all others."
    )
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = to_one(
        Transactions, "transaction_id", description="The transaction it is about; null where the caller may not see that."
    )
    is_type_of = staticmethod(shows(domain.Correction))
    resolve_references = staticmethod(references_to(domain.Correction))


@strawberry.federation.type(directives=[Authenticated()], description="What counts of a transaction: as measured, or as corrected.")
class EffectiveTransaction:
    energy_wh: float = strawberry.field(description="The energy, in Wh.")
    started_at: datetime = strawberry.field(description="When it began.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle, if it is known."
    )
    correction: Correction | None = strawberry.field(description="The correction that counts; null: all is as measured.")


@strawberry.input(
    description="Say what counts of a transaction instead of what was measured. It replaces an earlier correction as a whole."
)
class CorrectTransactionInput(Change):
    transaction_id: strawberry.ID = strawberry.field(description="The transaction.")
    reason: str = strawberry.field(description="Why; 500 characters at most.")
    energy_wh: float | None = strawberry.field(default=None, description="The energy, in Wh; of an ended transaction alone.")
    started_at: datetime | None = strawberry.field(default=None, description="When it began.")
    ended_at: datetime | None = strawberry.field(default=None, description="When it ended; of an ended transaction alone.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle.")


@strawberry.input(description="Take a correction back.")
class VoidCorrectionInput(Change):
    correction_id: strawberry.ID = strawberry.field(description="The correction.")
    reason: str = strawberry.field(description="Why; 500 characters at most.")


@strawberry.input(description="End a transaction of which nothing is heard any more.")
class CloseTransactionInput(Change):
    transaction_id: strawberry.ID = strawberry.field(description="The transaction.")
    reason: str = strawberry.field(description="Why; 500 characters at most.")
    ended_at: datetime | None = strawberry.field(default=None, description="When it ended; when it was last measured unless told.")
    energy_wh: float | None = strawberry.field(default=None, description="The energy, in Wh; as measured unless told.")


@strawberry.federation.type(directives=[Authenticated()], description="A correction that was made.")
class CorrectionPayload(Payload):
    correction: Correction | None = strawberry.field(description="The correction; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="A transaction that was closed by hand.")
class CloseTransactionPayload(Payload):
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = strawberry.field(
        description="The transaction, with the end that counts among its corrections; null where the change was refused."
    )


@strawberry.type
class CorrectionQueries:
    correction: Correction | None = by_id(domain.Correction, description="One correction; null when it does not exist.")


@strawberry.type
class CorrectionMutations:
    correct_transaction: CorrectionPayload = mutation(
        CorrectionPayload,
        resolvers.correct_transaction,
        CorrectTransactionInput,
        Scope.TRANSACTIONS_CORRECT,
        description="Say what counts of a transaction instead of what was measured, which stays as it is.",
    )
    void_correction: CorrectionPayload = mutation(
        CorrectionPayload,
        resolvers.void_correction,
        VoidCorrectionInput,
        Scope.TRANSACTIONS_CORRECT,
        description="Take a correction back by another one: the newest that is left counts, or what was measured.",
    )
    close_transaction: CloseTransactionPayload = mutation(
        CloseTransactionPayload,
        resolvers.close_transaction,
        CloseTransactionInput,
        Scope.TRANSACTIONS_CORRECT,
        description="End a transaction that is stuck, so that its EVSE is free; the end that counts is a correction.",
    )
