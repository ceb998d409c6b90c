"""OCPP 2.0.1: what charging stations say, put to the services. Use cases are those of its part 2."""

import logging
from typing import Any

from ocpp.v201 import ChargePoint, call_result
from ocpp.v201.datatypes import IdTokenInfoType
from ocpp.v201.enums import (
    Action,
    AuthorizationStatusEnumType,
    DataTransferStatusEnumType,
    GenericStatusEnumType,
    NotifyEVChargingNeedsStatusEnumType,
    RegistrationStatusEnumType,
)

from ampyard.connect.answers import Answer
from ampyard.connect.endpoint import Endpoint, handles
from ampyard.connect.v201.commands import message
from ampyard.connect.v201.meter_values import readings_of
from ampyard.connect.v201.orders import understand
from ampyard.connect.v201.variables import reported_variables, station_event
from ampyard.connect.values import format_timestamp, parse_timestamp
from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.domain.commands import Command
from ampyard.domain.id_tags import Authorization, IdTagKind
from ampyard.domain.transactions import ChargingState
from ampyard.services import charge_points, firmware, reservations, station_events, transactions, variables
from ampyard.services.charge_points import BootInfo
from ampyard.services.transactions import Report

_log = logging.getLogger(__name__)


# IdTokenEnumType (2.0.1 part 2, 3.43), as far as it says what is read; a central or local id may be anything.
_KIND_OF_TOKEN = {"ISO14443": IdTagKind.RFID, "ISO15693": IdTagKind.RFID, "MacAddress": IdTagKind.MAC, "eMAID": IdTagKind.CONTRACT}


