"""Resource groups: a tree with members, which is removed only when nothing hangs on it."""

import uuid
from dataclasses import replace

from sqlalchemy import select

from ampyard.domain.access import Role
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.resource_groups import MemberKind, ResourceGroup
from ampyard.repositories import tables
from ampyard.repositories.access import ResourceGroups, group_parents
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.repositories.resource_groups import containing
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import resource_groups
from ampyard.services.resource_groups import Member
from tests.services.admin import Tenant


async def group(tenant: Tenant, name: str, parent: ResourceGroup | None = None) -> ResourceGroup:
    return await resource_groups.create_group(tenant.backend, tenant.owner, name=name, parent_id=None if parent is None else parent.id)


async def one_of_each(tenant: Tenant) -> list[Member]:
    async with tenant.snapshot() as snapshot:
        return [
            (MemberKind.DEPOT, (await Depots(snapshot).where())[0].id),
            (MemberKind.CHARGE_POINT, (await ChargePoints(snapshot).where())[0].id),
            (MemberKind.VEHICLE, (await Vehicles(snapshot).where())[0].id),
        ]


async def members_of(tenant: Tenant, found: ResourceGroup) -> set[uuid.UUID]:
    column = tables.resource_group_member.c
    async with tenant.snapshot() as snapshot:
        members = await snapshot.fetch(
            select(column.depot_id, column.charge_point_id, column.vehicle_id).where(column.resource_group_id == found.id)
        )
    return {of for member in members for of in member if of is not None}


async def test_a_group_is_made_edited_moved_and_removed(tenant: Tenant) -> None:
    north, south = await group(tenant, "North"), await group(tenant, "South")
    made = await resource_groups.create_group(tenant.backend, tenant.owner, name=" Harbour ", description="Quay", parent_id=north.id)
    edited = await resource_groups.edit_group(tenant.backend, tenant.owner, made.id, name="Port", description=None)
    moved = await resource_groups.move_group(tenant.backend, tenant.owner, made.id, parent_id=south.id)
    async with tenant.snapshot() as snapshot:
        assert await group_parents(snapshot) == {north.id: None, south.id: None, made.id: south.id}

    await resource_groups.remove_group(tenant.backend, tenant.owner, made.id)

    assert (made.name, made.parent_id) == ("Harbour", north.id)
    assert edited == replace(made, name="Port", description=None)
    assert moved == replace(edited, parent_id=south.id)
    async with tenant.snapshot() as snapshot:
        assert {one.name for one in await ResourceGroups(snapshot).where()} == {"North", "South"}
    assert [record.action for record in await tenant.audited()][2:] == [
        "resource_group.create",
        "resource_group.edit",
        "resource_group.move",
        "resource_group.remove",
    ]


async def test_what_makes_no_tree_is_refused(tenant: Tenant) -> None:
    north = await group(tenant, "North")
    below = await group(tenant, "Below", north)
    nobody = uuid.UUID(int=7)
    attempts: list[tuple[object, type[DomainError], str]] = [
        (resource_groups.move_group(tenant.backend, tenant.owner, north.id, parent_id=below.id), InvalidInputError, "cannot come below"),
        (resource_groups.move_group(tenant.backend, tenant.owner, north.id, parent_id=nobody), NotFoundError, "no such resource group"),
        (resource_groups.create_group(tenant.backend, tenant.owner, name="North"), ConflictError, "'North' there already"),
        (resource_groups.create_group(tenant.backend, tenant.owner, name="  "), InvalidInputError, "0 characters; give 1 to 100"),
        (resource_groups.edit_group(tenant.backend, tenant.owner, north.id, description="x" * 501), InvalidInputError, "501 characters"),
        (resource_groups.create_group(tenant.backend, tenant.having(Role.OPERATOR), name="New"), ForbiddenError, "access:write"),
        (resource_groups.remove_group(tenant.backend, tenant.owner, north.id), ConflictError, "The group has groups, members, grants"),
        (
            resource_groups.remove_group(tenant.backend, tenant.owner, north.id, move_content_up=True),
            ConflictError,
            "no group above this one",
        ),
    ]
    for attempt, error, match in attempts:
        async with tenant.refused(error, match):
            await attempt  # type: ignore[misc]  # coroutines of different results


async def test_members_come_and_go_and_twice_is_once(tenant: Tenant) -> None:
    north, members = await group(tenant, "North"), await one_of_each(tenant)

    for _ in range(2):
        await resource_groups.add_to_group(tenant.backend, tenant.owner, north.id, members)
        assert await members_of(tenant, north) == {member for _, member in members}
    for _ in range(2):
        await resource_groups.remove_from_group(tenant.backend, tenant.owner, north.id, members[:2])
        assert await members_of(tenant, north) == {members[2][1]}

    assert [record.detail["changed"] for record in await tenant.audited() if "changed" in record.detail] == [3, 0, 2, 0]


async def test_what_is_not_there_does_not_become_a_member(tenant: Tenant) -> None:
    north, members = await group(tenant, "North"), await one_of_each(tenant)
    for kind, name in ((MemberKind.DEPOT, "depot"), (MemberKind.CHARGE_POINT, "charge point"), (MemberKind.VEHICLE, "vehicle")):
        async with tenant.refused(NotFoundError, f"There is no such {name}"):
            await resource_groups.add_to_group(tenant.backend, tenant.owner, north.id, [*members, (kind, uuid.UUID(int=3))])
    async with tenant.refused(InvalidInputError, "0 members; give 1 to 1000"):
        await resource_groups.add_to_group(tenant.backend, tenant.owner, north.id, [])


async def test_a_removed_groups_content_moves_up(tenant: Tenant) -> None:
    north = await group(tenant, "North")
    harbour = await group(tenant, "Harbour", north)
    quay, members = await group(tenant, "Quay", harbour), await one_of_each(tenant)
    await resource_groups.add_to_group(tenant.backend, tenant.owner, harbour.id, members)
    await resource_groups.add_to_group(tenant.backend, tenant.owner, north.id, members[:1])

    await resource_groups.remove_group(tenant.backend, tenant.owner, harbour.id, move_content_up=True)

    assert await members_of(tenant, north) == {member for _, member in members}
    async with tenant.snapshot() as snapshot:
        assert await group_parents(snapshot) == {north.id: None, quay.id: north.id}


async def test_two_of_a_name_do_not_move_up_to_each_other(tenant: Tenant) -> None:
    north = await group(tenant, "North")
    harbour = await group(tenant, "Harbour", north)
    for parent in (north, harbour):
        await group(tenant, "Quay", parent)

    async with tenant.refused(ConflictError, "There would be two groups Quay there"):
        await resource_groups.remove_group(tenant.backend, tenant.owner, harbour.id, move_content_up=True)


async def test_a_group_with_grants_stays(tenant: Tenant) -> None:
    north = await group(tenant, "North")
    await tenant.grant(await tenant.user(), Role.VIEWER, north.id)

    async with tenant.refused(ConflictError, "grants or keys"):
        await resource_groups.remove_group(tenant.backend, tenant.owner, north.id)


async def test_what_is_in_a_depot_is_in_its_groups(tenant: Tenant) -> None:
    north, south, members = await group(tenant, "North"), await group(tenant, "South"), await one_of_each(tenant)
    await resource_groups.add_to_group(tenant.backend, tenant.owner, north.id, members[:1])
    await resource_groups.add_to_group(tenant.backend, tenant.owner, south.id, members[1:2])

    async with tenant.snapshot() as snapshot:
        found = [await containing(snapshot, kind, member) for kind, member in members]

    assert found == [{north.id}, {north.id, south.id}, {north.id}]
