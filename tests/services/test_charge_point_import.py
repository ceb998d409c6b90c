"""Charge points from a file: every bad line with its number, its column and what would be right; all of them or none."""

import base64
import io
import uuid
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest

from ampyard.domain.access import Role, Scope
from ampyard.domain.charge_points import ChargePoint, Connector, Evse
from ampyard.domain.errors import ForbiddenError
from ampyard.domain.imports import ImportReport, LineError
from ampyard.domain.life_cycle import ChargePointState
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.repository import Repository
from ampyard.services import charge_points, transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_point_import import import_charge_points
from ampyard.services.imports import ImportFile
from ampyard.services.transactions import Report
from tests.busy import T0
from tests.fleet import new_fleet, user
from tests.grants import confined, group_of
from tests.services.stations import online

HEAD = "identity,depot,power node,current type,max power kW,fall-back kW,standard"
MORE = f"{HEAD},EVSE,connector,name,vendor,password,phases"
AC = "AC,22,4.14,IEC_62196_T2"


class Importing:
    """A fleet of its own, and files for it."""

    def __init__(self, backend: Backend, tenant_id: uuid.UUID) -> None:
        self.backend = backend
        self.tenant_id = tenant_id

    async def run(self, *lines: str, dry_run: bool = False, principal: Any = None) -> ImportReport:
        content = base64.b64encode("\n".join(lines).encode()).decode()
        return await import_charge_points(
            self.backend, principal or user(self.tenant_id), ImportFile("points.csv", content), dry_run=dry_run
        )

    async def all(self, repository: type[Repository[Any]]) -> Sequence[Any]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return await repository(snapshot).where(order_by=[repository.table.c.id])

    async def point(self, identity: str) -> tuple[ChargePoint, list[Evse], list[Connector]]:
        point = next(cp for cp in await self.all(ChargePoints) if cp.identity == identity)
        evses = sorted((e for e in await self.all(Evses) if e.charge_point_id == point.id), key=lambda e: e.evse_no)
        ids = [evse.id for evse in evses]
        connectors = [c for c in await self.all(Connectors) if c.evse_id in ids]
        return point, evses, sorted(connectors, key=lambda c: (ids.index(c.evse_id), c.connector_no))

    async def state(self) -> list[Any]:
        return [await self.all(repository) for repository in (ChargePoints, Evses, Connectors)]


@pytest.fixture
async def fleet(backend: Backend) -> Importing:
    seeded = await new_fleet(backend, password=f"pw-{uuid.uuid4()}")
    return Importing(backend, seeded.tenant_id)


def errors(report: ImportReport) -> list[tuple[int, str | None]]:
    return [(error.line, error.column) for error in report.errors]


async def test_a_file_makes_charge_points_with_what_is_taken_for_granted(fleet: Importing) -> None:
    identity, password = f"NEW-{uuid.uuid4().hex[:8]}", "a-password-of-20-chr"
    report = await fleet.run(
        MORE,
        f"{identity},Central,Feeder 1,{AC},2,1,,,,1",
        f"{identity},Central,Feeder 1,DC,150,10,IEC_62196_T2_COMBO,1,2,Bay 9,Alpina,{password},",
        f"{identity},Central,Feeder 1,DC,150,10,CHADEMO,1,1,,,,",
        f"NEW-2,Central,Grid,{AC},,,,,,",
    )

    assert report == ImportReport(dry_run=False, lines=4, created=2, updated=0, errors=())
    point, evses, connectors = await fleet.point(identity)
    assert (point.name, point.vendor, point.state) == ("Bay 9", "Alpina", ChargePointState.PLANNED)
    assert [(e.evse_no, e.current_type, e.min_power_kw, e.phases, e.fallback_kw) for e in evses] == [
        (1, "DC", 5.0, 3, 10.0),
        (2, "AC", 1.38, 1, 4.14),
    ]
    assert [(c.connector_no, c.standard, c.format, c.power_type, c.max_voltage_v, c.max_amperage_a) for c in connectors] == [
        (1, "CHADEMO", "CABLE", "DC", 920, 375),
        (2, "IEC_62196_T2_COMBO", "CABLE", "DC", 920, 375),
        (1, "IEC_62196_T2", "SOCKET", "AC_1_PHASE", 230, 96),
    ]
    assert (await fleet.point("NEW-2"))[0].name == "NEW-2"
    login = await charge_points.log_in(fleet.backend, identity, password)
    assert login is not None
    assert login.charge_point_id == point.id


