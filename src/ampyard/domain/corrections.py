"""Corrections of transactions: what was measured stays as it is, and what counts instead is said beside it."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ampyard.domain.energy import EnergyInterval, RegisterPoint, quarter_hours, scaled


@dataclass(frozen=True, slots=True)
class Correction:
    """What counts of a transaction instead of what was measured; what is None counts as measured.

    One with `voids_id` says nothing itself: it takes back the correction of that id.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    transaction_id: uuid.UUID
    energy_wh: float | None
    started_at: datetime | None
    ended_at: datetime | None
    vehicle_id: uuid.UUID | None
    voids_id: uuid.UUID | None
    reason: str
    author: str
    created_at: datetime


class Measured(Protocol):
    """What of a transaction a correction may be about."""

    @property
    def energy_wh(self) -> float: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def vehicle_id(self) -> uuid.UUID | None: ...


@dataclass(frozen=True, slots=True)
class Effective:
    """What counts of a transaction, and the correction that says so; None: it counts as measured."""

    energy_wh: float
    started_at: datetime
    ended_at: datetime | None
    vehicle_id: uuid.UUID | None
    correction: Correction | None


def counting(corrections: Iterable[Correction]) -> Correction | None:
    """Return the correction of one transaction that counts, whatever their order: the newest that has not been taken back."""
    known = list(corrections)
    void = {correction.voids_id for correction in known}
    standing = [correction for correction in known if correction.voids_id is None and correction.id not in void]
    return max(standing, key=lambda correction: (correction.created_at, correction.id), default=None)


def effective(measured: Measured, corrections: Iterable[Correction]) -> Effective:
    """Return what counts of a transaction. A correction stands for itself: it adds nothing to an earlier one."""
    newest = counting(corrections)
    if newest is None:
        return Effective(measured.energy_wh, measured.started_at, measured.ended_at, measured.vehicle_id, None)
    return Effective(
        energy_wh=measured.energy_wh if newest.energy_wh is None else newest.energy_wh,
        started_at=newest.started_at or measured.started_at,
        ended_at=newest.ended_at or measured.ended_at,
        vehicle_id=newest.vehicle_id or measured.vehicle_id,
        correction=newest,
    )


def counting_intervals(measured: Sequence[EnergyInterval], counts: Effective) -> list[EnergyInterval]:
    """Return the energy by interval that counts: that which was measured, or, where it is corrected, the corrected energy.

    That is spread as the measured one was within the corrected begin and end; evenly, where nothing was measured there.
    """
    if counts.correction is None:
        return list(measured)
    within = [
        interval
        for interval in measured
        if interval.ends_at > counts.started_at and (counts.ended_at is None or interval.starts_at < counts.ended_at)
    ]
    if within:
        return scaled(within, counts.energy_wh)
    end = RegisterPoint(counts.ended_at or counts.started_at, counts.energy_wh)
    return quarter_hours([], end, carried=RegisterPoint(counts.started_at, 0.0))
