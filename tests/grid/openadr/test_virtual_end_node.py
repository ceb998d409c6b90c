"""OpenADR 3 over real HTTP: enrolment, limits, prices, reports; what is said otherwise or no more; and a VTN that fails."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ampyard.domain.grid_links import LinkKind, LinkState
from ampyard.domain.grid_prices import mean_prices
from ampyard.domain.grid_signals import SignalKind, SignalState
from ampyard.domain.supply import BUCKET, NodeLoad
from ampyard.grid.openadr.vtn import Tokens
from ampyard.grid.running import run_link
from ampyard.repositories.grid_prices import prices_between
from ampyard.repositories.supply import record_loads
from ampyard.services.backend import Backend
from tests.grid.openadr.top_node import CLIENT_ID, CLIENT_SECRET, TopNode, event, top_node
from tests.grid.sites import Connected, connected
from tests.services.supplied import HOUR, NOW


@pytest.fixture
async def vtn() -> AsyncIterator[TopNode]:
    async with top_node() as found:
        yield found


@pytest.fixture
async def here(backend: Backend, vtn: TopNode) -> AsyncIterator[Connected]:
    wanted = {"url": vtn.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "ven_name": "depot-1", "group_id": "tariff"}
    async with connected(backend, LinkKind.OPENADR, **wanted) as found:
        yield found


async def poll(here: Connected, tokens: Tokens | None = None) -> None:
    """Do what a worker does once, as soon as it is due."""
    here.now = max(here.now, (await here.its()).due_at)
    assert await run_link(here.backend, here.site.tenant_id, here.link.id, here.root, tokens or Tokens())


async def error_of(here: Connected) -> str:
    link = await here.its()
    assert link.error is not None
    return link.error


async def test_the_ven_is_enrolled_once_and_polls(here: Connected, vtn: TopNode) -> None:
    await poll(here)
    await poll(here)
    assert [ven["venName"] for ven in vtn.vens] == ["depot-1"]
    assert len(vtn.asked("vens")) == 2
    link = await here.its()
    assert (link.state(here.now), link.due_at - here.now, link.error) == (LinkState.CONNECTED, timedelta(seconds=60), None)
    assert len(vtn.asked("events")) == 2
    assert "programID=p-1" in vtn.asked("events")[0].path


async def test_a_ven_that_only_others_may_make_is_taken_to_be_known(here: Connected, vtn: TopNode) -> None:
    vtn.says["vens"] = b"[]"
    vtn.events.append(event("e-1", NOW, "PT1H", 90.0))
    vtn.web.answer = lambda call, answer=vtn.web.answer: (
        b"HTTP/1.1 403 No\r\n\r\n" if call.method == "POST" and "vens" in call.path else answer(call)
    )  # type: ignore[misc]  # a default
    await poll(here)
    assert ((await here.its()).registered_at, await here.limit_kw()) == (here.now, 90.0)


async def test_access_tokens_are_used_until_they_end_and_asked_for_anew_where_they_are_not_taken(here: Connected, vtn: TopNode) -> None:
    tokens = Tokens()
    await poll(here, tokens)
    await poll(here, tokens)
    assert vtn.tokens == 1
    vtn.tokens = 7  # the first one is revoked
    await poll(here, tokens)
    assert (vtn.tokens, (await here.its()).error) == (8, None)


async def test_limits_count_interval_by_interval(here: Connected, vtn: TopNode) -> None:
    vtn.events.append(event("e-1", NOW + HOUR, "PT1H", 90.0, 70.0))
    await poll(here)
    found = []
    for hours in (0, 1, 2, 3):
        here.now = NOW + hours * HOUR
        await poll(here)
        found.append(await here.limit_kw())
    assert found == [200.0, 90.0, 70.0, 200.0]


async def test_an_interval_with_a_period_of_its_own_goes_by_that(here: Connected, vtn: TopNode) -> None:
    own = event("e-1", NOW, "PT1H", 90.0, 70.0)
    own["intervals"][1]["intervalPeriod"] = {"start": (NOW + 5 * HOUR).isoformat(), "duration": "PT30M"}
    vtn.events.append(own)
    await poll(here)
    spans = [(it.begins_at, it.ends_at, it.limit_kw) for it in await here.signals()]
    assert spans == [(NOW, NOW + HOUR, 90.0), (NOW + 5 * HOUR, NOW + 5.5 * HOUR, 70.0)]


@pytest.mark.parametrize(
    ("more", "limit_kw"),
    [
        ({"payloadDescriptors": [{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": "W"}]}, 0.09),
        ({"payloadDescriptors": [{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": "AMPS"}]}, 62.1),
        ({"targets": [{"type": "VEN_NAME", "values": ["depot-1", "depot-2"]}]}, 90.0),
        ({"targets": [{"type": "VEN_NAME", "values": ["depot-2"]}]}, 200.0),
        ({"intervalPeriod": {"start": "0001-01-01T00:00:00Z", "duration": "PT1H"}, "createdDateTime": NOW.isoformat()}, 90.0),
        ({"intervalPeriod": {"start": NOW.isoformat()}}, 90.0),
        ({"intervalPeriod": {"start": NOW.isoformat(), "duration": "P9999Y"}}, 90.0),
        ({"kind": "EXPORT_CAPACITY_LIMIT"}, 200.0),
        ({"kind": "SIMPLE"}, 200.0),
    ],
)
async def test_events_are_understood(here: Connected, vtn: TopNode, more: dict[str, Any], limit_kw: float) -> None:
    vtn.events.append(event("e-1", NOW, "PT1H", 90.0, **more))
    await poll(here)
    assert (await here.its()).error is None
    assert await here.limit_kw() == pytest.approx(limit_kw)


async def test_a_begin_at_random_is_put_off_by_no_more_than_told_and_stays_the_same(here: Connected, vtn: TopNode) -> None:
    period = {"start": NOW.isoformat(), "duration": "PT1H", "randomizeStart": "PT10M"}
    vtn.events.append(event("e-1", NOW, "PT1H", 90.0, intervalPeriod=period))
    await poll(here)
    await poll(here)
    (signal,) = await here.signals()
    assert timedelta() < signal.begins_at - NOW < timedelta(minutes=10)
    assert signal.ends_at - signal.begins_at == HOUR


async def test_what_an_event_says_otherwise_supersedes_and_what_is_gone_is_withdrawn(here: Connected, vtn: TopNode) -> None:
    vtn.events += [event("e-1", NOW, "PT1H", 90.0), event("e-2", NOW, "PT1H", 80.0)]
    await poll(here)
    await poll(here)
    assert len(await here.signals()) == 2
    vtn.events[:] = [event("e-1", NOW, "PT1H", 120.0)]
    await poll(here)
    states = {(it.external_id, it.limit_kw): it.state(here.now) for it in await here.signals()}
    assert states == {
        ("e-1/0/0", 90.0): SignalState.SUPERSEDED,
        ("e-1/0/0", 120.0): SignalState.IN_FORCE,
        ("e-2/0/0", 80.0): SignalState.WITHDRAWN,
    }
    assert await here.limit_kw() == 120.0


async def test_one_event_that_makes_no_sense_neither_hides_the_others_nor_lifts_what_it_said(here: Connected, vtn: TopNode) -> None:
    vtn.events.append(event("e-1", NOW, "PT1H", 90.0))
    await poll(here)
    furlongs = [{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": "FURLONGS"}]
    vtn.events[:] = [event("e-1", NOW, "PT1H", 150.0, payloadDescriptors=furlongs), event("e-2", NOW, "PT1H", 100.0)]
    await poll(here)
    assert await error_of(here) == "Event e-1: IMPORT_CAPACITY_LIMIT is in 'FURLONGS'; known: KW, W, MW."
    assert (await here.limit_kw(), len(await here.signals())) == (90.0, 2)


@pytest.mark.parametrize(
    ("value", "said"), [("much", "is 'much'; it should be a number"), (-1.0, "is -1; it should be a number from 0 up"), (True, "is 'True'")]
)
async def test_what_is_no_limit_is_told(here: Connected, vtn: TopNode, value: Any, said: str) -> None:
    vtn.events.append(event("e-1", NOW, "PT1H", value))
    await poll(here)
    assert said in await error_of(here)


async def test_prices_are_kept_for_plans_as_they_were_told_last(here: Connected, vtn: TopNode) -> None:
    euros = [{"payloadType": "PRICE", "units": "KWH", "currency": "EUR"}]
    vtn.events.append(event("e-1", NOW, "PT1H", 0.2, -0.1, kind="PRICE", payloadDescriptors=euros))
    await poll(here)

    async def ahead() -> list[float | None]:
        spans = [(NOW + n * HOUR / 2, NOW + (n + 1) * HOUR / 2) for n in range(5)]
        async with here.backend.database.snapshot(here.site.tenant_id) as snapshot:
            both = (NOW, NOW + 2 * HOUR)
            told = await prices_between(snapshot, here.site.depot_id, spans[0][0], spans[-1][1])
        return mean_prices(told, [*spans, both])

    assert await ahead() == [0.2, 0.2, -0.1, -0.1, None, pytest.approx(0.05)]
    vtn.events[:] = [event("e-1", NOW, "PT1H", 400.0, kind="PRICE", payloadDescriptors=[{"payloadType": "PRICE", "units": "MWH"}])]
    await poll(here)
    assert (await ahead())[:3] == [pytest.approx(0.4), pytest.approx(0.4), None]
    vtn.events.clear()
    await poll(here)
    assert await ahead() == [None] * 6


async def test_what_was_used_is_reported_once_where_it_is_asked_for(here: Connected, vtn: TopNode) -> None:
    vtn.events.append(event("e-1", NOW - HOUR, "PT30M", 90.0, 80.0, reportDescriptors=[{"payloadType": "USAGE"}]))
    vtn.events.append(event("e-2", NOW, "PT1H", 90.0, reportDescriptors=[{"payloadType": "USAGE"}]))
    async with here.backend.unit_of_work(here.site.who) as work:
        for n in range(12):
            at = NOW - HOUR + n * BUCKET
            kw = 36.0 if n < 6 else 12.0
            load = NodeLoad(here.site.tenant_id, here.site.depot_id, here.link.power_node_id, at, 10, kw, kw, 4.0, 50.0, 200.0)
            await record_loads(work.session, [load], sampled_at=at)
        await work.commit()
    await poll(here)
    await poll(here)
    (report,) = vtn.reports
    assert (report["programID"], report["eventID"], report["clientName"]) == ("p-1", "e-1", "depot-1")
    (resource,) = report["resources"]
    assert resource["resourceName"] == "Grid"
    assert [it["payloads"] for it in resource["intervals"]] == [
        [{"type": "USAGE", "values": [20.0]}],
        [{"type": "USAGE", "values": [8.0]}],
    ]
    assert resource["intervals"][0]["intervalPeriod"] == {"start": (NOW - HOUR).isoformat(), "duration": "PT1800S"}


async def test_pages_are_read_to_their_end(here: Connected, vtn: TopNode) -> None:
    vtn.events += [event(f"e-{n}", NOW, "PT1H", 100.0 + n) for n in range(120)]
    await poll(here)
    assert len(await here.signals()) == 120
    assert len(vtn.asked("events")) == 3


@pytest.mark.parametrize(
    ("misbehaves", "said"),
    [
        ({"refuses": {"auth/token": 401}}, "127.0.0.1 answered 401 to auth/token"),
        ({"says": {"auth/token": b"{}"}}, "answered with no access token"),
        ({"refuses": {"events": 503}}, "127.0.0.1 answered 503 to events"),
        ({"says": {"events": b"<html>"}}, "127.0.0.1 answered events with what is no JSON"),
        ({"says": {"events": b'[{"id": "e-1"}]'}}, "with what is not of OpenADR 3: 0.programID"),
        ({"says": {"programs": b"[]"}}, "The VTN has no program 'tariff'"),
        ({"refuses": {"vens": 500}}, "127.0.0.1 answered 500 to vens"),
        ({"says": {"events": json.dumps([event(f"e-{n}", NOW, "PT1H", 1.0) for n in range(50)]).encode()}}, "more than 2000 events"),
    ],
)
async def test_a_vtn_that_fails_changes_nothing_and_silence_falls_back(
    here: Connected, vtn: TopNode, misbehaves: dict[str, Any], said: str
) -> None:
    vtn.events.append(event("e-1", NOW, "PT10H", 150.0))
    vtn.refuses, vtn.says = misbehaves.get("refuses", {}), misbehaves.get("says", {})
    await poll(here)
    assert said in await error_of(here)
    link = await here.its()
    assert (link.failures, link.heard_at, await here.signals()) == (1, None, [])
    here.now = link.lost_at
    assert await here.limit_kw() == 60.0
    vtn.refuses, vtn.says = {}, {}
    await poll(here)
    assert ((await here.its()).state(here.now), await here.limit_kw()) == (LinkState.CONNECTED, 150.0)


async def test_export_limits_are_kept_and_limit_nothing(here: Connected, vtn: TopNode) -> None:
    vtn.events.append(event("e-1", NOW, "PT1H", 0.0, kind="EXPORT_CAPACITY_LIMIT"))
    await poll(here)
    assert [it.kind for it in await here.signals()] == [SignalKind.GENERATION]


async def test_an_event_without_end_holds_until_it_is_gone(here: Connected, vtn: TopNode) -> None:
    vtn.events.append(event("e-1", datetime(2026, 11, 2, tzinfo=UTC), "PT0S", 90.0))
    for hours in (0, 24):
        here.now = NOW + hours * HOUR
        await poll(here)
        assert await here.limit_kw() == 90.0
    vtn.events.clear()
    await poll(here)
    assert (await here.limit_kw(), len(await here.signals())) == (200.0, 1)


async def test_what_was_said_is_kept_without_secrets(here: Connected, vtn: TopNode) -> None:
    await poll(here)
    assert [(it.name, it.status) for it in await here.messages()] == [
        ("auth/token", 200),
        ("vens", 200),
        ("vens", 201),
        ("programs", 200),
        ("events", 200),
    ]
    everything = repr(await here.site.everything())
    assert CLIENT_SECRET not in everything
    assert f"access-{vtn.tokens}" not in everything
