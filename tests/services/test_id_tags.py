"""Id tags and strangers: given, blocked, moved, removed; what nobody knows is noted and may be assigned."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.id_tags import Authorization, IdTag, IdTagKind
from ampyard.domain.settings import UnknownTagPolicy
from ampyard.domain.unknown_identifications import UnknownIdentification, UnknownState
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.settings import read_settings, write_settings
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unknown_identifications import UnknownIdentifications
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import id_tags, transactions, unknown_identifications
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.id_tags import NewIdTag
from tests.charging import charge, station_of
from tests.fleet import new_fleet, user

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAC = "00:1A:2B:3C:4D:5E"


@dataclass(frozen=True)
class Fleet:
    backend: Backend
    station: Station
    vehicles: Sequence[Vehicle]

    @property
    def tenant_id(self) -> uuid.UUID:
        return self.station.tenant_id

    async def all(self, repository: Any) -> list[Any]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            found: list[Any] = await repository(snapshot).where(order_by=[repository.table.c.id])
            return found

    async def add(self, value: str = MAC, kind: IdTagKind = IdTagKind.MAC, **times: datetime) -> IdTag:
        return await id_tags.add_id_tag(self.backend, user(self.tenant_id), NewIdTag(self.vehicles[0].id, value, kind, **times))

    async def asked(self, value: str, at: datetime = NOW) -> Authorization:
        return await transactions.authorize_tag(replace(self.backend, clock=lambda: at), self.station, value)


@pytest.fixture
async def fleet(backend: Backend) -> Fleet:
    seeded = await new_fleet(backend)
    station = await station_of(backend, seeded.tenant_id)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        vehicles = await Vehicles(snapshot).where(order_by=[Vehicles.table.c.name])
    return Fleet(replace(backend, clock=lambda: NOW), station, vehicles)


@pytest.mark.parametrize("value", ["001a2b3c4d5e", "VID:001A2B3C4D5E", "00-1A-2B-3C-4D-5E"])
async def test_a_tag_is_known_however_it_is_written(fleet: Fleet, value: str) -> None:
    await fleet.add()
    assert await fleet.asked(value) is Authorization.ACCEPTED
    with pytest.raises(ConflictError, match="A vehicle has the id tag"):
        await fleet.add(value)


async def test_a_tag_of_the_last_release_is_known_as_it_is_written(fleet: Fleet) -> None:
    tag = await fleet.add()
    async with fleet.backend.unit_of_work(user(fleet.tenant_id)) as work:
        await work.change(IdTags, tag.id, canonical=None)
        await work.commit()
    assert await fleet.asked(MAC.lower()) is Authorization.ACCEPTED


async def test_a_tag_counts_while_it_is_valid_and_not_blocked(fleet: Fleet) -> None:
    tag = await fleet.add(valid_from=NOW, valid_until=NOW + HOUR)
    assert await fleet.asked(MAC, NOW - HOUR) is Authorization.INVALID
    assert await fleet.asked(MAC, NOW + HOUR) is Authorization.EXPIRED
    await id_tags.edit_id_tag(fleet.backend, user(fleet.tenant_id), tag.id, {"blocked": True, "valid_until": None})
    assert await fleet.asked(MAC, NOW) is Authorization.BLOCKED
    await id_tags.edit_id_tag(fleet.backend, user(fleet.tenant_id), tag.id, {"blocked": False})
    assert await fleet.asked(MAC, NOW + HOUR) is Authorization.ACCEPTED
    with pytest.raises(InvalidInputError, match="would never be valid"):
        await id_tags.edit_id_tag(fleet.backend, user(fleet.tenant_id), tag.id, {"valid_until": NOW})


async def test_a_moved_tag_is_the_new_vehicles_and_the_old_ones_history(fleet: Fleet) -> None:
    tag = await fleet.add()
    moved = await id_tags.move_id_tag(fleet.backend, user(fleet.tenant_id), tag.id, fleet.vehicles[1].id)

    assert (moved.vehicle_id, moved.removed_at) == (fleet.vehicles[1].id, None)
    of_mac = [one for one in await fleet.all(IdTags) if one.kind is IdTagKind.MAC]
    assert [(one.id, one.vehicle_id, one.removed_at) for one in of_mac] == [
        (tag.id, fleet.vehicles[0].id, NOW),
        (moved.id, fleet.vehicles[1].id, None),
    ]
    with pytest.raises(ConflictError, match="was removed at"):
        await id_tags.remove_id_tag(fleet.backend, user(fleet.tenant_id), tag.id)
    await id_tags.remove_id_tag(fleet.backend, user(fleet.tenant_id), moved.id)
    assert await fleet.asked(MAC) is Authorization.INVALID
    await fleet.add()
    assert await fleet.asked(MAC) is Authorization.ACCEPTED


async def strangers(fleet: Fleet) -> list[UnknownIdentification]:
    return await fleet.all(UnknownIdentifications)


async def test_a_stranger_is_noted_once_a_visit(fleet: Fleet) -> None:
    for at in (NOW, NOW + timedelta(seconds=10), NOW + HOUR):
        assert await fleet.asked("VID:0A2B3C4D5E6F", at) is Authorization.INVALID
    (stranger,) = await strangers(fleet)
    assert (stranger.value, stranger.kind, stranger.times_seen) == ("VID:0A2B3C4D5E6F", IdTagKind.MAC, 2)
    assert (stranger.first_seen_at, stranger.last_seen_at, stranger.state) == (NOW, NOW + HOUR, UnknownState.OPEN)
    assert stranger.charge_point_id == fleet.station.charge_point_id


async def test_an_assigned_stranger_is_known_and_its_open_transaction_gets_the_vehicle(fleet: Fleet) -> None:
    begun = await charge(fleet.backend, fleet.station, (NOW, 0.0), id_tag="0a-2b-3c-4d-5e-6f")
    assert begun.vehicle_id is None
    (stranger,) = await strangers(fleet)

    vehicle = fleet.vehicles[2]
    assigned = await unknown_identifications.assign_unknown(fleet.backend, user(fleet.tenant_id), stranger.id, vehicle.id)

    assert (assigned.state, assigned.decided_by, assigned.decided_at) == (UnknownState.ASSIGNED, "user:tester", NOW)
    assert await fleet.asked("0A2B3C4D5E6F") is Authorization.ACCEPTED
    (transaction,) = await fleet.all(Transactions)
    assert (transaction.vehicle_id, transaction.vehicle_resolved_at) == (vehicle.id, NOW)
    with pytest.raises(ConflictError, match="assigned"):
        await unknown_identifications.dismiss_unknown(fleet.backend, user(fleet.tenant_id), stranger.id)


async def test_a_dismissed_stranger_stays_so_and_an_assigned_one_whose_tag_is_removed_is_open_again(fleet: Fleet) -> None:
    principal = user(fleet.tenant_id)
    for value in ("CARD-1", "CARD-2"):
        await fleet.asked(value)
    one, other = await strangers(fleet)
    await unknown_identifications.dismiss_unknown(fleet.backend, principal, one.id)
    assigned = await unknown_identifications.assign_unknown(fleet.backend, principal, other.id, fleet.vehicles[0].id)
    assert assigned.id_tag_id is not None
    await id_tags.remove_id_tag(fleet.backend, principal, assigned.id_tag_id)

    for value in ("CARD-1", "CARD-2"):
        await fleet.asked(value, NOW + HOUR)

    assert [(s.value, s.state, s.times_seen) for s in await strangers(fleet)] == [
        ("CARD-1", UnknownState.DISMISSED, 2),
        ("CARD-2", UnknownState.OPEN, 2),
    ]


async def test_strangers_may_charge_where_the_tenant_lets_them(fleet: Fleet) -> None:
    async with fleet.backend.unit_of_work(user(fleet.tenant_id)) as work:
        known = await read_settings(work.session, fleet.tenant_id)
        allowed = replace(known.values, unknown_tag_policy=UnknownTagPolicy.ALLOW)
        assert await write_settings(work.session, fleet.tenant_id, allowed, after=known.version, author="user:tester", at=NOW)
        await work.commit()

    assert await fleet.asked("CARD-1") is Authorization.ACCEPTED
    begun = await charge(fleet.backend, fleet.station, (NOW, 0.0), id_tag="CARD-1")
    assert (begun.vehicle_id, begun.authorization) == (None, Authorization.ACCEPTED)
    assert len(await strangers(fleet)) == 1
