"""Grid links: made, changed and removed; their fall-backs held against those of charge points; secrets kept where nobody reads them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ampyard.domain.access import Scope
from ampyard.domain.alerts import AlertKind
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.grid_links import BREAK_AFTER, Circuit, GridLink, LinkKind, LinkState, address_fault, retry_after
from ampyard.domain.ids import new_id
from ampyard.repositories import tables
from ampyard.repositories.grid_links import GridLinks
from ampyard.repositories.sightings import SIGHTINGS
from ampyard.services.backend import Backend
from ampyard.services.grid_links import NewGridLink, create_grid_link, edit_grid_link, remove_grid_link, renew_grid_link_token
from ampyard.services.grid_signals import NewGridSignal, set_grid_signal
from ampyard.services.grid_traffic import called, due_links, failed, take, unlocked
from tests.fleet import user
from tests.services.supplied import FALLBACKS_KW, HOUR, NOW, Site, new_site

OPENADR = {"url": "https://vtn.example/openadr3", "client_id": "depot", "client_secret": "open sesame", "ven_name": "depot"}


@pytest.fixture
async def site(backend: Backend) -> Site:
    return await new_site(backend)


async def link_of(site: Site, kind: LinkKind = LinkKind.SITE_CONTROLLER, **wanted: Any) -> tuple[GridLink, str | None]:
    node = await site.node("Grid")
    return await create_grid_link(site.backend, site.who, NewGridLink(node.id, kind, "EMS", **{"fallback_kw": 60.0, **wanted}))


async def stored(site: Site, link: GridLink) -> tuple[str | None, str | None]:
    column = tables.grid_link.c
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        row = await snapshot.fetch_one(select(column.token_hash, column.locked_secret).where(column.id == link.id))
    assert row is not None
    return row[0], row[1]


async def its(site: Site, link: GridLink) -> GridLink:
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        found = await GridLinks(snapshot).by_id(link.id)
    assert found is not None
    return found


async def test_a_link_is_made_with_a_token_that_is_shown_once(site: Site) -> None:
    link, token = await link_of(site)
    assert token is not None
    token_hash, secret = await stored(site, link)
    assert (link.token_prefix, secret) == (token[:9], None)
    assert token_hash is not None
    assert token not in token_hash
    assert (link.state(NOW), link.lost_at) == (LinkState.WAITING, NOW + timedelta(seconds=300))
    assert [action for action, _ in await site.audited()] == ["grid_link.create"]
    assert token not in repr(await site.everything())


async def test_what_we_come_with_is_locked_up_and_read_for_this_link_alone(site: Site) -> None:
    link, token = await link_of(site, LinkKind.OPENADR, **OPENADR)
    _, secret = await stored(site, link)
    assert (token, unlocked(site.backend, link.id, secret), unlocked(site.backend, new_id(), secret)) == (None, "open sesame", None)
    assert "open sesame" not in repr(await site.everything())


@pytest.mark.parametrize(
    ("kind", "wanted", "field", "said"),
    [
        (LinkKind.SITE_CONTROLLER, {"fallback_kw": None}, "fallbackKw", "What counts while the link is lost is missing"),
        (LinkKind.SITE_CONTROLLER, {"fallback_kw": -1.0}, "fallbackKw", "-1 is out of range"),
        (LinkKind.SITE_CONTROLLER, {"fallback_kw": 20.0}, "fallbackKw", "add up to 38.28 kW, but it can supply 20 kW at times"),
        (LinkKind.SITE_CONTROLLER, {"interval_s": 1}, "intervalS", "1 s is out of range; give 5 to 3600"),
        (LinkKind.SITE_CONTROLLER, {"lost_after_s": 60}, "lostAfterS", "give more than the interval"),
        (LinkKind.SITE_CONTROLLER, {"url": "https://a.example"}, "url", "A link of kind SITE_CONTROLLER has none"),
        (LinkKind.SITE_CONTROLLER, {"client_secret": "x"}, "clientSecret", "A link of kind SITE_CONTROLLER has none"),
        (LinkKind.OSCP, {}, "groupId", "A link of kind OSCP needs it"),
        (LinkKind.OPENADR, OPENADR | {"client_secret": None}, "clientSecret", "give the secret that goes with clientId"),
        (LinkKind.OPENADR, OPENADR | {"url": "http://vtn.example"}, "url", "give one that begins with https://"),
        (LinkKind.OPENADR, OPENADR | {"token_url": "https://u:p@a.example"}, "tokenUrl", "It has a user or a password in it"),
    ],
)
async def test_a_link_that_makes_no_sense_is_refused(site: Site, kind: LinkKind, wanted: dict[str, Any], field: str, said: str) -> None:
    before = await site.everything()
    with pytest.raises(InvalidInputError) as refused:
        await link_of(site, kind, **wanted)
    told = {error.path[-1]: str(error) for error in (refused.value, *refused.value.others)}
    assert said in told[field]
    assert await site.everything() == before


async def test_what_is_edited_is_audited_and_silence_counts_anew(site: Site) -> None:
    link, _ = await link_of(site)
    edited = await edit_grid_link(site.backend, site.who, link.id, lost_after_s=600, name="Energy management")
    assert (edited.lost_at, edited.name) == (NOW + timedelta(seconds=600), "Energy management")
    action, detail = (await site.audited())[-1]
    assert (action, detail["before"]) == ("grid_link.edit", {"lost_after_s": 300, "name": "EMS"})


async def test_a_fall_back_that_would_not_hold_the_charge_points_is_refused_when_it_is_edited(site: Site) -> None:
    link, _ = await link_of(site)
    before = await site.everything()
    with pytest.raises(InvalidInputError, match="Lower the fall-backs or raise the limit"):
        await edit_grid_link(site.backend, site.who, link.id, fallback_kw=FALLBACKS_KW - 1)
    assert await site.everything() == before


async def test_only_a_side_that_comes_to_us_has_a_token(site: Site) -> None:
    link, _ = await link_of(site, LinkKind.OPENADR, **OPENADR)
    with pytest.raises(ConflictError, match="A VTN does not come to us"):
        await renew_grid_link_token(site.backend, site.who, link.id)


async def test_removing_a_link_lifts_what_it_limited(site: Site) -> None:
    link, _ = await link_of(site)
    later = site.at(NOW + HOUR)
    assert (await later.power("Grid")).limit_kw == 60.0
    await remove_grid_link(site.backend, site.who, link.id)
    assert (await later.power("Grid")).limit_kw == 200.0


@pytest.mark.parametrize("change", ["edit", "renew", "remove"])
async def test_who_may_not_and_what_is_not_there(site: Site, change: str) -> None:
    link, _ = await link_of(site)
    acts = {"edit": edit_grid_link, "renew": renew_grid_link_token, "remove": remove_grid_link}
    before = await site.everything()
    given = {"name": "Other"} if change == "edit" else {}
    errors: list[tuple[type[DomainError], Any, Any]] = [
        (ForbiddenError, user(site.tenant_id, Scope.FLEET_READ), link.id),
        (NotFoundError, site.who, new_id()),
    ]
    for error, who, link_id in errors:
        with pytest.raises(error):
            await acts[change](site.backend, who, link_id, **given)  # type: ignore[operator]  # each takes these
    assert await site.everything() == before


async def test_a_lost_link_and_a_limit_below_the_fall_backs_are_seen(site: Site) -> None:
    link, _ = await link_of(site)
    node = await site.node("Grid")
    await set_grid_signal(site.backend, site.who, NewGridSignal(node.id, None, NOW + 2 * HOUR, 20.0, None, "The DSO called"))
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        assert await SIGHTINGS[AlertKind.GRID_LINK_LOST](snapshot, NOW) == []
        (lost,) = await SIGHTINGS[AlertKind.GRID_LINK_LOST](snapshot, NOW + HOUR)
        (over,) = await SIGHTINGS[AlertKind.FALLBACKS_OVER_SIGNAL](snapshot, NOW)
        assert await SIGHTINGS[AlertKind.FALLBACKS_OVER_SIGNAL](snapshot, NOW + 2 * HOUR) == []
    assert (lost.target_id, lost.since, lost.power_node_id) == (link.id, link.lost_at, node.id)
    assert over.facts == {"fallback_kw": FALLBACKS_KW, "limit_kw": 20.0, "excess_kw": pytest.approx(18.28)}


async def test_one_process_at_a_time_takes_a_link_that_is_due(site: Site) -> None:
    link, _ = await link_of(site, LinkKind.OPENADR, **OPENADR)
    kinds = frozenset({LinkKind.OPENADR})
    assert (site.tenant_id, link.id) in await due_links(site.backend, kinds)
    taken = await take(site.backend, site.tenant_id, link.id)
    assert taken is not None
    assert taken[1] == "open sesame"
    assert await take(site.backend, site.tenant_id, link.id) is None
    # A process that died meanwhile holds it no longer than this.
    assert await take(site.at(NOW + timedelta(minutes=2)).backend, site.tenant_id, link.id) is not None


async def test_failures_in_a_row_leave_the_other_side_alone_and_one_success_ends_that(site: Site) -> None:
    link, _ = await link_of(site, LinkKind.OPENADR, **OPENADR)
    for n in range(1, BREAK_AFTER + 1):
        due_at = await failed(site.backend, await its(site, link), "The VTN answered 503")
        assert due_at == NOW + retry_after(n)
    broken = await its(site, link)
    assert (broken.circuit, broken.error, broken.due_at) == (Circuit.OPEN, "The VTN answered 503", NOW + timedelta(minutes=5))
    await called(site.backend, broken, due_at=NOW + timedelta(minutes=1))
    assert ((await its(site, link)).circuit, (await its(site, link)).error) == (Circuit.CLOSED, None)


def test_retries_come_later_each_time_and_then_every_five_minutes() -> None:
    assert [retry_after(n).total_seconds() for n in range(1, 7)] == [5, 10, 20, 40, 300, 300]
    with pytest.raises(ValueError, match="There were 0 failures"):
        retry_after(0)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://grid.example/oscp/cp/2.0", None),
        ("http://grid.example", "give one that begins with https://"),
        ("https://", "give one that begins with https://"),
        ("https://[::1", "is no URL"),
        ("https://grid.example?a=b", "It has a query or a fragment"),
        ("https://grid.example/" + "a" * 2000, "give at most 2000"),
    ],
)
def test_addresses_are_of_hosts_that_are_called(url: str, said: str | None) -> None:
    fault = address_fault(url, insecure_allowed=False)
    assert fault is None if said is None else fault is not None and said in fault
