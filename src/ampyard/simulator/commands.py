"""What a central system may order, in the words of no particular protocol version."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ampyard.simulator import profiles as charging_profiles
from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.dialect import BootReason, StopReason, parse_timestamp
from ampyard.simulator.evse import Evse, PendingStart
from ampyard.simulator.firmware import IDLE, FirmwareUpdate, version_at
from ampyard.simulator.profiles import ChargingProfile, Load, Purpose, RateUnit, SchedulePeriod
from ampyard.simulator.state import IdToken, Transaction

MAX_STACK_LEVEL = 8
MAX_PROFILES = 32

_PURPOSES = {"ChargingStationMaxProfile": Purpose.MAX} | {purpose.value: purpose for purpose in Purpose}


@dataclass(frozen=True, slots=True)
class Composite:
    """A composite schedule: ``periods`` in ``unit`` from ``start`` on, for ``duration_s``."""

    start: datetime
    duration_s: int
    unit: RateUnit
    periods: list[SchedulePeriod]


class Commands:
    """Orders to one charge point; each tells at once whether it is accepted and is carried out by the next ``advance``."""

    def __init__(self, charge_point: SimulatedChargePoint) -> None:
        self._point = charge_point

    # transactions

    def remote_start(
        self, token: IdToken, evse_no: int | None, *, remote_start_id: int | None = None, profile: ChargingProfile | None = None
    ) -> bool:
        """Accept if an EVSE can take it: the one asked for, else one with a vehicle waiting, else a free one."""
        point = self._point
        named = point.evse(evse_no)
        candidates = point.evses if evse_no is None else [named] if named is not None else []
        able = [
            evse
            for evse in candidates
            if evse.state.operative and evse.state.transaction is None and evse.pending_start is None and evse.admits(token)
        ]
        if not point.online or not able or (profile is not None and profile.purpose is not Purpose.TX):
            return False
        evse = min(able, key=lambda candidate: candidate.state.plugged is None)
        deadline = point.clock() + timedelta(seconds=point.connection_timeout_s)
        pending = PendingStart(token, deadline, remote_start_id, profile)
        evse.pending_start = pending
        return True

    def remote_stop(self, ocpp_transaction_id: str) -> bool:
        found = self.running(ocpp_transaction_id)
        if found is None:
            return False
        evse, transaction = found

        def stop(now: datetime) -> None:
            if evse.state.transaction is transaction:
                self._point.stop_transaction(evse, StopReason.REMOTE, now)

        self._point.defer(stop)
        return True

    def running(self, ocpp_transaction_id: str) -> tuple[Evse, Transaction] | None:
        for evse in self._point.evses:
            transaction = evse.state.transaction
            if transaction is not None and transaction.ocpp_transaction_id == ocpp_transaction_id:
                return evse, transaction
        return None

    # charging profiles

    def set_profile(self, profile: ChargingProfile) -> str | None:
        """Install a profile, in force at once; return why it is refused, None if it is not."""
        point = self._point
        refusal = self._refusal(profile)
        if refusal is None:
            point.install(profile)
            point.advance(point.clock())
        return refusal

    def _refusal(self, profile: ChargingProfile) -> str | None:
        starts = [period.start_s for period in profile.periods]
        evse = self._point.evse(profile.evse_no)
        others = {other.profile_id for other in self._point.state.profiles} - {profile.profile_id}
        transaction = None if evse is None else evse.state.transaction
        checks = {
            "UnknownEvse": profile.evse_no != 0 and evse is None,
            "InvalidSchedule": not starts or starts[0] != 0 or starts != sorted(set(starts)),
            "InvalidStackLevel": not 0 <= profile.stack_level <= MAX_STACK_LEVEL,
            "TooManyPeriods": len(starts) > self._point.spec.max_periods,
            "UnknownRateUnit": profile.unit not in self._point.spec.rate_units,
            "TooManyProfiles": len(others) >= MAX_PROFILES,
            "NoRecurrency": profile.kind == "Recurring" and (profile.recurrency is None or profile.start_at is None),
            "MaxProfileNotOnChargePoint": profile.purpose is Purpose.MAX and profile.evse_no != 0,
            "NoTransaction": profile.purpose is Purpose.TX and transaction is None,
            "OtherTransaction": profile.purpose is Purpose.TX
            and profile.transaction_id is not None
            and transaction is not None
            and transaction.ocpp_transaction_id != profile.transaction_id,
        }
        return next((reason for reason, applies in checks.items() if applies), None)

    def overlapping(self, profile: ChargingProfile) -> bool:
        """Tell whether another profile holds the same EVSE, purpose and level while this one is valid."""

        def is_rival(other: ChargingProfile) -> bool:
            slot = (profile.evse_no, profile.purpose, profile.stack_level)
            if other.profile_id == profile.profile_id or (other.evse_no, other.purpose, other.stack_level) != slot:
                return False
            ends_before = other.valid_to is not None and profile.valid_from is not None and other.valid_to <= profile.valid_from
            begins_after = other.valid_from is not None and profile.valid_to is not None and other.valid_from >= profile.valid_to
            return not ends_before and not begins_after

        return any(is_rival(other) for other in self._point.state.profiles)

    def clear_profiles(self, profile_id: int | None, evse_no: int | None, purpose: str | None, stack_level: int | None) -> int:
        """Remove the profiles that meet every criterion given; an id alone decides (OCPP 1.6 section 6.13). Return how many."""
        point = self._point

        def is_meant(profile: ChargingProfile) -> bool:
            if profile_id is not None:
                return profile.profile_id == profile_id
            return (
                evse_no in (None, profile.evse_no)
                and (purpose is None or _PURPOSES.get(purpose) is profile.purpose)
                and stack_level in (None, profile.stack_level)
            )

        kept = [profile for profile in point.state.profiles if not is_meant(profile)]
        cleared = len(point.state.profiles) - len(kept)
        point.state.profiles[:] = kept
        point.save()
        point.advance(point.clock())
        return cleared

    def composite_schedule(self, evse_no: int, duration_s: int, unit: RateUnit | None) -> Composite | None:
        """Return the limits to be followed from now on, as things stand; None for an unknown EVSE."""
        point = self._point
        evse = point.evse(evse_no)
        if evse_no != 0 and evse is None:
            return None
        now = point.clock()
        load = Load(0, max(other.spec.phases for other in point.evses), None) if evse is None else evse.load
        max_kw = sum(other.spec.max_power_kw for other in point.evses) if evse is None else evse.spec.max_power_kw
        chosen: RateUnit = unit or point.spec.rate_units[-1]
        periods = charging_profiles.composite_schedule(
            point.state.profiles, load, now=now, duration_s=duration_s, unit=chosen, fallback_kw=point.spec.fallback_kw, max_kw=max_kw
        )
        return Composite(now, duration_s, chosen, periods)

    # the charge point itself

    def change_availability(self, evse_no: int, *, operative: bool) -> str:
        """Return Accepted, Scheduled (a transaction goes on first) or Rejected; ``evse_no`` 0 means all."""
        point = self._point
        evse = point.evse(evse_no)
        if evse_no != 0 and evse is None:
            return "Rejected"
        chosen = point.evses if evse is None else [evse]
        for each in chosen:
            each.state.operative = operative
        point.save()
        is_busy = any(each.state.transaction is not None for each in chosen)
        return "Scheduled" if is_busy and not operative else "Accepted"

    def unlock(self, evse: Evse) -> None:
        """Release the plug: a transaction ends, the vehicle stays where it is."""
        transaction = evse.state.transaction
        if transaction is not None:
            self._point.defer(lambda now: self._point.stop_transaction(evse, StopReason.UNLOCKED, now))

    def update_firmware(self, location: str, retrieve_at: datetime, request_id: int | None) -> bool:
        """Have firmware fetched and installed; tell whether another update is called off for it."""
        point = self._point
        called_off = point.firmware_update is not None
        point.firmware_update = FirmwareUpdate(version_at(location), request_id, due=retrieve_at)
        return called_off

    def reset(self, reason: StopReason) -> None:
        self._point.defer(lambda now: self._point.reset(reason, now))

    def reset_when_idle(self) -> bool:
        """Put the reset off to the end of the running transactions; False if there are none."""
        is_busy = any(evse.state.transaction is not None for evse in self._point.evses)
        self._point.reset_when_idle = self._point.reset_when_idle or is_busy
        return is_busy

    def trigger(self, message: str, evse_no: int | None) -> str:
        """Have a message sent: return Accepted, Rejected (no such EVSE or transaction) or NotImplemented."""
        point = self._point
        evse = point.evse(evse_no)
        if evse_no and evse is None:
            return "Rejected"
        chosen = point.evses if evse is None else [evse]
        messages: Mapping[str, Callable[[datetime], None]] = {
            "BootNotification": lambda _now: self._boot(),
            "Heartbeat": lambda _now: point.outbox.post(point.dialect.heartbeat()),
            "StatusNotification": lambda now: self._each(chosen, lambda each: point.dialect.status(each.spec.evse_no, each.status, now)),
            "FirmwareStatusNotification": lambda _now: self._firmware_status(),
            "MeterValues": lambda now: self._each(chosen, lambda each: self._meter_values(each, now)),
        }
        if message not in messages:
            return "NotImplemented"
        if not point.online and message != "BootNotification":
            return "Rejected"
        point.defer(messages[message])
        return "Accepted"

    def _firmware_status(self) -> None:
        update = self._point.firmware_update
        status, request_id = (IDLE, None) if update is None else (update.status, update.request_id)
        self._point.outbox.post(self._point.dialect.firmware_status(status, request_id))

    def _boot(self) -> None:
        point = self._point
        if point.online:
            point.outbox.post(point.dialect.boot(point.spec, point.firmware_version, BootReason.TRIGGERED))
        else:
            point.boot_now.set()

    def _meter_values(self, evse: Evse, now: datetime) -> Any:
        return self._point.dialect.meter_values(evse.spec.evse_no, evse.state.transaction, evse.reading(now))

    def _each(self, evses: list[Evse], word: Callable[[Evse], Any]) -> None:
        for evse in evses:
            self._point.outbox.post(word(evse))


def parse_profile(fields: Mapping[str, Any], evse_no: int, now: datetime) -> ChargingProfile | None:
    """Read a charging profile of any version in the snake case of the ``ocpp`` package; None for what is not supported.

    That is some purposes, and of 2.1 dynamic profiles and periods without a limit.

    Of the up to three schedules from 2.0.1 on, which are a choice offered to an ISO 15118 vehicle, the first is taken.
    """
    purpose = _PURPOSES.get(fields["charging_profile_purpose"])
    schedules = fields["charging_schedule"]
    schedule = schedules[0] if isinstance(schedules, list) else schedules
    is_dynamic = fields["charging_profile_kind"] == "Dynamic"
    if purpose is None or is_dynamic or any("limit" not in period for period in schedule["charging_schedule_period"]):
        return None
    transaction_id = fields.get("transaction_id")

    def instant(holder: Mapping[str, Any], key: str) -> datetime | None:
        return None if holder.get(key) is None else parse_timestamp(holder[key])

    return ChargingProfile(
        profile_id=fields["id"] if "id" in fields else fields["charging_profile_id"],
        evse_no=evse_no,
        stack_level=fields["stack_level"],
        purpose=purpose,
        kind=fields["charging_profile_kind"],
        unit=schedule["charging_rate_unit"],
        periods=tuple(
            SchedulePeriod(period["start_period"], float(period["limit"]), period.get("number_phases"))
            for period in schedule["charging_schedule_period"]
        ),
        installed_at=now,
        recurrency=fields.get("recurrency_kind"),
        valid_from=instant(fields, "valid_from"),
        valid_to=instant(fields, "valid_to"),
        start_at=instant(schedule, "start_schedule"),
        duration_s=schedule.get("duration"),
        transaction_id=None if transaction_id is None else str(transaction_id),
        max_offline_s=fields.get("max_offline_duration"),
        invalid_after_offline=fields.get("invalid_after_offline_duration", False),
    )
