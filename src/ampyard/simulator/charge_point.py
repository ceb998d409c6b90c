"""A simulated charge point: vehicles, transactions, profiles and link, in the words of no particular protocol version."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ampyard.simulator import profiles as charging_profiles
from ampyard.simulator.dialect import BootReason, Dialect, StartTrigger, Status, StopReason
from ampyard.simulator.evse import Evse
from ampyard.simulator.firmware import STEP_S, FirmwareUpdate
from ampyard.simulator.fleet import ChargePointSpec
from ampyard.simulator.obedience import Obedience
from ampyard.simulator.options import SimulatorOptions
from ampyard.simulator.outbox import Outbox
from ampyard.simulator.profiles import Purpose
from ampyard.simulator.state import ChargePointState, EvseState, Flash, IdToken, PluggedVehicle, QueuedCall, Transaction

LOG = logging.getLogger(__name__)
REFUSED_STAY_S = 900.0  # how long a driver whose id tag is refused tries, before speed
Clock = Callable[[], datetime]


class SimulatedChargePoint:
    """One charge point.

    All that happens, happens in ``advance``: orders from the central system are noted with ``defer`` and carried out by
    the next one, so that an order is answered before its consequences are reported.
    """

    def __init__(self, spec: ChargePointSpec, dialect: Dialect, options: SimulatorOptions, clock: Clock, flash: Flash | None) -> None:
        self.spec = spec
        self.dialect = dialect
        self.options = options
        self.clock = clock
        self._flash = flash
        kept = flash.load(spec) if flash is not None else None
        self.state = kept or ChargePointState(evses=[EvseState(evse_no=evse.evse_no) for evse in spec.evses])
        self.evses = [
            Evse(evse, state, spec.current_type, Obedience(spec.obeys)) for evse, state in zip(spec.evses, self.state.evses, strict=True)
        ]
        self.outbox = Outbox(
            spec.identity,
            self.state.queue,
            dialect.calls,
            changed=self.save,
            answered=self._transaction_answered,
            retry_interval_s=options.retry_interval_s,
        )
        self.online = False
        self.boot_reason: BootReason | None = BootReason.POWER_UP  # None: already registered since power-up or reset
        self.boot_now = asyncio.Event()
        self.reboot = asyncio.Event()
        self.reset_when_idle = False
        self.firmware_update: FirmwareUpdate | None = None
        self._deferred: list[Callable[[datetime], None]] = []
        self._advanced_at: datetime | None = None

    @property
    def meter_interval_s(self) -> float:
        return self.state.settings.get("meter_interval_s", self.options.meter_interval_s)

    @property
    def connection_timeout_s(self) -> float:
        return self.state.settings.get("connection_timeout_s", self.options.connection_timeout_s)

    @property
    def firmware_version(self) -> str:
        return self.state.firmware_version or self.spec.firmware_version

    @property
    def heartbeat_interval_s(self) -> int:
        return self.state.settings.get("heartbeat_interval_s", 300)

    def set(self, name: str, value: int) -> None:
        """Keep a setting: ``meter_interval_s``, ``connection_timeout_s`` or ``heartbeat_interval_s``."""
        self.state.settings[name] = value
        self.save()

    def evse(self, evse_no: int | None) -> Evse | None:
        return self.evses[evse_no - 1] if evse_no is not None and 1 <= evse_no <= len(self.evses) else None

    def defer(self, deed: Callable[[datetime], None]) -> None:
        """Have something done by the next ``advance``."""
        self._deferred.append(deed)

    def save(self) -> None:
        if self._flash is not None:
            self._flash.save(self.spec.identity, self.state)

    # time

    def advance(self, now: datetime) -> None:
        """Bring everything up to ``now``: energy, orders, power, status, samples."""
        elapsed_s = 0.0 if self._advanced_at is None else max(0.0, (now - self._advanced_at).total_seconds())
        self._advanced_at = now
        self._note_link(now)
        flowed = [evse.integrate(elapsed_s, self.options.speed) for evse in self.evses]
        deeds, self._deferred = self._deferred, []
        for deed in deeds:
            deed(now)
        for evse in self.evses:
            self._let_go(evse, now)
            self._start_or_forget_pending(evse, now)
        for evse in self.evses:
            evse.settle(evse.obedience.obeyed_kw(self.limit_kw(evse, now), now), elapsed_s)
            self._stop_if_full(evse, now)
        if self.reset_when_idle and all(evse.state.transaction is None for evse in self.evses):
            self.reset(StopReason.SOFT_RESET, now)
        for evse in self.evses:
            self._report(evse, now)
            self._authorize(evse, now)
            self._sample(evse, now)
        self._update_firmware(now)
        if any(flowed):
            self.save()

    def _let_go(self, evse: Evse, now: datetime) -> None:
        """Keep an EVSE no longer than it is reserved."""
        reservation = evse.state.reservation
        if reservation is not None and reservation.expires_at <= now:
            evse.state.reservation = None
            self.save()
            word = self.dialect.reservation_expired(reservation.number)
            if word is not None:
                self.outbox.post(word)

    def _note_link(self, now: datetime) -> None:
        """Count since when there is no link; once it is there again, let go of the profiles that are over for good by that."""
        state = self.state
        if self.online and state.offline_since is not None:
            state.profiles[:] = [
                profile for profile in state.profiles if not profile.invalid_after_offline or profile.outlasts(state.offline_since, now)
            ]
            state.offline_since = None
            self.save()
        elif not self.online and state.offline_since is None:
            state.offline_since = now
            self.save()

    def limit_kw(self, evse: Evse, now: datetime) -> float:
        """Return what the installed profiles and the fallback permit; the charge-point maximum is shared equally by those charging."""
        busy = sum(1 for other in self.evses if other.state.transaction is not None) or 1
        valid = [profile for profile in self.state.profiles if profile.outlasts(self.state.offline_since, now)]
        share_kw = charging_profiles.charge_point_limit_kw(valid, now, evse.phases) / busy
        return min(share_kw, charging_profiles.evse_limit_kw(valid, evse.load, now, self.spec.fallback_kw))

    def _update_firmware(self, now: datetime) -> None:
        update = self.firmware_update
        if update is None or not self.online:
            return
        status = update.advance(now, timedelta(seconds=STEP_S / self.options.speed))
        if status is not None:
            self.outbox.post(self.dialect.firmware_status(status, update.request_id))
        if update.is_done:
            # 1.6 section 4.5 and 2.0.1 L01: the new firmware runs from the next start on
            self.firmware_update = None
            self.state.firmware_version = update.version
            self.reset_when_idle = True
            self.save()

    def _stop_if_full(self, evse: Evse, now: datetime) -> None:
        # a DC session is ended by the vehicle; an AC one stays open, suspended, until the plug is pulled
        plugged = evse.state.plugged
        is_full = plugged is not None and plugged.soc_percent >= plugged.spec.target_soc_percent
        if is_full and evse.state.transaction is not None and self.spec.current_type == "DC":
            self.stop_transaction(evse, StopReason.EV_FULL, now)

    def _report(self, evse: Evse, now: datetime) -> None:
        transaction = evse.state.transaction
        if transaction is not None and transaction.charging_state != evse.charging_state.value:
            transaction.charging_state = evse.charging_state.value
            payload = self.dialect.charging_state_changed(transaction, evse.reading(now), online=self.online)
            if payload is not None:
                self.outbox.post_kept(payload, transaction.key)
        if self.online and evse.reported is not evse.status:
            evse.reported = evse.status
            self.outbox.post(self.dialect.status(evse.spec.evse_no, evse.status, now))

    def _sample(self, evse: Evse, now: datetime) -> None:
        transaction = evse.state.transaction
        if transaction is not None and evse.is_sample_due(now, self.meter_interval_s):
            payload = self.dialect.sampled(transaction, evse.spec.evse_no, evse.reading(now), "Sample.Periodic", online=self.online)
            self.outbox.post_kept(payload, transaction.key)

    # vehicles and transactions

    def plug_in(self, evse: Evse, plugged: PluggedVehicle, now: datetime) -> None:
        LOG.info("%s/%d: %s plugged in at %.0f %%", self.spec.identity, evse.spec.evse_no, plugged.spec.name, plugged.soc_percent)
        evse.state.plugged = plugged
        self.save()
        self.advance(now)

    def unplug(self, evse: Evse, now: datetime) -> None:
        """Let the vehicle go; a running transaction ends."""
        self.advance(now)
        if evse.state.transaction is not None:
            self.stop_transaction(evse, StopReason.EV_DISCONNECTED, now)
        if evse.state.plugged is not None:
            LOG.info("%s/%d: %s leaves", self.spec.identity, evse.spec.evse_no, evse.state.plugged.spec.name)
        evse.state.plugged = None
        evse.is_authorizing = False
        self.save()
        self.advance(now)

    def start_transaction(
        self, evse: Evse, token: IdToken, trigger: StartTrigger, now: datetime, remote_start_id: int | None = None
    ) -> Transaction:
        key = str(uuid.uuid4())
        transaction = Transaction(
            key=key,
            token=token,
            began=evse.reading(now),
            ocpp_transaction_id=key if self.dialect.names_transactions else None,
            remote_start_id=remote_start_id,
            reservation_number=None if evse.state.reservation is None else evse.state.reservation.number,
        )
        evse.state.transaction, evse.state.reservation = transaction, None
        evse.settle(evse.obedience.obeyed_kw(self.limit_kw(evse, now), now), 0.0)
        transaction.charging_state = evse.charging_state.value
        evse.next_sample_at = now + timedelta(seconds=self.meter_interval_s)
        payload = self.dialect.started(transaction, evse.spec.evse_no, trigger, online=self.online)
        self.outbox.post_kept(payload, transaction.key)
        LOG.info("%s/%d: transaction of %s started", self.spec.identity, evse.spec.evse_no, token.id_tag)
        return transaction

    def stop_transaction(self, evse: Evse, reason: StopReason, now: datetime) -> None:
        """End the transaction of an EVSE that has one; the vehicle stays until it leaves and asks for no other by itself."""
        transaction = evse.state.transaction
        if transaction is None:
            return
        evse.power_kw = 0.0
        payload = self.dialect.ended(transaction, evse.reading(now), reason, online=self.online)
        evse.state.transaction = None
        if evse.state.plugged is not None:
            evse.state.plugged.standing = "finished"
        # OCPP 1.6 section 3.13.1: a TxProfile ends with its transaction
        self.state.profiles[:] = [
            profile for profile in self.state.profiles if profile.purpose is not Purpose.TX or profile.evse_no != evse.spec.evse_no
        ]
        self.outbox.post_kept(payload, transaction.key)
        LOG.info("%s/%d: transaction of %s ended: %s", self.spec.identity, evse.spec.evse_no, transaction.token.id_tag, reason)

    def reset(self, reason: StopReason, now: datetime) -> None:
        """Stop all transactions, then have the link reopened with a BootNotification; vehicles may ask again."""
        for evse in self.evses:
            self.stop_transaction(evse, reason, now)
            evse.pending_start = None
            if evse.state.plugged is not None:
                evse.state.plugged.standing = "arrived"
        self.reset_when_idle = False
        self.boot_reason = BootReason.REMOTE_RESET
        self.save()
        self.reboot.set()

    def _start_or_forget_pending(self, evse: Evse, now: datetime) -> None:
        pending = evse.pending_start
        if pending is None or evse.state.transaction is not None:
            return
        if evse.state.plugged is not None:
            evse.pending_start = None
            transaction = self.start_transaction(evse, pending.token, "RemoteStart", now, pending.remote_start_id)
            if pending.profile is not None:
                self.install(replace(pending.profile, evse_no=evse.spec.evse_no, transaction_id=transaction.ocpp_transaction_id))
        elif now >= pending.deadline:
            LOG.info("%s/%d: remote start timed out", self.spec.identity, evse.spec.evse_no)
            evse.pending_start = None

    def _authorize(self, evse: Evse, now: datetime) -> None:
        plugged = evse.wants_transaction
        if plugged is None or self.boot_reason is BootReason.REMOTE_RESET:
            return
        token = IdToken(plugged.spec.id_tag, plugged.spec.id_tag_type)
        if not evse.admits(token):
            # Neither does it ask whether this one may charge: the EVSE is kept for another.
            self._refuse(evse, plugged, token, now)
            return
        if not self.online:
            # OCPP 1.6 section 3.5 and 2.0.1 block C: known id tags may start while the link is down
            if token.id_tag in self.state.accepted_id_tags:
                self.start_transaction(evse, token, "Authorized", now)
            return
        evse.is_authorizing = True
        self.outbox.post(self.dialect.authorize(token), lambda answer: self._authorized(evse, plugged, token, answer))

    def _authorized(self, evse: Evse, plugged: PluggedVehicle, token: IdToken, answer: Any | None) -> None:
        if evse.state.plugged is not plugged:
            return
        evse.is_authorizing = False
        if answer is not None:
            deed = self._accept if self.dialect.is_authorized(answer) else self._refuse
            self.defer(lambda now: deed(evse, plugged, token, now))
            self.advance(self.clock())

    def _accept(self, evse: Evse, plugged: PluggedVehicle, token: IdToken, now: datetime) -> None:
        self._remember(token)
        if evse.state.plugged is plugged and evse.state.transaction is None and evse.state.operative:
            self.start_transaction(evse, token, "Authorized", now)

    def _refuse(self, evse: Evse, plugged: PluggedVehicle, token: IdToken, now: datetime) -> None:
        LOG.info("%s/%d: id tag %s refused", self.spec.identity, evse.spec.evse_no, token.id_tag)
        self._forget(token)
        plugged.standing = "refused"
        plugged.leaves_at = min(plugged.leaves_at, now + timedelta(seconds=REFUSED_STAY_S / self.options.speed))
        self.save()

    def _transaction_answered(self, call: QueuedCall, answer: Any | None) -> None:
        if call.action != "StartTransaction" and call.payload.get("event_type") != "Started":
            return
        accepted = False
        if answer is not None:
            ocpp_transaction_id, accepted = self.dialect.started_answer(answer)
            if ocpp_transaction_id is not None:
                self._adopt_transaction_id(call.transaction_key, ocpp_transaction_id)
        if not accepted:
            self.defer(lambda now: self._deauthorize(call.transaction_key, is_known=answer is not None, now=now))
            self.advance(self.clock())

    def _open_transaction(self, key: str) -> tuple[Evse, Transaction] | None:
        for evse in self.evses:
            if evse.state.transaction is not None and evse.state.transaction.key == key:
                return evse, evse.state.transaction
        return None

    def _adopt_transaction_id(self, key: str, ocpp_transaction_id: int) -> None:
        self.outbox.resolve(key, ocpp_transaction_id)
        if (found := self._open_transaction(key)) is not None:
            found[1].ocpp_transaction_id = str(ocpp_transaction_id)

    def _deauthorize(self, key: str, *, is_known: bool, now: datetime) -> None:
        if (found := self._open_transaction(key)) is not None:
            self._forget(found[1].token)
            self.stop_transaction(found[0], StopReason.DEAUTHORIZED, now)
        if not is_known:
            self.outbox.forget(key)

    def _remember(self, token: IdToken) -> None:
        if token.id_tag not in self.state.accepted_id_tags:
            self.state.accepted_id_tags.append(token.id_tag)

    def _forget(self, token: IdToken) -> None:
        if token.id_tag in self.state.accepted_id_tags:
            self.state.accepted_id_tags.remove(token.id_tag)

    # profiles and link

    def install(self, profile: charging_profiles.ChargingProfile) -> None:
        """Install a profile in place of those it replaces: the same id, or the same EVSE, purpose and level (1.6 section 3.13.2)."""
        slot = (profile.evse_no, profile.purpose, profile.stack_level)
        self.state.profiles[:] = [
            other
            for other in self.state.profiles
            if other.profile_id != profile.profile_id and (other.evse_no, other.purpose, other.stack_level) != slot
        ]
        self.state.profiles.append(profile)
        self.save()

    def link_up(self) -> None:
        """The central system has accepted this charge point: tell it every status anew."""
        self.online = True
        self.boot_reason = None
        for evse in self.evses:
            evse.reported = None
        now = self.clock()
        is_operative = any(evse.state.operative for evse in self.evses)
        overall = self.dialect.overall_status(Status.AVAILABLE if is_operative else Status.UNAVAILABLE, now)
        if overall is not None:
            self.outbox.post(overall)
        self.advance(now)

    def link_down(self) -> None:
        """Go on by what is installed: schedules end by themselves, and some profiles after a while without a link."""
        self.online = False
        self.outbox.drop_ordinary()
        self.save()
        self.advance(self.clock())
