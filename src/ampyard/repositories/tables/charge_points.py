"""What charge points tell of themselves over time, and how they are set up: variables, faults, firmware, availability, templates."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Text, UniqueConstraint, Uuid, text

from ampyard.domain.availability import Availability
from ampyard.domain.charge_points import CurrentType
from ampyard.domain.equipment import PhaseRotation
from ampyard.domain.faults import FaultSource
from ampyard.domain.layouts import ConnectorFormat, ConnectorLayout, ConnectorStandard, EvseLayout, PowerType
from ampyard.repositories.tables.base import Stored, TextEnum, at, created, ref, tenant_table, updated
from ampyard.repositories.tables.values import set_points_from_json


def _stored(evses: tuple[EvseLayout, ...]) -> list[dict[str, Any]]:
    return [asdict(evse) for evse in evses]


def _layout(stored: list[dict[str, Any]]) -> tuple[EvseLayout, ...]:
    return tuple(_evse(evse) for evse in stored)


def _evse(stored: dict[str, Any]) -> EvseLayout:
    connectors = tuple(_connector(connector) for connector in stored["connectors"])
    named: dict[str, Any] = {"current_type": CurrentType(stored["current_type"]), "connectors": connectors}
    if "set_points" in stored:  # templates of the last release say nothing of how EVSEs are connected
        named |= {"phase_rotation": PhaseRotation(stored["phase_rotation"]), "set_points": set_points_from_json(stored["set_points"])}
    return EvseLayout(**stored | named)


def _connector(stored: dict[str, Any]) -> ConnectorLayout:
    named = {
        "standard": ConnectorStandard(stored["standard"]),
        "format": ConnectorFormat(stored["format"]),
        "power_type": PowerType(stored["power_type"]),
    }
    return ConnectorLayout(**stored | named)


charge_point_variable = tenant_table(
    "charge_point_variable",
    Column("charge_point_id", Uuid, nullable=False),
    Column("component", Text, nullable=False),
    Column("component_instance", Text, nullable=False),
    Column("evse_no", Integer, nullable=False),
    Column("connector_no", Integer, nullable=False),
    Column("variable", Text, nullable=False),
    Column("variable_instance", Text, nullable=False),
    Column("value", Text),
    Column("read_only", Boolean, nullable=False),
    Column("unit", Text),
    Column("data_type", Text),
    Column("allowed_values", Text),
    at("reported_at", nullable=False),
    created(),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    UniqueConstraint(
        "charge_point_id",
        "component",
        "component_instance",
        "evse_no",
        "connector_no",
        "variable",
        "variable_instance",
        name="uq_charge_point_variable_name",
    ),
    Index("ix_charge_point_variable_list", "charge_point_id", "variable", "id"),
    Index("ix_charge_point_variable_reported", "charge_point_id", "reported_at", "id"),
)

charge_point_fault = tenant_table(
    "charge_point_fault",
    Column("charge_point_id", Uuid, nullable=False),
    Column("evse_id", Uuid),
    Column("connector_id", Uuid),
    Column("source", TextEnum(FaultSource), nullable=False),
    Column("code", Text, nullable=False),
    Column("vendor_id", Text),
    Column("vendor_code", Text),
    Column("info", Text),
    Column("component", Text),
    Column("variable", Text),
    at("raised_at", nullable=False),
    at("cleared_at"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    # An EVSE or connector that is taken off takes its faults with it.
    ref("evse_id", "evse", ondelete="CASCADE"),
    ref("connector_id", "connector", ondelete="CASCADE"),
    Index("ix_charge_point_fault_list", "tenant_id", "raised_at", "id"),
    Index("ix_charge_point_fault_code", "tenant_id", "code", "raised_at", "id"),
    Index("ix_charge_point_fault_vendor_code", "tenant_id", "vendor_code", "raised_at", "id"),
    Index("ix_charge_point_fault_charge_point", "charge_point_id", "raised_at", "id"),
    Index("ix_charge_point_fault_open", "charge_point_id", postgresql_where=text("cleared_at IS NULL")),
    Index("ix_charge_point_fault_evse", "evse_id"),
    Index("ix_charge_point_fault_connector", "connector_id"),
)

firmware_status = tenant_table(
    "firmware_status",
    Column("charge_point_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("request_id", Integer),
    at("reported_at", nullable=False),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    Index("ix_firmware_status_charge_point", "charge_point_id", "reported_at", "id"),
)

evse_availability = tenant_table(
    "evse_availability",
    Column("charge_point_id", Uuid, nullable=False),
    Column("evse_id", Uuid, nullable=False),
    Column("availability", TextEnum(Availability), nullable=False),
    at("began_at", nullable=False),
    at("ended_at"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("evse_id", "evse", ondelete="CASCADE"),
    CheckConstraint("ended_at > began_at", name="interval"),
    # An EVSE is in one state at a time.
    Index("uq_evse_availability_open", "evse_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index("ix_evse_availability_evse", "evse_id", "began_at", "id"),
    Index("ix_evse_availability_charge_point", "charge_point_id", "began_at"),
)

planned_downtime = tenant_table(
    "planned_downtime",
    Column("charge_point_id", Uuid, nullable=False),
    at("starts_at", nullable=False),
    at("ends_at", nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    at("cancelled_at"),
    created(),
    updated(),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    CheckConstraint("ends_at > starts_at", name="window"),
    Index("ix_planned_downtime_list", "tenant_id", "starts_at", "id"),
    Index("ix_planned_downtime_charge_point", "charge_point_id", "starts_at", "id"),
)

charge_point_template = tenant_table(
    "charge_point_template",
    Column("name", Text, nullable=False),
    Column("vendor", Text),
    Column("model", Text),
    Column("evses", Stored(_stored, _layout), nullable=False),
    created(),
    updated(),
    UniqueConstraint("tenant_id", "name"),
    Index("ix_charge_point_template_list", "tenant_id", "name", "id"),
)
