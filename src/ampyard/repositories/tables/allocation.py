"""What is kept of steps of power sharing."""

import uuid
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ARRAY, Column, Double, Index, Integer, LargeBinary, Text, Uuid
from sqlalchemy.types import TypeDecorator

from ampyard.domain.allocation import BoundBy, StepInput
from ampyard.domain.power import Line
from ampyard.repositories.tables.base import Level, TextEnum, at, ref, tenant_table

_FACTS = TypeAdapter(StepInput)


class Ids(TypeDecorator[tuple[uuid.UUID, ...]]):
    """A few ids in an order."""

    impl = ARRAY(Uuid)
    cache_ok = True

    def process_bind_param(self, value: Iterable[uuid.UUID] | None, dialect: Any) -> list[uuid.UUID] | None:
        del dialect
        return None if value is None else list(value)

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        del dialect, coltype
        return lambda value: None if value is None else tuple(value)


class Facts(TypeDecorator[StepInput]):
    """The facts of a step as compressed JSON: a twentieth of their size, and read by later releases that know more of them."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: StepInput | None, dialect: Any) -> bytes | None:
        del dialect
        return None if value is None else zlib.compress(_FACTS.dump_json(value))

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        del dialect, coltype
        return lambda value: None if value is None else _FACTS.validate_json(zlib.decompress(value))


power_step = tenant_table(
    "power_step",
    Column("depot_id", Uuid, nullable=False),
    at("decided_at", nullable=False),
    Column("facts", Facts, nullable=False),
    ref("depot_id", "depot", ondelete="CASCADE"),
    Index("ix_power_step_depot", "depot_id"),
    Index("ix_power_step_decided", "tenant_id", "decided_at"),
)

allocation = tenant_table(
    "allocation",
    Column("depot_id", Uuid, nullable=False),
    Column("charge_point_id", Uuid, nullable=False),
    Column("evse_id", Uuid, nullable=False),
    Column("transaction_id", Uuid, nullable=False),
    at("decided_at", nullable=False),
    Column("power_kw", Double, nullable=False),
    Column("bound_by", TextEnum(BoundBy), nullable=False),
    Column("power_node_id", Uuid),
    Column("line", TextEnum(Line)),
    Column("priority", Level, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("urgency", Double, nullable=False),
    Column("planned_kw", Double),
    at("waiting_since"),
    at("charging_since"),
    Column("yielded_to", Ids, nullable=False),
    Column("explanation", Text, nullable=False),
    # The facts go before what they led to.
    Column("step_id", Uuid),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("evse_id", "evse", ondelete="CASCADE"),
    ref("transaction_id", "transaction", ondelete="CASCADE"),
    ref("power_node_id", "power_node", ondelete="SET NULL (power_node_id)"),
    ref("step_id", "power_step", ondelete="SET NULL (step_id)"),
    Index("ix_allocation_depot", "depot_id", "decided_at", "id"),
    Index("ix_allocation_charge_point", "charge_point_id"),
    Index("ix_allocation_evse", "evse_id", "decided_at", "id"),
    Index("ix_allocation_transaction", "transaction_id", "decided_at", "id"),
    Index("ix_allocation_power_node", "power_node_id"),
    Index("ix_allocation_step", "step_id"),
    Index("ix_allocation_decided", "tenant_id", "decided_at"),
)
