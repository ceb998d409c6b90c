"""What an OCPP 2.0.1 charging station says."""

from datetime import datetime
from types import ModuleType
from typing import Any

from ocpp.v201 import ChargePoint, call
from ocpp.v201.datatypes import (
    ChargingStationType,
    EVSEType,
    IdTokenType,
    MeterValueType,
    SampledValueType,
    TransactionType,
    UnitOfMeasureType,
)
from ocpp.v201.enums import (
    AuthorizationStatusEnumType,
    BootReasonEnumType,
    ChargingStateEnumType,
    ConnectorStatusEnumType,
    FirmwareStatusEnumType,
    IdTokenEnumType,
    MeasurandEnumType,
    PhaseEnumType,
    ReadingContextEnumType,
    ReasonEnumType,
    ReservationUpdateStatusEnumType,
    TransactionEventEnumType,
    TriggerReasonEnumType,
)

from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.dialect import BootReason, ReadingContext, StartTrigger, Status, StopReason, timestamp
from ampyard.simulator.endpoint import Endpoint
from ampyard.simulator.fleet import ChargePointSpec
from ampyard.simulator.routes import open_endpoint
from ampyard.simulator.state import IdToken, MeterReading, Transaction
from ampyard.simulator.v201.orders import Orders201

REASONS = {
    StopReason.EV_DISCONNECTED: (ReasonEnumType.ev_disconnected, TriggerReasonEnumType.ev_departed),
    StopReason.EV_FULL: (ReasonEnumType.stopped_by_ev, TriggerReasonEnumType.charging_state_changed),
    StopReason.REMOTE: (ReasonEnumType.remote, TriggerReasonEnumType.remote_stop),
    StopReason.SOFT_RESET: (ReasonEnumType.immediate_reset, TriggerReasonEnumType.reset_command),
    StopReason.HARD_RESET: (ReasonEnumType.immediate_reset, TriggerReasonEnumType.reset_command),
    StopReason.DEAUTHORIZED: (ReasonEnumType.de_authorized, TriggerReasonEnumType.deauthorized),
    StopReason.UNLOCKED: (ReasonEnumType.other, TriggerReasonEnumType.unlock_command),
}
PHASES = (PhaseEnumType.l1, PhaseEnumType.l2, PhaseEnumType.l3)
SAMPLE_TRIGGERS = {
    "Sample.Periodic": TriggerReasonEnumType.meter_value_periodic,
    "Trigger": TriggerReasonEnumType.trigger,
}