class Endpoint201(Endpoint, ChargePoint):
    version = OcppVersion.V201
    actions = frozenset(Action)

    def message(self, command: Command) -> Any:
        return message(command)

    def understand(self, command: Command, answer: dict[str, Any]) -> Answer:
        return understand(command, answer)

    @handles(Action.boot_notification)
    async def boot_notification(self, *, charging_station: dict[str, Any], **_: Any) -> call_result.BootNotification:
        modem = charging_station.get("modem", {})
        info = BootInfo(
            vendor=charging_station["vendor_name"],
            model=charging_station["model"],
            serial_number=charging_station.get("serial_number"),
            firmware_version=charging_station.get("firmware_version"),
            iccid=modem.get("iccid"),
            imsi=modem.get("imsi"),
        )
        await charge_points.booted(self.backend, self.station, info)
        now = format_timestamp(self.backend.clock())
        return call_result.BootNotification(now, self.options.heartbeat_interval_s, RegistrationStatusEnumType.accepted)

    @handles(Action.heartbeat)
    async def heartbeat(self, **_: Any) -> call_result.Heartbeat:
        return call_result.Heartbeat(format_timestamp(self.backend.clock()))

    @handles(Action.status_notification)
    async def status_notification(
        self, *, timestamp: str, connector_status: str, evse_id: int, connector_id: int, **_: Any
    ) -> call_result.StatusNotification:
        status = ConnectorStatus(connector_status)
        at = parse_timestamp(timestamp)
        await charge_points.status_changed(self.backend, self.station, evse_id, connector_id, status, error_code=None, at=at)
        return call_result.StatusNotification()

    @handles(Action.authorize)
    async def authorize(self, *, id_token: dict[str, Any], **_: Any) -> call_result.Authorize:
        kind = _KIND_OF_TOKEN.get(id_token["type"])
        authorization = await transactions.authorize_tag(self.backend, self.station, id_token["id_token"], kind)
        return call_result.Authorize(_id_token_info(authorization))

    @handles(Action.transaction_event)
    async def transaction_event(
        self,
        *,
        event_type: str,
        timestamp: str,
        seq_no: int,
        transaction_info: dict[str, Any],
        id_token: dict[str, Any] | None = None,
        evse: dict[str, Any] | None = None,
        meter_value: list[dict[str, Any]] | None = None,
        offline: bool = False,
        reservation_id: int | None = None,
        **_: Any,
    ) -> call_result.TransactionEvent:
        # C02: the start button names nobody, and is always accepted.
        anonymous = id_token is not None and id_token["type"] == "NoAuthorization"
        charging_state = transaction_info.get("charging_state")
        report = Report(
            at=parse_timestamp(timestamp),
            evse_no=None if evse is None else evse["id"],
            connector_no=None if evse is None else evse.get("connector_id"),
            ocpp_transaction_id=transaction_info["transaction_id"],
            id_tag=None if id_token is None or anonymous else id_token["id_token"],
            charging_state=None if charging_state is None else ChargingState(charging_state),
            seq_no=seq_no,
            # TransactionType: an absent reason of an ended transaction means Local
            stop_reason=transaction_info.get("stopped_reason", "Local") if event_type == "Ended" else None,
            readings=readings_of(meter_value or []),
            begins=event_type == "Started",
            offline=offline,
            nobody=anonymous,
            id_tag_kind=None if id_token is None else _KIND_OF_TOKEN.get(id_token["type"]),
            remote_start_id=transaction_info.get("remote_start_id"),
            reservation_id=reservation_id,
        )
        record = transactions.end if event_type == "Ended" else transactions.start
        authorization = (await record(self.backend, self.station, report)).authorization
        if anonymous:
            authorization = Authorization.ACCEPTED
        return call_result.TransactionEvent(id_token_info=None if authorization is None else _id_token_info(authorization))

    @handles(Action.meter_values)
    async def meter_values(self, *, evse_id: int, meter_value: list[dict[str, Any]], **_: Any) -> call_result.MeterValues:
        await transactions.measured(self.backend, self.station, evse_id, readings_of(meter_value), ocpp_transaction_id=None)
        return call_result.MeterValues()

    @handles(Action.data_transfer)
    async def data_transfer(self, *, vendor_id: str, **_: Any) -> call_result.DataTransfer:
        _log.info("%s: data of vendor %r is not understood.", self.station.identity, vendor_id)
        return call_result.DataTransfer(DataTransferStatusEnumType.unknown_vendor_id)

    @handles(Action.security_event_notification)
    async def security_event(self, **event: Any) -> call_result.SecurityEventNotification:
        _log.warning("%s: security event: %r", self.station.identity, event)
        return call_result.SecurityEventNotification()

    @handles(Action.notify_event)
    async def notify_event(self, *, event_data: list[dict[str, Any]], **_: Any) -> call_result.NotifyEvent:
        await station_events.events_reported(self.backend, self.station, [station_event(event) for event in event_data])
        return call_result.NotifyEvent()

    @handles(Action.notify_report)
    async def notify_report(self, *, report_data: list[dict[str, Any]] | None = None, **_: Any) -> call_result.NotifyReport:
        await variables.reported(self.backend, self.station, reported_variables(report_data or []))
        return call_result.NotifyReport()

    @handles(Action.log_status_notification)
    async def log_status(self, *, status: str, **_: Any) -> call_result.LogStatusNotification:
        _log.info("%s: log upload: %s", self.station.identity, status)
        return call_result.LogStatusNotification()

    @handles(Action.firmware_status_notification)
    async def firmware_status(self, *, status: str, request_id: int | None = None, **_: Any) -> call_result.FirmwareStatusNotification:
        await firmware.status_changed(self.backend, self.station, status, request_id=request_id)
        return call_result.FirmwareStatusNotification()

    @handles(Action.reservation_status_update)
    async def reservation_status(
        self, *, reservation_id: int, reservation_update_status: str, **_: Any
    ) -> call_result.ReservationStatusUpdate:
        expired = reservation_update_status == "Expired"
        await reservations.told(self.backend, self.station, reservation_id, expired=expired)
        return call_result.ReservationStatusUpdate()

    @handles(Action.notify_charging_limit)
    async def notify_charging_limit(self, *, charging_limit: dict[str, Any], **_: Any) -> call_result.NotifyChargingLimit:
        _log.warning("%s: limited by another: %r", self.station.identity, charging_limit)
        return call_result.NotifyChargingLimit()

    @handles(Action.cleared_charging_limit)
    async def cleared_charging_limit(self, *, charging_limit_source: str, **_: Any) -> call_result.ClearedChargingLimit:
        _log.info("%s: no longer limited by %s.", self.station.identity, charging_limit_source)
        return call_result.ClearedChargingLimit()

    @handles(Action.notify_ev_charging_needs)
    async def notify_ev_charging_needs(self, **_: Any) -> call_result.NotifyEVChargingNeeds:
        # K15: no schedule is made from an ISO 15118 vehicle's needs; it charges within the limits that are set.
        return call_result.NotifyEVChargingNeeds(NotifyEVChargingNeedsStatusEnumType.rejected)

    @handles(Action.notify_ev_charging_schedule)
    async def notify_ev_charging_schedule(self, **_: Any) -> call_result.NotifyEVChargingSchedule:
        # K15: says that the message was processed, and approves nothing.
        return call_result.NotifyEVChargingSchedule(GenericStatusEnumType.accepted)

    @handles(Action.sign_certificate)
    async def sign_certificate(self, **_: Any) -> call_result.SignCertificate:
        _log.warning("%s: asks for a certificate; there is no authority to sign it.", self.station.identity)
        return call_result.SignCertificate(GenericStatusEnumType.rejected)


def _id_token_info(authorization: Authorization) -> IdTokenInfoType:
    return IdTokenInfoType(AuthorizationStatusEnumType(authorization.value))
