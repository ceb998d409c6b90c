"""Who may see and do what: users, resource groups, grants; and which requests have been answered."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from ampyard.domain.access import Role
from ampyard.repositories.tables.base import TextEnum, at, created, ref, tenant_table, updated

app_user = tenant_table(
    "app_user",
    Column("subject", Text, nullable=False),
    Column("email", Text),
    Column("name", Text, nullable=False),
    at("disabled_at"),
    created(),
    updated(),
    at("last_seen_at"),
    UniqueConstraint("tenant_id", "subject"),
    Index("ix_app_user_list", "tenant_id", "name", "id"),
)

resource_group = tenant_table(
    "resource_group",
    Column("parent_id", Uuid),
    Column("name", Text, nullable=False),
    Column("description", Text),
    created(),
    updated(),
    ForeignKeyConstraint(["tenant_id", "parent_id"], ["resource_group.tenant_id", "resource_group.id"]),
    UniqueConstraint("tenant_id", "parent_id", "name", postgresql_nulls_not_distinct=True),
    CheckConstraint("parent_id <> id", name="not_its_own_parent"),
    Index("ix_resource_group_list", "tenant_id", "name", "id"),
    Index("ix_resource_group_parent", "parent_id", "name", "id"),
)

resource_group_member = tenant_table(
    "resource_group_member",
    Column("resource_group_id", Uuid, nullable=False),
    Column("depot_id", Uuid),
    Column("charge_point_id", Uuid),
    Column("vehicle_id", Uuid),
    created(),
    ref("resource_group_id", "resource_group", ondelete="CASCADE"),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    CheckConstraint("num_nonnulls(depot_id, charge_point_id, vehicle_id) = 1", name="one_member"),
    # A member is in a group once; and policies ask for the members of a group, of one kind.
    UniqueConstraint("resource_group_id", "depot_id", "charge_point_id", "vehicle_id", postgresql_nulls_not_distinct=True),
    Index("ix_resource_group_member_depot", "depot_id", postgresql_where=text("depot_id IS NOT NULL")),
    Index("ix_resource_group_member_charge_point", "charge_point_id", postgresql_where=text("charge_point_id IS NOT NULL")),
    Index("ix_resource_group_member_vehicle", "vehicle_id", postgresql_where=text("vehicle_id IS NOT NULL")),
)

role_grant = tenant_table(
    "role_grant",
    Column("user_id", Uuid, nullable=False),
    Column("role", TextEnum(Role), nullable=False),
    Column("resource_group_id", Uuid),
    Column("author", Text, nullable=False),
    created(),
    at("expires_at"),
    at("revoked_at"),
    ref("user_id", "app_user", ondelete="CASCADE"),
    ref("resource_group_id", "resource_group", ondelete="CASCADE"),
    Index("ix_role_grant_user", "user_id", "created_at", "id"),
    Index("ix_role_grant_resource_group", "resource_group_id", "created_at", "id"),
    Index("ix_role_grant_list", "tenant_id", "created_at", "id"),
)

# Which requests with an idempotency key have been answered, and with what; see `repositories.requests`.
answered_request = tenant_table(
    "answered_request",
    Column("author", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("answer", JSONB, nullable=False),
    created(),
    UniqueConstraint("tenant_id", "author", "key"),
    Index("ix_answered_request_created", "created_at"),
)
