"""Alerts: their rules, what is remembered of conditions, what became of them, and who is told."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ampyard.domain.alerts import AlertChangeKind, AlertKind, AlertSeverity, AlertState
from ampyard.domain.notifications.channels import ChannelKind
from ampyard.domain.notifications.deliveries import DeliveryState, NotedChange
from ampyard.repositories.tables.base import Rank, TextEnum, at, created, metadata, ref, tenant_table, updated

_UNRESOLVED = text("state <> 'RESOLVED'")

alert_rule = tenant_table(
    "alert_rule",
    Column("name", Text, nullable=False),
    Column("kind", TextEnum(AlertKind), nullable=False),
    Column("severity", Rank(AlertSeverity), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("resource_group_id", Uuid),
    Column("depot_id", Uuid),
    Column("after_s", Integer, nullable=False),
    Column("clear_after_s", Integer, nullable=False),
    Column("margin_percent", Double),
    Column("within_minutes", Integer),
    Column("include_at_risk", Boolean),
    Column("honours_downtime", Boolean, nullable=False),
    created(),
    updated(),
    ref("resource_group_id", "resource_group", ondelete="CASCADE"),
    ref("depot_id", "depot", ondelete="CASCADE"),
    CheckConstraint("num_nonnulls(resource_group_id, depot_id) < 2", name="one_place"),
    UniqueConstraint("tenant_id", "name"),
    Index("ix_alert_rule_resource_group", "resource_group_id"),
    Index("ix_alert_rule_depot", "depot_id"),
)

alert = tenant_table(
    "alert",
    Column("rule_id", Uuid),
    Column("kind", TextEnum(AlertKind), nullable=False),
    Column("severity", Rank(AlertSeverity), nullable=False),
    Column("state", TextEnum(AlertState), nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("depot_id", Uuid),
    Column("charge_point_id", Uuid),
    Column("power_node_id", Uuid),
    Column("vehicle_id", Uuid),
    Column("transaction_id", Uuid),
    Column("assignment_id", Uuid),
    Column("summary", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    at("since", nullable=False),
    at("opened_at", nullable=False),
    at("acknowledged_at"),
    Column("acknowledged_by", Text),
    at("resolved_at"),
    Column("resolved_by", Text),
    Column("note", Text),
    updated(),
    ref("rule_id", "alert_rule", ondelete="SET NULL (rule_id)"),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("power_node_id", "power_node", ondelete="CASCADE"),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    ref("transaction_id", "transaction", ondelete="CASCADE"),
    ref("assignment_id", "assignment", ondelete="CASCADE"),
    # However many workers look at the same time, one of them opens it.
    Index("uq_alert_open", "rule_id", "target_id", unique=True, postgresql_where=_UNRESOLVED),
    Index("ix_alert_list", "tenant_id", "opened_at", "id"),
    Index("ix_alert_severity", "tenant_id", "severity", "id"),
    Index("ix_alert_updated", "tenant_id", "updated_at", "id"),
    Index("ix_alert_unresolved", "tenant_id", "opened_at", "id", postgresql_where=_UNRESOLVED),
    Index("ix_alert_depot", "depot_id", "opened_at", "id"),
    Index("ix_alert_charge_point", "charge_point_id", "opened_at", "id"),
    Index("ix_alert_power_node", "power_node_id"),
    Index("ix_alert_vehicle", "vehicle_id", "opened_at", "id"),
    Index("ix_alert_transaction", "transaction_id", "opened_at", "id"),
    Index("ix_alert_assignment", "assignment_id", "opened_at", "id"),
    Index("ix_alert_rule", "rule_id", "opened_at", "id"),
)

alert_condition = Table(
    "alert_condition",
    metadata,
    Column("rule_id", Uuid, primary_key=True),
    Column("target_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    at("since", nullable=False),
    at("over_since"),
    Column("alert_id", Uuid),
    ref("rule_id", "alert_rule", ondelete="CASCADE"),
    ref("alert_id", "alert", ondelete="CASCADE"),
    Index("ix_alert_condition_alert", "alert_id"),
)

alert_change = tenant_table(
    "alert_change",
    Column("alert_id", Uuid, nullable=False),
    Column("kind", TextEnum(AlertChangeKind), nullable=False),
    at("at", nullable=False),
    Column("author", Text),
    Column("note", Text),
    ref("alert_id", "alert", ondelete="CASCADE"),
    Index("ix_alert_change_alert", "alert_id", "at", "id"),
)

notification_channel = tenant_table(
    "notification_channel",
    Column("name", Text, nullable=False),
    Column("kind", TextEnum(ChannelKind), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("resource_group_id", Uuid),
    Column("addresses", ARRAY(Text), nullable=False),
    Column("url", Text),
    Column("quiet_begin", Time),
    Column("quiet_end", Time),
    Column("quiet_time_zone", Text),
    Column("quiet_passes", Rank(AlertSeverity)),
    created(),
    updated(),
    # What a webhook is signed with, as `services/vault.py` has locked it up.
    Column("locked_secret", Text),
    ref("resource_group_id", "resource_group", ondelete="CASCADE"),
    CheckConstraint("num_nonnulls(quiet_begin, quiet_end, quiet_time_zone) IN (0, 3)", name="quiet_hours"),
    CheckConstraint("(kind = 'WEBHOOK') = (url IS NOT NULL)", name="url"),
    UniqueConstraint("tenant_id", "name"),
    Index("ix_notification_channel_resource_group", "resource_group_id"),
)

notification_route = tenant_table(
    "notification_route",
    Column("channel_id", Uuid, nullable=False),
    Column("rule_id", Uuid),
    Column("min_severity", Rank(AlertSeverity), nullable=False),
    Column("tells_resolved", Boolean, nullable=False),
    ref("channel_id", "notification_channel", ondelete="CASCADE"),
    ref("rule_id", "alert_rule", ondelete="CASCADE"),
    UniqueConstraint("channel_id", "rule_id", postgresql_nulls_not_distinct=True),
    Index("ix_notification_route_rule", "rule_id"),
)

notification_delivery = tenant_table(
    "notification_delivery",
    Column("channel_id", Uuid, nullable=False),
    Column("state", TextEnum(DeliveryState), nullable=False),
    Column("is_test", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    at("due_at", nullable=False),
    created(),
    at("finished_at"),
    Column("status_code", Integer),
    Column("error", Text),
    ref("channel_id", "notification_channel", ondelete="CASCADE"),
    Index("ix_notification_delivery_list", "tenant_id", "created_at", "id"),
    Index("ix_notification_delivery_channel", "channel_id", "created_at", "id"),
    Index("ix_notification_delivery_pending", "channel_id", "due_at", postgresql_where=text("state = 'PENDING'")),
    Index("ix_notification_delivery_created", "created_at"),
)

notification_item = tenant_table(
    "notification_item",
    Column("delivery_id", Uuid, nullable=False),
    Column("alert_id", Uuid, nullable=False),
    Column("change", TextEnum(NotedChange), nullable=False),
    at("at", nullable=False),
    ref("delivery_id", "notification_delivery", ondelete="CASCADE"),
    ref("alert_id", "alert", ondelete="CASCADE"),
    UniqueConstraint("delivery_id", "alert_id", "change"),
    Index("ix_notification_item_alert", "alert_id", "at", "id"),
)
