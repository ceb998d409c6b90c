"""What an OCPP 1.6J charge point says."""

from datetime import datetime
from types import ModuleType
from typing import Any

from ocpp.v16 import ChargePoint, call
from ocpp.v16.datatypes import MeterValue, SampledValue
from ocpp.v16.enums import (
    AuthorizationStatus,
    ChargePointErrorCode,
    ChargePointStatus,
    FirmwareStatus,
    Measurand,
    Phase,
    Reason,
    UnitOfMeasure,
)
from ocpp.v16.enums import ReadingContext as Context

from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.dialect import BootReason, ReadingContext, StartTrigger, Status, StopReason, timestamp
from ampyard.simulator.endpoint import Endpoint
from ampyard.simulator.fleet import ChargePointSpec
from ampyard.simulator.routes import open_endpoint
from ampyard.simulator.state import IdToken, MeterReading, Transaction
from ampyard.simulator.v16.orders import Orders16

REASONS = {
    StopReason.EV_DISCONNECTED: Reason.ev_disconnected,
    StopReason.EV_FULL: Reason.other,
    StopReason.REMOTE: Reason.remote,
    StopReason.SOFT_RESET: Reason.soft_reset,
    StopReason.HARD_RESET: Reason.hard_reset,
    StopReason.DEAUTHORIZED: Reason.de_authorized,
    StopReason.UNLOCKED: Reason.unlock_command,
}
PHASES = (Phase.l1, Phase.l2, Phase.l3)


class Dialect16:
    subprotocol = "ocpp1.6"
    calls: ModuleType = call
    names_transactions = False

    def endpoint(self, charge_point: SimulatedChargePoint, connection: Any) -> Endpoint:
        return open_endpoint(ChargePoint, charge_point, connection, Orders16(charge_point))

    def boot(self, spec: ChargePointSpec, firmware_version: str, reason: BootReason) -> call.BootNotification:  # noqa: ARG002 - 1.6 gives no reason
        return call.BootNotification(
            charge_point_model=spec.model,
            charge_point_vendor=spec.vendor,
            charge_point_serial_number=spec.serial_number,
            firmware_version=firmware_version,
        )

    def heartbeat(self) -> call.Heartbeat:
        return call.Heartbeat()

    def firmware_status(self, status: str, request_id: int | None) -> call.FirmwareStatusNotification:  # noqa: ARG002 - 1.6 has no numbers
        return call.FirmwareStatusNotification(FirmwareStatus(status))

    def status(self, evse_no: int, status: Status, now: datetime) -> call.StatusNotification:
        return call.StatusNotification(evse_no, ChargePointErrorCode.no_error, ChargePointStatus(status.value), timestamp(now))

    def overall_status(self, status: Status, now: datetime) -> call.StatusNotification:
        """Word the status of connector 0, which stands for the whole charge point (section 4.9)."""
        return self.status(0, status, now)

    def reservation_expired(self, number: int) -> None:
        """Say nothing: in 1.6 the connector is available again, and that is all (section 5.13)."""

    def authorize(self, token: IdToken) -> call.Authorize:
        return call.Authorize(token.id_tag)

    def is_authorized(self, answer: Any) -> bool:
        return bool(answer.id_tag_info["status"] == AuthorizationStatus.accepted)

    def started(self, transaction: Transaction, evse_no: int, trigger: StartTrigger, *, online: bool) -> call.StartTransaction:  # noqa: ARG002 - 1.6 says neither
        began = transaction.began
        return call.StartTransaction(
            evse_no, transaction.token.id_tag, began.energy_wh, timestamp(began.taken_at), reservation_id=transaction.reservation_number
        )

    def started_answer(self, answer: Any) -> tuple[int | None, bool]:
        return answer.transaction_id, answer.id_tag_info["status"] == AuthorizationStatus.accepted

    def sampled(
        self,
        transaction: Transaction,
        evse_no: int,
        reading: MeterReading,
        context: ReadingContext,
        *,
        online: bool,  # noqa: ARG002 - 1.6 does not say whether it was offline
    ) -> call.MeterValues:
        return call.MeterValues(evse_no, [meter_value(reading, Context(context))], _wire_id(transaction))

    def meter_values(self, evse_no: int, transaction: Transaction | None, reading: MeterReading) -> call.MeterValues:
        return call.MeterValues(evse_no, [meter_value(reading, Context.trigger)], None if transaction is None else _wire_id(transaction))

    def charging_state_changed(self, transaction: Transaction, reading: MeterReading, *, online: bool) -> None:
        """Say nothing: in 1.6 the connector status carries the charging state."""

    def ended(self, transaction: Transaction, reading: MeterReading, reason: StopReason, *, online: bool) -> call.StopTransaction:  # noqa: ARG002 - 1.6 does not say whether it was offline
        return call.StopTransaction(
            meter_stop=reading.energy_wh,
            timestamp=timestamp(reading.taken_at),
            transaction_id=_wire_id(transaction) or 0,
            reason=REASONS[reason],
            transaction_data=[meter_value(transaction.began, Context.transaction_begin), meter_value(reading, Context.transaction_end)],
        )


def _wire_id(transaction: Transaction) -> int | None:
    return None if transaction.ocpp_transaction_id is None else int(transaction.ocpp_transaction_id)


def meter_value(reading: MeterReading, context: Context) -> MeterValue:
    """Word a reading: Energy.Active.Import.Register (Wh), Power.Active.Import (W), Current.Import (A, each phase), SoC (Percent)."""
    values = [
        SampledValue(str(reading.energy_wh), context, measurand=Measurand.energy_active_import_register, unit=UnitOfMeasure.wh),
        SampledValue(str(reading.power_w), context, measurand=Measurand.power_active_import, unit=UnitOfMeasure.w),
    ]
    values += [
        SampledValue(str(current_a), context, measurand=Measurand.current_import, phase=phase, unit=UnitOfMeasure.a)
        for phase, current_a in zip(PHASES, reading.current_a, strict=False)
    ]
    if reading.soc_percent is not None:
        values.append(SampledValue(str(reading.soc_percent), context, measurand=Measurand.soc, unit=UnitOfMeasure.percent))
    return MeterValue(timestamp(reading.taken_at), values)
