"""What a partner is shown of a depot."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import delete
from syrupy.assertion import SnapshotAssertion

from ampyard.domain.access import system_principal
from ampyard.domain.charge_points import ConnectorStatus
from ampyard.domain.clock import utc_now
from ampyard.domain.local_time import Weekday
from ampyard.domain.locations import Party
from ampyard.domain.opening_hours import ExceptionalPeriod, Hours, RegularHours
from ampyard.ocpi.mapping.locations import evse_id
from ampyard.ocpi.wire.types import DateTime, format_date_time, parse_date_time
from ampyard.repositories import tables
from ampyard.services import charge_points, depots
from ampyard.services.backend import Backend
from tests.fleet import new_fleet, user
from tests.ocpi.conftest import VERSIONS, Partner, token_header
from tests.ocpi.fleets import Edit, set_status
from tests.services.stations import online


async def masked(partner: Partner, path: str) -> Any:
    """Return an answer with everything that differs from run to run replaced; equal ids stay equal."""
    text = (await partner.get(path)).text.replace(partner.root_url, "<root>")
    (location,) = await partner.data("/2.2.1/locations")
    party, names = location["party_id"], dict[str, str]()
    text = text.replace(f'"{party}"', '"<party>"').replace(f"*{party}*", "*<party>*")
    text = text.replace(location["operator"]["name"], "<tenant>")
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda found: names.setdefault(found[0], f"<id {len(names)}>"), text)
    return json.loads(re.sub(r'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{3})?Z"', '"<time>"', text))


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_wire_format(partner: Partner, version: str, snapshot: SnapshotAssertion) -> None:
    assert await masked(partner, f"/{version}/locations") == snapshot(name="locations")
    assert await masked(partner, "/versions") == snapshot(name="versions")
    assert await masked(partner, f"/{version}") == snapshot(name="version details")
    assert await masked(partner, f"/{version}/locations/x") == snapshot(name="refusal")


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_part_has_an_address_of_its_own(partner: Partner, version: str) -> None:
    (location,) = await partner.data(f"/{version}/locations")
    path = f"/{version}/locations/{location['id']}"
    assert await partner.data(path) == location
    for evse in location["evses"]:
        assert await partner.data(f"{path}/{evse['uid']}") == evse
        assert await partner.data(f"{path}/{evse['uid'].upper()}/1") == evse["connectors"][0]


@pytest.fixture
async def fleet(backend: Backend, root_url: str) -> Any:
    """A partner with the tenant whose fleet it sees."""
    seeded = await new_fleet(backend)
    async with httpx.AsyncClient(headers=token_header(seeded.ocpi_token)) as client:
        yield Partner(client, root_url), Edit(backend, seeded.tenant_id)


Fleet = tuple[Partner, Edit]


async def evses_by_outlet(partner: Partner, version: str = "2.2.1") -> dict[str, dict[str, Any]]:
    """Return EVSEs by the part of the EVSE ID that is the charge point's: CP*1*1 and so on."""
    (location,) = await partner.data(f"/{version}/locations")
    return {evse["evse_id"].split("*", 2)[2].removeprefix("E"): evse for evse in location["evses"]}


async def test_an_evse_shows_what_its_connectors_tell_and_nothing_while_offline(backend: Backend, fleet: Fleet) -> None:
    partner, edit = fleet
    assert {evse["status"] for evse in (await evses_by_outlet(partner)).values()} == {"UNKNOWN"}

    station = (await online(backend, edit.tenant_id))["CP-4"]
    shown = {}
    for status in ConnectorStatus:
        await set_status(backend, station, status, evse_no=2)
        evses = await evses_by_outlet(partner)
        shown[status.value] = evses["CP*4*2"]["status"]
        assert evses["CP*4*1"]["status"] == "UNKNOWN"
    assert shown == {
        "Unknown": "UNKNOWN",
        "Available": "AVAILABLE",
        "Preparing": "CHARGING",
        "Occupied": "CHARGING",
        "Charging": "CHARGING",
        "SuspendedEVSE": "CHARGING",
        "SuspendedEV": "CHARGING",
        "Finishing": "CHARGING",
        "Reserved": "RESERVED",
        "Unavailable": "INOPERATIVE",
        "Faulted": "OUTOFORDER",
    }

    await set_status(backend, station, ConnectorStatus.AVAILABLE, evse_no=2)
    await charge_points.disconnected(backend, station)
    assert (await evses_by_outlet(partner))["CP*4*2"]["status"] == "UNKNOWN"


