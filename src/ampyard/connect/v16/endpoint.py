"""OCPP 1.6J: what charge points say, put to the services."""

import logging
from typing import Any

from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.datatypes import IdTagInfo
from ocpp.v16.enums import Action, AuthorizationStatus, DataTransferStatus, GenericStatus, RegistrationStatus

from ampyard.connect.answers import Answer
from ampyard.connect.endpoint import Endpoint, handles
from ampyard.connect.v16.commands import message
from ampyard.connect.v16.meter_values import readings_of
from ampyard.connect.v16.orders import understand
from ampyard.connect.values import format_timestamp, parse_timestamp
from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.domain.commands import Command
from ampyard.domain.errors import NotFoundError
from ampyard.domain.id_tags import Authorization
from ampyard.services import charge_points, firmware, transactions
from ampyard.services.charge_points import BootInfo
from ampyard.services.transactions import Report

_log = logging.getLogger(__name__)

# A 1.6 connector is an EVSE with this one connector.
_CONNECTOR_NO = 1


class Endpoint16(Endpoint, ChargePoint):
    version = OcppVersion.V16
    actions = frozenset(Action)

    def message(self, command: Command) -> Any:
        return message(command)

    def understand(self, command: Command, answer: dict[str, Any]) -> Answer:
        return understand(command, answer)

    @handles(Action.boot_notification)
    async def boot_notification(
        self,
        *,
        charge_point_vendor: str,
        charge_point_model: str,
        charge_point_serial_number: str | None = None,
        charge_box_serial_number: str | None = None,
        firmware_version: str | None = None,
        iccid: str | None = None,
        imsi: str | None = None,
        meter_type: str | None = None,
        meter_serial_number: str | None = None,
        **_: Any,
    ) -> call_result.BootNotification:
        info = BootInfo(
            vendor=charge_point_vendor,
            model=charge_point_model,
            serial_number=charge_point_serial_number or charge_box_serial_number,
            firmware_version=firmware_version,
            iccid=iccid,
            imsi=imsi,
            meter_type=meter_type,
            meter_serial_number=meter_serial_number,
        )
        await charge_points.booted(self.backend, self.station, info)
        now = format_timestamp(self.backend.clock())
        return call_result.BootNotification(now, self.options.heartbeat_interval_s, RegistrationStatus.accepted)

    @handles(Action.heartbeat)
    async def heartbeat(self, **_: Any) -> call_result.Heartbeat:
        return call_result.Heartbeat(format_timestamp(self.backend.clock()))

    @handles(Action.status_notification)
    async def status_notification(
        self,
        *,
        connector_id: int,
        error_code: str,
        status: str,
        timestamp: str | None = None,
        info: str | None = None,
        vendor_id: str | None = None,
        vendor_error_code: str | None = None,
        **_: Any,
    ) -> call_result.StatusNotification:
        await charge_points.status_changed(
            self.backend,
            self.station,
            connector_id,
            _CONNECTOR_NO,
            ConnectorStatus(status),
            error_code=None if error_code == "NoError" else error_code,
            at=self.backend.clock() if timestamp is None else parse_timestamp(timestamp),
            vendor_id=vendor_id,
            vendor_error_code=vendor_error_code,
            info=info,
        )
        return call_result.StatusNotification()

    @handles(Action.authorize)
    async def authorize(self, *, id_tag: str, **_: Any) -> call_result.Authorize:
        return call_result.Authorize(_id_tag_info(await transactions.authorize_tag(self.backend, self.station, id_tag)))

    @handles(Action.start_transaction)
    async def start_transaction(
        self, *, connector_id: int, id_tag: str, meter_start: int, timestamp: str, reservation_id: int | None = None, **_: Any
    ) -> call_result.StartTransaction:
        report = Report(
            at=parse_timestamp(timestamp),
            evse_no=connector_id,
            connector_no=_CONNECTOR_NO,
            id_tag=id_tag,
            register_wh=float(meter_start),
            reservation_id=reservation_id,
        )
        outcome = await transactions.start(self.backend, self.station, report)
        # The tag was named, so there is a word on it.
        info = _id_tag_info(outcome.authorization or Authorization.INVALID)
        return call_result.StartTransaction(int(outcome.transaction.ocpp_transaction_id), info)

    @handles(Action.stop_transaction)
    async def stop_transaction(
        self,
        *,
        transaction_id: int,
        meter_stop: int,
        timestamp: str,
        id_tag: str | None = None,
        reason: str | None = None,
        transaction_data: list[dict[str, Any]] | None = None,
        **_: Any,
    ) -> call_result.StopTransaction:
        report = Report(
            at=parse_timestamp(timestamp),
            ocpp_transaction_id=str(transaction_id),
            id_tag=id_tag,
            register_wh=float(meter_stop),
            stop_reason=reason or "Local",  # StopTransaction.req: what an absent reason means
            readings=readings_of(transaction_data or []),
            begins=False,
        )
        try:
            outcome = await transactions.end(self.backend, self.station, report)
        except NotFoundError:
            await transactions.keep_unknown_end(self.backend, self.station, report)
            return call_result.StopTransaction()
        return call_result.StopTransaction(None if outcome.authorization is None else _id_tag_info(outcome.authorization))

    @handles(Action.meter_values)
    async def meter_values(
        self, *, connector_id: int, meter_value: list[dict[str, Any]], transaction_id: int | None = None, **_: Any
    ) -> call_result.MeterValues:
        ocpp_transaction_id = None if transaction_id is None else str(transaction_id)
        readings = readings_of(meter_value)
        await transactions.measured(self.backend, self.station, connector_id, readings, ocpp_transaction_id=ocpp_transaction_id)
        return call_result.MeterValues()

    @handles(Action.data_transfer)
    async def data_transfer(self, *, vendor_id: str, **_: Any) -> call_result.DataTransfer:
        _log.info("%s: data of vendor %r is not understood.", self.station.identity, vendor_id)
        return call_result.DataTransfer(DataTransferStatus.unknown_vendor_id)

    @handles(Action.firmware_status_notification)
    async def firmware_status(self, *, status: str, **_: Any) -> call_result.FirmwareStatusNotification:
        await firmware.status_changed(self.backend, self.station, status, request_id=None)
        return call_result.FirmwareStatusNotification()

    @handles(Action.signed_firmware_status_notification)
    async def signed_firmware_status(
        self, *, status: str, request_id: int | None = None, **_: Any
    ) -> call_result.SignedFirmwareStatusNotification:
        await firmware.status_changed(self.backend, self.station, status, request_id=request_id)
        return call_result.SignedFirmwareStatusNotification()

    @handles(Action.diagnostics_status_notification)
    async def diagnostics_status(self, *, status: str, **_: Any) -> call_result.DiagnosticsStatusNotification:
        _log.info("%s: diagnostics: %s", self.station.identity, status)
        return call_result.DiagnosticsStatusNotification()

    @handles(Action.log_status_notification)
    async def log_status(self, *, status: str, **_: Any) -> call_result.LogStatusNotification:
        _log.info("%s: log upload: %s", self.station.identity, status)
        return call_result.LogStatusNotification()

    @handles(Action.security_event_notification)
    async def security_event(self, **event: Any) -> call_result.SecurityEventNotification:
        _log.warning("%s: security event: %r", self.station.identity, event)
        return call_result.SecurityEventNotification()

    @handles(Action.sign_certificate)
    async def sign_certificate(self, **_: Any) -> call_result.SignCertificate:
        _log.warning("%s: asks for a certificate; there is no authority to sign it.", self.station.identity)
        return call_result.SignCertificate(GenericStatus.rejected)


# 1.6 has no words for why somebody who is known may not charge here and now.
_STATUS = {
    Authorization.ACCEPTED: AuthorizationStatus.accepted,
    Authorization.BLOCKED: AuthorizationStatus.blocked,
    Authorization.EXPIRED: AuthorizationStatus.expired,
    Authorization.INVALID: AuthorizationStatus.invalid,
    Authorization.NO_CREDIT: AuthorizationStatus.blocked,
    Authorization.NOT_AT_THIS_LOCATION: AuthorizationStatus.blocked,
    Authorization.NOT_AT_THIS_TIME: AuthorizationStatus.blocked,
}


def _id_tag_info(authorization: Authorization) -> IdTagInfo:
    return IdTagInfo(_STATUS[authorization])