async def test_a_workbook_is_read_alike(fleet: Importing) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(HEAD.split(","))
    sheet.append(["NEW-1", "Central", "Feeder 1", "ac", 22, 4.14, "iec 62196 t2"])
    stored = io.BytesIO()
    workbook.save(stored)
    file = ImportFile("points.xlsx", base64.b64encode(stored.getvalue()).decode())
    report = await import_charge_points(fleet.backend, user(fleet.tenant_id), file, dry_run=False)
    assert (report.created, report.errors) == (1, ())
    assert [e.max_power_kw for e in (await fleet.point("NEW-1"))[1]] == [22.0]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_every_bad_line_is_told_and_nothing_taken(fleet: Importing, *, dry_run: bool) -> None:
    before = await fleet.state()
    report = await fleet.run(
        MORE,
        f"NEW-1,Central,Feeder 1,{AC},1,1,,,,",  # sound
        f"bad:id,Central,Feeder 1,{AC},1,1,,,short,",  # 3
        f"NEW-2,Nowhere,Feeder 1,{AC},1,1,,,,",  # 4
        f"NEW-3,Central,Feeder 9,{AC},1,1,,,,",  # 5
        "NEW-4,Central,Feeder 1,AC,22,23,IEC_62196_T2,1,1,,,,",  # 6: more fall-back than it can deliver
        f"NEW-5,Central,Feeder 1,{AC},1,1,One,,,",
        f"NEW-5,Central,Feeder 2,{AC},1,1,Two,,,",  # 8: another node and name, and the same place
        "NEW-6,Central,Feeder 1,AC,much,4.14,IEC_62196_T2,1,1,,,,",  # 9
        f"CP-1,Central,Feeder 1,{AC},1,1,,,a-password-of-20-chr,",  # 10: a known one has a password
        dry_run=dry_run,
    )

    assert (report.dry_run, report.lines, report.created, report.updated) == (dry_run, 9, 0, 0)
    assert errors(report) == [
        (3, "identity"),
        (3, "password"),
        (4, "depot"),
        (5, "power node"),
        (6, "fall-back kW"),
        (8, "name"),
        (8, "power node"),
        (8, "connector"),
        (9, "max power kW"),
    ]
    by_place = {(error.line, error.column): error.message for error in report.errors}
    assert by_place[4, "depot"] == "There is no depot 'Nowhere' that you may put charge points into; give the name of one."
    assert by_place[5, "power node"] == "Central has no power node 'Feeder 9'; known: Feeder 1, Feeder 2, Grid."
    assert by_place[6, "fall-back kW"] == "23 kW is out of range; give 0 to maxPowerKw, which is 22."
    assert by_place[8, "name"] == "Line 7 says One of the same one; say it once, or alike."
    assert by_place[8, "connector"] == "Connector 1 of EVSE 1 is in line 7 already; give each its own number."
    assert await fleet.state() == before


async def test_a_known_one_needs_no_password_from_a_file(fleet: Importing) -> None:
    report = await fleet.run(MORE, f"CP-1,Central,Feeder 1,{AC},1,1,,,a-password-of-20-chr,", dry_run=True)
    assert report.errors == (LineError(2, "password", "CP-1 has a password; set a new one by itself, not by an import."),)


async def test_those_that_are_known_are_changed(fleet: Importing) -> None:
    before = (await fleet.point("CP-1"))[1][0]
    report = await fleet.run(MORE, f"CP-1,Central,Feeder 2,{AC.replace('22', '11')},1,1,Bay 1,,,", f"NEW-1,Central,Grid,{AC},,,,,,")
    assert (report.created, report.updated, report.errors) == (1, 1, ())
    point, (evse,), _ = await fleet.point("CP-1")
    assert (point.name, point.state, evse.id, evse.max_power_kw) == ("Bay 1", ChargePointState.IN_SERVICE, before.id, 11.0)


async def test_a_dry_run_finds_what_only_the_whole_shows(fleet: Importing) -> None:
    await transactions.start(
        fleet.backend, (await online(fleet.backend, fleet.tenant_id))["CP-4"], Report(at=T0, evse_no=2, ocpp_transaction_id="tx-1")
    )
    before = await fleet.state()
    # EVSE 2 of CP-4 is gone from the file, and it has a transaction
    report = await fleet.run(HEAD, "CP-4,Central,Feeder 2,DC,150,10,IEC_62196_T2_COMBO", dry_run=True)
    assert [(e.line, e.column, e.message) for e in report.errors] == [
        (2, "identity", "EVSE 2 of CP-4 has transactions and cannot be removed.")
    ]
    # each would fit by itself
    lines = [f"NEW-{n},Central,Feeder 1,DC,150,50,IEC_62196_T2_COMBO" for n in range(3)]
    report = await fleet.run(HEAD, *lines, dry_run=True)
    assert errors(report) == [(2, "fall-back kW")]
    assert "below Feeder 1 add up to 164.14 kW, but it can supply 150 kW" in report.errors[0].message
    assert await fleet.state() == before
    assert await fleet.run(HEAD, *lines[:2], dry_run=True) == ImportReport(dry_run=True, lines=2, created=2, updated=0, errors=())
    assert await fleet.state() == before


async def test_who_may_and_where(fleet: Importing) -> None:
    line = f"NEW-1,Central,Feeder 1,{AC}"
    with pytest.raises(ForbiddenError):
        await fleet.run(HEAD, line, principal=user(fleet.tenant_id, Scope.FLEET_READ))
    nowhere = confined(fleet.tenant_id, await group_of(fleet.backend, fleet.tenant_id), role=Role.INSTALLER)
    assert errors(await fleet.run(HEAD, line, principal=nowhere)) == [(2, "depot")]