async def times(partner: Partner) -> tuple[datetime, datetime, datetime]:
    """Return last_updated of the location, of CP-4's second EVSE and of its connector."""
    (location,) = await partner.data("/2.3.0/locations")
    (evse,) = [evse for evse in location["evses"] if evse["evse_id"].endswith("CP*4*2")]
    location_at, evse_at, connector_at = (parse_date_time(part["last_updated"]) for part in (location, evse, evse["connectors"][0]))
    return location_at, evse_at, connector_at


async def test_a_change_of_a_part_is_a_change_of_the_whole(backend: Backend, fleet: Fleet) -> None:
    partner, edit = fleet
    seeded = await times(partner)
    station = (await online(backend, edit.tenant_id))["CP-4"]
    before = utc_now() - timedelta(milliseconds=1)
    # when a connector changes, its EVSE and location do
    await set_status(backend, station, ConnectorStatus.AVAILABLE, evse_no=2)
    location, evse, connector = await times(partner)
    assert seeded < (before,) * 3 <= (location, evse, connector)
    assert location == evse == connector
    # when the charge point is lost, so that the status becomes unknown, its EVSEs and location do
    await charge_points.disconnected(backend, station)
    lost = await times(partner)
    assert connector == lost[2] < lost[1] == lost[0]
    # when only the depot changes, the location alone does
    await edit.update("depot", address="Nebenstr. 2", updated_at=utc_now())
    moved = await times(partner)
    assert moved[1:] == lost[1:]
    assert moved[0] > lost[0]


async def test_a_power_limit_is_no_change_of_a_location(fleet: Fleet) -> None:
    partner, edit = fleet
    before = await times(partner)
    await edit.update("evse", limit_kw=7.0, limit_reason="share", updated_at=utc_now())
    assert await times(partner) == before


async def test_a_connector_that_a_version_cannot_name_is_shown_in_the_other_alone(fleet: Fleet) -> None:
    partner, edit = fleet
    await edit.update("connector", standard="MCS")
    (old,) = await partner.data("/2.2.1/locations")
    (new,) = await partner.data("/2.3.0/locations")
    assert old["evses"] == []
    assert {connector["standard"] for evse in new["evses"] for connector in evse["connectors"]} == {"MCS"}
    uid = new["evses"][0]["uid"]
    for part, message in ((uid, "Unknown EVSE"), (f"{uid}/1", "Unknown Connector")):
        response = await partner.get(f"/2.2.1/locations/{old['id']}/{part}")
        assert (response.status_code, response.json()["status_code"]) == (404, 2003)
        assert response.json()["status_message"].startswith(message)


async def test_text_that_the_type_cannot_hold_is_cut_and_hides_nothing(fleet: Fleet) -> None:
    partner, edit = fleet
    await edit.update("depot", name="Süd\n" + "x" * 300, city="y" * 60, postal_code="", latitude=-3.0, longitude=-126.1049654)
    (location,) = await partner.data("/2.2.1/locations")
    assert location["name"] == "Süd " + "x" * 251
    assert location["city"] == "y" * 45
    assert "postal_code" not in location
    assert location["coordinates"] == {"latitude": "-3.000000", "longitude": "-126.104965"}


async def test_a_depot_without_connectors_is_no_location(backend: Backend, fleet: Fleet) -> None:
    partner, edit = fleet
    (location,) = await partner.data("/2.2.1/locations")
    async with backend.unit_of_work(system_principal(edit.tenant_id, "test")) as work:
        await work.session.execute(delete(tables.connector))
        await work.commit()
    assert await partner.data("/2.2.1/locations") == []
    assert (await partner.get(f"/2.2.1/locations/{location['id']}")).status_code == 404


PARTY = Party("DE", "AYD", "Ampyard")


