"""Alerts: rules, alerts, notifications."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.policies import protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_OF_ALERT = "EXISTS (SELECT FROM alert p WHERE p.id = alert_id)"
_OF_RULE = "EXISTS (SELECT FROM alert_rule p WHERE p.id = rule_id)"
_OF_CHANNEL = "EXISTS (SELECT FROM notification_channel p WHERE p.id = channel_id)"
_OF_GROUP = "resource_group_id IN (SELECT unnest(ampyard_groups()))"
# What a caller with grants on resource groups sees. Rules and channels of the whole tenant are for those who reach all of it.
REACH = {
    "alert_rule": f"{_OF_GROUP} OR depot_id IN (SELECT unnest(ampyard_depots()))",
    "alert": (
        "depot_id IN (SELECT unnest(ampyard_depots()))"
        " OR charge_point_id IN (SELECT unnest(ampyard_charge_points()))"
        " OR vehicle_id IN (SELECT unnest(ampyard_vehicles()))"
    ),
    "alert_condition": _OF_RULE,
    "alert_change": _OF_ALERT,
    "notification_channel": _OF_GROUP,
    "notification_route": _OF_CHANNEL,
    "notification_delivery": _OF_CHANNEL,
    "notification_item": "EXISTS (SELECT FROM notification_delivery p WHERE p.id = delivery_id)",
}


def upgrade() -> None:
    _alert_rule()
    _alert()
    _alert_condition()
    _alert_change()
    _notification_channel()
    _notification_route()
    _notification_delivery()
    _notification_item()
    for table, reach in REACH.items():
        protect(table, reach=reach)
    # Who has rules is looked at; how many alerts there are is counted over all tenants.
    _let_the_system_read("alert_rule", "id, tenant_id, enabled")
    _let_the_system_read("alert", "id, tenant_id, kind, severity, state")


def _let_the_system_read(table: str, columns: str) -> None:
    op.execute(f"GRANT SELECT ({columns}) ON {table} TO ampyard_system")
    op.execute(f"CREATE POLICY system_reads ON {table} FOR SELECT TO ampyard_system USING (true)")


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
    ]


def _ref(table: str, column: str, target: str, *, ondelete: str = "CASCADE") -> sa.Constraint:
    name = op.f(f"fk_{table}_tenant_id_{column}")
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=name, ondelete=ondelete)


def _now(name: str) -> "sa.Column[object]":
    return sa.Column(name, _MOMENT, server_default=sa.text("now()"), nullable=False)


def _alert_rule() -> None:
    op.create_table(
        "alert_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("resource_group_id", sa.Uuid(), nullable=True),
        sa.Column("depot_id", sa.Uuid(), nullable=True),
        sa.Column("after_s", sa.Integer(), nullable=False),
        sa.Column("clear_after_s", sa.Integer(), nullable=False),
        sa.Column("margin_percent", sa.Double(), nullable=True),
        sa.Column("within_minutes", sa.Integer(), nullable=True),
        sa.Column("include_at_risk", sa.Boolean(), nullable=True),
        sa.Column("honours_downtime", sa.Boolean(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint("num_nonnulls(resource_group_id, depot_id) < 2", name=op.f("ck_alert_rule_one_place")),
        _ref("alert_rule", "depot_id", "depot"),
        _ref("alert_rule", "resource_group_id", "resource_group"),
        *_keys("alert_rule"),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_alert_rule_tenant_id_name")),
    )
    op.create_index("ix_alert_rule_depot", "alert_rule", ["depot_id"])
    op.create_index("ix_alert_rule_resource_group", "alert_rule", ["resource_group_id"])


def _alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=True),
        sa.Column("charge_point_id", sa.Uuid(), nullable=True),
        sa.Column("power_node_id", sa.Uuid(), nullable=True),
        sa.Column("vehicle_id", sa.Uuid(), nullable=True),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("assignment_id", sa.Uuid(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("acknowledged_at", _MOMENT, nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", _MOMENT, nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        _now("updated_at"),
        _ref("alert", "assignment_id", "assignment"),
        _ref("alert", "charge_point_id", "charge_point"),
        _ref("alert", "depot_id", "depot"),
        _ref("alert", "power_node_id", "power_node"),
        _ref("alert", "rule_id", "alert_rule", ondelete="SET NULL (rule_id)"),
        _ref("alert", "transaction_id", "transaction"),
        _ref("alert", "vehicle_id", "vehicle"),
        *_keys("alert"),
    )
    op.create_index("ix_alert_assignment", "alert", ["assignment_id", "opened_at", "id"])
    op.create_index("ix_alert_charge_point", "alert", ["charge_point_id", "opened_at", "id"])
    op.create_index("ix_alert_depot", "alert", ["depot_id", "opened_at", "id"])
    op.create_index("ix_alert_list", "alert", ["tenant_id", "opened_at", "id"])
    op.create_index("ix_alert_power_node", "alert", ["power_node_id"])
    op.create_index("ix_alert_rule", "alert", ["rule_id", "opened_at", "id"])
    op.create_index("ix_alert_severity", "alert", ["tenant_id", "severity", "id"])
    op.create_index("ix_alert_transaction", "alert", ["transaction_id", "opened_at", "id"])
    op.create_index("ix_alert_unresolved", "alert", ["tenant_id", "opened_at", "id"], postgresql_where=sa.text("state <> 'RESOLVED'"))
    op.create_index("ix_alert_updated", "alert", ["tenant_id", "updated_at", "id"])
    op.create_index("ix_alert_vehicle", "alert", ["vehicle_id", "opened_at", "id"])
    op.create_index("uq_alert_open", "alert", ["rule_id", "target_id"], unique=True, postgresql_where=sa.text("state <> 'RESOLVED'"))


def _alert_condition() -> None:
    op.create_table(
        "alert_condition",
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("over_since", _MOMENT, nullable=True),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        _ref("alert_condition", "alert_id", "alert"),
        _ref("alert_condition", "rule_id", "alert_rule"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_alert_condition_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("rule_id", "target_id", name=op.f("pk_alert_condition")),
    )
    op.create_index("ix_alert_condition_alert", "alert_condition", ["alert_id"])


def _alert_change() -> None:
    op.create_table(
        "alert_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        _ref("alert_change", "alert_id", "alert"),
        *_keys("alert_change"),
    )
    op.create_index("ix_alert_change_alert", "alert_change", ["alert_id", "at", "id"])


def _notification_channel() -> None:
    op.create_table(
        "notification_channel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("resource_group_id", sa.Uuid(), nullable=True),
        sa.Column("addresses", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("quiet_begin", sa.Time(), nullable=True),
        sa.Column("quiet_end", sa.Time(), nullable=True),
        sa.Column("quiet_time_zone", sa.Text(), nullable=True),
        sa.Column("quiet_passes", sa.SmallInteger(), nullable=True),
        _now("created_at"),
        _now("updated_at"),
        sa.Column("locked_secret", sa.Text(), nullable=True),
        sa.CheckConstraint("(kind = 'WEBHOOK') = (url IS NOT NULL)", name=op.f("ck_notification_channel_url")),
        sa.CheckConstraint(
            "num_nonnulls(quiet_begin, quiet_end, quiet_time_zone) IN (0, 3)", name=op.f("ck_notification_channel_quiet_hours")
        ),
        _ref("notification_channel", "resource_group_id", "resource_group"),
        *_keys("notification_channel"),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_notification_channel_tenant_id_name")),
    )
    op.create_index("ix_notification_channel_resource_group", "notification_channel", ["resource_group_id"])


def _notification_route() -> None:
    op.create_table(
        "notification_route",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("min_severity", sa.SmallInteger(), nullable=False),
        sa.Column("tells_resolved", sa.Boolean(), nullable=False),
        _ref("notification_route", "channel_id", "notification_channel"),
        _ref("notification_route", "rule_id", "alert_rule"),
        *_keys("notification_route"),
        sa.UniqueConstraint(
            "channel_id", "rule_id", name=op.f("uq_notification_route_channel_id_rule_id"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("ix_notification_route_rule", "notification_route", ["rule_id"])


def _notification_delivery() -> None:
    op.create_table(
        "notification_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        _now("created_at"),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        _ref("notification_delivery", "channel_id", "notification_channel"),
        *_keys("notification_delivery"),
    )
    op.create_index("ix_notification_delivery_channel", "notification_delivery", ["channel_id", "created_at", "id"])
    op.create_index("ix_notification_delivery_created", "notification_delivery", ["created_at"])
    op.create_index("ix_notification_delivery_list", "notification_delivery", ["tenant_id", "created_at", "id"])
    op.create_index(
        "ix_notification_delivery_pending", "notification_delivery", ["channel_id", "due_at"], postgresql_where=sa.text("state = 'PENDING'")
    )


def _notification_item() -> None:
    op.create_table(
        "notification_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        _ref("notification_item", "alert_id", "alert"),
        _ref("notification_item", "delivery_id", "notification_delivery"),
        *_keys("notification_item"),
        sa.UniqueConstraint("delivery_id", "alert_id", "change", name=op.f("uq_notification_item_delivery_id_alert_id_change")),
    )
    op.create_index("ix_notification_item_alert", "notification_item", ["alert_id", "at", "id"])


def downgrade() -> None:
    for table in reversed(REACH):
        op.drop_table(table)
