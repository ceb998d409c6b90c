"""Access: users, resource groups and grants, and what they let see; requests that are answered once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations import online
from ampyard.migrations.policies import confine, protect, unconfine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OF_CHARGE_POINT = "EXISTS (SELECT FROM charge_point p WHERE p.id = charge_point_id)"

# What a caller with grants on resource groups sees of the tables that were there before.
REACH = {
    "resource_group": "id IN (SELECT unnest(ampyard_groups()))",
    "depot": "id IN (SELECT unnest(ampyard_depots()))",
    "power_node": "depot_id IN (SELECT unnest(ampyard_depots()))",
    # These two are what the functions read, so they ask for the members themselves.
    "charge_point": "depot_id IN (SELECT unnest(ampyard_depots())) OR id IN (SELECT unnest(ampyard_member_charge_points()))",
    "vehicle": "depot_id IN (SELECT unnest(ampyard_depots())) OR id IN (SELECT unnest(ampyard_member_vehicles()))",
    "evse": _OF_CHARGE_POINT,
    "connector": "EXISTS (SELECT FROM evse p WHERE p.id = evse_id)",
    "command": _OF_CHARGE_POINT,
    "id_tag": "EXISTS (SELECT FROM vehicle p WHERE p.id = vehicle_id)",
    "transaction": (
        "depot_id IN (SELECT unnest(ampyard_depots()))"
        " OR charge_point_id IN (SELECT unnest(ampyard_charge_points()))"
        " OR vehicle_id IN (SELECT unnest(ampyard_vehicles()))"
    ),
    "meter_sample": (
        "charge_point_id IN (SELECT unnest(ampyard_charge_points())) OR EXISTS (SELECT FROM transaction p WHERE p.id = transaction_id)"
    ),
    "priority": (
        "vehicle_id IN (SELECT unnest(ampyard_vehicles()))"
        " OR charge_point_id IN (SELECT unnest(ampyard_charge_points()))"
        " OR EXISTS (SELECT FROM transaction p WHERE p.id = transaction_id)"
    ),
}


def upgrade() -> None:
    _tables()
    _functions()
    for table in ("app_user", "resource_group", "resource_group_member", "role_grant", "answered_request"):
        protect(table)
    for table, reach in REACH.items():
        confine(table, reach)
    # Reports have a scope of their own, which may reach less far.
    op.execute(
        "CREATE POLICY reach ON report AS RESTRICTIVE TO ampyard_app"
        " USING ((SELECT ampyard_reports_everywhere()) OR depot_id IN (SELECT unnest(ampyard_report_depots())))"
    )
    op.execute("GRANT SELECT (resource_group_id) ON api_key TO ampyard_system")


def _tables() -> None:
    op.create_table(
        "app_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        *_times(),
        *_keys("app_user"),
        sa.UniqueConstraint("tenant_id", "subject", name=op.f("uq_app_user_tenant_id_subject")),
    )
    op.create_index("ix_app_user_list", "app_user", ["tenant_id", "name", "id"])
    op.create_table(
        "resource_group",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        *_times(),
        *_keys("resource_group"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "parent_id"],
            ["resource_group.tenant_id", "resource_group.id"],
            name=op.f("fk_resource_group_tenant_id_parent_id"),
        ),
        sa.UniqueConstraint(
            "tenant_id", "parent_id", "name", name=op.f("uq_resource_group_tenant_id_parent_id_name"), postgresql_nulls_not_distinct=True
        ),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_resource_group_not_its_own_parent")),
    )
    op.create_index("ix_resource_group_list", "resource_group", ["tenant_id", "name", "id"])
    op.create_index("ix_resource_group_parent", "resource_group", ["parent_id", "name", "id"])
    op.create_table(
        "resource_group_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("resource_group_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=True),
        sa.Column("charge_point_id", sa.Uuid(), nullable=True),
        sa.Column("vehicle_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *_keys("resource_group_member"),
        *[_ref("resource_group_member", name) for name in ("resource_group", "depot", "charge_point", "vehicle")],
        sa.CheckConstraint("num_nonnulls(depot_id, charge_point_id, vehicle_id) = 1", name=op.f("ck_resource_group_member_one_member")),
        sa.UniqueConstraint(
            "resource_group_id",
            "depot_id",
            "charge_point_id",
            "vehicle_id",
            name=op.f("uq_resource_group_member_resource_group_id_depot_id_charge_point_id_vehicle_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    for kind in ("depot", "charge_point", "vehicle"):
        column = f"{kind}_id"
        op.create_index(
            f"ix_resource_group_member_{kind}", "resource_group_member", [column], postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("resource_group_id", sa.Uuid(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        *_keys("role_grant"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["app_user.tenant_id", "app_user.id"],
            name=op.f("fk_role_grant_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        _ref("role_grant", "resource_group"),
    )
    op.create_index("ix_role_grant_user", "role_grant", ["user_id", "created_at", "id"])
    op.create_index("ix_role_grant_resource_group", "role_grant", ["resource_group_id", "created_at", "id"])
    op.create_index("ix_role_grant_list", "role_grant", ["tenant_id", "created_at", "id"])
    op.create_table(
        "answered_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *_keys("answered_request"),
        sa.UniqueConstraint("tenant_id", "author", "key", name=op.f("uq_answered_request_tenant_id_author_key")),
    )
    op.create_index("ix_answered_request_created", "answered_request", ["created_at"])
    op.add_column("api_key", sa.Column("resource_group_id", sa.Uuid(), nullable=True))
    online.add_foreign_key(
        "fk_api_key_tenant_id_resource_group_id",
        "api_key",
        ["tenant_id", "resource_group_id"],
        "resource_group",
        ["tenant_id", "id"],
        ondelete="CASCADE",
    )


def _times() -> list[sa.Column[object]]:
    return [
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
    ]


def _ref(table: str, target: str) -> sa.Constraint:
    column = f"{target}_id"
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=op.f(f"fk_{table}_tenant_id_{column}"), ondelete="CASCADE"
    )


def _functions() -> None:
    """Make what the policies ask. They run as the caller, so that row-level security holds in them too."""
    bodies = {
        # '*': the whole tenant; an array of resource groups: what is in them; nothing set: nothing.
        "ampyard_everywhere() RETURNS boolean": "current_setting('ampyard.reach', true) = '*'",
        "ampyard_groups() RETURNS uuid[]": (
            "CASE WHEN current_setting('ampyard.reach', true) LIKE '{%' THEN current_setting('ampyard.reach', true)::uuid[] ELSE '{}' END"
        ),
        # Set only where reports reach less far than the rest.
        "ampyard_reports_reach() RETURNS text": (
            "coalesce(nullif(current_setting('ampyard.reports', true), ''), current_setting('ampyard.reach', true))"
        ),
        "ampyard_reports_everywhere() RETURNS boolean": "ampyard_reports_reach() = '*'",
        "ampyard_depots_of(groups uuid[]) RETURNS uuid[]": _members("depot", "groups"),
        "ampyard_depots() RETURNS uuid[]": "ampyard_depots_of(ampyard_groups())",
        "ampyard_report_depots() RETURNS uuid[]": (
            "CASE WHEN ampyard_reports_reach() LIKE '{%' THEN ampyard_depots_of(ampyard_reports_reach()::uuid[]) ELSE '{}' END"
        ),
        "ampyard_member_charge_points() RETURNS uuid[]": _members("charge_point", "ampyard_groups()"),
        "ampyard_member_vehicles() RETURNS uuid[]": _members("vehicle", "ampyard_groups()"),
        # What the caller sees, by the policies of these tables.
        "ampyard_charge_points() RETURNS uuid[]": "coalesce((SELECT array_agg(id) FROM charge_point), '{}')",
        "ampyard_vehicles() RETURNS uuid[]": "coalesce((SELECT array_agg(id) FROM vehicle), '{}')",
    }
    for signature, body in bodies.items():
        op.execute(f"CREATE FUNCTION {signature} LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT {body} $$")


def _members(kind: str, groups: str) -> str:
    return (
        f"coalesce((SELECT array_agg({kind}_id) FROM resource_group_member"
        f" WHERE resource_group_id = ANY({groups}) AND {kind}_id IS NOT NULL), '{{}}')"
    )


def downgrade() -> None:
    """Take all of it back; users, groups and grants are lost, and with them who was confined to what."""
    op.execute("DROP POLICY reach ON report")
    for table in REACH:
        unconfine(table)
    op.drop_constraint(op.f("fk_api_key_tenant_id_resource_group_id"), "api_key", type_="foreignkey", if_exists=True)
    # A key that was confined to a group would reach the whole tenant without it.
    op.execute("UPDATE api_key SET revoked_at = now() WHERE resource_group_id IS NOT NULL AND revoked_at IS NULL")
    op.drop_column("api_key", "resource_group_id")
    for function in (
        "ampyard_vehicles()",
        "ampyard_charge_points()",
        "ampyard_member_vehicles()",
        "ampyard_member_charge_points()",
        "ampyard_report_depots()",
        "ampyard_depots()",
        "ampyard_depots_of(uuid[])",
        "ampyard_reports_everywhere()",
        "ampyard_reports_reach()",
        "ampyard_groups()",
        "ampyard_everywhere()",
    ):
        op.execute(f"DROP FUNCTION {function}")
    for table in ("answered_request", "role_grant", "resource_group_member", "resource_group", "app_user"):
        op.drop_table(table)
