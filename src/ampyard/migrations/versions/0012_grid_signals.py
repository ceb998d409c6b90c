"""Grid signals: links to the outside, limits and prices that come by them, and what was said there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.policies import protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_OF_DEPOT = "depot_id IN (SELECT unnest(ampyard_depots()))"
_TABLES = ("grid_link", "grid_signal", "grid_price", "grid_message")


def upgrade() -> None:
    _grid_link()
    _grid_signal()
    _grid_price()
    _grid_message()
    for table in _TABLES:
        protect(table, reach=_OF_DEPOT)
    # Whose token this is, and which links are due, is asked before a tenant is known.
    op.execute("GRANT SELECT (id, tenant_id, kind, name, enabled, due_at, token_hash) ON grid_link TO ampyard_system")
    op.execute("CREATE POLICY system_reads ON grid_link FOR SELECT TO ampyard_system USING (true)")


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
    ]


def _ref(table: str, column: str, target: str) -> sa.Constraint:
    name = op.f(f"fk_{table}_tenant_id_{column}")
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=name, ondelete="CASCADE")


def _of_node(table: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "depot_id", "power_node_id"],
        ["power_node.tenant_id", "power_node.depot_id", "power_node.id"],
        name=op.f(f"fk_{table}_tenant_id_depot_id_power_node_id"),
        ondelete="CASCADE",
    )


def _now(name: str) -> "sa.Column[object]":
    return sa.Column(name, _MOMENT, server_default=sa.text("now()"), nullable=False)


def _grid_link() -> None:
    op.create_table(
        "grid_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("power_node_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("lost_after_s", sa.Integer(), nullable=False),
        sa.Column("fallback_kw", sa.Double(), nullable=True),
        sa.Column("fallback_a", sa.Double(), nullable=True),
        sa.Column("lost_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.Column("heard_at", _MOMENT, nullable=True),
        sa.Column("token_prefix", sa.Text(), nullable=True),
        sa.Column("group_id", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("token_url", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("ven_name", sa.Text(), nullable=True),
        sa.Column("registered_at", _MOMENT, nullable=True),
        sa.Column("peer_interval_s", sa.Double(), nullable=True),
        sa.Column("peer_measurements", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("called_at", _MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("measured_until", _MOMENT, nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=True),
        sa.Column("locked_secret", sa.Text(), nullable=True),
        sa.CheckConstraint("num_nonnulls(fallback_kw, fallback_a) > 0", name=op.f("ck_grid_link_fallback")),
        _of_node("grid_link"),
        *_keys("grid_link"),
    )
    op.create_index("ix_grid_link_depot", "grid_link", ["depot_id"])
    op.create_index("ix_grid_link_due", "grid_link", ["due_at"], postgresql_where=sa.text("enabled"))
    op.create_index("ix_grid_link_power_node", "grid_link", ["power_node_id", "created_at", "id"])
    op.create_index("uq_grid_link_token", "grid_link", ["token_hash"], unique=True)


def _grid_signal() -> None:
    op.create_table(
        "grid_signal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("power_node_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("begins_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("limit_kw", sa.Double(), nullable=True),
        sa.Column("limit_a", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("counts_until", _MOMENT, nullable=False),
        sa.Column("ended_as", sa.Text(), nullable=True),
        sa.Column("excess_kw", sa.Double(), nullable=True),
        sa.Column("told_at", _MOMENT, nullable=True),
        sa.CheckConstraint("ends_at > begins_at", name=op.f("ck_grid_signal_window")),
        sa.CheckConstraint(
            "num_nonnulls(limit_kw, limit_a) > 0 AND coalesce(limit_kw, 0) >= 0 AND coalesce(limit_a, 0) >= 0",
            name=op.f("ck_grid_signal_limits"),
        ),
        _of_node("grid_signal"),
        _ref("grid_signal", "link_id", "grid_link"),
        *_keys("grid_signal"),
    )
    op.create_index("ix_grid_signal_counting", "grid_signal", ["power_node_id", "counts_until"])
    op.create_index("ix_grid_signal_depot", "grid_signal", ["depot_id", "counts_until"])
    op.create_index("ix_grid_signal_link", "grid_signal", ["link_id", "counts_until"])
    op.create_index("ix_grid_signal_power_node", "grid_signal", ["power_node_id", "begins_at", "id"])
    op.create_index("ix_grid_signal_received", "grid_signal", ["tenant_id", "received_at", "id"])


def _grid_price() -> None:
    op.create_table(
        "grid_price",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("begins_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("price_per_kwh", sa.Double(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.CheckConstraint("ends_at > begins_at", name=op.f("ck_grid_price_window")),
        _ref("grid_price", "depot_id", "depot"),
        _ref("grid_price", "link_id", "grid_link"),
        *_keys("grid_price"),
    )
    op.create_index("ix_grid_price_depot", "grid_price", ["depot_id", "ends_at"])
    op.create_index("ix_grid_price_link", "grid_price", ["link_id", "external_id"])


def _grid_message() -> None:
    op.create_table(
        "grid_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("body", postgresql.JSONB(), nullable=True),
        _ref("grid_message", "depot_id", "depot"),
        _ref("grid_message", "link_id", "grid_link"),
        *_keys("grid_message"),
    )
    op.create_index("ix_grid_message_at", "grid_message", ["tenant_id", "at"])
    op.create_index("ix_grid_message_depot", "grid_message", ["depot_id"])
    op.create_index("ix_grid_message_link", "grid_message", ["link_id", "at", "id"])
    op.create_index(
        "uq_grid_message_request",
        "grid_message",
        ["link_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("direction = 'IN' AND request_id IS NOT NULL"),
    )


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
