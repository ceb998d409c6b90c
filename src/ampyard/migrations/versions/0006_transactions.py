"""Transactions: who authorised them, energy by interval, cost, corrections, anomalies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations import online
from ampyard.migrations.policies import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# By name: the columns, and the condition of a partial one.
_INDEXES: dict[str, tuple[list[str], str | None]] = {
    "ix_transaction_active_evse": (["evse_id"], "state = 'ACTIVE'"),
    "ix_transaction_ended": (["tenant_id", "(CASE WHEN (ended_at IS NULL) THEN 'infinity'::timestamptz ELSE ended_at END)", "id"], None),
    "ix_transaction_energy": (["tenant_id", "energy_wh", "id"], None),
    "ix_transaction_cost": (
        ["tenant_id", "(CASE WHEN (cost_amount IS NULL) THEN '9223372036854775807'::bigint ELSE cost_amount END)", "id"],
        None,
    ),
    "ix_transaction_id_tag": (["tenant_id", "id_tag", "started_at", "id"], None),
    "ix_transaction_stop_reason": (["tenant_id", "stop_reason", "started_at", "id"], None),
    "ix_transaction_authorized_by": (["tenant_id", "authorized_by", "started_at", "id"], None),
    "ix_transaction_running": (["tenant_id", "started_at", "id"], "state = 'ACTIVE'"),
    "ix_transaction_cost_due": (["tenant_id", "id"], "cost_due"),
    "ix_transaction_unspread": (["tenant_id", "id"], "register_at IS NULL AND energy_wh > 0"),
}

_OF_DEPOT = "depot_id IN (SELECT unnest(ampyard_depots()))"
_OF_CHARGE_POINT = "charge_point_id IN (SELECT unnest(ampyard_charge_points()))"
_OF_TRANSACTION = "EXISTS (SELECT FROM transaction p WHERE p.id = transaction_id)"

# The new tables, and what a caller with grants on resource groups sees of them.
_REACH = {
    # As a transaction itself, which need not be looked at for each of its many intervals.
    "energy_interval": f"{_OF_DEPOT} OR {_OF_CHARGE_POINT} OR vehicle_id IN (SELECT unnest(ampyard_vehicles()))",
    "transaction_correction": _OF_TRANSACTION,
    "transaction_anomaly": f"{_OF_CHARGE_POINT} OR {_OF_TRANSACTION}",
    "energy_price": _OF_DEPOT,
}


def upgrade() -> None:
    for column in _added():
        op.add_column("transaction", column)
    for name, (columns, where) in _INDEXES.items():
        online.create_index(name, "transaction", columns, where=where)
    _energy_interval()
    _transaction_correction()
    _transaction_anomaly()
    _energy_price()
    for table, reach in _REACH.items():
        protect(table, reach=reach)
    # A correction is never changed: another one takes it back.
    op.execute("REVOKE UPDATE, DELETE ON transaction_correction FROM ampyard_app")


def _added() -> list[sa.Column[object]]:
    return [
        sa.Column("authorized_by", sa.Text(), nullable=True),
        sa.Column("authorization", sa.Text(), nullable=True),
        sa.Column("authorized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id_tag_kind", sa.Text(), nullable=True),
        sa.Column("started_by", sa.Text(), nullable=True),
        sa.Column("started_offline", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("vehicle_resolved_by", sa.Text(), nullable=True),
        sa.Column("vehicle_resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reservation_id", sa.Integer(), nullable=True),
        sa.Column("register_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begin_register_missing", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("cost_amount", sa.BigInteger(), nullable=True),
        sa.Column("cost_currency", sa.Text(), nullable=True),
        sa.Column("cost_due", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ]


def _energy_interval() -> None:
    op.create_table(
        "energy_interval",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("evse_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("energy_wh", sa.Double(), nullable=False),
        sa.Column("peak_kw", sa.Double(), nullable=False),
        sa.Column("gap", sa.Boolean(), nullable=False),
        _of_tenant("energy_interval"),
        _ref("energy_interval", "transaction_id", "transaction", "CASCADE"),
        sa.PrimaryKeyConstraint("transaction_id", "starts_at", name=op.f("pk_energy_interval")),
    )
    for kind in ("depot", "charge_point", "vehicle"):
        op.create_index(f"ix_energy_interval_{kind}", "energy_interval", [f"{kind}_id", "starts_at"])


def _transaction_correction() -> None:
    op.create_table(
        "transaction_correction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("energy_wh", sa.Double(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vehicle_id", sa.Uuid(), nullable=True),
        sa.Column("voids_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        _created(),
        *_keys("transaction_correction"),
        _ref("transaction_correction", "transaction_id", "transaction", "CASCADE"),
        _ref("transaction_correction", "vehicle_id", "vehicle"),
        _ref("transaction_correction", "voids_id", "transaction_correction"),
        sa.CheckConstraint(
            "(voids_id IS NULL) = (num_nonnulls(energy_wh, started_at, ended_at, vehicle_id) > 0)",
            name=op.f("ck_transaction_correction_says_or_voids"),
        ),
    )
    columns = ["transaction_id", "created_at", "id"]
    op.create_index("ix_transaction_correction_transaction", "transaction_correction", columns)
    op.create_index("uq_transaction_correction_voids", "transaction_correction", ["voids_id"], unique=True)


def _transaction_anomaly() -> None:
    op.create_table(
        "transaction_anomaly",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        *_keys("transaction_anomaly"),
        _ref("transaction_anomaly", "depot_id", "depot", "CASCADE"),
        _ref("transaction_anomaly", "charge_point_id", "charge_point", "CASCADE"),
        _ref("transaction_anomaly", "transaction_id", "transaction", "CASCADE"),
        sa.CheckConstraint(
            "num_nonnulls(resolved_at, resolved_by, resolution) IN (0, 3)", name=op.f("ck_transaction_anomaly_resolved_whole")
        ),
    )
    for name, first in (
        ("list", "tenant_id"),
        ("depot", "depot_id"),
        ("charge_point", "charge_point_id"),
        ("transaction", "transaction_id"),
    ):
        op.create_index(f"ix_transaction_anomaly_{name}", "transaction_anomaly", [first, "detected_at", "id"])
    op.create_index(
        "ix_transaction_anomaly_open",
        "transaction_anomaly",
        ["tenant_id", "detected_at", "id"],
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(
        "uq_transaction_anomaly_evidence",
        "transaction_anomaly",
        ["charge_point_id", "transaction_id", "kind", "evidence"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "uq_transaction_anomaly_open",
        "transaction_anomaly",
        ["transaction_id", "kind"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL AND transaction_id IS NOT NULL"),
    )


def _energy_price() -> None:
    op.create_table(
        "energy_price",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("price_per_kwh", sa.Numeric(), nullable=False),
        sa.Column("windows", postgresql.JSONB(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        _created(),
        *_keys("energy_price"),
        _ref("energy_price", "depot_id", "depot", "CASCADE"),
    )
    op.create_index("ix_energy_price_depot", "energy_price", ["depot_id", "valid_from", "id"])
    op.create_index("ix_energy_price_list", "energy_price", ["tenant_id", "valid_from", "id"])


def _created() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
        _of_tenant(table),
    ]


def _of_tenant(table: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE")


def _ref(table: str, column: str, target: str, ondelete: str = "RESTRICT") -> sa.Constraint:
    name = op.f(f"fk_{table}_tenant_id_{column}")
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=name, ondelete=ondelete)


def downgrade() -> None:
    """What was measured stays; intervals can be made again of it. Corrections, decisions on anomalies and prices are lost."""
    for table in _REACH:
        op.drop_table(table)
    for name in _INDEXES:
        op.drop_index(name, "transaction")
    for column in _added():
        op.drop_column("transaction", column.name)
