"""Depot links: made, changed and removed by who may; logged in with; held by one socket at a time."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from ampyard.domain.access import ROLE_SCOPES, Principal, PrincipalKind, Role, Scope
from ampyard.domain.depot_links import DepotLink, LinkMessage, MessageDirection, PresystemKind, PriorityBands
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.tenants import NO_TENANT
from ampyard.repositories import tables
from ampyard.repositories.audit import AuditRecords
from ampyard.repositories.depot_links import DepotLinkFilter, DepotLinks, LinkMessageFilter, LinkMessages, remove_messages
from ampyard.services.backend import Backend
from ampyard.services.depot_link_sockets import (
    SILENCE,
    LinkedSystem,
    booted,
    connected,
    disconnected,
    keep_messages,
    log_in,
    seen,
    sweep_silent,
)
from ampyard.services.depot_links import create_link, edit_link, remove_link, rotate_password
from ampyard.services.depots import archive_depot
from ampyard.services.tenants import suspend_tenant
from tests.fleet import user
from tests.grants import confined, group_of
from tests.services.dispatching import NOW, Yard, new_yard

BANDS = PriorityBands()


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    return await new_yard(backend)


async def made(yard: Yard, identity: str = "bms", depot: str = "Central") -> tuple[DepotLink, str]:
    return await create_link(yard.backend, yard.principal, yard.depots[depot].id, name=" BMS ", identity=identity, bands=BANDS)


async def links(yard: Yard, narrowing: DepotLinkFilter = DepotLinkFilter()) -> list[DepotLink]:  # noqa: B008 - frozen
    async with yard.backend.snapshot(yard.principal) as snapshot:
        return await DepotLinks(snapshot).where(*narrowing.conditions(), order_by=[DepotLinks.table.c.id])


def system_of(yard: Yard, link: DepotLink) -> LinkedSystem:
    return LinkedSystem(yard.tenant_id, link.id, link.identity, uuid.uuid4())


async def test_a_link_is_made_with_a_password_that_is_kept_as_a_hash_alone(yard: Yard) -> None:
    identity = f"bms-{uuid.uuid4()}"
    link, password = await made(yard, identity)

    assert await links(yard) == [link]
    assert (link.name, link.depot_id, link.enabled, link.connected) == ("BMS", yard.depots["Central"].id, True, False)
    assert await log_in(yard.backend, identity, password) == (yard.tenant_id, link.id)
    assert await log_in(yard.backend, identity, password + "x") is None
    assert await log_in(yard.backend, "nobody", password) is None
    async with yard.backend.snapshot(yard.principal) as snapshot:
        ((kept,),) = await snapshot.fetch(select(tables.depot_link.c.password_hash))
        (record,) = await AuditRecords(snapshot).where(AuditRecords.table.c.target_id == link.id)
    assert kept.startswith("scrypt$")
    assert password not in kept + str(record.detail)
    assert record.action == "depot_link.create"


async def test_a_rotated_password_is_the_only_one_that_fits(yard: Yard) -> None:
    identity = f"bms-{uuid.uuid4()}"
    link, former = await made(yard, identity)

    _, password = await rotate_password(yard.backend, yard.principal, link.id)

    assert await log_in(yard.backend, identity, former) is None
    assert await log_in(yard.backend, identity, password) == (yard.tenant_id, link.id)


async def test_the_password_tells_tenants_with_the_same_identity_apart(yard: Yard, backend: Backend) -> None:
    other = await new_yard(backend)
    identity = f"bms-{uuid.uuid4()}"
    mine, password = await made(yard, identity)
    theirs, other_password = await made(other, identity)

    assert await log_in(yard.backend, identity, password) == (yard.tenant_id, mine.id)
    assert await log_in(yard.backend, identity, other_password) == (other.tenant_id, theirs.id)


async def test_who_is_disabled_or_removed_does_not_get_in(yard: Yard) -> None:
    identity = f"bms-{uuid.uuid4()}"
    link, password = await made(yard, identity)
    await edit_link(yard.backend, yard.principal, link.id, enabled=False)
    assert await log_in(yard.backend, identity, password) is None
    await edit_link(yard.backend, yard.principal, link.id, enabled=True)
    assert await log_in(yard.backend, identity, password) is not None
    await remove_link(yard.backend, yard.principal, link.id)
    assert await log_in(yard.backend, identity, password) is None


async def test_identities_and_names_are_what_they_can_be(yard: Yard) -> None:
    await made(yard)
    for identity, error, message in (
        ("b:ms", InvalidInputError, "'b:ms' is no identity"),
        ("", InvalidInputError, "is no identity"),
        ("bms", ConflictError, "Another link has the identity 'bms'"),
    ):
        with pytest.raises(error, match=message):
            await made(yard, identity, "North")
    await archive_depot(yard.backend, yard.principal, yard.depots["North"].id)
    with pytest.raises(ConflictError, match="North is archived"):
        await made(yard, "bms-2", "North")
    assert len(await links(yard)) == 1


async def test_an_identity_is_free_again_once_its_link_is_removed(yard: Yard) -> None:
    former, _ = await made(yard)
    removed = await remove_link(yard.backend, yard.principal, former.id)
    link, _ = await made(yard)

    assert await links(yard) == [link]
    assert await links(yard, DepotLinkFilter(removed=True)) == [removed]
    for refused in (edit_link(yard.backend, yard.principal, former.id, name="x"), remove_link(yard.backend, yard.principal, former.id)):
        with pytest.raises(ConflictError, match="It was removed at"):
            await refused


async def test_only_who_may_change_the_depot_has_a_say(yard: Yard) -> None:
    link, _ = await made(yard)
    north = await group_of(yard.backend, yard.tenant_id, depot_id=yard.depots["North"].id)
    before = await links(yard)
    with pytest.raises(ForbiddenError):
        await edit_link(yard.backend, user(yard.tenant_id, Scope.FLEET_READ), link.id, enabled=False)
    with pytest.raises(NotFoundError):
        await remove_link(yard.backend, confined(yard.tenant_id, north, role=Role.ADMINISTRATOR), link.id)
    assert await links(yard) == before


async def test_the_newest_socket_holds_the_link(yard: Yard) -> None:
    link, _ = await made(yard)
    first, second = system_of(yard, link), system_of(yard, link)
    await connected(yard.backend, first, "v2.463.vdv.de")
    await booted(yard.backend, first, PresystemKind.ITCS, "ITCS-1")
    assert await seen(yard.backend, [first]) == set()

    await connected(yard.backend, second, "v1.463.vdv.de")

    assert await seen(yard.backend, [first, second]) == {first}
    await disconnected(yard.backend, first)
    (held,) = await links(yard, DepotLinkFilter(connected=True))
    assert (held.socket_id, held.subprotocol, held.presystem, held.presystem_id) == (
        second.socket_id,
        "v1.463.vdv.de",
        PresystemKind.ITCS,
        "ITCS-1",
    )
    assert held.booted_at is None
    await disconnected(yard.backend, second)
    assert await links(yard, DepotLinkFilter(connected=True)) == []


async def test_a_disabled_link_lets_its_socket_go(yard: Yard) -> None:
    link, _ = await made(yard)
    system = system_of(yard, link)
    await connected(yard.backend, system, "v2.463.vdv.de")

    await edit_link(yard.backend, yard.principal, link.id, enabled=False)

    assert await seen(yard.backend, [system]) == {system}
    with pytest.raises(NotFoundError, match="removed or disabled"):
        await booted(yard.backend, system, PresystemKind.BMS, "x")


async def test_a_link_whose_process_died_is_found_silent(yard: Yard) -> None:
    link, _ = await made(yard)
    await connected(yard.backend, system_of(yard, link), "v2.463.vdv.de")
    await sweep_silent(yard.at(NOW + SILENCE).backend)
    assert len(await links(yard, DepotLinkFilter(connected=True))) == 1

    await sweep_silent(yard.at(NOW + SILENCE + timedelta(seconds=1)).backend)

    assert await links(yard, DepotLinkFilter(connected=True)) == []


async def test_messages_are_kept_and_go_in_time(yard: Yard) -> None:
    link, _ = await made(yard)
    messages = [
        LinkMessage(new_id(), yard.tenant_id, link.id, NOW + n * timedelta(hours=1), direction, 1, action, "m", "[]", 2)
        for n, (direction, action) in enumerate([(MessageDirection.IN, "BootNotification"), (MessageDirection.OUT, None)])
    ]
    await keep_messages(yard.backend, yard.tenant_id, messages)

    async with yard.work() as work:
        for narrowing, expected in (
            (LinkMessageFilter(), messages),
            (LinkMessageFilter(direction=MessageDirection.OUT), messages[1:]),
            (LinkMessageFilter(action="BootNotification"), messages[:1]),
            (LinkMessageFilter(at_from=NOW, at_to=NOW + timedelta(hours=1)), messages[:1]),
        ):
            assert await LinkMessages(work.session).where(*narrowing.conditions(), order_by=[LinkMessages.table.c.at]) == expected
        assert await remove_messages(work.session, before=NOW + timedelta(minutes=1)) == 1
        assert await LinkMessages(work.session).where() == messages[1:]


async def test_a_suspended_tenants_systems_do_not_get_in(yard: Yard) -> None:
    identity = f"bms-{uuid.uuid4()}"
    _, password = await made(yard, identity)
    root = Principal(NO_TENANT, "root", PrincipalKind.ADMINISTRATOR, ROLE_SCOPES[Role.SYSTEM_ADMINISTRATOR])
    assert await log_in(yard.backend, identity, password) is not None

    await suspend_tenant(yard.backend, root, yard.tenant_id, reason="Does not pay.")

    assert await log_in(yard.backend, identity, password) is None
