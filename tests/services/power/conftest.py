import pytest

from ampyard.services.backend import Backend
from tests.services.power.yards import Yard, new_power_yard


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    """A depot of the test's own, in which every EVSE charges."""
    return await new_power_yard(backend)
