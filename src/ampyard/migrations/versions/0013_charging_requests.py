"""Charging requests, and the links to depot management systems that send them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.policies import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_OF_DEPOT = "depot_id IN (SELECT unnest(ampyard_depots()))"
_OF_VEHICLE = "vehicle_id IN (SELECT unnest(ampyard_vehicles()))"
# What a caller with grants on resource groups sees.
REACH = {
    "depot_link": _OF_DEPOT,
    "depot_link_message": "EXISTS (SELECT FROM depot_link p WHERE p.id = link_id)",
    "charging_request": f"{_OF_DEPOT} OR {_OF_VEHICLE}",
}
_ASKED_FOR = sa.text("withdrawn_at IS NULL")


def upgrade() -> None:
    _depot_link()
    _depot_link_message()
    _charging_request()
    for table, reach in REACH.items():
        protect(table, reach=reach)
    # Whose login this is, and whose process has died without a goodbye, is looked up across tenants.
    op.execute(
        "GRANT SELECT (id, tenant_id, identity, password_hash, enabled, removed_at, connected, seen_at) ON depot_link TO ampyard_system"
    )
    op.execute("CREATE POLICY system_reads ON depot_link FOR SELECT TO ampyard_system USING (true)")


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


def _depot_link() -> None:
    op.create_table(
        "depot_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("normal_from", sa.Integer(), nullable=False),
        sa.Column("high_from", sa.Integer(), nullable=False),
        sa.Column("critical_from", sa.Integer(), nullable=False),
        sa.Column("presystem", sa.Text(), nullable=True),
        sa.Column("presystem_id", sa.Text(), nullable=True),
        sa.Column("subprotocol", sa.Text(), nullable=True),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("connected_at", _MOMENT, nullable=True),
        sa.Column("socket_id", sa.Uuid(), nullable=True),
        sa.Column("booted_at", _MOMENT, nullable=True),
        sa.Column("message_at", _MOMENT, nullable=True),
        sa.Column("listed_at", _MOMENT, nullable=True),
        sa.Column("removed_at", _MOMENT, nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=True),
        _ref("depot_link", "depot_id", "depot"),
        *_keys("depot_link"),
    )
    op.create_index("ix_depot_link_depot", "depot_link", ["depot_id", "created_at", "id"])
    op.create_index("ix_depot_link_identity", "depot_link", ["identity"])
    op.create_index("ix_depot_link_list", "depot_link", ["tenant_id", "created_at", "id"])
    op.create_index(
        "uq_depot_link_identity", "depot_link", ["tenant_id", "identity"], unique=True, postgresql_where=sa.text("removed_at IS NULL")
    )


def _depot_link_message() -> None:
    op.create_table(
        "depot_link_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("message_type", sa.SmallInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        _ref("depot_link_message", "link_id", "depot_link"),
        *_keys("depot_link_message"),
    )
    op.create_index("ix_depot_link_message_link", "depot_link_message", ["link_id", "at", "id"])
    op.create_index("ix_depot_link_message_old", "depot_link_message", ["tenant_id", "at"])


def _charging_request() -> None:
    op.create_table(
        "charging_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("vehicle_name", sa.Text(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=True),
        sa.Column("charge_point_name", sa.Text(), nullable=True),
        sa.Column("evse_id", sa.Uuid(), nullable=True),
        sa.Column("process_id", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("arrives_at", _MOMENT, nullable=True),
        sa.Column("arrival_soc_percent", sa.Double(), nullable=True),
        sa.Column("min_soc_percent", sa.Double(), nullable=False),
        sa.Column("max_soc_percent", sa.Double(), nullable=False),
        sa.Column("departs_at", _MOMENT, nullable=True),
        sa.Column("ad_hoc", sa.Boolean(), nullable=False),
        sa.Column("preconditioning", postgresql.JSONB(), nullable=True),
        sa.Column("flaw", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("priority_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", _MOMENT, nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint("(link_id IS NULL) = (external_id IS NULL)", name=op.f("ck_charging_request_external_id")),
        sa.CheckConstraint("(source = 'VDV463') = (link_id IS NOT NULL)", name=op.f("ck_charging_request_link")),
        _ref("charging_request", "depot_id", "depot"),
        _ref("charging_request", "evse_id", "evse", ondelete="SET NULL (evse_id)"),
        _ref("charging_request", "link_id", "depot_link"),
        _ref("charging_request", "priority_id", "priority", ondelete="SET NULL (priority_id)"),
        _ref("charging_request", "vehicle_id", "vehicle"),
        *_keys("charging_request"),
    )
    op.create_index("ix_charging_request_asked_for", "charging_request", ["tenant_id", "depot_id"], postgresql_where=_ASKED_FOR)
    op.create_index("ix_charging_request_depot", "charging_request", ["depot_id", "created_at", "id"])
    op.create_index("ix_charging_request_evse", "charging_request", ["evse_id"])
    op.create_index("ix_charging_request_list", "charging_request", ["tenant_id", "created_at", "id"])
    op.create_index("ix_charging_request_priority", "charging_request", ["priority_id"])
    op.create_index("ix_charging_request_vehicle", "charging_request", ["vehicle_id", "created_at", "id"])
    op.create_index("uq_charging_request_of_link", "charging_request", ["link_id", "external_id"], unique=True, postgresql_where=_ASKED_FOR)
    op.create_index(
        "uq_charging_request_of_person",
        "charging_request",
        ["vehicle_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL AND source = 'GRAPH'"),
    )


def downgrade() -> None:
    for table in reversed(REACH):
        op.drop_table(table)
