"""OSCP 2.0 over real HTTP, both ways: what the capacity provider tells us, what we owe it, and a side that fails."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from ampyard.domain.grid_links import BREAK_AFTER, Circuit, LinkKind, LinkState
from ampyard.domain.grid_messages import MessageDirection
from ampyard.domain.grid_signals import SignalKind, SignalState
from ampyard.domain.supply import BUCKET, NodeLoad
from ampyard.grid.openadr.vtn import Tokens
from ampyard.grid.running import run_link
from ampyard.repositories.supply import record_loads
from ampyard.services.backend import Backend
from ampyard.services.grid_signals import Told
from ampyard.services.oscp import request_capacity
from tests.grid.oscp.provider import TOKEN, Provider, block, provider
from tests.grid.sites import Connected, connected
from tests.services.supplied import HOUR, NOW

WANTS = {"required_behaviour": {"heartbeat_interval": 30, "measurement_configuration": ["CONTINUOUS"]}}


@pytest.fixture
async def here(backend: Backend) -> AsyncIterator[Connected]:
    async with connected(backend, LinkKind.OSCP, group_id="feeder-7", interval_s=60, lost_after_s=300) as found:
        yield found


@pytest.fixture
async def cp(here: Connected) -> AsyncIterator[Provider]:
    async with provider(here) as found:
        yield found


async def run(here: Connected) -> bool:
    """Do what a worker does once, as soon as it is due."""
    here.now = max(here.now, (await here.its()).due_at)
    return await run_link(here.backend, here.site.tenant_id, here.link.id, here.root, Tokens())


async def registered(cp: Provider) -> None:
    assert (await cp.register()).status_code == 204
    assert await run(cp.here)


async def test_both_sides_exchange_tokens_and_the_first_one_ends_with_the_first_call_that_has_the_new(
    here: Connected, cp: Provider
) -> None:
    handed_over = cp.token
    await registered(cp)
    (register,) = cp.calls("register")
    assert register.headers["authorization"] == f"Token {TOKEN}"
    (body,) = cp.told("register")
    assert body == {"token": cp.token, "version_url": [{"version": "2.0", "base_url": f"{here.root}/oscp/fp/2.0"}]}
    assert cp.token != handed_over
    assert (await here.its()).registered_at == here.now
    # It may have been under way with the old one; from its first call with the new one on that is over.
    assert (await cp.send("handshake", WANTS, token=handed_over)).status_code == 204
    assert (await cp.send("handshake", WANTS)).status_code == 204
    assert (await cp.send("handshake", WANTS, token=handed_over)).status_code == 401


async def test_a_registration_that_fails_is_tried_again(here: Connected, cp: Provider) -> None:
    cp.refuses["register"] = 500
    await registered(cp)
    link = await here.its()
    assert (link.registered_at, link.failures, link.error) == (None, 1, "127.0.0.1 answered 500 to register")
    cp.refuses.clear()
    await run(here)
    assert (await here.its()).registered_at == here.now
    assert (await cp.send("handshake", WANTS)).status_code == 204


async def test_a_handshake_is_acknowledged_and_heartbeats_go_as_often_as_is_wanted(here: Connected, cp: Provider) -> None:
    await registered(cp)
    answer = await cp.send("handshake", WANTS, **{"x-request-id": "hello-1"})
    assert answer.headers["x-request-id"] == "hello-1"
    await run(here)
    (acknowledged,) = cp.calls("handshake_acknowledge")
    assert acknowledged.headers["x-correlation-id"] == "hello-1"
    assert acknowledged.headers["x-request-id"]
    assert (acknowledged.headers["x-segment-index"], acknowledged.headers["x-segment-count"]) == ("1", "1")
    assert cp.told("handshake_acknowledge") == [{"required_behaviour": {"heartbeat_interval": 60, "measurement_configuration": []}}]
    assert cp.told("heartbeat") == [{"offline_mode_at": (here.now + timedelta(seconds=90)).isoformat()}]
    link = await here.its()
    assert (link.due_at - here.now, link.peer_interval_s, link.peer_measurements) == (timedelta(seconds=30), 30.0, ["CONTINUOUS"])
    await run(here)
    assert (len(cp.told("handshake_acknowledge")), len(cp.told("heartbeat"))) == (1, 2)


async def test_a_forecast_counts_for_its_time_and_is_restored(here: Connected, cp: Provider) -> None:
    await registered(cp)
    assert (await cp.forecast(block(NOW, NOW + HOUR, 90.0), block(NOW + HOUR, NOW + 2 * HOUR, 120.0))).status_code == 204
    found = []
    for hours in (0, 1, 2):
        here.now = NOW + hours * HOUR
        await cp.send("heartbeat", {"offline_mode_at": (here.now + HOUR).isoformat()})
        found.append(await here.limit_kw())
    assert found == [90.0, 120.0, 200.0]


async def test_a_newer_forecast_supersedes_what_it_is_about_and_nothing_else(here: Connected, cp: Provider) -> None:
    await registered(cp)
    await cp.forecast(block(NOW, NOW + 4 * HOUR, 90.0))
    await cp.forecast(block(NOW + HOUR, NOW + 2 * HOUR, 70.0))
    counting = [(it.begins_at, it.counts_until, it.limit_kw) for it in await here.signals() if it.counts_until > NOW]
    assert counting == [
        (NOW, NOW + HOUR, 90.0),
        (NOW + HOUR, NOW + 2 * HOUR, 70.0),
        (NOW + 2 * HOUR, NOW + 4 * HOUR, 90.0),
    ]


async def test_parts_of_one_message_do_not_supersede_each_other(here: Connected, cp: Provider) -> None:
    await registered(cp)
    together = {"x-correlation-id": "forecast-1", "x-segment-count": "2"}
    await cp.forecast(block(NOW, NOW + HOUR, 100.0, unit="A", phase="ONE"), **together, **{"x-segment-index": "1"})
    await cp.forecast(block(NOW, NOW + HOUR, 120.0, unit="A", phase="TWO"), **together, **{"x-segment-index": "2"})
    assert [it.state(NOW) for it in await here.signals()] == [SignalState.IN_FORCE, SignalState.IN_FORCE]
    # Of several phases the strictest counts for each: 3 x 100 A x 230 V.
    assert await here.limit_kw() == pytest.approx(69.0)


async def test_the_same_request_again_is_answered_and_done_once(here: Connected, cp: Provider) -> None:
    await registered(cp)
    for _ in range(2):
        assert (await cp.forecast(block(NOW, NOW + HOUR, 90.0), **{"x-request-id": "once"})).status_code == 204
    assert len(await here.signals()) == 1


@pytest.mark.parametrize(
    ("given", "limit_kw"),
    [
        ({"capacity": 90.0, "unit": "KW"}, 90.0),
        ({"capacity": 90_000.0, "unit": "W"}, 90.0),
        ({"capacity": 100.0, "unit": "A"}, 69.0),
        ({"capacity": 20.0, "unit": "KW", "phase": "TWO"}, 60.0),
        ({"capacity": 45.0, "unit": "KWH"}, 90.0),
        ({"capacity": 45_000.0, "unit": "WH", "phase": "UNKNOWN"}, 90.0),
        ({"capacity": 0.0, "unit": "KW"}, 0.0),
    ],
)
async def test_units_and_phases_are_understood(here: Connected, cp: Provider, given: dict[str, Any], limit_kw: float) -> None:
    await registered(cp)
    assert (await cp.forecast(block(NOW, NOW + HOUR / 2, **given))).status_code == 204
    assert await here.limit_kw() == pytest.approx(limit_kw)


async def test_silence_falls_back_to_what_was_foreseen_and_then_to_what_is_configured(here: Connected, cp: Provider) -> None:
    await registered(cp)
    await cp.forecast(block(NOW, NOW + HOUR, 45.0), kind="FALLBACK_CONSUMPTION")
    await cp.send("heartbeat", {"offline_mode_at": (NOW + timedelta(seconds=90)).isoformat()})
    found = {}
    for seconds in (89, 90, 3600):
        here.now = NOW + timedelta(seconds=seconds)
        found[seconds] = (await here.its()).state(here.now), await here.limit_kw()
    assert found == {89: (LinkState.CONNECTED, 200.0), 90: (LinkState.LOST, 45.0), 3600: (LinkState.LOST, 60.0)}
    await cp.send("heartbeat", {"offline_mode_at": (here.now + HOUR).isoformat()})
    assert ((await here.its()).state(here.now), await here.limit_kw()) == (LinkState.CONNECTED, 200.0)


@pytest.mark.parametrize("kind", ["GENERATION", "FALLBACK_GENERATION", "OPTIMUM"])
async def test_what_is_not_about_consumption_is_kept_and_limits_nothing(here: Connected, cp: Provider, kind: str) -> None:
    await registered(cp)
    assert (await cp.forecast(block(NOW, NOW + HOUR, 1.0), kind=kind)).status_code == 204
    (signal,) = await here.signals()
    assert (signal.kind, await here.limit_kw()) == (SignalKind(kind), 200.0)


async def test_what_cannot_be_complied_with_is_told_once(here: Connected, cp: Provider) -> None:
    await registered(cp)
    await cp.forecast(block(NOW, NOW + HOUR, 10.0), block(NOW + HOUR, NOW + 2 * HOUR, 90.0), **{"x-correlation-id": "low"})
    assert (await here.its()).due_at <= here.now
    await run(here)
    await run(here)
    (call,) = cp.calls("group_capacity_compliance_error")
    assert call.headers["x-correlation-id"] == "low"
    (error,) = cp.told("group_capacity_compliance_error")
    assert error["message"] == "What charge points fall back to when they cannot be reached exceeds this capacity by up to 28.3 kW."
    assert error["forecasted_blocks"] == [block(NOW, NOW + HOUR, 10.0)]


async def test_another_capacity_is_asked_for(here: Connected, cp: Provider) -> None:
    await registered(cp)
    wanted = Told(NOW + HOUR, NOW + 2 * HOUR, 150.0, None, reason="The night's buses come early.")
    signal = await request_capacity(here.backend, here.site.who, here.link.id, wanted)
    await run(here)
    (asked,) = cp.told("adjust_group_capacity_forecast")
    blocks = [block(NOW + HOUR, NOW + 2 * HOUR, 150.0)]
    assert asked == {"group_id": "feeder-7", "type": "CONSUMPTION", "forecasted_blocks": blocks}
    here.now = NOW + HOUR
    await cp.send("heartbeat", {"offline_mode_at": (here.now + HOUR).isoformat()})
    assert await here.limit_kw() == 200.0
    assert [it.told_at is not None for it in await here.signals() if it.id == signal.id] == [True]


async def test_measurements_go_by_whole_buckets_each_once(here: Connected, cp: Provider) -> None:
    await registered(cp)
    await cp.send("handshake", WANTS)
    begin = NOW - 2 * BUCKET
    async with here.backend.unit_of_work(here.site.who) as work:
        for n in range(2):
            at = begin + n * BUCKET
            load = NodeLoad(here.site.tenant_id, here.site.depot_id, here.link.power_node_id, at, 10, 36.0, 40.0, 12.0, 50.0, 200.0)
            await record_loads(work.session, [load], sampled_at=at)
        await work.commit()
    await run(here)
    await run(here)
    (told,) = cp.told("update_group_measurements")
    assert told["group_id"] == "feeder-7"
    assert [(it["energy_type"], it["value"]) for it in told["measurements"]] == [("TOTAL", 4.0), ("FLEXIBLE", 3.0), ("NONFLEXIBLE", 1.0)]
    assert told["measurements"][0] | {"value": 0} == {
        "value": 0,
        "phase": "ALL",
        "unit": "KWH",
        "direction": "IMPORT",
        "energy_type": "TOTAL",
        "measure_time": NOW.isoformat(),
        "initial_measure_time": (NOW - BUCKET).isoformat(),
    }
    assert (await here.its()).measured_until == NOW


async def test_a_side_that_fails_is_left_alone_after_a_while_and_taken_up_again(here: Connected, cp: Provider) -> None:
    await registered(cp)
    await cp.send("handshake", WANTS)
    cp.refuses = {"handshake_acknowledge": 503}
    for _ in range(BREAK_AFTER):
        await run(here)
    broken = await here.its()
    assert (broken.circuit, broken.due_at - here.now) == (Circuit.OPEN, timedelta(minutes=5))
    assert not await run_link(here.backend, here.site.tenant_id, here.link.id, here.root, Tokens())
    cp.refuses.clear()
    await run(here)
    assert ((await here.its()).circuit, (await here.its()).handshake_id, len(cp.told("heartbeat"))) == (Circuit.CLOSED, None, 1)


async def test_who_is_not_there_at_all_is_a_failure_like_any_other(here: Connected, cp: Provider) -> None:
    await cp.register()
    await cp.send("register", {"token": TOKEN, "version_url": [{"version": "2.0", "base_url": "http://127.0.0.1:9"}]}, method="PUT")
    await run(here)
    link = await here.its()
    assert link.error is not None
    assert link.error.startswith("127.0.0.1 was not reached")


@pytest.mark.parametrize(
    ("name", "body", "status", "said"),
    [
        ("register", {"token": "t", "version_url": [{"version": "1.0", "base_url": "http://a.example"}]}, 400, "We speak OSCP 2.0"),
        ("register", {"token": "t", "version_url": [{"version": "2.0", "base_url": "ftp://a.example"}]}, 400, "is no URL that is called"),
        ("register", {"token": "t"}, 400, "version_url: Field required"),
        ("handshake", {"required_behaviour": {"heartbeat_interval": 0, "measurement_configuration": []}}, 400, "greater than 0"),
        ("handshake", {"required_behaviour": {"measurement_configuration": ["SOMETIMES"]}}, 400, "CONTINUOUS"),
        ("heartbeat", {"offline_mode_at": NOW.isoformat()}, 400, "is in the past"),
        ("heartbeat", {}, 400, "offline_mode_at: Field required"),
        (
            "update_group_capacity_forecast",
            {"group_id": "other", "type": "CONSUMPTION", "forecasted_blocks": [block(NOW, NOW + HOUR, 1.0)]},
            404,
            "There is no group 'other' here; this link's is 'feeder-7'",
        ),
        (
            "update_group_capacity_forecast",
            {"group_id": "feeder-7", "type": "CONSUMPTION", "forecasted_blocks": [block(NOW, NOW + HOUR, -1.0)]},
            400,
            "forecasted_blocks.0.capacity: Input should be greater than or equal to 0",
        ),
        (
            "update_group_capacity_forecast",
            {"group_id": "feeder-7", "type": "CONSUMPTION", "forecasted_blocks": [block(NOW, NOW, 1.0)]},
            400,
            "would never be in force",
        ),
        ("update_group_capacity_forecast", {"group_id": "feeder-7", "type": "WISH", "forecasted_blocks": []}, 400, "type"),
    ],
)
async def test_what_is_not_right_is_refused_and_changes_nothing(
    here: Connected, cp: Provider, name: str, body: dict[str, Any], status: int, said: str
) -> None:
    await registered(cp)
    await cp.send("heartbeat", {"offline_mode_at": (NOW + HOUR).isoformat()})
    before = await here.site.everything()
    answer = await cp.send(name, body)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert await here.site.everything() == before


async def test_nothing_but_registration_is_taken_before_it(here: Connected, cp: Provider) -> None:
    before = await here.site.everything()
    answer = await cp.send("heartbeat", {"offline_mode_at": (NOW + HOUR).isoformat()})
    assert (answer.status_code, answer.json()["message"]) == (
        409,
        "Nobody has registered on The other side yet; the capacity provider does that first.",
    )
    assert (await cp.send("heartbeat", {}, token="grid_wrong")).status_code == 401
    assert await here.site.everything() == before


async def test_a_token_of_another_kind_of_link_does_not_speak_oscp(backend: Backend, here: Connected) -> None:
    async with connected(backend, LinkKind.SITE_CONTROLLER) as site, provider(site) as stranger:
        assert (await stranger.register()).status_code == 403


async def test_all_is_kept_without_tokens(here: Connected, cp: Provider) -> None:
    await registered(cp)
    await cp.forecast(block(NOW, NOW + HOUR, 90.0))
    names = [(it.direction, it.name, it.status) for it in await here.messages()]
    assert names == [
        (MessageDirection.IN, "register", 204),
        (MessageDirection.OUT, "register", 204),
        (MessageDirection.IN, "update_group_capacity_forecast", 204),
    ]
    everything = repr(await here.site.everything())
    assert cp.token not in everything
    assert TOKEN not in everything