class Dialect201:
    subprotocol = "ocpp2.0.1"
    calls: ModuleType = call
    names_transactions = True

    def endpoint(self, charge_point: SimulatedChargePoint, connection: Any) -> Endpoint:
        return open_endpoint(ChargePoint, charge_point, connection, Orders201(charge_point))

    def boot(self, spec: ChargePointSpec, firmware_version: str, reason: BootReason) -> call.BootNotification:
        station = ChargingStationType(
            vendor_name=spec.vendor, model=spec.model, serial_number=spec.serial_number, firmware_version=firmware_version
        )
        return call.BootNotification(station, BootReasonEnumType(reason.value))

    def heartbeat(self) -> call.Heartbeat:
        return call.Heartbeat()

    def firmware_status(self, status: str, request_id: int | None) -> call.FirmwareStatusNotification:
        return call.FirmwareStatusNotification(FirmwareStatusEnumType(status), request_id)

    def status(self, evse_no: int, status: Status, now: datetime) -> call.StatusNotification:
        """Word a connector status: Occupied is whatever is not available for a new driver (part 2, ConnectorStatusEnumType)."""
        is_plain = status in (Status.AVAILABLE, Status.UNAVAILABLE, Status.RESERVED)
        wire_status = ConnectorStatusEnumType(status.value) if is_plain else ConnectorStatusEnumType.occupied
        return call.StatusNotification(timestamp(now), wire_status, evse_no, 1)

    def overall_status(self, status: Status, now: datetime) -> None:
        """Say nothing: in 2.0.1 only connectors have a status."""

    def reservation_expired(self, number: int) -> call.ReservationStatusUpdate:
        return call.ReservationStatusUpdate(number, ReservationUpdateStatusEnumType.expired)

    def authorize(self, token: IdToken) -> call.Authorize:
        return call.Authorize(_id_token(token))

    def is_authorized(self, answer: Any) -> bool:
        return bool(answer.id_token_info["status"] == AuthorizationStatusEnumType.accepted)

    def started(self, transaction: Transaction, evse_no: int, trigger: StartTrigger, *, online: bool) -> call.TransactionEvent:
        return call.TransactionEvent(
            event_type=TransactionEventEnumType.started,
            timestamp=timestamp(transaction.began.taken_at),
            trigger_reason=TriggerReasonEnumType(trigger),
            seq_no=transaction.next_seq_no(),
            transaction_info=_info(transaction, remote_start_id=transaction.remote_start_id),
            meter_value=[meter_value(transaction.began, ReadingContextEnumType.transaction_begin)],
            offline=None if online else True,
            evse=EVSEType(evse_no, 1),
            id_token=_id_token(transaction.token),
            reservation_id=transaction.reservation_number,
        )

    def started_answer(self, answer: Any) -> tuple[int | None, bool]:
        info = answer.id_token_info
        return None, info is None or info["status"] == AuthorizationStatusEnumType.accepted

    def sampled(
        self,
        transaction: Transaction,
        evse_no: int,  # noqa: ARG002 - the station has named the EVSE when the transaction started
        reading: MeterReading,
        context: ReadingContext,
        *,
        online: bool,
    ) -> call.TransactionEvent:
        return self._updated(transaction, reading, SAMPLE_TRIGGERS[context], ReadingContextEnumType(context), online=online)

    def meter_values(self, evse_no: int, transaction: Transaction | None, reading: MeterReading) -> call.MeterValues:  # noqa: ARG002 - 2.0.1 does not name it here
        return call.MeterValues(evse_no, [meter_value(reading, ReadingContextEnumType.trigger)])

    def charging_state_changed(self, transaction: Transaction, reading: MeterReading, *, online: bool) -> call.TransactionEvent:
        context = ReadingContextEnumType.other
        return self._updated(transaction, reading, TriggerReasonEnumType.charging_state_changed, context, online=online)

    def ended(self, transaction: Transaction, reading: MeterReading, reason: StopReason, *, online: bool) -> call.TransactionEvent:
        stopped_reason, trigger = REASONS[reason]
        return call.TransactionEvent(
            event_type=TransactionEventEnumType.ended,
            timestamp=timestamp(reading.taken_at),
            trigger_reason=trigger,
            seq_no=transaction.next_seq_no(),
            transaction_info=TransactionType(
                transaction.key,
                charging_state=ChargingStateEnumType.idle if reason is StopReason.EV_DISCONNECTED else ChargingStateEnumType.ev_connected,
                stopped_reason=stopped_reason,
            ),
            meter_value=[
                meter_value(transaction.began, ReadingContextEnumType.transaction_begin),
                meter_value(reading, ReadingContextEnumType.transaction_end),
            ],
            offline=None if online else True,
        )

    def _updated(
        self,
        transaction: Transaction,
        reading: MeterReading,
        trigger: TriggerReasonEnumType,
        context: ReadingContextEnumType,
        *,
        online: bool,
    ) -> call.TransactionEvent:
        return call.TransactionEvent(
            event_type=TransactionEventEnumType.updated,
            timestamp=timestamp(reading.taken_at),
            trigger_reason=trigger,
            seq_no=transaction.next_seq_no(),
            transaction_info=_info(transaction),
            meter_value=[meter_value(reading, context)],
            offline=None if online else True,
        )


def _id_token(token: IdToken) -> IdTokenType:
    return IdTokenType(token.id_tag, IdTokenEnumType(token.kind))


def _info(transaction: Transaction, remote_start_id: int | None = None) -> TransactionType:
    state = ChargingStateEnumType(transaction.charging_state)
    return TransactionType(transaction.key, charging_state=state, remote_start_id=remote_start_id)


def meter_value(reading: MeterReading, context: ReadingContextEnumType) -> MeterValueType:
    """Word a reading: Energy.Active.Import.Register (Wh), Power.Active.Import (W), Current.Import (A, each phase), SoC (Percent)."""

    def sampled(value: float, measurand: MeasurandEnumType, unit: str, phase: PhaseEnumType | None = None) -> SampledValueType:
        return SampledValueType(value, context, measurand, phase, unit_of_measure=UnitOfMeasureType(unit))

    values = [
        sampled(reading.energy_wh, MeasurandEnumType.energy_active_import_register, "Wh"),
        sampled(reading.power_w, MeasurandEnumType.power_active_import, "W"),
    ]
    values += [
        sampled(current_a, MeasurandEnumType.current_import, "A", phase)
        for phase, current_a in zip(PHASES, reading.current_a, strict=False)
    ]
    if reading.soc_percent is not None:
        values.append(sampled(reading.soc_percent, MeasurandEnumType.soc, "Percent"))
    return MeterValueType(timestamp(reading.taken_at), values)
