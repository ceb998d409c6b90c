import pytest

from ampyard.services.backend import Backend
from tests.services.planning.yards import PlannedYard, planned_yard


@pytest.fixture
async def yard(backend: Backend) -> PlannedYard:
    return await planned_yard(backend)
