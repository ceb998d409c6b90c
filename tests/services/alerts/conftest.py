import pytest

from ampyard.services.backend import Backend
from tests.services.alerts.watch import Watch, watch


@pytest.fixture
async def here(backend: Backend) -> Watch:
    """A tenant of the test's own, and what it is watched by."""
    return await watch(backend)
