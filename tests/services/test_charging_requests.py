"""Charging requests: full lists are compared with what is known, people ask for single vehicles, and classes become rules."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ampyard.domain.access import Role, Scope
from ampyard.domain.charging_requests import (
    ChargingRequest,
    Difference,
    PreconditioningLoad,
    PreconditioningWish,
    RequestFlaw,
    RequestSource,
    Statement,
)
from ampyard.domain.depot_links import DepotLink, PriorityBands
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.priorities import Priority, PriorityLevel
from ampyard.repositories.audit import AuditRecords
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.charging_requests import ChargingRequestFilter, ChargingRequests, remove_withdrawn
from ampyard.repositories.priorities import Priorities
from ampyard.services.backend import Backend
from ampyard.services.charging_requests import NewChargingRequest, request_charging, take_list, withdraw_request
from ampyard.services.depot_links import create_link, edit_link, remove_link
from ampyard.services.vehicles import archive_vehicle
from tests.busy import Busy
from tests.charging import station_of
from tests.fleet import user
from tests.grants import confined, group_of
from tests.published import waiting
from tests.services.dispatching import HOUR, NOW, Yard, new_yard

LATER = timedelta(minutes=5)


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    return await new_yard(backend)


@pytest.fixture
async def link(yard: Yard) -> DepotLink:
    made, _ = await create_link(yard.backend, yard.principal, yard.depots["Central"].id, name="BMS", identity="bms", bands=PriorityBands())
    return made


def asked(external_id: str, vehicle: str = "Bus 1", **more: Any) -> Statement:
    return replace(Statement(external_id, vehicle, None, 60.0, 90.0), **more)


async def take(yard: Yard, link: DepotLink, *listed: Statement) -> Difference:
    return await take_list(yard.backend, yard.tenant_id, link.id, listed)


async def kept(yard: Yard) -> dict[str | None, ChargingRequest]:
    """Return all requests by their external id; that of a person has none."""
    async with yard.backend.snapshot(yard.principal) as snapshot:
        found = await ChargingRequests(snapshot).where(order_by=[ChargingRequests.table.c.id])
    return {one.external_id: one for one in found}


async def rules(yard: Yard) -> list[Priority]:
    async with yard.backend.snapshot(yard.principal) as snapshot:
        return await Priorities(snapshot).where(Priorities.table.c.cleared_at.is_(None), order_by=[Priorities.table.c.id])


async def counting(yard: Yard, vehicle: str = "Bus 1") -> list[ChargingRequest]:
    wanted = yard.vehicles[vehicle].id
    async with yard.backend.snapshot(yard.principal) as snapshot:
        return (await ChargingRequests(snapshot).counting([wanted], at=yard.backend.clock())).get(wanted, [])


async def test_a_first_list_is_kept_with_what_its_names_stand_for(yard: Yard, link: DepotLink) -> None:
    station = await station_of(yard.backend, yard.tenant_id, "CP-2")
    wish = PreconditioningWish(hvac=PreconditioningLoad(NOW + 4 * HOUR, 8.0))
    full = asked(
        "r-1",
        "wampyard000000001",
        charge_point_name="CP-2:1",
        process_id="p-1",
        priority=55,
        arrives_at=NOW,
        arrival_soc_percent=40.0,
        departs_at=NOW + 5 * HOUR,
        preconditioning=wish,
    )

    changes = await take(yard, link, full, asked("r-2", "b-ay 2", charge_point_name="CP-2"), asked("r-3", "Bus 3"))

    assert [len(part) for part in (changes.new, changes.changed, changes.withdrawn)] == [3, 0, 0]
    found = await kept(yard)
    async with yard.backend.snapshot(yard.principal) as snapshot:
        (evse,) = (await Evses(snapshot).of_charge_points([station.charge_point_id]))[station.charge_point_id]
    bus_1, bus_2, bus_3 = (yard.vehicles[f"Bus {n}"].id for n in (1, 2, 3))
    expected = replace(full, vehicle_id=bus_1, evse_id=evse.id, level=PriorityLevel.HIGH, weight=1 + 5 / 15)
    assert found["r-1"].statement == expected
    assert found["r-1"].depot_id == yard.depots["Central"].id
    assert (found["r-1"].source, found["r-1"].link_id, found["r-1"].author) == (RequestSource.VDV463, link.id, "depot link:bms")
    assert (found["r-2"].vehicle_id, found["r-2"].evse_id, found["r-3"].vehicle_id) == (bus_2, evse.id, bus_3)


async def test_the_next_list_changes_what_differs_withdraws_what_is_missing_and_leaves_the_rest(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1"), asked("r-2", "Bus 2"), asked("r-3", "Bus 3"))
    before = await kept(yard)
    later = yard.at(NOW + LATER)

    await take(later, link, asked("r-1"), asked("r-2", "Bus 2", min_soc_percent=70.0), asked("r-4", "Bus 4"))

    after = await kept(yard)
    assert after["r-1"] == before["r-1"]
    assert after["r-2"] == replace(before["r-2"], min_soc_percent=70.0, updated_at=NOW + LATER)
    gone = replace(before["r-3"], withdrawn_at=NOW + LATER, withdrawn_by="depot link:bms", updated_at=NOW + LATER)
    assert after["r-3"] == gone
    assert after["r-4"].created_at == NOW + LATER
    assert [one.external_id for one in await counting(later)] == ["r-1"]
    assert await counting(later, "Bus 3") == []


async def test_a_list_that_changes_nothing_leaves_no_trace_but_its_time(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1"))
    events, before = await waiting(yard.backend, yard.tenant_id), await kept(yard)

    changes = await take(yard.at(NOW + LATER), link, asked("r-1"))

    assert not changes
    assert await kept(yard) == before
    assert await waiting(yard.backend, yard.tenant_id) == events


async def test_what_was_withdrawn_can_be_asked_for_again(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1"))
    await take(yard.at(NOW + LATER), link)
    assert await counting(yard.at(NOW + LATER)) == []

    await take(yard.at(NOW + 2 * LATER), link, asked("r-1"))

    assert [one.external_id for one in await counting(yard.at(NOW + 2 * LATER))] == ["r-1"]


async def test_an_unknown_vehicle_is_kept_and_found_once_it_is_known(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1", "Bus 77"))

    (unknown,) = (await kept(yard)).values()
    assert (unknown.flaw, unknown.vehicle_id) == (RequestFlaw.UNKNOWN_VEHICLE, None)
    assert unknown.problem == "No vehicle, or more than one, has 'Bus 77' as its VIN, name or license plate."
    async with yard.work() as work:
        await work.session.execute(
            ChargingRequests.table.metadata.tables["vehicle"]
            .update()
            .where(ChargingRequests.table.metadata.tables["vehicle"].c.id == yard.vehicles["Bus 1"].id)
            .values(name="Bus 77")
        )
        await work.commit()
    await take(yard, link, asked("r-1", "Bus 77"))
    assert [(one.external_id, one.flaw) for one in await counting(yard)] == [("r-1", None)]


async def test_flaws_are_told_and_keep_nothing_else_from_counting(yard: Yard, link: DepotLink) -> None:
    odd = asked("r-2", "Bus 2", min_soc_percent=95.0)

    await take(yard, link, asked("r-1", charge_point_name="CP-99"), odd)

    found = await kept(yard)
    assert (found["r-1"].flaw, found["r-2"].flaw) == (RequestFlaw.UNKNOWN_CHARGE_POINT, RequestFlaw.CONTRADICTORY)
    assert [one.external_id for one in await counting(yard)] == ["r-1"]
    assert await counting(yard, "Bus 2") == []


async def test_an_id_twice_in_a_list_is_refused_and_changes_nothing(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1"))
    before = await kept(yard)

    with pytest.raises(InvalidInputError, match="chargingRequestId r-2 is in the list more than once"):
        await take(yard, link, asked("r-2"), asked("r-2", "Bus 2"))

    assert await kept(yard) == before


async def test_a_list_over_a_removed_link_is_refused_and_what_it_asked_for_is_withdrawn(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1", priority=95))
    await remove_link(yard.backend, yard.principal, link.id)

    assert await counting(yard) == []
    assert await rules(yard) == []
    with pytest.raises(NotFoundError, match="has been removed"):
        await take(yard, link, asked("r-1"))


async def test_a_class_is_a_rule_for_the_vehicle_while_the_request_counts(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1", priority=95, departs_at=NOW + 5 * HOUR), asked("r-2", "Bus 2", priority=7))

    (rule,) = await rules(yard)
    assert (rule.level, rule.vehicle_id) == (PriorityLevel.CRITICAL, yard.vehicles["Bus 1"].id)
    assert (rule.valid_from, rule.valid_until) == (NOW, NOW + 11 * HOUR)
    assert (rule.reason, rule.author) == ("Charging request r-1 of a depot management system", "depot link:bms")
    assert (await kept(yard))["r-1"].priority_id == rule.id

    await take(yard.at(NOW + LATER), link, asked("r-1", priority=60, departs_at=NOW + 5 * HOUR), asked("r-2", "Bus 2", priority=7))
    assert [one.level for one in await rules(yard)] == [PriorityLevel.HIGH]

    await take(yard.at(NOW + 2 * LATER), link)
    assert await rules(yard) == []


async def test_whoever_wants_to_charge_at_once_is_at_least_high(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1", ad_hoc=True, priority=3), asked("r-2", "Bus 2", ad_hoc=True, priority=95))

    assert [one.level for one in (await kept(yard)).values()] == [PriorityLevel.HIGH, PriorityLevel.CRITICAL]


async def test_bands_say_what_numbers_mean_from_the_next_list_on(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1", priority=1))
    await edit_link(yard.backend, yard.principal, link.id, bands=PriorityBands(3, 2, 1))
    assert (await kept(yard))["r-1"].level is PriorityLevel.NORMAL

    await take(yard, link, asked("r-1", priority=1))

    assert (await kept(yard))["r-1"].level is PriorityLevel.CRITICAL


async def test_a_person_overrules_and_lets_count_again(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1", priority=95, departs_at=NOW + 5 * HOUR))
    wanted = NewChargingRequest(yard.vehicles["Bus 1"].id, 50.0, 80.0, NOW + 3 * HOUR)

    mine = await request_charging(yard.backend, yard.principal, wanted)

    assert await counting(yard) == [mine]
    assert await rules(yard) == []
    later = yard.at(NOW + LATER)
    await withdraw_request(later.backend, yard.principal, mine.id)
    assert [one.external_id for one in await counting(later)] == ["r-1"]
    assert [one.level for one in await rules(yard)] == [PriorityLevel.CRITICAL]
    async with yard.backend.snapshot(yard.principal) as snapshot:
        records = await AuditRecords(snapshot).where(AuditRecords.table.c.target_id == mine.id)
    assert sorted(record.action for record in records) == ["charging_request.make", "charging_request.withdraw"]


async def test_a_person_asks_anew_in_place_of_before(yard: Yard) -> None:
    bus = yard.vehicles["Bus 1"].id
    first = await request_charging(yard.backend, yard.principal, NewChargingRequest(bus, 50.0, level=PriorityLevel.HIGH))

    later = yard.at(NOW + LATER)
    second = await request_charging(later.backend, yard.principal, NewChargingRequest(bus, ad_hoc=True, level=PriorityLevel.CRITICAL))

    assert (first.min_soc_percent, first.max_soc_percent) == (50.0, 100.0)
    assert (second.min_soc_percent, second.max_soc_percent) == (100.0, 100.0)
    assert await counting(later) == [replace(second, priority_id=(await rules(yard))[0].id)]
    assert [(one.level, one.valid_until) for one in await rules(yard)] == [(PriorityLevel.CRITICAL, None)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"departs_at": NOW - HOUR}, "departsAt .* is in the past"),
        ({"min_soc_percent": 101.0}, "minSocPercent is 101; give 0 to 100"),
        ({"min_soc_percent": 0.0, "max_soc_percent": -1.0}, "maxSocPercent is -1"),
        ({"min_soc_percent": 90.0, "max_soc_percent": 80.0}, "minSocPercent 90 is above maxSocPercent 80"),
        ({"preconditioning_kw": 5.0}, "needs both when it begins and its power"),
        ({"preconditioning_kw": 500.0, "preconditioning_at": NOW, "departs_at": NOW + HOUR}, "give more than 0 and at most 100"),
        ({"preconditioning_kw": 5.0, "preconditioning_at": NOW + HOUR}, "begins before a departure"),
        ({"reason": "two\nlines"}, "line breaks"),
    ],
)
async def test_what_makes_no_sense_is_refused(yard: Yard, changes: dict[str, Any], message: str) -> None:
    before = await kept(yard)
    wanted = replace(NewChargingRequest(yard.vehicles["Bus 1"].id), **changes)

    with pytest.raises(InvalidInputError, match=message):
        await request_charging(yard.backend, yard.principal, wanted)

    assert await kept(yard) == before


async def test_nothing_is_asked_for_who_is_not_there(yard: Yard) -> None:
    with pytest.raises(NotFoundError):
        await request_charging(yard.backend, yard.principal, NewChargingRequest(uuid.uuid4()))
    await archive_vehicle(yard.backend, yard.principal, yard.vehicles["Bus 6"].id)
    with pytest.raises(ConflictError, match="Bus 6 is archived"):
        await request_charging(yard.backend, yard.principal, NewChargingRequest(yard.vehicles["Bus 6"].id))


async def test_a_management_systems_request_is_not_withdrawn_by_hand_nor_anyones_twice(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1"))
    theirs = (await kept(yard))["r-1"]
    with pytest.raises(ConflictError, match="whose next list would bring it back"):
        await withdraw_request(yard.backend, yard.principal, theirs.id)
    mine = await request_charging(yard.backend, yard.principal, NewChargingRequest(yard.vehicles["Bus 2"].id))
    await withdraw_request(yard.backend, yard.principal, mine.id)
    with pytest.raises(ConflictError, match="was withdrawn at"):
        await withdraw_request(yard.backend, yard.principal, mine.id)
    assert (await kept(yard))["r-1"] == theirs


async def test_only_who_may_dispatch_a_vehicle_asks_for_it(yard: Yard) -> None:
    bus = yard.vehicles["Bus 1"].id
    north = await group_of(yard.backend, yard.tenant_id, depot_id=yard.depots["North"].id)
    central = await group_of(yard.backend, yard.tenant_id, depot_id=yard.depots["Central"].id)
    with pytest.raises(ForbiddenError):
        await request_charging(yard.backend, user(yard.tenant_id, Scope.FLEET_READ), NewChargingRequest(bus))
    with pytest.raises(NotFoundError):
        await request_charging(yard.backend, confined(yard.tenant_id, north), NewChargingRequest(bus))
    dispatcher = confined(yard.tenant_id, central, role=Role.DISPATCHER)

    mine = await request_charging(yard.backend, dispatcher, NewChargingRequest(bus, 50.0))

    assert list((await kept(yard)).values()) == [mine]
    with pytest.raises(NotFoundError):
        await withdraw_request(yard.backend, confined(yard.tenant_id, north), mine.id)
    assert (await withdraw_request(yard.backend, dispatcher, mine.id)).withdrawn_by == dispatcher.author


async def test_of_a_depot_those_count_whose_vehicles_anything_is_asked_for_there(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1"), asked("r-2", "North Bus 2"), asked("r-3", "Nobody"))
    await request_charging(yard.backend, yard.principal, NewChargingRequest(yard.vehicles["Bus 3"].id, 50.0))
    async with yard.backend.snapshot(yard.principal) as snapshot:
        central = await ChargingRequests(snapshot).vehicles_asked_for(yard.depots["Central"].id, at=NOW)
        north = await ChargingRequests(snapshot).vehicles_asked_for(yard.depots["North"].id, at=NOW)

    assert central == {yard.vehicles[name].id for name in ("Bus 1", "North Bus 2", "Bus 3")}
    assert north == set()


async def test_who_is_confined_sees_what_is_asked_for_in_the_depot_or_for_the_vehicle(busy: Busy) -> None:
    everything = await busy.all(ChargingRequests)
    north = next(one.depot_id for one in everything if one.external_id == "N-r-1")
    group = await group_of(busy.backend, busy.tenant_id, depot_id=north)

    async with busy.backend.snapshot(confined(busy.tenant_id, group)) as snapshot:
        seen = await ChargingRequests(snapshot).where(order_by=[ChargingRequests.table.c.id])

    assert seen == [one for one in everything if one.depot_id == north]
    assert 0 < len(seen) < len(everything)


async def test_filters_list_what_they_say(busy: Busy) -> None:
    everything = await busy.all(ChargingRequests)
    now = busy.backend.clock()
    unknown = ChargingRequestFilter(flaw=RequestFlaw.UNKNOWN_VEHICLE)
    checks = {
        unknown: [one for one in everything if one.flaw is RequestFlaw.UNKNOWN_VEHICLE],
        ChargingRequestFilter(in_force_at=now): [one for one in everything if one.is_in_force(now)],
        ChargingRequestFilter(source=RequestSource.GRAPH): [one for one in everything if one.link_id is None],
        ChargingRequestFilter(flawed=True): [one for one in everything if one.flaw is not None],
        ChargingRequestFilter(flawed=False, vehicle_id=everything[0].vehicle_id): [
            one for one in everything if one.flaw is None and one.vehicle_id == everything[0].vehicle_id
        ],
        ChargingRequestFilter(link_id=everything[0].link_id, depot_id=everything[0].depot_id): [
            one for one in everything if one.link_id == everything[0].link_id
        ],
    }
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        for narrowing, expected in checks.items():
            found = await ChargingRequests(snapshot).where(*narrowing.conditions(), order_by=[ChargingRequests.table.c.id])
            assert found == expected
            assert 0 < len(found) < len(everything)


async def test_what_is_long_over_is_removed(yard: Yard, link: DepotLink) -> None:
    await take(yard, link, asked("r-1"), asked("r-2", "Bus 2"), asked("r-3", "Bus 3", departs_at=NOW + HOUR))
    await take(yard.at(NOW + LATER), link, asked("r-1"), asked("r-3", "Bus 3", departs_at=NOW + HOUR))
    async with yard.work() as work:
        assert await remove_withdrawn(work.session, before=NOW + LATER) == 0
        assert await remove_withdrawn(work.session, before=NOW + 2 * HOUR) == 2
        await work.commit()

    assert list(await kept(yard)) == ["r-1"]
