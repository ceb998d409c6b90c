"""From an alert to whoever is told: one mail for many, quiet hours, signatures, tries and what is kept of them."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import insert

from ampyard.domain.access import Scope
from ampyard.domain.alerts import AlertSeverity
from ampyard.domain.errors import ConflictError, ForbiddenError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.notifications.channels import QuietHours
from ampyard.domain.notifications.deliveries import DIGEST, RETRIES, DeliveryState
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.repositories import tables
from ampyard.repositories.access import ResourceGroups
from ampyard.services.alerts.handling import resolve_alerts
from ampyard.services.backend import Backend
from ampyard.services.notifications.channels import NewRoute, edit_channel, renew_secret, send_test
from ampyard.services.notifications.delivering import deliver, reschedule_overdue, retry_delivery
from ampyard.services.settings import set_feature_flag
from ampyard.services.vault import Vault
from tests.fleet import user
from tests.receivers import Call, smtp_server, web_server
from tests.services.notifications.telling import MINUTE, telling


async def test_alerts_of_a_minute_are_one_mail(backend: Backend) -> None:
    async with smtp_server() as postbox:
        here = await telling(backend, postbox.port)
        await here.channel()
        await here.lose("CP-1", "CP-2")
        here.pass_time(seconds=20)
        await here.lose("CP-3")
        await here.find("CP-1")
        assert await here.work() != []
        assert postbox.mails == []
        here.pass_time(seconds=25)
        (delivery,) = await here.work()
    (mail,) = postbox.mails
    body = mail.get_body(("plain",))
    assert body is not None
    assert mail["Subject"] == "Warning: 4 changes of alerts"
    assert body.get_content().splitlines()[:4] == [
        "2026-11-02 13:00 CET  Warning: Central, CP-1, Offline",
        "2026-11-02 13:00 CET  Warning: Central, CP-2, Offline",
        "2026-11-02 13:00 CET  Warning: Central, CP-3, Offline",
        "2026-11-02 13:00 CET  Resolved: Central, CP-1, Offline",
    ]
    assert (delivery.state, delivery.attempts, delivery.finished_at, delivery.error) == (DeliveryState.DELIVERED, 1, here.now, None)


async def test_what_comes_after_a_mail_is_another(backend: Backend) -> None:
    async with smtp_server() as postbox:
        here = await telling(backend, postbox.port)
        await here.channel()
        for identity in ("CP-1", "CP-2"):
            await here.lose(identity)
            here.pass_time(seconds=DIGEST.total_seconds())
            await here.work()
    assert [mail["Subject"] for mail in postbox.mails] == ["Warning: Central, CP-1, Offline", "Warning: Central, CP-2, Offline"]


async def test_quiet_hours_put_mail_off_until_they_end(backend: Backend) -> None:
    async with smtp_server() as postbox:
        here = await telling(backend, postbox.port)
        await here.channel(quiet_hours=QuietHours(time(12), time(14), "Europe/Berlin", AlertSeverity.CRITICAL))
        await here.lose("CP-1")
        here.pass_time(minutes=30)
        await here.lose("CP-2")
        (delivery,) = await here.work()
        assert delivery.due_at == datetime(2026, 11, 2, 13, 0, tzinfo=UTC)
        here.pass_time(minutes=30)
        await here.work()
    assert [mail["Subject"] for mail in postbox.mails] == ["Warning: 2 changes of alerts"]


async def test_routes_and_switches_decide_who_is_told(backend: Backend) -> None:
    here = await telling(backend)
    await here.channel(name="Critical", routes=(NewRoute(min_severity=AlertSeverity.CRITICAL),))
    await here.channel(name="Off", enabled=False)
    await here.channel(name="Nothing", routes=())
    opened = await here.channel(name="Opened", routes=(NewRoute(min_severity=AlertSeverity.WARNING),))
    (alert,) = await here.lose("CP-1")
    await resolve_alerts(here.backend, here.admin, [alert.id], note=None)
    (delivery,) = await here.deliveries()
    assert delivery.channel_id == opened.id


async def test_without_its_feature_a_kind_of_channel_is_told_nothing(backend: Backend) -> None:
    here = await telling(backend)
    await here.channel()
    for enabled in (False, True):
        await set_feature_flag(here.backend, here.admin, "alert_emails", enabled=enabled)
        await here.lose("CP-2" if enabled else "CP-1")
        assert len(await here.deliveries()) == int(enabled)


async def test_a_channel_of_a_resource_group_is_told_of_that_alone(backend: Backend) -> None:
    async with smtp_server() as postbox:
        here = await telling(backend, postbox.port)
        async with here.backend.unit_of_work(here.admin) as work:
            group = ResourceGroup(new_id(), here.tenant_id, None, "Group", None, work.now, work.now)
            await work.add(ResourceGroups, group)
            point = here.stations["CP-2"].charge_point_id
            member = {"id": new_id(), "tenant_id": here.tenant_id, "resource_group_id": group.id, "charge_point_id": point}
            await work.session.execute(insert(tables.resource_group_member), [member])
            await work.commit()
        await here.channel(resource_group_id=group.id)
        await here.lose("CP-1", "CP-2")
        here.pass_time(minutes=1)
        await here.work()
    # The depot is not in the group, so its name is not told.
    assert [mail["Subject"] for mail in postbox.mails] == ["Warning: CP-2, Offline"]


async def test_a_webhook_is_signed_and_called_once_for_each_change(backend: Backend) -> None:
    async with web_server() as web:
        here = await telling(backend)
        channel = await here.channel(url=f"http://localhost:{web.port}/hook")
        _, secret = await renew_secret(here.backend, here.admin, channel.id)
        await here.lose("CP-1")
        await here.work()
        await here.find("CP-1")
        first, second = await here.work()

    opened, resolved = web.calls
    assert [orjson.loads(call.body)["type"] for call in web.calls] == ["alert.opened", "alert.resolved"]
    assert orjson.loads(opened.body)["data"]["names"] == ["Central", "CP-1"]
    assert (opened.method, opened.path, opened.headers["content-type"]) == ("POST", "/hook", "application/json")
    assert opened.headers["webhook-timestamp"] == str(int(here.now.timestamp()))
    assert [_signature(secret, call) for call in web.calls] == [call.headers["webhook-signature"] for call in web.calls]
    assert resolved.headers["webhook-id"] == f"msg_{second.id.hex}"
    assert [(delivery.state, delivery.status_code) for delivery in (first, second)] == [(DeliveryState.DELIVERED, 204)] * 2


def _signature(secret: str, call: Call) -> str:
    signed = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


async def test_a_webhook_that_fails_is_tried_later_and_later_and_given_up(backend: Backend) -> None:
    async with web_server() as web:
        web.answer = lambda _: b"HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nbusy"
        here = await telling(backend)
        await here.channel(url=f"http://localhost:{web.port}/")
        await here.lose("CP-1")
        for number, pause in enumerate(RETRIES, start=1):
            (waiting,) = await here.work()
            assert (waiting.state, waiting.attempts, waiting.due_at) == (DeliveryState.PENDING, number, here.now + pause)
            assert (waiting.status_code, waiting.error) == (503, "localhost answered 503: busy")
            # Before its time nothing is tried.
            assert await here.work() == [waiting]
            here.pass_time(seconds=pause.total_seconds())
        (failed,) = await here.work()
        assert (failed.state, failed.attempts, failed.finished_at) == (DeliveryState.FAILED, len(RETRIES) + 1, here.now)
        assert len({call.headers["webhook-id"] for call in web.calls}) == 1

        web.answer = lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        await retry_delivery(here.backend, here.admin, failed.id)
        (made,) = await here.work()
        assert (made.state, made.attempts, made.status_code, made.error) == (DeliveryState.DELIVERED, 1, 200, None)
        with pytest.raises(ConflictError, match="there is nothing to try again"):
            await retry_delivery(here.backend, here.admin, failed.id)


async def test_a_receiver_that_has_gone_is_not_tried_again(backend: Backend) -> None:
    async with web_server() as web:
        web.answer = lambda _: b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
        here = await telling(backend)
        await here.channel(url=f"http://localhost:{web.port}/")
        await here.lose("CP-1")
        (failed,) = await here.work()
    assert (failed.state, failed.attempts, failed.status_code) == (DeliveryState.FAILED, 1, 410)


async def test_a_webhook_that_leads_into_our_network_is_given_up(backend: Backend) -> None:
    here = await telling(backend, private_allowed=False)
    await here.channel(url="https://localhost/hook")
    await here.lose("CP-1")
    (failed,) = await here.work()
    assert failed.state is DeliveryState.FAILED
    assert failed.error is not None
    assert failed.error.endswith("which is not an address of the public internet.")


async def test_a_mail_that_some_may_not_have_is_delivered_and_says_so(backend: Backend) -> None:
    async with smtp_server() as postbox:
        postbox.refuses = {"gone@example.org": "550 No such user"}
        here = await telling(backend, postbox.port)
        await here.channel(addresses=("ops@example.org", "gone@example.org"))
        await here.lose("CP-1")
        here.pass_time(minutes=1)
        (delivery,) = await here.work()
    assert (delivery.state, delivery.error) == (DeliveryState.DELIVERED, "gone@example.org: 550 No such user")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("mail", "No SMTP server is set; see AMPYARD_SMTP_HOST."),
        ("switched off", "The channel was switched off meanwhile."),
        ("other key", "locked under another AMPYARD_SECRET_KEY. Give the channel a new secret."),
    ],
)
async def test_what_cannot_be_delivered_says_why(backend: Backend, kind: str, told: str) -> None:
    here = await telling(backend)
    channel = await here.channel(**({"url": "http://localhost:1/"} if kind == "other key" else {}))
    await here.lose("CP-1")
    here.pass_time(minutes=1)
    if kind == "switched off":
        await edit_channel(here.backend, here.admin, channel.id, {"enabled": False})
    if kind == "other key":
        assert here.notifier is not None
        here.notifier = replace(here.notifier, vault=Vault(b"another key"))
    (failed,) = await here.work()
    assert failed.state is DeliveryState.FAILED
    assert failed.error is not None
    assert failed.error.endswith(told)


async def test_a_test_goes_out_at_once_even_where_the_channel_is_off(backend: Backend) -> None:
    async with smtp_server() as postbox:
        here = await telling(backend, postbox.port)
        channel = await here.channel(enabled=False, routes=())
        asked = await send_test(here.backend, here.admin, channel.id)
        (made,) = await here.work()
    assert (asked.state, asked.is_test, made.id, made.state) == (DeliveryState.PENDING, True, asked.id, DeliveryState.DELIVERED)
    assert [mail["Subject"] for mail in postbox.mails] == ["Test of Channel"]


async def test_one_that_another_tries_is_left_to_it_and_taken_over_when_it_does_not_come_back(backend: Backend) -> None:
    async with smtp_server() as postbox:
        here = await telling(backend, postbox.port)
        channel = await here.channel()
        delivery = await send_test(here.backend, here.admin, channel.id)
        # A worker that has claimed it and then stopped looks like this.
        async with here.backend.unit_of_work(here.admin) as work:
            table = tables.notification_delivery
            await work.session.execute(table.update().where(table.c.id == delivery.id).values(attempts=1, due_at=here.now + 2 * MINUTE))
            await work.commit()
        assert await deliver(here.backend, here.tenant_id, delivery.id) is None
        assert await reschedule_overdue(here.backend, here.tenant_id) == 0
        here.pass_time(minutes=5)
        assert await reschedule_overdue(here.backend, here.tenant_id) == 1
        (made,) = await here.work()
    assert (made.state, made.attempts, len(postbox.mails)) == (DeliveryState.DELIVERED, 2, 1)


async def test_trying_again_needs_the_scope_and_the_delivery(backend: Backend) -> None:
    here = await telling(backend)
    channel = await here.channel()
    delivery = await send_test(here.backend, here.admin, channel.id)
    with pytest.raises(ForbiddenError, match="alerts:configure"):
        await retry_delivery(here.backend, user(here.tenant_id, Scope.ALERTS_HANDLE), delivery.id)
    with pytest.raises(NotFoundError, match="no such delivery"):
        await retry_delivery(here.backend, here.admin, uuid4())
    assert await here.deliveries() == [delivery]


def test_tries_go_on_over_night() -> None:
    assert sum(RETRIES, timedelta()) > timedelta(hours=16)
