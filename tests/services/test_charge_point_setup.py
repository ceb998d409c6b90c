"""Charge points as people set them up: every fault with its place, all or nothing, and never more fall-back than the supply has."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from ampyard.domain.access import Role, Scope
from ampyard.domain.charge_points import ChargePoint, ConnectorStatus, CurrentType, Evse
from ampyard.domain.commands import CommandKind
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.layouts import ConnectorFormat, ConnectorLayout, ConnectorStandard, EvseLayout, PowerType
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.supply import PowerNode
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.commands import Commands
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.repository import Repository
from ampyard.repositories.tables import metadata
from ampyard.services import charge_point_setup, charge_points, life_cycle, templates, transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_point_setup import NewChargePoint, Patch
from ampyard.services.charge_points import Station
from ampyard.services.templates import FromTemplate, NewTemplate
from ampyard.services.transactions import Report
from tests.busy import T0
from tests.fleet import new_fleet, user
from tests.grants import confined, group_of
from tests.services.stations import online

PLUG = ConnectorLayout(1, ConnectorStandard.IEC_62196_T2, ConnectorFormat.SOCKET, PowerType.AC_3_PHASE, 230, 32)
WALLBOX = EvseLayout(1, CurrentType.AC, 22.0, 4.14, 3, 4.14, (PLUG,))
PASSWORD = "a-password-of-20-chr"

E = TypeVar("E")


class Yard:
    """A fleet of its own: a grid of 200 kW with two feeders of 150 kW; 14.14 and 24.14 kW of fall-backs hang on them."""

    def __init__(self, backend: Backend, tenant_id: uuid.UUID, stations: dict[str, Station]) -> None:
        self.backend = backend
        self.tenant_id = tenant_id
        self.stations = stations
        self.user = user(tenant_id)

    async def all(self, repository: type[Repository[E]]) -> Sequence[E]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return await repository(snapshot).where(order_by=[repository.table.c.id])

    async def point(self, identity: str) -> ChargePoint:
        return next(cp for cp in await self.all(ChargePoints) if cp.identity == identity)

    async def evses(self, identity: str) -> list[Evse]:
        point = await self.point(identity)
        return sorted((e for e in await self.all(Evses) if e.charge_point_id == point.id), key=lambda e: e.evse_no)

    async def node(self, name: str) -> PowerNode:
        return next(node for node in await self.all(PowerNodes) if node.name == name)

    async def counts(self) -> dict[str, int]:
        """Return how many rows each table has: what a refusal must leave as it was."""
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return {table.name: len(await snapshot.fetch(table.select())) for table in metadata.sorted_tables}


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    seeded = await new_fleet(backend, password=f"pw-{uuid.uuid4()}")
    return Yard(backend, seeded.tenant_id, await online(backend, seeded.tenant_id))


async def wanted(yard: Yard, **changes: Any) -> NewChargePoint:
    feeder = await yard.node("Feeder 1")
    return replace(NewChargePoint(feeder.id, f"NEW-{uuid.uuid4().hex[:8]}", None, (WALLBOX,), "Alpina", "AC22", PASSWORD), **changes)


def told(error: DomainError) -> list[tuple[str, str]]:
    """Return path and message of each fault of a refusal."""
    return [(".".join(one.path), str(one)) for one in [error, *(error.others if isinstance(error, InvalidInputError) else ())]]


async def test_a_charge_point_is_planned_with_all_that_belongs_to_it_and_may_log_in(yard: Yard) -> None:
    two = (WALLBOX, replace(WALLBOX, number=2, connectors=(PLUG, replace(PLUG, number=2, format=ConnectorFormat.CABLE))))
    new = await wanted(yard, name=" Bay 7 ", evses=two)

    made = await charge_point_setup.create_charge_point(yard.backend, yard.user, new)

    stored = await yard.point(new.identity)
    assert made == stored
    assert (made.state, made.name, made.vendor, made.model, made.connected) == (ChargePointState.PLANNED, "Bay 7", "Alpina", "AC22", False)
    assert made.depot_id == (await yard.node("Feeder 1")).depot_id
    evses = await yard.evses(new.identity)
    assert [(e.evse_no, e.max_power_kw, e.fallback_kw, e.status) for e in evses] == [
        (n, 22.0, 4.14, ConnectorStatus.UNKNOWN) for n in (1, 2)
    ]
    connectors = [c for c in await yard.all(Connectors) if c.evse_id in {e.id for e in evses}]
    assert sorted((c.connector_no, c.format) for c in connectors) == [(1, "SOCKET"), (1, "SOCKET"), (2, "CABLE")]
    login = await charge_points.log_in(yard.backend, new.identity, PASSWORD)
    assert login is not None
    assert login.charge_point_id == made.id


async def test_everything_wrong_is_told_at_once_and_nothing_made(yard: Yard) -> None:
    bad = replace(WALLBOX, max_power_kw=0.0, connectors=(replace(PLUG, power_type=PowerType.DC),))
    new = await wanted(yard, identity="CP:1", name="x" * 101, model="m" * 21, password="short", evses=(bad,))
    before = await yard.counts()

    with pytest.raises(InvalidInputError) as refused:
        await charge_point_setup.create_charge_point(yard.backend, yard.user, new)

    assert [path for path, _ in told(refused.value)] == [
        "input.identity",
        "input.name",
        "input.model",
        "input.password",
        "input.evses.0.maxPowerKw",
        "input.evses.0.minPowerKw",
        "input.evses.0.fallbackKw",
        "input.evses.0.connectors.0.powerType",
    ]
    assert "short" not in str(told(refused.value))
    assert await yard.counts() == before


async def test_an_identity_is_given_once_even_after_its_bearer_has_retired(yard: Yard) -> None:
    point = await yard.point("CP-1")
    for state in (ChargePointState.OUT_OF_SERVICE, ChargePointState.RETIRED):
        await life_cycle.change_states(yard.backend, yard.user, [point.id], state, reason="Scrapped.")
    with pytest.raises(InvalidInputError, match="There is a charge point CP-1 already, in use or retired"):
        await charge_point_setup.create_charge_point(yard.backend, yard.user, await wanted(yard, identity="CP-1"))
    with pytest.raises(ConflictError, match="CP-1 is retired; nothing of it changes any more"):
        await charge_point_setup.edit_charge_point(yard.backend, yard.user, point.id, name="again")


async def test_fallbacks_that_do_not_fit_are_refused_at_configuration_time(yard: Yard) -> None:
    before = await yard.counts()
    # Feeder 1 supplies 150 kW, of which 14.14 kW are taken.
    big = replace(WALLBOX, max_power_kw=150.0, fallback_kw=135.87, connectors=(replace(WALLBOX.connectors[0], max_amperage_a=250),))
    with pytest.raises(InvalidInputError, match=r"below Feeder 1 add up to 150\.01 kW, but it can supply 150 kW"):
        await charge_point_setup.create_charge_point(yard.backend, yard.user, await wanted(yard, evses=(big,)))
    point = await yard.point("CP-1")
    with pytest.raises(InvalidInputError, match="Lower the fall-backs or raise the limit"):
        await charge_point_setup.edit_charge_point(yard.backend, yard.user, point.id, evses=(replace(big, fallback_kw=141.0),))
    assert await yard.counts() == before
    # what a retired one might have drawn is free again
    await charge_point_setup.create_charge_point(yard.backend, yard.user, await wanted(yard, evses=(replace(big, fallback_kw=135.86),)))


async def test_the_supply_counts_beyond_what_a_grant_reaches(yard: Yard) -> None:
    point = await yard.point("CP-1")
    group = await group_of(yard.backend, yard.tenant_id, charge_point_id=point.id)
    installer = confined(yard.tenant_id, group, role=Role.INSTALLER)
    # Of CP-2, whose 10 kW hang on the same feeder, an installer of CP-1 sees nothing.
    thick = replace(WALLBOX.connectors[0], max_amperage_a=250)
    evses = (replace(WALLBOX, max_power_kw=150.0, fallback_kw=141.0, connectors=(thick,)),)
    with pytest.raises(InvalidInputError, match="Feeder 1 add up to 151 kW"):
        await charge_point_setup.edit_charge_point(yard.backend, installer, point.id, evses=evses)


async def test_an_edit_changes_what_is_named_and_orders_new_fallbacks(yard: Yard) -> None:
    point, (evse,) = await yard.point("CP-1"), await yard.evses("CP-1")
    second = replace(WALLBOX, number=2, fallback_kw=1.0)
    changed = await charge_point_setup.edit_charge_point(
        yard.backend, yard.user, point.id, name="Bay 1", vendor=None, evses=(replace(WALLBOX, max_power_kw=11.0, fallback_kw=3.0), second)
    )

    assert (changed.name, changed.vendor, changed.identity) == ("Bay 1", None, "CP-1")
    evses = await yard.evses("CP-1")
    assert [(e.evse_no, e.max_power_kw, e.fallback_kw) for e in evses] == [(1, 11.0, 3.0), (2, 22.0, 1.0)]
    assert evses[0].id == evse.id
    given = [c.payload for c in await yard.all(Commands) if c.kind is CommandKind.SET_DEFAULT_LIMIT and c.charge_point_id == point.id]
    # the first as it came online; in A on each phase, rounded down
    assert [(it["evse_no"], it["profile"]["periods"]) for it in given] == [(1, [[0, 6.0]]), (1, [[0, 4.3]]), (2, [[0, 1.4]])]

    # an EVSE that has no transactions goes; one with transactions stays
    await charge_point_setup.edit_charge_point(yard.backend, yard.user, point.id, evses=(WALLBOX,))
    assert [e.evse_no for e in await yard.evses("CP-1")] == [1]
    await transactions.start(yard.backend, yard.stations["CP-1"], Report(at=T0, evse_no=1, id_tag="TAG-1", register_wh=0.0))
    with pytest.raises(ConflictError, match="EVSE 1 of CP-1 has transactions and cannot be removed"):
        await charge_point_setup.edit_charge_point(yard.backend, yard.user, point.id, evses=(second,))


async def test_an_identity_changes_only_while_it_is_offline(yard: Yard) -> None:
    point = await yard.point("CP-1")
    with pytest.raises(ConflictError, match="CP-1 is online; its identity is its address"):
        await charge_point_setup.edit_charge_point(yard.backend, yard.user, point.id, identity="CP-9")
    await charge_points.disconnected(yard.backend, yard.stations["CP-1"])
    with pytest.raises(InvalidInputError, match="There is a charge point CP-2 already"):
        await charge_point_setup.edit_charge_point(yard.backend, yard.user, point.id, identity="CP-2")
    with pytest.raises(InvalidInputError, match="It cannot be empty"):
        await charge_point_setup.edit_charge_point(yard.backend, yard.user, point.id, name=None)
    assert (await charge_point_setup.edit_charge_point(yard.backend, yard.user, point.id, identity="CP-9")).identity == "CP-9"


async def test_an_archived_depot_takes_in_nothing_new(yard: Yard) -> None:
    node = await yard.node("Feeder 1")
    async with yard.backend.unit_of_work(yard.user) as work:
        depot = await work.require(Depots, node.depot_id, "depot")
        await work.change(Depots, depot.id, archived_at=work.now)
        await work.commit()
    with pytest.raises(ConflictError, match="Central is archived and takes in nothing new") as refused:
        await charge_point_setup.create_charge_point(yard.backend, yard.user, await wanted(yard))
    assert refused.value.path == ("input", "powerNodeId")


async def test_many_are_edited_alike_or_none(yard: Yard) -> None:
    ids = [(await yard.point(identity)).id for identity in ("CP-2", "CP-1", "CP-4")]
    patch = Patch(model="X1", fallback_kw=2.0)
    changed = await charge_point_setup.edit_charge_points(yard.backend, yard.user, ids, patch)
    assert [(cp.identity, cp.model) for cp in changed] == [("CP-2", "X1"), ("CP-1", "X1"), ("CP-4", "X1")]
    assert [e.fallback_kw for identity in ("CP-1", "CP-2", "CP-3", "CP-4") for e in await yard.evses(identity)] == [
        2.0,
        2.0,
        4.14,
        2.0,
        2.0,
    ]

    # 22 kW are the most that CP-1 can deliver
    before = await yard.counts()
    with pytest.raises(InvalidInputError) as refused:
        await charge_point_setup.edit_charge_points(yard.backend, yard.user, ids, Patch(vendor="v" * 51, fallback_kw=30.0))
    assert [path for path, _ in told(refused.value)] == ["input.patch.vendor", "input.chargePointIds.1"]
    assert told(refused.value)[1][1] == "CP-1: 30 kW is out of range; give 0 to maxPowerKw, which is 22."
    assert await yard.counts() == before


@pytest.mark.parametrize(
    ("ids", "patch", "error", "path"),
    [
        ([], Patch(model="X1"), InvalidInputError, "input.chargePointIds"),
        (["CP-1", "CP-1"], Patch(model="X1"), InvalidInputError, "input.chargePointIds"),
        (["CP-1"], Patch(), InvalidInputError, "input.patch"),
        (["CP-1", None], Patch(model="X1"), NotFoundError, "input.chargePointIds.1"),
        (["CP-1"], Patch(power_node_id=uuid.uuid4()), NotFoundError, "input.powerNodeId"),
    ],
)
async def test_a_bulk_edit_says_what_it_cannot_do(
    yard: Yard, ids: list[str | None], patch: Patch, error: type[DomainError], path: str
) -> None:
    chosen = [uuid.uuid4() if identity is None else (await yard.point(identity)).id for identity in ids]
    with pytest.raises(error) as refused:
        await charge_point_setup.edit_charge_points(yard.backend, yard.user, chosen, patch)
    assert ".".join(refused.value.path) == path


async def test_a_password_is_set_and_kept_as_a_hash_alone(yard: Yard) -> None:
    point = await yard.point("CP-1")
    _, made = await charge_point_setup.set_password(yard.backend, yard.user, point.id, None)
    assert len(made) == 20
    assert made.isalnum()
    login = await charge_points.log_in(yard.backend, "CP-1", made)
    assert login is not None
    assert login.charge_point_id == point.id
    _, own = await charge_point_setup.set_password(yard.backend, yard.user, point.id, PASSWORD + uuid.uuid4().hex[:8])
    assert await charge_points.log_in(yard.backend, "CP-1", made) is None
    assert own not in str(await yard.counts())
    # the open socket stays
    assert (await yard.point("CP-1")).connected
    for bad in ("short", "x" * 41, "with spaces in it 123", "with-ünicode-in-it-123"):
        with pytest.raises(InvalidInputError, match="give 16 to 40 printable ASCII ones") as refused:
            await charge_point_setup.set_password(yard.backend, yard.user, point.id, bad)
        assert bad not in str(refused.value)


async def test_who_may(yard: Yard) -> None:
    point = await yard.point("CP-1")
    reader = user(yard.tenant_id, Scope.FLEET_READ, Scope.CHARGE_POINTS_CONTROL)
    new = await wanted(yard)
    for refused in (
        charge_point_setup.create_charge_point(yard.backend, reader, new),
        charge_point_setup.edit_charge_point(yard.backend, reader, point.id, name="x"),
        charge_point_setup.edit_charge_points(yard.backend, reader, [point.id], Patch(model="x")),
        charge_point_setup.set_password(yard.backend, reader, point.id, None),
        templates.create_template(yard.backend, reader, NewTemplate("T", None, None, (WALLBOX,))),
    ):
        with pytest.raises(ForbiddenError):
            await refused


async def test_templates_are_the_whole_tenants(yard: Yard) -> None:
    group = await group_of(yard.backend, yard.tenant_id, depot_id=(await yard.node("Grid")).depot_id)
    installer = confined(yard.tenant_id, group, role=Role.INSTALLER)
    with pytest.raises(ForbiddenError, match="charge_points:write for the whole tenant"):
        await templates.create_template(yard.backend, installer, NewTemplate("T", None, None, (WALLBOX,)))


async def test_charge_points_are_made_from_a_template_and_do_not_follow_it(yard: Yard) -> None:
    template = await templates.create_template(yard.backend, yard.user, NewTemplate(" Wallbox ", "Alpina", "AC22", (WALLBOX,)))
    assert template.name == "Wallbox"
    with pytest.raises(InvalidInputError, match="There is a template 'Wallbox' already"):
        await templates.create_template(yard.backend, yard.user, NewTemplate("Wallbox", None, None, (WALLBOX,)))
    node = await yard.node("Feeder 2")
    made = await templates.create_from_template(
        yard.backend, yard.user, template.id, node.id, [FromTemplate("T-1"), FromTemplate("T-2", "Bay 2", PASSWORD)]
    )
    assert [(cp.identity, cp.name, cp.vendor, cp.model) for cp in made] == [
        ("T-1", "T-1", "Alpina", "AC22"),
        ("T-2", "Bay 2", "Alpina", "AC22"),
    ]

    edited = await templates.edit_template(yard.backend, yard.user, template.id, vendor=None, evses=(replace(WALLBOX, fallback_kw=0.0),))
    assert (edited.vendor, edited.model, edited.evses[0].fallback_kw) == (None, "AC22", 0.0)
    assert [e.fallback_kw for e in await yard.evses("T-1")] == [4.14]
    await templates.delete_template(yard.backend, yard.user, template.id)
    with pytest.raises(NotFoundError, match="There is no such charge point template"):
        await templates.create_from_template(yard.backend, yard.user, template.id, node.id, [FromTemplate("T-3")])


async def test_what_is_wrong_with_one_from_a_template_is_told_with_its_place(yard: Yard) -> None:
    template = await templates.create_template(yard.backend, yard.user, NewTemplate("Wallbox", None, None, (WALLBOX,)))
    node, before = await yard.node("Feeder 2"), await yard.counts()
    ones = [FromTemplate("T-1"), FromTemplate("CP-1"), FromTemplate("T-3", password="short"), FromTemplate("T-1")]
    with pytest.raises(InvalidInputError) as refused:
        await templates.create_from_template(yard.backend, yard.user, template.id, node.id, ones)
    assert [path for path, _ in told(refused.value)] == [
        "input.chargePoints.0.identity",
        "input.chargePoints.1.identity",
        "input.chargePoints.2.password",
        "input.chargePoints.3.identity",
    ]
    assert await yard.counts() == before
