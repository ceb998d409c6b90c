"""Depots: made, changed, archived and taken back; each change audited and told, each refusal without a trace."""

from base64 import b64encode
from dataclasses import replace
from decimal import Decimal

import pytest

from ampyard.domain.access import Role, Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.local_time import Weekday
from ampyard.domain.opening_hours import Hours, RegularHours
from ampyard.domain.paging import PageRequest
from ampyard.domain.supply import PowerNodeKind
from ampyard.domain.vehicles import VehicleKind
from ampyard.repositories.depots import Archived, DepotFilter, Depots
from ampyard.repositories.directory import Directory
from ampyard.repositories.unit_of_work import PLANNER_CHANNEL
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import power
from ampyard.services.backend import Backend
from ampyard.services.charge_point_setup import NewChargePoint, create_charge_point
from ampyard.services.depots import NewDepot, archive_depot, create_depot, edit_depot, restore_depot
from ampyard.services.imports.files import ImportFile
from ampyard.services.power_nodes import NewPowerNode, create_power_node
from ampyard.services.vehicle_import import import_vehicles
from ampyard.services.vehicles import NewVehicle, create_vehicle, move_vehicle
from tests.charging import charge, finish, station_of
from tests.days.charge_points import WALLBOX
from tests.fleet import user
from tests.grants import confined, group_of
from tests.services.supplied import HOUR, NOW, Site, new_site

NEW = NewDepot("South", "Europe/Madrid", "Calle 1", "28001", "Madrid", "ESP", 40.4, -3.7)
LIMITS = {"battery_kwh": 300.0, "max_ac_kw": 22.0, "max_dc_kw": 120.0}
WEEK = Hours(twentyfourseven=False, regular_hours=(RegularHours(Weekday.MONDAY, 6 * 60, 22 * 60),))


@pytest.fixture
async def site(backend: Backend) -> Site:
    return await new_site(backend)


async def test_a_depot_is_made_as_wanted_audited_and_told(site: Site) -> None:
    depot = await create_depot(site.backend, site.who, replace(NEW, opening_times=WEEK))

    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        assert await Depots(snapshot).by_id(depot.id) == depot
    assert (depot.name, depot.time_zone, depot.opening_times, depot.archived_at) == ("South", "Europe/Madrid", WEEK, None)
    (action, detail), *_ = await site.audited()
    assert action == "depot.create"
    assert detail["opening_times"] == {
        "twentyfourseven": False,
        "regular_hours": [[1, 360, 1320]],
        "exceptional_openings": [],
        "exceptional_closings": [],
    }
    assert ("depot.updated", depot.id) in await site.events()


async def test_all_that_is_wrong_is_told_at_once_and_nothing_is_kept(site: Site) -> None:
    before = await site.everything()
    wrong = replace(NEW, name="", time_zone="Madrid", country_code="ES", latitude=99.0)

    with pytest.raises(InvalidInputError) as refused:
        await create_depot(site.backend, site.who, wrong)

    told = [refused.value, *refused.value.others]
    assert [error.path for error in told] == [("input", "name"), ("input", "timeZone"), ("input", "countryCode"), ("input", "latitude")]
    assert str(told[1]) == "'Madrid' is no time zone; give its IANA name, such as Europe/Berlin."
    assert await site.everything() == before


async def test_a_name_is_given_once(site: Site) -> None:
    before = await site.everything()
    with pytest.raises(ConflictError, match="There is a depot 'Central' already, perhaps an archived one; give another name") as refused:
        await create_depot(site.backend, site.who, replace(NEW, name="Central"))
    assert refused.value.path == ("input", "name")
    assert await site.everything() == before


async def test_a_new_depot_is_in_no_group_so_a_grant_on_one_is_not_enough(site: Site) -> None:
    group = await group_of(site.backend, site.tenant_id, depot_id=site.depot_id)
    before = await site.everything()
    with pytest.raises(ForbiddenError, match="A new depot is in no resource group"):
        await create_depot(site.backend, confined(site.tenant_id, group, role=Role.ADMINISTRATOR), NEW)
    assert await site.everything() == before


async def test_a_change_moves_what_partners_go_by_and_leaves_the_rest(site: Site) -> None:
    before = await site.depot()
    later = site.at(NOW + HOUR)

    depot = await edit_depot(later.backend, site.who, site.depot_id, city="Potsdam", opening_times=WEEK)

    assert depot == await site.depot() == replace(before, city="Potsdam", opening_times=WEEK, updated_at=NOW + HOUR)
    cleared = await edit_depot(site.backend, site.who, site.depot_id, opening_times=None)
    assert cleared.opening_times is None


async def test_a_demand_charge_is_set_told_of_and_taken_back(site: Site) -> None:
    charged = await edit_depot(site.backend, site.who, site.depot_id, demand_charge_per_kw=Decimal("12.50"), billing_day=15)
    assert await site.depot() == charged
    assert (charged.demand_charge_per_kw, charged.billing_day) == (Decimal("12.50"), 15)
    assert ("depot.edit", {"demand_charge_per_kw": "12.50", "billing_day": 15}) in await site.audited()
    assert (await edit_depot(site.backend, site.who, site.depot_id, demand_charge_per_kw=None)).demand_charge_per_kw is None


async def test_a_change_that_changes_nothing_leaves_no_trace(site: Site) -> None:
    before = await site.everything()
    assert await edit_depot(site.at(NOW + HOUR).backend, site.who, site.depot_id, name="Central") == await site.depot()
    assert await site.everything() == before


