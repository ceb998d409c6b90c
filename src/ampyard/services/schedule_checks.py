"""Composite schedules read back, and held against what charge points were told."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import Evse
from ampyard.domain.charging_profiles import HORIZON, RateUnit, SmartCharging
from ampyard.domain.commands import Command
from ampyard.domain.equipment import kw_per_ampere
from ampyard.domain.errors import ConflictError
from ampyard.domain.ids import new_id
from ampyard.domain.limit_schedules import Schedule
from ampyard.domain.orders import ClearProfiles, ReadSchedule
from ampyard.domain.schedule_checks import ScheduleCheck, ScheduleVerdict, compare, schedule_told
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.schedule_checks import ScheduleChecks
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services import commands
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station, evse_by_no, locked_charge_point, station_work
from ampyard.services.limits import charger_of, open_desk

_log = logging.getLogger(__name__)

# Schedules are made for so long; what comes after is the fall-back.
_DURATION = HORIZON


@dataclass(frozen=True, slots=True)
class CompositePeriod:
    """From `start_s` on, the limit in the schedule's unit, on so many phases where that is said."""

    start_s: int
    limit: float
    phases: int | None


@dataclass(frozen=True, slots=True)
class CompositeSchedule:
    """What a charge point says that an EVSE will obey; `start` is None where it begins now."""

    start: datetime | None
    unit: RateUnit
    periods: Sequence[CompositePeriod]


@dataclass(frozen=True, slots=True)
class CheckedSchedule:
    """How the question ended, and what came of it; no check where the charge point did not answer it."""

    command: Command
    check: ScheduleCheck | None


async def check_schedule(backend: Backend, principal: Principal, evse_id: uuid.UUID) -> CheckedSchedule:
    """Ask an EVSE which limits it will obey, and compare that with what it was told.

    Raises:
        ForbiddenError: the principal lacks `charge_points:control`.
        NotFoundError: there is no such EVSE.
        ConflictError: its charge point is offline.
    """
    principal.require(Scope.CHARGE_POINTS_CONTROL)
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_CONTROL) as work:
        evse = await work.require(Evses, evse_id, "EVSE")
        charge_point = await commands.reachable(work, evse.charge_point_id)
        desk = await open_desk(work, [charge_point])
        units = desk.smart_charging.get(charge_point.id, SmartCharging()).units
        unit = RateUnit.W if RateUnit.W in units else RateUnit.A
        order = ReadSchedule(evse.evse_no, round(_DURATION.total_seconds()), unit)
        command = await commands.give(work, charge_point.id, order.kind, order.payload())
        await work.audit("evse.check_schedule", "evse", evse.id, command_id=str(command.id))
        work.answers(command=command, check=None)
        ended = await commands.see_through(backend, principal, command, give=work.commit)
    async with backend.database.snapshot(principal.tenant_id) as snapshot:
        found = await ScheduleChecks(snapshot).of_commands([command.id])
    return CheckedSchedule(ended, found.get(command.id))


async def clear_profiles(backend: Backend, principal: Principal, evse_id: uuid.UUID) -> Command:
    """Have an EVSE forget the limits of its transaction; its fall-back holds until the next step tells it anew.

    Raises as `check_schedule`; ConflictError also where nothing runs there.
    """
    principal.require(Scope.CHARGE_POINTS_CONTROL)
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_CONTROL) as work:
        evse = await work.require(Evses, evse_id, "EVSE")
        charge_point = await commands.reachable(work, evse.charge_point_id)
        if evse.id not in await Transactions(work.session).active_of_evses([evse.id]):
            raise ConflictError(
                f"Nothing runs on EVSE {evse.evse_no} of {charge_point.identity}; its limits ended with its last transaction."
            )
        order = ClearProfiles(evse.evse_no, str(evse.id))
        command = await commands.give(work, charge_point.id, order.kind, order.payload())
        await work.audit("evse.clear_profiles", "evse", evse.id, command_id=str(command.id))
        work.answers(command=command)
        return await commands.see_through(backend, principal, command, give=work.commit)


async def reported(backend: Backend, station: Station, command: Command, composite: CompositeSchedule) -> None:
    """Keep what a charge point answered to the question for its schedule, compared with what it was told."""
    order = ReadSchedule.from_payload(command.payload)
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        evse = await evse_by_no(work, charge_point, order.evse_no)
        transaction = (await Transactions(work.session).active_of_evses([evse.id])).get(evse.id)
        charger = charger_of(charge_point, evse, SmartCharging(), transaction, None, work)
        phases = charger.phases or evse.phases
        expected = _expected(evse, work)
        if composite.periods:
            start = composite.start or work.now
            in_kw = [(period.start_s, _kw(period, composite.unit, evse, phases)) for period in composite.periods]
            told = schedule_told(start, in_kw)
            until = max(work.now, start) + timedelta(seconds=order.duration_s)
            verdict, periods = compare(expected, told, since=max(work.now, start), until=until)
        else:
            verdict, periods = ScheduleVerdict.UNKNOWN, ()
        check = ScheduleCheck(new_id(), work.tenant_id, charge_point.id, evse.id, command.id, verdict, periods, work.now)
        await work.add(ScheduleChecks, check)
        await work.commit()
    if verdict is ScheduleVerdict.HIGHER:
        _log.warning("%s: EVSE %d obeys higher limits than it was told.", charge_point.identity, evse.evse_no)


def _expected(evse: Evse, work: UnitOfWork) -> Schedule:
    """Return what the EVSE is expected to obey: what it was told, else its fall-back; no more than it can."""
    told = evse.told if evse.told is not None and evse.limit_kw is not None else Schedule.constant(evse.fallback_kw, work.now)
    return Schedule(tuple(step._replace(kw=min(step.kw, evse.max_power_kw)) for step in told.from_(work.now).steps))


def _kw(period: CompositePeriod, unit: RateUnit, evse: Evse, phases: int) -> float:
    if unit is RateUnit.W:
        kw = period.limit / 1000
    else:
        # Three phases unless it is said (OCPP 1.6, 7.14), of which the vehicle uses what it uses.
        kw = period.limit * kw_per_ampere(min(period.phases or 3, phases), evse.voltage_v, line_to_line=evse.line_to_line)
    return min(kw, evse.max_power_kw)
