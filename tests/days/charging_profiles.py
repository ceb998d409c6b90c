"""Limits that others have set to the day's transactions: by hand one that counts and one that was cleared; a schedule read back."""

from typing import TYPE_CHECKING, Any

from ampyard.domain.charge_points import Evse
from ampyard.domain.ids import new_id
from ampyard.domain.limit_schedules import Schedule
from ampyard.domain.schedule_checks import ComparedPeriod, ScheduleCheck, ScheduleVerdict
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.charging_limits import ChargingLimits
from ampyard.repositories.schedule_checks import ScheduleChecks
from ampyard.resolvers.ids import encode_id
from ampyard.services.charging_limits import clear_charging_limit, limit_transaction
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

# At these charge points nobody answers.
CONTRADICTED = {"checkChargingSchedule", "clearChargingProfiles"}
UNSET = {"ChargingLimit.validUntil", "Vehicle.acPhases", "Vehicle.ownAcPhases", "VehicleType.acPhases"}
TRANSACTIONS = ("tx-2", "tx-4")


async def happen(busy: "Busy") -> None:
    operator = user(busy.tenant_id)
    for name in TRANSACTIONS:
        running = await busy.transaction(name)
        first = await limit_transaction(busy.backend, operator, running.id, 5.0, valid_until=None, reason="A cable gets warm.")
        await clear_charging_limit(busy.backend, operator, first.id)
        await limit_transaction(busy.backend, operator, running.id, 1000.0, valid_until=None, reason="No more than that.")
    async with busy.backend.unit_of_work(operator) as work:
        # One at each depot.
        for running in [await busy.transaction(name) for name in ("tx-2", "tx-6")]:
            evse = (await Evses(work.session).by_ids([running.evse_id]))[running.evse_id]
            period = ComparedPeriod(work.now, 11.0, 11.0, ScheduleVerdict.SAME)
            await work.change(Evses, evse.id, told=Schedule.constant(11.0, work.now), profile_writes=1, profile_written_at=work.now)
            await work.add(
                ScheduleChecks,
                ScheduleCheck(new_id(), work.tenant_id, evse.charge_point_id, evse.id, new_id(), ScheduleVerdict.SAME, (period,), work.now),
            )
        await work.commit()


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    """Return by root field the arguments with which it would do something."""
    return {name: {"input": given} for name, given in (await _inputs(busy)).items()}


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return by mutation and input field what would do something if only that id were not the other tenant's."""
    theirs = await _inputs(twin)
    return {(name, key): given for name, given in theirs.items() for key in given if key.endswith("Id")}


async def _inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    running = await busy.transaction("tx-2")
    limit = next(one for one in await busy.all(ChargingLimits) if one.cleared_at is None and one.transaction_id == running.id)
    evse = {"evseId": encode_id(Evse, running.evse_id)}
    return {
        "limitTransaction": {"transactionId": encode_id(type(running), running.id), "limitKw": 11.0, "reason": "Why."},
        "clearChargingLimit": {"chargingLimitId": encode_id(type(limit), limit.id)},
        "checkChargingSchedule": evse,
        "clearChargingProfiles": evse,
    }
