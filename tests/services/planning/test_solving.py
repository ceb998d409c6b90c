"""The solver's process: it answers, one after the other; what hangs is killed, what dies is started again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from ampyard.domain.planning import PlanNode, PlanProblem, Stay, slots
from ampyard.services.planning import solving
from ampyard.services.planning.outlook import HORIZON
from ampyard.services.planning.solving import NoPlanError, SolverProcess
from tests.services.planning import doubles
from tests.services.supplied import HOUR

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
NODE, STAY, VEHICLE = (UUID(int=number) for number in range(3))


def problem() -> PlanProblem:
    cut = slots(NOW, HORIZON)
    stay = Stay(STAY, VEHICLE, NODE, 1, NOW, NOW + 4 * HOUR, 100.0, 60.0, 80.0, 22.0, energy_kwh=20.0)
    return PlanProblem(NOW, cut, (PlanNode(NODE, None, (50.0,) * len(cut)),), (stay,), (), unmanaged_kw=(0.0,) * len(cut))


@pytest.fixture
async def solver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SolverProcess]:
    monkeypatch.setattr(solving, "_GRACE_S", 0.1)
    made = SolverProcess(f"tests.services.planning.doubles:{request.param}")
    yield made
    await made.close()


@pytest.mark.parametrize("solver", ["solve", "chat"], indirect=True)
async def test_a_plan_comes_back_as_it_was_found(solver: SolverProcess) -> None:
    expected = doubles.solve(problem(), time_limit_s=1)
    assert await solver.solve(problem(), time_limit_s=1) == expected
    first = solver._process
    assert await solver.solve(problem(), time_limit_s=1) == expected
    assert solver._process is first is not None


@pytest.mark.parametrize("solver", ["hang"], indirect=True)
async def test_a_solver_that_does_not_answer_is_killed(solver: SolverProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "_START_S", 2.0)
    with pytest.raises(NoPlanError, match="has not answered within"):
        await solver.solve(problem(), time_limit_s=0.1)
    assert solver._process is None


@pytest.mark.parametrize("solver", ["die"], indirect=True)
async def test_a_solver_that_dies_is_started_again(solver: SolverProcess) -> None:
    for _ in range(2):
        with pytest.raises(NoPlanError, match="ended before it had answered"):
            await solver.solve(problem(), time_limit_s=1)
    solver._solve = "tests.services.planning.doubles:solve"
    assert (await solver.solve(problem(), time_limit_s=1)).stays


@pytest.mark.parametrize("solver", ["fail"], indirect=True)
async def test_what_went_wrong_is_logged_and_not_told(solver: SolverProcess, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NoPlanError, match=r"^The planner failed; the log tells more\.$"):
        await solver.solve(problem(), time_limit_s=1)
    assert "RuntimeError: secret" in caplog.text
