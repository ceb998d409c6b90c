"""What a mail and a webhook say."""

from dataclasses import replace
from datetime import timedelta

from ampyard.domain.alerts import AlertSeverity
from ampyard.domain.notifications.deliveries import DeliveryState, NotedChange, NotificationDelivery
from ampyard.domain.notifications.messages import Mail, Told, mail_of, webhook_of
from tests.domain.notifications.test_channels import ALERT, CHANNEL, ID, NOW, RULE

OPENED = Told(ALERT, NotedChange.OPENED, NOW, ("Central", "CP-1"), "Europe/Berlin")
RESOLVED = replace(OPENED, change=NotedChange.RESOLVED, at=NOW + timedelta(minutes=1))
LINK = "https://ampyard.example.org"
DELIVERY = NotificationDelivery(ID, ID, ID, DeliveryState.PENDING, False, 1, NOW, NOW, None, None, None)


def test_a_mail_of_one_alert_says_it_in_its_subject() -> None:
    assert mail_of(CHANNEL, [OPENED], LINK) == Mail(
        "Warning: Central, CP-1, Offline",
        "2026-11-02 13:00 CET  Warning: Central, CP-1, Offline\n\nSee https://ampyard.example.org\n",
        "<!DOCTYPE html><html><body><ul><li>2026-11-02 13:00 CET  Warning: Central, CP-1, Offline</li></ul>"
        '<p><a href="https://ampyard.example.org">https://ampyard.example.org</a></p></body></html>\n',
    )


def test_a_mail_of_many_says_how_many_and_the_worst_of_them() -> None:
    critical = replace(OPENED, alert=replace(ALERT, severity=AlertSeverity.CRITICAL))
    mail = mail_of(CHANNEL, [OPENED, critical, RESOLVED], LINK)
    assert mail.subject == "Critical: 3 changes of alerts"
    assert mail.text.splitlines()[:3] == [
        "2026-11-02 13:00 CET  Warning: Central, CP-1, Offline",
        "2026-11-02 13:00 CET  Critical: Central, CP-1, Offline",
        "2026-11-02 13:01 CET  Resolved: Central, CP-1, Offline",
    ]
    assert mail_of(CHANNEL, [RESOLVED, RESOLVED], LINK).subject == "Resolved: 2 changes of alerts"


def test_names_of_others_make_no_header_and_no_markup() -> None:
    told = replace(OPENED, names=("<b>x</b>\r\nBcc: z@example.org",))
    mail = mail_of(CHANNEL, [told], LINK)
    assert mail.subject == "Warning: <b>x</b> Bcc: z@example.org, Offline"
    assert "&lt;b&gt;x&lt;/b&gt;" in mail.html


def test_a_test_mail_says_that_nothing_is_wrong() -> None:
    mail = mail_of(CHANNEL, [], LINK)
    assert mail.subject == "Test of Ops"
    assert mail.text == "This is a test of the notification channel Ops. Nothing is wrong.\n"


def test_the_body_of_a_webhook() -> None:
    assert webhook_of(DELIVERY, CHANNEL, [OPENED]) == {
        "type": "alert.opened",
        "timestamp": "2026-11-02T12:00:00+00:00",
        "data": {
            "id": str(ID),
            "kind": "OFFLINE",
            "severity": "WARNING",
            "state": "OPEN",
            "summary": "Offline",
            "facts": {},
            "since": "2026-11-02T11:55:00+00:00",
            "opened_at": "2026-11-02T12:00:00+00:00",
            "resolved_at": None,
            "depot_id": str(ID),
            "charge_point_id": str(ID),
            "rule_id": str(RULE),
            "names": ["Central", "CP-1"],
        },
    }
    assert webhook_of(DELIVERY, CHANNEL, [RESOLVED])["type"] == "alert.resolved"
    assert webhook_of(DELIVERY, CHANNEL, []) == {
        "type": "alert.test",
        "timestamp": "2026-11-02T12:00:00+00:00",
        "data": {"channel": "Ops", "message": "This is a test of the notification channel Ops. Nothing is wrong."},
    }
