"""What site controllers call, on a real socket: limits as a whole and in part, heartbeats, silence, and who may."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from ampyard.domain.access import Scope
from ampyard.domain.grid_links import LinkKind, LinkState
from ampyard.domain.grid_signals import SignalState
from ampyard.domain.ids import new_id
from ampyard.services.api_keys import NewApiKey, create_api_key
from ampyard.services.backend import Backend
from ampyard.services.grid_links import edit_grid_link, renew_grid_link_token
from tests.grid.sites import Connected, connected
from tests.services.supplied import HOUR, NOW


@pytest.fixture
async def here(backend: Backend) -> AsyncIterator[Connected]:
    async with connected(backend, LinkKind.SITE_CONTROLLER, interval_s=60, lost_after_s=300) as found:
        yield found


def limit(
    external_id: str = "a", limit_kw: float | None = 100.0, *, begin: float | None = None, end: float = 1.0, **more: Any
) -> dict[str, Any]:
    begins = {} if begin is None else {"begins_at": (NOW + begin * HOUR).isoformat()}
    return {"id": external_id, "ends_at": (NOW + end * HOUR).isoformat(), "limit_kw": limit_kw} | begins | more


async def call(here: Connected, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    given = headers or {"authorization": f"Bearer {here.token}"}
    return await here.http.request(method, f"{here.root}/site/{here.link.id}/{path}", json=body, headers=given)


async def push(here: Connected, *limits: dict[str, Any], method: str = "PUT") -> dict[str, Any]:
    answer = await call(here, method, "limits", {"limits": list(limits)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_limit_counts_at_once_and_ends_by_itself(here: Connected) -> None:
    told = await push(here, limit(limit_kw=80.0))
    assert told["limits"][0] | {"begins_at": NOW.isoformat()} == told["limits"][0]
    assert told["limits"][0]["limit_kw"] == 80.0
    assert told["lost_at"] == (NOW + timedelta(seconds=300)).isoformat()
    assert await here.limit_kw() == 80.0
    here.later(hours=1)
    await call(here, "POST", "heartbeat")
    assert await here.limit_kw() == 200.0


async def test_the_same_again_changes_nothing(here: Connected) -> None:
    first = await push(here, limit(), limit("b", 90.0, begin=1, end=2))
    here.later(seconds=30)
    again = await push(here, limit(), limit("b", 90.0, begin=1, end=2))
    assert again["limits"] == first["limits"]
    assert len(await here.signals()) == 2


async def test_a_whole_push_withdraws_what_it_does_not_name_and_a_part_does_not(here: Connected) -> None:
    await push(here, limit("a", 100.0), limit("b", 90.0))
    await push(here, limit("c", 95.0), method="POST")
    assert [it.external_id for it in await here.signals() if it.state(NOW) is SignalState.IN_FORCE] == ["a", "b", "c"]
    await push(here, limit("a", 70.0))
    states = {(it.external_id, it.limit_kw): it.state(NOW) for it in await here.signals()}
    assert states == {
        ("a", 100.0): SignalState.SUPERSEDED,
        ("a", 70.0): SignalState.IN_FORCE,
        ("b", 90.0): SignalState.WITHDRAWN,
        ("c", 95.0): SignalState.WITHDRAWN,
    }


async def test_a_limit_is_withdrawn_by_its_id(here: Connected) -> None:
    await push(here, limit("a b/c?", 100.0))
    gone = await call(here, "DELETE", "limits/nobody")
    assert (gone.status_code, gone.json()["message"]) == (404, "No limit 'nobody' of this link counts now or will.")
    await push(here, limit("plain", 90.0), method="POST")
    assert (await call(here, "DELETE", "limits/plain")).status_code == 204
    assert await here.limit_kw() == 100.0


async def test_silence_falls_back_and_a_heartbeat_restores(here: Connected) -> None:
    await push(here, limit(limit_kw=150.0, end=10.0))
    here.later(seconds=299)
    assert ((await here.its()).state(here.now), await here.limit_kw()) == (LinkState.CONNECTED, 150.0)
    here.later(seconds=1)
    assert ((await here.its()).state(here.now), await here.limit_kw()) == (LinkState.LOST, 60.0)
    assert (await call(here, "POST", "heartbeat")).status_code == 200
    assert ((await here.its()).state(here.now), await here.limit_kw()) == (LinkState.CONNECTED, 150.0)


async def test_what_was_said_last_goes_on_to_count_below_the_fall_back(here: Connected) -> None:
    await push(here, limit(limit_kw=40.0, end=10.0))
    here.later(hours=1)
    assert await here.limit_kw() == 40.0


async def test_a_limit_below_the_fall_backs_is_taken_and_told_of(here: Connected) -> None:
    told = await push(here, limit(limit_kw=10.0))
    assert told["limits"][0]["excess_kw"] == pytest.approx(28.28)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"limits": [limit(limit_kw=None)]}, 400, "limits nothing; give a limit in kW"),
        ({"limits": [limit(end=-1.0)]}, 400, "is in the past; now is"),
        ({"limits": [limit(begin=2.0)]}, 400, "would never be in force"),
        ({"limits": [limit(), limit()]}, 400, "'a' is there twice; give each id once"),
        ({"limits": [limit("")]}, 400, "The id has 0 characters; give 1 to 200"),
        ({"limits": [{"id": "a", "limit_kw": 3}]}, 400, "limits.0.ends_at: Field required"),
        ({"limits": [limit() | {"ends_at": "2026-11-02T10:00:00"}]}, 400, "limits.0.ends_at: Input should have timezone info"),
        ({"limits": [limit(str(n)) for n in range(501)]}, 400, "at most 500 items"),
        ("nothing", 400, "the body"),
    ],
)
async def test_what_makes_no_sense_is_refused_whole(here: Connected, body: Any, status: int, said: str) -> None:
    before = await here.site.everything()
    answer = await call(here, "PUT", "limits", body)
    assert (answer.status_code, said in answer.json()["message"]) == (status, True), answer.text
    assert await here.site.everything() == before


async def test_who_has_no_token_or_another_is_refused(here: Connected) -> None:
    before = await here.site.everything()
    for headers in (
        {"authorization": "Bearer grid_wrong"},
        {"authorization": f"Basic {here.token}"},
        {"x-api-key": "ampk_wrong"},
        {"a": "b"},
    ):
        assert (await call(here, "POST", "heartbeat", **headers)).status_code == 401
    elsewhere = await here.http.post(f"{here.root}/site/{new_id()}/heartbeat", headers={"authorization": f"Bearer {here.token}"})
    assert (elsewhere.status_code, elsewhere.json()["message"]) == (403, "The token is of another grid link than the address.")
    assert await here.site.everything() == before


async def test_a_renewed_token_and_a_link_that_is_switched_off_shut_the_door(here: Connected) -> None:
    _, token = await renew_grid_link_token(here.backend, here.site.who, here.link.id)
    assert (await call(here, "POST", "heartbeat")).status_code == 401
    new = {"authorization": f"Bearer {token}"}
    assert (await call(here, "POST", "heartbeat", **new)).status_code == 200
    await edit_grid_link(here.backend, here.site.who, here.link.id, enabled=False)
    assert (await call(here, "POST", "heartbeat", **new)).status_code == 401
    here.later(hours=1)
    assert await here.limit_kw() == 200.0


async def test_an_api_key_pushes_where_it_may(here: Connected) -> None:
    async def key(*scopes: Scope) -> str:
        wanted = NewApiKey("energy management", tuple(scope.value for scope in scopes))
        return (await create_api_key(here.backend, here.site.who, wanted))[1]

    may_not = await call(here, "POST", "heartbeat", **{"x-api-key": await key(Scope.FLEET_READ)})
    may = await call(here, "PUT", "limits", {"limits": [limit(limit_kw=90.0)]}, **{"x-api-key": await key(Scope.TELEMETRY_WRITE)})
    assert (may_not.status_code, may.status_code, await here.limit_kw()) == (403, 200, 90.0)
    assert (await here.signals())[0].author == "key:energy management"


async def test_messages_are_kept_without_the_token(here: Connected) -> None:
    await push(here, limit())
    await call(here, "POST", "heartbeat")
    messages = await here.messages()
    assert [it.name for it in messages] == ["limits", "heartbeat"]
    assert here.token is not None
    assert here.token not in repr(await here.site.everything())


async def test_limits_are_not_pushed_on_a_link_of_another_kind(backend: Backend) -> None:
    async with connected(backend, LinkKind.OSCP, group_id="feeder-7") as oscp:
        answer = await call(oscp, "POST", "heartbeat")
        assert (answer.status_code, answer.json()["message"]) == (
            409,
            "The other side is a link of kind OSCP; limits come there by its own protocol.",
        )
