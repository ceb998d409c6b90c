"""Rules in both depots, alerts of all states about all that there can be alerts about, and channels that were told of them."""

from dataclasses import replace
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import update

from ampyard.domain.alerts import (
    Alert,
    AlertChange,
    AlertChangeKind,
    AlertKind,
    AlertRule,
    AlertSeverity,
    AlertState,
    Condition,
    summary_of,
)
from ampyard.domain.depots import Depot
from ampyard.domain.ids import new_id
from ampyard.domain.notifications.channels import ChannelKind, QuietHours
from ampyard.domain.notifications.deliveries import DeliveryState, NotedChange
from ampyard.repositories import tables
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.alert_conditions import remember
from ampyard.repositories.alerts import AlertChanges, AlertRules, Alerts
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.notifications import Channels, Deliveries
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.resolvers.ids import encode_id
from ampyard.services.alerts.handling import acknowledge_alerts, resolve_alerts
from ampyard.services.alerts.rules import NewAlertRule, create_alert_rule
from ampyard.services.notifications.channels import NewChannel, NewRoute, create_channel, send_test
from ampyard.services.notifications.queueing import DELIVER_JOB, queue
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

UNSET = {"NotificationDelivery.statusCode"}

_FACTS: dict[AlertKind, dict[str, Any]] = {
    AlertKind.OFFLINE: {},
    AlertKind.NOT_CHARGING: {"evse_no": 1},
    AlertKind.OVER_LIMIT: {"load_kw": 210.0, "limit_kw": 200.0},
    AlertKind.NOT_READY: {"risk": "NOT_READY", "departs_at": "2026-11-02T17:00+00:00", "shortfall_kwh": 12.0},
}


async def happen(busy: "Busy") -> None:
    """Have each depot alerted of all kinds; one alert is looked after, one is over."""
    backend, principal = busy.backend, user(busy.tenant_id)
    groups = {group.name: group.id for group in await busy.all(ResourceGroups)}
    for depot in await busy.all(Depots):
        group_id = groups[f"Group {depot.name}"]
        rules = await _rules(busy, depot, group_id)
        routes = (NewRoute(rules[AlertKind.OFFLINE].id, AlertSeverity.WARNING, tells_resolved=True), NewRoute())
        quiet = QuietHours(time(22), time(6), depot.time_zone, AlertSeverity.CRITICAL)
        mail = NewChannel(f"Mail {depot.name}", ChannelKind.EMAIL, True, group_id, ("ops@example.org",), quiet_hours=quiet, routes=routes)
        hook = NewChannel(f"Hook {depot.name}", ChannelKind.WEBHOOK, url=f"https://hook.invalid/{depot.name}", routes=(NewRoute(),))
        for wanted in (mail, hook):
            channel, _ = await create_channel(backend, principal, wanted)
            tested = await send_test(backend, principal, channel.id)
        alerts = await _alerts(busy, depot, rules)
        async with backend.unit_of_work(principal) as work:
            await queue(work, [(alert, NotedChange.OPENED) for alert in alerts])
            failed = {"state": DeliveryState.FAILED, "attempts": 8, "finished_at": work.now, "error": "example.org was not reached"}
            table = tables.notification_delivery
            await work.session.execute(update(table).where(table.c.id == tested.id).values(**failed))
            await work.commit()
        await acknowledge_alerts(backend, principal, [alerts[0].id, alerts[1].id], note="On my way")
        await resolve_alerts(backend, principal, [alerts[1].id], note=None)
    # A worker that runs elsewhere in the tests does not look here, and has nothing to deliver.
    async with busy.backend.unit_of_work(principal) as work:
        await work.session.execute(update(tables.alert_rule).values(enabled=False))
        async with work.session.driver() as connection:
            query = "DELETE FROM pgqueuer WHERE entrypoint = $1 AND convert_from(payload, 'UTF8') LIKE $2"
            await connection.execute(query, DELIVER_JOB, f"%{busy.tenant_id}%")
        await work.commit()


async def _rules(busy: "Busy", depot: Depot, group_id: UUID) -> dict[AlertKind, AlertRule]:
    rules = {}
    for kind, severity in (
        (AlertKind.OFFLINE, AlertSeverity.WARNING),
        (AlertKind.NOT_CHARGING, AlertSeverity.WARNING),
        (AlertKind.OVER_LIMIT, AlertSeverity.CRITICAL),
        (AlertKind.NOT_READY, AlertSeverity.CRITICAL),
    ):
        wanted = NewAlertRule(f"{kind.value} {depot.name}", kind, severity, depot_id=depot.id)
        if kind is AlertKind.OFFLINE:
            wanted = replace(wanted, depot_id=None, resource_group_id=group_id)
        rules[kind] = await create_alert_rule(busy.backend, user(busy.tenant_id), wanted)
    return rules


async def _alerts(busy: "Busy", depot: Depot, rules: dict[AlertKind, AlertRule]) -> list[Alert]:
    transaction = next(t for t in await busy.all(Transactions) if t.depot_id == depot.id and t.vehicle_id is not None)
    node = next(node for node in await busy.all(PowerNodes) if node.depot_id == depot.id)
    assignment = next(it for it in await busy.all(Assignments) if it.depot_id == depot.id)
    async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
        point = {"charge_point_id": transaction.charge_point_id}
        alerts = [
            _alert(work, depot, rules[AlertKind.OFFLINE], transaction.charge_point_id, **point),
            _alert(
                work,
                depot,
                rules[AlertKind.NOT_CHARGING],
                transaction.id,
                **point,
                vehicle_id=transaction.vehicle_id,
                transaction_id=transaction.id,
            ),
            _alert(work, depot, rules[AlertKind.OVER_LIMIT], node.id, power_node_id=node.id),
            _alert(work, depot, rules[AlertKind.NOT_READY], assignment.id, vehicle_id=assignment.vehicle_id, assignment_id=assignment.id),
        ]
        await work.add(Alerts, *alerts)
        await work.add(
            AlertChanges,
            *(AlertChange(new_id(), work.tenant_id, alert.id, AlertChangeKind.OPENED, work.now, None, None) for alert in alerts),
        )
        conditions = [Condition(alert.rule_id, alert.target_id, alert.since, work.now, alert.id) for alert in alerts if alert.rule_id]
        await remember(work.session, work.tenant_id, conditions)
        await work.commit()
    return alerts


