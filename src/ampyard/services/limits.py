"""Power limits on their way to charge points: what may be in force is kept before anything is sent."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ampyard.domain.charge_points import ChargePoint, CurrentType, Evse
from ampyard.domain.charging_limits import ChargingLimit, capped
from ampyard.domain.charging_profiles import (
    Charger,
    Ledger,
    Profile,
    RateUnit,
    SmartCharging,
    Verdict,
    Writes,
    fallback_profile,
    judge,
    least_change_kw,
    make_profile,
    smart_charging,
    wanted_schedule,
)
from ampyard.domain.clocks import clock_is_right
from ampyard.domain.commands import Command, CommandKind
from ampyard.domain.equipment import ALL_LINES, kw_per_ampere
from ampyard.domain.limit_schedules import Schedule, Step, highest_of
from ampyard.domain.lines import lines_of, phases_in_use
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.charge_points import Evses, profile_writes
from ampyard.repositories.database import Session
from ampyard.repositories.settings import read_settings
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.variables import told_of_smart_charging
from ampyard.services import commands
from ampyard.services.backend import Backend

# Default profiles of all EVSEs wait in line for one charge point; there is no hurry, and no other chance before its next boot.
_DEFAULTS_LIFETIME = timedelta(minutes=3)
_UNKNOWN = SmartCharging()


@dataclass(frozen=True, slots=True)
class Desk:
    """What limits are given with: the profiles that charge points take, by id; how often one may be written; the depot's promises.

    Without a ledger nothing can be promised ahead.
    """

    smart_charging: Mapping[uuid.UUID, SmartCharging]
    interval: timedelta
    ledger: Ledger | None = None


async def open_desk(work: UnitOfWork, charge_points: Iterable[ChargePoint], ledger: Ledger | None = None) -> Desk:
    """Read what limits for these charge points are given with."""
    told = await told_of_smart_charging(work.session, [charge_point.id for charge_point in charge_points])
    settings = await read_settings(work.session, work.tenant_id)
    takes = {charge_point_id: smart_charging(values) for charge_point_id, values in told.items()}
    return Desk(takes, timedelta(seconds=settings.values.profile_interval_s), ledger)


async def takes_amperes(session: Session, charge_point_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bool]:
    """Return of each of these charge points whether it takes limits in A, as all do that have not said otherwise."""
    told = await told_of_smart_charging(session, charge_point_ids)
    return {charge_point_id: RateUnit.A in smart_charging(values).units for charge_point_id, values in told.items()}


async def give_limit(
    work: UnitOfWork,
    charge_point: ChargePoint,
    evse: Evse,
    transaction: Transaction,
    limit_kw: float,
    *,
    in_force_kw: float | None,
    ahead: Sequence[tuple[datetime, float]] = (),
    vehicle: Vehicle | None = None,
    desk: Desk | None = None,
    caps: Sequence[ChargingLimit] = (),
    needed: bool = False,
    raised: bool = False,
) -> Command | None:
    """Have the limit of a transaction sent, with what is planned after it; the EVSE must be locked (`Evses.locked_of`).

    From now on the highest of what was told may be in force, at each moment, until the answer tells what is. Nothing is sent, and
    `None` returned, where it is not worth a write of the charge point's flash (`charging_profiles.judge`).

    Args:
        work: the step's unit of work.
        charge_point: whose EVSE it is.
        evse: the EVSE.
        transaction: what runs there; the limit ends with it.
        limit_kw: the limit now.
        in_force_kw: the highest limit that may be in force now, where no schedule was told; `None`: none, the fall-back holds.
        ahead: what is planned after it: (moment, kW), each until the next. It is cut to what the desk's ledger has room for.
        vehicle: the one that charges, where it is known.
        desk: see `open_desk`; opened for this limit alone unless given.
        caps: what others limit the transaction to.
        needed: whether it has to be sent, because what may be in force would overload a node later (`Ledger.overfull`).
        raised: whether it was just raised to a higher class, so that more power does not wait for what writes cost.
    """
    desk = desk or await open_desk(work, [charge_point])
    before = evse.in_force or Schedule.constant(evse.fallback_kw if in_force_kw is None else in_force_kw, work.now)
    charger = charger_of(charge_point, evse, desk.smart_charging.get(charge_point.id, _UNKNOWN), transaction, vehicle, work)
    planned = [] if desk.ledger is None else [Step(*step) for step in ahead]
    wanted = capped(wanted_schedule(limit_kw, planned, evse.fallback_kw, now=work.now), caps)
    if desk.ledger is not None:
        wanted = desk.ledger.fit(evse.id, wanted)
    profile, schedule = make_profile(wanted, evse.fallback_kw, charger, now=work.now)
    writes = Writes(evse.profile_writes, evse.profile_written_at, evse.profile_paid_at)
    verdict = judge(
        schedule,
        None if evse.limit_kw is None else evse.told,
        before,
        writes,
        now=work.now,
        interval=desk.interval,
        least_change_kw=least_change_kw(before.at(work.now), charger.kw_per_a if evse.current_type is CurrentType.AC else None),
        minimum_kw=evse.min_power_kw,
        needed=needed,
        raised=raised,
    )
    if verdict is not Verdict.SEND:
        return None
    in_force = highest_of(before.from_(work.now), schedule)
    if desk.ledger is not None:
        desk.ledger.promise(evse.id, in_force)
    written = writes.after(work.now, desk.interval)
    await work.change(
        Evses,
        evse.id,
        in_force_kw=in_force.at(work.now),
        in_force=in_force,
        profile_writes=written.count,
        profile_written_at=written.last_at,
        profile_paid_at=written.paid_at,
    )
    payload = {
        "evse_id": str(evse.id),
        "evse_no": evse.evse_no,
        "transaction_id": str(transaction.id),
        "ocpp_transaction_id": transaction.ocpp_transaction_id,
        "depot_id": str(charge_point.depot_id),
        "limit_kw": schedule.at(work.now),
        "before_kw": before.at(work.now),
        "before": before.to_json(),
        "schedule": schedule.to_json(),
        "profile": profile.to_json(),
    }
    return await commands.give(work, charge_point.id, CommandKind.SET_LIMIT, payload, lifetime=commands.LIMIT_LIFETIME)


async def give_default(work: UnitOfWork, charge_point: ChargePoint, evse: Evse, limit_kw: float, desk: Desk | None = None) -> Command:
    """Have the default profile of an EVSE sent: what it draws at most while no limit of ours is in force.

    From now on the higher of the two may be in force, until the answer tells which one is; of one that has never confirmed any, all
    that it can draw. The EVSE must be locked (`Evses.locked_of`).
    """
    desk = desk or await open_desk(work, [charge_point])
    charger = charger_of(charge_point, evse, desk.smart_charging.get(charge_point.id, _UNKNOWN), None, None, work)
    profile: Profile = fallback_profile(limit_kw, charger)
    before_kw = evse.fallback_in_force_kw
    held_kw = None if before_kw is None else max(before_kw, limit_kw)
    await work.change(Evses, evse.id, fallback_in_force_kw=held_kw, profile_writes=evse.profile_writes + 1, profile_written_at=work.now)
    payload = {
        "evse_id": str(evse.id),
        "evse_no": evse.evse_no,
        "depot_id": str(charge_point.depot_id),
        "limit_kw": limit_kw,
        "before_kw": before_kw,
        "profile": profile.to_json(),
    }
    return await commands.give(work, charge_point.id, CommandKind.SET_DEFAULT_LIMIT, payload, lifetime=_DEFAULTS_LIFETIME)


async def count_profile_writes(backend: Backend) -> int:
    """Return how many charging profiles have been written to EVSEs of all tenants that there are."""
    async with backend.database.system_snapshot() as snapshot:
        return await profile_writes(snapshot)


async def catch_up(work: UnitOfWork, evses: Iterable[Evse]) -> dict[uuid.UUID, Evse]:
    """Record what EVSEs obey by now of the schedules they were told, without a word of ours; returns them as they now are."""
    current = {}
    for evse in evses:
        limit_kw = evse.limit_kw if evse.limit_kw is None or evse.told is None else evse.told.at(work.now)
        if limit_kw != evse.limit_kw:
            in_force_kw = None if evse.in_force is None else evse.in_force.at(work.now)
            await work.change(Evses, evse.id, limit_kw=limit_kw, limit_at=work.now, in_force_kw=in_force_kw)
            evse = replace(evse, limit_kw=limit_kw, limit_at=work.now)  # noqa: PLW2901 - as it now is
        current[evse.id] = evse
    return current


def charger_of(
    charge_point: ChargePoint,
    evse: Evse,
    smart_charging: SmartCharging,
    transaction: Transaction | None,
    vehicle: Vehicle | None,
    work: UnitOfWork,
) -> Charger:
    """Return what of an EVSE, and of the vehicle there, decides how its profiles are made."""
    is_ac = evse.current_type is CurrentType.AC
    measured = frozenset[int]() if transaction is None else transaction.measured_phases or frozenset()
    vehicle_phases = None if vehicle is None else vehicle.ac_phases
    phases = phases_in_use(evse.current_type, evse.phases, vehicle_phases, measured)
    lines = lines_of(evse.phase_rotation, evse.current_type, evse.phases, vehicle_phases, measured, line_to_line=evse.line_to_line)
    return Charger(
        smart_charging=smart_charging,
        kw_per_a=kw_per_ampere(phases, evse.voltage_v, line_to_line=evse.line_to_line),
        # Three is what it means unless it says so (OCPP 1.6, 7.14; 2.0.1 part 2, ChargingSchedulePeriodType).
        phases=phases if is_ac and phases != len(ALL_LINES) else None,
        set_points=evse.set_points,
        clock_is_right=clock_is_right(charge_point, work.now),
        # Which of its phases carries the vehicle, as the ledger of phases counts it.
        phase=next(iter(measured or {1})) if is_ac and phases == 1 and len(lines) == 1 else None,
        # In A nothing more flows on any line than was meant for it, whatever vehicle comes. Once its phases are known, W say the same in
        # finer steps.
        preferred=RateUnit.A if is_ac and evse.phases > 1 and vehicle_phases is None and not measured else RateUnit.W,
    )
