"""Whose clock is right, as the times that charge points tell show it."""

from datetime import datetime

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.clocks import is_worth_noting, proven_offset_s
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.unit_of_work import UnitOfWork


async def note_clock(work: UnitOfWork, charge_point: ChargePoint, told_at: datetime) -> None:
    """Keep what a time that a charge point tells now says of its clock, where it says something new."""
    offset_s = proven_offset_s(told_at, work.now)
    if offset_s is not None and is_worth_noting(charge_point, offset_s, work.now):
        await work.change(ChargePoints, charge_point.id, clock_offset_s=offset_s, clock_at=work.now)
