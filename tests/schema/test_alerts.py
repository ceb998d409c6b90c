"""Alerts over the wire: what they show, what is done about them, who is told; live, and with refusals as data."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from ampyard.domain.alerts import DEFAULT_RULES, AlertKind
from ampyard.services.backend import Backend
from tests.fleet import user
from tests.receivers import smtp_server
from tests.schema.graph import Graph
from tests.schema.live import relayed, subscribed
from tests.services.notifications.telling import Telling, telling

ALERT = """fragment A on Alert { kind severity state summary note acknowledgedBy resolvedBy
    rule { name } depot { name } chargePoint { identity } powerNode { name } vehicle { name } transaction { id }
    facts { name value } changes { kind author note } }"""


@pytest.fixture
async def here(backend: Backend) -> AsyncIterator[Telling]:
    async with smtp_server() as postbox:
        told = await telling(backend, postbox.port)
        await told.channel(name="Ops")
        yield told


def graph_of(here: Telling, *scopes: Any) -> Graph:
    return Graph(here.backend, user(here.tenant_id, *scopes))


async def change(graph: Graph, field: str, input_type: str, fields: str, /, **given: Any) -> dict[str, Any]:
    asked = f"mutation M($input: {input_type}!) {{ {field}(input: $input) {{ {fields} errors {{ __typename code message path }} }} }}"
    answer: dict[str, Any] = (await graph.data(asked, input=given))[field]
    return answer


async def open_one(here: Telling) -> str:
    await here.lose("CP-1")
    data = await graph_of(here).data("{ alerts(filter: {states: [OPEN]}) { nodes { id } } }")
    return str(data["alerts"]["nodes"][0]["id"])


async def test_an_alert_shows_what_it_is_about_and_what_became_of_it(here: Telling) -> None:
    graph, alert_id = graph_of(here), await open_one(here)
    await change(graph, "acknowledgeAlerts", "HandleAlertsInput", "alerts { id }", alertIds=[alert_id], note="On my way")
    done = await change(graph, "resolveAlerts", "HandleAlertsInput", "alerts { state }", alertIds=[alert_id])
    data = await graph.data(f"query Q($id: ID!) {{ alert(id: $id) {{ ...A }} }} {ALERT}", id=alert_id)

    assert done == {"alerts": [{"state": "RESOLVED"}], "errors": []}
    rule_name = data["alert"]["rule"].pop("name")
    assert rule_name.startswith("OFFLINE ")
    assert data["alert"] == {
        "kind": "OFFLINE",
        "severity": "WARNING",
        "state": "RESOLVED",
        "summary": "Offline",
        "note": "On my way",
        "acknowledgedBy": "user:tester",
        "resolvedBy": "user:tester",
        "rule": {},
        "depot": {"name": "Central"},
        "chargePoint": {"identity": "CP-1"},
        "powerNode": None,
        "vehicle": None,
        "transaction": None,
        "facts": [],
        "changes": [
            {"kind": "OPENED", "author": None, "note": None},
            {"kind": "ACKNOWLEDGED", "author": "user:tester", "note": "On my way"},
            {"kind": "RESOLVED", "author": "user:tester", "note": None},
        ],
    }


async def test_alerts_are_counted_and_found_from_what_they_are_about(here: Telling) -> None:
    await here.rule(AlertKind.FAULTED)
    await here.lose("CP-1", "CP-2")
    graph = graph_of(here)
    data = await graph.data("""{
        alertCounts { kind severity state count }
        none: alertCounts(states: [RESOLVED]) { count }
        depots { nodes { alerts { totalCount nodes { summary } } } }
        chargePoints(first: 2) { nodes { identity alerts(filter: {states: [OPEN]}) { totalCount } } } }""")
    assert data["alertCounts"] == [{"kind": "OFFLINE", "severity": "WARNING", "state": "OPEN", "count": 2}]
    assert data["none"] == []
    assert data["depots"]["nodes"] == [{"alerts": {"totalCount": 2, "nodes": [{"summary": "Offline"}] * 2}}]
    assert [node["alerts"]["totalCount"] for node in data["chargePoints"]["nodes"]] == [1, 1]


async def test_what_is_raised_and_changed_arrives_of_the_severity_asked_for(here: Telling) -> None:
    graph = graph_of(here)
    raised = "subscription { alertRaised(minSeverity: WARNING) { summary chargePoint { identity } } }"
    critical = "subscription { alertRaised(minSeverity: CRITICAL) { summary } }"
    updated = "subscription { alertUpdated { state } }"
    async with subscribed(graph, raised) as live, subscribed(graph, critical) as quiet, subscribed(graph, updated) as later:
        alert_id = await open_one(here)
        await change(graph, "acknowledgeAlerts", "HandleAlertsInput", "alerts { id }", alertIds=[alert_id])
        await relayed(here.backend)
        assert await live.next() == {"alertRaised": {"summary": "Offline", "chargePoint": {"identity": "CP-1"}}}
        assert await later.next() == {"alertUpdated": {"state": "ACKNOWLEDGED"}}
        assert await quiet.quiet()


async def test_a_rule_is_made_changed_and_removed(here: Telling) -> None:
    graph = graph_of(here)
    fields = "alertRule { id name severity enabled afterS clearAfterS marginPercent honoursDowntime }"
    made = await change(graph, "createAlertRule", "CreateAlertRuleInput", fields, name="Hot", kind="OVER_LIMIT", severity="INFO", afterS=10)
    rule = made["alertRule"]
    edited = await change(
        graph, "editAlertRule", "EditAlertRuleInput", fields, alertRuleId=rule["id"], severity="CRITICAL", afterS=None, marginPercent=2.5
    )
    removed = await change(graph, "removeAlertRule", "RemoveAlertRuleInput", "removed", alertRuleId=rule["id"])

    shown = {"name": "Hot", "enabled": True, "clearAfterS": 60, "honoursDowntime": False}
    assert rule == {"id": rule["id"], **shown, "severity": "INFO", "afterS": 10, "marginPercent": 0.0}
    assert edited["alertRule"] == {"id": rule["id"], **shown, "severity": "CRITICAL", "afterS": 30, "marginPercent": 2.5}
    assert removed == {"removed": True, "errors": []}


async def test_all_that_is_wrong_with_a_rule_is_told_as_data(here: Telling) -> None:
    given = {"name": "", "kind": "OFFLINE", "severity": "INFO", "afterS": -1, "marginPercent": 1.0}
    refused = await change(graph_of(here), "createAlertRule", "CreateAlertRuleInput", "alertRule { id }", **given)
    assert refused["alertRule"] is None
    assert [(error["__typename"], error["path"]) for error in refused["errors"]] == [
        ("ValidationError", ["input", "name"]),
        ("ValidationError", ["input", "afterS"]),
        ("ValidationError", ["input", "marginPercent"]),
    ]


async def test_the_default_rules_are_added_where_they_are_missing(here: Telling) -> None:
    graph = graph_of(here)
    counts = []
    for _ in range(2):
        added = await change(graph, "addDefaultAlertRules", "AddDefaultAlertRulesInput", "alertRules { kind }")
        counts.append(len(added["alertRules"]))
    assert counts == [len(DEFAULT_RULES), 0]


async def test_a_webhooks_secret_is_shown_once_even_to_whoever_repeats_the_request(here: Telling) -> None:
    graph = graph_of(here)
    given = {"name": "Hook", "kind": "WEBHOOK", "url": "https://example.org/hook", "idempotencyKey": "once"}
    fields = "channel { id url addresses } secret"
    first = await change(graph, "createNotificationChannel", "CreateNotificationChannelInput", fields, **given)
    second = await change(graph, "createNotificationChannel", "CreateNotificationChannelInput", fields, **given)
    assert first["secret"].startswith("whsec_")
    assert second == {**first, "secret": None}


async def test_a_channel_with_quiet_hours_and_routes(here: Telling) -> None:
    graph = graph_of(here)
    rules = await graph.data("{ alertRules { nodes { id name } } }")
    rule = rules["alertRules"]["nodes"][0]
    fields = "channel { id quietHours { begin end timeZone passes } routes { rule { name } minSeverity tellsResolved } }"
    quiet = {"begin": "22:00", "end": "24:00", "timeZone": "Europe/Berlin", "passes": "CRITICAL"}
    routes = [{"alertRuleId": rule["id"], "minSeverity": "WARNING", "tellsResolved": True}]
    given: dict[str, Any] = {"name": "Night", "kind": "EMAIL", "addresses": ["a@b"], "quietHours": quiet, "routes": routes}
    made = await change(graph, "createNotificationChannel", "CreateNotificationChannelInput", fields, **given)
    channel = made["channel"]
    edited = await change(
        graph,
        "editNotificationChannel",
        "EditNotificationChannelInput",
        fields,
        notificationChannelId=channel["id"],
        quietHours=None,
    )
    shown = [{"rule": {"name": rule["name"]}, "minSeverity": "WARNING", "tellsResolved": True}]
    assert channel == {"id": channel["id"], "quietHours": {**quiet, "end": "00:00"}, "routes": shown}
    assert edited["channel"] == {"id": channel["id"], "quietHours": None, "routes": shown}
    odd = {**given, "quietHours": {**quiet, "begin": "25:00"}}
    refused = await change(graph, "createNotificationChannel", "CreateNotificationChannelInput", fields, **odd)
    assert refused["errors"][0]["path"] == ["input", "quietHours", "begin"]


async def test_a_test_and_its_failure_are_seen_and_tried_again(here: Telling) -> None:
    graph = graph_of(here)
    channels = await graph.data("{ notificationChannels { nodes { id } } }")
    channel_id = channels["notificationChannels"]["nodes"][0]["id"]
    assert here.notifier is not None
    working, here.notifier = here.notifier, replace(here.notifier, mailer=None)
    watched = "subscription { notificationDeliveryUpdated { state } }"
    async with subscribed(graph, watched) as live:
        asked = await change(
            graph, "testNotificationChannel", "NotificationChannelInput", "delivery { id state isTest }", notificationChannelId=channel_id
        )
        await here.work()
        await relayed(here.backend)
        assert await live.next() == {"notificationDeliveryUpdated": {"state": "FAILED"}}
    delivery = asked["delivery"]
    failed = await graph.data("{ notificationDeliveries { nodes { state error attempts channel { name } items { change } } } }")
    here.notifier = working
    again = await change(
        graph_of(here),
        "retryNotificationDelivery",
        "RetryNotificationDeliveryInput",
        "delivery { state }",
        notificationDeliveryId=delivery["id"],
    )
    await here.work()
    made = await graph.data("query Q($id: ID!) { notificationDelivery(id: $id) { state error } }", id=delivery["id"])

    assert delivery == {"id": delivery["id"], "state": "PENDING", "isTest": True}
    assert failed["notificationDeliveries"]["nodes"] == [
        {
            "state": "FAILED",
            "error": "No SMTP server is set; see AMPYARD_SMTP_HOST.",
            "attempts": 1,
            "channel": {"name": "Ops"},
            "items": [],
        }
    ]
    assert again == {"delivery": {"state": "PENDING"}, "errors": []}
    assert made["notificationDelivery"] == {"state": "DELIVERED", "error": None}
