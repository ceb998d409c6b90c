"""What is known of transactions beyond their measured row: energy by interval, corrections, anomalies; and what energy costs."""

import json
from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Column, Double, Index, Numeric, PrimaryKeyConstraint, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from ampyard.domain.anomalies import AnomalyKind, Resolution
from ampyard.domain.local_time import Weekday
from ampyard.domain.pricing import PriceWindow
from ampyard.repositories.tables.base import TextEnum, at, created, ref, tenant_table


class PriceWindows(TypeDecorator[tuple[PriceWindow, ...]]):
    """The windows of a price, as JSON; they are only ever read with it."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: tuple[PriceWindow, ...] | None, dialect: Any) -> Any:
        del dialect
        return [
            {
                "weekdays": sorted(window.weekdays),
                "starts_at": window.starts_at.isoformat(),
                "ends_at": window.ends_at.isoformat(),
                "price_per_kwh": str(window.price_per_kwh),
            }
            for window in value or ()
        ]

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        del dialect, coltype
        return _windows


def _windows(stored: str) -> tuple[PriceWindow, ...]:
    return tuple(
        PriceWindow(
            weekdays=frozenset(map(Weekday, one["weekdays"])),
            starts_at=time.fromisoformat(one["starts_at"]),
            ends_at=time.fromisoformat(one["ends_at"]),
            price_per_kwh=Decimal(one["price_per_kwh"]),
        )
        for one in json.loads(stored)
    )


energy_interval = tenant_table(
    "energy_interval",
    Column("transaction_id", Uuid, nullable=False),
    # Those of its transaction, so that energy is added up by any of them without it.
    Column("depot_id", Uuid, nullable=False),
    Column("charge_point_id", Uuid, nullable=False),
    Column("evse_id", Uuid, nullable=False),
    Column("vehicle_id", Uuid),
    at("starts_at", nullable=False),
    Column("energy_wh", Double, nullable=False),
    Column("peak_kw", Double, nullable=False),
    Column("gap", Boolean, nullable=False),
    PrimaryKeyConstraint("transaction_id", "starts_at"),
    ref("transaction_id", "transaction", ondelete="CASCADE"),
    Index("ix_energy_interval_depot", "depot_id", "starts_at"),
    Index("ix_energy_interval_charge_point", "charge_point_id", "starts_at"),
    Index("ix_energy_interval_vehicle", "vehicle_id", "starts_at"),
    unique_id=False,
)

transaction_correction = tenant_table(
    "transaction_correction",
    Column("transaction_id", Uuid, nullable=False),
    Column("energy_wh", Double),
    at("started_at"),
    at("ended_at"),
    Column("vehicle_id", Uuid),
    Column("voids_id", Uuid),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    created(),
    ref("transaction_id", "transaction", ondelete="CASCADE"),
    ref("vehicle_id", "vehicle"),
    ref("voids_id", "transaction_correction"),
    # It says something, or takes back something, never both; and nothing is taken back twice.
    CheckConstraint("(voids_id IS NULL) = (num_nonnulls(energy_wh, started_at, ended_at, vehicle_id) > 0)", name="says_or_voids"),
    Index("ix_transaction_correction_transaction", "transaction_id", "created_at", "id"),
    Index("uq_transaction_correction_voids", "voids_id", unique=True),
)

transaction_anomaly = tenant_table(
    "transaction_anomaly",
    Column("depot_id", Uuid, nullable=False),
    Column("charge_point_id", Uuid, nullable=False),
    Column("transaction_id", Uuid),
    Column("kind", TextEnum(AnomalyKind), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    at("detected_at", nullable=False),
    at("resolved_at"),
    Column("resolved_by", Text),
    Column("resolution", TextEnum(Resolution)),
    Column("note", Text),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("transaction_id", "transaction", ondelete="CASCADE"),
    CheckConstraint("num_nonnulls(resolved_at, resolved_by, resolution) IN (0, 3)", name="resolved_whole"),
    Index("ix_transaction_anomaly_list", "tenant_id", "detected_at", "id"),
    Index("ix_transaction_anomaly_depot", "depot_id", "detected_at", "id"),
    Index("ix_transaction_anomaly_charge_point", "charge_point_id", "detected_at", "id"),
    Index("ix_transaction_anomaly_transaction", "transaction_id", "detected_at", "id"),
    # What people have to look at is a small part of what there ever was.
    Index("ix_transaction_anomaly_open", "tenant_id", "detected_at", "id", postgresql_where=text("resolved_at IS NULL")),
    # The same finding, made again from a message that came twice, is the same anomaly.
    Index(
        "uq_transaction_anomaly_evidence",
        "charge_point_id",
        "transaction_id",
        "kind",
        "evidence",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    # One at a time: while a person has not looked at it, a register that goes back again is the same matter.
    Index(
        "uq_transaction_anomaly_open",
        "transaction_id",
        "kind",
        unique=True,
        postgresql_where=text("resolved_at IS NULL AND transaction_id IS NOT NULL"),
    ),
)

energy_price = tenant_table(
    "energy_price",
    Column("depot_id", Uuid, nullable=False),
    Column("currency", Text, nullable=False),
    Column("price_per_kwh", Numeric, nullable=False),
    Column("windows", PriceWindows, nullable=False),
    at("valid_from", nullable=False),
    Column("author", Text, nullable=False),
    created(),
    ref("depot_id", "depot", ondelete="CASCADE"),
    Index("ix_energy_price_depot", "depot_id", "valid_from", "id"),
    Index("ix_energy_price_list", "tenant_id", "valid_from", "id"),
)