@pytest.mark.parametrize(
    ("identity", "evse_no", "expected"),
    [
        ("CP-1", 2, "DE*AYD*ECP*1*2"),
        ("0815", 1, "DE*AYD*E0815*1"),
        ("A" * 28, 1, f"DE*AYD*E{'A' * 28}*1"),
        ("A" * 28, 10, None),
        ("cp-1", 1, None),
        ("CP_1", 1, None),
        ("CP*1", 1, None),
        ("-1", 1, None),
        ("CP-", 1, None),
        ("ÄB", 1, None),
    ],
)
def test_an_evse_id_is_given_where_it_is_valid(identity: str, evse_no: int, expected: str | None) -> None:
    assert evse_id(PARTY, identity, evse_no) == expected


@pytest.mark.parametrize("party", [Party("de", "AYD", ""), Party("DE", "AY-", ""), Party("DEU", "AYD", "")])
def test_an_invalid_party_gives_no_evse_ids(party: Party) -> None:
    assert evse_id(party, "CP-1", 1) is None


_OUTLETS = st.tuples(st.text("AB1-*_a", min_size=1, max_size=6), st.integers(1, 12))


@given(_OUTLETS, _OUTLETS)
def test_two_evses_never_share_an_evse_id(one: tuple[str, int], other: tuple[str, int]) -> None:
    if one != other and evse_id(PARTY, *one) is not None:
        assert evse_id(PARTY, *one) != evse_id(PARTY, *other)


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1970, 1, 2), max_value=datetime(2999, 1, 1)))  # noqa: DTZ001 # zones are drawn
def test_times_survive_the_wire_to_the_millisecond(moment: datetime) -> None:
    text = format_date_time(moment)
    assert len(text) <= 25
    assert text.endswith("Z")
    assert 0 <= (moment - parse_date_time(text)).total_seconds() < 0.001
    assert TypeAdapter(DateTime).validate_python(text) == parse_date_time(text)


@pytest.mark.parametrize("version", VERSIONS)
async def test_opening_times_are_shown_in_ocpis_words(fleet: Fleet, version: str) -> None:
    partner, edit = fleet
    (before,) = await partner.data(f"/{version}/locations")
    assert "opening_times" not in before
    closed = ExceptionalPeriod(datetime(2026, 12, 24, 23, tzinfo=UTC), datetime(2026, 12, 26, 23, tzinfo=UTC))
    week = (RegularHours(Weekday.MONDAY, 6 * 60, 22 * 60), RegularHours(Weekday.SUNDAY, 0, 24 * 60))
    for hours in (Hours(twentyfourseven=True), Hours(twentyfourseven=False, regular_hours=week, exceptional_closings=(closed,))):
        await depots.edit_depot(edit.backend, user(edit.tenant_id), uuid.UUID(before["id"]), opening_times=hours)
        (after,) = await partner.data(f"/{version}/locations", params={"date_from": before["last_updated"]})

    assert after["opening_times"] == {
        "twentyfourseven": False,
        "regular_hours": [
            {"weekday": 1, "period_begin": "06:00", "period_end": "22:00"},
            {"weekday": 7, "period_begin": "00:00", "period_end": "23:59"},
        ],
        "exceptional_closings": [{"period_begin": "2026-12-24T23:00:00Z", "period_end": "2026-12-26T23:00:00Z"}],
    }
    assert after["last_updated"] > before["last_updated"]


async def test_partners_are_told_that_the_evses_of_an_archived_depot_are_gone(fleet: Fleet) -> None:
    partner, edit = fleet
    (before,) = await partner.data("/2.2.1/locations")
    depot_id, who = uuid.UUID(before["id"]), user(edit.tenant_id)
    seen = [before]
    for change in (depots.archive_depot, depots.restore_depot):
        await change(edit.backend, who, depot_id)
        (location,) = await partner.data("/2.2.1/locations")
        seen.append(location)

    assert [{evse["status"] for evse in location["evses"]} for location in seen] == [{"UNKNOWN"}, {"REMOVED"}, {"UNKNOWN"}]
    for earlier, later in pairwise(seen):
        assert later["last_updated"] > earlier["last_updated"]
        for evse, then in zip(later["evses"], earlier["evses"], strict=True):
            assert evse["last_updated"] > then["last_updated"]
