"""Channels are made, changed and removed; what a webhook is signed with is shown once and kept locked up."""

from dataclasses import astuple, replace
from datetime import time
from uuid import uuid4

import pytest
from sqlalchemy import select

from ampyard.domain.access import Grant, Principal, PrincipalKind, Scope
from ampyard.domain.alerts import AlertKind, AlertSeverity
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.notifications.channels import ChannelKind, NotificationChannel, NotificationRoute, QuietHours
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.repositories import tables
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.notifications import Channels, Routes, locked_secret
from ampyard.services.backend import Backend
from ampyard.services.notifications.channels import (
    NewChannel,
    NewRoute,
    create_channel,
    edit_channel,
    remove_notification_channel,
    renew_secret,
    send_test,
)
from ampyard.services.vault import Vault
from tests.fleet import user
from tests.services.notifications.telling import Telling, telling

MAIL = NewChannel("Mail", ChannelKind.EMAIL, addresses=("ops@example.org",))
_QUIET = ("quiet_begin", "quiet_end", "quiet_time_zone", "quiet_passes")
HOOK = NewChannel("Hook", ChannelKind.WEBHOOK, url="https://example.org/hook")


@pytest.fixture
async def here(backend: Backend) -> Telling:
    return await telling(backend, private_allowed=False)


async def channels(here: Telling) -> list[NotificationChannel]:
    async with here.everywhere.database.snapshot(here.tenant_id) as snapshot:
        return await Channels(snapshot).where(order_by=[Channels.table.c.id])


async def routes(here: Telling, channel: NotificationChannel) -> list[NotificationRoute]:
    async with here.everywhere.database.snapshot(here.tenant_id) as snapshot:
        return (await Routes(snapshot).of_channels([channel.id])).get(channel.id, [])


async def test_a_secret_is_shown_once_and_locked_up(here: Telling) -> None:
    channel, secret = await create_channel(here.backend, here.admin, HOOK)
    _, renewed = await renew_secret(here.backend, here.admin, channel.id)
    async with here.everywhere.database.snapshot(here.tenant_id) as snapshot:
        locked = await locked_secret(snapshot, channel.id)
        audit = [row[0] for row in await snapshot.fetch(select(tables.audit_record.c.detail))]
    assert secret is not None
    assert secret != renewed
    assert locked is not None
    assert renewed not in locked
    assert secret not in str(audit)
    vault = Vault(b"a secret key")
    assert vault.unlock(locked, str(channel.id)) == renewed
    with pytest.raises(ValueError, match="was locked under another AMPYARD_SECRET_KEY"):
        vault.unlock(locked, str(uuid4()))
    with pytest.raises(ValueError, match="by a way 'v9'"):
        vault.unlock(f"v9{locked[2:]}", str(channel.id))


async def test_mail_has_no_secret(here: Telling) -> None:
    channel, secret = await create_channel(here.backend, here.admin, MAIL)
    assert secret is None
    with pytest.raises(ConflictError, match="mail is not signed"):
        await renew_secret(here.backend, here.admin, channel.id)


async def test_a_channel_is_changed_with_its_routes_or_without(here: Telling) -> None:
    rule = await here.rule(AlertKind.FAULTED)
    made, _ = await create_channel(here.backend, here.admin, replace(MAIL, routes=(NewRoute(),)))
    here.pass_time(minutes=1)
    quiet = QuietHours(time(22), time(6), "Europe/Berlin", AlertSeverity.CRITICAL)
    changed = await edit_channel(here.backend, here.admin, made.id, {"addresses": ["a@b"], "quiet_hours": quiet})
    kept = await routes(here, made)
    await edit_channel(here.backend, here.admin, made.id, {}, [NewRoute(rule.id, AlertSeverity.CRITICAL, tells_resolved=True)])
    assert changed == replace(made, addresses=["a@b"], updated_at=here.now, **dict(zip(_QUIET, astuple(quiet), strict=True)))
    assert await channels(here) == [changed]
    assert [(it.rule_id, it.min_severity, it.tells_resolved) for it in kept] == [(None, AlertSeverity.INFO, False)]
    assert [(it.rule_id, it.min_severity, it.tells_resolved) for it in await routes(here, made)] == [
        (rule.id, AlertSeverity.CRITICAL, True)
    ]


