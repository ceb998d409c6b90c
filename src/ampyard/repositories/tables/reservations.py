"""EVSEs that are kept for somebody."""

from sqlalchemy import Column, Index, Integer, Sequence, Text, UniqueConstraint, Uuid, text

from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.reservations import ReservationState
from ampyard.repositories.tables.base import TextEnum, at, created, metadata, ref, tenant_table, updated

# Reservations are named by a number at charge points (OCPP 1.6, 6.43; 2.0.1 part 2, ReserveNowRequest.id).
reservation_number_seq = Sequence("reservation_number_seq", metadata=metadata, data_type=Integer)

reservation = tenant_table(
    "reservation",
    Column("depot_id", Uuid, nullable=False),
    Column("charge_point_id", Uuid, nullable=False),
    Column("evse_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("id_tag", Text, nullable=False),
    Column("id_tag_kind", TextEnum(IdTagKind), nullable=False),
    Column("group_id", Text),
    Column("state", TextEnum(ReservationState), nullable=False),
    Column("outcome", Text),
    at("expires_at", nullable=False),
    Column("author", Text, nullable=False),
    Column("transaction_id", Uuid),
    Column("partner_id", Uuid),
    Column("partner_reference", Text),
    Column("authorization_id", Uuid),
    created(),
    updated(),
    at("ended_at"),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("evse_id", "evse", ondelete="CASCADE"),
    ref("transaction_id", "transaction", ondelete="CASCADE"),
    UniqueConstraint("number"),
    Index("ix_reservation_list", "tenant_id", "created_at", "id"),
    Index("ix_reservation_evse", "evse_id", "created_at", "id"),
    Index("ix_reservation_partner", "partner_id", "partner_reference"),
    # Few are open at any time.
    Index("ix_reservation_open", "expires_at", postgresql_where=text("state IN ('REQUESTED', 'ACTIVE')")),
    # An EVSE is kept for one at a time.
    Index("uq_reservation_kept", "evse_id", unique=True, postgresql_where=text("state IN ('REQUESTED', 'ACTIVE')")),
)