def _alert(work: UnitOfWork, depot: Depot, rule: AlertRule, target_id: UUID, **about: UUID | None) -> Alert:
    nothing: dict[str, UUID | None] = dict.fromkeys(("charge_point_id", "power_node_id", "vehicle_id", "transaction_id", "assignment_id"))
    return Alert(
        id=new_id(),
        tenant_id=work.tenant_id,
        rule_id=rule.id,
        kind=rule.kind,
        severity=rule.severity,
        state=AlertState.OPEN,
        target_id=target_id,
        depot_id=depot.id,
        **{**nothing, **about},
        summary=summary_of(rule.kind, _FACTS[rule.kind]),
        facts=dict(_FACTS[rule.kind]),
        since=work.now - timedelta(minutes=10),
        opened_at=work.now - timedelta(minutes=5),
        acknowledged_at=None,
        acknowledged_by=None,
        resolved_at=None,
        resolved_by=None,
        note=None,
        updated_at=work.now - timedelta(minutes=5),
    )


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    """Return by root field the arguments with which it would do something."""
    opened = next(alert for alert in await busy.all(Alerts) if alert.state is AlertState.OPEN)
    rule = next(rule for rule in await busy.all(AlertRules) if rule.depot_id is not None)
    channel = next(it for it in await busy.all(Channels) if it.kind is ChannelKind.WEBHOOK)
    delivery = next(it for it in await busy.all(Deliveries) if it.state is DeliveryState.FAILED)
    some, of_channel = {"alertIds": [_id(opened)]}, {"input": {"notificationChannelId": _id(channel)}}
    new_channel = {"name": "New", "kind": "EMAIL", "addresses": ["new@example.org"]}
    return {
        "acknowledgeAlerts": {"input": some},
        "resolveAlerts": {"input": some},
        "noteAlert": {"input": {"alertId": _id(opened), "note": "Noted."}},
        "createAlertRule": {"input": {"name": "New", "kind": "OFFLINE", "severity": "INFO", "depotId": _of(Depot, rule.depot_id)}},
        "editAlertRule": {"input": {"alertRuleId": _id(rule), "name": "Renamed"}},
        "removeAlertRule": {"input": {"alertRuleId": _id(rule)}},
        "addDefaultAlertRules": {"input": {}},
        "createNotificationChannel": {"input": new_channel},
        "editNotificationChannel": {"input": {"notificationChannelId": _id(channel), "enabled": False}},
        "renewWebhookSecret": of_channel,
        "removeNotificationChannel": of_channel,
        "testNotificationChannel": of_channel,
        "retryNotificationDelivery": {"input": {"notificationDeliveryId": _id(delivery)}},
    }


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return by mutation and input field what would do something if only that id were not the other tenant's."""
    own, theirs = await valid_inputs(busy), await valid_inputs(twin)
    inputs: dict[tuple[str, str], dict[str, Any]] = {
        (name, key): theirs[name]["input"]
        for name, key in (
            ("acknowledgeAlerts", "alertIds"),
            ("resolveAlerts", "alertIds"),
            ("noteAlert", "alertId"),
            ("createAlertRule", "depotId"),
            ("editAlertRule", "alertRuleId"),
            ("removeAlertRule", "alertRuleId"),
            ("editNotificationChannel", "notificationChannelId"),
            ("renewWebhookSecret", "notificationChannelId"),
            ("removeNotificationChannel", "notificationChannelId"),
            ("testNotificationChannel", "notificationChannelId"),
            ("retryNotificationDelivery", "notificationDeliveryId"),
        )
    }
    rule = next(rule for rule in await busy.all(AlertRules) if rule.depot_id is not None)
    depot = theirs["createAlertRule"]["input"]["depotId"]
    inputs["editAlertRule", "depotId"] = {"alertRuleId": _id(rule), "depotId": depot}
    group = _id((await twin.all(ResourceGroups))[0])
    named = {"name": "New", "kind": "OFFLINE", "severity": "INFO", "resourceGroupId": group}
    inputs["createAlertRule", "resourceGroupId"] = named
    inputs["editAlertRule", "resourceGroupId"] = {"alertRuleId": _id(rule), "depotId": None, "resourceGroupId": group}
    for name in ("createNotificationChannel", "editNotificationChannel"):
        inputs[name, "resourceGroupId"] = own[name]["input"] | {"resourceGroupId": group}
    # Nested in the routes.
    foreign_route = {"routes": [{"alertRuleId": theirs["editAlertRule"]["input"]["alertRuleId"]}]}
    inputs["createNotificationChannel", "alertRuleId"] = own["createNotificationChannel"]["input"] | foreign_route
    inputs["editNotificationChannel", "alertRuleId"] = own["editNotificationChannel"]["input"] | foreign_route
    return inputs


def _id(entity: Any) -> str:
    return str(encode_id(type(entity), entity.id))


def _of(entity: type[Any], entity_id: UUID | None) -> str:
    assert entity_id is not None
    return str(encode_id(entity, entity_id))