@pytest.mark.parametrize(
    ("wanted", "faults"),
    [
        (replace(MAIL, name=""), [(("input", "name"), "The name has 0 characters; give 1 to 100.")]),
        (
            replace(MAIL, url="https://example.org/", addresses=("x",)),
            [
                (("input", "url"), "A channel of kind EMAIL has no URL; leave it out."),
                (("input", "addresses", "0"), "'x' is no e-mail address; give one such as alerts@example.org, without a name."),
            ],
        ),
        (
            replace(HOOK, url="http://example.org/", addresses=("a@b",)),
            [
                (("input", "addresses"), "A channel of kind WEBHOOK has no addresses; leave them out."),
                (("input", "url"), "'http://example.org/' cannot be called; give a URL that begins with https:// and a host."),
            ],
        ),
        (
            replace(MAIL, quiet_hours=QuietHours(time(22), time(6), "Berlin", None)),
            [
                (
                    ("input", "quietHours", "timeZone"),
                    "'Berlin' is no time zone; give a name of the IANA database, such as Europe/Berlin.",
                ),
            ],
        ),
        (
            replace(MAIL, routes=(NewRoute(), NewRoute())),
            [(("input", "routes"), "Two routes are for the same rule, or for all; give one of them.")],
        ),
    ],
)
async def test_what_is_asked_for_wrongly_is_refused(here: Telling, wanted: NewChannel, faults: list[tuple[tuple[str, ...], str]]) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        await create_channel(here.backend, here.admin, wanted)
    assert [(error.path, str(error)) for error in (refusal.value, *refusal.value.others)] == faults
    assert await channels(here) == []


async def test_names_are_taken_once_and_rules_must_be_there(here: Telling) -> None:
    made, _ = await create_channel(here.backend, here.admin, MAIL)
    with pytest.raises(ConflictError, match="There is a channel 'Mail' already"):
        await create_channel(here.backend, here.admin, MAIL)
    with pytest.raises(NotFoundError, match="no such alert rule"):
        await create_channel(here.backend, here.admin, replace(MAIL, name="B", routes=(NewRoute(uuid4()),)))
    assert await channels(here) == [made]


async def test_one_that_is_removed_takes_its_deliveries_with_it(here: Telling) -> None:
    made, _ = await create_channel(here.backend, here.admin, replace(MAIL, routes=(NewRoute(),)))
    await send_test(here.backend, here.admin, made.id)
    assert await remove_notification_channel(here.backend, here.admin, made.id) == made.id
    assert (await channels(here), await routes(here, made), await here.work()) == ([], [], [])


async def test_who_may_configure_a_group_makes_channels_for_it_alone(here: Telling) -> None:
    async with here.backend.unit_of_work(here.admin) as work:
        group = ResourceGroup(new_id(), here.tenant_id, None, "Group", None, work.now, work.now)
        await work.add(ResourceGroups, group)
        await work.commit()
    tenant_wide, _ = await create_channel(here.backend, here.admin, MAIL)
    grant = Grant(frozenset({Scope.FLEET_READ, Scope.ALERTS_CONFIGURE}), frozenset({group.id}))
    narrow = Principal(tenant_id=here.tenant_id, subject="narrow", kind=PrincipalKind.USER, scopes=frozenset(), grants=(grant,))

    made, _ = await create_channel(here.backend, narrow, replace(MAIL, name="B", resource_group_id=group.id, routes=(NewRoute(),)))
    with pytest.raises(ForbiddenError, match="not for the whole tenant"):
        await create_channel(here.backend, narrow, replace(MAIL, name="C"))
    with pytest.raises(ForbiddenError, match="not for the whole tenant"):
        await edit_channel(here.backend, narrow, made.id, {"resource_group_id": None})
    for change in (edit_channel(here.backend, narrow, tenant_wide.id, {}), send_test(here.backend, narrow, tenant_wide.id)):
        with pytest.raises(NotFoundError):
            await change
    with pytest.raises(ForbiddenError, match="alerts:configure"):
        await remove_notification_channel(here.backend, user(here.tenant_id, Scope.FLEET_READ), made.id)
    assert await channels(here) == [tenant_wide, made]
