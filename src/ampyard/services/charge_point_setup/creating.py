"""Drawing charge points in: one, or many at once."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import ChargePoint, ConnectorStatus
from ampyard.domain.errors import InvalidInputError, NotFoundError, Problems
from ampyard.domain.ids import new_id
from ampyard.domain.layouts import EvseLayout, layout_flaws
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.supply import PowerNode
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services import evse_layouts
from ampyard.services.backend import Backend
from ampyard.services.charge_point_setup.checks import INPUT, MOST_AT_ONCE, check_texts, password_flaw, settle
from ampyard.services.charge_points import publish_change
from ampyard.services.depots import require_open_depot
from ampyard.services.secrets import hash_password


@dataclass(frozen=True, slots=True)
class NewChargePoint:
    """A charge point to be created, PLANNED. Vendor and model are what is expected: its first boot says what is there."""

    power_node_id: uuid.UUID
    identity: str
    name: str | None
    evses: tuple[EvseLayout, ...]
    vendor: str | None = None
    model: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A charge point to be created, and where in the request it is described."""

    wanted: NewChargePoint
    path: tuple[str, ...]
    # Where its layout is described, if not below `path`.
    layout_path: tuple[str, ...]


async def create_charge_point(backend: Backend, principal: Principal, wanted: NewChargePoint) -> ChargePoint:
    """Create a charge point; raises as `add_charge_points`."""
    placed = Placed(wanted, INPUT, (*INPUT, "evses"))
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        (charge_point,) = await add_charge_points(work, [placed])
        work.answers(charge_point=charge_point)
        await work.commit()
    return charge_point


async def add_charge_points(work: UnitOfWork, wanted: Sequence[Placed]) -> list[ChargePoint]:
    """Add charge points with their EVSEs and connectors; the planner is woken for their depots.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`.
        NotFoundError: there is no such power node.
        InvalidInputError: all that is wrong with any of them: identity, name, password, layout, identities that are given already; or
            fall-backs that do not fit the supply.
        ConflictError: a depot is archived.
    """
    work.principal.require(Scope.CHARGE_POINTS_WRITE)
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise InvalidInputError(f"{len(wanted)} charge points are given; give 1 to {MOST_AT_ONCE} at once.", path=INPUT)
    nodes = await PowerNodes(work.session).by_ids({placed.wanted.power_node_id for placed in wanted})
    for placed in wanted:
        if placed.wanted.power_node_id not in nodes:
            raise NotFoundError("There is no such power node.", (*placed.path, "powerNodeId"))
    for depot_id in sorted({node.depot_id for node in nodes.values()}):
        await require_open_depot(work, depot_id, (*wanted[0].path, "powerNodeId"))
    (await flaws_of(work, wanted)).raise_any()
    created = await write_new(work, wanted, nodes)
    await settle(work, {charge_point.depot_id for charge_point in created}, wanted[0].path)
    return created


async def flaws_of(work: UnitOfWork, wanted: Sequence[Placed]) -> Problems:
    """Return all that is wrong with charge points to be created, but for their power nodes and what those can supply."""
    problems = Problems()
    taken = await ChargePoints(work.session).identities([placed.wanted.identity for placed in wanted])
    given = Counter(placed.wanted.identity for placed in wanted)
    for placed in wanted:
        _check(problems, placed)
        _check_identity(problems, placed, taken, given)
    return problems


async def write_new(work: UnitOfWork, wanted: Sequence[Placed], nodes: Mapping[uuid.UUID, PowerNode]) -> list[ChargePoint]:
    """Write charge points that nothing is wrong with; what `nodes` can supply is looked at afterwards."""
    hashes = await _hashes([placed.wanted.password for placed in wanted])
    created = [_charge_point(work, placed.wanted, nodes[placed.wanted.power_node_id]) for placed in wanted]
    for charge_point, placed, password_hash in zip(created, wanted, hashes, strict=True):
        await work.add(ChargePoints, charge_point, password_hash=password_hash)
        await evse_layouts.add(work, charge_point.id, placed.wanted.evses)
        await work.audit("charge_point.create", "charge_point", charge_point.id, identity=charge_point.identity)
        publish_change(work, charge_point)
    return created


def _check(problems: Problems, placed: Placed) -> None:
    wanted, path = placed.wanted, placed.path
    check_texts(problems, path, identity=wanted.identity, name=wanted.name, vendor=wanted.vendor, model=wanted.model)
    flaw = password_flaw(wanted.password) if wanted.password is not None else None
    if flaw is not None:
        problems.add(flaw, *path, "password")
    for below, text in layout_flaws(wanted.evses):
        problems.add(text, *placed.layout_path, *below)


def _check_identity(problems: Problems, placed: Placed, taken: AbstractSet[str], given: Counter[str]) -> None:
    identity, where = placed.wanted.identity, (*placed.path, "identity")
    if identity in taken:
        problems.add(f"There is a charge point {identity} already, in use or retired; give another identity.", *where)
    elif given[identity] > 1:
        problems.add(f"{identity} is given {given[identity]} times; every charge point needs its own.", *where)


async def _hashes(passwords: Sequence[str | None]) -> list[str | None]:
    """Return the hashes of passwords; the work is done beside the event loop."""
    return await asyncio.to_thread(lambda: [None if password is None else hash_password(password) for password in passwords])


def _charge_point(work: UnitOfWork, wanted: NewChargePoint, node: PowerNode) -> ChargePoint:
    return ChargePoint(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=node.depot_id,
        power_node_id=node.id,
        identity=wanted.identity,
        name=(wanted.name or wanted.identity).strip(),
        state=ChargePointState.PLANNED,
        state_at=work.now,
        state_reason=None,
        status=ConnectorStatus.UNKNOWN,
        ocpp_version=None,
        vendor=wanted.vendor,
        model=wanted.model,
        serial_number=None,
        firmware_version=None,
        iccid=None,
        imsi=None,
        meter_type=None,
        meter_serial_number=None,
        connected=False,
        connected_at=None,
        disconnected_at=None,
        last_seen_at=None,
        booted_at=None,
        created_at=work.now,
        updated_at=work.now,
    )
