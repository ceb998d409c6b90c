"""The outside of the supply: links, the limits and prices that come by them, and what was said there."""

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, Double, ForeignKeyConstraint, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from ampyard.domain.grid_links import LinkKind
from ampyard.domain.grid_messages import MessageDirection
from ampyard.domain.grid_signals import SignalEnd, SignalKind, SignalOrigin
from ampyard.repositories.tables.base import TextEnum, at, created, ref, tenant_table, updated


def _of_node() -> ForeignKeyConstraint:
    columns = ["tenant_id", "depot_id", "power_node_id"]
    return ForeignKeyConstraint(columns, ["power_node.tenant_id", "power_node.depot_id", "power_node.id"], ondelete="CASCADE")


grid_link = tenant_table(
    "grid_link",
    Column("depot_id", Uuid, nullable=False),
    Column("power_node_id", Uuid, nullable=False),
    Column("kind", TextEnum(LinkKind), nullable=False),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("lost_after_s", Integer, nullable=False),
    Column("fallback_kw", Double),
    Column("fallback_a", Double),
    at("lost_at", nullable=False),
    at("due_at", nullable=False),
    created(),
    updated(),
    at("heard_at"),
    Column("token_prefix", Text),
    Column("group_id", Text),
    Column("url", Text),
    Column("token_url", Text),
    Column("client_id", Text),
    Column("ven_name", Text),
    at("registered_at"),
    Column("peer_interval_s", Double),
    Column("peer_measurements", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    at("called_at"),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    at("measured_until"),
    Column("handshake_id", Text),
    # What no entity shows: the hash of the token that the other side comes with, and what we come with there, locked up.
    Column("token_hash", Text),
    # The token that the other side is being told to use from now on; the first call that comes with it makes it the only one.
    Column("next_token_hash", Text),
    Column("locked_secret", Text),
    _of_node(),
    CheckConstraint("num_nonnulls(fallback_kw, fallback_a) > 0", name="fallback"),
    Index("ix_grid_link_power_node", "power_node_id", "created_at", "id"),
    Index("ix_grid_link_depot", "depot_id"),
    Index("ix_grid_link_due", "due_at", postgresql_where=text("enabled")),
    Index("uq_grid_link_token", "token_hash", unique=True),
    Index("uq_grid_link_next_token", "next_token_hash", unique=True),
)

grid_signal = tenant_table(
    "grid_signal",
    Column("depot_id", Uuid, nullable=False),
    Column("power_node_id", Uuid, nullable=False),
    Column("link_id", Uuid),
    Column("origin", TextEnum(SignalOrigin), nullable=False),
    Column("kind", TextEnum(SignalKind), nullable=False),
    Column("external_id", Text),
    at("begins_at", nullable=False),
    at("ends_at", nullable=False),
    Column("limit_kw", Double),
    Column("limit_a", Double),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    at("received_at", nullable=False),
    at("counts_until", nullable=False),
    Column("ended_as", TextEnum(SignalEnd)),
    Column("excess_kw", Double),
    at("told_at"),
    _of_node(),
    ref("link_id", "grid_link", ondelete="CASCADE"),
    CheckConstraint("ends_at > begins_at", name="window"),
    CheckConstraint("num_nonnulls(limit_kw, limit_a) > 0 AND coalesce(limit_kw, 0) >= 0 AND coalesce(limit_a, 0) >= 0", name="limits"),
    Index("ix_grid_signal_power_node", "power_node_id", "begins_at", "id"),
    # Few count now or will: forecasts are superseded again and again.
    Index("ix_grid_signal_counting", "power_node_id", "counts_until"),
    Index("ix_grid_signal_depot", "depot_id", "counts_until"),
    Index("ix_grid_signal_link", "link_id", "counts_until"),
    Index("ix_grid_signal_received", "tenant_id", "received_at", "id"),
)

grid_price = tenant_table(
    "grid_price",
    Column("depot_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("external_id", Text, nullable=False),
    at("begins_at", nullable=False),
    at("ends_at", nullable=False),
    Column("price_per_kwh", Double, nullable=False),
    Column("currency", Text, nullable=False),
    at("received_at", nullable=False),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ref("link_id", "grid_link", ondelete="CASCADE"),
    CheckConstraint("ends_at > begins_at", name="window"),
    Index("ix_grid_price_depot", "depot_id", "ends_at"),
    Index("ix_grid_price_link", "link_id", "external_id"),
)

grid_message = tenant_table(
    "grid_message",
    Column("depot_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    at("at", nullable=False),
    Column("direction", TextEnum(MessageDirection), nullable=False),
    Column("name", Text, nullable=False),
    Column("request_id", Text),
    Column("correlation_id", Text),
    Column("status", Integer),
    Column("error", Text),
    Column("body", JSONB(none_as_null=True)),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ref("link_id", "grid_link", ondelete="CASCADE"),
    Index("ix_grid_message_link", "link_id", "at", "id"),
    Index("ix_grid_message_depot", "depot_id"),
    Index("ix_grid_message_at", "tenant_id", "at"),
    # The same request sent again is answered again, and done once.
    Index(
        "uq_grid_message_request",
        "link_id",
        "request_id",
        unique=True,
        postgresql_where=text("direction = 'IN' AND request_id IS NOT NULL"),
    ),
)
