"""Filters over alerts, their rules, and those who are told: the condition, and which entities it keeps."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ampyard.domain.alerts import AlertKind, AlertSeverity, AlertState
from ampyard.domain.notifications.channels import ChannelKind
from ampyard.domain.notifications.deliveries import DeliveryState
from tests.busy import NOW
from tests.schema.graph import id_of

Known = dict[str, Any]
Keep = Callable[[Any], bool]
Case = tuple[Callable[[Known], dict[str, object]], Callable[[Known], Keep]]
LATER = (NOW + timedelta(hours=1)).isoformat()

_ALERTS: list[Case] = [
    (lambda _: {"states": ["OPEN", "RESOLVED"]}, lambda _: lambda a: a.state in {AlertState.OPEN, AlertState.RESOLVED}),
    (lambda _: {"states": []}, lambda _: lambda _a: False),
    (lambda _: {"kinds": ["OFFLINE"]}, lambda _: lambda a: a.kind is AlertKind.OFFLINE),
    (lambda _: {"minSeverity": "CRITICAL"}, lambda _: lambda a: a.severity is AlertSeverity.CRITICAL),
    (lambda _: {"minSeverity": "INFO"}, lambda _: lambda _a: True),
    (lambda e: {"depotId": id_of(e["North"])}, lambda e: lambda a: a.depot_id == e["North"].id),
    (lambda e: {"chargePointId": id_of(e["CP-1"])}, lambda e: lambda a: a.charge_point_id == e["CP-1"].id),
    (lambda e: {"vehicleId": id_of(e["Bus 1"])}, lambda e: lambda a: a.vehicle_id == e["Bus 1"].id),
    (lambda e: {"transactionId": id_of(e["tx-1"])}, lambda e: lambda a: a.transaction_id == e["tx-1"].id),
    (lambda e: {"alertRuleId": id_of(e["alert rule"])}, lambda e: lambda a: a.rule_id == e["alert rule"].id),
    (lambda _: {"openedFrom": LATER}, lambda _: lambda _a: False),
    (lambda _: {"openedTo": LATER}, lambda _: lambda _a: True),
]
_RULES: list[Case] = [
    (lambda _: {"kind": "NOT_READY"}, lambda _: lambda rule: rule.kind is AlertKind.NOT_READY),
    (lambda _: {"enabled": False}, lambda _: lambda rule: not rule.enabled),
    (lambda _: {"enabled": True}, lambda _: lambda rule: rule.enabled),
]
_CHANNELS: list[Case] = [
    (lambda _: {"kind": "EMAIL"}, lambda _: lambda channel: channel.kind is ChannelKind.EMAIL),
    (lambda _: {"enabled": False}, lambda _: lambda channel: not channel.enabled),
    (lambda _: {"enabled": True}, lambda _: lambda channel: channel.enabled),
]
_DELIVERIES: list[Case] = [
    (lambda _: {"state": "FAILED"}, lambda _: lambda delivery: delivery.state is DeliveryState.FAILED),
    (lambda e: {"notificationChannelId": id_of(e["channel"])}, lambda e: lambda delivery: delivery.channel_id == e["channel"].id),
    (lambda e: {"alertId": id_of(e["alert"])}, lambda e: lambda delivery: delivery.id in e["deliveries of alert"]),
    (lambda _: {"createdFrom": LATER}, lambda _: lambda _d: False),
    (lambda _: {"createdTo": LATER}, lambda _: lambda _d: True),
]

FILTERS = [
    (name, *case)
    for name, cases in (
        ("alerts", _ALERTS),
        ("alertRules", _RULES),
        ("notificationChannels", _CHANNELS),
        ("notificationDeliveries", _DELIVERIES),
    )
    for case in cases
]
