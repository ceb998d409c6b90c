"""Plans of depots, and the stays they plan. A plan serves for minutes, and is kept for days: to be looked at, not for ever."""

from typing import Any

from sqlalchemy import ARRAY, Column, DateTime, Double, Index, Text, Uuid

from ampyard.domain.planning import PlanStatus, ShortfallCause
from ampyard.domain.plans import ArrivalSource, ChargeSource, DepartureSource
from ampyard.repositories.tables.base import Level, Stored, TextEnum, at, ref, tenant_table
from ampyard.repositories.tables.values import remedies_from_json, remedies_to_json


def _of_slots(name: str) -> Column[Any]:
    return Column(name, ARRAY(Double), nullable=False)


def _moments(name: str) -> Column[Any]:
    return Column(name, ARRAY(DateTime(timezone=True)), nullable=False)


depot_plan = tenant_table(
    "depot_plan",
    Column("depot_id", Uuid, nullable=False),
    at("made_at", nullable=False),
    at("fresh_until", nullable=False),
    Column("status", TextEnum(PlanStatus), nullable=False),
    Column("gap", Double, nullable=False),
    Column("solve_s", Double, nullable=False),
    _moments("begins_at"),
    at("ends_at", nullable=False),
    _of_slots("power_kw"),
    _of_slots("unmanaged_kw"),
    _of_slots("limits_kw"),
    _of_slots("prices_per_kwh"),
    Column("currency", Text),
    Column("peak_kw", Double, nullable=False),
    Column("peak_so_far_kw", Double, nullable=False),
    Column("energy_cost", Double),
    Column("demand_cost", Double),
    ref("depot_id", "depot", ondelete="CASCADE"),
    Index("ix_depot_plan_depot", "depot_id", "made_at", "id"),
    Index("ix_depot_plan_made", "made_at"),
)

planned_stay = tenant_table(
    "planned_stay",
    Column("plan_id", Uuid, nullable=False),
    # Those of its plan: who reaches a vehicle, and not the depot, sees what is planned of it, and not the plan.
    Column("depot_id", Uuid, nullable=False),
    at("made_at", nullable=False),
    at("fresh_until", nullable=False),
    Column("transaction_id", Uuid),
    Column("assignment_id", Uuid),
    Column("vehicle_id", Uuid, nullable=False),
    Column("charge_point_id", Uuid, nullable=False),
    Column("power_node_id", Uuid, nullable=False),
    Column("priority", Level, nullable=False),
    at("arrives_at", nullable=False),
    at("departs_at"),
    Column("departure_source", TextEnum(DepartureSource)),
    Column("departure_confidence", Double),
    Column("capacity_kwh", Double, nullable=False),
    Column("energy_kwh", Double),
    Column("minimum_kwh", Double, nullable=False),
    Column("target_kwh", Double, nullable=False),
    Column("max_kw", Double, nullable=False),
    _moments("step_begins_at"),
    _of_slots("step_kw"),
    at("minimum_at"),
    at("target_at"),
    Column("final_kwh", Double, nullable=False),
    at("final_at", nullable=False),
    Column("expected_kwh", Double, nullable=False),
    Column("lacks_minimum_kwh", Double, nullable=False),
    Column("lacks_target_kwh", Double, nullable=False),
    Column("cause", TextEnum(ShortfallCause)),
    Column("binding_node_id", Uuid),
    at("ready_at"),
    Column("remedies", Stored(remedies_to_json, remedies_from_json), nullable=False),
    Column("request_id", Uuid),
    Column("arrival_source", TextEnum(ArrivalSource)),
    Column("energy_source", TextEnum(ChargeSource)),
    ref("plan_id", "depot_plan", ondelete="CASCADE"),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ref("transaction_id", "transaction", ondelete="CASCADE"),
    ref("assignment_id", "assignment", ondelete="CASCADE"),
    ref("request_id", "charging_request", ondelete="SET NULL (request_id)"),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("power_node_id", "power_node", ondelete="CASCADE"),
    ref("binding_node_id", "power_node", ondelete="SET NULL (binding_node_id)"),
    Index("ix_planned_stay_plan", "plan_id", "arrives_at", "id"),
    Index("ix_planned_stay_depot", "depot_id"),
    Index("ix_planned_stay_transaction", "transaction_id", "made_at"),
    Index("ix_planned_stay_assignment", "assignment_id", "made_at"),
    Index("ix_planned_stay_request", "request_id", "made_at"),
    Index("ix_planned_stay_vehicle", "vehicle_id", "made_at"),
    Index("ix_planned_stay_charge_point", "charge_point_id"),
    Index("ix_planned_stay_power_node", "power_node_id"),
    Index("ix_planned_stay_binding_node", "binding_node_id"),
)
