import csv
import io
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from ampyard.domain.depots import Depot

# The queue's name for the job that writes a daily energy report.
DAILY_ENERGY_JOB = "daily_energy"


class ReportKind(StrEnum):
    DAILY_ENERGY = "DAILY_ENERGY"


@dataclass(frozen=True, slots=True)
class Report:
    """A written document. `day` is the depot's local day it covers; `file_key` finds it behind the file port."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    kind: ReportKind
    day: date
    file_key: str
    file_name: str
    content_type: str
    size_bytes: int
    energy_wh: float
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class EnergyRow:
    """Energy of one transaction inside one local day, as the daily energy report lists it."""

    transaction_id: uuid.UUID
    charge_point_identity: str
    evse_no: int
    vehicle_name: str | None
    id_tag: str | None
    started_at: datetime
    ended_at: datetime | None
    energy_wh: float


def day_bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return the instants at which a local day begins and at which the next one does, in UTC: 23, 24 or 25 hours apart.

    Where clocks jump over midnight the day begins with the jump; where midnight comes twice, with the first.
    """
    zone = ZoneInfo(time_zone)
    begin, end = (datetime.combine(d, time.min, zone).astimezone(UTC) for d in (day, day + timedelta(days=1)))
    return begin, end


_COLUMNS = (
    "depot",
    "day",
    "charge_point",
    "evse",
    "transaction_id",
    "vehicle",
    "id_tag",
    "started_at",
    "ended_at",
    "energy_kwh",
)


def daily_energy_csv(depot: Depot, day: date, rows: Iterable[EnergyRow]) -> bytes:
    """Return the daily energy report: CSV (RFC 4180) in UTF-8 with a header row, times local with their offset, energy to the Wh."""
    zone = ZoneInfo(depot.time_zone)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow(
            (
                _harmless(depot.name),
                day.isoformat(),
                _harmless(row.charge_point_identity),
                row.evse_no,
                row.transaction_id,
                _harmless(row.vehicle_name or ""),
                _harmless(row.id_tag or ""),
                row.started_at.astimezone(zone).isoformat(timespec="seconds"),
                row.ended_at.astimezone(zone).isoformat(timespec="seconds") if row.ended_at is not None else "",
                (Decimal(str(row.energy_wh)) / 1000).quantize(Decimal("0.001")),
            )
        )
    return text.getvalue().encode()


def _harmless(value: str) -> str:
    # Spreadsheets run a cell that begins like a formula; names and id tags come from others (OWASP, CSV Injection).
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value
