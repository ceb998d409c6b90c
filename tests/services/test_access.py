"""API keys: looked up once in a moment, and refused no later than that after they are revoked."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from ampyard.domain.access import PrincipalKind, Scope
from ampyard.repositories import tables, tenants
from ampyard.services import access
from ampyard.services.access import ApiKeys
from ampyard.services.backend import Backend
from ampyard.services.secrets import hash_key, new_key
from ampyard.services.seeding import Seeded
from tests.fleet import new_fleet, user
from tests.patience import eventually
from tests.sent import statements_sent


@pytest.fixture
async def fleet(backend: Backend) -> Seeded:
    return await new_fleet(backend)


async def change(backend: Backend, fleet: Seeded, **values: Any) -> None:
    async with backend.unit_of_work(user(fleet.tenant_id)) as work:
        await work.session.execute(update(tables.api_key).values(**values))
        await work.commit()


async def test_a_key_that_is_used_again_at_once_is_not_looked_up_again(backend: Backend, fleet: Seeded) -> None:
    keys = ApiKeys(backend)
    with statements_sent() as sent:
        found = [await keys.principal(fleet.api_key) for _ in range(20)]

    # Once it is looked up, and once noted that it was used.
    assert [statement.split()[0] for statement in sent] == ["SELECT", "UPDATE"]
    first = found[0]
    assert first is not None
    assert (first.tenant_id, first.kind) == (fleet.tenant_id, PrincipalKind.KEY)
    assert first.scopes == {Scope.FLEET_READ, Scope.PRIORITIES_WRITE}
    assert all(principal is first for principal in found)


def test_a_revoked_key_may_be_trusted_for_three_seconds_and_no_longer() -> None:
    # What docs/running.md tells operators.
    assert access.REMEMBERED_FOR_S == 3.0


async def test_a_revoked_key_is_refused_when_that_time_is_over_even_when_it_is_used_all_the_time(
    backend: Backend, fleet: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "REMEMBERED_FOR_S", 0.3)
    keys = ApiKeys(backend)
    assert await keys.principal(fleet.api_key) is not None
    await change(backend, fleet, revoked_at=datetime(2026, 1, 1, tzinfo=UTC))
    revoked = asyncio.get_running_loop().time()

    await eventually(lambda: keys.principal(fleet.api_key), lambda found: found is None)

    assert asyncio.get_running_loop().time() - revoked < 1.0
    assert await keys.principal(fleet.api_key) is None
    # ... and by a process that had not seen it, at once.
    assert await ApiKeys(backend).principal(fleet.api_key) is None


async def test_scopes_that_are_taken_away_are_gone_when_that_time_is_over(
    backend: Backend, fleet: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "REMEMBERED_FOR_S", 0.1)
    keys = ApiKeys(backend)
    await keys.principal(fleet.api_key)
    await change(backend, fleet, scopes=["fleet:read"])

    found = await eventually(lambda: keys.principal(fleet.api_key), lambda one: one is not None and len(one.scopes) == 1)

    assert found is not None
    assert found.scopes == {Scope.FLEET_READ}


async def test_a_key_that_ends_is_refused_from_that_very_moment(backend: Backend, fleet: Seeded) -> None:
    end = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    await change(backend, fleet, expires_at=end)
    moment = [end - timedelta(seconds=1)]
    keys = ApiKeys(replace(backend, clock=lambda: moment[0]))
    found = await keys.principal(fleet.api_key)
    assert found is not None
    assert found.expires_at == end

    moment[0] = end

    assert await keys.principal(fleet.api_key) is None


async def test_that_a_key_is_unknown_is_never_remembered(backend: Backend, fleet: Seeded) -> None:
    keys, key = ApiKeys(backend), new_key("ampyard")
    assert await keys.principal(key) is None

    async with backend.unit_of_work(user(fleet.tenant_id)) as work:
        await tenants.add_api_key(
            work.session, fleet.tenant_id, name="later", prefix=key[:8], key_hash=hash_key(key), scopes=[Scope.FLEET_READ]
        )
        await work.commit()

    found = await keys.principal(key)
    assert found is not None
    assert found.subject == "later"


async def test_no_more_keys_are_remembered_than_there_is_room_for(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_MOST_REMEMBERED", 2)
    keys = ApiKeys(backend)
    fleets = [await new_fleet(backend) for _ in range(3)]
    for fleet in fleets:
        found = await keys.principal(fleet.api_key)
        assert found is not None
        assert found.tenant_id == fleet.tenant_id

    assert list(keys._remembered._found) == [hash_key(fleet.api_key) for fleet in fleets[1:]]


async def test_nothing_is_known_of_a_key_but_its_hash(backend: Backend, fleet: Seeded) -> None:
    keys = ApiKeys(backend)
    await keys.principal(fleet.api_key)
    assert fleet.api_key not in repr(keys._remembered._found)
    assert await keys.principal(f"ampyard_{uuid.uuid4().hex}") is None
