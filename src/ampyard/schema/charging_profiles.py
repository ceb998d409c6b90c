"""Limits as EVSEs are told them, and hold them; limits from outside."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charging_limits as limits
from ampyard.domain import schedule_checks as checks
from ampyard.domain.limit_schedules import Step
from ampyard.engine import list_size
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers import charging_profiles as resolvers
from ampyard.resolvers.edges import references_to, to_one
from ampyard.schema.enums import LimitOrigin, ScheduleVerdict
from ampyard.schema.node import Node, shows

if TYPE_CHECKING:
    from ampyard.schema.transactions import Transaction


@strawberry.federation.type(directives=[Authenticated()], description="A limit that holds from a moment on.")
class LimitStep:
    begins_at: datetime = strawberry.field(description="From when on it holds.")
    kw: float = strawberry.field(description="The limit, in kW.")
    is_type_of = staticmethod(shows(Step))


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="What a transaction may use at most, as others than power sharing say."
)
class ChargingLimit(Node):
    origin: LimitOrigin = strawberry.field(description="Who set it.")
    steps: list[LimitStep] = resolvers.limit_steps()
    valid_until: datetime | None = strawberry.field(description="Until when it counts; null: until the transaction ends.")
    reason: str = strawberry.field(description="Why.")
    author: str = strawberry.field(description="Who set it.")
    created_at: datetime = strawberry.field(description="When it was set.")
    cleared_at: datetime | None = strawberry.field(description="When it was cleared, or another took its place.")
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = to_one(
        Transactions, "transaction_id", description="The transaction it limits; null where the caller may not see that."
    )
    is_type_of = staticmethod(shows(limits.ChargingLimit))
    resolve_references = staticmethod(references_to(limits.ChargingLimit))


@strawberry.federation.type(directives=[Authenticated()], description="From a moment on: what was expected, and what the EVSE says.")
class ComparedPeriod:
    begins_at: datetime = strawberry.field(description="From when on.")
    expected_kw: float = strawberry.field(description="What it was told, in kW.")
    told_kw: float = strawberry.field(description="What it says that it will obey, in kW.")
    verdict: ScheduleVerdict = strawberry.field(description="Whether these are the same.")
    is_type_of = staticmethod(shows(checks.ComparedPeriod))


@strawberry.federation.type(directives=[Authenticated()], description="What an EVSE says that it will obey, beside what it was told.")
class ScheduleCheck:
    verdict: ScheduleVerdict = strawberry.field(description="HIGHER where it may draw more than was decided at any time.")
    periods: list[ComparedPeriod] = strawberry.field(
        description="From each moment on at which either changes, for the hours that schedules are made for.", directives=[list_size(10)]
    )
    checked_at: datetime = strawberry.field(description="When it was asked.")
    is_type_of = staticmethod(shows(checks.ScheduleCheck))
