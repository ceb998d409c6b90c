"""Limits of transactions that others set, and checks of what charge points obey."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.policies import protect

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
REACH = {
    "charging_limit": "EXISTS (SELECT FROM transaction p WHERE p.id = transaction_id)",
    "schedule_check": "EXISTS (SELECT FROM charge_point p WHERE p.id = charge_point_id)",
}


def upgrade() -> None:
    op.create_table(
        "charging_limit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("schedule", postgresql.JSONB(), nullable=False),
        sa.Column("valid_until", _MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("cleared_at", _MOMENT, nullable=True),
        _ref("charging_limit", "transaction_id", "transaction"),
        *_keys("charging_limit"),
    )
    op.create_index("ix_charging_limit_transaction", "charging_limit", ["transaction_id", "created_at", "id"])
    op.create_table(
        "schedule_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("evse_id", sa.Uuid(), nullable=False),
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("periods", postgresql.JSONB(), nullable=False),
        sa.Column("checked_at", _MOMENT, nullable=False),
        _ref("schedule_check", "charge_point_id", "charge_point"),
        _ref("schedule_check", "evse_id", "evse"),
        *_keys("schedule_check"),
        sa.UniqueConstraint("tenant_id", "command_id", name=op.f("uq_schedule_check_tenant_id_command_id")),
    )
    op.create_index("ix_schedule_check_evse", "schedule_check", ["evse_id", "checked_at", "id"])
    for table, reach in REACH.items():
        protect(table, reach=reach)


def _ref(table: str, column: str, target: str) -> sa.Constraint:
    name = op.f(f"fk_{table}_tenant_id_{column}")
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=name, ondelete="CASCADE")


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
    ]


def downgrade() -> None:
    for table in reversed(REACH):
        op.drop_table(table)