async def test_another_time_zone_wakes_the_planner(site: Site) -> None:
    async with site.backend.database.listen(PLANNER_CHANNEL) as heard:
        await edit_depot(site.backend, site.who, site.depot_id, time_zone="Europe/London")
        assert await heard.get() == (PLANNER_CHANNEL, f"{site.tenant_id}:{site.depot_id}")


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"name": None}, ("input", "name")), ({"time_zone": "CEST"}, ("input", "timeZone")), ({"longitude": 200.0}, ("input", "longitude"))],
)
async def test_a_wrong_change_is_refused(site: Site, changes: dict[str, object], path: tuple[str, ...]) -> None:
    before = await site.everything()
    with pytest.raises(InvalidInputError) as refused:
        await edit_depot(site.backend, site.who, site.depot_id, **changes)
    assert refused.value.path == path
    assert await site.everything() == before


async def test_an_archived_depot_is_left_out_of_lists_unless_they_ask_for_it(site: Site) -> None:
    other = await create_depot(site.backend, site.who, NEW)

    archived = await archive_depot(site.backend, site.who, other.id)

    assert archived.archived_at == NOW
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        shown = {
            which: [d.name for d in (await Depots(snapshot).page(PageRequest(10, "NAME"), *DepotFilter(archived=which).conditions())).items]
            for which in Archived
        }
    assert shown == {Archived.EXCLUDED: ["Central"], Archived.INCLUDED: ["Central", "South"], Archived.ONLY: ["South"]}
    async with site.backend.database.system_snapshot() as system:
        planned = {depot.depot_id for depot in await Directory(system).depots() if depot.tenant_id == site.tenant_id}
    assert planned == {site.depot_id}
    # Again, it stays as it is; and it comes back.
    assert await archive_depot(site.at(NOW + HOUR).backend, site.who, other.id) == archived
    assert (await restore_depot(site.backend, site.who, other.id)).archived_at is None
    assert [action for action, _ in await site.audited()] == ["depot.create", "depot.archive", "depot.restore"]


async def test_a_depot_where_transactions_run_is_not_archived(site: Site) -> None:
    station = await station_of(site.backend, site.tenant_id)
    running = await charge(site.backend, station, (NOW, 0.0))
    before = await site.everything()

    with pytest.raises(ConflictError, match="1 transaction runs at Central; end them before it is archived"):
        await archive_depot(site.backend, site.who, site.depot_id)

    assert await site.everything() == before
    await finish(site.backend, station, running, (NOW, 10.0))
    assert (await archive_depot(site.backend, site.who, site.depot_id)).archived_at == NOW


async def test_an_archived_depot_is_not_planned_and_takes_in_nothing_new(site: Site) -> None:
    feeder = await site.node("Feeder 1")
    await archive_depot(site.backend, site.who, site.depot_id)
    before, told = await site.everything(), await site.events()

    await power.tick(site.backend, site.tenant_id, site.depot_id)
    with pytest.raises(ConflictError, match="Central is archived and takes in nothing new; restore it first"):
        await create_power_node(site.backend, site.who, NewPowerNode(site.depot_id, feeder.id, PowerNodeKind.PANEL, "Panel", 10.0))
    with pytest.raises(ConflictError, match="Central is archived and takes in nothing new"):
        await create_vehicle(
            site.backend, site.who, NewVehicle("Bus 9", site.depot_id, "WAMPYARD000000099", "B-AY 9", VehicleKind.BUS, own=LIMITS)
        )
    with pytest.raises(ConflictError, match="Central is archived and takes in nothing new"):
        await create_charge_point(site.backend, site.who, NewChargePoint(feeder.id, "CP-NEW", None, (WALLBOX,)))

    assert await site.everything() == before
    assert await site.events() == told


@pytest.mark.parametrize("change", [edit_depot, archive_depot, restore_depot])
async def test_who_may_not_is_told_so_and_a_stranger_finds_nothing(site: Site, change: object) -> None:
    before = await site.everything()
    elsewhere = await group_of(site.backend, site.tenant_id, name="Empty")
    await site.everything()
    with pytest.raises(ForbiddenError):
        await change(site.backend, user(site.tenant_id, Scope.FLEET_READ), site.depot_id)  # type: ignore[operator]  # one of the three
    with pytest.raises(NotFoundError, match="There is no such depot"):
        await change(site.backend, confined(site.tenant_id, elsewhere, role=Role.ADMINISTRATOR), site.depot_id)  # type: ignore[operator]
    with pytest.raises(NotFoundError, match="There is no such depot"):
        await change(site.backend, site.who, new_id())  # type: ignore[operator]
    assert (await site.everything())["depot"] == before["depot"]
    assert await site.audited() == []


async def test_no_vehicle_moves_to_an_archived_depot(site: Site) -> None:
    other = await create_depot(site.backend, site.who, NEW)
    await archive_depot(site.backend, site.who, other.id)
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        vehicle = (await Vehicles(snapshot).where())[0]
    before = await site.everything()
    with pytest.raises(ConflictError, match="South is archived and takes in nothing new; restore it first") as refused:
        await move_vehicle(site.backend, site.who, vehicle.id, other.id)
    assert refused.value.path == ("input", "depotId")
    assert await site.everything() == before


async def test_an_import_is_told_by_line_that_a_depot_is_archived(site: Site) -> None:
    await archive_depot(site.backend, site.who, site.depot_id)
    before = await site.everything()
    lines = "vin,name,depot,kind\nWAMPYARD000000001,Bus 1,Central,BUS\nWAMPYARD000000099,Bus 9,Central,BUS\n"

    report = await import_vehicles(site.backend, site.who, ImportFile("v.csv", b64encode(lines.encode()).decode()), dry_run=False)

    # Who is at home there stays.
    ((line, column, message),) = [(error.line, error.column, error.message) for error in report.errors]
    assert (line, column) == (3, "depot")
    assert message == "Central is archived and takes in nothing new; give the name of another depot."
    assert (report.created, report.updated) == (0, 0)
    assert await site.everything() == before
