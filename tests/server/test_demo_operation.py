"""The demo's operation: made once, and vehicles on the runs of the coming week whenever it starts."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ampyard.domain.access import Role, Scope
from ampyard.repositories.access import RoleGrants
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.server.demo import demo_spec
from ampyard.server.demo_operation import set_up_operation
from ampyard.services.access import UserGrants
from ampyard.services.backend import Backend
from ampyard.services.seeding import seed
from tests.fleet import user

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


async def test_a_week_of_operation_is_there_after_every_start(backend: Backend) -> None:
    backend = replace(backend, clock=lambda: MONDAY)
    seeded = await seed(backend, replace(demo_spec(), slug=f"demo-{uuid.uuid4().hex[:8]}", party_id="DMO"), lambda _: None)
    told: list[str] = []

    await set_up_operation(backend, seeded.tenant_id, told.append)
    await set_up_operation(backend, seeded.tenant_id, told.append)

    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        blocks = {block.id: block for block in await Blocks(snapshot).where()}
        assignments = await Assignments(snapshot).where()
        grants = await RoleGrants(snapshot).where()
    # Eleven tours on workdays, nine lines every day; none twice.
    assert len(blocks) == 20
    assert len(assignments) == 11 * 5 + 9 * 7
    assert len({(assignment.vehicle_id, assignment.day) for assignment in assignments}) == len(assignments)
    assert sorted(grant.role for grant in grants) == [Role.DISPATCHER] * 2 + [Role.OWNER] + [Role.VIEWER] * 2
    assert told == [
        f"Dispatch: {11 * 5 + 9 * 7} vehicles assigned to the runs of the coming week.",
        "Dispatch: 0 vehicles assigned to the runs of the coming week.",
    ]

    # The next morning one more day is in reach.
    tomorrow = replace(backend, clock=lambda: MONDAY + timedelta(days=1))
    await set_up_operation(tomorrow, seeded.tenant_id, told.append)
    assert told[-1] == f"Dispatch: {11 + 9} vehicles assigned to the runs of the coming week."


async def test_its_dispatchers_reach_their_own_depot(backend: Backend) -> None:
    seeded = await seed(backend, replace(demo_spec(), slug=f"demo-{uuid.uuid4().hex[:8]}", party_id="DMP"), lambda _: None)
    await set_up_operation(backend, seeded.tenant_id, lambda _: None)
    token = replace(user(seeded.tenant_id), subject="dispatcher@hafen", scopes=frozenset())

    dispatcher = await UserGrants(backend).granted(token)

    assert dispatcher.has(Scope.DISPATCH_WRITE)
    async with backend.snapshot(dispatcher) as snapshot:
        assert len(await Blocks(snapshot).where()) == 11
