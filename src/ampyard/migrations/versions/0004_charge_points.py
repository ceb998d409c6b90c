"""Charge points: life cycle, configuration, faults, availability, templates.

Charge points that are there already are in service. Their availability is recorded from when they next connect or change: what
was before was not observed, and uptime says so.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.online import create_index, drop_index
from ampyard.migrations.policies import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WITHIN_REACH = "charge_point_id IN (SELECT unnest(ampyard_charge_points()))"
_NEW_COLUMNS = ("state", "state_at", "state_reason", "status", "iccid", "imsi", "meter_type", "meter_serial_number")


def upgrade() -> None:
    op.add_column("charge_point", sa.Column("state", sa.Text(), server_default="IN_SERVICE", nullable=False))
    op.add_column("charge_point", sa.Column("state_at", sa.DateTime(timezone=True)))
    op.add_column("charge_point", sa.Column("status", sa.Text(), server_default="Unknown", nullable=False))
    for name in ("state_reason", "iccid", "imsi", "meter_type", "meter_serial_number"):
        op.add_column("charge_point", sa.Column(name, sa.Text()))
    # Whoever is retired may not log in: seen before a tenant is known.
    op.execute("GRANT SELECT (state) ON charge_point TO ampyard_system")
    create_index("ix_charge_point_name", "charge_point", ["tenant_id", "name", "id"])
    # A charge point's commands become a list: in the order of the list, ids included.
    create_index("ix_command_list", "command", ["charge_point_id", "created_at", "id"])
    drop_index("ix_command_charge_point", "command")
    _variables()
    _faults()
    _firmware()
    _availability()
    _templates()


def downgrade() -> None:
    """Takes the history of availability, faults and firmware, the variables, the planned downtimes and the templates with it."""
    for table in (
        "charge_point_template",
        "planned_downtime",
        "evse_availability",
        "firmware_status",
        "charge_point_fault",
        "charge_point_variable",
    ):
        op.drop_table(table)
    create_index("ix_command_charge_point", "command", ["charge_point_id", "created_at"])
    drop_index("ix_command_list", "command")
    drop_index("ix_charge_point_name", "charge_point")
    for name in _NEW_COLUMNS:
        op.drop_column("charge_point", name)


def _of_charge_point(name: str, *columns: sa.schema.SchemaItem) -> None:
    """Make a table whose rows belong to a charge point, and show them to whoever may see that."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{name}_tenant_id"), ondelete="CASCADE"),
        _ref(name, "charge_point"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{name}_tenant_id_id")),
    )
    protect(name, reach=_WITHIN_REACH)


def _ref(table: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", f"{target}_id"],
        [f"{target}.tenant_id", f"{target}.id"],
        name=op.f(f"fk_{table}_tenant_id_{target}_id"),
        ondelete="CASCADE",
    )


def _text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _stamp(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _variables() -> None:
    table = "charge_point_variable"
    name = ("component", "component_instance", "evse_no", "connector_no", "variable", "variable_instance")
    _of_charge_point(
        table,
        _text("component", nullable=False),
        _text("component_instance", nullable=False),
        sa.Column("evse_no", sa.Integer(), nullable=False),
        sa.Column("connector_no", sa.Integer(), nullable=False),
        _text("variable", nullable=False),
        _text("variable_instance", nullable=False),
        _text("value"),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        _text("unit"),
        _text("data_type"),
        _text("allowed_values"),
        _moment("reported_at", nullable=False),
        _stamp("created_at"),
        sa.UniqueConstraint("charge_point_id", *name, name=op.f("uq_charge_point_variable_name")),
    )
    op.create_index("ix_charge_point_variable_list", table, ["charge_point_id", "variable", "id"])
    op.create_index("ix_charge_point_variable_reported", table, ["charge_point_id", "reported_at", "id"])


def _faults() -> None:
    table = "charge_point_fault"
    _of_charge_point(
        table,
        sa.Column("evse_id", sa.Uuid()),
        sa.Column("connector_id", sa.Uuid()),
        _text("source", nullable=False),
        _text("code", nullable=False),
        *[_text(name) for name in ("vendor_id", "vendor_code", "info", "component", "variable")],
        _moment("raised_at", nullable=False),
        _moment("cleared_at"),
        _ref(table, "evse"),
        _ref(table, "connector"),
    )
    op.create_index("ix_charge_point_fault_list", table, ["tenant_id", "raised_at", "id"])
    op.create_index("ix_charge_point_fault_charge_point", table, ["charge_point_id", "raised_at", "id"])
    op.create_index("ix_charge_point_fault_open", table, ["charge_point_id"], postgresql_where=sa.text("cleared_at IS NULL"))
    op.create_index("ix_charge_point_fault_evse", table, ["evse_id"])
    op.create_index("ix_charge_point_fault_connector", table, ["connector_id"])


def _firmware() -> None:
    table = "firmware_status"
    _of_charge_point(table, _text("status", nullable=False), sa.Column("request_id", sa.Integer()), _moment("reported_at", nullable=False))
    op.create_index("ix_firmware_status_charge_point", table, ["charge_point_id", "reported_at", "id"])


def _availability() -> None:
    table = "evse_availability"
    _of_charge_point(
        table,
        sa.Column("evse_id", sa.Uuid(), nullable=False),
        _text("availability", nullable=False),
        _moment("began_at", nullable=False),
        _moment("ended_at"),
        _ref(table, "evse"),
        sa.CheckConstraint("ended_at > began_at", name=op.f("ck_evse_availability_interval")),
    )
    op.create_index("uq_evse_availability_open", table, ["evse_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index("ix_evse_availability_evse", table, ["evse_id", "began_at", "id"])
    op.create_index("ix_evse_availability_charge_point", table, ["charge_point_id", "began_at"])
    table = "planned_downtime"
    _of_charge_point(
        table,
        _moment("starts_at", nullable=False),
        _moment("ends_at", nullable=False),
        _text("reason", nullable=False),
        _text("author", nullable=False),
        _moment("cancelled_at"),
        _stamp("created_at"),
        _stamp("updated_at"),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_planned_downtime_window")),
    )
    op.create_index("ix_planned_downtime_list", table, ["tenant_id", "starts_at", "id"])
    op.create_index("ix_planned_downtime_charge_point", table, ["charge_point_id", "starts_at", "id"])


def _templates() -> None:
    table = "charge_point_template"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        _text("name", nullable=False),
        _text("vendor"),
        _text("model"),
        sa.Column("evses", postgresql.JSONB(), nullable=False),
        _stamp("created_at"),
        _stamp("updated_at"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f(f"uq_{table}_tenant_id_name")),
    )
    protect(table)
    op.create_index("ix_charge_point_template_list", table, ["tenant_id", "name", "id"])
