"""Charging profiles: limits of transactions that others set, and what charge points say that they obey."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Text, UniqueConstraint, Uuid

from ampyard.domain.charging_limits import LimitOrigin
from ampyard.domain.limit_schedules import Schedule
from ampyard.domain.schedule_checks import ComparedPeriod, ScheduleVerdict
from ampyard.repositories.tables.base import Stored, TextEnum, at, created, ref, tenant_table


def _periods(periods: tuple[ComparedPeriod, ...]) -> list[list[Any]]:
    return [[it.begins_at.isoformat(), it.expected_kw, it.told_kw, it.verdict.value] for it in periods]


def _of_periods(stored: list[list[Any]]) -> tuple[ComparedPeriod, ...]:
    return tuple(
        ComparedPeriod(datetime.fromisoformat(begins_at), expected_kw, told_kw, ScheduleVerdict(verdict))
        for begins_at, expected_kw, told_kw, verdict in stored
    )


charging_limit = tenant_table(
    "charging_limit",
    Column("transaction_id", Uuid, nullable=False),
    Column("origin", TextEnum(LimitOrigin), nullable=False),
    Column("schedule", Stored(Schedule.to_json, Schedule.from_json), nullable=False),
    at("valid_until"),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    created(),
    at("cleared_at"),
    ref("transaction_id", "transaction", ondelete="CASCADE"),
    Index("ix_charging_limit_transaction", "transaction_id", "created_at", "id"),
)

schedule_check = tenant_table(
    "schedule_check",
    Column("charge_point_id", Uuid, nullable=False),
    Column("evse_id", Uuid, nullable=False),
    Column("command_id", Uuid, nullable=False),
    Column("verdict", TextEnum(ScheduleVerdict), nullable=False),
    Column("periods", Stored(_periods, _of_periods), nullable=False),
    at("checked_at", nullable=False),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("evse_id", "evse", ondelete="CASCADE"),
    # A command is answered once.
    UniqueConstraint("tenant_id", "command_id"),
    Index("ix_schedule_check_evse", "evse_id", "checked_at", "id"),
)
